"""Log search alerts: what a rule's author has put into the dimensions, by a documented list of names."""

from collections.abc import Sequence

from backup_retry.domain.alert_dimensions import Dimensions, Meaning
from backup_retry.domain.arm_ids import JOB_ID
from reactor.alert_conditions import Dimension, criteria
from reactor.common_schema import Alert
from reactor.signals import Ignored, Signal, named


def read(alert: Alert, known: Dimensions) -> Signal | Ignored:
    """What the dimensions name; the alert's own target counts where it is a vault.

    Raises:
        BadSignal: the context is not written as Azure Monitor writes it.
    """
    given = [dimension for criterion in criteria(alert) for dimension in criterion.dimensions or []]
    meant = [(known.meaning(each.name or ""), each.text) for each in given]
    jobs = [text for meaning, text in meant if meaning is Meaning.JOB and JOB_ID.fullmatch(text)]
    errors = [text for meaning, text in meant if meaning is Meaning.ERROR]
    ids = [text for meaning, text in meant if meaning not in {None, Meaning.ERROR}]
    vaults = [target for target in alert.targets if named([target]).vault]
    what = named([*ids, *vaults], jobs)
    if what.vault or what.resource_id:
        return alert.signal(what, next(iter(errors), ""))
    return alert.ignored(_why(given, known, what.job_id))


def _why(given: Sequence[Dimension], known: Dimensions, job_id: str) -> str:
    if job_id:
        return f"names job {job_id}, but neither its vault nor a resource: add the column ResourceId as a dimension"
    came = ", ".join(each.name or "?" for each in given) or "none"
    return (
        f"no dimension names a job, item, vault or resource by its ARM id (there are: {came}); "
        f"understood are {known}; LOG_ALERT_DIMENSIONS adds names"
    )
