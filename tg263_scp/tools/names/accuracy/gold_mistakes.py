"""Mistakes of the labels: what an evaluation refuses to measure with, each with the line of its table.

A label has to be ``ABSTAIN`` or a name as TG-263 writes it: listed, or built by its rules for targets, PRVs and parts. An
accepted label may be any name that could be written, ``ABSTAIN`` or ``z*``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from tg263_scp.decision import Reason, Status
from tg263_scp.naming.decide import decide
from tg263_scp.naming.standard.nomenclature import Nomenclature
from tg263_scp.tools.names.accuracy.evaluation import ABSTAIN
from tg263_scp.tools.shared.csv_tables import Table, TableError

ANY_MARKED = "z*"
_SHOWN = 20
_STANDARD = (Reason.LISTED, Reason.COMPLIANT, Reason.MARKED_NOT_FOR_DOSE, Reason.NOT_FOR_DOSE)
_NAME = re.compile(r"[!-\[\]-~]+")


def check_gold(table: Table, path: Path, nomenclature: Nomenclature) -> None:
    """Look at every label.

    Raises:
        TableError: the table has no row, or a label is none; the message names the lines.
    """
    golds, accepts = table.required("gold"), table.optional("accept")
    if not golds:
        raise TableError(
            f"{path}: no row to measure with", hint="the first line names the columns, the labels follow"
        )
    known: dict[str, str] = {}
    mistakes: list[str] = []
    for row, (gold, accepted) in enumerate(zip(golds, accepts, strict=True)):
        for said in _said_of(gold.strip(), accepted, nomenclature, known):
            mistakes.append(f"{path}:{table.line_of(row)}: {said}")
    if mistakes:
        more = [f"... and {len(mistakes) - _SHOWN} more"] if len(mistakes) > _SHOWN else []
        raise TableError(
            "\n".join((*mistakes[:_SHOWN], *more)),
            hint=f"write the TG-263 name (`nomenclature list`), or {ABSTAIN}",
        )


def _said_of(gold: str, accepted: str, nomenclature: Nomenclature, known: dict[str, str]) -> Iterator[str]:
    """Yield what is wrong with the labels of one row; ``known`` remembers the labels that were looked at."""
    if gold not in known:
        known[gold] = _mistake(gold, nomenclature)
    if known[gold]:
        yield known[gold]
    for label in filter(None, (text.strip() for text in accepted.split("|"))):
        if label.upper() == ABSTAIN != label:
            yield f"the accepted label '{label}' must be written {ABSTAIN}"
        elif label not in (ABSTAIN, ANY_MARKED) and not _NAME.fullmatch(label):
            yield f"the accepted label '{label}' is not a name that TG-263 could write"


def _mistake(gold: str, nomenclature: Nomenclature) -> str:
    if not gold:
        return "there is no gold label"
    if gold == ABSTAIN:
        return ""
    if gold.upper() == ABSTAIN:
        return f"the label '{gold}' must be written {ABSTAIN}"
    decision = decide(gold, nomenclature)
    if gold in (ANY_MARKED, *_of_clinic(nomenclature)) or (
        decision.status is Status.KEEP and decision.reason in _STANDARD
    ):
        return ""
    near = f"; did you mean '{decision.name}'?" if decision.status is Status.RENAME else ""
    return f"TG-263 has no name '{gold}'{near}"


def _of_clinic(nomenclature: Nomenclature) -> Iterator[str]:
    """Yield the names that the clinic's own overlay gives."""
    return (mapping.becomes for mappings in nomenclature.clinic.values() for mapping in mappings)
