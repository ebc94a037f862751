#!/bin/sh
# Connects the deployed app to every subscription with vaults: permissions, alerts, events (infra/bicep/connect.bicep).
# azd runs it after each deployment; it may be run again at any time and changes nothing then. On Windows: connect.ps1.
#
#   infra/connect.sh [--yes]
#
# Subscriptions: SCOPE_SUBSCRIPTIONS (separated by commas; those with a leading ! are excluded). Where it names none, all of the tenant that
# have vaults and that the signed-in person may write to: listed and confirmed at a terminal or by --yes, else only the app's own.
# What a switch made that is off now (ALERTS_ENABLED, FAILED_ACTIONS_ENABLED, VAULT_WORKSPACE_ID, HEALTH_WATCHED_VAULT_IDS, ASSIGN_ROLE)
# is deleted, and so is what version 0.1 made under other names.
# EXPECTED_PACKAGE: the hash that /api/health has to answer with; that of this folder unless set, `any` to take every package.
# Without azd the outputs of main.bicep are read from the deployment DEPLOYMENT_NAME (backup-retry). Needs `az login`.
set -eu
cd "$(dirname "$0")/.."
. infra/installation.sh
. infra/connected.sh

yes=
[ "${1:-}" != --yes ] || yes=1

scope() { printf '%s\n' "${SCOPE_SUBSCRIPTIONS:-}" | tr ',; ' '\n\n\n' | grep . | lower | awk '!seen[$0]++'; }
excluded() { scope | grep -iqFx "!$1"; }
named() { scope | grep -v '^!' | while read -r id; do excluded "$id" || printf '%s\n' "$id"; done; }

# The subscriptions of the tenant that have vaults: id and name, one a line.
found() {
  graph "$(grep -v '^//' infra/subscriptions_with_vaults.kql | tr '\n' ' ')" > "$work/with-vaults" || return 1
  awk -F "$tab" -v OFS="$tab" -v tenant="$AZURE_TENANT_ID" 'tolower($2) == tolower(tenant) { print $1, $3 }' "$work/with-vaults"
}

# Those of the found ones that may be connected, with a note for each of the others.
allowed() {
  while IFS=$tab read -r id name; do
    if excluded "$id"; then note "$id" 'skipped' "SCOPE_SUBSCRIPTIONS excludes it"
    elif may_connect "$id"; then printf '%s\t%s\n' "$id" "$name"
    else note "$id" 'skipped' "no permission to write resources and roles there: an Owner has to run this"
    fi
  done
}

# The subscriptions to connect, into $work/chosen.
choose() {
  named > "$work/chosen"
  [ ! -s "$work/chosen" ] || return 0
  if found > "$work/found"; then allowed < "$work/found" > "$work/allowed"
  else
    say "The subscriptions with vaults cannot be listed: $(reason)"
    : > "$work/allowed"
  fi
  cut -f1 "$work/allowed" > "$work/chosen"
  if grep -qiv "^$home$tab" "$work/allowed" && ! agreed; then
    while read -r id; do
      [ "$id" = "$home" ] || note "$id" 'skipped' "not confirmed: name it in SCOPE_SUBSCRIPTIONS, or run infra/connect.sh --yes"
    done < "$work/chosen"
    : > "$work/chosen"
  fi
  [ -s "$work/chosen" ] || excluded "$home" || echo "$home" > "$work/chosen"
}

agreed() {
  say "Subscriptions with vaults:"
  sed "s/^/  /; s/$tab/  /" "$work/allowed"
  [ -n "$yes" ] || confirmed "Connect all of these? (no: only the app's own, $home)"
}

app_runs() {
  running=$(az rest --method get --url "$healthUrl" --skip-authorization-header --query package --output tsv) || return 1
  [ "$expected" = any ] || [ "$running" = "$expected" ] || {
    echo "the app responds, but with package ${running:-(none)}; this folder is $expected (EXPECTED_PACKAGE=any accepts every package)" >&2
    return 1
  }
}
function_listed() { arm get "$functionAppId/functions/$1" 2024-11-01 --output none; }
key_readable() { arm post "$functionAppId/functions/alerts/listkeys" 2024-11-01 --output none; }

# Waits until the app answers with the uploaded package, and Azure knows its functions and the webhook's key.
app_is_ready() {
  say "Waiting until the app runs package $expected"
  wait_for "$healthUrl" wait app_runs \
    && wait_for "the function alerts to be listed" wait function_listed alerts \
    && wait_for "the function events to be listed" wait function_listed events \
    && wait_for "the webhook's key" wait key_readable
}

# Azure allows one system topic for each subscription: one that is there already is used as it is.
use_system_topic() {
  [ "${FAILED_ACTIONS_ENABLED:-false}" = true ] && [ -z "${SYSTEM_TOPIC_NAME:-}" ] || return 0
  topic=$(system_topic_in "$1") || return 1
  if [ -n "$topic" ] && [ "${topic##*/}" != "evgt-backup-retry-$installation" ]; then
    SYSTEM_TOPIC_NAME=${topic##*/}
    SYSTEM_TOPIC_RESOURCE_GROUP_NAME=$(printf '%s' "$topic" | cut -d/ -f5)
    export SYSTEM_TOPIC_NAME SYSTEM_TOPIC_RESOURCE_GROUP_NAME
  fi
}

# Everything that connect.bicep wants to be there, into $work/wanted.
deploy() {
  az deployment sub create --subscription "$1" --location "$AZURE_LOCATION" --name "backup-retry-connect-$installation" \
    --parameters infra/bicep/connect.bicepparam --output tsv \
    --query "[properties.outputs.resourceIds.value, [properties.outputs.roleId.value]][]" > "$work/wanted"
}

# What a switch made that is off now, and what version 0.1 made.
tidy() {
  made_in "$1" > "$work/made" || return 1
  while read -r id; do wanted "$id" || printf '%s\n' "$id"; done < "$work/made" > "$work/unwanted"
  made_by_0_1_in "$1" >> "$work/unwanted" || return 1
  [ -s "$work/unwanted" ] || return 0
  empty_group "$1" rg-backup-retry-signals "$work/unwanted" > "$work/group" || return 1
  cat "$work/group" >> "$work/unwanted"
  remove_all "$1" "$work/unwanted"
}

# wanted ID: whether connect.bicep wants it, or something below it, to be there. It names its role, and not the assignment.
wanted() {
  case $1 in
  */roleAssignments/*) grep -q /roleDefinitions/ "$work/wanted" ;;
  *) grep -qiFx "$1" "$work/wanted" || grep -qiF "$1/" "$work/wanted" ;;
  esac
}

tidy_beside_the_app() {
  made_by_0_1_beside_the_app > "$work/unwanted" && remove_all "$home" "$work/unwanted"
}

connect() {
  say "Connecting subscription $1"
  use_system_topic "$1" && wait_for "subscription $1" stop deploy "$1" && tidy "$1"
}

# Ids of vaults and workspaces whose subscription is not connected: connect.bicep takes only those of the subscription that it runs in.
warn_of_strangers() {
  printf '%s\n' "${VAULT_WORKSPACE_ID:-}" "${HEALTH_WATCHED_VAULT_IDS:-}" | tr ', ' '\n\n' | grep . | while read -r id; do
    grep -iqFx "$(printf '%s' "$id" | cut -d/ -f3)" "$work/chosen" || say "Not monitored, its subscription is not connected: $id"
  done
}

# Where to look, and whether it is a dry run.
say_where() {
  say
  say "Status page: ${healthUrl%health}status"
  [ -n "${SIGN_IN_CLIENT_ID:-}" ] || say "It requires a host key; to require a sign-in instead: infra/sign-in.sh (docs/sign-in.md)"
  say "Would an alert arrive? backup-retry check --app $app_name"
  dry=$(az functionapp config appsettings list --subscription "$home" --resource-group "$app_group" --name "$app_name" \
    --query "[?name=='DRY_RUN'].value" --output tsv 2> /dev/null) || return 0
  case $dry in [tT]rue | 1 | yes | on) ;; *) return 0 ;; esac
  say "DRY RUN: the app evaluates everything and starts no backup. To end the dry run:"
  if [ -n "${AZURE_ENV_NAME:-}" ] && [ -z "${DEPLOYED_BY:-}" ]; then say "  azd env set DRY_RUN false && azd up"
  else say "  set DRY_RUN to false and run ${DEPLOYED_BY:-infra/deploy.sh} again"
  fi
}

by_hand 'azd hooks run postdeploy'
: "${AZURE_LOCATION:?is not set: the region of the app, as it was deployed}"
read_installation
storageAccountId=$(output storageAccountId)
export AZURE_LOCATION storageAccountId
expected=${EXPECTED_PACKAGE:-$(package_hash)}
choose
if [ ! -s "$work/chosen" ]; then
  report || true
  say "Nothing to connect: SCOPE_SUBSCRIPTIONS excludes every subscription." >&2
  exit 1
fi
warn_of_strangers
if ! app_is_ready; then
  say "Not connected: $(reason)" >&2
  exit 1
fi
while read -r subscription; do
  if (connect "$subscription"); then note "$subscription" connected ''
  else note "$subscription" failed "$(reason)"
  fi
done < "$work/chosen"
if ! (tidy_beside_the_app); then note "$home" failed "old alert rules in $app_group: $(reason)"; fi
say_where
report
