# Read by connect.ps1 and disconnect.ps1: what this installation has in a subscription, and how it is removed.
# The same in POSIX sh: connected.sh. The names are those of infra/bicep/connect.bicep.

$eventGrid = '2025-02-15'

# Ids of all that connect made in a subscription; its resource group and the custom topic's subscription excepted.
function Get-Made($subscription) {
    $tagged = @(Invoke-Az resource list --subscription $subscription --tag "backup-retry-installation=$installation" | ForEach-Object { $_.id })
    # The tag alone is not enough: an Azure Policy may hand a resource group's tags on to whatever lies in it.
    @($tagged -like "*-$installation") -notmatch '/systemTopics/'
    Get-Events $subscription
    Get-Role $subscription "Backup Retry Operator ($subscription, $installation)" ''
}

# Id of the one system topic that announces the subscription's own events.
function Get-SystemTopic($subscription) {
    $topics = @(Get-IfAny { Invoke-Az eventgrid system-topic list --subscription $subscription })
    $topics | Where-Object { $_.topicType -eq 'Microsoft.Resources.Subscriptions' } | Select-Object -First 1 | ForEach-Object { $_.id }
}

# The event subscriptions on it; Azure gives 20 a page, and az, unlike az rest, all pages.
function Get-Listeners($topic) {
    $parts = $topic.Split('/')
    Get-IfAny { Invoke-Az eventgrid system-topic event-subscription list --subscription $parts[2] --resource-group $parts[4] --system-topic-name $parts[-1] }
}

# Ids of our event subscriptions on it, then its own where we made it and nobody else listens: Azure allows one for each subscription, so
# that it may have come to serve others.
function Get-Events($subscription) {
    $topic = Get-SystemTopic $subscription
    if (-not $topic) { return }
    $all = @(Get-Listeners $topic | Where-Object { $_ })
    $ours = @($all | Where-Object { "$($_.destination.resourceId)$($_.destination.properties.resourceId)" -like "$functionAppId/*" })
    $ours | Where-Object { 'backup-retry', "backup-retry-$installation" -contains $_.name } | ForEach-Object { $_.id }
    $isMade = "evgt-backup-retry-$installation", 'evgt-backup-retry-subscription' -contains $topic.Split('/')[-1]
    if ($isMade -and $ours.Count -eq $all.Count) { $topic }
}

# Ids of the custom role's assignments to that principal (empty: to anybody), then the role's own where nobody else has it.
function Get-Role($subscription, $name, $principal) {
    $role = Invoke-Az role definition list --subscription $subscription --custom-role-only true | Where-Object { $_.roleName -eq $name }
    if (-not $role) { return }
    $all = @(Invoke-Az role assignment list --subscription $subscription --scope "/subscriptions/$subscription" --role ($role.id.Split('/')[-1]))
    $ours = @($all | Where-Object { -not $principal -or $_.principalId -eq $principal })
    $ours | ForEach-Object { $_.id }
    if ($ours.Count -eq $all.Count) { $role.id }
}

# Ids of what version 0.1 of this installation made in a subscription, under names that every installation shared.
function Get-MadeBy01($subscription) {
    $group = $env:SIGNALS_RESOURCE_GROUP_NAME
    if (-not $group) { $group = 'rg-backup-retry-signals' }
    $old = "/subscriptions/$subscription/resourceGroups/$group/providers/Microsoft.Insights/actionGroups/ag-backup-retry-webhook"
    $receivers = (Get-IfAny { Invoke-Arm get $old 2023-01-01 }).properties.webhookReceivers
    if (@($receivers | Where-Object { "$($_.serviceUri)".StartsWith(($healthUrl -replace 'health$')) }).Count) {
        Invoke-Az resource list --subscription $subscription --resource-group $group |
            Where-Object { -not $_.tags.'backup-retry-installation' } |
            Where-Object { $_.name -match '^(ag-backup-retry-webhook|apr-backup-retry|backup-retry-failed-jobs|backup-retry-health-.*)$' } |
            ForEach-Object { $_.id }
    }
    if ($identityPrincipalId) { Get-Role $subscription "Backup Retry Operator ($subscription)" $identityPrincipalId }
}

# Ids of the alert rules, and their action group, that version 0.1 made in the app's own resource group.
function Get-MadeBy01BesideTheApp {
    $rules = 'backup-retry-(needs-a-person|exhausted|storm|sweep-overdue|follow-up-silent|function-failing)'
    $old = @(Invoke-Az resource list --subscription $homeSubscription --resource-group $appGroup |
            Where-Object { $_.name -match "^(ag-backup-retry-operators|$rules)$" })
    $rule = $old | Where-Object { $_.name -match "^$rules$" } | Select-Object -First 1
    if (-not $rule) { return }
    # Another installation in the same group has a workspace of its own.
    $scope = (Invoke-Az resource show --ids $rule.id).properties.scopes
    if (@($scope) -contains (Get-Output workspaceId)) { $old | ForEach-Object { $_.id } }
}

# Id of the resource group where it is one of ours by its name and holds nothing but the ids given: Azure still shows for a while what was
# deleted.
function Get-EmptyGroup($subscription, $group, $ids) {
    if ('rg-backup-retry-signals', "rg-backup-retry-signals-$installation" -notcontains $group) { return }
    if (-not (Invoke-Az group exists --subscription $subscription --name $group)) { return }
    $left = @(Invoke-Az resource list --subscription $subscription --resource-group $group | ForEach-Object { $_.id })
    if (-not @($left | Where-Object { $ids -notcontains $_ }).Count) { "/subscriptions/$subscription/resourceGroups/$group" }
}

# Deletes one of the ids; a group only if nobody has put anything else into it since.
function Remove-One($subscription, $id, $ids) {
    $name = $id.Split('/')[-1]
    switch -Regex ($id) {
        '/roleAssignments/' { return Invoke-Az role assignment delete --subscription $subscription --ids $id }
        '/roleDefinitions/' { return Invoke-Az role definition delete --subscription $subscription --scope "/subscriptions/$subscription" --name $name }
        '/eventSubscriptions/' { return Invoke-Az resource delete --subscription $subscription --ids $id --api-version $eventGrid }
        '/providers/' { return Invoke-Az resource delete --subscription $subscription --ids $id }
        default { if (Get-EmptyGroup $subscription $name $ids) { Invoke-Az group delete --subscription $subscription --name $name --yes } }
    }
}

# Deletes each of the ids and says so.
function Remove-Each($subscription, $ids) {
    foreach ($id in $ids) {
        Write-Host "  removing $id"
        [void](Remove-One $subscription $id $ids)
    }
}
