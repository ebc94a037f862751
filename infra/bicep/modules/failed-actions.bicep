metadata description = 'The subscription\'s events: a backup request that Resource Manager rejected is reported within seconds.'

@description('Required. Suffix that distinguishes this installation\'s resources from another\'s.')
param installation string

@description('Optional. Name of the subscription\'s existing system topic: Azure allows only one. It is used unchanged. Empty: one is created.')
param systemTopicName string = ''

@description('Optional. Tags of the system topic.')
param tags object = {}

@description('Required. Resource ID of the function app.')
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

// No dead letters: these events are hints, and a sweep finds anything they missed.
resource toFunction 'Microsoft.EventGrid/systemTopics/eventSubscriptions@2025-02-15' = {
  // An existing topic stays unchanged: deploying it as a parent would overwrite its tags and identity.
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

@description('Resource IDs of the resources created here.')
output resourceIds string[] = concat(topicIds, [toFunction.id])
