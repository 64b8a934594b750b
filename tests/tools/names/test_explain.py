"""``explain``: every code says what it did, and the rule leads to its function, its cases and its lines."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tg263_scp.cli import main
from tg263_scp.naming.rule_table import rule_table
from tg263_scp.tools.shared.exitcode import ExitCode

pytestmark = pytest.mark.usefixtures("loaded_once")
CHECKOUT = Path(__file__).parents[3]


def explained(capsys: pytest.CaptureFixture[str], *arguments: str) -> list[dict[str, Any]]:
    assert main(["explain", "--json", *arguments]) == ExitCode.DONE
    found: list[dict[str, Any]] = json.loads(capsys.readouterr().out)
    return found


def said(explanation: dict[str, Any]) -> dict[str, str]:
    return {
        one["code"]: ("" if one["asked"] else "not asked: ") + one["note"] for one in explanation["codes"]
    }


@pytest.mark.parametrize(
    ("name", "rule", "function"),
    [
        ("Lung_L", "R010", "listed"),
        ("Parotid_PRV05_L", "R020", "compliant"),
        ("LUNG-L", "R040", "respelled"),
        ("ring 2cm", "R045", "helper"),
        ("Herz", "R050", "synonym"),
        ("lung links", "R060", "rebuilt"),
        ("ptv 60", "R070", "target"),
        ("left pariotd gland", "R080", "close_match"),
    ],
)
def test_a_name_of_every_rule_leads_to_function_cases_and_lines(
    name: str, rule: str, function: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (explanation,) = explained(capsys, name)
    assert explanation["rule"] == rule
    file, _, named = explanation["function"].partition(": ")
    assert f"def {function}(" in (CHECKOUT / file).read_text(encoding="utf-8")
    assert named == function
    assert f"rule: {rule}" in (CHECKOUT / explanation["cases"]).read_text(encoding="utf-8")
    for line in explanation["evidence"]:
        assert line["line"] >= 1
    assert explanation["evidence"] or rule == "R070"


def test_a_name_that_the_clinic_keeps_leads_to_its_overlay(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    overlay = tmp_path / "overlay.yaml"
    overlay.write_text("mappings:\n  - {name: pump, becomes: Heart}\nkeep:\n  - 'test*'\n", encoding="utf-8")
    mapped, kept = explained(capsys, "pump", "Test 3", "--overlay", str(overlay))
    assert [(mapped["rule"], mapped["evidence"][0]["line"]), (kept["rule"], kept["evidence"][0]["line"])] == [
        ("R030", 2),
        ("R000", 4),
    ]
    assert said(mapped)["V020"] == "no objection"
    assert said(mapped)["V010"] == "no objection"


def test_every_code_says_what_it_did(capsys: pytest.CaptureFixture[str]) -> None:
    (explanation,) = explained(capsys, "lung links")
    assert list(said(explanation)) == [row.code for row in rule_table()]
    assert said(explanation)["R050"] == "nothing to say"
    assert said(explanation)["R060"] == "rename: Lung_L"
    assert said(explanation)["R070"] == "not asked: another rule had decided"
    for code in ("V010", "V070", "S040", "V090", "S020", "S010"):
        assert said(explanation)[code] == "no objection"
    assert said(explanation)["V080"] == "not asked: needs the contours of an object"


def test_a_name_that_stays_has_nothing_that_a_veto_could_look_at(capsys: pytest.CaptureFixture[str]) -> None:
    (explanation,) = explained(capsys, "Heart")
    assert {said(explanation)[code] for code in ("V010", "S010")} == {
        "not asked: there is no new name to check"
    }


def test_a_veto_says_what_it_objects_to_and_ends_the_questions(capsys: pytest.CaptureFixture[str]) -> None:
    (explanation,) = explained(capsys, "Prostata", "--type", "CTV")
    assert said(explanation)["V060"] == "no objection"
    assert said(explanation)["V070"] == "the ROI Interpreted Type is a target, the name an organ"
    assert said(explanation)["S010"] == "not asked: V070 had objected"


def test_a_rule_of_the_set_says_what_it_objects_to(capsys: pytest.CaptureFixture[str]) -> None:
    first, _ = explained(capsys, "lt lung", "left lung", "--set")
    assert first["rule"] == "S010"
    assert said(first)["S020"] == "no objection"
    assert said(first)["S010"] == "another ROI of the set would get the same name"
    kept, _ = explained(capsys, "lt lung", "Lung_L", "--set")
    assert said(kept)["S010"] == "not asked: S020 had objected"


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("Liver 2cm", "a margin, a rind or a part"),
        ("Couch", "device, left alone"),
        ("pb", "the treatment site decides what it means"),
        ("Clips", "known, and TG-263 does not list it"),
        ("Submandibular L PRV5", "16 characters cannot hold"),
    ],
)
def test_the_reason_that_is_printed_is_the_true_one(
    name: str, says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["explain", name]) == ExitCode.DONE
    assert says in capsys.readouterr().out


def test_what_is_printed_names_function_cases_and_codes(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", "lung links"]) == ExitCode.DONE
    printed = capsys.readouterr().out
    assert "function  tg263_scp/naming/rules/rules.py: rebuilt" in printed
    assert "cases  tests/cases/R060-rebuilt.yaml" in printed
    assert "S010  same new name" in printed
