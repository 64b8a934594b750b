"""``rules.md`` says what the code says: it is made of the docstrings of the rules, and this test compares.

After a change of a rule: ``TG263_REGENERATE=1 pytest conformance/test_rules_table.py`` writes it anew.
"""

from __future__ import annotations

import inspect
import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path

from tg263_scp import naming
from tg263_scp.naming.decide import RULES
from tg263_scp.naming.llm.choice import llm_choice
from tg263_scp.naming.rules import sides_by_contours as sides
from tg263_scp.naming.rules import whole_set as wholeset
from tg263_scp.naming.rules.vetoes import VETOES

TABLE = Path(__file__).with_name("rules.md")

_HEAD = """\
# Rules, vetoes and whole-set rules

Made of the docstrings in `tg263_scp/naming` by `TG263_REGENERATE=1 pytest conformance/test_rules_table.py`; do not edit.

The codes appear in `explain`, in the queue, in the audit log, in reports and in tests. They are never reused. Rules are
asked in this order, and the first that has something to say decides; a rename that a veto or a whole-set rule objects to
goes to a person, with the name beside it. Cases: `tests/cases`, one file per code.
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
    in_table = {code for section in _sections().values() for code, _ in section}
    assert in_code == in_table


def test_codes_rise_in_the_order_they_are_asked() -> None:
    for title, rows in _sections().items():
        codes = [code for code, _ in rows]
        assert codes == sorted(set(codes)), title


def _table() -> str:
    parts = [_HEAD]
    for title, rows in _sections().items():
        lines = [f"| {code} | {sentence} |" for code, sentence in rows]
        parts.append("\n".join([f"## {title}", "", "| code | what it says |", "|---|---|", *lines, ""]))
    return "\n".join(parts)


def _sections() -> dict[str, list[tuple[str, str]]]:
    return {
        "Rules": [(code, _sentence(rule)) for code, rule in RULES],
        "The language model, where one is asked": [("R090", _sentence(llm_choice))],
        "Vetoes": [(code, _without_code(code, _sentence(veto))) for code, _, veto in VETOES],
        "Whole-set rules": list(_whole_set_rules()),
    }


def _sentence(function: Callable[..., object]) -> str:
    """Return the first line of a docstring, which is what users read."""
    return (inspect.getdoc(function) or "").splitlines()[0].replace("|", "\\|")


def _without_code(code: str, sentence: str) -> str:
    assert sentence.startswith(f"{code}: "), f"the docstring of {code} does not begin with it: {sentence}"
    return _capital(sentence.removeprefix(f"{code}: "))


def _whole_set_rules() -> Iterator[tuple[str, str]]:
    """Read the sentences that begin with a code in the docstrings of the modules that look at the whole set."""
    text = " ".join(f"{wholeset.__doc__} {sides.__doc__}".split())
    for code, sentence in sorted(re.findall(r"\b([SV]\d{3}) ([^;.]+)[;.]", text)):
        yield code, _capital(sentence) + "."


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
