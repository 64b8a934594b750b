"""The command line: every verb reaches its tool, errors are sentences, and a verb costs only what it needs."""

from __future__ import annotations

import argparse
import inspect
import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

import pytest

import tg263_scp
from tg263_scp.cli import build_parser, main, tool
from tg263_scp.config.loading import load_config
from tg263_scp.decision import Reason, Status
from tg263_scp.errors import ConfigError, HoldReason, SourceLine, Tg263Error
from tg263_scp.naming.query import NamingOptions
from tg263_scp.service.deciding.relabelling import RelabelPolicy
from tg263_scp.tools.shared.exitcode import ExitCode
from tg263_scp.tools.shared.terminal import visible
from tg263_scp.tools.shared.wording import HOLD_WORDS, REASON_WORDS, STATUS_STYLE, hold_words


def leaves(parser: argparse.ArgumentParser, path: str = "") -> Iterator[tuple[str, argparse.ArgumentParser]]:
    groups = [action for action in parser._actions if isinstance(action, argparse._SubParsersAction)]
    if not groups:
        yield path.strip(), parser
    for group in groups:
        for name, child in group.choices.items():
            yield from leaves(child, f"{path} {name}")


LEAVES = dict(leaves(build_parser()))
READING = (
    "revert",
    "explain",
    "rules",
    "evaluate",
    "queue list",
    "queue show",
    "audit verify",
    "audit show",
    "audit digest",
    "doctor",
    "echo",
    "conformance",
    "nomenclature check",
    "nomenclature list",
    "nomenclature show",
)


pytestmark = pytest.mark.usefixtures("loaded_once")


def test_the_verbs_of_this_release() -> None:
    assert {path.split()[0] for path in LEAVES} == {
        "serve", "demo", "explain", "rules", "map", "relabel", "revert", "evaluate", "queue", "audit", "doctor", "echo",
        "config", "conformance", "nomenclature", "review", "pause", "resume", "desk", "model", "census", "drift",
    }  # fmt: skip


@pytest.mark.parametrize("path", LEAVES)
def test_a_verb_gives_its_tool_exactly_what_it_asks_for(path: str) -> None:
    leaf = LEAVES[path]
    given = {action.dest for action in leaf._actions} - {"help", "debug"}
    function = tool(leaf.get_default("tool"))
    taken = set(inspect.signature(function).parameters)
    if leaf.get_default("order"):
        taken = taken - {"order"} | {field.name for field in fields(tool(leaf.get_default("order")))}
    assert given == taken


@pytest.mark.parametrize("path", LEAVES)
def test_every_verb_has_help(path: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main([*path.split(), "--help"])
    assert end.value.code == 0
    assert LEAVES[path].description in " ".join(capsys.readouterr().out.split())


@pytest.mark.parametrize("path", READING)
def test_every_reading_verb_speaks_json(path: str) -> None:
    assert "as_json" in {action.dest for action in LEAVES[path]._actions}


def test_the_version_is_the_package_version(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main(["--version"])
    assert end.value.code == 0
    assert capsys.readouterr().out.strip() == f"tg263-scp {tg263_scp.__version__}"


def test_a_verb_that_does_not_exist_is_a_usage_error(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main(["rename"])
    assert end.value.code == ExitCode.USAGE
    assert "rename" in capsys.readouterr().err


def test_an_unknown_setting_is_a_configuration_error_with_line_and_hint(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = tmp_path / "node.yaml"
    config.write_text("listen:\n  prot: 104\n", encoding="utf-8")
    assert main(["explain", "Heart", "--config", str(config)]) == ExitCode.CONFIGURATION
    error = capsys.readouterr().err
    assert f"{config}:2" in error
    assert "hint: did you mean 'port'" in error
    assert "Traceback" not in error


def test_debug_shows_where_an_error_comes_from(tmp_path: Path) -> None:
    missing = str(tmp_path / "missing.yaml")
    for arguments in (["--debug", "explain", "Heart"], ["explain", "Heart", "--debug"]):
        with pytest.raises(Tg263Error):
            main([*arguments, "--config", missing])


def test_a_failure_says_what_to_do(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = tmp_path / "node.yaml"
    config.write_text("spool:\n  folder: nowhere\n", encoding="utf-8")
    assert main(["queue", "list", "--config", str(config)]) == ExitCode.FAILURE
    assert "hint:" in capsys.readouterr().err
    assert not (tmp_path / "nowhere").exists()


def test_retry_wants_jobs_or_all_but_not_both(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = str(tmp_path / "node.yaml")
    assert main(["queue", "retry", "--config", config]) == ExitCode.USAGE
    assert main(["queue", "retry", "3", "--all", "--config", config]) == ExitCode.USAGE
    assert "hint:" in capsys.readouterr().err


def test_ctrl_c_ends_without_a_traceback(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(**_: object) -> ExitCode:
        raise KeyboardInterrupt

    monkeypatch.setattr("tg263_scp.tools.names.nomenclature.list_entries", interrupted)
    assert main(["nomenclature", "list"]) == ExitCode.INTERRUPTED
    assert "interrupted" in capsys.readouterr().err


def test_explain_names_rule_and_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", "LUNG-L"]) == ExitCode.DONE
    out = capsys.readouterr().out
    assert "LUNG-L → Lung_L" in out
    assert "R040" in out
    assert "nomenclature/tg263.yaml:" in out


def test_explain_as_json_holds_the_whole_trail(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", "LUNG-L", "Heart", "--json"]) == ExitCode.DONE
    lung, heart = json.loads(capsys.readouterr().out)
    assert (lung["standard_name"], lung["status"], lung["rule"]) == ("Lung_L", "rename", "R040")
    assert lung["tokens"] == ["lung", "-", "l"]
    assert [step["rule"] for step in lung["trail"]][:2] == ["R000", "R010"]
    assert lung["evidence"][0]["line"] > 0
    assert (heart["standard_name"], heart["status"], heart["rule"]) == ("Heart", "keep", "R010")


def test_explain_as_a_set_sees_that_two_would_bear_one_name(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", "LUNG-L", "lung l", "--set", "--json"]) == ExitCode.DONE
    assert [each["reason"] for each in json.loads(capsys.readouterr().out)] == ["clash_same_name"] * 2


def test_a_name_cannot_play_with_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", "\x1b[2JLung [red]x[/red]\u202e"]) == ExitCode.DONE
    out = capsys.readouterr().out
    assert "\x1b" not in out
    assert "\u202e" not in out
    assert "\\x1b[2JLung [red]x[/red]\\u202e" in out


def test_hidden_characters_are_written_out_and_letters_are_not() -> None:
    assert visible("Niere\tli\u200b") == "Niere\\x09li\\u200b"
    assert visible("Hüftkopf 左肺") == "Hüftkopf 左肺"


def test_every_reason_and_status_has_words() -> None:
    assert set(REASON_WORDS) == set(Reason)
    assert set(STATUS_STYLE) == set(Status)


def test_every_reason_that_an_object_is_held_for_has_words() -> None:
    assert set(HOLD_WORDS) == set(HoldReason)
    assert hold_words("truncated") == "it ends too early"
    assert hold_words("of_a_newer_version") == "of a newer version"


def test_names_are_explained_as_a_node_without_settings_would_decide_them() -> None:
    assert RelabelPolicy.of(load_config().naming).options == NamingOptions()


def test_explain_starts_without_dicom() -> None:
    code = (
        "import sys\n"
        "from tg263_scp.cli import main\n"
        "main(['explain', 'Heart'])\n"
        "print({'pydicom', 'pynetdicom', 'numpy', 'pydantic'} & set(sys.modules) or 'none')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "none"


def test_help_reads_no_tool() -> None:
    code = "import sys, tg263_scp.cli as c; c.build_parser(); print('rich' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_a_closed_pipe_is_no_error() -> None:
    command = f"{sys.executable} -m tg263_scp nomenclature list | head -n 1"
    done = subprocess.run(command, shell=True, capture_output=True, text=True, check=True)
    assert "Traceback" not in done.stderr
    assert "BrokenPipe" not in done.stderr


def test_a_configuration_error_is_not_a_plain_failure() -> None:
    problem = ConfigError(SourceLine("node.yaml", 3), "wrong", hint="mend it")
    assert str(problem) == "node.yaml:3: wrong\n  hint: mend it"


@pytest.mark.parametrize(
    ("words", "meant"),
    [(["serv"], "serve"), (["audit", "sumary"], "summary"), (["model", "qualfy"], "qualify")],
)
def test_a_mistyped_verb_gets_a_suggestion(
    words: list[str], meant: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as end:
        main(words)
    assert end.value.code == ExitCode.USAGE
    assert f"did you mean '{meant}'?" in capsys.readouterr().err
