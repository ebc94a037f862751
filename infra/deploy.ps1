# The whole deployment by az alone, without azd: prerequisites, resources, code, connections. Run it
# again at any time, for another version or other parameters. deploy.sh says what it reads.
#
#   infra/deploy.ps1 [--yes]
Set-Location "$PSScriptRoot/.."
. "$PSScriptRoot/installation.ps1"

# Makes the zip of the app's own files in this folder.
function New-Package($file) {
    Add-Type -AssemblyName System.IO.Compression, System.IO.Compression.FileSystem
    $here = (Get-Location).Path
    [void](New-Item -ItemType Directory -Force (Split-Path "$here/$file"))
    if (Test-Path $file) { Remove-Item $file }
    $zip = [IO.Compression.ZipFile]::Open("$here/$file", 'Create')
    try {
        foreach ($name in @('LICENSE') + @(Get-OwnFile)) {
            [void][IO.Compression.ZipFileExtensions]::CreateEntryFromFile($zip, "$here/$name", $name)
        }
    }
    finally { $zip.Dispose() }
}

# Runs one of the other scripts; ends this one if it fails.
function Invoke-Script($name) {
    $global:LASTEXITCODE = 0
    & "$PSScriptRoot/$name.ps1" @args
    if ($LASTEXITCODE) { exit $LASTEXITCODE }
}

Assert-NotByHand 'azd up'
if (-not $env:AZURE_LOCATION) { throw 'AZURE_LOCATION is not set: the region of the app' }
$deployment = $env:DEPLOYMENT_NAME
if (-not $deployment) { $deployment = 'backup-retry' }
$package = $env:PACKAGE
if (-not $package) { $package = 'build/app.zip' }
$asked = $args
$by = $env:DEPLOYED_BY
if (-not $by) { $by = 'infra/deploy.ps1' }
# Read by connect.ps1, which says how a choice is changed.
Use-Environment @{ DEPLOYMENT_NAME = $deployment; DEPLOYED_BY = $by } {
    Invoke-Script preprovision
    if (-not $env:PACKAGE) { New-Package $package }
    if (-not (Test-Path $package)) { throw "PACKAGE=${package}: there is no such file" }
    Write-Host 'Creating the resources'
    $where = @()
    if ($env:AZURE_SUBSCRIPTION_ID) { $where = '--subscription', $env:AZURE_SUBSCRIPTION_ID }
    [void](Invoke-Az deployment sub create --name $deployment --location $env:AZURE_LOCATION --parameters infra/bicep/main.bicepparam @where)
    Read-Installation
    Invoke-Script predeploy
    Write-Host "Uploading $package"
    [void](Invoke-Az functionapp deployment source config-zip --subscription $homeSubscription --resource-group $appGroup --name $appName --src $package --build-remote true)
    Invoke-Script connect @asked
}
