"""The shape of the house: who may import whom, where a foreign package lives, and how large a piece may be.

The floors are the tree of rooms in CONTRIBUTING.md.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import tg263_scp

PACKAGE = Path(tg263_scp.__file__).parent
CONTRIBUTING = Path(__file__).resolve().parents[1] / "CONTRIBUTING.md"
MODULES = sorted(PACKAGE.rglob("*.py"))

FLOORS: dict[str, tuple[str, ...]] = {
    "": (
        "errors",
        "durable",
        "resources",
        "yamlsource",
        "hidden",
        "decision",
        "naming",
        "config",
        "tls",
        "dicom",
        "service",
        "tools",
        "desk",
        "cli",
        "__main__",
    ),
    "naming": (
        "words",
        "standard",
        "query",
        "organs",
        "targets",
        "rules",
        "offering",
        "notation",
        "llm",
        "decide",
        "rule_table",
    ),
    "dicom": ("encoding", "reading", "network", "readback", "synthetic", "editing"),
    "service": (
        "faults",
        "sole_owner",
        "spool",
        "audit",
        "polling",
        "journal",
        "naming_options",
        "switch",
        "review",
        "llm",
        "metrics",
        "deciding",
        "delivery",
        "readback",
        "intake",
        "namer",
        "notify",
        "node",
    ),
    "tools": ("shared", "report", "names", "operate", "review", "statement", "archive", "demo"),
    "desk": (
        "security",
        "node_records",
        "name_search",
        "open_name_list",
        "api",
        "pages",
        "application",
        "server",
        "verbs",
    ),
}
"""Rooms in each folder, from the ground up: a room imports from those before it. Inside a room any order will do, so long as
it closes no circle."""

HOMES = {
    "fastapi": ("desk/",),
    "filelock": ("service/sole_owner.py",),
    "httpcore": ("service/llm/clients/",),
    "httpx": ("service/llm/clients/",),
    "jinja2": ("desk/pages/",),
    "markupsafe": ("desk/pages/",),
    "matplotlib": ("tools/report/",),
    "numpy": ("dicom/",),
    "ollama": ("service/llm/clients/ollama_client.py",),
    "platformdirs": ("resources.py",),
    "prometheus_client": ("service/llm/counters.py", "service/metrics.py"),
    "pydantic": ("config/", "desk/api/"),
    "pydicom": ("dicom/",),
    "pynetdicom": ("dicom/",),
    "rapidfuzz": ("naming/rules/spelling.py",),
    "rich": ("tools/", "cli.py"),
    "starlette": ("desk/",),
    "uvicorn": ("desk/server.py",),
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

MOST_ROOMS = 13
MAX_FUNCTION_LINES = 65


def _place(module: Path) -> str:
    return module.relative_to(PACKAGE).as_posix()


def _imports(module: Path) -> Iterator[str]:
    """Every module that a file imports, at its top, in a function or for types only, in full."""
    for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module}:{node.lineno}: write imports in full"
            yield node.module or ""
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


PLACES = {_place(module).removesuffix(".py").removesuffix("/__init__"): module for module in MODULES}


NAMING = sorted(
    place for place, module in PLACES.items() if place.startswith("naming/") and module.name != "__init__.py"
)


def _own(module: Path) -> set[str]:
    """The modules of the package that a file imports, as places such as ``naming/words/letters``."""
    named = {name.removeprefix("tg263_scp.").replace(".", "/") for name in _imports(module)}
    return {place for place in named if place in PLACES and PLACES[place].name != "__init__.py"}


def _rooms_apart(place: str, other: str) -> tuple[str, str, str]:
    """Return the folder where two places part, and the room of each in it."""
    mine, theirs = place.split("/"), other.split("/")
    depth = next((i for i, (a, b) in enumerate(zip(mine, theirs, strict=False)) if a != b), 0)
    return "/".join(mine[:depth]), mine[depth], theirs[depth]


def _is_upward(place: str, other: str) -> bool:
    folder, room, imported = _rooms_apart(place, other)
    if folder not in FLOORS:
        return False
    floors = FLOORS[folder]
    return floors.index(imported) > floors.index(room)


@pytest.mark.parametrize("place", sorted(PLACES))
def test_imports_run_downwards_only(place: str) -> None:
    upward = [other for other in sorted(_own(PLACES[place])) if other != place and _is_upward(place, other)]
    assert upward == []


def test_every_room_has_its_floor() -> None:
    for folder, floors in FLOORS.items():
        there = {
            path.stem
            for path in (PACKAGE / folder).iterdir()
            if (path.suffix == ".py" and path.stem != "__init__") or (path / "__init__.py").exists()
        }
        assert there == set(floors), folder or "tg263_scp"


def _drawn(tree: str) -> dict[str, list[str]]:
    """Read a tree of folders, two spaces a level, each room with its line: the rooms of each folder, in order."""
    rooms: dict[str, list[str]] = {}
    above: list[str] = []
    for line in tree.splitlines()[1:]:
        drawn = re.fullmatch(r"(?P<indent>(?:  )+)(?P<name>\w+(?P<kind>/|\.py)) +(?P<answers>\S.*)", line)
        assert drawn, f"no room and what it answers: {line}"
        name = drawn["name"].removesuffix("/").removesuffix(".py")
        above = [*above[: len(drawn["indent"]) // 2 - 1], name]
        assert (PACKAGE / "/".join(above[:-1]) / drawn["name"]).exists(), line
        rooms.setdefault("/".join(above[:-1]), []).append(name)
    return rooms


def test_the_tree_in_contributing_is_the_house() -> None:
    (tree,) = re.findall(r"```\n(tg263_scp/\n.*?)```", CONTRIBUTING.read_text(encoding="utf-8"), re.DOTALL)
    assert _drawn(tree) == {folder: list(floors) for folder, floors in FLOORS.items()}


def test_no_imports_close_a_circle() -> None:
    assert _circles({place: _own(module) for place, module in PLACES.items()}) == []


def _circles(imports: dict[str, set[str]]) -> list[list[str]]:
    """Take away, again and again, what imports nothing that is left; what remains imports itself in the end."""
    left = {place: set(imported) & imports.keys() for place, imported in imports.items()}
    while free := {place for place, imported in left.items() if not imported}:
        left = {place: imported - free for place, imported in left.items() if place not in free}
    return [sorted(left)] if left else []


@pytest.mark.parametrize("folder", sorted({module.parent for module in MODULES}), ids=lambda path: path.name)
def test_a_folder_has_about_a_dozen_rooms_and_says_what_it_is(folder: Path) -> None:
    rooms = [path for path in folder.glob("*.py") if path.stem != "__init__"]
    assert len(rooms) <= MOST_ROOMS
    assert ast.get_docstring(ast.parse((folder / "__init__.py").read_text(encoding="utf-8")))


@pytest.mark.parametrize("module", MODULES, ids=_place)
def test_a_foreign_package_is_imported_in_its_home_only(module: Path) -> None:
    place = _place(module)
    for name in _imports(module):
        package = name.split(".")[0]
        if package in sys.stdlib_module_names or package == "tg263_scp":
            continue
        assert package in HOMES, f"{place} imports {package}, which has no home"
        assert place.startswith(HOMES[package]), f"{place} imports {package}, whose home is {HOMES[package]}"


@pytest.mark.parametrize("module", sorted((PACKAGE / "naming").rglob("*.py")), ids=_place)
def test_naming_knows_no_clock_no_network_and_no_logger(module: Path) -> None:
    assert {name.split(".")[0] for name in _imports(module)} & IMPURE == set()


@pytest.mark.parametrize("place", NAMING)
def test_a_module_of_naming_has_a_test_in_the_same_room(place: str) -> None:
    folder = Path(__file__).parent / place.rpartition("/")[0]
    imported = {name for test in folder.glob("test_*.py") for name in _imports(test)}
    assert f"tg263_scp.{place.replace('/', '.')}" in imported


@pytest.mark.parametrize("module", MODULES, ids=_place)
def test_functions_stay_small(module: Path) -> None:
    for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert node.end_lineno is not None
            lines = node.end_lineno - node.lineno + 1
            assert lines <= MAX_FUNCTION_LINES, f"{node.name} has {lines} lines"


@pytest.mark.parametrize("module", MODULES, ids=_place)
def test_an_object_has_all_its_attributes_from_the_beginning(module: Path) -> None:
    assert list(_born_later(ast.parse(module.read_text(encoding="utf-8")))) == []


def _born_later(tree: ast.Module) -> Iterator[str]:
    """Yield the attributes that a method gives ``self`` and the class neither declares nor makes in ``__init__``."""
    for cls in (node for node in ast.walk(tree) if isinstance(node, ast.ClassDef)):
        methods = [node for node in cls.body if isinstance(node, ast.FunctionDef)]
        known = set(_declared(cls))
        for method in methods:
            if method.name == "__init__":
                known |= set(_given_to_self(method))
        for method in methods:
            yield from (f"{cls.name}.{name}" for name in _given_to_self(method) if name not in known)


def _declared(cls: ast.ClassDef) -> Iterator[str]:
    for node in cls.body:
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            yield node.target.id
        elif isinstance(node, ast.Assign):
            yield from (target.id for target in node.targets if isinstance(target, ast.Name))


def _given_to_self(method: ast.FunctionDef) -> Iterator[str]:
    for node in ast.walk(method):
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            owner = node.value
            if isinstance(owner, ast.Name) and owner.id == "self":
                yield node.attr


@pytest.mark.parametrize("module", MODULES, ids=_place)
def test_a_module_says_what_it_is_and_is_not_called_utils(module: Path) -> None:
    assert ast.get_docstring(ast.parse(module.read_text(encoding="utf-8")))
    assert module.stem not in {"utils", "util", "helpers", "common", "misc", "manager"}


def test_the_tests_see_an_upward_import_and_a_circle() -> None:
    assert _is_upward("naming/words/letters", "naming/decide")
    assert _is_upward("naming/organs/reading", "naming/rules/vetoes")
    assert _is_upward("dicom/encoding/splice", "service/spool")
    assert not _is_upward("naming/rules/rules", "naming/words/letters")
    assert not _is_upward("naming/words/packs", "naming/words/lexicon")
    assert _circles({"a": {"b"}, "b": {"c"}, "c": {"b"}, "d": set()}) == [["a", "b", "c"]]


def test_the_tests_see_an_attribute_born_later() -> None:
    source = """
class Node:
    declared: int
    def __init__(self):
        self.made = 1
    def start(self):
        self.made, (self.late, self.later) = 2, (3, 4)
        self.declared = 5
"""
    assert list(_born_later(ast.parse(source))) == ["Node.late", "Node.later"]
