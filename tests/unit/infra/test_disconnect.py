"""infra/disconnect in both shells: it takes back all that connect made, and nothing else, and asks first."""

import json
import shutil
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from infra.package import REPOSITORY
from tests.hooks import shells
from tests.hooks.azure import (
    APP,
    HOME,
    INSTALLATION,
    OTHER,
    OUTPUTS,
    PRINCIPAL,
    THIRD,
    TOPIC_SUBSCRIPTION,
    WELL,
    Answer,
    answer,
    assignment,
    in_group,
    resources,
    role,
    roles,
    system_topic,
    tagged,
)
from tests.hooks.shells import Run, both_shells

GROUP = f"rg-backup-retry-signals-{INSTALLATION}"
#: what Resource Manager is asked for, by Microsoft's compiler
SNAPSHOTS = REPOSITORY / "tests" / "snapshots"
#: of the installation in them
SNAPSHOT_OUTPUTS = {
    "functionAppId": APP.replace("rg-app", "rg-backup-retry"),
    "identityPrincipalId": "44444444-4444-4444-4444-444444444444",
    "topicName": f"evgt-backup-retry-{INSTALLATION}",
}


def connected_in(*subscriptions: str) -> Answer:
    """What Resource Graph shows of this installation."""
    rows = [{"subscriptionId": each} for each in subscriptions]
    return answer(f"ResourceGraph.*{INSTALLATION}.*{PRINCIPAL}", {"data": rows})


def everything(subscription: str) -> list[str]:
    """What is deleted in a subscription that was connected with every switch at its default."""
    return [*resources(subscription), assignment(subscription), role(subscription).rsplit("/", 1)[-1]]


def disconnect(shell: str, *arguments: str, answers: Sequence[Answer] = (), **variables: str) -> Run:
    """Run it as azd would."""
    known = [*answers, connected_in(HOME, OTHER), *WELL]
    run = shells.run(shell, "disconnect", *arguments, answers=known, variables={**OUTPUTS, **variables})
    assert not run.called("UNEXPECTED"), run.output
    return run


@both_shells
def test_everything_is_taken_back_in_each_subscription(shell: str) -> None:
    """Resources, role, the group, and the custom topic's subscription."""
    run = disconnect(shell, "--yes")
    assert run.removed == [*everything(HOME), TOPIC_SUBSCRIPTION, GROUP, *everything(OTHER), GROUP]
    assert [f"{each}  disconnected" in run.output for each in (HOME, OTHER)] == [True, True]
    assert run.exit_code == 0


@both_shells
def test_nothing_is_deleted_without_a_yes(shell: str) -> None:
    """Where nobody can be asked, it lists what it would delete and how to do it."""
    run = disconnect(shell)
    assert (run.removed, run.exit_code) == ([], 1)
    assert all(each in run.output for each in (*resources(OTHER), role(OTHER), TOPIC_SUBSCRIPTION))
    assert "Nothing was deleted. To delete without confirmation: infra/disconnect." in run.output


@both_shells
def test_one_subscription_alone(shell: str) -> None:
    """The app goes on hearing of the others, and of what is published on its topic."""
    run = disconnect(shell, "--yes", HOME)
    assert run.removed == [*everything(HOME), GROUP]


@both_shells
def test_a_subscription_in_capitals_is_the_same_one(shell: str) -> None:
    """The role's name holds its id as Azure writes it."""
    named = "abcdefab-cdef-abcd-efab-cdefabcdefab"
    nothing = [tagged(named, []), answer(f"group exists --subscription {named}", False), *roles(named)]
    run = disconnect(shell, "--yes", named.upper(), answers=nothing)
    assert run.removed == [assignment(named), role(named).rsplit("/", 1)[-1]]


@both_shells
def test_a_group_that_holds_anything_else_stays(shell: str) -> None:
    """And so does one that was there before."""
    theirs = in_group(OTHER, GROUP, [*resources(OTHER), "/theirs"])
    assert disconnect(shell, "--yes", OTHER, answers=[theirs]).removed == everything(OTHER)
    there = [answer("group exists .*theirs$", True), in_group(OTHER, "theirs", [])]
    before = disconnect(shell, "--yes", OTHER, answers=there, SIGNALS_RESOURCE_GROUP_NAME="theirs")
    assert "theirs" not in before.removed


@both_shells
def test_a_group_is_looked_at_again_before_it_is_deleted(shell: str) -> None:
    """Somebody may have put something into it while the question was open."""
    empty = answer(f"resource list --subscription {OTHER} --resource-group {GROUP}$", [], times=1)
    theirs = in_group(OTHER, GROUP, ["/theirs"])
    assert GROUP not in disconnect(shell, "--yes", OTHER, answers=[empty, theirs]).removed


@both_shells
def test_an_empty_group_is_taken_back(shell: str) -> None:
    """It is all that connecting makes with every switch off."""
    nothing = [answer("resource list --subscription .* --tag", []), answer("role definition list", [])]
    empty = in_group(OTHER, GROUP, [])
    assert disconnect(shell, "--yes", OTHER, answers=[*nothing, empty]).removed == [GROUP]


@both_shells
def test_what_only_bears_the_tag_stays(shell: str) -> None:
    """An Azure Policy may hand the tags of a resource group on to what others put into it."""
    theirs = resources(OTHER)[0].replace(f"ag-backup-retry-{INSTALLATION}", "ag-theirs")
    run = disconnect(shell, "--yes", OTHER, answers=[tagged(OTHER, [*resources(OTHER), theirs])])
    assert theirs not in run.removed
    assert set(resources(OTHER)) <= set(run.removed)


@both_shells
@pytest.mark.parametrize("group", ["rg-(app)", "rg.app", "rg-Bücher"])
def test_odd_names_of_the_apps_group_are_found_in_what_listens(shell: str, group: str) -> None:
    """A parenthesis or a dot is a letter like any other."""
    app, other = APP.replace("rg-app", group), APP.replace("rg-app", "rgXapp")
    topic = system_topic(
        OTHER,
        "theirs",
        "backup-retry",
        f"backup-retry-{INSTALLATION}",
        leads_to={"backup-retry": other, f"backup-retry-{INSTALLATION}": app},
    )
    run = disconnect(shell, "--yes", OTHER, answers=topic, functionAppId=app)
    listening = [each for each in run.removed if "/eventSubscriptions/" in each]
    assert [each.rsplit("/", 1)[-1] for each in listening] == [f"backup-retry-{INSTALLATION}"]


@both_shells
def test_one_that_fails_does_not_stop_the_others(shell: str) -> None:
    """The table says why; it may be run again."""
    locked = answer(f"resource delete --subscription {HOME}", error="(ScopeLocked) locked")
    run = disconnect(shell, "--yes", answers=[locked])
    assert f"{HOME}  failed        ScopeLocked: a lock denies it" in run.output
    assert f"{OTHER}  disconnected" in run.output
    assert run.exit_code == 1


@both_shells
def test_nothing_is_left_after_it(shell: str) -> None:
    """A second run finds nothing and is content."""
    gone = [
        answer("resource list --subscription .* --tag", []),
        answer("role definition list", []),
        answer("group exists", False),
        answer("topics/topic/eventSubscriptions", error="Not Found({'error': {'code': 'ResourceNotFound'}})"),
    ]
    run = disconnect(shell, answers=gone)
    assert (run.removed, run.exit_code) == ([], 0)
    assert "nothing found" in run.output


@both_shells
def test_who_is_connected_cannot_be_told(shell: str) -> None:
    """Then nothing is deleted, not even in the app's own subscription."""
    run = disconnect(shell, "--yes", answers=[answer("ResourceGraph", error="(AuthorizationFailed) no")])
    assert (run.removed, run.exit_code) == ([], 1)
    assert "cannot be listed: AuthorizationFailed" in run.output


@both_shells
def test_a_no_to_azd_leaves_the_app_connected(shell: str, tmp_path: Path) -> None:
    """Predown only notes which app it is; after `azd down`, which forgets it, postdown deletes what is left of it."""
    shutil.copytree(REPOSITORY / "infra", tmp_path / "infra")
    (tmp_path / ".azure" / "prod").mkdir(parents=True)

    before = shells.run(
        shell, "disconnect", "--remember", answers=WELL, repository=tmp_path, variables=OUTPUTS
    )
    assert (before.exit_code, before.calls) == (0, [])

    gone = answer(f"get --url {APP}[?]|topics/topic/eventSubscriptions", error="(ResourceGroupNotFound) no")
    left = {name: value for name, value in OUTPUTS.items() if name.isupper()}
    answers = [gone, connected_in(OTHER), *WELL]
    arguments = ("--yes", "--after-down")
    after = shells.run(shell, "disconnect", *arguments, answers=answers, repository=tmp_path, variables=left)
    assert after.removed[-len(everything(OTHER)) - 1 :] == [*everything(HOME), GROUP]
    assert after.exit_code == 0, after.output
    assert not (tmp_path / ".azure" / "prod" / "connected-app").exists()


@both_shells
@pytest.mark.parametrize(
    ("app", "code", "said"),
    [
        (answer(f"get --url {APP}", {"name": "func"}), 0, "The app still exists and stays connected."),
        (
            answer(f"get --url {APP}", error="(AuthorizationFailed)"),
            1,
            "It cannot be determined whether the app was deleted",
        ),
    ],
    ids=["still there", "nobody knows"],
)
def test_an_app_that_azd_did_not_delete_stays_connected(
    shell: str, app: Answer, code: int, said: str
) -> None:
    """There are versions of azd that run postdown after a no."""
    run = shells.run(shell, "disconnect", "--after-down", answers=[app], variables=OUTPUTS)
    assert (run.exit_code, len(run.calls)) == (code, 1)
    assert said in run.output


@both_shells
@pytest.mark.parametrize(("said", "deletes"), [("y\n", True), ("\n", False)], ids=["yes", "no answer"])
def test_at_a_terminal_it_asks(shell: str, said: str, *, deletes: bool) -> None:
    """Only a yes is a yes."""
    run = shells.run_at_terminal(
        shell, "disconnect", said, answers=[connected_in(HOME), *WELL], variables=OUTPUTS
    )
    assert "Delete these? [y/N]" in run.output
    assert (run.removed != [], run.exit_code) == (deletes, 0 if deletes else 1)


MADE = ["connect", "connect-everything", "connect-into-what-is-there"]
TAG = "backup-retry-installation"
GROUPS = "Microsoft.Resources/resourceGroups"


def snapshot(name: str) -> list[dict[str, Any]]:
    """The resources that a deployment of connect.bicep asks for."""
    file = SNAPSHOTS / f"{name}.json"
    found: list[dict[str, Any]] = json.loads(file.read_text(encoding="utf-8"))["predictedResources"]
    return found


def azure_with(made: Sequence[dict[str, Any]]) -> Iterator[Answer]:
    """An Azure that holds these resources and nothing else."""
    vaults = THIRD
    kinds: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for each in made:
        kinds[each["type"].split("/", 1)[1]].append(each)
    tagged = [
        each for each in made if each.get("tags", {}).get(TAG) == INSTALLATION and each["type"] != GROUPS
    ]
    yield answer("ResourceGraph", {"data": [{"subscriptionId": vaults}]})
    yield answer(f"list --subscription {vaults} --tag {TAG}={INSTALLATION}$", tagged)
    yield answer("resource list .* --tag", [])
    listeners = [
        {"id": each["id"], "name": each["name"].split("/")[-1], **each["properties"]}
        for each in kinds["systemTopics/eventSubscriptions"]
    ]
    yield answer("eventgrid system-topic event-subscription list", listeners)
    for each in kinds["topics/eventSubscriptions"]:
        yield answer(f"get .*/{each['name'].split('/')[0]}/eventSubscriptions/backup-retry", each)
    yield answer("get --url .*/eventSubscriptions/backup-retry", error="(ResourceNotFound) no")
    topic_ids = {
        each["id"].split("/eventSubscriptions")[0] for each in kinds["systemTopics/eventSubscriptions"]
    }
    topics = [{"id": each, "topicType": "Microsoft.Resources.Subscriptions"} for each in topic_ids]
    yield answer(f"eventgrid system-topic list --subscription {vaults}", topics)
    yield answer("eventgrid system-topic list", [])
    roles = [{"id": each["id"], **each["properties"]} for each in kinds["roleDefinitions"]]
    yield answer(f"role definition list --subscription {vaults}", roles)
    yield answer("role definition list", [])
    assigned = [{"id": each["id"], **each["properties"]} for each in kinds["roleAssignments"]]
    yield answer(f"role assignment list --subscription {vaults}", assigned)
    for group in kinds["resourceGroups"]:
        yield answer(f"group exists --subscription {vaults} --name {group['name']}$", True)
        held = [each for each in tagged if each["id"].startswith(group["id"] + "/")]
        yield answer(f"resource list --subscription {vaults} --resource-group {group['name']}$", held)
    yield answer("group exists", False)
    yield answer("actionGroups/ag-backup-retry-webhook", error="(ResourceGroupNotFound) no")
    yield answer("^(resource|role assignment|role definition|group) delete")


@both_shells
@pytest.mark.parametrize("name", MADE)
@pytest.mark.skipif(not SNAPSHOTS.exists(), reason="no snapshots of infra/bicep")
def test_every_resource_of_the_snapshots_is_taken_back(shell: str, name: str) -> None:
    """Whatever connect.bicep can ask for is deleted; a resource that is added there has to be found, too."""
    made = snapshot(name)
    variables = {**OUTPUTS, **SNAPSHOT_OUTPUTS}
    if name == "connect-into-what-is-there":
        variables["SIGNALS_RESOURCE_GROUP_NAME"] = "rg-monitoring"
    run = shells.run(shell, "disconnect", "--yes", answers=list(azure_with(made)), variables=variables)
    assert not run.called("UNEXPECTED"), run.output
    assert run.exit_code == 0, run.output
    assert {each.rsplit("/", 1)[-1] for each in run.removed} == {
        each["id"].rsplit("/", 1)[-1] for each in made
    }
    assert len(run.removed) == len(made)


@both_shells
@pytest.mark.skipif(not SNAPSHOTS.exists(), reason="no snapshots of infra/bicep")
def test_another_installation_stays(shell: str) -> None:
    """None of what it has in the same subscription is deleted."""
    made = [each for each in snapshot("connect-second-installation") if "/topics/" not in each["id"]]
    variables = {**OUTPUTS, **SNAPSHOT_OUTPUTS}
    run = shells.run(shell, "disconnect", "--yes", answers=list(azure_with(made)), variables=variables)
    assert (run.removed, run.exit_code) == ([], 0), run.output
