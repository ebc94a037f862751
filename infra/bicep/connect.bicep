metadata name = 'Azure Backup Retry: connect a subscription'
metadata description = 'Run once for every subscription with vaults, after the code is deployed: rights, alerts and events.'

targetScope = 'subscription'

@description('Optional. Azure region of what is made here. Default: that of the deployment. Example: northeurope')
param location string = deployment().location

@description('Optional. An existing resource group for the alerts\' resources. Default: one is made, rg-backup-retry-signals-<installation>. Example: rg-monitoring')
param resourceGroupName string = ''

@description('Optional. Tags of every resource. Default: none. Example: { costCenter: \'4711\' }')
param tags object = {}

@description('Required. Resource id of the function app: output functionAppId of main.bicep. Example: /subscriptions/<id>/resourceGroups/rg-backup-retry/providers/Microsoft.Web/sites/func-backup-retry-<installation>')
param functionAppId string

@description('Required. Object id of the app\'s identity: output identityPrincipalId of main.bicep. Example: 44444444-4444-4444-4444-444444444444')
param identityPrincipalId string

@description('Optional. Give the identity its role in this subscription; false where a management group gives it already. Default: true. Example: false')
param assignRole bool = true

@description('Optional. Send Azure Backup\'s built-in alerts of this subscription to the app. Default: true. Example: false')
param alertsEnabled bool = true

@description('Optional. Address of the webhook with its key, where this deployment may not read the function app\'s key: in another tenant. Default: none. Example: https://<app>/api/alerts?code=<key>')
@secure()
param webhookUri string = ''

@description('Optional. The Entra application that guards the webhook: objectId, identifierUri, tenantId. Without it the key alone does. Default: none. Example: { objectId: \'<id>\', identifierUri: \'api://<client id>\', tenantId: \'<id>\' }')
param secureWebhook entraApplication?

@description('Optional. Workspace with the vaults\' diagnostics, for a log search alert; only where it is in this subscription. Default: none. Example: /subscriptions/<id>/resourceGroups/rg-logs/providers/Microsoft.OperationalInsights/workspaces/log-vaults')
param vaultWorkspaceId string = ''

@description('Optional. Vaults, of either kind, whose health metric is watched; those of other subscriptions are passed over. Default: none. Example: /subscriptions/<id>/resourceGroups/rg-backup/providers/Microsoft.RecoveryServices/vaults/vault-1')
param healthWatchedVaultIds string[] = []

@description('Optional. Name of the custom topic, to deliver its events to the app: output topicName of main.bicep. Without it nothing about it is changed. Default: none. Example: evgt-backup-retry-<installation>')
param topicName string = ''

@description('Optional. Resource id of the storage account for dead letters; goes with topicName. Default: none. Example: /subscriptions/<id>/resourceGroups/rg-backup-retry/providers/Microsoft.Storage/storageAccounts/stbackupretry<hash>')
param storageAccountId string = ''

@description('Optional. Event types on the custom topic, besides our own, that the app is told of. Default: none. Example: Contoso.BackupFailed')
param furtherEventTypes string[] = []

@description('Optional. Tell the app of backups that Resource Manager refused, through the subscription\'s system topic. Default: false. Example: true')
param failedActionsEnabled bool = false

@description('Optional. Name of the subscription\'s system topic, where there is one: Azure allows no second. It is used as it is. Default: it is made. Example: evgt-platform')
param systemTopicName string = ''

@description('Optional. Resource group of that system topic. Default: that of the alerts\' resources. Example: rg-events')
param systemTopicResourceGroupName string = ''

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

// In the name of all that lies in a shared place, so that two installations can connect to one subscription. An app that
// main.bicep made has a hash at the end of its name.
var installation = replace(toLower(appPath[8]), 'func-backup-retry-', '')
var allTags = union(tags, { 'backup-retry-installation': installation })

var signalsGroupName = empty(resourceGroupName) ? 'rg-backup-retry-signals-${installation}' : resourceGroupName

// Each connected subscription is given the same lists.
var here = toLower('${subscription().id}/')
var workspaceHere = startsWith(toLower(vaultWorkspaceId), here) ? vaultWorkspaceId : ''
var vaultsHere = filter(healthWatchedVaultIds, vaultId => startsWith(toLower(vaultId), here))

var keyIsRead = alertsEnabled && empty(webhookUri)

// Made even when nothing goes into it: Azure looks for a module's group whether or not the module is deployed
// (https://github.com/Azure/bicep/issues/11463). One that is there already is left alone, or its tags would be written over.
resource group 'Microsoft.Resources/resourceGroups@2025-04-01' = if (empty(resourceGroupName)) {
  name: signalsGroupName
  location: location
  tags: allTags
}

// A customer in another tenant may not read the app, and has no need to.
resource app 'Microsoft.Web/sites@2024-11-01' existing = if (keyIsRead) {
  name: appPath[8]
  scope: resourceGroup(appPath[2], appPath[4])

  // Its own key: it opens this function and no other.
  resource alerts 'functions' existing = {
    name: 'alerts'
  }
}

module role 'modules/backup-role.bicep' = if (assignRole) {
  name: 'backup-retry-role-${installation}'
  params: {
    principalId: identityPrincipalId
    installation: installation
  }
}

module alertsIn 'modules/alerts-in.bicep' = if (alertsEnabled) {
  name: 'backup-retry-alerts-in-${installation}'
  scope: resourceGroup(signalsGroupName)
  params: {
    installation: installation
    tags: allTags
    webhookUri: keyIsRead
      ? 'https://${app!.properties.defaultHostName}/api/alerts?code=${app::alerts!.listKeys().default}'
      : webhookUri
    secureWebhook: secureWebhook
    // An alert processing rule sees the alerts of its own subscription.
    appGroupId: toLower(appPath[2]) == toLower(subscription().subscriptionId) ? join(take(appPath, 5), '/') : ''
  }
  dependsOn: [group]
}

module vaultAlerts 'modules/vault-alerts.bicep' = if (alertsEnabled) {
  name: 'backup-retry-vault-alerts-${installation}'
  scope: resourceGroup(signalsGroupName)
  params: {
    installation: installation
    location: location
    tags: allTags
    // Asked for even where this module is not deployed, so not without the condition (https://github.com/Azure/bicep/issues/8022).
    actionGroupId: alertsEnabled ? alertsIn!.outputs.actionGroupId : ''
    workspaceId: workspaceHere
    vaultIds: vaultsHere
  }
}

module topicSubscription 'modules/topic-subscription.bicep' = if (!empty(topicName)) {
  name: 'backup-retry-topic-subscription'
  // A group of the customer's own, where the app is in another tenant and this is not deployed.
  scope: resourceGroup(
    empty(topicName) ? subscription().subscriptionId : appPath[2],
    empty(topicName) ? signalsGroupName : appPath[4]
  )
  params: {
    topicName: topicName
    functionAppId: functionAppId
    storageAccountId: storageAccountId
    furtherEventTypes: furtherEventTypes
  }
  dependsOn: [group]
}

module failedActions 'modules/failed-actions.bicep' = if (failedActionsEnabled) {
  name: 'backup-retry-failed-actions-${installation}'
  scope: resourceGroup(empty(systemTopicResourceGroupName) ? signalsGroupName : systemTopicResourceGroupName)
  params: {
    installation: installation
    systemTopicName: systemTopicName
    tags: allTags
    functionAppId: functionAppId
  }
  dependsOn: [group]
}

@description('What the identity may do here.')
output roleId string = assignRole ? role!.outputs.roleId : ''

@description('Resource group of the alerts\' resources.')
output signalsResourceGroupName string = signalsGroupName

@description('Every resource of this installation that is to be in a shared place here; what else is there was left by a switch that is off now.')
output resourceIds string[] = union(
  alertsEnabled ? alertsIn!.outputs.resourceIds : [],
  alertsEnabled ? vaultAlerts!.outputs.resourceIds : [],
  failedActionsEnabled ? failedActions!.outputs.resourceIds : []
)
