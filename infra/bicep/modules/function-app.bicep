metadata description = 'The function app on a Flex Consumption plan, HTTPS only, without a key or secret in its settings.'

@description('Required. Name of the function app.')
param name string

@description('Required. Name of its plan.')
param planName string

@description('Required. Azure region with Flex Consumption.')
param location string

@description('Optional. Tags of the resources.')
param tags object = {}

@description('Required. Resource ID of the user-assigned identity.')
param identityId string

@description('Required. Client ID of the user-assigned identity.')
param identityClientId string

@description('Required. Name of the storage account.')
param storageAccountName string

@description('Required. URL of the container with the deployment package.')
param packageContainerUrl string

@description('Required. Application Insights connection string.')
param connectionString string

@description('Required. All application settings of the app, by name: an empty value means the default in the code, except for LOOK_BACK_SCHEDULE, where it means off.')
param settings object

@description('Optional. HEARTBEAT_URL; empty: none. Apart from the other settings, as whoever has it can fake a heartbeat.')
@secure()
param heartbeatUrl string = ''

@description('Optional. Instance memory in MB: 512, 2048 or 4096.')
@allowed([512, 2048, 4096])
param instanceMemoryMB int = 2048

@description('Optional. Maximum number of instances.')
@minValue(40)
@maxValue(1000)
param maximumInstanceCount int = 40

@description('Optional. HTTP calls that one instance processes at once.')
@minValue(1)
@maxValue(1000)
param httpConcurrency int = 16

@description('Optional. Always-ready instances for HTTP calls.')
@minValue(0)
param alwaysReadyHttp int = 0

@description('Optional. Always-ready instances for Event Grid events.')
@minValue(0)
param alwaysReadyEvents int = 0

@description('Optional. Spread the plan over availability zones.')
param zoneRedundant bool = false

@description('Optional. Subnet for the app\'s outbound calls; empty: none.')
param subnetId string = ''

@description('Optional. Client ID of the Entra application that users sign in to for the status page; empty: a host key opens it.')
param signInClientId string = ''

@description('Optional. Client ID of the Entra application that Azure Monitor signs in to; empty: only the function key protects the webhook.')
param secureWebhookClientId string = ''

@description('Optional. Object IDs of users, groups and applications that may operate the app, and so open the status page.')
param operatorIds string[] = []

@description('Optional. Object IDs of users, groups and applications that may open the status page.')
param readerIds string[] = []

var applications = filter([signInClientId, secureWebhookClientId], id => !empty(id))
var someoneSignsIn = !empty(applications)

// Read by backup_retry/settings/sign_in.py.
var signInSettings = {
  SIGN_IN_CLIENT_ID: signInClientId
  SIGN_IN_OPERATORS: join(operatorIds, ',')
  SIGN_IN_READERS: join(readerIds, ',')
  SECURE_WEBHOOK_CLIENT_ID: secureWebhookClientId
}

// Flex Consumption rejects FUNCTIONS_WORKER_RUNTIME and similar settings: the runtime is in functionAppConfig. The account is named, not
// the address of its blobs as in Microsoft's samples: the host keeps its diagnostic events in a table.
var platformSettings = {
  APPLICATIONINSIGHTS_AUTHENTICATION_STRING: 'ClientId=${identityClientId};Authorization=AAD'
  APPLICATIONINSIGHTS_CONNECTION_STRING: connectionString
  AZURE_CLIENT_ID: identityClientId
  AzureWebJobsStorage__accountName: storageAccountName
  AzureWebJobsStorage__clientId: identityClientId
  AzureWebJobsStorage__credential: 'managedidentity'
}

// Event Grid's function scales separately from the HTTP functions.
var alwaysReady = filter(
  [
    { name: 'http', instanceCount: alwaysReadyHttp }
    { name: 'function:events', instanceCount: alwaysReadyEvents }
  ],
  group => group.instanceCount > 0
)

resource plan 'Microsoft.Web/serverfarms@2024-11-01' = {
  name: planName
  location: location
  tags: tags
  kind: 'functionapp'
  sku: {
    name: 'FC1'
    tier: 'FlexConsumption'
  }
  properties: {
    reserved: true
    zoneRedundant: zoneRedundant
  }
}

resource app 'Microsoft.Web/sites@2024-11-01' = {
  name: name
  location: location
  tags: union(tags, { 'azd-service-name': 'app' })
  kind: 'functionapp,linux'
  identity: {
    type: 'UserAssigned'
    userAssignedIdentities: {
      '${identityId}': {}
    }
  }
  properties: {
    serverFarmId: plan.id
    httpsOnly: true
    publicNetworkAccess: 'Enabled'
    virtualNetworkSubnetId: empty(subnetId) ? null : subnetId
    // Nothing else: Flex Consumption rejects ftpsState and similar properties (error 51021).
    siteConfig: {
      minTlsVersion: '1.2'
    }
    functionAppConfig: {
      deployment: {
        storage: {
          type: 'blobContainer'
          value: packageContainerUrl
          authentication: {
            type: 'UserAssignedIdentity'
            userAssignedIdentityResourceId: identityId
          }
        }
      }
      runtime: {
        name: 'python'
        version: '3.13'
      }
      scaleAndConcurrency: {
        alwaysReady: alwaysReady
        instanceMemoryMB: instanceMemoryMB
        maximumInstanceCount: maximumInstanceCount
        triggers: {
          http: {
            perInstanceConcurrency: httpConcurrency
          }
        }
      }
    }
  }

  resource appSettings 'config' = {
    name: 'appsettings'
    properties: union(platformSettings, settings, signInSettings, { HEARTBEAT_URL: heartbeatUrl })
  }

  resource ftpPublishing 'basicPublishingCredentialsPolicies' = {
    name: 'ftp'
    properties: {
      allow: false
    }
  }

  resource scmPublishing 'basicPublishingCredentialsPolicies' = {
    name: 'scm'
    properties: {
      allow: false
    }
  }
}

// The platform says who calls; the app decides who has access. The platform could only require a sign-in for all addresses, and its excluded
// paths match exactly, which rules out /admin and the pages of incidents. So it rejects nobody without a sign-in, and has no list of
// allowed applications, which would lock users out. It is always deployed, because otherwise switching it off would have no effect.
// https://learn.microsoft.com/azure/app-service/overview-authentication-authorization#authorization-behavior
resource authentication 'Microsoft.Web/sites/config@2024-11-01' = {
  parent: app
  name: 'authsettingsV2'
  properties: {
    platform: {
      enabled: someoneSignsIn
    }
    globalValidation: {
      requireAuthentication: false
      unauthenticatedClientAction: 'AllowAnonymous'
      excludedPaths: []
    }
    identityProviders: someoneSignsIn
      ? {
          azureActiveDirectory: {
            enabled: true
            registration: {
              // Without a secret the sign-in returns an ID token, which is enough to identify the user.
              clientId: applications[0]
              openIdIssuer: '${environment().authentication.loginEndpoint}${tenant().tenantId}/v2.0'
            }
            validation: {
              allowedAudiences: flatten(map(applications, id => [id, 'api://${id}']))
            }
          }
        }
      : {}
    httpSettings: {
      requireHttps: true
    }
    login: {
      tokenStore: {
        enabled: false
      }
    }
  }
}

@description('Name of the function app.')
output name string = app.name

@description('Resource ID of the function app.')
output id string = app.id

@description('Host name of the function app.')
output hostName string = app.properties.defaultHostName
