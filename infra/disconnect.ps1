# Removes what connect created, in each subscription; the app itself stays (`azd down` removes it). disconnect.sh says more.
#
#   infra/disconnect.ps1 [--yes] [SUBSCRIPTION...]
#   infra/disconnect.ps1 --remember
#   infra/disconnect.ps1 --after-down
Set-Location "$PSScriptRoot/.."
. "$PSScriptRoot/installation.ps1"
. "$PSScriptRoot/connected.ps1"

$yes = $args -contains '--yes'
$only = @($args -notmatch '^--' | ForEach-Object { $_.ToLowerInvariant() })
Assert-NotByHand 'azd hooks run postdown'
Read-Installation
if ($args -contains '--remember') {
    $known = 'functionAppId', 'identityPrincipalId', 'topicName', 'healthUrl' | ForEach-Object { "$_=$(Get-Output $_)" }
    Set-Content (Get-Remembered) $known
    exit 0
}
if ($args -contains '--after-down') {
    try { $app = Get-IfAny { Invoke-Arm get $functionAppId 2024-11-01 } }
    catch {
        Write-Host "It cannot be determined whether the app was deleted: $(Get-Reason "$_")"
        exit 1
    }
    if ($app) {
        Write-Host 'The app still exists and stays connected. To disconnect it: infra/disconnect.ps1'
        exit 0
    }
}

# The subscriptions where something of this installation is: by its tag, or by a role of the app's identity.
function Get-Found {
    $tagged = "where tags['backup-retry-installation'] =~ '$installation' | project subscriptionId"
    $assigned = "where properties.principalId =~ '$identityPrincipalId' and properties.scope startswith '/subscriptions/'"
    $query = "resourcecontainers | $tagged | union (resources | $tagged)"
    $query += " | union (authorizationresources | $assigned | project subscriptionId = tostring(split(properties.scope, '/')[2]))"
    Get-GraphRow "$query | distinct subscriptionId | order by subscriptionId asc" | ForEach-Object { $_.subscriptionId }
}

# The custom topic's subscription: of the app, not of one subscription with vaults.
function Get-TopicSubscription {
    $topic = "/subscriptions/$homeSubscription/resourceGroups/$appGroup/providers/Microsoft.EventGrid/topics/$topicName"
    Get-IfAny { Invoke-Arm get "$topic/eventSubscriptions/backup-retry" $eventGrid } | ForEach-Object { $_.id }
}

# What is to be removed in a subscription: the resource groups last.
function Get-ToRemove($subscription) {
    $ids = @(Get-Made $subscription) + @(Get-MadeBy01 $subscription)
    if ($subscription -eq $homeSubscription -and -not $only.Count -and $topicName) { $ids += @(Get-TopicSubscription) }
    foreach ($group in "rg-backup-retry-signals-$installation", 'rg-backup-retry-signals') { $ids += @(Get-EmptyGroup $subscription $group $ids) }
    $ids
}

$subscriptions = $only
if (-not $only.Count) {
    try { $subscriptions = @(Get-Found) }
    catch {
        Write-Host "The connected subscriptions cannot be listed: $(Get-Reason "$_")"
        exit 1
    }
    if ($subscriptions -notcontains $homeSubscription) { $subscriptions += $homeSubscription }
}

Write-Host "Resources of installation ${installation}:"
$toDo = [ordered]@{}
foreach ($subscription in $subscriptions) {
    try { $ids = @(Get-ToRemove $subscription) }
    catch {
        Add-Note $subscription 'failed' (Get-Reason "$_")
        continue
    }
    if ($ids.Count) { $toDo[$subscription] = $ids }
    foreach ($id in $ids) { Write-Host "  $id" }
}
if (-not $toDo.Count) { Write-Host '  nothing found' }
elseif (-not $yes -and -not (Test-Confirmed 'Delete these?')) {
    Write-Host 'Nothing was deleted. To delete without confirmation: infra/disconnect.ps1 --yes'
    exit 1
}
else {
    foreach ($subscription in $toDo.Keys) {
        try {
            Remove-Each $subscription $toDo[$subscription]
            Add-Note $subscription 'disconnected' ''
        }
        catch { Add-Note $subscription 'failed' (Get-Reason "$_") }
    }
}
$failed = Write-Report
if (-not $failed -and -not $only.Count -and (Test-Path (Get-Remembered))) { Remove-Item (Get-Remembered) }
exit $failed
