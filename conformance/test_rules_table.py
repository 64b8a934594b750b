"""``rules.md`` says what the code says: it is made of the docstrings of the rules, and this test compares.

After a change of a rule: ``TG263_REGENERATE=1 pytest conformance/test_rules_table.py`` writes it anew.
"""

from __future__ import annotations

import os
import re
from itertools import groupby
from pathlib import Path

from tg263_scp import naming
from tg263_scp.naming.rule_table import rule_table

TABLE = Path(__file__).with_name("rules.md")

_HEAD = """\
# Rules, vetoes and whole-set rules

Made of the docstrings in `tg263_scp/naming` by `TG263_REGENERATE=1 pytest conformance/test_rules_table.py`; do not edit.

The codes appear in `explain`, in the queue, in the audit log, in reports and in tests. They are never reused. Rules are
asked in this order, and the first that has something to say decides. A rename that a veto or a whole-set rule objects to
is left for review, with the name beside it. `tg263-scp rules CODE` shows the whole text of a code and its cases, which are
in `tests/cases`, one file per code.
"""


def test_the_table_of_rules_is_the_one_in_the_code() -> None:
    if os.environ.get("TG263_REGENERATE") == "1":
        TABLE.write_text(_table(), encoding="utf-8")
    assert TABLE.read_text(encoding="utf-8") == _table(), (
        "run: TG263_REGENERATE=1 pytest conformance/test_rules_table.py"
    )


def test_every_code_that_a_decision_can_carry_is_in_the_table() -> None:
    folder = Path(str(naming.__file__)).parent
    in_code = {
        code
        for file in folder.rglob("*.py")
        for code in re.findall(r'"([RSV]\d{3})"', file.read_text("utf-8"))
    }
    assert in_code == {row.code for row in rule_table()}


def test_every_code_stands_in_the_table_once_and_has_a_sentence() -> None:
    codes = [row.code for row in rule_table()]
    assert sorted(set(codes)) == sorted(codes)
    for row in rule_table():
        assert row.sentence.endswith("."), row
        assert row.code not in row.text, f"{row.code}: its docstring names its code a second time"


def test_rules_and_vetoes_rise_in_the_order_they_are_asked() -> None:
    for letter in "RV":
        codes = [row.code for row in rule_table() if row.code[0] == letter]
        assert codes == sorted(codes)


def _table() -> str:
    parts = [_HEAD]
    for section, rows in groupby(rule_table(), key=lambda row: row.section):
        lines = [f"| {row.code} | {row.sentence.replace('|', chr(92) + '|')} |" for row in rows]
        parts.append("\n".join([f"## {section}", "", "| code | what it says |", "|---|---|", *lines, ""]))
    return "\n".join(parts)
