metadata name = 'Azure Backup Retry: delegation to a service provider'
metadata description = 'Deployed by a customer in each subscription: it gives the provider\'s identity access to the vaults there.'

targetScope = 'subscription'

@description('Required. Tenant of the service provider. Example: 22222222-2222-2222-2222-222222222222')
param managingTenantId string

@description('Required. Object ID, in the provider\'s tenant, of the app\'s identity or of a group that it belongs to. Example: 44444444-4444-4444-4444-444444444444')
param principalId string

@description('Optional. Name shown to the customer in the portal under Service providers. Default: Azure Backup Retry. Example: Contoso backup operations')
param offerName string = 'Azure Backup Retry'

// Lighthouse supports built-in roles only. Backup Operator is the smallest that can start a backup; it can also restore. It can read neither
// a Backup vault's jobs nor the tags of protected resources; Reader can.
// https://learn.microsoft.com/azure/lighthouse/concepts/tenants-users-roles#role-support-for-azure-lighthouse
var roles = {
  backupOperator: '00c29273-979b-4161-815c-10b084fb9324'
  reader: 'acdd72a7-3385-48ef-bd42-f606fba81ae7'
}

resource offer 'Microsoft.ManagedServices/registrationDefinitions@2022-10-01' = {
  name: guid(subscription().id, managingTenantId, offerName)
  properties: {
    registrationDefinitionName: offerName
    managedByTenantId: managingTenantId
    authorizations: [
      {
        principalId: principalId
        principalIdDisplayName: offerName
        roleDefinitionId: roles.backupOperator
      }
      {
        principalId: principalId
        principalIdDisplayName: offerName
        roleDefinitionId: roles.reader
      }
    ]
  }
}

resource delegation 'Microsoft.ManagedServices/registrationAssignments@2022-10-01' = {
  name: guid(subscription().id, offer.id)
  properties: {
    registrationDefinitionId: offer.id
  }
}

@description('Resource ID of the delegation; deleting it ends the access.')
output delegationId string = delegation.id
