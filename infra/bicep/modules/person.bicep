metadata description = 'Role assignments of a user or group in the app\'s resource group. The app\'s own permissions are in roles.bicep.'

@description('Required. Object ID of the user or group.')
param principalId string

@description('Required. true: read and operate (pause, retry, approve). false: read.')
param mayOperate bool

@description('Required. Resource ID of the role of app-reader-role.bicep.')
param appReaderRoleId string

@description('Required. Name of the storage account.')
param storageAccountName string

// https://learn.microsoft.com/azure/role-based-access-control/built-in-roles
var storageTableDataContributor = '0a9a7e1f-b9d0-4cc4-a60d-0319b160aaa3'
var storageTableDataReader = '76199698-9eea-4c19-bc75-cec21354c6b6'
var monitoringReader = '43d0d8ad-25c7-4714-9337-8ba303b4e57c'
var ledgerRole = mayOperate ? storageTableDataContributor : storageTableDataReader

resource account 'Microsoft.Storage/storageAccounts@2025-06-01' existing = {
  name: storageAccountName
}

// No principalType: Azure detects whether it is a user or a group.
resource onLedger 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(account.id, principalId, ledgerRole)
  scope: account
  properties: {
    principalId: principalId
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', ledgerRole)
  }
}

// Log lines, alert rules, workbook.
resource onMonitoring 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(resourceGroup().id, principalId, monitoringReader)
  properties: {
    principalId: principalId
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', monitoringReader)
  }
}

resource onApp 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(resourceGroup().id, principalId, appReaderRoleId)
  properties: {
    principalId: principalId
    roleDefinitionId: appReaderRoleId
  }
}
