"""What Resource Manager would be asked for, in the installations of tests/snapshots."""

import json
import re
from typing import Any

import pytest

from backup_retry.azure.table_ledger import TABLES
from backup_retry.domain.failure_batches import FAILURE_FOUND
from backup_retry.ports.inbox import SIGNAL_DEFERRED
from backup_retry.ports.turns import TURN_DUE
from reactor.own_alerts import CLOCK, PROPERTY
from tests.bicep_files import BICEP, REPOSITORY, asked, declared, ids, outputs, template
from tools.compiled_bicep import CASES, HOME, SNAPSHOTS, VAULTS

APPS = ["main", "main-everything"]
CONNECTED = [case.name for case in CASES if case.entry == "connect"]
#: what Flex Consumption refuses with error 51021, region by region (terraform-azurerm-avm-res-web-site issues 283, 353)
REFUSED_SITE_CONFIG = {
    "alwaysOn",
    "ftpsState",
    "functionsRuntimeScaleMonitoringEnabled",
    "linuxFxVersion",
    "netFrameworkVersion",
    "preWarmedInstanceCount",
    "use32BitWorkerProcess",
    "windowsFxVersion",
}
REFUSED_SETTINGS = {
    "FUNCTIONS_EXTENSION_VERSION",
    "FUNCTIONS_WORKER_RUNTIME",
    "WEBSITE_CONTENTAZUREFILECONNECTIONSTRING",
    "WEBSITE_CONTENTSHARE",
    "WEBSITE_RUN_FROM_PACKAGE",
}


def properties(snapshot: str, kind: str) -> Any:
    """Those of the one resource of a type."""
    [resource] = asked(snapshot, kind)
    return resource["properties"]


def rules(snapshot: str) -> dict[str, Any]:
    """The log search alerts, by their names without the installation's."""
    return {
        rule["name"].removeprefix("backup-retry-").rsplit("-", 1)[0]: rule["properties"]
        for rule in asked(snapshot, "Microsoft.Insights/scheduledQueryRules")
    }


def test_no_snapshot_is_left_over() -> None:
    """Each belongs to a case."""
    assert set(SNAPSHOTS.iterdir()) == {case.stored for case in CASES}


@pytest.mark.parametrize("entry", ["main", "connect"])
def test_every_switch_is_tried(entry: str) -> None:
    """What a parameter file reads from the environment, but for the app's settings, is set in a snapshot's case."""
    parameters = (BICEP / f"{entry}.bicepparam").read_text(encoding="utf-8")
    read = set(re.findall(r"readEnvironmentVariable\(\s*'(\w+)'", parameters))
    settings = set(re.findall(r"^  ([A-Z_]+): read", parameters, re.MULTILINE))
    tried = {name for case in CASES if case.entry == entry for name in case.variables}
    assert read - settings - tried == set()


# ----- the app


@pytest.mark.parametrize("app", APPS)
def test_flex_consumption_is_asked_for_nothing_that_it_refuses(app: str) -> None:
    """One property too many, and the app is not made."""
    site = properties(app, "Microsoft.Web/sites")
    assert site["siteConfig"]["minTlsVersion"] == "1.2"
    assert not REFUSED_SITE_CONFIG & set(site["siteConfig"])
    settings = set(asked(app, "Microsoft.Web/sites/config")[0]["properties"])
    assert not REFUSED_SETTINGS & settings


def test_the_apps_scale_is_said() -> None:
    """Without a word Azure gives a Python instance one call at a time; none is always up unless asked for."""
    scale = properties("main", "Microsoft.Web/sites")["functionAppConfig"]["scaleAndConcurrency"]
    assert scale == {
        "alwaysReady": [],
        "instanceMemoryMB": 2048,
        "maximumInstanceCount": 40,
        "triggers": {"http": {"perInstanceConcurrency": 16}},
    }
    larger = properties("main-everything", "Microsoft.Web/sites")["functionAppConfig"]["scaleAndConcurrency"]
    assert larger["alwaysReady"] == [
        {"name": "http", "instanceCount": 1},
        {"name": "function:events", "instanceCount": 2},
    ]
    assert larger["triggers"]["http"]["perInstanceConcurrency"] == 32
    assert properties("main-everything", "Microsoft.Web/serverfarms")["zoneRedundant"]


def test_an_upgrade_makes_no_living_installation_dry() -> None:
    """DRY_RUN is empty, which is the code's default, until somebody sets it."""
    dry = [asked(app, "Microsoft.Web/sites/config")[0]["properties"]["DRY_RUN"] for app in APPS]
    assert dry == ["", "true"]


@pytest.mark.parametrize("app", APPS)
def test_nothing_opens_with_a_key(app: str) -> None:
    """Storage, topic, telemetry and workspace take Entra tokens only; publishing with a password is off."""
    storage = properties(app, "Microsoft.Storage/storageAccounts")
    assert (storage["allowSharedKeyAccess"], storage["allowBlobPublicAccess"]) == (False, False)
    assert properties(app, "Microsoft.EventGrid/topics")["disableLocalAuth"]
    assert properties(app, "Microsoft.Insights/components")["DisableLocalAuth"]
    assert properties(app, "Microsoft.OperationalInsights/workspaces")["features"]["disableLocalAuth"]
    assert properties(app, "Microsoft.Web/sites")["httpsOnly"]
    publishing = asked(app, "Microsoft.Web/sites/basicPublishingCredentialsPolicies")
    assert [each["properties"]["allow"] for each in publishing] == [False, False]


@pytest.mark.parametrize("app", APPS)
def test_the_ledgers_tables_are_made(app: str) -> None:
    """Those of the table ledger, and no others."""
    tables = asked(app, "Microsoft.Storage/storageAccounts/tableServices/tables")
    assert tuple(table["name"].split("/")[-1] for table in tables) == TABLES


def test_who_installed_is_told_where_the_app_is() -> None:
    """The status page and the ledger, as the code has them."""
    found = outputs("main")
    assert found["functionAppName"] == f"func-backup-retry-{found['installation']}"
    assert "/api/status'" in found["statusUrl"]
    assert 'route="status"' in (REPOSITORY / "status" / "functions.py").read_text(encoding="utf-8")
    [app] = (
        each for each in asked("main", "Microsoft.Web/sites/config") if each["name"].endswith("appsettings")
    )
    assert found["ledgerEndpoint"] == app["properties"]["LEDGER_ENDPOINT"]


# ----- who is told


@pytest.mark.parametrize("app", APPS)
def test_silence_is_looked_for_over_two_days(app: str) -> None:
    """The rules that are quiet until the app's first line have to see further than their window to know of it."""
    lookbacks = {name: rule.get("overrideQueryTimeRange") for name, rule in rules(app).items()}
    assert {name for name, lookback in lookbacks.items() if lookback} == {
        "sweep-overdue",
        "follow-up-silent",
        "second-clock",
    }
    assert {lookback for lookback in lookbacks.values() if lookback} == {"P2D"}


def test_alert_rules_are_muted_but_there() -> None:
    """Nobody is called by an installation that is tried out."""
    assert [{rule["enabled"] for rule in rules(app).values()} for app in APPS] == [{True}, {False}]


@pytest.mark.parametrize("snapshot", [*APPS, *CONNECTED])
def test_the_common_alert_schema_is_on(snapshot: str) -> None:
    """Azure's default is off, and the app answers the old schema with 400."""
    groups = [each["properties"] for each in asked(snapshot, "Microsoft.Insights/actionGroups")]
    receivers = [
        each
        for group in groups
        for kind in ("webhookReceivers", "emailReceivers", "logicAppReceivers")
        for each in group.get(kind, [])
    ]
    assert all(each["useCommonAlertSchema"] for each in receivers)


# ----- the subscriptions with vaults


@pytest.mark.parametrize("entry", ["connect", "connect-management-group"])
def test_the_role_is_the_list_of_actions(entry: str) -> None:
    """A subscription's and a management group's are the same."""
    [permission] = properties(entry, "Microsoft.Authorization/roleDefinitions")["permissions"]
    granted = json.loads((BICEP / "backup-actions.json").read_text(encoding="utf-8"))
    assert (sorted(permission["actions"]), permission["notActions"]) == (sorted(granted), [])


def test_two_installations_connect_to_one_subscription() -> None:
    """With everything on, nothing of the one is the other's."""
    assert not ids("connect-everything") & ids("connect-second-installation")


def test_two_installations_lie_in_one_resource_group() -> None:
    """They have the group in common, and nothing else."""
    group = f"/subscriptions/{HOME}/resourcegroups/rg-backup-retry"
    assert ids("main") & ids("main-everything") == {group}


@pytest.mark.parametrize("snapshot", CONNECTED)
def test_what_lies_in_a_shared_place_says_whose_it_is(snapshot: str) -> None:
    """By its name and, where it can have one, by a tag; the scripts find it by both."""
    shared = [each for each in asked(snapshot) if f"/{VAULTS}/resourceGroups/" in each["id"]]
    for each in shared:
        owner = "bbbbbbbbbbbbb" if "second" in snapshot else "aaaaaaaaaaaaa"
        assert each["name"].endswith(f"-{owner}")
        if "tags" in each or "location" in each:
            assert each["tags"] == {"backup-retry-installation": owner}


@pytest.mark.parametrize("snapshot", CONNECTED)
def test_the_output_names_all_that_lies_in_a_shared_place(snapshot: str) -> None:
    """The scripts take away what is there and is not named: a switch that was turned off left it."""
    shared = {
        each for each in ids(snapshot) if re.search(rf"/{VAULTS}/resourcegroups/[^/]+/providers/", each)
    }
    assert {each.lower() for each in outputs(snapshot)["resourceIds"]} == shared


def test_what_is_switched_off_is_not_asked_for() -> None:
    """Without alerts and role there is an empty group, and the way of the topic's events in the app's own."""
    assert {each["type"] for each in asked("connect-switched-off")} == {
        "Microsoft.Resources/resourceGroups",
        "Microsoft.EventGrid/topics/eventSubscriptions",
    }
    assert outputs("connect-switched-off")["resourceIds"] == []


def test_vaults_of_one_name_are_watched_each() -> None:
    """The third is in another subscription, whose own deployment watches it."""
    watches = asked("connect-everything", "Microsoft.Insights/metricAlerts")
    scopes = [watch["properties"]["scopes"][0].split("/") for watch in watches]
    assert [(scope[2], scope[4], scope[-1]) for scope in scopes] == [
        (VAULTS, "rg-a", "vault-1"),
        (VAULTS, "rg-b", "vault-1"),
    ]
    assert len({watch["id"] for watch in watches}) == 2


def test_a_vaults_health_is_heard_of_at_its_first_failure() -> None:
    """A window no longer than the frequency misses a series' first point; a failure may be called degraded."""
    for watch in asked("connect-everything", "Microsoft.Insights/metricAlerts"):
        assert (watch["properties"]["evaluationFrequency"], watch["properties"]["windowSize"]) == (
            "PT5M",
            "PT15M",
        )
        [criterion] = watch["properties"]["criteria"]["allOf"]
        assert {"name": "healthStatus", "operator": "Exclude", "values": ["Healthy"]} in criterion[
            "dimensions"
        ]


def test_the_vaults_workspace_has_one_alert() -> None:
    """In its own subscription; a rule on a workspace that is not ours is tried out by Azure before it is made."""
    assert {name: rule["skipQueryValidation"] for name, rule in rules("connect-everything").items()} == {
        "failed-jobs": False
    }
    assert rules("connect-into-what-is-there") == {}


def test_what_is_there_stays_as_it_is() -> None:
    """Neither the group that was named nor the system topic is deployed: their tags would be written over."""
    kinds = {each["type"] for each in asked("connect-into-what-is-there")}
    assert not kinds & {"Microsoft.Resources/resourceGroups", "Microsoft.EventGrid/systemTopics"}
    [subscription] = asked(
        "connect-into-what-is-there", "Microsoft.EventGrid/systemTopics/eventSubscriptions"
    )
    assert subscription["name"] == "evgt-of-the-platform-team/backup-retry-aaaaaaaaaaaaa"


def test_a_customer_of_a_service_provider_needs_no_access_to_the_app() -> None:
    """Given the webhook's address, nothing outside the customer's subscription is written, and nothing is read."""
    assert all(each.startswith(f"/subscriptions/{VAULTS}/") for each in ids("connect-lighthouse"))
    existing = [each for each in declared(template("connect")) if each.get("existing")]
    assert len(existing) == 2
    assert {each["condition"] for each in existing} == {"[variables('keyIsRead')]"}


def test_a_customer_delegates_what_the_app_uses() -> None:
    """To the identity that the provider named: Backup Operator, and Reader for Backup vaults' jobs and for tags."""
    offer = properties("lighthouse", "Microsoft.ManagedServices/registrationDefinitions")
    given = [(each["roleDefinitionId"], each["principalId"]) for each in offer["authorizations"]]
    assert given == [
        ("00c29273-979b-4161-815c-10b084fb9324", "44444444-4444-4444-4444-444444444444"),
        ("acdd72a7-3385-48ef-bd42-f606fba81ae7", "44444444-4444-4444-4444-444444444444"),
    ]


# ----- events


@pytest.mark.parametrize("snapshot", ["connect-everything", "connect-into-what-is-there"])
def test_events_reach_the_function_that_exists(snapshot: str) -> None:
    """Both subscriptions name the Event Grid trigger of the app."""
    kinds = (
        "Microsoft.EventGrid/topics/eventSubscriptions",
        "Microsoft.EventGrid/systemTopics/eventSubscriptions",
    )
    for kind in kinds:
        target = properties(snapshot, kind)["destination"]["properties"]["resourceId"]
        assert target.endswith("/sites/func-backup-retry-aaaaaaaaaaaaa/functions/events")
    functions = (REPOSITORY / "reactor" / "functions.py").read_text(encoding="utf-8")
    assert "async def events(" in functions
    assert 'route="alerts"' in functions
    assert "/api/alerts?code=" in (BICEP / "connect.bicep").read_text(encoding="utf-8")


def test_the_app_is_not_told_of_its_own_announcements() -> None:
    """The topic's subscription lets through the events that say that a failure, a signal or a turn waits."""
    found = properties("connect", "Microsoft.EventGrid/topics/eventSubscriptions")["filter"]
    assert found["includedEventTypes"] == [FAILURE_FOUND, SIGNAL_DEFERRED, TURN_DUE]


@pytest.mark.parametrize("app", APPS)
def test_the_second_clock_calls_again_while_the_timers_are_silent(app: str) -> None:
    """A rule with a state would call once; it has no group of its own, and names itself to the app."""
    clock = rules(app)["second-clock"]
    assert (clock["autoMitigate"], clock["evaluationFrequency"]) == (False, "PT5M")
    assert clock["actions"].keys() == {"customProperties"}
    named = {name: rule["actions"]["customProperties"][PROPERTY] for name, rule in rules(app).items()}
    assert named == {name: name for name in named}
    assert named["second-clock"] == CLOCK


def test_dead_letters_go_to_a_container_that_is_made() -> None:
    """And are deleted there by age."""
    letters = properties("connect", "Microsoft.EventGrid/topics/eventSubscriptions")[
        "deadLetterWithResourceIdentity"
    ]
    name = letters["deadLetterDestination"]["properties"]["blobContainerName"]
    containers = asked("main", "Microsoft.Storage/storageAccounts/blobServices/containers")
    assert name in [container["name"].split("/")[-1] for container in containers]
    [rule] = properties("main", "Microsoft.Storage/storageAccounts/managementPolicies")["policy"]["rules"]
    assert rule["definition"]["filters"]["prefixMatch"] == [f"{name}/"]
