# Checks the prerequisites here and in Azure, and prints the command for each missing one. azd runs it on Windows before it provisions.
# preprovision.sh says what it reads.
Set-Location "$PSScriptRoot/.."
. "$PSScriptRoot/installation.ps1"

if ($env:SKIP_CHECKS -eq 'true') { exit 0 }
$missing = New-Object System.Collections.ArrayList

function Add-Missing($what) { [void]$missing.Add("  - $what") }

function Write-Missing {
    if (-not $missing.Count) { exit 0 }
    Write-Host 'Missing, before anything is deployed:'
    $missing | ForEach-Object { Write-Host $_ }
    Write-Host 'To continue anyway: azd env set SKIP_CHECKS true'
    exit 1
}

# What the block answers; nothing where it fails.
function Get-OrNothing($block) { try { & $block } catch { } }

function Test-Tools {
    if (-not (Get-Command az -ErrorAction SilentlyContinue)) {
        Add-Missing 'the Azure CLI: https://learn.microsoft.com/cli/azure/install-azure-cli'
        Write-Missing
    }
    $version = (Invoke-Az version).'azure-cli'
    if ([version]($version -replace '[^0-9.].*') -lt [version]'2.60') { Add-Missing "Azure CLI 2.60 or later, this is ${version}: az upgrade" }
    try { [void](Invoke-Az bicep version) } catch { Add-Missing 'Bicep: az bicep install' }
}

function Test-SignIn {
    $account = Get-OrNothing { Invoke-Az account show }
    $script:homeSubscription = $env:AZURE_SUBSCRIPTION_ID
    if (-not $homeSubscription) { $script:homeSubscription = $account.id }
    if (-not $account) { Add-Missing 'an Azure CLI sign-in: az login'; Write-Missing }
    $ofHome = (Get-OrNothing { Invoke-Az account show --subscription $homeSubscription }).tenantId
    if (-not $ofHome) {
        $tenant = ''
        if ($env:AZURE_TENANT_ID) { $tenant = " --tenant $env:AZURE_TENANT_ID" }
        Add-Missing "Azure CLI access to subscription ${homeSubscription}: az login$tenant"
        Write-Missing
    }
    if ($ofHome -ne $account.tenantId) {
        Add-Missing "the Azure CLI in the tenant of subscription ${homeSubscription}: az account set --subscription $homeSubscription"
        Write-Missing
    }
}

function Test-Region {
    if (-not $env:AZURE_LOCATION) { Add-Missing 'a region: azd env set AZURE_LOCATION <region>'; return }
    $region = $env:AZURE_LOCATION.Replace(' ', '').ToLowerInvariant()
    try {
        $regions = @(Invoke-Az functionapp list-flexconsumption-locations --subscription $homeSubscription | ForEach-Object { $_.name.Replace(' ', '') })
        if ($regions -notcontains $region) {
            Add-Missing "Flex Consumption in ${env:AZURE_LOCATION}: azd env set AZURE_LOCATION <region>, one of az functionapp list-flexconsumption-locations"
            return
        }
        $versions = @(Invoke-Az functionapp list-flexconsumption-runtimes --subscription $homeSubscription --location $region --runtime python |
                ForEach-Object { $_.version })
    }
    catch { Add-Missing "information whether Flex Consumption is available in ${env:AZURE_LOCATION}: $(Get-Reason "$_")"; return }
    if ($versions -notcontains '3.13') { Add-Missing "Python 3.13 in ${env:AZURE_LOCATION}: azd env set AZURE_LOCATION <another region>" }
}

function Test-Providers($subscription, $namespaces) {
    try { $providers = Invoke-Az provider list --subscription $subscription }
    catch { Add-Missing "access to subscription ${subscription}: $(Get-Reason "$_")"; return }
    $registered = @($providers | Where-Object { $_.registrationState -eq 'Registered' } | ForEach-Object { $_.namespace })
    foreach ($namespace in $namespaces) {
        if ($registered -notcontains $namespace) {
            Add-Missing "the resource provider ${namespace}: az provider register --subscription $subscription --namespace $namespace"
        }
    }
}

function Test-Permissions($subscription) {
    if (Test-MayConnect $subscription) { return }
    Add-Missing "permission to write resources and roles in subscription ${subscription}: ask an Owner to assign you Owner, or Contributor and User Access Administrator (Role Based Access Control Administrator cannot write custom roles)"
}

# An incomplete secure webhook rejects every alert.
function Test-SecureWebhook {
    if ([bool]$env:SECURE_WEBHOOK_CLIENT_ID -eq [bool]$env:SECURE_WEBHOOK_OBJECT_ID) { return }
    Add-Missing 'one of SECURE_WEBHOOK_CLIENT_ID and SECURE_WEBHOOK_OBJECT_ID, which are required together: infra/sign-in.ps1 webhook prints both'
}

Test-Tools
Test-SignIn
if ($env:LIGHTHOUSE -eq 'true') {
    Test-Providers $homeSubscription 'Microsoft.ManagedServices', 'Microsoft.Insights', 'Microsoft.AlertsManagement'
}
else {
    Test-SecureWebhook
    Test-Region
    Test-Providers $homeSubscription 'Microsoft.App', 'Microsoft.Web', 'Microsoft.Storage', 'Microsoft.EventGrid', 'Microsoft.Insights',
    'Microsoft.AlertsManagement', 'Microsoft.OperationalInsights', 'Microsoft.ManagedIdentity'
}
Test-Permissions $homeSubscription
foreach ($subscription in "$env:SCOPE_SUBSCRIPTIONS" -split '[,; ]+' | Where-Object { $_ -and $_ -notlike '!*' -and $_ -ne $homeSubscription }) {
    Test-Providers $subscription 'Microsoft.EventGrid', 'Microsoft.Insights', 'Microsoft.AlertsManagement'
    Test-Permissions $subscription
}
Write-Missing
