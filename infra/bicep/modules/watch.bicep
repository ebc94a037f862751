metadata description = 'Alert rules for operators on the app\'s log events, all with one action group.'

@description('Required. Suffix that distinguishes this installation\'s resources from another\'s.')
param installation string

@description('Required. Azure region of the alert rules.')
param location string

@description('Optional. Tags of the resources.')
param tags object = {}

@description('Required. Resource ID of the Log Analytics workspace.')
param workspaceId string

@description('Optional. E-mail addresses that are notified; a Teams channel has an address, too. None: the alerts appear in the portal only.')
param emails string[] = []

@description('Optional. Each alert goes to webhookUrl as well.')
param webhookEnabled bool = false

@description('Optional. A webhook that takes the common alert schema, such as PagerDuty\'s. Its address holds a key.')
@secure()
param webhookUrl string = ''

@description('Optional. Resource ids of further action groups that each alert calls: Azure takes five for an alert.')
@maxLength(2)
param furtherActionGroupIds string[] = []

@description('Optional. Resource id of the action group that posts to Teams.')
param teamsActionGroupId string = ''

@description('Optional. Resource id of the action group that posts to Slack.')
param slackActionGroupId string = ''

@description('Optional. Create the alert rules, but disabled.')
param muted bool = false

// The six dimensions that an alert may have at most, shown in the e-mail. The incident's page, behind the link, links to Microsoft's documentation.
var perMessage = ['item', 'vault', 'error', 'items', 'remedy', 'link']

// lookback: the query's time range, if it is longer than the window. Azure allows two days at most.
var rules = [
  {
    name: 'needs-a-person'
    title: 'Azure Backup: action required for a failed backup'
    meaning: 'A retry cannot fix it. The dimension remedy says what to do, link opens the incident, items is the number of items with the same error. More: docs/operations.md#every-day.'
    query: loadTextContent('../queries/alerts/needs_a_person.kql')
    severity: 2
    every: 'PT15M'
    window: 'PT30M'
    lookback: null
    dimensions: perMessage
  }
  {
    name: 'exhausted'
    title: 'Azure Backup: retries exhausted'
    meaning: 'All retries failed; the item has no new recovery point. More: docs/operations.md#an-item-is-exhausted.'
    query: loadTextContent('../queries/alerts/exhausted.kql')
    severity: 1
    every: 'PT15M'
    window: 'PT30M'
    lookback: null
    dimensions: perMessage
  }
  {
    name: 'storm'
    title: 'Azure Backup: failure storm in a vault, and retries fail'
    meaning: 'There is probably one cause, outside the items: check the vault, its region and Azure Service Health. More: docs/operations.md#a-storm-is-on.'
    query: loadTextContent('../queries/alerts/storm.kql')
    severity: 1
    every: 'PT15M'
    window: 'PT30M'
    lookback: null
    dimensions: ['vault', 'error', 'items', 'remedy']
  }
  {
    name: 'sweep-overdue'
    title: 'Backup Retry: the daily sweep is overdue (26 hours)'
    meaning: 'Failures without an alert are not found until a sweep completes. More: docs/operations.md#a-sweep-is-late-or-incomplete.'
    query: loadTextContent('../queries/alerts/sweep_overdue.kql')
    severity: 2
    every: 'PT1H'
    window: 'PT1H'
    lookback: 'P2D'
    dimensions: []
  }
  {
    name: 'follow-up-silent'
    title: 'Backup Retry: no follow-up for 30 minutes'
    meaning: 'Open incidents are not processed: the app is not running, cannot reach its ledger, or sends no log lines. More: docs/operations.md#the-follow-up-is-silent.'
    query: loadTextContent('../queries/alerts/follow_up_silent.kql')
    severity: 1
    every: 'PT15M'
    window: 'PT30M'
    lookback: 'P2D'
    dimensions: []
  }
  {
    name: 'function-failing'
    title: 'Backup Retry: a function fails repeatedly'
    meaning: 'The same error occurred three times in an hour, or a sweep failed or was incomplete.'
    query: loadTextContent('../queries/alerts/function_failing.kql')
    severity: 2
    every: 'PT15M'
    window: 'PT1H'
    lookback: null
    dimensions: ['what']
  }
]

// Sent to the app itself: the timers of a Flex Consumption app have stopped for good while HTTP calls still worked
// (https://github.com/Azure/azure-functions-host/issues/11828). Stateless, because a stateful rule would call only once per outage. The
// webhook's key exists only after the code is deployed: connect.bicep adds the action group by an alert processing rule.
var clock = 'second-clock'

resource people 'Microsoft.Insights/actionGroups@2023-01-01' = {
  name: 'ag-backup-retry-operators-${installation}'
  location: 'global'
  tags: tags
  properties: {
    groupShortName: 'backupretry'
    enabled: true
    emailReceivers: [
      for email in emails: {
        name: email
        emailAddress: email
        useCommonAlertSchema: true
      }
    ]
    webhookReceivers: webhookEnabled
      ? [
          {
            name: 'webhook'
            serviceUri: webhookUrl
            useCommonAlertSchema: true
          }
        ]
      : []
  }
}

resource alerts 'Microsoft.Insights/scheduledQueryRules@2023-12-01' = [
  for rule in rules: {
    name: 'backup-retry-${rule.name}-${installation}'
    location: location
    tags: tags
    kind: 'LogAlert'
    properties: {
      displayName: rule.title
      enabled: !muted
      severity: rule.severity
      scopes: [workspaceId]
      evaluationFrequency: rule.every
      windowSize: rule.window
      overrideQueryTimeRange: rule.lookback
      // Windows overlap, so that late log lines are included; one alert per row until the row is gone.
      autoMitigate: true
      skipQueryValidation: true
      criteria: {
        allOf: [
          {
            query: rule.query
            timeAggregation: 'Count'
            operator: 'GreaterThan'
            threshold: 0
            failingPeriods: {
              numberOfEvaluationPeriods: 1
              minFailingPeriodsToAlert: 1
            }
            dimensions: map(rule.dimensions, dimension => {
              name: dimension
              operator: 'Include'
              values: ['*']
            })
          }
        ]
      }
      actions: {
        actionGroups: filter(
          concat([people.id, teamsActionGroupId, slackActionGroupId], furtherActionGroupIds),
          id => !empty(id)
        )
        customProperties: {
          title: rule.title
          meaning: rule.meaning
          backupRetryRule: rule.name
        }
      }
    }
  }
]

resource secondClock 'Microsoft.Insights/scheduledQueryRules@2023-12-01' = {
  name: 'backup-retry-${clock}-${installation}'
  location: location
  tags: tags
  kind: 'LogAlert'
  properties: {
    displayName: 'Backup Retry: timers have stopped (second clock)'
    enabled: !muted
    severity: 3
    scopes: [workspaceId]
    evaluationFrequency: 'PT5M'
    windowSize: 'PT5M'
    overrideQueryTimeRange: 'P2D'
    autoMitigate: false
    skipQueryValidation: true
    criteria: {
      allOf: [
        {
          query: loadTextContent('../queries/alerts/second_clock.kql')
          timeAggregation: 'Count'
          operator: 'GreaterThan'
          threshold: 0
          failingPeriods: {
            numberOfEvaluationPeriods: 1
            minFailingPeriodsToAlert: 1
          }
          dimensions: []
        }
      ]
    }
    actions: {
      customProperties: {
        meaning: 'The app runs the overdue work of its timers.'
        backupRetryRule: clock
      }
    }
  }
}
