"""Reads the settings: this process's own, or those of another app."""

import os
from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource

from backup_retry.domain.errors import SettingsError
from backup_retry.settings.problems import problems
from backup_retry.settings.setting_types import emptied
from backup_retry.settings.settings import Settings


class _OnlyGiven(Settings):
    """The same without this process's own environment."""

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        del settings_cls, env_settings, dotenv_settings, file_secret_settings
        return (init_settings,)


def settings_of(environment: Mapping[str, str]) -> Settings:
    """The settings of an app with that environment, which is not this process's own.

    Raises:
        SettingsError: as load_settings.
    """
    known = emptied(environment) | {name.lower(): value for name, value in environment.items() if value}
    return _read(_OnlyGiven, {name: value for name, value in known.items() if name in Settings.model_fields})


def load_settings(overrides: Mapping[str, Any] | None = None) -> Settings:
    """The settings from the environment.

    Raises:
        SettingsError: one or more settings are missing or wrong; the message names each.
    """
    return _read(Settings, {**emptied(os.environ), **(overrides or {})})


def _read(kind: type[Settings], values: Mapping[str, Any]) -> Settings:
    try:
        return kind(**values)
    except ValidationError as error:
        raise SettingsError(problems(error)) from error
