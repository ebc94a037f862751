metadata description = 'The function app on a Flex Consumption plan, reached over HTTPS only, with no key or secret in its settings.'

@description('Required. Name of the function app.')
param name string

@description('Required. Name of its plan.')
param planName string

@description('Required. Azure region; one that has Flex Consumption.')
param location string

@description('Optional. Tags of the resources.')
param tags object = {}

@description('Required. Resource id of the user-assigned identity.')
param identityId string

@description('Required. Client id of the user-assigned identity.')
param identityClientId string

@description('Required. Name of the storage account.')
param storageAccountName string

@description('Required. URL of the container that the package is deployed from.')
param packageContainerUrl string

@description('Required. Application Insights connection string.')
param connectionString string

@description('Required. The app\'s own settings by their environment variables, complete: an empty value means the default in the code, except for LOOK_BACK_SCHEDULE, where it means off.')
param settings object

@description('Optional. HEARTBEAT_URL; empty: none. Apart from the other settings, as whoever has it can fake a heartbeat.')
@secure()
param heartbeatUrl string = ''

@description('Optional. Memory of an instance, in MB: 512, 2048 or 4096.')
@allowed([512, 2048, 4096])
param instanceMemoryMB int = 2048

@description('Optional. Most instances at once.')
@minValue(40)
@maxValue(1000)
param maximumInstanceCount int = 40

@description('Optional. HTTP calls that one instance takes at once.')
@minValue(1)
@maxValue(1000)
param httpConcurrency int = 16

@description('Optional. Instances that are always up for HTTP calls.')
@minValue(0)
param alwaysReadyHttp int = 0

@description('Optional. Instances that are always up for events of Event Grid.')
@minValue(0)
param alwaysReadyEvents int = 0

@description('Optional. Spread the plan over availability zones.')
param zoneRedundant bool = false

@description('Optional. Subnet that the app calls out from; empty: none.')
param subnetId string = ''

@description('Optional. Client id of the Entra application that people sign in to for the status page; empty: a function key opens it.')
param signInClientId string = ''

@description('Optional. Client id of the Entra application that Azure Monitor signs in to; empty: the function key alone guards the webhook.')
param secureWebhookClientId string = ''

@description('Optional. Object ids of users, groups and applications that may operate, and so see the status page.')
param operatorIds string[] = []

@description('Optional. Object ids of users, groups and applications that may see the status page.')
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

// Flex Consumption refuses FUNCTIONS_WORKER_RUNTIME and its like: the runtime is in functionAppConfig. The account is named, not
// the address of its blobs as in Microsoft's samples: the host keeps its diagnostic events in a table.
var platformSettings = {
  APPLICATIONINSIGHTS_AUTHENTICATION_STRING: 'ClientId=${identityClientId};Authorization=AAD'
  APPLICATIONINSIGHTS_CONNECTION_STRING: connectionString
  AZURE_CLIENT_ID: identityClientId
  AzureWebJobsStorage__accountName: storageAccountName
  AzureWebJobsStorage__clientId: identityClientId
  AzureWebJobsStorage__credential: 'managedidentity'
}

// Event Grid's function scales by itself, not with the HTTP functions.
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
    // Nothing else: Flex Consumption refuses ftpsState and its like (error 51021).
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

// The platform says who calls; the app says who may. An address that it would refuse by itself is refused for everybody else as well, and
// paths are excluded one by one: /admin and the pages of incidents cannot be. So it refuses nobody for having no sign-in, and has no list of
// allowed applications, which would lock people out. It is deployed even where nobody signs in, or what was switched off would stay on.
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
              // Without a secret the sign-in page answers with an id token, which is enough to say who somebody is.
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

@description('Resource id of the function app.')
output id string = app.id

@description('Host name of the function app.')
output hostName string = app.properties.defaultHostName
