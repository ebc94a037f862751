#!/bin/sh
# Connects the deployed app to every subscription with vaults: rights, alerts, events (infra/bicep/connect.bicep).
# azd runs it after each deployment; it may be run again at any time and changes nothing then.
#
# Subscriptions: SCOPE_SUBSCRIPTIONS (separated by commas; those with a leading ! are left out), else the one that the app is in. Needs `az login`.
# Without azd the outputs of main.bicep are read from the deployment DEPLOYMENT_NAME (backup-retry).
set -eu
cd "$(dirname "$0")/.."

output() {
  az deployment sub show --name "${DEPLOYMENT_NAME:-backup-retry}" --query "properties.outputs.$1.value" --output tsv
}

: "${AZURE_LOCATION:=westeurope}"
: "${functionAppId:=$(output functionAppId)}"
: "${identityPrincipalId:=$(output identityPrincipalId)}"
: "${topicName:=$(output topicName)}"
: "${storageAccountId:=$(output storageAccountId)}"
: "${AZURE_TENANT_ID:=$(az account show --query tenantId --output tsv)}"
export AZURE_LOCATION AZURE_TENANT_ID functionAppId identityPrincipalId topicName storageAccountId

home=$(echo "$functionAppId" | cut -d/ -f3)
pause=${CONNECT_PAUSE_SECONDS:-30}

connect() {
  az deployment sub create --subscription "$1" --location "$AZURE_LOCATION" \
    --name backup-retry-connect --parameters infra/bicep/connect.bicepparam --output none
}

for subscription in $(echo "${SCOPE_SUBSCRIPTIONS:-$home}" | tr ',; ' '\n\n\n' | grep -v '^!'); do
  echo "Connecting subscription $subscription"
  # A new app's functions, and the key of one, are known to Azure only a little after its code is there.
  connect "$subscription" || { sleep "$pause"; connect "$subscription"; } || { sleep "$pause"; connect "$subscription"; }
done
