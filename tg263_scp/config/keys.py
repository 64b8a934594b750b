"""The keys of the configuration: which there are, what a wrong one was meant to be, and the user's over the defaults."""

from __future__ import annotations

import difflib
from typing import Any

from tg263_scp import yamlsource
from tg263_scp.errors import ConfigError, SourceLine


def _need_mapping(value: Any, where: str) -> None:
    if not isinstance(value, dict):
        line = getattr(value, "line", 0)
        raise ConfigError(
            SourceLine(where, line),
            "settings are expected here, as 'key: value'",
            hint="see default_config.yaml",
        )


def refuse_unknown(user: Any, known: dict[str, Any], entries: dict[str, dict[str, Any]], where: str) -> None:
    """Compare the user's keys with those of the defaults; ``entries`` are the keys of what the lists hold, by list.

    Raises:
        ConfigError: an unknown key, or something else where settings are expected.
    """
    _need_mapping(user, where)
    _compare_keys(user, known, where, "")
    for section, settings in user.items():
        if section in entries:
            for entry in settings if isinstance(settings, list) else ():
                _compare_section(entry, entries[section], where, section)
        elif settings != "":
            _compare_section(settings, known[section], where, section)


def _compare_section(settings: Any, known: dict[str, Any], where: str, section: str) -> None:
    _need_mapping(settings, where)
    _compare_keys(settings, known, where, section)
    _compare_nested(settings, known, where, section)


def _compare_nested(settings: dict[str, Any], known: dict[str, Any], where: str, section: str) -> None:
    for key, value in settings.items():
        if isinstance(known.get(key), dict):
            _need_mapping(value, where)
            _compare_keys(value, known[key], where, f"{section}.{key}")


def _compare_keys(settings: yamlsource.Mapping, known: dict[str, Any], where: str, section: str) -> None:
    for key in settings:
        if key in known:
            continue
        place = f" in '{section}'" if section else ""
        raise ConfigError(
            SourceLine(where, settings.line_of(key)), f"unknown key '{key}'{place}", hint=_meant(key, known)
        )


def _meant(key: str, known: dict[str, Any]) -> str:
    for group, settings in known.items():
        if isinstance(settings, dict) and key in settings:
            return f"'{key}' belongs below '{group}'"
    near = difflib.get_close_matches(key, known, n=1, cutoff=0.5)
    return f"did you mean '{near[0]}'?" if near else f"known keys: {', '.join(known) or 'none'}"


def merged(defaults: dict[str, Any], user: Any) -> dict[str, Any]:
    """Return the defaults with the user's settings in their place, at every depth; an empty section changes nothing."""
    result = dict(defaults)
    for key, value in (user or {}).items():
        own = result.get(key)
        if isinstance(own, dict) and (isinstance(value, dict) or value == ""):
            result[key] = merged(own, value or {})
        else:
            result[key] = value
    return result


def entries(listed: Any, defaults: dict[str, Any]) -> Any:
    """Return a list of settings, each with the defaults for what it does not say; what is no list is left as it is."""
    if listed == "":
        return []
    return [merged(defaults, entry) for entry in listed] if isinstance(listed, list) else listed
