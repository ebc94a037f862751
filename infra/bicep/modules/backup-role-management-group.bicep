metadata description = 'backup-role.bicep for all subscriptions of a management group at once.'

targetScope = 'managementGroup'

@description('Required. Object ID of the app\'s identity.')
param principalId string

@description('Required. Suffix that distinguishes this installation\'s resources from another\'s.')
param installation string

var actions = objectKeys(loadJsonContent('../backup-actions.json'))

resource role 'Microsoft.Authorization/roleDefinitions@2022-04-01' = {
  name: guid(managementGroup().id, 'backup-retry-operator', installation)
  properties: {
    roleName: 'Backup Retry Operator (${managementGroup().name}, ${installation})'
    type: 'CustomRole'
    assignableScopes: [managementGroup().id]
    permissions: [
      {
        actions: actions
        notActions: []
      }
    ]
  }
}

resource assignment 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(managementGroup().id, principalId, role.id)
  properties: {
    principalId: principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: role.id
  }
}

@description('Resource ID of the role.')
output roleId string = role.id
