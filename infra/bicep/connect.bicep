metadata name = 'Azure Backup Retry: connect a subscription'
metadata description = 'Run once for every subscription with vaults, after the code is deployed: rights, alerts and events.'

targetScope = 'subscription'

@description('Required. Azure region of what is made here.')
param location string = deployment().location

@description('Optional. Resource group for the alerts\' resources, created when it is missing.')
param resourceGroupName string = 'rg-backup-retry-signals'

@description('Optional. Tags of every resource.')
param tags object = {}

@description('Required. Resource id of the function app: output functionAppId of main.bicep.')
param functionAppId string

@description('Required. Object id of the app\'s identity: output identityPrincipalId of main.bicep.')
param identityPrincipalId string

@description('Optional. Give the identity its role in this subscription; false where a management group gives it already.')
param assignRole bool = true

@description('Optional. Send Azure Backup\'s built-in alerts of this subscription to the app.')
param alertsEnabled bool = true

@description('Optional. Address of the webhook with its key, where this deployment may not read the function app\'s key: in another tenant.')
@secure()
param webhookUri string = ''

@description('Optional. The Entra application that guards the webhook: objectId, identifierUri, tenantId. Null: the key alone does.')
param secureWebhook entraApplication?

@description('Optional. Workspace with the vaults\' diagnostics, for a log search alert; empty: none.')
param vaultWorkspaceId string = ''

@description('Optional. Vaults, of either kind, whose health metric is watched.')
param healthWatchedVaultIds string[] = []

@description('Optional. Name of the custom topic, to deliver its events to the app; empty: nothing about it is changed.')
param topicName string = ''

@description('Optional. Resource id of the storage account for dead letters; goes with topicName.')
param storageAccountId string = ''

@description('Optional. Event types on the custom topic, besides our own, that the app is told of.')
param furtherEventTypes string[] = []

@description('Optional. Tell the app of backups that Resource Manager refused, through the subscription\'s system topic.')
param failedActionsEnabled bool = false

@description('Optional. Name of the subscription\'s system topic; Azure allows one, so name the existing one where there is one.')
param systemTopicName string = 'evgt-backup-retry-subscription'

@description('Optional. Resource group of the subscription\'s system topic.')
param systemTopicResourceGroupName string = resourceGroupName

@description('An Entra application that guards a webhook.')
type entraApplication = {
  @description('Object id of the application (not of its service principal).')
  objectId: string

  @description('Application ID URI, such as api://<client id>.')
  identifierUri: string

  @description('Tenant of the application.')
  tenantId: string
}

// /subscriptions/{2}/resourceGroups/{4}/providers/Microsoft.Web/sites/{8}
var appPath = split(functionAppId, '/')

resource group 'Microsoft.Resources/resourceGroups@2025-04-01' = {
  name: resourceGroupName
  location: location
  tags: tags
}

resource app 'Microsoft.Web/sites@2024-11-01' existing = {
  name: appPath[8]
  scope: resourceGroup(appPath[2], appPath[4])

  // Its own key: it opens this function and no other.
  resource alerts 'functions' existing = {
    name: 'alerts'
  }
}

module role 'modules/backup-role.bicep' = if (assignRole) {
  name: 'backup-retry-role'
  params: {
    principalId: identityPrincipalId
  }
}

module alertsIn 'modules/alerts-in.bicep' = if (alertsEnabled) {
  name: 'backup-retry-alerts-in'
  scope: group
  params: {
    tags: tags
    webhookUri: empty(webhookUri)
      ? 'https://${app.properties.defaultHostName}/api/alerts?code=${app::alerts.listKeys().default}'
      : webhookUri
    secureWebhook: secureWebhook
  }
}

module vaultAlerts 'modules/vault-alerts.bicep' = if (alertsEnabled) {
  name: 'backup-retry-vault-alerts'
  scope: group
  params: {
    location: location
    tags: tags
    actionGroupId: alertsIn!.outputs.actionGroupId
    workspaceId: vaultWorkspaceId
    vaultIds: healthWatchedVaultIds
  }
}

module topicSubscription 'modules/topic-subscription.bicep' = if (!empty(topicName)) {
  name: 'backup-retry-topic-subscription'
  scope: resourceGroup(appPath[2], appPath[4])
  params: {
    topicName: topicName
    functionAppId: functionAppId
    storageAccountId: storageAccountId
    furtherEventTypes: furtherEventTypes
  }
}

module failedActions 'modules/failed-actions.bicep' = if (failedActionsEnabled) {
  name: 'backup-retry-failed-actions'
  scope: resourceGroup(systemTopicResourceGroupName)
  params: {
    systemTopicName: systemTopicName
    tags: tags
    functionAppId: functionAppId
  }
  dependsOn: [group]
}

@description('What the identity may do here.')
output roleId string = assignRole ? role!.outputs.roleId : ''
