# Read by the other scripts: which installation this is, its package, and waiting for Azure.
# The same in PowerShell: installation.ps1.

: "${CONNECT_WAIT_SECONDS:=600}" "${CONNECT_PAUSE_SECONDS:=15}"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
errors=$work/errors
: > "$errors"
tab=$(printf '\t')

# Within loops over a file az must not read from it.
az() { command az "$@" < /dev/null; }

lower() { tr '[:upper:]' '[:lower:]'; }

say() { printf '%s\n' "$*"; }

# by_hand [COMMAND]: stops where azd has the settings and did not hand them over: a switch that is on there would be taken for one that is off.
by_hand() {
  [ -z "${AZURE_ENV_NAME:-}" ] && [ -e .azure/config.json ] || return 0
  say "azd has the settings of this installation: run ${1:+$1, or }load them as docs/deploy.md says (Connecting)." >&2
  exit 1
}

# output NAME: one of main.bicep's outputs, from azd's environment, a note of `disconnect --remember`, or the deployment.
output() {
  eval "value=\${$1:-}"
  [ -n "$value" ] || value=$(sed -n "s/^$1=//p" "$(remembered)" 2> /dev/null) || true
  [ -n "$value" ] || value=$(az deployment sub show --name "${DEPLOYMENT_NAME:-backup-retry}" --query "properties.outputs.$1.value" --output tsv \
    ${AZURE_SUBSCRIPTION_ID:+--subscription "$AZURE_SUBSCRIPTION_ID"})
  printf '%s' "$value"
}

remembered() { printf '.azure/%s/connected-app' "${AZURE_ENV_NAME:-}"; }

read_installation() {
  functionAppId=$(output functionAppId)
  identityPrincipalId=$(output identityPrincipalId)
  topicName=$(output topicName)
  healthUrl=$(output healthUrl)
  # As Azure writes ids; the name of the role holds one.
  home=$(printf '%s' "$functionAppId" | cut -d/ -f3 | lower)
  app_group=$(printf '%s' "$functionAppId" | cut -d/ -f5)
  app_name=${functionAppId##*/}
  installation=$(printf '%s' "${app_name#func-backup-retry-}" | lower)
  : "${AZURE_TENANT_ID:=$(az account show --query tenantId --output tsv)}"
  export functionAppId identityPrincipalId topicName healthUrl AZURE_TENANT_ID
}

# own_files: the names of the app's own files in this folder, as status/package.py has them.
own_files() {
  find backup_retry constraints.txt function_app.py host.json reactor reconciler requirements.txt status -type f \
    ! -name '*.py[co]' ! -path '*/__pycache__/*' | LC_ALL=C sort
}

# package_hash: their hash, as status/package.py has it.
package_hash() {
  # shellcheck disable=SC2046 (one word for each file: none has a blank in its name)
  sha256 $(own_files) | sha256 | cut -c1-16
}

# macOS has no sha256sum; both print the same.
sha256() { if command -v sha256sum > /dev/null; then sha256sum "$@"; else shasum -a 256 "$@"; fi; }

# arm METHOD PATH API-VERSION ...: a call of Azure Resource Manager.
arm() {
  arm_method=$1 arm_url="$2?api-version=$3"
  shift 3
  az rest --method "$arm_method" --url "$arm_url" "$@"
}

# graph QUERY: the rows of a Resource Graph query, subscriptionId, tenantId and name by tabs; it gives 1,000 at a time.
graph() {
  skip=0
  while :; do
    printf '{"query": "%s", "options": {"$top": 1000, "$skip": %s}}' "$1" "$skip" > "$work/graph.json"
    arm post /providers/Microsoft.ResourceGraph/resources 2022-10-01 --body "@$work/graph.json" --output tsv \
      --query "data[].[subscriptionId, tenantId || '', name || '']" > "$work/rows" 2> "$errors" || return 1
    cat "$work/rows"
    [ "$(wc -l < "$work/rows")" -ge 1000 ] || return 0
    skip=$((skip + 1000))
  done
}

# if_any COMMAND...: the command's answer; nothing where Azure says that there is no such thing.
if_any() { "$@" 2> "$errors" || grep -qE 'NotFound|Not Found|MissingSubscriptionRegistration|SubscriptionNotRegistered' "$errors"; }

# may_connect SUBSCRIPTION: whether the signed-in person may deploy there, and write roles where the app is to get one.
may_connect() {
  deploys="length(value[?contains(actions, '*')]) > \`0\`"
  writes_roles="length(value[?(contains(actions, '*') || contains(actions, 'Microsoft.Authorization/*')) && !contains(notActions, 'Microsoft.Authorization/*/Write')]) > \`0\`"
  [ "${ASSIGN_ROLE:-true}" = true ] || writes_roles=$deploys
  may=$(arm get "/subscriptions/$1/providers/Microsoft.Authorization/permissions" 2022-04-01 --query "$deploys && $writes_roles" --output tsv 2> "$errors") \
    && [ "$may" = true ]
}

# row_of_error: the row of azure_errors.tsv that fits what az said last; nothing where none does.
row_of_error() {
  grep -v '^#' infra/azure_errors.tsv | while IFS=$tab read -r kind words advice; do
    if grep -qF -e "$words" "$errors"; then printf '%s\t%s\t%s\n' "$kind" "$words" "$advice"; break; fi
  done
}

# reason: what az said last, in one line and without a key.
reason() {
  row_of_error | cut -f2,3 | sed "s/$tab/: /" > "$work/reason"
  [ -s "$work/reason" ] || grep -v '^ *$' "$errors" | tail -n 1 | sed 's/^ERROR: //; s/code=[^"& ]*/code=.../g' | cut -c1-300 > "$work/reason"
  cat "$work/reason"
}

# wait_for WHAT wait|stop COMMAND...: runs the command until it succeeds, ten minutes at most, with a line of progress for each try.
# An error that azure_errors.tsv does not name counts as the second argument says; one to stop at ends the wait at once.
wait_for() {
  what=$1 unknown=$2 started=$(date +%s)
  shift 2
  until "$@" 2> "$errors"; do
    kind=$(row_of_error | cut -f1)
    waited=$(($(date +%s) - started))
    [ "${kind:-$unknown}" = wait ] && [ "$waited" -lt "$CONNECT_WAIT_SECONDS" ] || return 1
    say "  waiting for $what, $waited of at most $CONNECT_WAIT_SECONDS s: $(reason)"
    sleep "$CONNECT_PAUSE_SECONDS"
  done
}

# confirmed QUESTION: asks where there is a terminal; no answer is a no.
confirmed() {
  [ -t 0 ] && [ -t 1 ] || return 1
  printf '%s [y/N] ' "$1"
  read -r answer || return 1
  case $answer in [yY]*) return 0 ;; *) return 1 ;; esac
}

# note SUBSCRIPTION RESULT REASON: a row of the table at the end.
note() { printf '%s\t%s\t%s\n' "$1" "$2" "$3" >> "$work/table"; }

# report: the table of subscriptions and results; fails where one failed.
report() {
  say
  [ ! -s "$work/table" ] || awk -F "$tab" '{ printf "%-38s%-14s%s\n", $1, $2, $3 }' "$work/table"
  ! grep -q "${tab}failed$tab" "$work/table"
}
