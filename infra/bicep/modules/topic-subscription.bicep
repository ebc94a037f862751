metadata description = 'Delivers the custom topic\'s events to the app\'s function; undelivered events are dead-lettered.'

@description('Required. Name of the custom topic.')
param topicName string

@description('Required. Resource ID of the function app.')
param functionAppId string

@description('Required. Resource ID of the storage account for dead letters.')
param storageAccountId string

@description('Optional. Container for dead letters.')
param deadLetterContainerName string = 'dead-letters'

@description('Optional. Event types besides our own that are delivered: those of a forwarder that wraps alerts in the common schema into events.')
param furtherEventTypes string[] = []

resource topic 'Microsoft.EventGrid/topics@2025-02-15' existing = {
  name: topicName
}

resource toFunction 'Microsoft.EventGrid/topics/eventSubscriptions@2025-02-15' = {
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
    eventDeliverySchema: 'CloudEventSchemaV1_0'
    filter: {
      // Not the notices that the app publishes on the same topic, only: failures that were found, deferred alerts that it continues,
      // overdue runs.
      includedEventTypes: concat(
        ['BackupRetry.FailureFound', 'BackupRetry.SignalDeferred', 'BackupRetry.TurnDue'],
        furtherEventTypes
      )
    }
    retryPolicy: {
      eventTimeToLiveInMinutes: 1440
      maxDeliveryAttempts: 30
    }
    deadLetterWithResourceIdentity: {
      identity: {
        type: 'SystemAssigned'
      }
      deadLetterDestination: {
        endpointType: 'StorageBlob'
        properties: {
          resourceId: storageAccountId
          blobContainerName: deadLetterContainerName
        }
      }
    }
  }
}
