# Read by connect.sh and disconnect.sh: what this installation has in a subscription, and how it is removed.
# The same in PowerShell: connected.ps1. The names are those of infra/bicep/connect.bicep.

EVENT_GRID=2025-02-15

# made_in SUBSCRIPTION: ids of all that connect made there, one a line; its resource group and the custom topic's subscription excepted.
made_in() {
  az resource list --subscription "$1" --tag "backup-retry-installation=$installation" --query "[].id" --output tsv > "$work/tagged" 2> "$errors" || return 1
  # The tag alone is not enough: an Azure Policy may hand a resource group's tags on to whatever lies in it.
  grep -i -e "-$installation\$" "$work/tagged" | grep -vi /systemTopics/
  events_in "$1" || return 1
  role_in "$1" "Backup Retry Operator ($1, $installation)" ''
}

# system_topic_in SUBSCRIPTION: id of the one system topic that announces the subscription's own events.
system_topic_in() {
  if_any az eventgrid system-topic list --subscription "$1" --query "[].[id, topicType]" --output tsv > "$work/topics" || return 1
  grep -i "${tab}microsoft.resources.subscriptions\$" "$work/topics" | head -n 1 | cut -f1
}

# listeners_on TOPIC: name, destination and id of each event subscription; Azure gives 20 a page, and az, unlike az rest, all pages.
listeners_on() {
  if_any az eventgrid system-topic event-subscription list --subscription "$(printf '%s' "$1" | cut -d/ -f3)" \
    --resource-group "$(printf '%s' "$1" | cut -d/ -f5)" --system-topic-name "${1##*/}" --output tsv \
    --query "[].[name, destination.resourceId || destination.properties.resourceId || 'another', id]"
}

# events_in SUBSCRIPTION: ids of our event subscriptions on the system topic, then the topic's where we made it and nobody else listens:
# Azure allows one for each subscription, so that it may have come to serve others.
events_in() {
  system_topic=$(system_topic_in "$1") || return 1
  [ -n "$system_topic" ] || return 0
  listeners_on "$system_topic" > "$work/listeners" || return 1
  # A resource group's name may hold what a regular expression takes for its own.
  grep -iF "$tab$functionAppId/" "$work/listeners" | grep -iE "^backup-retry(-$installation)?$tab" | cut -f3
  case ${system_topic##*/} in "evgt-backup-retry-$installation" | evgt-backup-retry-subscription) ;; *) return 0 ;; esac
  grep -qviF "$tab$functionAppId/" "$work/listeners" || printf '%s\n' "$system_topic"
}

# role_in SUBSCRIPTION NAME PRINCIPAL: ids of the custom role's assignments to that principal (empty: to anybody), then the role's own
# where nobody else has it.
role_in() {
  role=$(az role definition list --subscription "$1" --custom-role-only true --query "[?roleName=='$2'].id" --output tsv 2> "$errors") || return 1
  [ -n "$role" ] || return 0
  az role assignment list --subscription "$1" --scope "/subscriptions/$1" --role "${role##*/}" --query "[].[id, principalId]" \
    --output tsv > "$work/assignments" 2> "$errors" || return 1
  grep "$tab$3" "$work/assignments" | cut -f1
  grep -qv "$tab$3" "$work/assignments" || printf '%s\n' "$role"
}

# made_by_0_1_in SUBSCRIPTION: ids of what version 0.1 of this installation made there, under names that every installation shared.
made_by_0_1_in() {
  old_group=${SIGNALS_RESOURCE_GROUP_NAME:-rg-backup-retry-signals}
  ours=$(if_any arm get "/subscriptions/$1/resourceGroups/$old_group/providers/Microsoft.Insights/actionGroups/ag-backup-retry-webhook" 2023-01-01 \
    --query "properties.webhookReceivers[?starts_with(serviceUri, '${healthUrl%health}')].name" --output tsv) || return 1
  if [ -n "$ours" ]; then
    az resource list --subscription "$1" --resource-group "$old_group" --query "[?!(tags.\"backup-retry-installation\")].[name, id]" \
      --output tsv > "$work/old" 2> "$errors" || return 1
    grep -E "^(ag-backup-retry-webhook|apr-backup-retry|backup-retry-failed-jobs|backup-retry-health-[^$tab]*)$tab" "$work/old" | cut -f2
  fi
  [ -z "$identityPrincipalId" ] || role_in "$1" "Backup Retry Operator ($1)" "$identityPrincipalId"
}

# made_by_0_1_beside_the_app: ids of the alert rules, and their action group, that version 0.1 made in the app's own resource group.
made_by_0_1_beside_the_app() {
  az resource list --subscription "$home" --resource-group "$app_group" --query "[].[name, id]" --output tsv > "$work/old" 2> "$errors" || return 1
  rules='backup-retry-(needs-a-person|exhausted|storm|sweep-overdue|follow-up-silent|function-failing)'
  rule=$(grep -E "^$rules$tab" "$work/old" | head -n 1 | cut -f2)
  [ -n "$rule" ] || return 0
  # Another installation in the same group has a workspace of its own.
  az resource show --ids "$rule" --query "properties.scopes[0]" --output tsv > "$work/scope" 2> "$errors" || return 1
  ! grep -iqFx "$(output workspaceId)" "$work/scope" || grep -E "^(ag-backup-retry-operators|$rules)$tab" "$work/old" | cut -f2
}

# empty_group SUBSCRIPTION GROUP FILE: id of the resource group where it is one of ours by its name and holds nothing but what the file
# lists: Azure still shows for a while what was deleted.
empty_group() {
  case $2 in rg-backup-retry-signals | "rg-backup-retry-signals-$installation") ;; *) return 0 ;; esac
  exists=$(az group exists --subscription "$1" --name "$2" 2> "$errors") || return 1
  [ "$exists" = true ] || return 0
  az resource list --subscription "$1" --resource-group "$2" --query "[].id" --output tsv > "$work/left" 2> "$errors" || return 1
  grep -viFxq -f "$3" "$work/left" || printf '/subscriptions/%s/resourceGroups/%s\n' "$1" "$2"
}

# remove SUBSCRIPTION ID FILE: deletes one of the ids in the file; a group only if nobody has put anything else into it since.
remove() {
  case $2 in
  */roleAssignments/*) az role assignment delete --subscription "$1" --ids "$2" ;;
  */roleDefinitions/*) az role definition delete --subscription "$1" --scope "/subscriptions/$1" --name "${2##*/}" ;;
  */eventSubscriptions/*) az resource delete --subscription "$1" --ids "$2" --api-version "$EVENT_GRID" ;;
  */providers/*) az resource delete --subscription "$1" --ids "$2" ;;
  *) [ -z "$(empty_group "$1" "${2##*/}" "$3")" ] || az group delete --subscription "$1" --name "${2##*/}" --yes ;;
  esac > /dev/null 2> "$errors"
}

# remove_all SUBSCRIPTION FILE: deletes each of the ids in the file and says so.
remove_all() {
  while read -r id; do
    say "  removing $id"
    remove "$1" "$id" "$2" || return 1
  done < "$2"
}
