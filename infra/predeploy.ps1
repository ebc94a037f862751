# Before the code is uploaded: waits while the identity's role on the storage account is so young that the upload would be refused with 403.
# azd runs it on Windows between provisioning and the first upload, and does not repeat a refused one. predeploy.sh says what it reads.
Set-Location "$PSScriptRoot/.."
. "$PSScriptRoot/installation.ps1"

$storageBlobDataOwner = 'b7e6dc6d-f1e8-4753-8033-0f276bb0955b'
$spread = 60
if ($env:ROLE_SPREAD_SECONDS) { $spread = [int]$env:ROLE_SPREAD_SECONDS }

function Assert-RoleHasSpread {
    $assignments = (Invoke-Arm get "$storageAccountId/providers/Microsoft.Authorization/roleAssignments" 2022-04-01).value
    $cutoff = (Get-Date).ToUniversalTime().AddSeconds(-$spread)
    $young = @($assignments | ForEach-Object { $_.properties } | Where-Object {
            $_.principalId -eq $identityPrincipalId -and $_.roleDefinitionId -like "*$storageBlobDataOwner" -and
            ([datetime]$_.createdOn).ToUniversalTime() -gt $cutoff
        })
    if ($young.Count) { throw "the app's role on the storage account is less than $spread s old, the upload would fail with 403" }
}

$storageAccountId = Get-Output storageAccountId
$identityPrincipalId = Get-Output identityPrincipalId
try { Wait-For 'the role to take effect' wait { Assert-RoleHasSpread } }
catch {
    Write-Host "It cannot be determined whether the upload will be allowed: $(Get-Reason "$_")"
    Write-Host 'If it fails with 403: azd deploy, a minute later.'
}
exit 0
