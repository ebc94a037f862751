#!/bin/sh
# Removes what connect created, in each subscription; the app itself stays (`azd down` removes it). On Windows: disconnect.ps1.
#
#   infra/disconnect.sh [--yes] [SUBSCRIPTION...]
#   infra/disconnect.sh --remember
#   infra/disconnect.sh --after-down
#
# It lists what it found and asks; --yes does not ask. SUBSCRIPTION...: only there. --remember and --after-down are for `azd down`: azd
# asks whether to go on only after its predown hook, so this only records which app it is, which azd then forgets. Some
# versions of azd run postdown after a no as well, so nothing is removed while the app still exists.
# A resource group with other content stays. A role from a management group stays, too.
set -eu
cd "$(dirname "$0")/.."
. infra/installation.sh
. infra/connected.sh

yes=
[ "${1:-}" != --yes ] || { yes=1; shift; }
by_hand 'azd hooks run postdown'
read_installation
if [ "${1:-}" = --remember ]; then
  printf '%s=%s\n' functionAppId "$functionAppId" identityPrincipalId "$identityPrincipalId" topicName "$topicName" \
    healthUrl "$healthUrl" > "$(remembered)"
  exit
fi
if [ "${1:-}" = --after-down ]; then
  shift
  app=$(if_any arm get "$functionAppId" 2024-11-01 --query name --output tsv) || { say "It cannot be determined whether the app was deleted: $(reason)" >&2; exit 1; }
  [ -z "$app" ] || { say "The app still exists and stays connected. To disconnect it: infra/disconnect.sh"; exit; }
fi

# The subscriptions where something of this installation is: by its tag, or by a role of the app's identity.
found() {
  tagged="where tags['backup-retry-installation'] =~ '$installation' | project subscriptionId"
  assigned="where properties.principalId =~ '$identityPrincipalId' and properties.scope startswith '/subscriptions/'"
  query="resourcecontainers | $tagged | union (resources | $tagged)"
  query="$query | union (authorizationresources | $assigned | project subscriptionId = tostring(split(properties.scope, '/')[2]))"
  graph "$query | distinct subscriptionId | order by subscriptionId asc" > "$work/graph-found" || return 1
  cut -f1 "$work/graph-found"
}

# The custom topic's subscription: of the app, not of one subscription with vaults.
topic_subscription() {
  [ -n "$topicName" ] || return 0
  if_any arm get "/subscriptions/$home/resourceGroups/$app_group/providers/Microsoft.EventGrid/topics/$topicName/eventSubscriptions/backup-retry" \
    "$EVENT_GRID" --query id --output tsv
}

# What is to be removed in a subscription, into $work/of-<subscription>: the resource groups last.
list() {
  { made_in "$1" && made_by_0_1_in "$1"; } > "$work/of-$1" || return 1
  if [ "$1" = "$home" ] && [ -z "$only" ]; then topic_subscription >> "$work/of-$1" || return 1; fi
  for group in "rg-backup-retry-signals-$installation" rg-backup-retry-signals; do
    empty_group "$1" "$group" "$work/of-$1" > "$work/group" || return 1
    cat "$work/group" >> "$work/of-$1"
  done
}

only=$*
if [ -n "$only" ]; then printf '%s\n' "$@" | lower > "$work/subscriptions-with"
elif found > "$work/subscriptions-with"; then
  grep -iqFx "$home" "$work/subscriptions-with" || echo "$home" >> "$work/subscriptions-with"
else
  say "The connected subscriptions cannot be listed: $(reason)" >&2
  exit 1
fi

say "Resources of installation $installation:"
while read -r subscription; do
  if ! list "$subscription"; then note "$subscription" failed "$(reason)"
  elif [ -s "$work/of-$subscription" ]; then
    printf '%s\n' "$subscription" >> "$work/to-do"
    sed 's/^/  /' "$work/of-$subscription"
  fi
done < "$work/subscriptions-with"
if [ ! -s "$work/to-do" ]; then
  say "  nothing found"
elif [ -z "$yes" ] && ! confirmed "Delete these?"; then
  say "Nothing was deleted. To delete without confirmation: infra/disconnect.sh --yes" >&2
  exit 1
else
  while read -r subscription; do
    if remove_all "$subscription" "$work/of-$subscription"; then note "$subscription" disconnected ''
    else note "$subscription" failed "$(reason)"
    fi
  done < "$work/to-do"
fi
report || exit 1
[ -n "$only" ] || rm -f "$(remembered)"
