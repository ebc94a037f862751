"""The common alert schema: what every alert has, whichever service raised it.

https://learn.microsoft.com/azure/azure-monitor/alerts/alerts-common-schema
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from backup_retry.domain.arrivals import AlertKind
from backup_retry.domain.errors import BadSignal
from backup_retry.domain.jobs import Source
from reactor.signals import Ignored, Named, Signal

COMMON_SCHEMA = "azureMonitorCommonAlertSchema"
REMEDY = "Turn on the common alert schema in the action group's webhook action."
_LONGEST_CODE = 80
#: of those services that report on backups, besides the rules from before Log Alerts V2
_KINDS = {
    "azure backup": AlertKind.BACKUP_ALERT,
    "platform": AlertKind.METRIC_ALERT,
    "activity log - administrative": AlertKind.ACTIVITY_LOG_ALERT,
}


class Lenient(BaseModel):
    """A part of a payload: what we do not know in it is left aside."""

    model_config = ConfigDict(extra="ignore", frozen=True)


_Model = TypeVar("_Model", bound=Lenient)


class Essentials(Lenient):
    """What the schema calls essentials, as far as it matters here."""

    alert_id: str | None = Field(default=None, alias="alertId")
    alert_rule: str | None = Field(default=None, alias="alertRule")
    alert_rule_id: str | None = Field(default=None, alias="alertRuleID")
    signal_type: str | None = Field(default=None, alias="signalType")
    monitor_condition: str | None = Field(default=None, alias="monitorCondition")
    monitoring_service: str | None = Field(default=None, alias="monitoringService")
    alert_target_ids: list[str] | None = Field(default=None, alias="alertTargetIDs")


class _AlertData(Lenient):
    essentials: Essentials
    #: its shape depends on the service, so it is read once that is known
    alert_context: Any = Field(default=None, alias="alertContext")
    custom: dict[str, Any] | None = Field(default=None, alias="customProperties")


@dataclass(frozen=True, kw_only=True)
class Alert:
    """An alert whose context nobody has looked at yet."""

    source: Source
    essentials: Essentials
    context: Any
    #: what the rule's author has given it
    custom: Mapping[str, Any] = field(default_factory=dict)

    @property
    def label(self) -> str:
        """What to call it in logs."""
        return self.essentials.alert_id or self.essentials.alert_rule or "an alert without a name"

    @property
    def service(self) -> str:
        """Who raised it."""
        return self.essentials.monitoring_service or "an unnamed service"

    @property
    def targets(self) -> Sequence[str]:
        """The ARM ids of what it is about."""
        return self.essentials.alert_target_ids or []

    def signal(self, what: Named, error_code: str = "") -> Signal:
        """The hint in it."""
        return Signal(
            **vars(what),
            source=self.source,
            kind=_KINDS.get(self.service.casefold(), AlertKind.LOG_ALERT),
            error_code=error_code[:_LONGEST_CODE],
            label=self.label,
        )

    def ignored(self, why: str) -> Ignored:
        """Why nothing is done, and what came."""
        came = {
            "service": self.service,
            "rule": self.essentials.alert_rule or "",
            "signal_type": self.essentials.signal_type or "",
            "target": ", ".join(self.targets),
        }
        return Ignored(why=why, label=self.label, came=came)


def looks_common(payload: Mapping[str, Any]) -> bool:
    """True for an alert whose schemaId was lost on the way, as Logic Apps and the like do."""
    data = payload.get("data")
    return isinstance(data, Mapping) and isinstance(data.get("essentials"), Mapping)


def read(payload: object, source: Source) -> Alert:
    """The alert in a payload.

    Raises:
        BadSignal: it is something else, or lacks what every alert has.
    """
    if not isinstance(payload, Mapping):
        raise BadSignal("not a JSON object.", where="body", remedy=REMEDY)
    schema = payload.get("schemaId")
    if schema != COMMON_SCHEMA and not (schema is None and looks_common(payload)):
        found = "missing" if schema is None else f"{schema!r}"
        raise BadSignal(f"is {found}, not {COMMON_SCHEMA!r}.", where="schemaId", remedy=REMEDY)
    data = validated(_AlertData, payload.get("data"), "data")
    return Alert(
        source=source, essentials=data.essentials, context=data.alert_context or {}, custom=data.custom or {}
    )


def validated(model: type[_Model], value: object, where: str) -> _Model:
    """A part of a payload as a model.

    Raises:
        BadSignal: it does not fit; the message names the field.
    """
    try:
        return model.model_validate(value)
    except ValidationError as error:
        first = error.errors()[0]
        path = ".".join([where, *(str(part) for part in first["loc"])])
        raise BadSignal(
            f"{first['msg'].lower()}.", where=path, remedy="Send the alert as Azure Monitor raised it."
        ) from error
