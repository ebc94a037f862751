#!/bin/sh
# The whole deployment by az alone, without azd: prerequisites, resources, code, connections. Run it
# again at any time, for another version or other parameters. On Windows: deploy.ps1.
#
#   infra/deploy.sh [--yes]
#
# Choices are the environment variables that infra/bicep/*.bicepparam read; AZURE_LOCATION has to be set. AZURE_SUBSCRIPTION_ID: where the app
# goes; that of az unless set. DEPLOYMENT_NAME: backup-retry unless set; two installations in one subscription need two.
# PACKAGE: the zip to deploy, such as app.zip of this version's release; unless set, this folder's files are packed, which needs python3.
# --yes connects all subscriptions with vaults that were found, as infra/connect.sh says. Needs `az login`.
set -eu
cd "$(dirname "$0")/.."
. infra/installation.sh

# pack FILE: the zip of the app's own files in this folder.
pack() {
  mkdir -p "$(dirname "$1")"
  # shellcheck disable=SC2046 (one word for each file: none has a blank in its name)
  python3 -c 'import sys, zipfile
with zipfile.ZipFile(sys.argv[1], "w", zipfile.ZIP_DEFLATED, strict_timestamps=False) as package:
    for name in sys.argv[2:]:
        package.write(name)' "$1" LICENSE $(own_files)
}

by_hand 'azd up'
: "${AZURE_LOCATION:?is not set: the region of the app}" "${DEPLOYMENT_NAME:=backup-retry}"
# Read by connect.sh, which says how a choice is changed.
: "${DEPLOYED_BY:=infra/deploy.sh}"
export AZURE_LOCATION DEPLOYMENT_NAME DEPLOYED_BY
package=${PACKAGE:-build/app.zip}
infra/preprovision.sh
[ -n "${PACKAGE:-}" ] || pack "$package"
[ -f "$package" ] || { say "PACKAGE=$package: there is no such file" >&2; exit 1; }
say "Creating the resources"
az deployment sub create --name "$DEPLOYMENT_NAME" --location "$AZURE_LOCATION" --parameters infra/bicep/main.bicepparam --output none \
  ${AZURE_SUBSCRIPTION_ID:+--subscription "$AZURE_SUBSCRIPTION_ID"}
read_installation
infra/predeploy.sh
say "Uploading $package"
az functionapp deployment source config-zip --subscription "$home" --resource-group "$app_group" --name "$app_name" --src "$package" \
  --build-remote true --output none
infra/connect.sh "$@"
