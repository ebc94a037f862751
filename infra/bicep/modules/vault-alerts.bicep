metadata description = 'Alerts beside the built-in ones: a log search alert on the vaults\' diagnostics, a metric alert on each vault\'s health.'

@description('Required. Azure region of the log search alert.')
param location string

@description('Optional. Tags of the resources.')
param tags object = {}

@description('Required. Resource id of the action group that calls the app.')
param actionGroupId string

@description('Optional. Resource id of the workspace that takes the vaults\' diagnostics (resource-specific tables); empty: no log search alert.')
param workspaceId string = ''

@description('Optional. Resource ids of the vaults, of either kind, whose health metric is watched.')
param vaultIds string[] = []

resource failedJobs 'Microsoft.Insights/scheduledQueryRules@2023-12-01' = if (!empty(workspaceId)) {
  name: 'backup-retry-failed-jobs'
  location: location
  tags: tags
  kind: 'LogAlert'
  properties: {
    displayName: 'A backup job failed'
    enabled: true
    severity: 3
    scopes: [workspaceId]
    evaluationFrequency: 'PT15M'
    windowSize: 'PT1H'
    autoMitigate: true
    skipQueryValidation: true
    criteria: {
      allOf: [
        {
          query: loadTextContent('../queries/alerts/failed_jobs.kql')
          timeAggregation: 'Count'
          operator: 'GreaterThan'
          threshold: 0
          failingPeriods: {
            numberOfEvaluationPeriods: 1
            minFailingPeriodsToAlert: 1
          }
          // The app sees an alert's dimensions, never its rows.
          dimensions: map(
            ['ResourceId', 'JobUniqueId', 'BackupItemUniqueId', 'JobFailureCode', 'JobOperation', 'JobStatus'],
            column => {
              name: column
              operator: 'Include'
              values: ['*']
            }
          )
        }
      ]
    }
    actions: {
      actionGroups: [actionGroupId]
    }
  }
}

// One rule for each vault: a rule over many demands that all are of one region.
resource health 'Microsoft.Insights/metricAlerts@2018-03-01' = [
  for vaultId in vaultIds: {
    name: 'backup-retry-health-${last(split(vaultId, '/'))}'
    location: 'global'
    tags: tags
    properties: {
      enabled: true
      severity: 3
      scopes: [vaultId]
      evaluationFrequency: 'PT5M'
      windowSize: 'PT5M'
      autoMitigate: true
      criteria: {
        'odata.type': 'Microsoft.Azure.Monitor.MultipleResourceMultipleMetricCriteria'
        allOf: [
          {
            criterionType: 'StaticThresholdCriterion'
            name: 'unhealthy'
            metricName: 'BackupHealthEvent'
            timeAggregation: 'Count'
            operator: 'GreaterThan'
            threshold: 0
            dimensions: [
              {
                name: 'healthStatus'
                operator: 'Include'
                values: ['TransientUnhealthy', 'PersistentUnhealthy']
              }
              {
                name: 'backupInstanceUrl'
                operator: 'Include'
                values: ['*']
              }
            ]
          }
        ]
      }
      actions: [
        {
          actionGroupId: actionGroupId
        }
      ]
    }
  }
]
