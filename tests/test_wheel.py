"""The wheel: built and installed somewhere else, it finds its data and does its work without the checkout.

The source distribution beside it holds what a contributor needs.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from tg263_scp.tools.statement.conformance import statement

CHECKOUT = Path(__file__).resolve().parents[1]


def build(kind: str, folder: Path) -> Path:
    """Build the distribution of a kind, ``wheel`` or ``sdist``, into an empty folder."""
    command = [sys.executable, "-m", "build", f"--{kind}", "--no-isolation", "--outdir", str(folder)]
    subprocess.run([*command, str(CHECKOUT)], check=True, capture_output=True, text=True)
    (built,) = folder.iterdir()
    return built


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build("wheel", tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel's files alone; what it depends on comes from this environment."""
    folder = tmp_path_factory.mktemp("installed")
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, "--no-index", "--no-deps", "--target", str(folder), str(wheel)], check=True)
    return folder


def python(installed: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(installed), "PYTHONSAFEPATH": "1"}
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=installed,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )


def test_the_wheel_holds_all_data_and_no_tests(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    data = {f"tg263_scp/_data/nomenclature/{path.relative_to(CHECKOUT / 'nomenclature').as_posix()}"
            for path in (CHECKOUT / "nomenclature").rglob("*.yaml")}  # fmt: skip
    assert data <= names
    assert "tg263_scp/_data/prompts/README.md" in names
    assert {name for name in names if "/_data/conformance/" in name} == {
        "tg263_scp/_data/conformance/claims.yaml",
        "tg263_scp/_data/conformance/statement.template.md",
    }
    assert {"tg263_scp/config/default_config.yaml", "tg263_scp/py.typed"} <= names
    pages = CHECKOUT / "tg263_scp" / "desk" / "pages"
    shown = [*pages.glob("templates/*.html"), *pages.glob("static/desk.*")]
    assert {path.relative_to(CHECKOUT).as_posix() for path in shown} <= names
    assert not [name for name in names if name.startswith(("tests/", "benchmarks/", "conformance/"))]


def test_the_installed_program_is_the_installed_one_and_finds_its_data(installed: Path) -> None:
    code = (
        "import tg263_scp\n"
        "from tg263_scp.resources import data_folder\n"
        "print(tg263_scp.__file__, data_folder('nomenclature'), data_folder('prompts'), sep='\\n')"
    )
    places = python(installed, "-c", code).stdout.splitlines()
    assert all(Path(place).is_relative_to(installed) for place in places)


def test_the_installed_program_shows_a_rule_with_its_cases(installed: Path) -> None:
    shown = json.loads(python(installed, "-m", "tg263_scp", "rules", "R060", "--json").stdout)
    assert shown["cases"] == "tests/cases/R060-rebuilt.yaml"
    assert any(case.get("becomes") == "Parotid_L" for case in shown["examples"])


def test_the_installed_program_explains_a_name(installed: Path) -> None:
    (answer,) = json.loads(python(installed, "-m", "tg263_scp", "explain", "LUNG-L", "--json").stdout)
    assert (answer["standard_name"], answer["rule"]) == ("Lung_L", "R040")


def test_the_installed_program_writes_its_conformance_statement(installed: Path) -> None:
    assert python(installed, "-m", "tg263_scp", "conformance").stdout == statement()


def test_the_wheel_offers_the_command(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        (name,) = [name for name in archive.namelist() if name.endswith("entry_points.txt")]
        assert "tg263-scp = tg263_scp.cli:main" in archive.read(name).decode()


def test_the_wheel_carries_its_licence(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        (licence,) = [name for name in archive.namelist() if name.endswith(".dist-info/licenses/LICENSE")]
        assert archive.read(licence) == (CHECKOUT / "LICENSE").read_bytes()
        (metadata,) = [name for name in archive.namelist() if name.endswith(".dist-info/METADATA")]
        assert "License-Expression: MIT\n" in archive.read(metadata).decode()


def test_the_source_distribution_holds_what_a_contributor_needs(tmp_path: Path) -> None:
    with tarfile.open(build("sdist", tmp_path)) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    files = ["LICENSE", "CONTRIBUTING.md", "SECURITY.md", "RELEASE_NOTES.md", "README.md", "Makefile"]
    assert {*files, ".ci/run", ".pre-commit-config.yaml", "tests/test_wheel.py"} <= names
    assert "tg263_scp/config/default_config.yaml" in names
