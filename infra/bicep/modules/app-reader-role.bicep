metadata description = 'A custom role for users: read the app\'s settings, for `backup-retry --app`.'

@description('Required. Suffix that distinguishes this installation\'s resources from another\'s.')
param installation string

// The settings have no secrets. The built-in roles that can read them can also change the app, and so use its permissions.
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

@description('Resource ID of the role.')
output roleId string = role.id
