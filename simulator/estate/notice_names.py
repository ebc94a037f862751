"""The names by which an estate switches Azure's notices of a failure on."""

from typing import Literal

NoticeName = Literal["built_in", "metric", "metric_multi", "log", "activity", "resource_action_failure"]
DEFAULT_NOTICES: tuple[NoticeName, ...] = ("built_in",)
