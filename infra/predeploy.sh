#!/bin/sh
# Before the code is uploaded: waits while the identity's role on the storage account is so young that the upload would be refused with 403.
# azd runs it between provisioning and the first upload, and does not repeat a refused one. On Windows: predeploy.ps1.
#
# ROLE_SPREAD_SECONDS: how long Azure takes to make a new role known everywhere (60).
set -eu
cd "$(dirname "$0")/.."
. infra/installation.sh

STORAGE_BLOB_DATA_OWNER=b7e6dc6d-f1e8-4753-8033-0f276bb0955b

# utc EPOCH: as Azure writes it; GNU's date, or that of macOS.
utc() { date -u -d "@$1" +%Y-%m-%dT%H:%M:%S 2> /dev/null || date -u -r "$1" +%Y-%m-%dT%H:%M:%S; }

role_has_spread() {
  created=$(arm get "$storageAccountId/providers/Microsoft.Authorization/roleAssignments" 2022-04-01 --output tsv \
    --query "value[?properties.principalId=='$identityPrincipalId' && ends_with(properties.roleDefinitionId, '$STORAGE_BLOB_DATA_OWNER')].properties.createdOn") || return 1
  cutoff=$(utc $(($(date +%s) - ${ROLE_SPREAD_SECONDS:-60})))
  [ "$(printf '%s\n%s\n' "$created" "$cutoff" | LC_ALL=C sort | tail -n 1)" = "$cutoff" ] || {
    echo "the app's role on the storage account is less than ${ROLE_SPREAD_SECONDS:-60} s old, the upload would fail with 403" >&2
    return 1
  }
}

storageAccountId=$(output storageAccountId)
identityPrincipalId=$(output identityPrincipalId)
if ! wait_for "the role to take effect" wait role_has_spread; then
  say "It cannot be determined whether the upload will be allowed: $(reason)"
  say "If it fails with 403: azd deploy, a minute later."
fi
