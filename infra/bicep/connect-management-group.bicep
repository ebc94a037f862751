metadata name = 'Azure Backup Retry: rights in a management group'
metadata description = 'One role and one assignment for every subscription below; then connect each of them with assignRole=false.'

targetScope = 'managementGroup'

@description('Required. Object id of the app\'s identity: output identityPrincipalId of main.bicep.')
param identityPrincipalId string

module role 'modules/backup-role-management-group.bicep' = {
  name: 'backup-retry-role'
  params: {
    principalId: identityPrincipalId
  }
}

@description('What the identity may do below this management group.')
output roleId string = role.outputs.roleId
