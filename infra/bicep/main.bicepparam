// Read from the environment, so that `azd env set NAME value` changes any of them. You can also write a value here.
using 'main.bicep'

param environmentName = readEnvironmentVariable('AZURE_ENV_NAME', 'backup-retry')
param location = readEnvironmentVariable('AZURE_LOCATION')
param resourceGroupName = readEnvironmentVariable(
  'RESOURCE_GROUP_NAME',
  'rg-${readEnvironmentVariable('AZURE_ENV_NAME', 'backup-retry')}'
)
param tags = {}

// Empty: the default in the README. All values are strings.
param settings = {
  SWEEP_SCHEDULE: readEnvironmentVariable('SWEEP_SCHEDULE', '')
  SWEEP_LOOKBACK: readEnvironmentVariable('SWEEP_LOOKBACK', '')
  LOOK_BACK_SCHEDULE: readEnvironmentVariable('LOOK_BACK_SCHEDULE', '0 20 * * * *') // empty: off
  SWEEP_PROFILES: readEnvironmentVariable('SWEEP_PROFILES', '')
  SWEEP_TIME_LIMIT: readEnvironmentVariable('SWEEP_TIME_LIMIT', '')
  SWEEP_DISPATCH: readEnvironmentVariable('SWEEP_DISPATCH', '')
  FOLLOW_UP_SCHEDULE: readEnvironmentVariable('FOLLOW_UP_SCHEDULE', '')
  RETRY_BACKOFF: readEnvironmentVariable('RETRY_BACKOFF', '')
  MAX_ATTEMPTS: readEnvironmentVariable('MAX_ATTEMPTS', '')
  RETENTION: readEnvironmentVariable('RETENTION', '')
  CLAIM_LEASE: readEnvironmentVariable('CLAIM_LEASE', '')
  SETTLE_AFTER: readEnvironmentVariable('SETTLE_AFTER', '')
  CLOCK_DIFFERENCE: readEnvironmentVariable('CLOCK_DIFFERENCE', '')
  SCOPE_SUBSCRIPTIONS: readEnvironmentVariable('SCOPE_SUBSCRIPTIONS', '')
  SCOPE_RESOURCE_GROUPS: readEnvironmentVariable('SCOPE_RESOURCE_GROUPS', '')
  SCOPE_VAULTS: readEnvironmentVariable('SCOPE_VAULTS', '')
  SCOPE_WORKLOADS: readEnvironmentVariable('SCOPE_WORKLOADS', '')
  DAILY_CAP_VM: readEnvironmentVariable('DAILY_CAP_VM', '')
  DAILY_CAP_FILES: readEnvironmentVariable('DAILY_CAP_FILES', '')
  DAILY_CAP_DATABASES: readEnvironmentVariable('DAILY_CAP_DATABASES', '')
  DAILY_CAP_OTHERS: readEnvironmentVariable('DAILY_CAP_OTHERS', '')
  SCHEDULE_MARGIN: readEnvironmentVariable('SCHEDULE_MARGIN', '')
  RETRY_HOURS: readEnvironmentVariable('RETRY_HOURS', '')
  RETRY_DEADLINE: readEnvironmentVariable('RETRY_DEADLINE', '')
  RETRY_TIME_ZONE: readEnvironmentVariable('RETRY_TIME_ZONE', '')
  RETRY_PROFILES: readEnvironmentVariable('RETRY_PROFILES', '')
  RETRY_MODE: readEnvironmentVariable('RETRY_MODE', '')
  MISSED_BACKUPS: readEnvironmentVariable('MISSED_BACKUPS', '')
  STORM_SIZE: readEnvironmentVariable('STORM_SIZE', '')
  STORM_WINDOW: readEnvironmentVariable('STORM_WINDOW', '')
  LOG_ALERT_DIMENSIONS: readEnvironmentVariable('LOG_ALERT_DIMENSIONS', '')
  DRY_RUN: readEnvironmentVariable('DRY_RUN', '')
  KEEP_DAYS: readEnvironmentVariable('KEEP_DAYS', '')
}

param instanceMemoryMB = any(int(readEnvironmentVariable('INSTANCE_MEMORY_MB', '2048')))
param maximumInstanceCount = int(readEnvironmentVariable('MAXIMUM_INSTANCE_COUNT', '40'))
param httpConcurrency = int(readEnvironmentVariable('HTTP_CONCURRENCY', '16'))
param alwaysReadyHttp = int(readEnvironmentVariable('ALWAYS_READY_HTTP', '0'))
param alwaysReadyEvents = int(readEnvironmentVariable('ALWAYS_READY_EVENTS', '0'))
param zoneRedundant = bool(readEnvironmentVariable('ZONE_REDUNDANT', 'false'))
param storageSku = readEnvironmentVariable('STORAGE_SKU', 'Standard_LRS')
param vnetEnabled = bool(readEnvironmentVariable('VNET_ENABLED', 'false'))
param vnetAddressPrefix = readEnvironmentVariable('VNET_ADDRESS_PREFIX', '10.20.0.0/24')
param allowedAddresses = filter(
  map(split(readEnvironmentVariable('ALLOWED_ADDRESSES', ''), ','), each => trim(each)),
  each => !empty(each)
)
param deployerIsOperator = bool(readEnvironmentVariable('DEPLOYER_IS_OPERATOR', 'true'))
param operatorPrincipalIds = filter(
  map(split(readEnvironmentVariable('OPERATOR_PRINCIPAL_IDS', ''), ','), each => trim(each)),
  each => !empty(each)
)
param readerPrincipalIds = filter(
  map(split(readEnvironmentVariable('READER_PRINCIPAL_IDS', ''), ','), each => trim(each)),
  each => !empty(each)
)
param operatorEmails = filter(
  map(split(readEnvironmentVariable('OPERATOR_EMAILS', ''), ','), email => trim(email)),
  email => !empty(email)
)
param operatorWebhookUrl = readEnvironmentVariable('OPERATOR_WEBHOOK_URL', '')
param operatorActionGroupIds = filter(
  map(split(readEnvironmentVariable('OPERATOR_ACTION_GROUP_IDS', ''), ','), each => trim(each)),
  each => !empty(each)
)
param teamsWebhookUrl = readEnvironmentVariable('TEAMS_WEBHOOK_URL', '')
param slackWebhookUrl = readEnvironmentVariable('SLACK_WEBHOOK_URL', '')
param alertChannels = any(filter(
  [
    empty(readEnvironmentVariable('TEAMS_WEBHOOK_URL', '')) ? '' : 'teams'
    empty(readEnvironmentVariable('SLACK_WEBHOOK_URL', '')) ? '' : 'slack'
    empty(readEnvironmentVariable('OPERATOR_WEBHOOK_URL', '')) ? '' : 'webhook'
  ],
  each => !empty(each)
))
param heartbeatUrl = readEnvironmentVariable('HEARTBEAT_URL', '')
param alertRulesMuted = bool(readEnvironmentVariable('ALERT_RULES_MUTED', 'false'))
param logRetentionDays = int(readEnvironmentVariable('LOG_RETENTION_DAYS', '90'))
param signInClientId = readEnvironmentVariable('SIGN_IN_CLIENT_ID', '')
param secureWebhookClientId = readEnvironmentVariable('SECURE_WEBHOOK_CLIENT_ID', '')
