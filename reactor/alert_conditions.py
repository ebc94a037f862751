"""What log search and metric alerts have in common: criteria, each with the dimensions that it fired for.

https://learn.microsoft.com/azure/azure-monitor/alerts/alerts-payload-samples
"""

from collections.abc import Sequence

from pydantic import Field

from reactor.common_schema import Alert, Lenient, validated


class Dimension(Lenient):
    """One column of a result, or one dimension of a metric."""

    name: str | None = None
    value: object = None

    @property
    def text(self) -> str:
        """The value where it is a text: no id is anything else."""
        return self.value.strip() if isinstance(self.value, str) else ""


class Criterion(Lenient):
    """One condition that was met."""

    metric_name: str | None = Field(default=None, alias="metricName")
    dimensions: list[Dimension] | None = None

    def value(self, name: str) -> str:
        """A dimension's value by its name, which has no case; "" where there is none."""
        folded = name.casefold()
        found = (each.text for each in self.dimensions or [] if (each.name or "").casefold() == folded)
        return next(found, "")


class _Condition(Lenient):
    all_of: list[Criterion] | None = Field(default=None, alias="allOf")


class _Context(Lenient):
    condition: _Condition | None = None


def criteria(alert: Alert) -> Sequence[Criterion]:
    """Every condition that an alert fired for; links to search results in it are never followed.

    Raises:
        BadSignal: the context does not have the form Azure Monitor writes it.
    """
    condition = validated(_Context, alert.context, "data.alertContext").condition
    return (condition.all_of if condition else None) or []
