"""Fill the template of the statement: ``{{name}}`` is a fact, ``{{setting a.b}}`` a setting, ``{{claim x}}`` a claim.

A line that is nothing but a fact may become many lines. Nothing is left out: an unknown name is an error with the
line of the template.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path

from tg263_scp.errors import DataFileError, SourceLine
from tg263_scp.tools.statement.evidence import Claim

_PLACEHOLDER = re.compile(r"\{\{(?:(claim|setting) )?([a-z0-9_.-]+)\}\}")


def fill(
    template: Path, facts: Mapping[str, str], settings: Mapping[str, str], claims: Mapping[str, Claim]
) -> str:
    """Return the filled template.

    Raises:
        DataFileError: the template cannot be read, or names what does not exist.
    """
    known: dict[str, Callable[[str], str]] = {
        "": lambda name: facts[name],
        "setting": lambda name: f"`{settings[name]}`",
        "claim": lambda name: claims[name].link,
    }
    try:
        lines = template.read_text(encoding="utf-8").splitlines()
    except OSError as problem:
        raise DataFileError(SourceLine(str(template), 0), f"cannot be read: {problem.strerror}") from problem
    return (
        "\n".join(_filled(line, number, template, known) for number, line in enumerate(lines, start=1)) + "\n"
    )


def _filled(line: str, number: int, template: Path, known: Mapping[str, Callable[[str], str]]) -> str:
    def value(match: re.Match[str]) -> str:
        kind, name = match[1] or "", match[2]
        try:
            return known[kind](name)
        except KeyError:
            raise DataFileError(
                SourceLine(str(template), number),
                f"there is no {kind or 'fact'} '{name}'",
                hint="a claim stands in conformance/claims.yaml, a setting in default_config.yaml",
            ) from None

    return _PLACEHOLDER.sub(value, line)
