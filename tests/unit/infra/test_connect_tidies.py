"""infra/connect in both shells: what a switch made that is off now is deleted, and what version 0.1 made."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest

from tests.hooks.azure import (
    APP,
    HEALTH,
    HOME,
    INSTALLATION,
    PRINCIPAL,
    WORKSPACE,
    Answer,
    answer,
    assignment,
    deployed,
    in_group,
    resources,
    role,
    signals,
    system_topic,
    tagged,
)
from tests.hooks.connecting import Case, check
from tests.hooks.shells import both_shells

HEALTH_ALERT = signals(HOME, "Microsoft.Insights/metricAlerts", f"backup-retry-health-v-hash-{INSTALLATION}")
OUR_TOPIC = f"evgt-backup-retry-{INSTALLATION}"
LISTENER = f"backup-retry-{INSTALLATION}"


def our_topic(*listeners: str) -> list[Answer]:
    """A system topic that connect made, and all who listen to it."""
    topics = system_topic(HOME, OUR_TOPIC, *listeners, leads_to={"theirs": "/theirs"})
    return [*topics, tagged(HOME, [*resources(HOME), topics[0]["json"][0]["id"]])]


def event_subscription(topic: str, name: str) -> str:
    """Id of an event subscription on the system topic."""
    return f"{system_topic(HOME, topic)[0]['json'][0]['id']}/eventSubscriptions/{name}"


@dataclass(frozen=True, kw_only=True)
class Tidied:
    """What is there after a deployment, and what of it is deleted."""

    name: str
    answers: Sequence[Answer]
    removed: Sequence[str]
    variables: dict[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        return self.name


TIDIED = [
    Tidied(
        name="a vault is watched no more",
        answers=[tagged(HOME, [*resources(HOME), HEALTH_ALERT])],
        removed=[HEALTH_ALERT],
    ),
    Tidied(
        name="alerts are off",
        answers=[deployed(HOME, [], role(HOME))],
        removed=resources(HOME),
    ),
    Tidied(
        name="failed actions are off",
        answers=our_topic(LISTENER),
        removed=[
            event_subscription(OUR_TOPIC, LISTENER),
            event_subscription(OUR_TOPIC, "").split("/event")[0],
        ],
    ),
    Tidied(
        name="failed actions are off, and others listen to our topic",
        answers=our_topic(LISTENER, "theirs"),
        removed=[event_subscription(OUR_TOPIC, LISTENER)],
    ),
    Tidied(
        name="failed actions are off on a topic of somebody else",
        answers=system_topic(HOME, "theirs", LISTENER, "another"),
        removed=[event_subscription("theirs", LISTENER)],
    ),
    Tidied(
        name="a management group gives the role now",
        answers=[deployed(HOME, resources(HOME), "")],
        removed=[assignment(HOME), role(HOME).rsplit("/", 1)[-1]],
    ),
]


@both_shells
@pytest.mark.parametrize("case", TIDIED, ids=str)
def test_what_a_switch_made_that_is_off_now_is_deleted(shell: str, case: Tidied) -> None:
    """That, and nothing that somebody else made or uses."""
    run = check(
        shell,
        Case(name=case.name, answers=case.answers, variables=case.variables, connected=[HOME]),
    )
    assert run.removed == list(case.removed), run.output


OLD_ROLE = f"/subscriptions/{HOME}/providers/Microsoft.Authorization/roleDefinitions/old"
OLD_ASSIGNMENT = f"/subscriptions/{HOME}/providers/Microsoft.Authorization/roleAssignments/old"
OLD_TOPIC = "evgt-backup-retry-subscription"
OLD_GROUP = "rg-backup-retry-signals"
OLD_RULES = ["ag-backup-retry-operators", "backup-retry-storm", "backup-retry-sweep-overdue"]
OLD_SIGNALS = [
    "ag-backup-retry-webhook",
    "apr-backup-retry",
    "backup-retry-failed-jobs",
    "backup-retry-health-v",
]


def old(group: str, name: str) -> str:
    """Id of a resource that version 0.1 made."""
    kind = "scheduledQueryRules" if name in OLD_RULES[1:] else "any"
    return f"/subscriptions/{HOME}/resourceGroups/{group}/providers/Microsoft.Insights/{kind}/{name}"


def of_0_1(*, webhook: str, leads_to: str, workspace: str, others: Sequence[str] = ()) -> list[Answer]:
    """What a deployment of version 0.1 left, of the app with this webhook, function app and workspace."""
    receivers = {"properties": {"webhookReceivers": [{"name": "backup-retry", "serviceUri": webhook}]}}
    assigned = [
        {"id": OLD_ASSIGNMENT, "principalId": PRINCIPAL},
        *({"id": "x", "principalId": x} for x in others),
    ]
    return [
        answer(f"{OLD_GROUP}/providers/Microsoft.Insights/actionGroups/ag-backup-retry-webhook", receivers),
        in_group(HOME, OLD_GROUP, [old(OLD_GROUP, name) for name in OLD_SIGNALS]),
        answer(f"group exists .*{OLD_GROUP}$", True),
        *system_topic(HOME, OLD_TOPIC, "backup-retry", leads_to={"backup-retry": leads_to}),
        answer(
            f"role definition list --subscription {HOME}",
            [{"roleName": f"Backup Retry Operator ({HOME})", "id": OLD_ROLE}],
        ),
        answer("role assignment list .*--role old", assigned),
        in_group(
            HOME, "rg-app", [old("rg-app", name) for name in (*OLD_RULES, "backup-retry-storm-of-theirs")]
        ),
        answer("resource show --ids .*backup-retry-storm$", {"properties": {"scopes": [workspace]}}),
    ]


@both_shells
def test_what_version_0_1_made_is_deleted_after_the_upgrade(shell: str) -> None:
    """All of it that was this installation's, the groups that are empty then and the role that nobody has any more."""
    answers = of_0_1(webhook=f"{HEALTH[:-6]}alerts?code=SECRET", leads_to=APP, workspace=WORKSPACE.upper())
    run = check(shell, Case(name="upgrade", answers=answers, connected=[HOME], not_said=["SECRET"]))
    assert run.removed == [
        event_subscription(OLD_TOPIC, "backup-retry"),
        event_subscription(OLD_TOPIC, "").split("/event")[0],
        *(old(OLD_GROUP, name) for name in OLD_SIGNALS),
        OLD_ASSIGNMENT,
        "old",
        OLD_GROUP,
        *(old("rg-app", name) for name in OLD_RULES),
    ]


@both_shells
def test_the_system_topic_of_version_0_1_is_used_on(shell: str) -> None:
    """Where refused backups are still to be heard of: only its old listener goes."""
    there = system_topic(HOME, OLD_TOPIC, LISTENER, "backup-retry")
    wanted = deployed(HOME, [*resources(HOME), event_subscription(OLD_TOPIC, LISTENER)], role(HOME))
    variables = {"FAILED_ACTIONS_ENABLED": "true"}
    run = check(shell, Case(name="on", answers=[*there, wanted], variables=variables, connected=[HOME]))
    assert run.removed == [event_subscription(OLD_TOPIC, "backup-retry")]


@both_shells
def test_what_version_0_1_made_of_another_installation_stays(shell: str) -> None:
    """Its alerts, its listener, its rules; and the role that two installations shared, but for our assignment."""
    answers = of_0_1(webhook="https://another", leads_to="/another", workspace="/another", others=["another"])
    run = check(shell, Case(name="two", answers=answers, connected=[HOME]))
    assert run.removed == [OLD_ASSIGNMENT]


@both_shells
@pytest.mark.parametrize(
    ("there", "named", "read"),
    [
        ([], {}, []),
        (our_topic(), {}, []),
        (
            system_topic(HOME, "theirs"),
            {},
            ["SYSTEM_TOPIC_NAME=theirs", "SYSTEM_TOPIC_RESOURCE_GROUP_NAME=rg-events"],
        ),
        (system_topic(HOME, "theirs"), {"SYSTEM_TOPIC_NAME": "mine"}, ["SYSTEM_TOPIC_NAME=mine"]),
    ],
    ids=["none", "ours", "theirs", "named"],
)
def test_the_subscriptions_system_topic_is_used(
    shell: str, there: list[Answer], named: dict[str, str], read: list[str]
) -> None:
    """Azure allows one: connect.bicep is told of the one that is there, unless the person named one."""
    variables = {"FAILED_ACTIONS_ENABLED": "true", **named}
    run = check(shell, Case(name="topic", answers=there, variables=variables, connected=[HOME]))
    given = run.called("deployment sub create")[0].split()
    assert [each for each in given if each.startswith("SYSTEM_TOPIC_")] == read
