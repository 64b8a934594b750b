"""The shape of the house: who may import whom, where a foreign package lives, and how large a piece may be."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import tg263_scp

PACKAGE = Path(tg263_scp.__file__).parent
MODULES = sorted(PACKAGE.rglob("*.py"))

RINGS = ("base", "naming", "dicom", "service", "tools", "cli")
"""From the inside out: a module imports from its own ring and from those before it."""

HOMES = {
    "httpcore": ("service/llm/bounded_http.py", "service/llm/ollama_client.py"),
    "httpx": ("service/llm/bounded_http.py", "service/llm/ollama_client.py"),
    "numpy": ("dicom/",),
    "ollama": ("service/llm/ollama_client.py",),
    "prometheus_client": ("service/metrics.py",),
    "pydantic": ("config/", "service/llm/voting.py"),
    "pydicom": ("dicom/",),
    "pynetdicom": ("dicom/",),
    "rapidfuzz": ("naming/rules/spelling.py",),
    "rich": ("tools/", "cli.py"),
    "yaml": ("yamlsource.py",),
}
IMPURE = {
    "datetime",
    "http",
    "logging",
    "os",
    "random",
    "socket",
    "sqlite3",
    "subprocess",
    "threading",
    "time",
    "urllib",
}
"""Naming answers from its arguments alone."""

MAX_MODULE_LINES = 330
MAX_FUNCTION_LINES = 65


def _place(module: Path) -> str:
    return module.relative_to(PACKAGE).as_posix()


def _ring(place: str) -> str:
    first = place.split("/")[0]
    if first in RINGS:
        return first
    return "cli" if first in ("cli.py", "__main__.py") else "base"


def _imports(module: Path) -> Iterator[str]:
    """Every module that a file imports, at its top or later, in full."""
    for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module}:{node.lineno}: write imports in full"
            yield node.module or ""
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _own(imported: str) -> str:
    return imported.removeprefix("tg263_scp").removeprefix(".").replace(".", "/")


@pytest.mark.parametrize("module", MODULES, ids=_place)
def test_imports_run_inwards_only(module: Path) -> None:
    ring = RINGS.index(_ring(_place(module)))
    outward = [
        name
        for name in _imports(module)
        if name.startswith("tg263_scp.") and _own(name).split("/")[0] in RINGS
        if RINGS.index(_own(name).split("/")[0]) > ring
    ]
    assert outward == []


@pytest.mark.parametrize("module", MODULES, ids=_place)
def test_a_foreign_package_is_imported_in_its_home_only(module: Path) -> None:
    place = _place(module)
    for name in _imports(module):
        package = name.split(".")[0]
        if package in sys.stdlib_module_names or package == "tg263_scp":
            continue
        assert package in HOMES, f"{place} imports {package}, which has no home"
        assert place.startswith(HOMES[package]), f"{place} imports {package}, whose home is {HOMES[package]}"


@pytest.mark.parametrize("module", [path for path in MODULES if _ring(_place(path)) == "naming"], ids=_place)
def test_naming_knows_no_clock_no_network_and_no_logger(module: Path) -> None:
    assert {name.split(".")[0] for name in _imports(module)} & IMPURE == set()


@pytest.mark.parametrize("module", MODULES, ids=_place)
def test_modules_and_functions_stay_small(module: Path) -> None:
    source = module.read_text(encoding="utf-8")
    assert source.count("\n") <= MAX_MODULE_LINES
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert node.end_lineno is not None
            lines = node.end_lineno - node.lineno + 1
            assert lines <= MAX_FUNCTION_LINES, f"{node.name} has {lines} lines"


@pytest.mark.parametrize("module", MODULES, ids=_place)
def test_a_module_says_what_it_is_and_is_not_called_utils(module: Path) -> None:
    assert ast.get_docstring(ast.parse(module.read_text(encoding="utf-8")))
    assert module.stem not in {"utils", "util", "helpers", "common", "misc", "manager"}


def test_the_test_sees_an_outward_import() -> None:
    assert _ring("naming/decide.py") == "naming"
    assert RINGS.index("dicom") > RINGS.index(_ring("naming/decide.py"))
    assert _own("tg263_scp.dicom.editing.relabel").split("/")[0] == "dicom"
