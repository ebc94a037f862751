metadata name = 'Azure Backup Retry: rights in a management group'
metadata description = 'One role and one assignment for every subscription below; then connect each of them with assignRole=false.'

targetScope = 'managementGroup'

@description('Required. Object id of the app\'s identity: output identityPrincipalId of main.bicep. Example: 44444444-4444-4444-4444-444444444444')
param identityPrincipalId string

@description('Required. What tells this installation\'s role from another\'s: output installation of main.bicep. Example: bzsumi5vdppug')
param installation string

module role 'modules/backup-role-management-group.bicep' = {
  name: 'backup-retry-role'
  params: {
    principalId: identityPrincipalId
    installation: installation
  }
}

@description('What the identity may do below this management group.')
output roleId string = role.outputs.roleId
