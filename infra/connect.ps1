# Connects the deployed app to every subscription with vaults: permissions, alerts, events (infra/bicep/connect.bicep).
# azd runs it on Windows after each deployment; it may be run again at any time and changes nothing then. connect.sh says what it reads.
#
#   infra/connect.ps1 [--yes]
Set-Location "$PSScriptRoot/.."
. "$PSScriptRoot/installation.ps1"
. "$PSScriptRoot/connected.ps1"

$yes = $args -contains '--yes'
$scope = @("$env:SCOPE_SUBSCRIPTIONS".ToLowerInvariant() -split '[,; ]+' | Where-Object { $_ } | Select-Object -Unique)
$excluded = @($scope -match '^!' -replace '^!')

# The subscriptions of the tenant that have vaults.
function Get-Found {
    Get-GraphRow (@(Get-Content infra/subscriptions_with_vaults.kql) -notmatch '^//' -join ' ') | Where-Object { $_.tenantId -eq $tenantId }
}

# Those of the found ones that may be connected, with a note for each of the others.
function Select-Allowed($found) {
    foreach ($each in $found) {
        $id = $each.subscriptionId
        if ($excluded -contains $id) { Add-Note $id 'skipped' 'SCOPE_SUBSCRIPTIONS excludes it' }
        elseif (Test-MayConnect $id) { $each }
        else { Add-Note $id 'skipped' 'no permission to write resources and roles there: an Owner has to run this' }
    }
}

# The subscriptions to connect.
function Get-Chosen {
    $named = @($scope -notmatch '^!' | Where-Object { $excluded -notcontains $_ })
    if ($named.Count) { return $named }
    $allowed = @()
    try { $allowed = @(Select-Allowed @(Get-Found)) }
    catch { Write-Host "The subscriptions with vaults cannot be listed: $(Get-Reason "$_")" }
    $others = @($allowed | Where-Object { $_.subscriptionId -ne $homeSubscription })
    if ($others.Count -and -not (Test-Agreed $allowed)) {
        foreach ($each in $others) {
            Add-Note $each.subscriptionId 'skipped' 'not confirmed: name it in SCOPE_SUBSCRIPTIONS, or run infra/connect.ps1 --yes'
        }
        $allowed = @()
    }
    if ($allowed.Count) { return $allowed | ForEach-Object { $_.subscriptionId } }
    if ($excluded -notcontains $homeSubscription) { $homeSubscription }
}

function Test-Agreed($allowed) {
    Write-Host 'Subscriptions with vaults:'
    foreach ($each in $allowed) { Write-Host "  $($each.subscriptionId)  $($each.name)" }
    $yes -or (Test-Confirmed "Connect all of these? (no: only the app's own, $homeSubscription)")
}

function Assert-AppRuns {
    $running = (Invoke-Az rest --method get --url $healthUrl --skip-authorization-header).package
    if ($expected -eq 'any' -or $running -eq $expected) { return }
    if (-not $running) { $running = '(none)' }
    throw "the app responds, but with package $running; this folder is $expected (EXPECTED_PACKAGE=any accepts every package)"
}

# Waits until the app answers with the uploaded package, and Azure knows its functions and the webhook's key.
function Wait-ForApp {
    Write-Host "Waiting until the app runs package $expected"
    Wait-For $healthUrl wait { Assert-AppRuns }
    foreach ($function in 'alerts', 'events') {
        Wait-For "the function $function to be listed" wait { [void](Invoke-Arm get "$functionAppId/functions/$function" 2024-11-01) }
    }
    Wait-For "the webhook's key" wait { [void](Invoke-Arm post "$functionAppId/functions/alerts/listkeys" 2024-11-01) }
}

# What names the system topic to connect.bicep. Azure allows one for each subscription: one that is there already is used as it is.
function Get-SystemTopicVariables($subscription) {
    if ($env:FAILED_ACTIONS_ENABLED -ne 'true' -or $env:SYSTEM_TOPIC_NAME) { return @{} }
    $topic = Get-SystemTopic $subscription
    if (-not $topic -or $topic.Split('/')[-1] -eq "evgt-backup-retry-$installation") { return @{} }
    @{ SYSTEM_TOPIC_NAME = $topic.Split('/')[-1]; SYSTEM_TOPIC_RESOURCE_GROUP_NAME = $topic.Split('/')[4] }
}

# Everything that connect.bicep wants to be there.
function Invoke-Deployment($subscription) {
    $deployed = Invoke-Az deployment sub create --subscription $subscription --location $env:AZURE_LOCATION `
        --name "backup-retry-connect-$installation" --parameters infra/bicep/connect.bicepparam
    $outputs = $deployed.properties.outputs
    @($outputs.resourceIds.value) + @($outputs.roleId.value) | Where-Object { $_ }
}

# What a switch made that is off now, and what version 0.1 made.
function Remove-Unwanted($subscription, $wanted) {
    $unwanted = @(Get-Made $subscription | Where-Object { -not (Test-Wanted $_ $wanted) }) + @(Get-MadeBy01 $subscription)
    if (-not $unwanted.Count) { return }
    $unwanted += @(Get-EmptyGroup $subscription 'rg-backup-retry-signals' $unwanted)
    Remove-Each $subscription $unwanted
}

# Whether connect.bicep wants it, or something below it, to be there. It names its role, and not the assignment.
function Test-Wanted($id, $wanted) {
    if ($id -match '/roleAssignments/') { return [bool]@($wanted -match '/roleDefinitions/').Count }
    $wanted -contains $id -or @($wanted -like "$id/*").Count
}

function Connect-Subscription($subscription) {
    Write-Host "Connecting subscription $subscription"
    $variables = (Get-SystemTopicVariables $subscription) + @{
        functionAppId = $functionAppId; identityPrincipalId = $identityPrincipalId; topicName = $topicName
        storageAccountId = $storageAccountId; AZURE_TENANT_ID = $tenantId
    }
    $wanted = @(Use-Environment $variables { Wait-For "subscription $subscription" stop { Invoke-Deployment $subscription } })
    Remove-Unwanted $subscription $wanted
}

# Ids of vaults and workspaces whose subscription is not connected: connect.bicep takes only those of the subscription that it runs in.
function Write-Strangers($chosen) {
    foreach ($id in "$env:VAULT_WORKSPACE_ID,$env:HEALTH_WATCHED_VAULT_IDS" -split '[, ]+' | Where-Object { $_ }) {
        if ($chosen -notcontains $id.Split('/')[2]) { Write-Host "Not monitored, its subscription is not connected: $id" }
    }
}

# Where to look, and whether it is a dry run.
function Write-Where {
    Write-Host ''
    Write-Host "Status page: $($healthUrl -replace 'health$')status"
    if (-not $env:SIGN_IN_CLIENT_ID) { Write-Host 'It requires a host key; to require a sign-in instead: infra/sign-in.ps1 (docs/sign-in.md)' }
    Write-Host "Would an alert arrive? backup-retry check --app $appName"
    try { $settings = Invoke-Az functionapp config appsettings list --subscription $homeSubscription --resource-group $appGroup --name $appName }
    catch { return }
    $dry = $settings | Where-Object { $_.name -eq 'DRY_RUN' } | ForEach-Object { $_.value }
    if ('true', '1', 'yes', 'on' -notcontains $dry) { return }
    Write-Host 'DRY RUN: the app evaluates everything and starts no backup. To end the dry run:'
    $by = $env:DEPLOYED_BY
    if ($env:AZURE_ENV_NAME -and -not $by) { Write-Host '  azd env set DRY_RUN false; azd up'; return }
    if (-not $by) { $by = 'infra/deploy.ps1' }
    Write-Host "  set DRY_RUN to false and run $by again"
}

Assert-NotByHand 'azd hooks run postdeploy'
if (-not $env:AZURE_LOCATION) { Write-Host 'AZURE_LOCATION is not set: the region of the app, as it was deployed'; exit 1 }
Read-Installation
$storageAccountId = Get-Output storageAccountId
$expected = $env:EXPECTED_PACKAGE
if (-not $expected) { $expected = Get-PackageHash }
$chosen = @(Get-Chosen)
if (-not $chosen.Count) {
    [void](Write-Report)
    Write-Host 'Nothing to connect: SCOPE_SUBSCRIPTIONS excludes every subscription.'
    exit 1
}
Write-Strangers $chosen
try { Wait-ForApp }
catch {
    Write-Host "Not connected: $(Get-Reason "$_")"
    exit 1
}
foreach ($subscription in $chosen) {
    try {
        Connect-Subscription $subscription
        Add-Note $subscription 'connected' ''
    }
    catch { Add-Note $subscription 'failed' (Get-Reason "$_") }
}
try { Remove-Each $homeSubscription @(Get-MadeBy01BesideTheApp) }
catch { Add-Note $homeSubscription 'failed' "old alert rules in ${appGroup}: $(Get-Reason "$_")" }
Write-Where
exit (Write-Report)
