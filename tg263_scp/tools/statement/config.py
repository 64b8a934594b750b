"""``config``: the defaults with their meanings, a check of a file, and the settings that hold."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tg263_scp import yamlsource
from tg263_scp.config.loading import DEFAULTS_PATH, load_config
from tg263_scp.naming.standard.loading import load_nomenclature
from tg263_scp.tools.shared.exitcode import ExitCode
from tg263_scp.tools.shared.terminal import print_json, say, say_lines


def print_defaults() -> ExitCode:
    """The verb ``config defaults``: the reference, which is a configuration file too."""
    say_lines(DEFAULTS_PATH.read_text(encoding="utf-8"))
    return ExitCode.DONE


def check_file(config: Path) -> ExitCode:
    """The verb ``config check``: reads the file and the nomenclature it names, and looks at nothing outside.

    Raises:
        ConfigError: the configuration cannot be used.
        DataFileError: the overlay or a language pack cannot be used.
    """
    settings = load_config(config)
    load_nomenclature(overlay=settings.naming.overlay, languages=settings.naming.languages)
    changed = ", ".join(_differing(_shown(config), _beside(config))) or "none"
    say(f"{config}: no mistake found; sections that differ from the defaults: {changed}")
    say("`tg263-scp doctor --config FILE` looks at disk, ports and destinations too")
    return ExitCode.DONE


def show_settings(config: Path | None, changed: bool, as_json: bool) -> ExitCode:
    """The verb ``config show``: all settings as they hold, with paths complete; with ``changed`` what is not the default."""
    settings = _shown(config)
    if changed:
        settings = _differing(settings, _beside(config))
    if as_json:
        print_json(settings)
    else:
        say_lines(yamlsource.text_of(settings))
    return ExitCode.DONE


def _shown(config: Path | None) -> dict[str, Any]:
    """Return the effective settings; what lets its holder in (headers, the webhook) is in no dump."""
    settings: dict[str, Any] = load_config(config).model_dump(mode="json")
    return settings


def _beside(config: Path | None) -> dict[str, Any]:
    """Return the defaults with their paths as they would be in the folder of a configuration file."""
    defaults = load_config().model_dump(mode="json")
    here, there = str(Path().resolve()), str((config.parent if config else Path()).resolve())
    moved: dict[str, Any] = _moved(defaults, here, there)
    return moved


def _moved(value: Any, here: str, there: str) -> Any:
    if isinstance(value, dict):
        return {key: _moved(inner, here, there) for key, inner in value.items()}
    if isinstance(value, str) and value.startswith(here):
        return there + value.removeprefix(here)
    return value


def _differing(settings: dict[str, Any], defaults: dict[str, Any]) -> dict[str, Any]:
    found = {}
    for key, value in settings.items():
        usual = defaults.get(key)
        if isinstance(value, dict) and isinstance(usual, dict):
            value = _differing(value, usual)
            if value:
                found[key] = value
        elif value != usual:
            found[key] = value
    return found
