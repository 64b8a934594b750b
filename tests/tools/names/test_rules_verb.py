"""``rules``: the table of codes, and one code with its text and its cases."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tg263_scp import yamlsource
from tg263_scp.cli import main
from tg263_scp.errors import Tg263Error
from tg263_scp.naming.rule_table import rule_table
from tg263_scp.tools.names import rules as verb
from tg263_scp.tools.shared.exitcode import ExitCode

CASES = Path(__file__).parents[2] / "cases"


def test_the_table_shows_every_code_with_its_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["rules", "--json"]) == ExitCode.DONE
    rows = json.loads(capsys.readouterr().out)
    assert [row["code"] for row in rows] == [row.code for row in rule_table()]
    assert all(row["sentence"] and row["function"] for row in rows)
    assert main(["rules"]) == ExitCode.DONE
    printed = capsys.readouterr().out
    assert all(row.code in printed for row in rule_table())


@pytest.mark.parametrize("code", ["R060", "r060"])
def test_one_code_shows_its_cases_as_its_file_has_them(code: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["rules", code, "--json"]) == ExitCode.DONE
    shown = json.loads(capsys.readouterr().out)
    assert (shown["code"], shown["cases"]) == ("R060", "tests/cases/R060-rebuilt.yaml")
    written = yamlsource.load(CASES / "R060-rebuilt.yaml")["cases"]
    assert [case["name"] for case in shown["examples"]] == [case["name"] for case in written]
    assert shown["examples"][0]["line"] == written[0].line


def test_one_code_prints_what_becomes_of_its_cases(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["rules", "R080"]) == ExitCode.DONE
    printed = " ".join(capsys.readouterr().out.split())
    assert "left parotud → Parotid_L" in printed
    assert "qwertzuiop left for review: not recognised" in printed
    assert "function tg263_scp/naming/rules/close_match.py: close_match" in printed


@pytest.mark.parametrize("row", rule_table(), ids=lambda row: row.code)
def test_every_code_can_be_shown(row: verb.RuleRow, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["rules", row.code]) == ExitCode.DONE
    assert row.sentence[:40] in " ".join(capsys.readouterr().out.split())


def test_a_code_that_is_none_is_answered_with_the_nearest(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["rules", "R600"]) == ExitCode.USAGE
    assert "did you mean" in capsys.readouterr().err


def test_an_installation_without_cases_shows_the_rule_all_the_same(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def lacking(name: str) -> Path:
        raise Tg263Error(f"the data folder '{name}' is not part of this installation")

    monkeypatch.setattr(verb, "data_folder", lacking)
    assert main(["rules", "R060"]) == ExitCode.DONE
    assert "none in this installation" in capsys.readouterr().out
