"""Log search alerts: what a rule's author has put into the dimensions, by a documented list of names.

Classic rules, which Log Alerts V2 has replaced, may send the rows of their result besides:
https://learn.microsoft.com/azure/azure-monitor/alerts/alerts-payload-samples
"""

from collections.abc import Sequence

from pydantic import Field

from backup_retry.domain.alert_dimensions import Dimensions, Meaning
from backup_retry.domain.arm_ids import JOB_ID
from reactor.alert_conditions import Dimension, criteria
from reactor.common_schema import Alert, Lenient, validated
from reactor.signals import Ignored, Named, Signal, named

_TO_V2 = (
    "switch the rule to Log Alerts V2 (in the portal: the rule, then 'Switch to the new API') "
    "and split it by JobUniqueId and ResourceId"
)


class _Column(Lenient):
    name: str | None = None


class _Table(Lenient):
    columns: list[_Column] | None = None
    rows: list[list[object]] | None = None

    @property
    def records(self) -> Sequence[Sequence[Dimension]]:
        """Each row as dimensions: the columns are what a rule of today would split by."""
        names = [each.name for each in self.columns or []]
        return [
            [Dimension(name=name, value=value) for name, value in zip(names, row, strict=False)]
            for row in self.rows or []
        ]


class _SearchResults(Lenient):
    tables: list[_Table] | None = None


class _ClassicContext(Lenient):
    dimensions: list[Dimension] | None = Field(default=None, alias="Dimensions")
    search_results: _SearchResults | None = Field(default=None, alias="SearchResults")
    affected: list[str] | None = Field(default=None, alias="AffectedConfigurationItems")

    @property
    def records(self) -> Sequence[Sequence[Dimension]]:
        """The rows of the result, where the rule sends them."""
        tables = self.search_results.tables if self.search_results else None
        return [record for table in tables or [] for record in table.records]


def read(alert: Alert, known: Dimensions) -> Signal | Ignored:
    """What the dimensions name; the alert's own target counts where it is a vault.

    Raises:
        BadSignal: the context does not have the form Azure Monitor writes it.
    """
    given = [dimension for criterion in criteria(alert) for dimension in criterion.dimensions or []]
    what, error = _named(given, known, alert.targets)
    if what.vault or what.resource_id:
        return alert.signal(what, error)
    return alert.ignored(_why(given, known, what.job_id))


def read_classic(alert: Alert, known: Dimensions) -> Signal | Ignored:
    """What a classic rule's dimensions and rows name; its rows may be of several vaults, a signal is of one.

    Raises:
        BadSignal: the context does not have the form Azure Monitor writes it.
    """
    context = validated(_ClassicContext, alert.context, "data.alertContext")
    given = [each for record in (context.dimensions or [], *context.records) for each in record]
    targets = [*alert.targets, *(context.affected or [])]
    vaults = {each.vault.key for record in context.records if (each := _named(record, known, [])[0]).vault}
    if len(vaults) > 1:
        return alert.ignored(f"a classic log alert with failures of {len(vaults)} vaults: {_TO_V2}")
    what, error = _named(given, known, targets)
    if what.vault or what.resource_id:
        return alert.signal(what, error)
    return alert.ignored(
        f"a classic log alert that names no job: {_why(given, known, what.job_id)}; {_TO_V2}"
    )


def _named(given: Sequence[Dimension], known: Dimensions, targets: Sequence[str]) -> tuple[Named, str]:
    """What dimensions name, and the error code that they give."""
    meant = [(known.meaning(each.name or ""), each.text) for each in given]
    jobs = [text for meaning, text in meant if meaning is Meaning.JOB and JOB_ID.fullmatch(text)]
    errors = [text for meaning, text in meant if meaning is Meaning.ERROR]
    ids = [text for meaning, text in meant if meaning not in {None, Meaning.ERROR}]
    vaults = [target for target in targets if named([target]).vault]
    return named([*ids, *vaults], jobs), next(iter(errors), "")


def _why(given: Sequence[Dimension], known: Dimensions, job_id: str) -> str:
    if job_id:
        return f"names job {job_id}, but neither its vault nor a resource: add the column ResourceId as a dimension"
    came = ", ".join(each.name or "?" for each in given) or "none"
    return (
        f"no dimension names a job, item, vault or resource by its ARM id (there are: {came}); "
        f"understood are {known}; LOG_ALERT_DIMENSIONS adds names"
    )
