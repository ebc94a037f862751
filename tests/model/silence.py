"""Why nobody is told how an incident ended."""

from collections.abc import Collection
from datetime import timedelta

from backup_retry.domain.decisions import Reason
from backup_retry.domain.incident import Incident
from tests.model.storm_messages import StormMessages


def may_be_silent(incident: Incident, of_item: Collection[Incident], storms: StormMessages) -> bool:
    """Whether a person knows already, or nobody has to: `of_item` are all incidents of its item."""
    return _is_known(incident, of_item, storms) or _is_mended(incident, of_item)


def _is_known(incident: Incident, of_item: Collection[Incident], storms: StormMessages) -> bool:
    """Of the storm that it was held by, or of the same failure within a day."""
    if incident.reason is Reason.STORM:
        return storms.of_item(incident)
    told, closed_at = incident.memory.told_at, incident.closed_at
    if told is None or closed_at is None:
        return False
    return closed_at - told < timedelta(days=1) and any(each.closed_at == told for each in of_item)


def _is_mended(incident: Incident, of_item: Collection[Incident]) -> bool:
    """Its item has recovered since: what then waits for others of its cause is not told any more."""
    later = [each for each in of_item if each.opened_at > incident.opened_at]
    return any(each.outcome is not None and each.outcome.recovered for each in later)
