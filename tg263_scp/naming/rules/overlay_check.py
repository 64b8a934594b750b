"""What is wrong with the lines of a clinic's overlay, told before a name comes: ``nomenclature check`` shows it.

A line that no rule would ever apply is dead; one that a veto stops, or that says a side, a level, a number or a margin that its
name does not carry, leaves the name for review each time. A pattern that keeps every name switches the program off.
"""

from __future__ import annotations

from collections.abc import Iterator

from tg263_scp.naming.query import NamingOptions, Query
from tg263_scp.naming.rules.mappings import objection, unsaid
from tg263_scp.naming.rules.rules import compliant, listed, not_for_us
from tg263_scp.naming.standard.contradictions import Contradiction
from tg263_scp.naming.standard.nomenclature import ClinicMapping, Nomenclature


def overlay_findings(nomenclature: Nomenclature, options: NamingOptions) -> tuple[Contradiction, ...]:
    """Return what speaks against the overlay, in the order of its lines."""
    found: list[Contradiction] = []
    if nomenclature.clinic_unsigned:
        found.append(Contradiction(nomenclature.clinic_unsigned, "the overlay does not say 'approved_by'"))
    for pattern, where in nomenclature.clinic_keeps.items():
        if not pattern.strip("*? "):
            found.append(Contradiction(where, f"'{pattern}' keeps every name as it is"))
    for rows in nomenclature.clinic.values():
        for row in rows:
            found.extend(
                Contradiction(row.source, text) for text in _said_against(row, nomenclature, options)
            )
    return tuple(sorted(found, key=lambda c: (c.where.file, c.where.line, c.problem)))


def _said_against(row: ClinicMapping, nomenclature: Nomenclature, options: NamingOptions) -> Iterator[str]:
    query = Query(row.name, site=row.site)
    for rule in (not_for_us, listed, compliant):
        before = rule(query, nomenclature, options)
        if before is not None:
            yield f"'{row.name}' is never mapped: {before.rule} keeps it first"
            return
    more = unsaid(query, row.becomes, nomenclature)
    if more:
        yield f"'{row.becomes}' says a {more} that '{row.name}' does not carry"
        return
    against = objection(query, row.becomes, nomenclature, options)
    if against:
        yield f"{against.code} stops '{row.name}' from becoming '{row.becomes}': {against.text}"
