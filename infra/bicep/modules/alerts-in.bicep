metadata description = 'Azure Backup\'s built-in alerts of one subscription, sent to the app\'s webhook.'

@description('Required. Suffix that distinguishes this installation\'s resources from another\'s.')
param installation string

@description('Optional. Tags of the resources.')
param tags object = {}

@description('Required. Address of the webhook, with its key.')
@secure()
param webhookUri string

@description('Optional. The Entra application that Azure Monitor signs in to; null: only the key protects the webhook.')
param secureWebhook entraApplication?

@description('Optional. Resource ID of the app\'s resource group, if it is in this subscription: alerts of its rule second-clock are sent to the webhook, too. Empty: it is in another subscription.')
param appGroupId string = ''

@description('An Entra application that protects a webhook.')
type entraApplication = {
  @description('Object ID of the application (not of its service principal).')
  objectId: string

  @description('Application ID URI, such as api://<client id>.')
  identifierUri: string

  @description('Tenant of the application.')
  tenantId: string
}

var receiver = {
  name: 'backup-retry'
  serviceUri: webhookUri
  // Azure's own default is the old schema, which the app answers with 400.
  useCommonAlertSchema: true
}

var signIn = secureWebhook == null
  ? { useAadAuth: false }
  : {
      useAadAuth: true
      objectId: secureWebhook!.objectId
      identifierUri: secureWebhook!.identifierUri
      tenantId: secureWebhook!.tenantId
    }

resource app 'Microsoft.Insights/actionGroups@2023-01-01' = {
  name: 'ag-backup-retry-${installation}'
  location: 'global'
  tags: tags
  properties: {
    groupShortName: 'bkpretryapp'
    enabled: true
    webhookReceivers: [union(receiver, signIn)]
  }
}

// Built-in alerts have no action group of their own. The rule's scope covers Recovery Services vaults and Backup vaults,
// Microsoft.RecoveryServices and Microsoft.DataProtection; it has to be in the vaults' subscription.
// https://learn.microsoft.com/azure/backup/backup-azure-monitoring-alerts
resource rule 'Microsoft.AlertsManagement/actionRules@2021-08-08' = {
  name: 'apr-backup-retry-${installation}'
  location: 'global'
  tags: tags
  properties: {
    enabled: true
    scopes: [subscription().id]
    conditions: [
      {
        field: 'MonitorService'
        operator: 'Equals'
        values: ['Azure Backup']
      }
    ]
    actions: [
      {
        actionType: 'AddActionGroups'
        actionGroupIds: [app.id]
      }
    ]
  }
}

// Starts the work of timers that have stopped; the rule itself is in watch.bicep.
resource clock 'Microsoft.AlertsManagement/actionRules@2021-08-08' = if (!empty(appGroupId)) {
  name: 'apr-backup-retry-clock-${installation}'
  location: 'global'
  tags: tags
  properties: {
    enabled: true
    scopes: [appGroupId]
    conditions: [
      {
        field: 'AlertRuleId'
        operator: 'Contains'
        values: ['backup-retry-second-clock-']
      }
    ]
    actions: [
      {
        actionType: 'AddActionGroups'
        actionGroupIds: [app.id]
      }
    ]
  }
}

@description('Resource ID of the action group, for more alert rules.')
output actionGroupId string = app.id

@description('Resource IDs of the resources created here.')
output resourceIds string[] = concat([app.id, rule.id], empty(appGroupId) ? [] : [clock.id])
