metadata description = 'The app\'s permissions in one subscription: a custom role with exactly the actions that it uses, and its assignment.'

targetScope = 'subscription'

@description('Required. Object ID of the app\'s identity.')
param principalId string

@description('Required. Suffix that distinguishes this installation\'s resources from another\'s.')
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

@description('Resource ID of the role.')
output roleId string = role.id
