"""The README tells the truth: its verbs exist, its examples run and say what it says, its files are there."""

from __future__ import annotations

import re
import shlex
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

import tg263_scp
from tg263_scp.cli import main
from tg263_scp.config.loading import load_config
from tg263_scp.dicom.synthetic.structure_sets import write_synthetic
from tg263_scp.naming.decide import decide
from tg263_scp.naming.standard.nomenclature import Nomenclature
from tg263_scp.service.node import Node
from tg263_scp.tools.shared.exitcode import ExitCode

CHECKOUT = Path(__file__).resolve().parents[1]
README = (CHECKOUT / "README.md").read_text(encoding="utf-8")
DOCUMENTS = (
    "README.md",
    "RELEASE_NOTES.md",
    "conformance/README.md",
    "deploy/README.md",
    "prompts/README.md",
)
VERBS = (
    "serve",
    "demo",
    "explain",
    "map",
    "relabel",
    "revert",
    "evaluate",
    "queue",
    "audit",
    "doctor",
    "echo",
    "conformance",
    "nomenclature",
)
TABLE_ROW = re.compile(r"^\| `([^`]+)` \| `([^`]+)` \| (R\d{3})? ?\|", re.MULTILINE)


def console_blocks() -> list[str]:
    return re.findall(r"```console\n(.*?)```", README, re.DOTALL)


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
    with Node(load_config(tmp_path / "node.yaml"), nomenclature):
        pass
    monkeypatch.chdir(tmp_path)
    return tmp_path


def same_but_for_line_numbers(line: str) -> str:
    return re.sub(r"(\.yaml):\d+", r"\1:N", line.rstrip())


@pytest.mark.parametrize("block", console_blocks(), ids=lambda block: block.splitlines()[0][2:40])
def test_the_examples_run_and_print_what_the_readme_shows(
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
def test_every_verb_is_in_the_readme(verb: str) -> None:
    assert re.search(rf"(tg263-scp|make|`){'' if verb == 'demo' else ' ?'}\s*{verb}\b", README), verb


@pytest.mark.parametrize("document", DOCUMENTS)
def test_links_lead_somewhere(document: str) -> None:
    path = CHECKOUT / document
    for target in re.findall(r"\]\(([^)#]+)\)", path.read_text(encoding="utf-8")):
        if "://" not in target:
            assert (path.parent / target).exists(), target


def test_the_configuration_of_the_readme_is_valid(tmp_path: Path) -> None:
    examples = re.findall(r"```yaml\n(.*?)```", README, re.DOTALL)
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
    assert newest.splitlines()[0].split()[0] == tg263_scp.__version__
    assert "### Names that change" in newest


def test_every_make_target_has_help() -> None:
    makefile = (CHECKOUT / "Makefile").read_text(encoding="utf-8")
    phony = re.search(r"^\.PHONY: (.*)$", makefile, re.MULTILINE)
    assert phony
    described = set(re.findall(r"^([a-z]+):.*## ", makefile, re.MULTILINE))
    assert described == set(phony[1].split())
