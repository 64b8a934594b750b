"""What is wrong with a value, in our own words; pydantic's speak of its types."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

_Context = Mapping[str, Any]


def _bound(words: str, key: str) -> Callable[[_Context], str]:
    return lambda context: f"must be {words.format(_plain(context.get(key)))}"


def _plain(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def _one_of(context: _Context) -> str:
    return f"must be {context.get('expected', 'another value')}"


def _at_least(context: _Context) -> str:
    least = context.get("min_length", 1)
    return "must not be empty" if least == 1 else f"must have at least {least} entries or characters"


_SAYINGS: dict[str, Callable[[_Context], str]] = {
    "missing": lambda _: "is missing",
    "extra_forbidden": lambda _: "is not a setting",
    "bool_parsing": lambda _: "must be yes or no",
    "bool_type": lambda _: "must be yes or no",
    "int_parsing": lambda _: "must be a whole number",
    "int_type": lambda _: "must be a whole number",
    "int_from_float": lambda _: "must be a whole number",
    "int_parsing_size": lambda _: "is too large a number",
    "float_parsing": lambda _: "must be a number",
    "float_type": lambda _: "must be a number",
    "finite_number": lambda _: "must be a number",
    "byte_size": lambda _: "must be bytes or a number with KiB, MiB, GiB or TiB, such as 2 GiB",
    "byte_size_unit": lambda _: "must be bytes or a number with KiB, MiB, GiB or TiB, such as 2 GiB",
    "string_type": lambda _: "must be one text",
    "path_type": lambda _: "must be the path of a file or folder",
    "list_type": lambda _: "must be a list, such as [one, two]",
    "dict_type": lambda _: "must be settings, as 'key: value'",
    "model_type": lambda _: "must be settings, as 'key: value'",
    "model_attributes_type": lambda _: "must be settings, as 'key: value'",
    "greater_than": _bound("more than {}", "gt"),
    "greater_than_equal": _bound("{} or more", "ge"),
    "less_than": _bound("less than {}", "lt"),
    "less_than_equal": _bound("{} or less", "le"),
    "literal_error": _one_of,
    "enum": _one_of,
    "string_too_short": _at_least,
    "too_short": _at_least,
    "string_too_long": _bound("at most {} characters", "max_length"),
    "too_long": _bound("at most {} entries", "max_length"),
    "string_pattern_mismatch": lambda _: "has a character that is not allowed here",
    "ip_v4_network": lambda _: "must be an IP address or a network, such as 10.1.2.3 or 10.1.0.0/16",
    "ip_v6_network": lambda _: "must be an IP address or a network, such as 10.1.2.3 or 10.1.0.0/16",
}


def said_of(problem: Mapping[str, Any]) -> str:
    """Say what is wrong, given one of the errors of a ``ValidationError``; a validator of ours has said it itself."""
    saying = _SAYINGS.get(problem["type"])
    return saying(problem.get("ctx", {})) if saying else problem["msg"].removeprefix("Value error, ")
