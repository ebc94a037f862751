"""What the stand-in for az answers: an Azure in which the app runs and one subscription has been connected before."""

from collections.abc import Mapping, Sequence
from typing import Any

from status.package import package_hash

HOME = "11111111-1111-1111-1111-111111111111"
OTHER = "22222222-2222-2222-2222-222222222222"
THIRD = "33333333-3333-3333-3333-333333333333"
TENANT = "99999999-9999-9999-9999-999999999999"
INSTALLATION = "aaaaaaaaaaaaa"
APP = f"/subscriptions/{HOME}/resourceGroups/rg-app/providers/Microsoft.Web/sites/func-backup-retry-{INSTALLATION}"
STORAGE = f"/subscriptions/{HOME}/resourceGroups/rg-app/providers/Microsoft.Storage/storageAccounts/st"
HEALTH = f"https://func-backup-retry-{INSTALLATION}.example/api/health"
PRINCIPAL = "77777777-7777-7777-7777-777777777777"
TOPIC = f"/subscriptions/{HOME}/resourceGroups/rg-app/providers/Microsoft.EventGrid/topics/topic"
TOPIC_SUBSCRIPTION = f"{TOPIC}/eventSubscriptions/backup-retry"
#: what azd hands to a hook
WORKSPACE = (
    f"/subscriptions/{HOME}/resourceGroups/rg-app/providers/Microsoft.OperationalInsights/workspaces/log"
)
OUTPUTS = {
    "AZURE_ENV_NAME": "prod",
    "AZURE_LOCATION": "northeurope",
    "AZURE_TENANT_ID": TENANT,
    "AZURE_SUBSCRIPTION_ID": HOME,
    "functionAppId": APP,
    "identityPrincipalId": PRINCIPAL,
    "topicName": "topic",
    "storageAccountId": STORAGE,
    "healthUrl": HEALTH,
    "workspaceId": WORKSPACE,
}

Answer = dict[str, Any]
OWNER = {"actions": ["*"], "notActions": []}
CONTRIBUTOR = {
    "actions": ["*"],
    "notActions": ["Microsoft.Authorization/*/Delete", "Microsoft.Authorization/*/Write"],
}
USER_ACCESS_ADMINISTRATOR = {
    "actions": ["*/read", "Microsoft.Authorization/*", "Microsoft.Support/*"],
    "notActions": [],
}
ROLE_BASED_ACCESS_CONTROL_ADMINISTRATOR = {
    "actions": [
        "Microsoft.Authorization/roleAssignments/write",
        "Microsoft.Authorization/roleAssignments/delete",
        "*/read",
    ],
    "notActions": [],
}


def signals(subscription: str, kind: str, name: str) -> str:
    """Id of a resource in the group that connect makes."""
    group = f"/subscriptions/{subscription}/resourceGroups/rg-backup-retry-signals-{INSTALLATION}"
    return f"{group}/providers/{kind}/{name}"


def resources(subscription: str) -> list[str]:
    """Ids of what connect makes in a subscription with every switch at its default."""
    return [
        signals(subscription, "Microsoft.Insights/actionGroups", f"ag-backup-retry-{INSTALLATION}"),
        signals(subscription, "Microsoft.AlertsManagement/actionRules", f"apr-backup-retry-{INSTALLATION}"),
    ]


def role(subscription: str) -> str:
    """Id of the app's role there."""
    return f"/subscriptions/{subscription}/providers/Microsoft.Authorization/roleDefinitions/role-{subscription[:4]}"


def assignment(subscription: str) -> str:
    """Id of the assignment of that role."""
    return f"/subscriptions/{subscription}/providers/Microsoft.Authorization/roleAssignments/assigned"


def answer(call: str, json: Any = None, *, error: str | None = None, times: int | None = None) -> Answer:
    """An answer to the calls that a pattern is found in: JSON, or what az writes when it fails."""
    shown = {"json": json} if error is None else {"error": error}
    return {"call": call, **shown, **({} if times is None else {"times": times})}


def rights(subscription: str, *permissions: Answer) -> Answer:
    """What the signed-in person may do in a subscription."""
    return answer(
        f"{subscription}/providers/Microsoft.Authorization/permissions", {"value": list(permissions)}
    )


def vaults_in(*subscriptions: str, tenant: str = TENANT) -> Answer:
    """What Resource Graph shows of vaults."""
    rows = [{"subscriptionId": each, "tenantId": tenant, "name": f"sub {each[0]}"} for each in subscriptions]
    return answer(r"ResourceGraph.*recoveryservices/vaults", {"data": rows})


def tagged(subscription: str, ids: Sequence[str]) -> Answer:
    """What bears this installation's tag in a subscription."""
    listed = [{"id": each} for each in ids]
    return answer(f"resource list --subscription {subscription} --tag backup-retry-installation=", listed)


def in_group(subscription: str, group: str, ids: Sequence[str], **tags: str) -> Answer:
    """What a resource group holds."""
    listed = [{"id": each, "name": each.rsplit("/", 1)[-1], "tags": tags or None} for each in ids]
    return answer(f"resource list --subscription {subscription} --resource-group {group}$", listed)


def deployed(subscription: str, ids: Sequence[str], role_id: str) -> Answer:
    """A deployment of connect.bicep that ends well."""
    outputs = {"resourceIds": {"value": list(ids)}, "roleId": {"value": role_id}}
    return answer(
        f"deployment sub create --subscription {subscription}", {"properties": {"outputs": outputs}}
    )


def roles(subscription: str, *, assigned: bool = True) -> list[Answer]:
    """The app's role in a subscription and its one assignment."""
    name = f"Backup Retry Operator ({subscription}, {INSTALLATION})"
    return [
        answer(
            f"role definition list --subscription {subscription}",
            [{"roleName": name, "id": role(subscription)}] if assigned else [],
        ),
        answer(
            f"role assignment list --subscription {subscription}",
            [{"id": assignment(subscription), "principalId": PRINCIPAL}],
        ),
    ]


def system_topic(
    subscription: str, name: str, *listeners: str, leads_to: Mapping[str, str] | None = None
) -> list[Answer]:
    """The subscription's system topic and who listens to it: our app, unless another is said."""
    topic = f"/subscriptions/{subscription}/resourceGroups/rg-events/providers/Microsoft.EventGrid/systemTopics/{name}"
    listening = [
        {
            "id": f"{topic}/eventSubscriptions/{each}",
            "name": each,
            "destination": {"resourceId": f"{(leads_to or {}).get(each, APP)}/functions/events"},
        }
        for each in listeners
    ]
    kind = "microsoft.resources.subscriptions"
    return [
        answer(
            f"eventgrid system-topic list --subscription {subscription}", [{"id": topic, "topicType": kind}]
        ),
        answer(f"eventgrid system-topic event-subscription list .* --system-topic-name {name}$", listening),
    ]


#: an Azure in which all is well; a case's own answers come before these
WELL: list[Answer] = [
    answer("rest --method get --url https://", {"version": "1", "package": package_hash()}),
    answer(f"rest --method get --url {APP}/functions/(alerts|events)", {"name": "function"}),
    answer(f"rest --method post --url {APP}/functions/alerts/listkeys", {"default": "not-for-anybody"}),
    answer("functionapp config appsettings list", [{"name": "DRY_RUN", "value": ""}]),
    answer("permissions", {"value": [OWNER]}),
    *(deployed(each, resources(each), role(each)) for each in (HOME, OTHER, THIRD)),
    *(tagged(each, resources(each)) for each in (HOME, OTHER, THIRD)),
    *(each for subscription in (HOME, OTHER, THIRD) for each in roles(subscription)),
    answer("eventgrid system-topic list", []),
    answer(
        "actionGroups/ag-backup-retry-webhook",
        error="Not Found({'error': {'code': 'ResourceGroupNotFound'}})",
    ),
    answer(
        "topics/topic/eventSubscriptions/backup-retry", {"name": "backup-retry", "id": TOPIC_SUBSCRIPTION}
    ),
    answer(f"group exists .*rg-backup-retry-signals-{INSTALLATION}$", True),
    answer("group exists", False),
    *(
        in_group(each, f"rg-backup-retry-signals-{INSTALLATION}", resources(each))
        for each in (HOME, OTHER, THIRD)
    ),
    answer("^(resource|role assignment|role definition|group) delete"),
    answer("resource list .* --resource-group", []),
    vaults_in(HOME),
]
