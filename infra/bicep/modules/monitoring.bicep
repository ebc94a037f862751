metadata description = 'Logs of the app: Application Insights on a Log Analytics workspace.'

@description('Required. Name of the Log Analytics workspace.')
param workspaceName string

@description('Required. Name of the Application Insights component.')
param componentName string

@description('Required. Azure region.')
param location string

@description('Optional. Tags of the resources.')
param tags object = {}

@description('Optional. Retention of log lines in days.')
@minValue(30)
@maxValue(730)
param retentionDays int = 90

resource workspace 'Microsoft.OperationalInsights/workspaces@2025-02-01' = {
  name: workspaceName
  location: location
  tags: tags
  properties: {
    retentionInDays: retentionDays
    sku: {
      name: 'PerGB2018'
    }
    features: {
      disableLocalAuth: true
    }
  }
}

resource component 'Microsoft.Insights/components@2020-02-02' = {
  name: componentName
  location: location
  tags: tags
  kind: 'web'
  properties: {
    Application_Type: 'web'
    DisableLocalAuth: true
    WorkspaceResourceId: workspace.id
  }
}

@description('Resource ID of the workspace, for alert rules and the workbook.')
output workspaceId string = workspace.id

@description('Name of the component, for its role assignment.')
output componentName string = component.name

@description('APPLICATIONINSIGHTS_CONNECTION_STRING; an address, not a secret: the component accepts Entra tokens only.')
output connectionString string = component.properties.ConnectionString
