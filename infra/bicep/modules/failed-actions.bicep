metadata description = 'The subscription\'s own events: a backup that Resource Manager refused is announced within seconds.'

@description('Required. What tells this installation\'s resources from another\'s.')
param installation string

@description('Optional. Name of the subscription\'s system topic, where there is one: Azure allows no second. It is used as it is. Empty: it is made.')
param systemTopicName string = ''

@description('Optional. Tags of the system topic.')
param tags object = {}

@description('Required. Resource id of the function app.')
param functionAppId string

var isMade = empty(systemTopicName)
var topicName = isMade ? 'evgt-backup-retry-${installation}' : systemTopicName

resource topic 'Microsoft.EventGrid/systemTopics@2025-02-15' = if (isMade) {
  name: topicName
  location: 'global'
  tags: tags
  properties: {
    source: subscription().id
    topicType: 'Microsoft.Resources.Subscriptions'
  }
}

// No dead letters: these events are hints, and a sweep finds what they missed.
resource toFunction 'Microsoft.EventGrid/systemTopics/eventSubscriptions@2025-02-15' = {
  // A topic that is not made here stays as it is: as a parent it would be written over, tags, identity and all.
  #disable-next-line use-parent-property
  name: '${topicName}/backup-retry-${installation}'
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
  dependsOn: [topic]
}

var topicIds = isMade ? [topic.id] : []

@description('Resource ids of what is made here.')
output resourceIds string[] = concat(topicIds, [toFunction.id])
