# Makes the two Microsoft Entra applications that people and Azure Monitor sign in to, and says what to set then. sign-in.sh says more.
#
#   infra/sign-in.ps1 [page|webhook]
Set-Location "$PSScriptRoot/.."
. "$PSScriptRoot/installation.ps1"

$only = "$($args[0])"
if ($only -notin '', 'page', 'webhook') { Write-Host 'infra/sign-in.ps1 [page|webhook]'; exit 2 }
# Of page_application.json and webhook_application.json.
$reader = 'b60c4d1e-8a35-4c0e-9d0e-3f6f6a1c7e01'
$operator = 'b60c4d1e-8a35-4c0e-9d0e-3f6f6a1c7e02'
$callsTheWebhook = '5f3a8c0e-2b1d-4c55-9a53-0d6f0d4a7b11'
# Azure Monitor's own application, the same in every tenant.
$azureMonitor = '461e8683-5575-4561-ac7f-899cc907d62a'
$toSet = New-Object System.Collections.ArrayList

# A call of Microsoft Graph: method, path, JSON.
function Invoke-Entra($method, $path, $json) {
    if (-not $json) { return Invoke-Az rest --method $method --url "$microsoftGraph$path" }
    $file = [IO.Path]::GetTempFileName()
    try {
        Set-Content $file $json
        Invoke-Az rest --method $method --url "$microsoftGraph$path" --body "@$file"
    }
    finally { Remove-Item $file }
}

# Client id of the application of that name, nothing where there is none. In most tenants anybody may make one under any name and wait
# until it is trusted: only one that nobody but whoever runs this owns is taken.
function Find-Application($name, $variable) {
    $found = @(Invoke-Az ad app list --filter "displayName eq '$name'" | ForEach-Object { $_.appId })
    if (-not $found.Count) { return }
    $owners = @(Invoke-Az ad app owner list --id $found[0] | ForEach-Object { $_.id })
    if ($found.Count -ne 1 -or $owners.Count -ne 1 -or $owners[0] -ne $me) {
        throw "$name exists and has other owners: `$env:$variable = '<its client id>'; infra/sign-in.ps1 uses it, if you trust its owners"
    }
    $found[0]
}

# The application, with appId and id; it is made where there is none.
function Get-Application($name, $variable) {
    $client = [Environment]::GetEnvironmentVariable($variable)
    if (-not $client) { $client = Find-Application $name $variable }
    if ($client) {
        $application = Invoke-Az ad app show --id $client
        Write-Host "$name exists: $client"
    }
    else {
        $application = Invoke-Az ad app create --display-name $name --sign-in-audience AzureADMyOrg
        Write-Host "$name was created: $($application.appId)"
    }
    # Azure Monitor takes an application only from its owner.
    [void](Wait-For 'the new application' stop { Invoke-Az ad app owner add --id $application.appId --owner-object-id $me })
    $application
}

# Gives the application what the file says.
function Set-Description($application, $file, $redirects) {
    $json = (Get-Content $file -Raw).Replace('CLIENT_ID', $application.appId).Replace('REDIRECT_URIS', $redirects)
    [void](Wait-For 'the new application' stop { Invoke-Entra patch "/applications/$($application.id)" $json })
}

# Object id of an application's service principal, which is made where there is none.
function Get-Principal($client) {
    $found = @(Invoke-Az ad sp list --filter "appId eq '$client'" | ForEach-Object { $_.id })
    if ($found.Count) { return $found[0] }
    (Wait-For 'the new application' stop { Invoke-Az ad sp create --id $client }).id
}

# Who has which role of the service principal.
function Get-Assigned($principal) {
    $path = "/servicePrincipals/$principal/appRoleAssignedTo?" + '$top=999'
    @((Wait-For 'the new service principal' stop { Invoke-Entra get $path }).value | ForEach-Object { "$($_.principalId) $($_.appRoleId)" })
}

# Gives the user, group or application the role of the service principal, unless it has it.
function Grant-Role($principal, $assigned, $who, $role) {
    if ($assigned -contains "$who $role") { return }
    $json = ConvertTo-Json @{ principalId = $who; resourceId = $principal; appRoleId = $role }
    [void](Wait-For 'the new service principal' stop { Invoke-Entra post "/servicePrincipals/$principal/appRoleAssignedTo" $json })
}

# Gives the role to each of the ids. One that cannot be given to is said, and holds up nobody else.
function Grant-Each($principal, $assigned, $ids, $role) {
    foreach ($id in @($ids -split '[,; ]+' | Where-Object { $_ } | ForEach-Object { $_.ToLowerInvariant() } | Sort-Object -Unique)) {
        try { Grant-Role $principal $assigned $id $role }
        catch { Write-Host "  no role for ${id}: $(Get-Reason "$_")" }
    }
}

# The redirect URIs of the application, with the app's own, as JSON writes them. One for a domain of the administrator's stays.
function Get-RedirectUri($application) {
    $there = @((Wait-For 'the new application' stop { Invoke-Az ad app show --id $application.appId }).web.redirectUris)
    $own = ($healthUrl -replace '/api/health$') + '/.auth/login/aad/callback'
    @($there + $own | Where-Object { $_ } | Select-Object -Unique | ForEach-Object { "`"$_`"" }) -join ', '
}

function Set-Page {
    $page = Get-Application "Azure Backup Retry $installation" SIGN_IN_CLIENT_ID
    Set-Description $page infra/page_application.json (Get-RedirectUri $page)
    $principal = Get-Principal $page.appId
    $assigned = Get-Assigned $principal
    $operators = "$env:OPERATOR_PRINCIPAL_IDS"
    if (-not $env:DEPLOYER_IS_OPERATOR -or $env:DEPLOYER_IS_OPERATOR -eq 'true') { $operators += ",$me" }
    Grant-Each $principal $assigned $operators $operator
    Grant-Each $principal $assigned "$env:READER_PRINCIPAL_IDS" $reader
    Add-ToSet SIGN_IN_CLIENT_ID $page.appId
}

function Set-Webhook {
    $webhook = Get-Application "Azure Backup Retry webhook $installation" SECURE_WEBHOOK_CLIENT_ID
    Set-Description $webhook infra/webhook_application.json ''
    $monitor = Get-Principal $azureMonitor
    $principal = Get-Principal $webhook.appId
    # Entra ID gives a token to nobody who has no role.
    [void](Wait-For 'the new service principal' stop { Invoke-Entra patch "/servicePrincipals/$principal" '{"appRoleAssignmentRequired": true}' })
    Grant-Role $principal (Get-Assigned $principal) $monitor $callsTheWebhook
    Add-ToSet SECURE_WEBHOOK_CLIENT_ID $webhook.appId
    Add-ToSet SECURE_WEBHOOK_OBJECT_ID $webhook.id
}

# A line of what is to be set, unless it is.
function Add-ToSet($name, $value) {
    if ([Environment]::GetEnvironmentVariable($name) -eq $value) { return }
    if ($env:AZURE_ENV_NAME) { [void]$toSet.Add("  azd env set $name $value") } else { [void]$toSet.Add("  `$env:$name = '$value'") }
}

function Write-NextStep {
    Write-Host ''
    if (-not $toSet.Count) { Write-Host "Everything is set. Status page: $($healthUrl -replace 'health$')status"; return }
    Write-Host 'Set this, and deploy again:'
    $toSet | ForEach-Object { Write-Host $_ }
    if ($env:AZURE_ENV_NAME) { Write-Host '  azd up'; return }
    $deployment = 'backup-retry'
    if ($env:DEPLOYMENT_NAME) { $deployment = $env:DEPLOYMENT_NAME }
    Write-Host "  az deployment sub create --name $deployment --location `$env:AZURE_LOCATION --parameters infra/bicep/main.bicepparam; infra/connect.ps1"
}

Assert-NotByHand ''
Read-Installation
$microsoftGraph = (Invoke-Az cloud show).endpoints.microsoftGraphResourceId.TrimEnd('/') + '/v1.0'
try { $me = (Invoke-Az ad signed-in-user show).id }
catch {
    Write-Host "Not set up: the signed-in user cannot be determined, and it has to be a user: $(Get-Reason "$_")"
    exit 1
}
try {
    if ($only -ne 'webhook') { Set-Page }
    if ($only -ne 'page') { Set-Webhook }
}
catch {
    Write-Host "Not set up: $(Get-Reason "$_")"
    exit 1
}
Write-NextStep
exit 0
