"""The README names each test against a foreign peer, and no test that does not exist."""

from __future__ import annotations

import re
from pathlib import Path

HERE = Path(__file__).parent


def test_the_readme_and_the_tests_against_foreign_peers_name_each_other() -> None:
    there = {
        name
        for file in HERE.glob("test_peer_*.py")
        for name in re.findall(r"^def (test_\w+)", file.read_text(encoding="utf-8"), re.MULTILINE)
    }
    named = set(re.findall(r"`(test_\w+)`", (HERE / "README.md").read_text(encoding="utf-8")))
    assert named == there
