metadata description = 'The managed identity of the app: for its storage, its telemetry, its topic and the vaults.'

@description('Required. Name of the user-assigned managed identity.')
param name string

@description('Required. Azure region.')
param location string

@description('Optional. Tags of the resource.')
param tags object = {}

resource identity 'Microsoft.ManagedIdentity/userAssignedIdentities@2024-11-30' = {
  name: name
  location: location
  tags: tags
}

@description('Resource ID, for the function app.')
output id string = identity.id

@description('Client ID: AZURE_CLIENT_ID of the app.')
output clientId string = identity.properties.clientId

@description('Object ID, for role assignments.')
output principalId string = identity.properties.principalId
