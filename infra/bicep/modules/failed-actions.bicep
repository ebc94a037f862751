metadata description = 'The subscription\'s own events: a backup that Resource Manager refused is announced within seconds.'

@description('Optional. Name of the system topic. Azure allows one for each subscription: name the existing one where there is one.')
param systemTopicName string = 'evgt-backup-retry-subscription'

@description('Optional. Tags of the system topic.')
param tags object = {}

@description('Required. Resource id of the function app.')
param functionAppId string

resource topic 'Microsoft.EventGrid/systemTopics@2025-02-15' = {
  name: systemTopicName
  location: 'global'
  tags: tags
  properties: {
    source: subscription().id
    topicType: 'Microsoft.Resources.Subscriptions'
  }
}

// No dead letters: these events are hints, and a sweep finds what they missed.
resource toFunction 'Microsoft.EventGrid/systemTopics/eventSubscriptions@2025-02-15' = {
  parent: topic
  name: 'backup-retry'
  properties: {
    destination: {
      endpointType: 'AzureFunction'
      properties: {
        resourceId: '${functionAppId}/functions/events'
        maxEventsPerBatch: 1
        preferredBatchSizeInKilobytes: 64
      }
    }
    eventDeliverySchema: 'EventGridSchema'
    filter: {
      includedEventTypes: ['Microsoft.Resources.ResourceActionFailure']
      enableAdvancedFilteringOnArrays: false
      advancedFilters: [
        {
          key: 'data.operationName'
          operatorType: 'StringEndsWith'
          values: ['/protectedItems/backup/action', '/backupInstances/backup/action']
        }
      ]
    }
    retryPolicy: {
      eventTimeToLiveInMinutes: 1440
      maxDeliveryAttempts: 30
    }
  }
}
