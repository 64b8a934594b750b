"""The image: built from what the wheel needs and nothing else, run by its own user, with a health check."""

from __future__ import annotations

import tomllib
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[1]
CONTAINERFILE = (CHECKOUT / "deploy" / "Containerfile").read_text(encoding="utf-8")
KEPT = {
    line.removeprefix("!").rstrip("/")
    for line in (CHECKOUT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    if line.startswith("!")
}


def test_what_the_wheel_is_made_of_is_there_for_the_image() -> None:
    project = tomllib.loads((CHECKOUT / "pyproject.toml").read_text(encoding="utf-8"))
    wheel = project["tool"]["hatch"]["build"]["targets"]["wheel"]
    needed = {
        "tg263_scp",
        "pyproject.toml",
        project["project"]["readme"],
        *project["project"]["license-files"],
    }
    needed |= set(wheel["force-include"])
    assert needed <= KEPT


def test_no_secret_and_no_folder_of_work_gets_into_the_image() -> None:
    assert not KEPT & {".git", ".venv", "tests", "conformance", "deploy", "docs"}


def test_the_image_runs_as_its_own_user_and_is_asked_whether_it_is_well() -> None:
    *_, last = CONTAINERFILE.split("\nFROM ")
    assert "\nUSER tg263-scp\n" in last
    assert '"tg263-scp", "echo", "--node"' in last.partition("HEALTHCHECK")[2]
