"""Which subjects a fault strikes, and how often."""

from typing import Any

import pytest

from simulator.estate.faults import FAULTS, FaultError, Faults


def armed(*specs: dict[str, Any], seed: int = 0) -> Faults:
    faults = Faults()
    faults.arm(specs, seed=seed)
    return faults


def strikes(faults: Faults, name: str, times: int, subject: str = "GET /x") -> list[bool]:
    return [faults.strike(name, subject) is not None for _ in range(times)]


@pytest.mark.parametrize("name", sorted(FAULTS))
def test_every_fault_can_be_armed_by_its_name_alone(name: str) -> None:
    """Its parameters have defaults."""
    assert strikes(armed({"name": name}), name, 2) == [True, True]


def test_a_fault_is_spent_after_its_count() -> None:
    """`skip` lets matching subjects pass first."""
    faults = armed({"name": "throttle", "count": 2, "skip": 1})
    assert strikes(faults, "throttle", 5) == [False, True, True, False, False]
    assert faults.specs()[0]["struck"] == 2


def test_only_matching_subjects_are_struck_or_counted() -> None:
    """Case does not matter, and the regular expression is sought anywhere."""
    faults = armed({"name": "drop_answer", "match": "^POST .*/vm;.*;vm-01/backup", "count": 1})
    assert faults.strike("drop_answer", "GET /items/VM;x;vm-01/backup") is None
    assert faults.strike("drop_request", "POST /items/VM;x;vm-01/backup") is None
    assert faults.strike("drop_answer", "POST /items/VM;x;VM-01/backup?api-version=1") is not None


def test_the_dice_are_seeded() -> None:
    """The same seed, the same strikes; about half of them at one half."""
    spec = {"name": "latency", "probability": 0.5}
    first = strikes(armed(spec, seed=3), "latency", 200)
    assert strikes(armed(spec, seed=3), "latency", 200) == first
    assert strikes(armed(spec, seed=4), "latency", 200) != first
    assert 70 < sum(first) < 130


def test_a_spent_fault_leaves_the_next_of_its_name_to_strike() -> None:
    """Several of one name may be armed."""
    faults = armed({"name": "latency", "count": 1, "seconds": 1}, {"name": "latency", "seconds": 2})
    struck = [fault.seconds for _ in range(3) if (fault := faults.strike("latency", "GET /x"))]
    assert struck == [1, 2, 2]


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ({"name": "earthquake"}, "no fault 'earthquake'; known: latency, throttle"),
        ({}, "no fault None"),
        ({"name": "latency", "delay": 2}, r"\[0\].delay: latency has no such parameter; known: match"),
        ({"name": "latency", "seconds": "2"}, r"\[0\].seconds: '2' is not of type float"),
        ({"name": "throttle", "count": True}, r"\[0\].count: True is not of type"),
        ({"name": "throttle", "match": "("}, r"\[0\].match: '\(' is no regular expression"),
        ("latency", r"\[0\]: a fault is an object"),
    ],
)
def test_a_wrong_specification_is_refused(spec: Any, message: str) -> None:
    """The message says where, what, and what would be right; what was armed stays armed."""
    faults = armed({"name": "latency"})
    with pytest.raises(FaultError, match=message):
        faults.arm([spec])
    assert len(faults.specs()) == 1
