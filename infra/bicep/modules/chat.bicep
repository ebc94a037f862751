metadata description = 'A Logic App that makes a chat message of each alert about the app, and the action group that calls it.'

@description('Required. Which chat it is, in the names of both resources.')
@maxLength(8)
param chat string

@description('Required. The Logic App\'s workflow, of infra/bicep/messages.')
param definition object

@description('Required. Address of the chat\'s incoming webhook. Whoever has it may post there.')
@secure()
param webhookUrl string

@description('Required. Address of the status page, where an alert is about no incident.')
param statusUrl string

@description('Required. What tells this installation\'s resources from another\'s.')
param installation string

@description('Required. Azure region of the Logic App.')
param location string

@description('Optional. Tags of the resources.')
param tags object = {}

resource workflow 'Microsoft.Logic/workflows@2019-05-01' = {
  name: 'logic-backup-retry-${chat}-${installation}'
  location: location
  tags: tags
  properties: {
    state: 'Enabled'
    definition: definition
    parameters: {
      webhookUrl: {
        value: webhookUrl
      }
      statusUrl: {
        value: statusUrl
      }
    }
  }
}

resource group 'Microsoft.Insights/actionGroups@2023-01-01' = {
  name: 'ag-backup-retry-${chat}-${installation}'
  location: 'global'
  tags: tags
  properties: {
    groupShortName: 'br-${chat}'
    enabled: true
    logicAppReceivers: [
      {
        name: chat
        resourceId: workflow.id
        callbackUrl: listCallbackUrl('${workflow.id}/triggers/alert', workflow.apiVersion).value
        useCommonAlertSchema: true
      }
    ]
  }
}

@description('Resource id of the action group that alert rules name.')
output actionGroupId string = group.id
