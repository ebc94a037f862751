#!/bin/sh
# Checks the prerequisites here and in Azure, and prints the command for each missing one. azd runs it before it provisions. On Windows: preprovision.ps1.
#
# It checks the app's subscription (AZURE_SUBSCRIPTION_ID, or the one of az) and at those that SCOPE_SUBSCRIPTIONS names.
# LIGHTHOUSE=true: for a customer who is to deploy lighthouse.bicep. SKIP_CHECKS=true: nothing is checked.
set -eu
cd "$(dirname "$0")/.."
. infra/installation.sh

[ "${SKIP_CHECKS:-}" != true ] || exit 0

missing() { printf '  - %s\n' "$*" >> "$work/missing"; }

finish() {
  [ -s "$work/missing" ] || exit 0
  say "Missing, before anything is deployed:"
  cat "$work/missing"
  say "To continue anyway: azd env set SKIP_CHECKS true"
  exit 1
}

# at_least VERSION WANTED: both with two numbers or more.
at_least() { awk -v a="$1" -v b="$2" 'BEGIN { split(a, x, "."); split(b, y, "."); exit !(x[1] + 0 > y[1] + 0 || (x[1] == y[1] && x[2] + 0 >= y[2] + 0)) }'; }

check_tools() {
  (unset -f az && command -v az) > /dev/null || { missing "the Azure CLI: https://learn.microsoft.com/cli/azure/install-azure-cli"; finish; }
  version=$(az version --query '"azure-cli"' --output tsv)
  at_least "$version" 2.60 || missing "Azure CLI 2.60 or later, this is $version: az upgrade"
  az bicep version > /dev/null 2>&1 || missing "Bicep: az bicep install"
}

check_sign_in() {
  home=${AZURE_SUBSCRIPTION_ID:-$(az account show --query id --output tsv 2> /dev/null)} || true
  tenant=$(az account show --query tenantId --output tsv 2> /dev/null) || tenant=
  if [ -z "$home" ] || [ -z "$tenant" ]; then missing "an Azure CLI sign-in: az login"; finish; fi
  of_home=$(az account show --subscription "$home" --query tenantId --output tsv 2> /dev/null) || of_home=
  [ -n "$of_home" ] || { missing "Azure CLI access to subscription $home: az login${AZURE_TENANT_ID:+ --tenant $AZURE_TENANT_ID}"; finish; }
  [ "$of_home" = "$tenant" ] || { missing "the Azure CLI in the tenant of subscription $home: az account set --subscription $home"; finish; }
}

check_region() {
  if [ -z "${AZURE_LOCATION:-}" ]; then missing "a region: azd env set AZURE_LOCATION <region>"; return; fi
  region=$(printf '%s' "$AZURE_LOCATION" | tr -d ' ' | tr '[:upper:]' '[:lower:]')
  unclear="information whether Flex Consumption is available in $AZURE_LOCATION"
  if ! az functionapp list-flexconsumption-locations --subscription "$home" --query "[].name" --output tsv > "$work/regions" 2> "$errors"; then
    missing "$unclear: $(reason)"
  elif ! tr -d ' ' < "$work/regions" | grep -iqFx "$region"; then
    missing "Flex Consumption in $AZURE_LOCATION: azd env set AZURE_LOCATION <region>, one of az functionapp list-flexconsumption-locations"
  elif ! az functionapp list-flexconsumption-runtimes --subscription "$home" --location "$region" --runtime python --query "[].version" \
    --output tsv > "$work/versions" 2> "$errors"; then
    missing "$unclear: $(reason)"
  elif ! grep -qFx 3.13 "$work/versions"; then
    missing "Python 3.13 in $AZURE_LOCATION: azd env set AZURE_LOCATION <another region>"
  fi
}

# check_providers SUBSCRIPTION NAMESPACE...
check_providers() {
  subscription=$1
  shift
  if ! az provider list --subscription "$subscription" --query "[?registrationState=='Registered'].namespace" --output tsv > "$work/registered" 2> "$errors"; then
    missing "access to subscription $subscription: $(reason)"
    return
  fi
  for namespace in "$@"; do
    grep -iqFx "$namespace" "$work/registered" || missing "the resource provider $namespace: az provider register --subscription $subscription --namespace $namespace"
  done
}

check_permissions() {
  may_connect "$1" || missing "permission to write resources and roles in subscription $1: ask an Owner to assign you Owner, or Contributor and User Access Administrator (Role Based Access Control Administrator cannot write custom roles)"
}

# An incomplete secure webhook rejects every alert.
check_secure_webhook() {
  [ "${SECURE_WEBHOOK_CLIENT_ID:+set}" = "${SECURE_WEBHOOK_OBJECT_ID:+set}" ] \
    || missing "one of SECURE_WEBHOOK_CLIENT_ID and SECURE_WEBHOOK_OBJECT_ID, which are required together: infra/sign-in.sh webhook prints both"
}

check_tools
check_sign_in
if [ "${LIGHTHOUSE:-}" = true ]; then
  check_providers "$home" Microsoft.ManagedServices Microsoft.Insights Microsoft.AlertsManagement
else
  check_secure_webhook
  check_region
  check_providers "$home" Microsoft.App Microsoft.Web Microsoft.Storage Microsoft.EventGrid Microsoft.Insights Microsoft.AlertsManagement \
    Microsoft.OperationalInsights Microsoft.ManagedIdentity
fi
check_permissions "$home"
for subscription in $(printf '%s' "${SCOPE_SUBSCRIPTIONS:-}" | tr ',;' '  '); do
  case $subscription in "$home" | !*) continue ;; esac
  check_providers "$subscription" Microsoft.EventGrid Microsoft.Insights Microsoft.AlertsManagement
  check_permissions "$subscription"
done
finish
