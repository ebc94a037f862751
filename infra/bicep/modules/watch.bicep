metadata description = 'What wakes a person: alert rules on the app\'s own log events, each to one action group.'

@description('Required. What tells this installation\'s resources from another\'s.')
param installation string

@description('Required. Azure region of the alert rules.')
param location string

@description('Optional. Tags of the resources.')
param tags object = {}

@description('Required. Resource id of the Log Analytics workspace.')
param workspaceId string

@description('Optional. E-mail addresses that are told; a Teams channel has one too. None: the alerts stand in the portal only.')
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

@description('Optional. Alert rules are there but do not fire.')
param muted bool = false

// The six that an alert may have at most: what an e-mail says. The incident's page, behind the link, leads to Microsoft's documentation.
var perMessage = ['item', 'vault', 'error', 'items', 'remedy', 'link']

// lookback: how much the query sees, where that is more than the window. Two days is the most that Azure allows.
var rules = [
  {
    name: 'needs-a-person'
    title: 'A failed backup needs a person'
    meaning: 'No retry can mend it. The dimension remedy says what to do, link leads to the incident, and items counts what failed alike. More: docs/operations.md#every-day.'
    query: loadTextContent('../queries/alerts/needs_a_person.kql')
    severity: 2
    every: 'PT15M'
    window: 'PT30M'
    lookback: null
    dimensions: perMessage
  }
  {
    name: 'exhausted'
    title: 'Every retry of a failed backup failed'
    meaning: 'The machine has no new recovery point, and the retries are used up. More: docs/operations.md#an-item-is-exhausted.'
    query: loadTextContent('../queries/alerts/exhausted.kql')
    severity: 1
    every: 'PT15M'
    window: 'PT30M'
    lookback: null
    dimensions: perMessage
  }
  {
    name: 'storm'
    title: 'Many machines of one vault fail with one error, and so do retries'
    meaning: 'The cause is likely to be one, and likely not to be a machine\'s: look at the vault, its region and the service\'s health. More: docs/operations.md#a-storm-is-on.'
    query: loadTextContent('../queries/alerts/storm.kql')
    severity: 1
    every: 'PT15M'
    window: 'PT30M'
    lookback: null
    dimensions: ['vault', 'error', 'items', 'remedy']
  }
  {
    name: 'sweep-overdue'
    title: 'No complete sweep for 26 hours'
    meaning: 'Failures that no alert announced go unnoticed until a sweep is complete. More: docs/operations.md#a-sweep-is-late-or-incomplete.'
    query: loadTextContent('../queries/alerts/sweep_overdue.kql')
    severity: 2
    every: 'PT1H'
    window: 'PT1H'
    lookback: 'P2D'
    dimensions: []
  }
  {
    name: 'follow-up-silent'
    title: 'The follow-up has been silent for 30 minutes'
    meaning: 'Open incidents are not moved on: the app does not run, cannot reach its ledger, or sends no log lines. More: docs/operations.md#the-follow-up-is-silent.'
    query: loadTextContent('../queries/alerts/follow_up_silent.kql')
    severity: 1
    every: 'PT15M'
    window: 'PT30M'
    lookback: 'P2D'
    dimensions: []
  }
  {
    name: 'function-failing'
    title: 'A function keeps failing'
    meaning: 'The same thing failed three times in an hour, or a sweep failed or was incomplete.'
    query: loadTextContent('../queries/alerts/function_failing.kql')
    severity: 2
    every: 'PT15M'
    window: 'PT1H'
    lookback: null
    dimensions: ['what']
  }
]

// Told to the app itself: the timers of a Flex Consumption app have stopped for good while calls went on working
// (https://github.com/Azure/azure-functions-host/issues/11828). Stateless, as a rule with a state would call once an outage. The
// webhook's key exists only once the code is there: connect.bicep adds the action group by an alert processing rule.
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
      // Windows overlap, so that a line that arrives late is seen; one alert for each row until the row is gone.
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
    displayName: 'The second clock: timers are silent'
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
        meaning: 'The app does what its timers have left undone.'
        backupRetryRule: clock
      }
    }
  }
}
