"""The documents tell the truth: verbs, files, modules and links exist, examples run and say what the README says."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from runpy import run_path

import pytest

import tg263_scp
from tg263_scp import yamlsource
from tg263_scp.cli import build_parser, main
from tg263_scp.config.loading import DEFAULTS_PATH, load_config
from tg263_scp.dicom.synthetic.structure_sets import write_synthetic
from tg263_scp.naming.decide import decide
from tg263_scp.naming.standard.nomenclature import Nomenclature
from tg263_scp.service.node import assemble
from tg263_scp.tools.shared.exitcode import ExitCode

CHECKOUT = Path(__file__).resolve().parents[1]
README = (CHECKOUT / "README.md").read_text(encoding="utf-8")
PAGES = {path.name: path.read_text(encoding="utf-8") for path in sorted((CHECKOUT / "docs").glob("*.md"))}
GUIDE = {"README.md": README, **PAGES}
MOST_WORDS = 900
"""Of the README: somebody new reads it on one screen or two."""
CONTRIBUTING = (CHECKOUT / "CONTRIBUTING.md").read_text(encoding="utf-8")
PLACED_EXAMPLES = re.findall(r"```(?:yaml|python)\n *# ([\w./-]+)\n(.*?)\n *```", CONTRIBUTING, re.DOTALL)
DOCUMENTS = (
    "CONTRIBUTING.md",
    "README.md",
    "RELEASE_NOTES.md",
    "SECURITY.md",
    "benchmarks/README.md",
    "conformance/README.md",
    "deploy/README.md",
    *sorted(f"docs/{path.name}" for path in (CHECKOUT / "docs").glob("*.md")),
    "nomenclature/README.md",
    "prompts/README.md",
)
OF_THE_PAST = ("RELEASE_NOTES.md",)
"""May speak of what there is no longer."""
ELSEWHERE = (".venv/", "dist/")
"""Made on the reader's computer."""
VERBS = (
    "serve",
    "demo",
    "explain",
    "rules",
    "map",
    "census",
    "relabel",
    "revert",
    "evaluate",
    "queue",
    "review",
    "pause",
    "resume",
    "audit",
    "drift",
    "desk",
    "doctor",
    "config",
    "echo",
    "conformance",
    "nomenclature",
    "model",
)
PATH = re.compile(r"[\w.-]+(?:/[\w.-]+)+/?|[\w-]+/|[\w-]+\.py")
MODULE = re.compile(r"tg263_scp(?:\.\w+)+")
TABLE_ROW = re.compile(r"^\| `([^`]+)` \| `([^`]+)` \| (R\d{3})? ?\|", re.MULTILINE)


def blocks(kind: str) -> list[str]:
    """The blocks of one kind in the README and the pages of ``docs``."""
    return [
        block for text in GUIDE.values() for block in re.findall(rf"```{kind}\n(.*?)```", text, re.DOTALL)
    ]


def commands() -> list[str]:
    """The commands of this program that the documents tell people to type."""
    lines = (line.partition("  #")[0].strip() for block in blocks("sh") for line in block.splitlines())
    return sorted({line for line in lines if line.startswith("tg263-scp ")})


def examples(block: str) -> Iterator[tuple[str, list[str]]]:
    """The commands of a block, each with the lines it is said to print."""
    for part in block.split("$ ")[1:]:
        command, *lines = part.splitlines()
        yield command, lines


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Synthetic structure sets."""
    folder = tmp_path_factory.mktemp("archive")
    write_synthetic(folder)
    return folder


@pytest.fixture
def desk(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    archive: Path,
    nomenclature: Nomenclature,
    loaded_once: None,
) -> Path:
    """A folder with the files that the examples speak of."""
    (tmp_path / "names.csv").write_text("original_name\nLUNG-L\nHeart\nno such thing\n", encoding="utf-8")
    (tmp_path / "gold.csv").write_text("original_name,gold\nLUNG-L,Lung_L\nring,ABSTAIN\n", encoding="utf-8")
    (tmp_path / "node.yaml").write_text(
        "listen: {port: 0}\nspool: {min_free_bytes: 1 MiB}\nllm: {enabled: no}\n", encoding="utf-8"
    )
    shutil.copytree(archive, tmp_path / "archive")
    with assemble(load_config(tmp_path / "node.yaml"), nomenclature):
        pass
    monkeypatch.chdir(tmp_path)
    return tmp_path


def same_but_for_line_numbers(line: str) -> str:
    return re.sub(r"(\.yaml):\d+", r"\1:N", line.rstrip())


@pytest.mark.parametrize("command", commands())
def test_a_command_to_type_has_verbs_and_options_that_exist(command: str) -> None:
    build_parser().parse_args(shlex.split(command)[1:])


def test_the_readme_is_short() -> None:
    assert len(README.split()) <= MOST_WORDS


def test_the_page_of_settings_is_that_of_the_defaults() -> None:
    made = run_path(str(CHECKOUT / "docs" / "configuration.py"))
    assert PAGES["configuration.md"] == made["page"](DEFAULTS_PATH.read_text(encoding="utf-8"))


def test_every_page_is_in_the_table_of_contents() -> None:
    listed = re.findall(r"^[a-z-]+$", PAGES["index.md"].partition("maxdepth: 1")[2], re.MULTILINE)
    assert {f"{name}.md" for name in listed} | {"index.md"} == set(PAGES)


@pytest.mark.slow
def test_the_documents_build_as_a_site_without_a_warning(tmp_path: Path) -> None:
    pytest.importorskip("sphinx")
    command = [
        sys.executable,
        "-m",
        "sphinx",
        "-q",
        "-W",
        "-b",
        "html",
        str(CHECKOUT / "docs"),
        str(tmp_path),
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert (done.returncode, done.stderr) == (0, "")
    page = (tmp_path / "index.html").read_text(encoding="utf-8")
    assert not re.findall(r'(?:src|href)="https?://[^"]*\.(?:js|css|woff2?)"', page), "an asset from outside"


@pytest.mark.parametrize(
    "block", dict.fromkeys(blocks("console")), ids=lambda block: block.splitlines()[0][2:40]
)
def test_the_examples_run_and_print_what_the_documents_show(
    block: str, desk: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for command, lines in examples(block):
        program, *arguments = shlex.split(command)
        assert program == "tg263-scp"
        code = main(arguments)
        if arguments[:2] != ["nomenclature", "check"]:  # contradictions are another test's business
            assert code == ExitCode.DONE, command
        printed = [same_but_for_line_numbers(line) for line in capsys.readouterr().out.splitlines()]
        for line in lines:
            assert line == "..." or same_but_for_line_numbers(line) in printed, command


@pytest.mark.parametrize(("name", "becomes", "rule"), TABLE_ROW.findall(README))
def test_the_table_of_names_is_what_happens(
    name: str, becomes: str, rule: str, nomenclature: Nomenclature
) -> None:
    decision = decide(name, nomenclature)
    assert decision.name == becomes
    if rule:
        assert decision.rule == rule
    else:
        assert decision.status == "review"


def test_the_table_of_names_is_there() -> None:
    assert len(TABLE_ROW.findall(README)) >= 8


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_is_in_the_documents(verb: str) -> None:
    said = "\n".join(GUIDE.values())
    assert re.search(rf"(tg263-scp|make|`){'' if verb == 'demo' else ' ?'}\s*{verb}\b", said), verb


@pytest.mark.parametrize("document", DOCUMENTS)
def test_links_lead_somewhere(document: str) -> None:
    path = CHECKOUT / document
    for target in re.findall(r"\]\(([^)#]+)\)", path.read_text(encoding="utf-8")):
        if "://" not in target:
            assert (path.parent / target).exists(), target


@pytest.mark.parametrize("document", [name for name in DOCUMENTS if name.startswith(("README", "docs/"))])
def test_links_to_a_heading_find_it(document: str) -> None:
    path = CHECKOUT / document
    for target, heading in re.findall(r"\]\(([^)#]*)#([^)]+)\)", path.read_text(encoding="utf-8")):
        if "://" not in target:
            text = (path.parent / target if target else path).read_text(encoding="utf-8")
            titles = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
            assert heading in {re.sub(r"[^\w -]", "", each.lower()).replace(" ", "-") for each in titles}


def code_of(text: str) -> list[str]:
    """The words that a document shows as code, in a line or in a block; the tree of rooms is the business of test_layers."""
    text = re.sub(r"^```\ntg263_scp/\n.*?^```", "", text, flags=re.DOTALL | re.MULTILINE)
    blocks = re.findall(r"^ *```\w*\n(.*?)^ *```", text, re.DOTALL | re.MULTILINE)
    lines = re.sub(r"^ *```\w*\n.*?^ *```", "", text, flags=re.DOTALL | re.MULTILINE)
    words = " ".join([*blocks, *re.findall(r"`([^`]+)`", lines)]).split()
    return [word.strip("\"',;:()") for word in words]


def is_there(document: Path, path: str) -> bool:
    """Whether a path leads somewhere from the document, the checkout or the package, or is not of this project."""
    bases = (document.parent, CHECKOUT, CHECKOUT / "tg263_scp")
    ours = path.endswith(".py") or any((base / path.partition("/")[0]).exists() for base in bases)
    return not ours or path.startswith(ELSEWHERE) or any((base / path).exists() for base in bases)


@pytest.mark.parametrize("document", [name for name in DOCUMENTS if name not in OF_THE_PAST])
def test_paths_and_modules_that_a_document_names_are_there(document: str) -> None:
    path = CHECKOUT / document
    words = code_of(path.read_text(encoding="utf-8"))
    assert [word for word in words if PATH.fullmatch(word) and not is_there(path, word)] == []
    modules = [
        word for word in words if MODULE.fullmatch(word) and not word.endswith((".example", ".service"))
    ]
    assert [name for name in modules if find_spec(name) is None] == []


@pytest.mark.parametrize("folder", ["benchmarks", "nomenclature", "prompts"])
def test_the_readme_of_a_folder_has_a_row_for_each_of_its_files(folder: str) -> None:
    text = (CHECKOUT / folder / "README.md").read_text(encoding="utf-8")
    described = set(re.findall(r"^\| `([\w.-]+\.(?:py|yaml))` \|", text, re.MULTILINE))
    assert described == {
        path.name for path in (CHECKOUT / folder).iterdir() if path.suffix in (".py", ".yaml")
    }


def test_a_path_that_leads_nowhere_is_seen() -> None:
    assert code_of("see `a/b.py`, or\n```sh\nrun tests/none\n```\n") == ["run", "tests/none", "a/b.py"]
    assert not is_there(CHECKOUT / "README.md", "naming/none.py")
    assert not is_there(CHECKOUT / "README.md", "tests/none")
    assert is_there(CHECKOUT / "README.md", "naming/decide.py")


@pytest.mark.parametrize("example", PLACED_EXAMPLES, ids=lambda example: example[0])
def test_an_example_for_contributors_stands_where_it_says(example: tuple[str, str]) -> None:
    place, text = example
    there = [line.strip() for line in (CHECKOUT / place).read_text(encoding="utf-8").splitlines()]
    assert [line for line in text.splitlines() if line.strip() not in there] == []


@pytest.mark.parametrize(("name", "place"), re.findall(r"`(\w+)` in\s+`([\w/]+\.py)`", CONTRIBUTING))
def test_what_contributors_are_led_to_is_there(name: str, place: str) -> None:
    assert re.search(
        rf"^(class|def) {name}\b|^{name}\b.* = ", (CHECKOUT / place).read_text("utf-8"), re.MULTILINE
    )


def test_the_hooks_run_what_make_lint_runs() -> None:
    makefile = (CHECKOUT / "Makefile").read_text(encoding="utf-8")
    lint = re.findall(r"python -m (ruff \w+|mypy)\b", makefile)
    hooks = [
        hook
        for repo in yamlsource.load(CHECKOUT / ".pre-commit-config.yaml")["repos"]
        for hook in repo["hooks"]
    ]
    assert [re.findall(r"python -m (ruff \w+|mypy)\b", hook["entry"]) for hook in hooks] == [
        [name] for name in lint
    ]
    assert {hook["language"] for hook in hooks} == {"system"}


def test_the_configuration_of_the_readme_is_valid(tmp_path: Path) -> None:
    examples = re.findall(r"```yaml\n(.*?)```", README + PAGES["node.md"], re.DOTALL)
    path = tmp_path / "node.yaml"
    path.write_text("".join(examples), encoding="utf-8")
    config = load_config(path)
    assert config.naming.mode == "shadow"
    assert [route.name for route in config.routes] == ["research"]


def test_the_example_configuration_is_valid() -> None:
    config = load_config(CHECKOUT / "deploy" / "config.example.yaml")
    assert config.destinations[0].name == "research-archive"


def test_the_newest_release_note_is_of_this_version_and_says_which_names_change() -> None:
    notes = (CHECKOUT / "RELEASE_NOTES.md").read_text(encoding="utf-8")
    newest = re.split(r"^## ", notes, flags=re.MULTILINE)[1]
    assert newest.splitlines()[0].removesuffix(" (unreleased)") == tg263_scp.__version__
    assert "### Names that change" in newest


@pytest.mark.parametrize("document", ["docs/operations.md", "deploy/tg263-scp.service"])
def test_the_wheel_to_install_is_of_this_version(document: str) -> None:
    wheels = re.findall(r"tg263_scp-(.*?)-py3", (CHECKOUT / document).read_text(encoding="utf-8"))
    assert set(wheels) == {tg263_scp.__version__}


def test_every_make_target_has_help() -> None:
    makefile = (CHECKOUT / "Makefile").read_text(encoding="utf-8")
    phony = re.search(r"^\.PHONY: (.*)$", makefile, re.MULTILINE)
    assert phony
    described = set(re.findall(r"^([a-z]+):.*## ", makefile, re.MULTILINE))
    assert described == set(phony[1].split())
