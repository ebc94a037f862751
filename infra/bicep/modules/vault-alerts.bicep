metadata description = 'Alert rules in addition to the built-in alerts: a log search alert on the vaults\' diagnostics, a metric alert on each vault\'s health.'

@description('Required. Suffix that distinguishes this installation\'s resources from another\'s.')
param installation string

@description('Required. Azure region of the log search alert.')
param location string

@description('Optional. Tags of the resources.')
param tags object = {}

@description('Required. Resource ID of the action group that calls the app.')
param actionGroupId string

@description('Optional. Resource ID of the workspace with the vaults\' diagnostics (resource-specific tables); empty: no log search alert.')
param workspaceId string = ''

@description('Optional. Resource IDs of the Recovery Services vaults and Backup vaults whose health metric is monitored.')
param vaultIds string[] = []

// Vaults with the same name in two resource groups are different vaults.
var healthNames = map(
  vaultIds,
  vaultId => 'backup-retry-health-${last(split(vaultId, '/'))}-${uniqueString(toLower(vaultId))}-${installation}'
)

resource failedJobs 'Microsoft.Insights/scheduledQueryRules@2023-12-01' = if (!empty(workspaceId)) {
  name: 'backup-retry-failed-jobs-${installation}'
  location: location
  tags: tags
  kind: 'LogAlert'
  properties: {
    displayName: 'Backup job failed'
    enabled: true
    severity: 3
    scopes: [workspaceId]
    evaluationFrequency: 'PT15M'
    windowSize: 'PT1H'
    autoMitigate: true
    // Azure disables a rule whose query keeps failing, without notice: so a workspace without the table is rejected now.
    skipQueryValidation: false
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

// One rule for each vault: a rule over many requires all of them in one region.
resource health 'Microsoft.Insights/metricAlerts@2018-03-01' = [
  for (vaultId, index) in vaultIds: {
    name: healthNames[index]
    location: 'global'
    tags: tags
    properties: {
      enabled: true
      severity: 3
      scopes: [vaultId]
      evaluationFrequency: 'PT5M'
      // Longer than the frequency: otherwise the first point of a new series is missed.
      // https://learn.microsoft.com/azure/azure-monitor/alerts/alerts-troubleshoot-metric
      windowSize: 'PT15M'
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
                // There is TransientDegraded, too: a failure with a cause on the customer's side.
                operator: 'Exclude'
                values: ['Healthy']
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

var failedJobsIds = empty(workspaceId) ? [] : [failedJobs.id]

@description('Resource IDs of the resources created here.')
output resourceIds string[] = concat(
  failedJobsIds,
  map(healthNames, name => resourceId('Microsoft.Insights/metricAlerts', name))
)
