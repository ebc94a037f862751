#!/bin/sh
# Creates the two Microsoft Entra applications that users and Azure Monitor sign in to, and prints what to set (docs/sign-in.md).
# It can be run at any time: a second run only adds what is missing. On Windows: sign-in.ps1.
#
#   infra/sign-in.sh [page|webhook]
#
# page: only that of the status page. webhook: only that of the secure webhook. One that is there already is named by SIGN_IN_CLIENT_ID
# or SECURE_WEBHOOK_CLIENT_ID. Whoever OPERATOR_PRINCIPAL_IDS and READER_PRINCIPAL_IDS name gets a role of the page's, and so does
# whoever runs this, unless DEPLOYER_IS_OPERATOR is false. Needs the deployed app, and `az login` as a person.
set -eu
cd "$(dirname "$0")/.."
. infra/installation.sh

# Of page_application.json and webhook_application.json.
READER=b60c4d1e-8a35-4c0e-9d0e-3f6f6a1c7e01
OPERATOR=b60c4d1e-8a35-4c0e-9d0e-3f6f6a1c7e02
CALLS_THE_WEBHOOK=5f3a8c0e-2b1d-4c55-9a53-0d6f0d4a7b11
# Azure Monitor's own application, the same in every tenant.
AZURE_MONITOR=461e8683-5575-4561-ac7f-899cc907d62a

# entra METHOD PATH [JSON]: a call of Microsoft Graph; the answer's value, two columns of it, to $work/answer.
entra() {
  set -- "$1" "$2" "${3:-}" --method "$1" --url "$microsoft_graph$2"
  if [ -n "$3" ]; then
    printf '%s' "$3" > "$work/body.json"
    set -- "$@" --body "@$work/body.json"
  fi
  shift 3
  az rest "$@" --query "value[].[principalId, appRoleId]" --output tsv > "$work/answer"
}

# look_up NAME VARIABLE: sets $client to the application of that name, to nothing where there is none. In most tenants anybody may make one
# under any name and wait until it is trusted: only one that nobody but whoever runs this owns is taken.
look_up() {
  az ad app list --filter "displayName eq '$1'" --query "[].appId" --output tsv > "$work/found" 2> "$errors" || return 1
  client=$(cat "$work/found")
  [ -n "$client" ] || return 0
  az ad app owner list --id "$(head -n 1 "$work/found")" --query "[].id" --output tsv > "$work/owners" 2> "$errors" || return 1
  [ "$(wc -l < "$work/found")$(cat "$work/owners")" = "1$me" ] || {
    echo "$1 exists and has other owners: $2=<its client id> infra/sign-in.sh uses it, if you trust its owners" > "$errors"
    return 1
  }
}

# application NAME VARIABLE: sets $client and $object to the ids of the application, which is made where there is none.
application() {
  eval "client=\${$2:-}"
  [ -n "$client" ] || look_up "$1" "$2" || return 1
  if [ -n "$client" ]; then
    object=$(az ad app show --id "$client" --query id --output tsv 2> "$errors") || return 1
    say "$1 exists: $client"
  else
    made=$(az ad app create --display-name "$1" --sign-in-audience AzureADMyOrg --query "join(' ', [appId, id])" --output tsv 2> "$errors") || return 1
    client=${made% *} object=${made#* }
    say "$1 was created: $client"
  fi
  # Azure Monitor takes an application only from its owner.
  wait_for "the new application" stop az ad app owner add --id "$client" --owner-object-id "$me" --output none
}

# describe FILE [REDIRECT-URIS]: gives the application what the file says.
describe() {
  wait_for "the new application" stop entra patch "/applications/$object" "$(sed "s|CLIENT_ID|$client|; s|REDIRECT_URIS|${2:-}|" "$1")"
}

# principal CLIENT-ID: sets $principal to the object id of its service principal, which is made where there is none.
principal() {
  az ad sp list --filter "appId eq '$1'" --query "[].id" --output tsv > "$work/principal" 2> "$errors" || return 1
  [ -s "$work/principal" ] || wait_for "the new application" stop make_principal "$1" || return 1
  principal=$(cat "$work/principal")
}
make_principal() { az ad sp create --id "$1" --query id --output tsv > "$work/principal"; }

# has_roles: who has which role of the service principal, into $work/assigned.
has_roles() {
  wait_for "the new service principal" stop entra get "/servicePrincipals/$principal/appRoleAssignedTo?\$top=999" || return 1
  mv "$work/answer" "$work/assigned"
}

# assign PRINCIPAL ROLE: gives the user, group or application the role, unless it has it.
assign() {
  ! grep -iqFx "$1$tab$2" "$work/assigned" || return 0
  wait_for "the new service principal" stop entra post "/servicePrincipals/$principal/appRoleAssignedTo" \
    "{\"principalId\": \"$1\", \"resourceId\": \"$principal\", \"appRoleId\": \"$2\"}"
}

# let_in ROLE: gives it to each of the ids that are read. One that cannot be given to is said, and holds up nobody else.
let_in() {
  tr ',; ' '\n\n\n' | grep . | lower | sort -u | while read -r id; do
    assign "$id" "$1" || say "  no role for $id: $(reason)"
  done
}

# redirect_uris: those of the application, with the app's own, into $work/redirects. One for a domain of the administrator's stays.
redirect_uris() {
  az ad app show --id "$client" --query web.redirectUris --output tsv > "$work/uris" || return 1
  printf '%s\n' "${healthUrl%/api/health}/.auth/login/aad/callback" >> "$work/uris"
  awk 'NF && !seen[$0]++ { printf "%s\"%s\"", (n++ ? ", " : ""), $0 }' "$work/uris" > "$work/redirects"
}

make_page() {
  application "Azure Backup Retry $installation" SIGN_IN_CLIENT_ID || return 1
  wait_for "the new application" stop redirect_uris || return 1
  describe infra/page_application.json "$(cat "$work/redirects")" && principal "$client" && has_roles || return 1
  operators=${OPERATOR_PRINCIPAL_IDS:-}
  [ "${DEPLOYER_IS_OPERATOR:-true}" != true ] || operators=$operators,$me
  printf '%s\n' "$operators" | let_in $OPERATOR
  printf '%s\n' "${READER_PRINCIPAL_IDS:-}" | let_in $READER
  to_set SIGN_IN_CLIENT_ID "$client"
}

make_webhook() {
  application "Azure Backup Retry webhook $installation" SECURE_WEBHOOK_CLIENT_ID || return 1
  describe infra/webhook_application.json || return 1
  principal $AZURE_MONITOR || return 1
  monitor=$principal
  # Entra ID gives a token to nobody who has no role.
  principal "$client" \
    && wait_for "the new service principal" stop entra patch "/servicePrincipals/$principal" '{"appRoleAssignmentRequired": true}' \
    && has_roles && assign "$monitor" $CALLS_THE_WEBHOOK || return 1
  to_set SECURE_WEBHOOK_CLIENT_ID "$client"
  to_set SECURE_WEBHOOK_OBJECT_ID "$object"
}

# to_set NAME VALUE: a line of what is to be set, unless it is.
to_set() {
  eval "now=\${$1:-}"
  [ "$now" = "$2" ] || if [ -n "${AZURE_ENV_NAME:-}" ]; then say "  azd env set $1 $2"; else say "  export $1=$2"; fi >> "$work/to-set"
}

next_steps() {
  say
  if [ ! -s "$work/to-set" ]; then say "Everything is set. Status page: ${healthUrl%health}status"; return; fi
  say "Set this, and deploy again:"
  cat "$work/to-set"
  if [ -n "${AZURE_ENV_NAME:-}" ]; then say "  azd up"
  else say "  az deployment sub create --name ${DEPLOYMENT_NAME:-backup-retry} --location \$AZURE_LOCATION --parameters infra/bicep/main.bicepparam && infra/connect.sh"
  fi
}

case ${1:-} in '' | page | webhook) ;; *) say "infra/sign-in.sh [page|webhook]" >&2; exit 2 ;; esac
by_hand ''
read_installation
microsoft_graph=$(az cloud show --query endpoints.microsoftGraphResourceId --output tsv)
microsoft_graph=${microsoft_graph%/}/v1.0
if ! me=$(az ad signed-in-user show --query id --output tsv 2> "$errors"); then
  say "Not set up: the signed-in user cannot be determined, and it has to be a user: $(reason)" >&2
  exit 1
fi
if { [ "${1:-page}" != page ] || make_page; } && { [ "${1:-webhook}" != webhook ] || make_webhook; }; then next_steps
else
  say "Not set up: $(reason)" >&2
  exit 1
fi
