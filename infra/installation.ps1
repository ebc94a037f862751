# Read by the other scripts: which installation this is, its package, and waiting for Azure.
# The same in POSIX sh: installation.sh. It runs in Windows PowerShell 5.1, too; no argument of az holds what cmd would
# take for its own, such as & | < > " or a lone parenthesis: az is a batch file on Windows.

$ErrorActionPreference = 'Stop'
$waitSeconds = 600
if ($env:CONNECT_WAIT_SECONDS) { $waitSeconds = [int]$env:CONNECT_WAIT_SECONDS }
$pauseSeconds = 15
if ($env:CONNECT_PAUSE_SECONDS) { $pauseSeconds = [int]$env:CONNECT_PAUSE_SECONDS }
$table = New-Object System.Collections.ArrayList

# What az answers; throws what it wrote to stderr.
function Invoke-Az {
    # Windows PowerShell takes a line on stderr for an error of its own.
    $ErrorActionPreference = 'Continue'
    $said = @(& az @args --output json 2>&1)
    $failed = $LASTEXITCODE -ne 0
    $complaints = @($said | Where-Object { $_ -is [System.Management.Automation.ErrorRecord] } | ForEach-Object { "$_" })
    if ($failed) { throw ($complaints -join "`n") }
    $answer = @($said | Where-Object { $_ -isnot [System.Management.Automation.ErrorRecord] }) -join "`n"
    if ($answer.Trim()) { ConvertFrom-Json $answer }
}

# A call of Azure Resource Manager: method, path, API version, further arguments.
function Invoke-Arm($method, $path, $version) {
    Invoke-Az rest --method $method --url "${path}?api-version=$version" @args
}

# The rows of a Resource Graph query; it gives 1,000 at a time.
function Get-GraphRow($query) {
    $file = [IO.Path]::GetTempFileName()
    $skip = 0
    try {
        do {
            Set-Content $file (ConvertTo-Json @{ query = $query; options = @{ '$top' = 1000; '$skip' = $skip } })
            $rows = @((Invoke-Arm post /providers/Microsoft.ResourceGraph/resources 2022-10-01 --body "@$file").data | Where-Object { $_ })
            $rows
            $skip += 1000
        } while ($rows.Count -ge 1000)
    }
    finally { Remove-Item $file }
}

# What the block answers; nothing where Azure says that there is no such thing.
function Get-IfAny($block) {
    try { & $block }
    catch { if ("$_" -notmatch 'NotFound|Not Found|MissingSubscriptionRegistration|SubscriptionNotRegistered') { throw } }
}

# Stops where azd has the settings and did not hand them over: a switch that is on there would be taken for one that is off.
function Assert-NotByHand($command) {
    if ($env:AZURE_ENV_NAME -or -not (Test-Path .azure/config.json)) { return }
    $run = ''
    if ($command) { $run = "$command, or " }
    Write-Host "azd has the settings of this installation: run ${run}load them as docs/deploy.md says (Connecting)."
    exit 1
}

# One of main.bicep's outputs, from azd's environment, a note of `disconnect --remember`, or the deployment.
function Get-Output($name) {
    $value = [Environment]::GetEnvironmentVariable($name)
    if (-not $value -and (Test-Path (Get-Remembered))) {
        $value = @(Get-Content (Get-Remembered)) -match "^$name=" -replace '^[^=]*=' | Select-Object -First 1
    }
    if (-not $value) {
        $deployment = $env:DEPLOYMENT_NAME
        if (-not $deployment) { $deployment = 'backup-retry' }
        $where = @()
        if ($env:AZURE_SUBSCRIPTION_ID) { $where = '--subscription', $env:AZURE_SUBSCRIPTION_ID }
        $value = Invoke-Az deployment sub show --name $deployment --query "properties.outputs.$name.value" @where
    }
    $value
}

function Get-Remembered { ".azure/$env:AZURE_ENV_NAME/connected-app" }

# Sets what the scripts know of the installation.
function Read-Installation {
    $script:functionAppId = Get-Output functionAppId
    $script:identityPrincipalId = Get-Output identityPrincipalId
    $script:topicName = Get-Output topicName
    $script:healthUrl = Get-Output healthUrl
    $parts = $functionAppId.Split('/')
    # As Azure writes ids; the name of the role holds one.
    $script:homeSubscription = $parts[2].ToLowerInvariant()
    $script:appGroup = $parts[4]
    $script:appName = $parts[-1]
    $script:installation = ($appName -replace '^func-backup-retry-').ToLowerInvariant()
    $script:tenantId = $env:AZURE_TENANT_ID
    if (-not $tenantId) { $script:tenantId = (Invoke-Az account show).tenantId }
}

# Runs the block with these environment variables, and restores them: the script may run in somebody's own session.
function Use-Environment($variables, $block) {
    $before = @{}
    foreach ($name in $variables.Keys) {
        $before[$name] = [Environment]::GetEnvironmentVariable($name)
        Set-Item "env:$name" $variables[$name]
    }
    try { & $block }
    finally { foreach ($name in $before.Keys) { Set-Item "env:$name" $before[$name] } }
}

# The names of the app's own files in this folder, as status/package.py has them.
function Get-OwnFile {
    $own = 'backup_retry', 'constraints.txt', 'function_app.py', 'host.json', 'reactor', 'reconciler', 'requirements.txt', 'status'
    $here = (Get-Location).Path.Length + 1
    # Get-ChildItem -Recurse would look for a file's name in every folder.
    $files = foreach ($each in $own) { if (Test-Path $each -PathType Leaf) { Get-Item $each } else { Get-ChildItem $each -Recurse -File -Force } }
    $names = @($files.FullName -notmatch '__pycache__|\.py[co]$' | ForEach-Object { $_.Substring($here).Replace('\', '/') })
    [Array]::Sort($names, [StringComparer]::Ordinal)
    $names
}

# Their hash, as status/package.py has it.
function Get-PackageHash {
    $lines = Get-OwnFile | ForEach-Object { "$((Get-FileHash $_ -Algorithm SHA256).Hash.ToLowerInvariant())  $_`n" }
    $bytes = [Text.Encoding]::UTF8.GetBytes(-join $lines)
    $hash = [BitConverter]::ToString([Security.Cryptography.SHA256]::Create().ComputeHash($bytes))
    $hash.Replace('-', '').ToLowerInvariant().Substring(0, 16)
}

# Whether the signed-in person may deploy there, and write roles where the app is to get one.
function Test-MayConnect($subscription) {
    try { $may = (Invoke-Arm get "/subscriptions/$subscription/providers/Microsoft.Authorization/permissions" 2022-04-01).value }
    catch { return $false }
    $deploys = @($may | Where-Object { $_.actions -contains '*' })
    $writesRoles = @($may | Where-Object {
            ($_.actions -contains '*' -or $_.actions -contains 'Microsoft.Authorization/*') -and
            $_.notActions -notcontains 'Microsoft.Authorization/*/Write'
        })
    if ($env:ASSIGN_ROLE -and $env:ASSIGN_ROLE -ne 'true') { $writesRoles = $deploys }
    $deploys.Count -gt 0 -and $writesRoles.Count -gt 0
}

# The row of azure_errors.tsv that fits an error; nothing where none does.
function Get-ErrorRow($text) {
    foreach ($line in Get-Content infra/azure_errors.tsv) {
        $kind, $words, $advice = $line.Split("`t")
        if (-not $line.StartsWith('#') -and $text.Contains($words)) {
            return New-Object PSObject -Property @{ Kind = $kind; Words = $words; Advice = $advice }
        }
    }
}

# An error in one line and without a key.
function Get-Reason($text) {
    $row = Get-ErrorRow $text
    if ($row) { return "$($row.Words): $($row.Advice)" }
    $last = @($text.Split("`n") | Where-Object { $_.Trim() })[-1]
    $line = "$last" -replace '^ERROR: ' -replace 'code=[^"& ]*', 'code=...'
    $line.Substring(0, [Math]::Min(300, $line.Length))
}

# Runs the block until it throws no more, ten minutes at most, with a line of progress for each try. An error that azure_errors.tsv does
# not name counts as $unknown says; one to stop at ends the wait at once.
function Wait-For($what, $unknown, $block) {
    $started = Get-Date
    while ($true) {
        try { return & $block }
        catch {
            $text = "$_"
            $kind = $unknown
            $row = Get-ErrorRow $text
            if ($row) { $kind = $row.Kind }
            $waited = [int]((Get-Date) - $started).TotalSeconds
            if ($kind -ne 'wait' -or $waited -ge $waitSeconds) { throw $text }
            Write-Host "  waiting for $what, $waited of at most $waitSeconds s: $(Get-Reason $text)"
            Start-Sleep -Seconds $pauseSeconds
        }
    }
}

# Asks where there is a terminal; no answer is a no.
function Test-Confirmed($question) {
    if ([Console]::IsInputRedirected -or [Console]::IsOutputRedirected) { return $false }
    (Read-Host "$question [y/N]") -match '^[yY]'
}

# A row of the table at the end.
function Add-Note($subscription, $result, $reason) {
    [void]$table.Add((New-Object PSObject -Property @{ Subscription = $subscription; Result = $result; Reason = $reason }))
}

# The table of subscriptions and results; the exit code: 1 where one failed.
function Write-Report {
    Write-Host ''
    foreach ($row in $table) { Write-Host ('{0,-38}{1,-14}{2}' -f $row.Subscription, $row.Result, $row.Reason).TrimEnd() }
    if (@($table | Where-Object { $_.Result -eq 'failed' }).Count) { 1 } else { 0 }
}
