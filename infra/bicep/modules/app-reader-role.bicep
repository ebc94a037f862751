metadata description = 'A custom role for people: read the app\'s settings, as `backup-retry --app` does.'

@description('Required. What tells this installation\'s resources from another\'s.')
param installation string

// No secret is among the settings. Built-in roles that may read them may change the app, too, and so act with its rights.
resource role 'Microsoft.Authorization/roleDefinitions@2022-04-01' = {
  name: guid(resourceGroup().id, 'backup-retry-app-reader', installation)
  properties: {
    roleName: 'Backup Retry App Reader (${subscription().subscriptionId}, ${installation})'
    type: 'CustomRole'
    assignableScopes: [resourceGroup().id]
    permissions: [
      {
        actions: [
          'Microsoft.Web/sites/read'
          'Microsoft.Web/sites/config/list/action'
        ]
        notActions: []
      }
    ]
  }
}

@description('Resource id of the role.')
output roleId string = role.id
