"""One section of ``conformance/evidence.md``: what was found, by which command, on which machine."""

from __future__ import annotations

import os
import platform
import re
import sys
from collections.abc import Iterable, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from tg263_scp import __version__

EVIDENCE = Path(__file__).parents[1] / "conformance" / "evidence.md"
_HEAD = """# Evidence: figures of runs

Each section is written by the script that its command names; the figures are those of one run on the machine it says.
"""


def machine() -> str:
    """What the figures depend on: cores, processor, system, Python."""
    found = ""
    with suppress(OSError):
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        found = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "")
    system = f"{platform.system()} {platform.release()}"
    load = os.getloadavg()[0]  # other work at the same time makes everything slower
    processor = f"{os.cpu_count()} cores (load {load:.1f}), {found or platform.machine()}"
    return f"{processor}, {system}, Python {platform.python_version()}"


def table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> list[str]:
    """Lines of a Markdown table."""
    lines = [f"| {' | '.join(header)} |", f"|{' --- |' * len(header)}"]
    return [*lines, *(f"| {' | '.join(map(str, row))} |" for row in rows)]


def record(title: str, data: str, lines: Iterable[str], path: Path = EVIDENCE) -> None:
    """Write the section ``title`` anew, and leave the others as they are; ``data`` says what was measured with."""
    script = Path(sys.argv[0])
    command = " ".join(["python", f"{script.parent.name}/{script.name}", *sys.argv[1:]])
    section = "\n".join(
        [
            f"## {title}",
            "",
            f"- Command: `{command}`",
            f"- Data: {data}",
            f"- Machine: {machine()}",
            f"- Version {__version__}, {datetime.now(UTC):%Y-%m-%d}",
            "",
            *lines,
            "",
        ]
    )
    text = path.read_text(encoding="utf-8") if path.exists() else _HEAD
    kept = [part for part in re.split(r"(?m)^(?=## )", text) if not part.startswith(f"## {title}\n")]
    path.write_text("\n\n".join(part.strip() for part in (*kept, section)) + "\n", encoding="utf-8")
