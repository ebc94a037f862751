metadata name = 'Azure Backup Retry: connect a subscription'
metadata description = 'Deployed to each subscription with vaults, after the code: permissions, alerts and events.'

targetScope = 'subscription'

@description('Optional. Azure region of the resources. Default: that of the deployment. Example: northeurope')
param location string = deployment().location

@description('Optional. An existing resource group for the action group and rules. Default: rg-backup-retry-signals-<installation> is created. Example: rg-monitoring')
param resourceGroupName string = ''

@description('Optional. Tags of every resource. Default: none. Example: { costCenter: \'4711\' }')
param tags object = {}

@description('Required. Resource ID of the function app: output functionAppId of main.bicep. Example: /subscriptions/<id>/resourceGroups/rg-backup-retry/providers/Microsoft.Web/sites/func-backup-retry-<installation>')
param functionAppId string

@description('Required. Object ID of the app\'s identity: output identityPrincipalId of main.bicep. Example: 44444444-4444-4444-4444-444444444444')
param identityPrincipalId string

@description('Optional. Assign the identity its role in this subscription; false if it is assigned at a management group. Default: true. Example: false')
param assignRole bool = true

@description('Optional. Send Azure Backup\'s built-in alerts of this subscription to the app. Default: true. Example: false')
param alertsEnabled bool = true

@description('Optional. Address of the webhook with its key, for a deployment in another tenant, which cannot read the function app\'s key. Default: none. Example: https://<app>/api/alerts?code=<key>')
@secure()
param webhookUri string = ''

@description('Optional. The Entra application that protects the webhook: objectId, identifierUri, tenantId. Without it only the key does. Default: none. Example: { objectId: \'<id>\', identifierUri: \'api://<client id>\', tenantId: \'<id>\' }')
param secureWebhook entraApplication?

@description('Optional. Workspace with the vaults\' diagnostics, for a log search alert rule; used only if it is in this subscription. Default: none. Example: /subscriptions/<id>/resourceGroups/rg-logs/providers/Microsoft.OperationalInsights/workspaces/log-vaults')
param vaultWorkspaceId string = ''

@description('Optional. Recovery Services vaults and Backup vaults whose health metric is monitored; those of other subscriptions are skipped. Default: none. Example: /subscriptions/<id>/resourceGroups/rg-backup/providers/Microsoft.RecoveryServices/vaults/vault-1')
param healthWatchedVaultIds string[] = []

@description('Optional. Name of the custom topic whose events are delivered to the app: output topicName of main.bicep. Without it the topic\'s subscription is not changed. Default: none. Example: evgt-backup-retry-<installation>')
param topicName string = ''

@description('Optional. Resource ID of the storage account for dead letters; required with topicName. Default: none. Example: /subscriptions/<id>/resourceGroups/rg-backup-retry/providers/Microsoft.Storage/storageAccounts/stbackupretry<hash>')
param storageAccountId string = ''

@description('Optional. More event types on the custom topic that are delivered to the app. Default: none. Example: Contoso.BackupFailed')
param furtherEventTypes string[] = []

@description('Optional. Report backup requests that Resource Manager rejected, through the subscription\'s system topic. Default: false. Example: true')
param failedActionsEnabled bool = false

@description('Optional. Name of the subscription\'s existing system topic: Azure allows only one. It is used unchanged. Default: one is created. Example: evgt-platform')
param systemTopicName string = ''

@description('Optional. Resource group of that system topic. Default: that of the action group. Example: rg-events')
param systemTopicResourceGroupName string = ''

@description('An Entra application that protects a webhook.')
type entraApplication = {
  @description('Object ID of the application (not of its service principal).')
  objectId: string

  @description('Application ID URI, such as api://<client id>.')
  identifierUri: string

  @description('Tenant of the application.')
  tenantId: string
}

// /subscriptions/{2}/resourceGroups/{4}/providers/Microsoft.Web/sites/{8}
var appPath = split(functionAppId, '/')

// In the names of all resources in shared places, so that two installations can be connected to one subscription. The name of an app
// from main.bicep ends in a hash.
var installation = replace(toLower(appPath[8]), 'func-backup-retry-', '')
var allTags = union(tags, { 'backup-retry-installation': installation })

var signalsGroupName = empty(resourceGroupName) ? 'rg-backup-retry-signals-${installation}' : resourceGroupName

// Every connected subscription gets the same lists.
var here = toLower('${subscription().id}/')
var workspaceHere = startsWith(toLower(vaultWorkspaceId), here) ? vaultWorkspaceId : ''
var vaultsHere = filter(healthWatchedVaultIds, vaultId => startsWith(toLower(vaultId), here))

var keyIsRead = alertsEnabled && empty(webhookUri)

// Created even when it stays empty: Azure looks for a module's group whether or not the module is deployed
// (https://github.com/Azure/bicep/issues/11463). An existing one is not deployed, because that would overwrite its tags.
resource group 'Microsoft.Resources/resourceGroups@2025-04-01' = if (empty(resourceGroupName)) {
  name: signalsGroupName
  location: location
  tags: allTags
}

// A customer in another tenant cannot read the app, and does not need to.
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
    // Evaluated even if this module is not deployed, hence the condition (https://github.com/Azure/bicep/issues/8022).
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
