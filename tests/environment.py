"""Tell whether this Python holds everything that pyproject.toml asks for; used where installing it anew is not possible."""

from __future__ import annotations

import re
import sys
import tomllib
from importlib import metadata
from pathlib import Path


def missing(pyproject: Path) -> list[str]:
    """Return the names of the required distributions (development included) that are not installed."""
    project = tomllib.loads(pyproject.read_text(encoding="utf-8"))["project"]
    wanted = [*project["dependencies"], *project["optional-dependencies"]["dev"]]
    names = [re.match(r"[A-Za-z0-9._-]+", requirement)[0] for requirement in wanted]
    return [name for name in names if not _installed(name)]


def _installed(name: str) -> bool:
    try:
        metadata.version(name)
    except metadata.PackageNotFoundError:
        return False
    return True


if __name__ == "__main__":
    absent = missing(Path(__file__).resolve().parents[1] / "pyproject.toml")
    sys.exit(f"missing: {', '.join(absent)}" if absent else 0)
