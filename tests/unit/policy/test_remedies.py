"""What the policy tells a person to do."""

from backup_retry.domain.decisions import Close
from backup_retry.policy.decide import decide
from tests.builders import (
    ENDED,
    NEEDS_PERSON,
    STARTED,
    failed,
    incident,
)
from tests.decide_world import context, ended


def test_needing_a_person_tells_that_person_what_to_do() -> None:
    """The detail holds the catalogue's remedy, not only the code."""
    example = context(incident(failure=failed(error=NEEDS_PERSON)))
    decision = decide(example)

    assert isinstance(decision, Close)
    assert decision.detail == f"{example.error.cause} {example.error.guidance}"


def test_an_exhausted_incident_names_its_last_error() -> None:
    """A person who reads it does not have to open the vault to see what is wrong."""
    attempts = (ended(1, STARTED), ended(2, STARTED), ended(3, ENDED))
    decision = decide(context(incident(*attempts, failure=failed(error="VMCreationTimeOutStorageErrorV2"))))

    assert isinstance(decision, Close)
    assert "3 retries" in decision.detail
    assert "VMCreationTimeOutStorageErrorV2" in decision.detail
