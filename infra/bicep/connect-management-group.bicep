metadata name = 'Azure Backup Retry: permissions in a management group'
metadata description = 'One role and one assignment for all subscriptions below; then connect each with assignRole=false.'

targetScope = 'managementGroup'

@description('Required. Object ID of the app\'s identity: output identityPrincipalId of main.bicep. Example: 44444444-4444-4444-4444-444444444444')
param identityPrincipalId string

@description('Required. Suffix that distinguishes this installation\'s role from another\'s: output installation of main.bicep. Example: bzsumi5vdppug')
param installation string

module role 'modules/backup-role-management-group.bicep' = {
  name: 'backup-retry-role'
  params: {
    principalId: identityPrincipalId
    installation: installation
  }
}

@description('The role of the identity below this management group.')
output roleId string = role.outputs.roleId
