"""The functions of an app, with the app settings in their bindings resolved."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from simulator.functions_host.protos import RpcFunctionMetadata, TypedData

SUPPORTED_TRIGGERS = frozenset({"httptrigger", "eventgridtrigger", "timertrigger"})

_SETTING = re.compile(r"%([^%\s]+)%")


class AppStartError(Exception):
    """The function app cannot run; the message says why, with the app's own traceback where there is one."""


@dataclass(frozen=True, kw_only=True)
class Retry:
    """How often and after how long a run that failed is repeated."""

    most: int = 0
    delay: timedelta = timedelta(0)


@dataclass(frozen=True, kw_only=True)
class Function:
    """An indexed function."""

    name: str
    id: str
    #: As function.json would hold them.
    bindings: Sequence[Mapping[str, Any]]
    #: AzureWebJobs.<name>.Disabled is set.
    disabled: bool = False
    retry: Retry = Retry()

    @property
    def trigger(self) -> Mapping[str, Any]:
        """The binding that starts it."""
        return next(binding for binding in self.bindings if binding["type"].lower() in SUPPORTED_TRIGGERS)

    @property
    def trigger_type(self) -> str:
        """The trigger's type, lower-cased."""
        return str(self.trigger["type"]).lower()

    @property
    def parameter(self) -> str:
        """The name of the parameter that gets what the trigger brings."""
        return str(self.trigger["name"])


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """How an invocation ended."""

    succeeded: bool
    #: What the function returned; None: nothing, or it failed.
    value: TypedData | None = None


def load_function(metadata: RpcFunctionMetadata, settings: Mapping[str, str]) -> Function:
    """The function with each `%NAME%` in its bindings replaced by the app setting.

    Raises:
        AppStartError: a setting is missing, or a binding is one that this host does not serve.
    """
    bindings = [_resolve_all(metadata.name, json.loads(raw), settings) for raw in metadata.raw_bindings]
    for binding in bindings:
        _check(metadata.name, binding)
    disabled = settings.get(f"AzureWebJobs.{metadata.name}.Disabled", "").lower() in {"1", "true"}
    options = metadata.retry_options
    retry = Retry(most=options.max_retry_count, delay=options.delay_interval) if options else Retry()
    return Function(
        name=metadata.name, id=metadata.function_id, bindings=bindings, disabled=disabled, retry=retry
    )


def _check(function: str, binding: Mapping[str, Any]) -> None:
    kind = str(binding["type"]).lower()
    if kind not in SUPPORTED_TRIGGERS and kind != "http":
        raise AppStartError(f"function {function}: this host does not serve {binding['type']} bindings")


def _resolve_all(function: str, binding: Mapping[str, Any], settings: Mapping[str, str]) -> dict[str, Any]:
    def setting(match: re.Match[str]) -> str:
        name = match.group(1)
        if name not in settings:
            raise AppStartError(f"function {function}: {match.group()} does not resolve: set {name}")
        return settings[name]

    return {
        key: _SETTING.sub(setting, value) if isinstance(value, str) else value
        for key, value in binding.items()
    }
