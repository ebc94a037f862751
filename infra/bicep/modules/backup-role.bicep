metadata description = 'What the app may do in one subscription: a custom role of exactly the actions that it uses, and its assignment.'

targetScope = 'subscription'

@description('Required. Object id of the app\'s identity.')
param principalId string

@description('Required. What tells this installation\'s resources from another\'s.')
param installation string

var actions = objectKeys(loadJsonContent('../backup-actions.json'))

// A custom role's display name is unique in the tenant, its definition belongs to the subscription.
resource role 'Microsoft.Authorization/roleDefinitions@2022-04-01' = {
  name: guid(subscription().id, 'backup-retry-operator', installation)
  properties: {
    roleName: 'Backup Retry Operator (${subscription().subscriptionId}, ${installation})'
    type: 'CustomRole'
    assignableScopes: [subscription().id]
    permissions: [
      {
        actions: actions
        notActions: []
      }
    ]
  }
}

resource assignment 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(subscription().id, principalId, role.id)
  properties: {
    principalId: principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: role.id
  }
}

@description('Resource id of the role.')
output roleId string = role.id
