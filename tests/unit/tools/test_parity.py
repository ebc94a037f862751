"""How the parity report compares two answers, and what it makes of the differences."""

from typing import Any

import pytest

from simulator.arm.calls import Call, Route
from tools.parity.differences import Difference, differences
from tools.parity.document import BEGIN, END, rewritten
from tools.parity.forms import form
from tools.parity.recordings import Reply
from tools.parity.report import Finding, Verdict, as_json, endpoint, rows

VAULTS = "/subscriptions/{subscription}/resourceGroups/{resource_group}/providers/Microsoft.RecoveryServices/vaults"


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("2026-04-22T06:51:02.1758655Z", "time"),
        ("2026-04-22T06:51:02.064024Z", "time"),
        ("2026-04-22T06:51:02.1758650Z", "time with a padded fraction"),
        ("2026-04-22T06:51:02Z", "time in whole seconds"),
        ("0001-01-01T00:00:00", "unset time without Z"),
        ("0001-01-01T00:00:00Z", "unset time"),
        ("0001-01-01T00:00:00.0000000Z", "unset time with decimals"),
        ("PT8H20M31.6817424S", "ISO duration"),
        ("P30D", "ISO duration"),
        ("00:20:23.0800000", "time span"),
        ("5/22/2024 7:00:29 AM", "time of the portal"),
        ("876faaa1-1d8d-4044-87ba-b08fdd87d4f9", "GUID"),
        ("disk-1-disk-1-876faaa1-1d8d-4044-87ba-b08fdd87d4f9", "name with a GUID"),
        ("449", "number"),
        ("753 MB", "size"),
        ("", "empty"),
        ("Completed", "word"),
        ("P", "word"),
        ("Backup (Full)", "text"),
    ],
)
def test_texts_have_forms(text: str, kind: str) -> None:
    """By which a time is told from an unset one, and a duration from a time span."""
    assert form(text) == kind


@pytest.mark.parametrize(
    ("text", "pattern"),
    [
        (
            "/subscriptions/1/resourcegroups/rg/providers/Microsoft.RecoveryServices/vaults/v/backupJobs/j",
            "/subscriptions/*/resourcegroups/*/providers/Microsoft.RecoveryServices/vaults/*/backupJobs/*",
        ),
        ("/providers/Microsoft.Compute/disks/d", "/providers/Microsoft.Compute/disks/*"),
        (
            "https://management.azure.com/subscriptions/1/protectedItems/VM;rg;vm?api-version=2026&t=1&s=a%3D",
            "https://*/subscriptions/*/protectedItems/VM;*;*?api-version&t&s",
        ),
    ],
)
def test_ids_and_addresses_are_their_own_forms(text: str, pattern: str) -> None:
    """All but the names has to be as it was recorded, casing included."""
    assert form(text) == pattern


def reply(body: Any, status: int = 200, **headers: str) -> Reply:
    """An answer."""
    return Reply(status=status, headers=headers, body=body)


@pytest.mark.parametrize(
    ("recorded", "simulated", "found"),
    [
        pytest.param({"a": 1}, {}, ["body.a missing"], id="missing"),
        pytest.param({}, {"a": None}, ["body.a extra"], id="a null is not nothing"),
        pytest.param({"a": None}, {"a": ""}, ["body.a type: null recorded, str simulated"], id="null"),
        pytest.param({"a": 0.0}, {"a": 0}, ["body.a type: float recorded, int simulated"], id="number"),
        pytest.param({"count": 19}, {"count": 3}, [], id="other numbers"),
        pytest.param({"code": 19}, {"code": 3}, ["body.code value: 19 recorded, 3 simulated"], id="codes"),
        pytest.param({"a": True}, {"a": False}, ["body.a value: True recorded, False simulated"], id="flags"),
        pytest.param(
            {"a": "Failed"},
            {"a": "failed"},
            ["body.a value: 'Failed' recorded, 'failed' simulated"],
            id="words",
        ),
        pytest.param(
            {"a": "PT2S"},
            {"a": "00:00:02"},
            ["body.a form: ISO duration recorded, time span simulated"],
            id="form",
        ),
        pytest.param({"a": "PT2S"}, {"a": "PT3M"}, [], id="other durations"),
        pytest.param([1, 2], [1], ["body length: 2 recorded, 1 simulated"], id="shorter"),
        pytest.param(
            [{"a": "x"}, {"a": "y"}, {"a": "x"}, {"a": "y"}],
            [{"a": "y"}, {"a": "x"}, {"a": "y"}, {"a": "x"}],
            ["body[].a value: 'x' recorded, 'y' simulated", "body[].a value: 'y' recorded, 'x' simulated"],
            id="another order, each difference once",
        ),
    ],
)
def test_bodies_are_compared_field_by_field(recorded: Any, simulated: Any, found: list[str]) -> None:
    """On all levels, and nothing that means the same is told."""
    assert [str(each) for each in differences(reply(recorded), reply(simulated))] == found


def test_the_status_and_the_recorded_headers_are_compared() -> None:
    """The recordings are stripped of many, so that one more is no difference, nor is a character set."""
    recorded = reply("", 202, location="https://a/x?t=1", etag="1", **{"content-type": "application/json"})
    simulated = reply("", 200, location="https://b/x", **{"content-type": "application/json; charset=utf-8"})
    assert [str(each) for each in differences(recorded, simulated)] == [
        "status value: 202 recorded, 200 simulated",
        "header.location form: https://*text?t recorded, https://*text? simulated",
        "header.etag missing",
    ]


async def no_answer(call: Call) -> Any:
    """Stands for a handler; it is never called."""
    raise AssertionError("only the routes are compared")


ROUTES = [Route("GET", VAULTS, no_answer), Route("GET", VAULTS + "/{vault}", no_answer)]
A_DIFFERENCE = Difference(where="body.a", kind="missing")


def finding(endpoint: str, **said: Any) -> Finding:
    """What came of a recording."""
    return Finding(recording="one", endpoint=endpoint, **said)


def test_an_endpoint_is_as_good_as_its_worst_recording() -> None:
    """Endpoints without a recording are listed, and so are recorded operations that nobody serves."""
    lists = endpoint("GET", VAULTS)
    findings = [
        finding(lists, explained=((A_DIFFERENCE, "Old."),)),
        finding(lists, differences=(A_DIFFERENCE,)),
        finding("PUT …/x", unserved="never called"),
    ]
    assert [(row.endpoint, row.verdict) for row in rows(findings, ROUTES)] == [
        ("GET …/Microsoft.RecoveryServices/vaults", Verdict.DIFFERS),
        ("GET …/Microsoft.RecoveryServices/vaults/{vault}", Verdict.NO_RECORDING),
        ("PUT …/x", Verdict.NOT_SERVED),
    ]


def test_the_document_has_the_table_and_the_reasons_it_refers_to() -> None:
    """Between the comments; the rest is a person's."""
    lists, one = (endpoint(route.method, route.template) for route in ROUTES)
    findings = [
        finding(lists, explained=((A_DIFFERENCE, "Old."),)),
        finding(one, differences=(A_DIFFERENCE,)),
    ]
    found = rows([*findings, finding("PUT …/x", unserved="never called")], ROUTES)
    assert rewritten(f"# A\n{BEGIN}\nold\n{END}\nB\n", found).splitlines() == [
        "# A",
        BEGIN,
        "",
        "| endpoint | recordings | verdict | remarks |",
        "|---|---|---|---|",
        f"| `{lists}` | 1 | explained | note 1 |",
        f"| `{one}` | 1 | differs | body.a missing |",
        "| `PUT …/x` | 1 | not served | the app never calls it |",
        "",
        "1. Old.",
        "",
        END,
        "B",
    ]


def test_a_document_without_the_comments_is_refused() -> None:
    """Nothing is guessed."""
    with pytest.raises(ValueError, match="once each"):
        rewritten(f"{END}\n{BEGIN}\n", [])


def test_the_json_says_all_of_each_recording() -> None:
    """What differs, and what is explained with its reason."""
    found = rows([finding("GET …/x", differences=(A_DIFFERENCE,), explained=((A_DIFFERENCE, "Old."),))], [])
    assert as_json(found) == [
        {
            "endpoint": "GET …/x",
            "verdict": "differs",
            "recordings": [
                {
                    "name": "one",
                    "verdict": "differs",
                    "not_served": "",
                    "differences": ["body.a missing"],
                    "explained": [{"difference": "body.a missing", "reason": "Old."}],
                }
            ],
        }
    ]
