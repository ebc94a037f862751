metadata description = 'The workbook: a month of failed backups and their outcomes.'

@description('Optional. Name of the workbook in the portal.')
param displayName string = 'Azure Backup Retry'

@description('Required. Azure region.')
param location string

@description('Optional. Tags of the resource.')
param tags object = {}

@description('Required. Resource ID of the Log Analytics workspace.')
param workspaceId string

var logs = 'microsoft.operationalinsights/workspaces'

var tiles = [
  {
    name: 'outcomes'
    title: 'Outcomes of failed backups'
    query: loadTextContent('../queries/workbook/outcomes.kql')
    visualization: 'piechart'
    width: '50'
  }
  {
    name: 'time-to-recovery'
    title: 'Minutes from detection to recovery'
    query: loadTextContent('../queries/workbook/time_to_recovery.kql')
    visualization: 'table'
    width: '50'
  }
  {
    name: 'by-day'
    title: 'Outcomes per day'
    query: loadTextContent('../queries/workbook/by_day.kql')
    visualization: 'barchart'
    width: '100'
  }
  {
    name: 'needs-a-person'
    title: 'Action required'
    query: loadTextContent('../queries/workbook/needs_a_person.kql')
    visualization: 'table'
    width: '100'
  }
  {
    name: 'protection'
    title: 'Unprotected items'
    query: loadTextContent('../queries/workbook/protection.kql')
    visualization: 'timechart'
    width: '100'
  }
  {
    name: 'by-vault'
    title: 'Outcomes by vault'
    query: loadTextContent('../queries/workbook/by_vault.kql')
    visualization: 'table'
    width: '50'
  }
  {
    name: 'by-error'
    title: 'Outcomes by error'
    query: loadTextContent('../queries/workbook/by_error.kql')
    visualization: 'table'
    width: '50'
  }
  {
    name: 'open'
    title: 'Open incidents'
    query: loadTextContent('../queries/workbook/open_incidents.kql')
    visualization: 'timechart'
    width: '50'
  }
  {
    name: 'sweeps'
    title: 'Sweeps'
    query: loadTextContent('../queries/workbook/sweeps.kql')
    visualization: 'table'
    width: '50'
  }
]

var timeRange = {
  type: 9
  name: 'parameters'
  content: {
    version: 'KqlParameterItem/1.0'
    style: 'pills'
    queryType: 0
    resourceType: logs
    parameters: [
      {
        id: guid('backup-retry', 'TimeRange')
        version: 'KqlParameterItem/1.0'
        name: 'TimeRange'
        label: 'Time range'
        type: 4
        isRequired: true
        value: {
          durationMs: 2592000000
        }
        typeSettings: {
          allowCustom: true
          selectableValues: [
            { durationMs: 86400000 }
            { durationMs: 604800000 }
            { durationMs: 2592000000 }
            { durationMs: 7776000000 }
          ]
        }
      }
    ]
  }
}

var queries = map(tiles, tile => {
  type: 3
  name: tile.name
  customWidth: tile.width
  content: {
    version: 'KqlItem/1.0'
    title: tile.title
    query: tile.query
    visualization: tile.visualization
    size: 0
    queryType: 0
    resourceType: logs
    timeContextFromParameter: 'TimeRange'
    showExportToExcel: true
  }
})

resource workbook 'Microsoft.Insights/workbooks@2023-06-01' = {
  name: guid(workspaceId, 'backup-retry')
  location: location
  tags: tags
  kind: 'shared'
  properties: {
    category: 'workbook'
    displayName: displayName
    sourceId: workspaceId
    serializedData: string({
      version: 'Notebook/1.0'
      items: concat([timeRange], queries)
      fallbackResourceIds: [workspaceId]
    })
  }
}

@description('Resource ID of the workbook.')
output id string = workbook.id
