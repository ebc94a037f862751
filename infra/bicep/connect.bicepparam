// The outputs of main.bicep and more parameters, from the environment of azd or of infra/connect.sh.
using 'connect.bicep'

param location = readEnvironmentVariable('AZURE_LOCATION')
param functionAppId = readEnvironmentVariable('functionAppId')
param identityPrincipalId = readEnvironmentVariable('identityPrincipalId')
param topicName = readEnvironmentVariable('topicName', '')
param storageAccountId = readEnvironmentVariable('storageAccountId', '')

param resourceGroupName = readEnvironmentVariable('SIGNALS_RESOURCE_GROUP_NAME', '')
param assignRole = bool(readEnvironmentVariable('ASSIGN_ROLE', 'true'))
param alertsEnabled = bool(readEnvironmentVariable('ALERTS_ENABLED', 'true'))
param webhookUri = readEnvironmentVariable('WEBHOOK_URI', '')
param secureWebhook = empty(readEnvironmentVariable('SECURE_WEBHOOK_OBJECT_ID', ''))
  ? null
  : {
      objectId: readEnvironmentVariable('SECURE_WEBHOOK_OBJECT_ID', '')
      identifierUri: 'api://${readEnvironmentVariable('SECURE_WEBHOOK_CLIENT_ID', '')}'
      tenantId: readEnvironmentVariable('AZURE_TENANT_ID', '')
    }
param vaultWorkspaceId = readEnvironmentVariable('VAULT_WORKSPACE_ID', '')
param healthWatchedVaultIds = filter(
  map(split(readEnvironmentVariable('HEALTH_WATCHED_VAULT_IDS', ''), ','), vaultId => trim(vaultId)),
  vaultId => !empty(vaultId)
)
param failedActionsEnabled = bool(readEnvironmentVariable('FAILED_ACTIONS_ENABLED', 'false'))
param systemTopicName = readEnvironmentVariable('SYSTEM_TOPIC_NAME', '')
param systemTopicResourceGroupName = readEnvironmentVariable('SYSTEM_TOPIC_RESOURCE_GROUP_NAME', '')
