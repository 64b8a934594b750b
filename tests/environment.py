"""Tell whether this Python holds everything that pyproject.toml asks for; used where installing it anew is not possible."""

from __future__ import annotations

import re
import sys
import tomllib
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from typing import Any


def missing(pyproject: Path) -> list[str]:
    """Return the names of the required distributions (development included) that are not installed."""
    project = tomllib.loads(pyproject.read_text(encoding="utf-8"))["project"]
    wanted = [*project["dependencies"], *_of_extra("dev", project)]
    names = [re.match(r"[A-Za-z0-9._-]+", requirement)[0] for requirement in wanted]
    return [name for name in names if not _installed(name)]


def _of_extra(extra: str, project: dict[str, Any]) -> Iterator[str]:
    """Yield what an extra asks for, and what the extras ask for that it names: ``tg263-scp[desk]`` is one of ours."""
    for requirement in project["optional-dependencies"][extra]:
        ours = re.fullmatch(rf"{re.escape(project['name'])}\[([\w,-]+)\]", requirement)
        if ours:
            for named in ours[1].split(","):
                yield from _of_extra(named, project)
        else:
            yield requirement


def _installed(name: str) -> bool:
    try:
        metadata.version(name)
    except metadata.PackageNotFoundError:
        return False
    return True


if __name__ == "__main__":
    absent = missing(Path(__file__).resolve().parents[1] / "pyproject.toml")
    sys.exit(f"missing: {', '.join(absent)}" if absent else 0)
