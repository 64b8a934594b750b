"""The one table of codes: complete, and each code leads to the very function that is asked."""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest

import tg263_scp
from tg263_scp.naming.rule_table import RuleRow, Section, rule_row, rule_table

PACKAGE = Path(tg263_scp.__file__).parent


@pytest.mark.parametrize("row", rule_table(), ids=lambda row: row.code)
def test_a_code_leads_to_its_function(row: RuleRow) -> None:
    file, _, function = row.function.partition(": ")
    assert (PACKAGE.parent / file).is_file()
    module = importlib.import_module(file.removesuffix(".py").replace("/", "."))
    assert callable(getattr(module, function))


@pytest.mark.parametrize(
    ("code", "section", "title", "begins"),
    [
        ("R060", Section.RULES, "rebuilt", "Side, margin, PRV"),
        ("R090", Section.MODEL, "llm choice", "The language model"),
        ("V010", Section.VETOES, "side kept", "A side that everyone reads"),
        ("V080", Section.WHOLE_SET, "contours agree", "A side is not believed"),
        ("S010", Section.WHOLE_SET, "same new name", "Two ROIs"),
        ("S020", Section.WHOLE_SET, "name kept by another", "A ROI would get"),
    ],
)
def test_a_code_has_a_title_and_a_sentence(code: str, section: Section, title: str, begins: str) -> None:
    row = rule_row(code)
    assert row is not None
    assert (row.section, row.title) == (section, title)
    assert row.sentence.startswith(begins)
    assert row.text.startswith(row.sentence[:40])


def test_a_function_of_two_codes_tells_each_its_own() -> None:
    first, second = rule_row("S010"), rule_row("S020")
    assert first is not None
    assert second is not None
    assert first.function == second.function
    assert first.text != second.text
    assert "as treatment planning systems do" in first.text
    assert "as treatment planning systems do" in second.text


def test_there_is_no_row_of_a_code_that_is_none() -> None:
    assert rule_row("R999") is None
