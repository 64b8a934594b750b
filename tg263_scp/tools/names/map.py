"""``map``: a table of ROI names in, the same table with their TG-263 names out.

The rows of one ``structure_set`` (of one ``source``, where there is such a column) are decided together, so that pairs,
clashes and the site count; a row without one is decided alone. Names repeat endlessly in real tables, so a row that is decided
alone is decided once per distinct name, site and interpreted type.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from tg263_scp.decision import Decision, Status
from tg263_scp.service.namer import Namer, open_namer
from tg263_scp.tools.names.table import TableDecider, decide_table
from tg263_scp.tools.shared.csv_tables import TableError, read_table, table_text, write_atomically
from tg263_scp.tools.shared.exitcode import ExitCode
from tg263_scp.tools.shared.terminal import print_table, say
from tg263_scp.tools.shared.wording import standard_name

ADDED_COLUMNS = ("status", "standard_name", "rule", "reason", "confidence", "candidates")


def map_names(
    source: Path,
    target: Path | None,
    llm: bool,
    llm_questions: Path | None,
    llm_answers: Path | None,
    config: Path | None,
    overlay: Path | None,
) -> ExitCode:
    """The verb ``map``."""
    namer = open_namer(config, overlay)
    if not (llm or llm_questions or llm_answers):
        return _show_mapped(*map_file(source, target, namer), target)
    from tg263_scp.tools.names.asking import Asker, Tape, open_consultant

    tape = Tape(questions=llm_questions, answers=llm_answers)
    with open_consultant(config, namer.nomenclature, tape) as consultant:
        asker = Asker(consultant)
        code = _show_mapped(*map_file(source, target, namer, asker.table), target)
    return ExitCode.FINDINGS if asker.unanswered else code


def _show_mapped(text: str, counts: Counter[Status], target: Path | None) -> ExitCode:
    if target is None:
        print_table(text)
    else:
        parts = ", ".join(f"{counts[status]} {status}" for status in Status)
        say(f"{target}: {counts.total()} names: {parts}")
    return ExitCode.DONE


def map_file(
    source: Path, target: Path | None, namer: Namer, decide: TableDecider | None = None
) -> tuple[str, Counter[Status]]:
    """Map a CSV file; write it to ``target`` where given. ``decide`` stands in for :func:`decide_table`.

    Returns the text of the mapped table and how many rows have which status.

    Raises:
        TableError: the table cannot be used, or ``target`` is the input itself.
    """
    if target is not None and target.exists() and target.samefile(source):
        raise TableError(f"{target} is the input itself", hint="give -o another file")
    table = read_table(source)
    taken = [title for title in table.header if title.strip().casefold() in ADDED_COLUMNS]
    if taken:
        raise TableError(
            f"{source}:1: the table already has a column '{taken[0]}'", hint="rename or remove it"
        )
    decisions = (decide or decide_table)(table, namer)
    rows = (row + _answer(decision) for row, decision in zip(table.rows, decisions, strict=True))
    text = table_text((*table.header, *ADDED_COLUMNS), rows, table.delimiter)
    if target is not None:
        write_atomically(target, text)
    return text, Counter(decision.status for decision in decisions)


def _answer(decision: Decision) -> tuple[str, ...]:
    return (
        decision.status.value,
        standard_name(decision),
        decision.rule,
        decision.reason.value,
        f"{decision.confidence:.2f}",
        ";".join(candidate.name for candidate in decision.candidates),
    )
