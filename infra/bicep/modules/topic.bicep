metadata description = 'The custom topic: other systems publish failures to it, the app publishes their outcomes. No keys.'

@description('Required. Name of the topic.')
param name string

@description('Required. Azure region.')
param location string

@description('Optional. Tags of the resource.')
param tags object = {}

resource topic 'Microsoft.EventGrid/topics@2025-02-15' = {
  name: name
  location: location
  tags: tags
  identity: {
    // Its own identity writes the dead letters.
    type: 'SystemAssigned'
  }
  properties: {
    disableLocalAuth: true
    inputSchema: 'CloudEventSchemaV1_0'
    minimumTlsVersionAllowed: '1.2'
    publicNetworkAccess: 'Enabled'
  }
}

@description('Name of the topic.')
output name string = topic.name

@description('Endpoint for publishing events.')
output endpoint string = topic.properties.endpoint

@description('Object ID of the topic\'s own identity.')
output principalId string = topic.identity.principalId
