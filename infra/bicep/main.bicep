metadata name = 'Azure Backup Retry'
metadata description = 'The function app and all its resources. connect.bicep then connects it to a subscription with vaults.'

targetScope = 'subscription'

@description('Required. Name of this installation; resource names derive from it, and azd finds the installation by it. Example: backup-retry')
@minLength(1)
@maxLength(32)
param environmentName string

@description('Required. Azure region. Allowed: regions with Flex Consumption at the time of writing, and those of the sovereign clouds; infra/preprovision asks Azure (az functionapp list-flexconsumption-locations). Example: northeurope')
@allowed([
  'australiaeast'
  'australiasoutheast'
  'brazilsouth'
  'canadacentral'
  'centralindia'
  'centralus'
  'chinaeast2'
  'chinaeast3'
  'chinanorth2'
  'chinanorth3'
  'eastasia'
  'eastus'
  'eastus2'
  'francecentral'
  'germanywestcentral'
  'italynorth'
  'japaneast'
  'koreacentral'
  'northcentralus'
  'northeurope'
  'norwayeast'
  'southafricanorth'
  'southcentralus'
  'southeastasia'
  'southindia'
  'spaincentral'
  'swedencentral'
  'uaenorth'
  'uksouth'
  'ukwest'
  'usgovarizona'
  'usgovtexas'
  'usgovvirginia'
  'westcentralus'
  'westeurope'
  'westus'
  'westus2'
  'westus3'
])
@metadata({ azd: { type: 'location' } })
param location string

@description('Optional. Resource group, created if it does not exist. Default: rg-<environmentName>. Example: rg-monitoring')
param resourceGroupName string = 'rg-${environmentName}'

@description('Optional. Tags of every resource. Default: none. Example: { costCenter: \'4711\' }')
param tags object = {}

@description('Optional. Application settings of the app. Omitted or empty settings have the default in the README; an empty LOOK_BACK_SCHEDULE switches the look back off. Default: none. Example: { MAX_ATTEMPTS: \'2\', DRY_RUN: \'true\' }')
param settings retrySettings = {}

@description('Optional. Instance memory in MB: 512, 2048 or 4096. Default: 2048. Example: 4096')
@allowed([512, 2048, 4096])
param instanceMemoryMB int = 2048

@description('Optional. Maximum number of instances. Default: 40. Example: 100')
@minValue(40)
@maxValue(1000)
param maximumInstanceCount int = 40

@description('Optional. Alerts that one instance processes at once. Azure\'s default for Python is 1, and forty alerts would start forty instances. Default: 16. Example: 32')
@minValue(1)
@maxValue(1000)
param httpConcurrency int = 16

@description('Optional. Always-ready instances for alerts and the status page. Default: 0. Example: 1')
@minValue(0)
@maxValue(20)
param alwaysReadyHttp int = 0

@description('Optional. Always-ready instances for Event Grid events. Default: 0. Example: 1')
@minValue(0)
@maxValue(20)
param alwaysReadyEvents int = 0

@description('Optional. Spread the plan over availability zones, if the region has them; use it with storageSku Standard_ZRS. Default: false. Example: true')
param zoneRedundant bool = false

@description('Optional. Replication of the ledger\'s storage account: Standard_LRS, _ZRS, _GRS or _GZRS. Azure limits later changes. Default: Standard_LRS. Example: Standard_ZRS')
@allowed(['Standard_LRS', 'Standard_ZRS', 'Standard_GRS', 'Standard_GZRS'])
param storageSku string = 'Standard_LRS'

@description('Optional. Allow access to the storage account through private endpoints only, in a virtual network that is created for it. Default: false. Example: true')
param vnetEnabled bool = false

@description('Optional. Address space of that virtual network, at least a /26. Default: 10.20.0.0/24. Example: 10.30.0.0/26')
param vnetAddressPrefix string = '10.20.0.0/24'

@description('Optional. With vnetEnabled: public IPv4 addresses or ranges that may still reach the storage account, for example of an office, to run backup-retry from there. Write a single address without /32. Default: none. Example: 203.0.113.7, 198.51.100.0/24')
param allowedAddresses string[] = []

@description('Optional. The deploying user may operate the app: read its ledger, pause, retry. Default: true. Example: false')
param deployerIsOperator bool = true

@description('Optional. Object IDs of more users or groups that may operate the app. Default: none. Example: 77777777-7777-7777-7777-777777777777')
param operatorPrincipalIds string[] = []

@description('Optional. Object IDs of users or groups with read-only access to ledger, log lines and settings. Default: none. Example: 88888888-8888-8888-8888-888888888888')
param readerPrincipalIds string[] = []

@description('Optional. E-mail addresses that are notified when action is required; a Teams channel has an address, too. Default: none. Example: backup-team@example.com')
param operatorEmails string[] = []

@description('Optional. Where each alert about the app goes besides: teams, slack, webhook; each wants its address below (docs/integrations.md). The parameter file names those whose address is set. Default: none. Example: teams')
param alertChannels ('teams' | 'slack' | 'webhook')[] = []

@description('Optional. A webhook that takes the common alert schema, such as PagerDuty\'s. Default: none. Example: https://events.pagerduty.com/integration/<key>/enqueue')
@secure()
param operatorWebhookUrl string = ''

@description('Optional. Resource ids of action groups of your own that each alert about the app calls as well, two at most. Default: none. Example: /subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/rg-monitoring/providers/Microsoft.Insights/actionGroups/ag-on-call')
@maxLength(2)
param operatorActionGroupIds string[] = []

@description('Optional. Webhook of a Teams channel or chat, of its app Workflows: a Logic App posts each alert about the app there as a card. Default: none. Example: https://<address that the workflow shows>')
@secure()
param teamsWebhookUrl string = ''

@description('Optional. Incoming webhook of a Slack channel: a Logic App posts each alert about the app there. Default: none. Example: https://hooks.slack.com/services/<key>')
@secure()
param slackWebhookUrl string = ''

@description('Optional. HEARTBEAT_URL: a monitor that is called after each complete sweep and follow-up, and alerts somebody when the calls stop (docs/integrations.md). Default: none. Example: https://hc-ping.com/<key>/backup-retry-{function}')
@secure()
param heartbeatUrl string = ''

@description('Optional. Create the alert rules about the app, but disabled. Default: false. Example: true')
param alertRulesMuted bool = false

@description('Optional. Retention of log lines in days. Default: 90. Example: 365')
@minValue(30)
@maxValue(730)
param logRetentionDays int = 90

@description('Optional. Client ID of the Entra application that users sign in to for the status page, created by infra/sign-in (docs/sign-in.md). Without it a host key opens the page. Default: none. Example: 66666666-6666-6666-6666-666666666666')
param signInClientId string = ''

@description('Optional. Client ID of the Entra application that Azure Monitor has to sign in to, created by infra/sign-in (docs/sign-in.md). Without it only the function key protects the webhook. Default: none. Example: 66666666-6666-6666-6666-666666666666')
param secureWebhookClientId string = ''

@description('Application settings of the app, by name; all values are strings, as in the README\'s table of settings.')
type retrySettings = {
  @description('When the sweep runs (NCRONTAB, UTC). Default: 0 0 5 * * *. Example: 0 30 4 * * *')
  SWEEP_SCHEDULE: string?

  @description('Minimum period that a sweep covers; the next sweep also covers a missed one. Default: 24h. Example: 48h')
  SWEEP_LOOKBACK: string?

  @description('When a short sweep looks for failures of the last two hours that no alert reported (NCRONTAB, UTC). Empty, unlike omitted: off. Default: 0 20 * * * *. Example: 0 */30 * * * *')
  LOOK_BACK_SCHEDULE: string?

  @description('Additional sweeps: a JSON array of profiles, see docs/operations.md. Default: none. Example: [{"name": "hourly", "schedule": "0 0 * * * *"}]')
  SWEEP_PROFILES: string?

  @description('Maximum duration of a sweep; the next one continues. Keep it shorter than functionTimeout in host.json. Default: 25m. Example: 10m')
  SWEEP_TIME_LIMIT: string?

  @description('inline: the sweep starts the retries. eventgrid: it publishes its findings to the topic, and all instances of the app share the work. Default: inline. Example: eventgrid')
  SWEEP_DISPATCH: string?

  @description('When open incidents are checked (NCRONTAB, UTC). Default: 0 */5 * * * *. Example: 0 */10 * * * *')
  FOLLOW_UP_SCHEDULE: string?

  @description('Wait before retry 1, 2, 3 …, counted from the preceding failure. Default: 0s, 15m, 1h. Example: 15m, 60m')
  RETRY_BACKOFF: string?

  @description('Maximum retries per incident. Default: 3. Example: 2')
  MAX_ATTEMPTS: string?

  @description('Retention of a retry\'s recovery point: that of a daily recovery point in the item\'s policy, else of a weekly one (policy), or a number of days, at least 7. Default: policy. Example: 14')
  RETENTION: string?

  @description('How long a reserved retry may stay unanswered before its worker counts as failed. Default: 5m. Example: 10m')
  CLAIM_LEASE: string?

  @description('How long a retry\'s job may take to appear before the retry counts as not started. Default: 15m. Example: 30m')
  SETTLE_AFTER: string?

  @description('Maximum clock difference between two instances of this app. Default: 10m. Example: 5m')
  CLOCK_DIFFERENCE: string?

  @description('Subscription IDs in scope; prefix with ! to exclude. Alerts and events of others are rejected. Default: all that the identity can read. Example: 11111111-1111-1111-1111-111111111111')
  SCOPE_SUBSCRIPTIONS: string?

  @description('Resource groups (of the vault or the protected resource) in scope; prefix with ! to exclude. Default: all. Example: rg-app, !rg-test')
  SCOPE_RESOURCE_GROUPS: string?

  @description('Vaults in scope, with the wildcards * and ?; prefix with ! to exclude. Default: all. Example: vault-prod-*')
  SCOPE_VAULTS: string?

  @description('Workloads in scope, by the names in the README; prefix with ! to exclude. Default: all. Example: VM, SQLDataBase')
  SCOPE_WORKLOADS: string?

  @description('Maximum retries of a VM in 24 hours. Default: 3. Example: 2')
  DAILY_CAP_VM: string?

  @description('Maximum retries of a file share in 24 hours. Default: 6. Example: 4')
  DAILY_CAP_FILES: string?

  @description('Maximum retries of a database in 24 hours. Default: 3. Example: 2')
  DAILY_CAP_DATABASES: string?

  @description('Maximum retries of any other item in 24 hours. Default: 3. Example: 2')
  DAILY_CAP_OTHERS: string?

  @description('No retry if the next scheduled backup starts within this time. Default: 1h. Example: 30m')
  SCHEDULE_MARGIN: string?

  @description('Time windows in which retries may start. Default: always. Example: 20:00-06:00')
  RETRY_HOURS: string?

  @description('Time of day after which no retry starts for a backup that began before it. Default: none. Example: 06:00')
  RETRY_DEADLINE: string?

  @description('Time zone of RETRY_HOURS and RETRY_DEADLINE, by its IANA or Windows name. Default: UTC. Example: Europe/Berlin')
  RETRY_TIME_ZONE: string?

  @description('Retry hours, attempts and deadlines for groups of items, selected by the tag backup-retry-profile: a JSON array. Default: none. Example: [{"name": "gold", "attempts": 5}]')
  RETRY_PROFILES: string?

  @description('auto, or ask: every retry waits until an operator approves it. Default: auto. Example: ask')
  RETRY_MODE: string?

  @description('If a scheduled backup was missed: tell (raise an alert), retry as after a failure, or off. Default: tell. Example: retry')
  MISSED_BACKUPS: string?

  @description('Number of items in one vault failing with the same error that counts as a failure storm: one is retried first. Default: 20. Example: 10')
  STORM_SIZE: string?

  @description('Failures within this period count towards the same storm. Default: 30m. Example: 15m')
  STORM_WINDOW: string?

  @description('Names of log search alert dimensions in addition to the built-in ones. Default: none. Example: job: RunId; vault: Vault VaultArmId')
  LOG_ALERT_DIMENSIONS: string?

  @description('Evaluate everything, start nothing: incidents record what would have been done. Default: false. Example: true')
  DRY_RUN: string?

  @description('Days to keep closed incidents and their timeline, at least 15; 0: indefinitely. Default: 90. Example: 365')
  KEEP_DAYS: string?
}

var token = uniqueString(subscription().id, environmentName, location)
var allTags = union(tags, { 'azd-env-name': environmentName })
// In one spelling, so that an ID that is listed twice is assigned once.
var operators = union(map(operatorPrincipalIds, id => toLower(id)), [])
var everybody = union(operators, map(readerPrincipalIds, id => toLower(id)))
// By Resource Manager's names; in any other cloud the app uses ARM_ENDPOINT alone.
var knownClouds = ['AzureCloud', 'AzureUSGovernment', 'AzureChinaCloud']
var packageContainerName = 'app-package'
var deadLetterContainerName = 'dead-letters'

resource group 'Microsoft.Resources/resourceGroups@2025-04-01' = {
  name: resourceGroupName
  location: location
  tags: allTags
}

module identity 'modules/identity.bicep' = {
  name: 'identity'
  scope: group
  params: {
    name: 'id-backup-retry-${token}'
    location: location
    tags: allTags
  }
}

module storage 'modules/storage.bicep' = {
  name: 'storage'
  scope: group
  params: {
    name: 'stbackupretry${take(token, 11)}'
    location: location
    tags: allTags
    sku: storageSku
    privateOnly: vnetEnabled
    allowedAddresses: allowedAddresses
    containerNames: [packageContainerName, deadLetterContainerName]
    tableNames: ['incidents', 'open', 'journal', 'control']
    deadLetterContainerName: deadLetterContainerName
  }
}

module network 'modules/network.bicep' = if (vnetEnabled) {
  name: 'network'
  scope: group
  params: {
    name: 'vnet-backup-retry-${token}'
    location: location
    tags: allTags
    addressPrefix: vnetAddressPrefix
    storageAccountId: storage.outputs.id
  }
}

module monitoring 'modules/monitoring.bicep' = {
  name: 'monitoring'
  scope: group
  params: {
    workspaceName: 'log-backup-retry-${token}'
    componentName: 'appi-backup-retry-${token}'
    location: location
    tags: allTags
    retentionDays: logRetentionDays
  }
}

module topic 'modules/topic.bicep' = {
  name: 'topic'
  scope: group
  params: {
    name: 'evgt-backup-retry-${token}'
    location: location
    tags: allTags
  }
}

// Before the app: its first start already needs them.
module roles 'modules/roles.bicep' = {
  name: 'roles'
  scope: group
  params: {
    principalId: identity.outputs.principalId
    topicPrincipalId: topic.outputs.principalId
    storageAccountName: storage.outputs.name
    deadLetterContainerName: deadLetterContainerName
    componentName: monitoring.outputs.componentName
    topicName: topic.outputs.name
  }
}

module appReaderRole 'modules/app-reader-role.bicep' = {
  name: 'app-reader-role'
  scope: group
  params: {
    installation: token
  }
}

module people 'modules/person.bicep' = [
  for id in everybody: {
    name: 'person-${id}'
    scope: group
    params: {
      principalId: id
      mayOperate: contains(operators, id)
      appReaderRoleId: appReaderRole.outputs.roleId
      storageAccountName: storage.outputs.name
    }
  }
]

module installer 'modules/person.bicep' = if (deployerIsOperator && !contains(operators, toLower(deployer().objectId))) {
  name: 'installer'
  scope: group
  params: {
    principalId: deployer().objectId
    mayOperate: true
    appReaderRoleId: appReaderRole.outputs.roleId
    storageAccountName: storage.outputs.name
  }
  // A user who is also a reader has two of the three already.
  dependsOn: [people]
}

module app 'modules/function-app.bicep' = {
  name: 'function-app'
  scope: group
  params: {
    name: 'func-backup-retry-${token}'
    planName: 'plan-backup-retry-${token}'
    location: location
    tags: allTags
    identityId: identity.outputs.id
    identityClientId: identity.outputs.clientId
    storageAccountName: storage.outputs.name
    packageContainerUrl: '${storage.outputs.blobEndpoint}${packageContainerName}'
    connectionString: monitoring.outputs.connectionString
    settings: union(settings, {
      AZURE_CLOUD: contains(knownClouds, environment().name) ? environment().name : ''
      ARM_ENDPOINT: environment().resourceManager
      LEDGER_ENDPOINT: storage.outputs.tableEndpoint
      EVENTGRID_TOPIC_ENDPOINT: topic.outputs.endpoint
      DEAD_LETTER_CONTAINER: '${storage.outputs.blobEndpoint}${deadLetterContainerName}'
    })
    heartbeatUrl: heartbeatUrl
    instanceMemoryMB: instanceMemoryMB
    maximumInstanceCount: maximumInstanceCount
    httpConcurrency: httpConcurrency
    alwaysReadyHttp: alwaysReadyHttp
    alwaysReadyEvents: alwaysReadyEvents
    zoneRedundant: zoneRedundant
    subnetId: vnetEnabled ? network!.outputs.appSubnetId : ''
    signInClientId: signInClientId
    secureWebhookClientId: secureWebhookClientId
    operatorIds: union(operators, deployerIsOperator ? [toLower(deployer().objectId)] : [])
    readerIds: map(readerPrincipalIds, id => toLower(id))
  }
  dependsOn: [roles]
}

var statusPage = 'https://${app.outputs.hostName}/api/status'

module teams 'modules/chat.bicep' = if (contains(alertChannels, 'teams')) {
  name: 'teams'
  scope: group
  params: {
    chat: 'teams'
    definition: loadJsonContent('messages/teams.json')
    webhookUrl: teamsWebhookUrl
    statusUrl: statusPage
    installation: token
    location: location
    tags: allTags
  }
}

module slack 'modules/chat.bicep' = if (contains(alertChannels, 'slack')) {
  name: 'slack'
  scope: group
  params: {
    chat: 'slack'
    definition: loadJsonContent('messages/slack.json')
    webhookUrl: slackWebhookUrl
    statusUrl: statusPage
    installation: token
    location: location
    tags: allTags
  }
}

module watch 'modules/watch.bicep' = {
  name: 'watch'
  scope: group
  params: {
    installation: token
    location: location
    tags: allTags
    workspaceId: monitoring.outputs.workspaceId
    emails: operatorEmails
    webhookEnabled: contains(alertChannels, 'webhook')
    webhookUrl: operatorWebhookUrl
    furtherActionGroupIds: operatorActionGroupIds
    teamsActionGroupId: contains(alertChannels, 'teams') ? teams!.outputs.actionGroupId : ''
    slackActionGroupId: contains(alertChannels, 'slack') ? slack!.outputs.actionGroupId : ''
    muted: alertRulesMuted
  }
}

module workbook 'modules/workbook.bicep' = {
  name: 'workbook'
  scope: group
  params: {
    location: location
    tags: allTags
    workspaceId: monitoring.outputs.workspaceId
  }
}

@description('Suffix that distinguishes this installation\'s resources from another\'s.')
output installation string = token

@description('Resource group of the app.')
output appResourceGroupName string = group.name

@description('Name of the function app, for deploying its code.')
output functionAppName string = app.outputs.name

@description('Resource ID of the function app, for connect.bicep.')
output functionAppId string = app.outputs.id

@description('Object ID of the app\'s identity, for connect.bicep.')
output identityPrincipalId string = identity.outputs.principalId

@description('Name of the custom topic, for connect.bicep.')
output topicName string = topic.outputs.name

@description('Endpoint to which other systems publish failures, with the role EventGrid Data Sender.')
output topicEndpoint string = topic.outputs.endpoint

@description('Resource ID of the storage account with the ledger and the dead letters.')
output storageAccountId string = storage.outputs.id

@description('Resource ID of the Log Analytics workspace.')
output workspaceId string = monitoring.outputs.workspaceId

@description('Resource ID of the workbook.')
output workbookId string = workbook.outputs.id

@description('Address of the health endpoint, for probes.')
output healthUrl string = 'https://${app.outputs.hostName}/api/health'

@description('Address of the status page. It requires a sign-in if signInClientId is set, otherwise a host key of the function app.')
output statusUrl string = statusPage

@description('LEDGER_ENDPOINT for the command line on an administrator\'s machine.')
output ledgerEndpoint string = storage.outputs.tableEndpoint
