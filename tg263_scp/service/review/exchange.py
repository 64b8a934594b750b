"""Decisions given to others: written as an overlay, and read from one of another clinic as proposals."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from tg263_scp import yamlsource
from tg263_scp.errors import NomenclatureError
from tg263_scp.naming.standard.loading import load_nomenclature
from tg263_scp.service.review.decisions import (
    WHOLE_CLINIC,
    ReviewDecision,
    Ruled,
    Scope,
    ScopeKind,
    Standing,
    Wish,
)

_GLOB = frozenset("*?[")


@dataclass(frozen=True, slots=True)
class Exported:
    """The text of an overlay, how many decisions are in it, and how many an overlay cannot say."""

    text: str
    written: int
    left_out: int


@dataclass(frozen=True, slots=True)
class Imported:
    """The proposals that were entered, and lines of the overlay that were not, each with why."""

    proposals: tuple[ReviewDecision, ...]
    refused: tuple[tuple[str, str], ...]


def as_overlay(decisions: Iterable[ReviewDecision]) -> Exported:
    """Write the decisions that count for the whole clinic or a treatment site as an overlay (YAML).

    An overlay knows no senders and no objects: decisions about those are left out.
    """
    active = [each for each in decisions if each.standing is Standing.ACTIVE]
    fit = [each for each in active if _can_be_said(each)]
    people = sorted({each.approved_by or each.by for each in fit})
    lines = [f"approved_by: {json.dumps(', '.join(people), ensure_ascii=False)}"] if people else []
    lines += [f"date: {json.dumps(max(each.at for each in fit)[:10])}"] if fit else []
    mappings = [_mapping(each) for each in fit if each.ruled is Ruled.RENAME]
    keeps = [f"  - {_quoted(each.name)}" for each in fit if each.ruled is not Ruled.RENAME]
    lines += ["mappings:", *mappings] if mappings else []
    lines += ["keep:", *keeps] if keeps else []
    return Exported("\n".join([*lines, ""]), len(fit), len(active) - len(fit))


def _can_be_said(decision: ReviewDecision) -> bool:
    if decision.ruled is Ruled.RENAME:
        return decision.scope.kind in (ScopeKind.CLINIC, ScopeKind.SITE)
    return decision.scope.kind is ScopeKind.CLINIC and _GLOB.isdisjoint(decision.name)


def _mapping(decision: ReviewDecision) -> str:
    parts = [f"name: {_quoted(decision.name)}", f"becomes: {_quoted(decision.becomes)}"]
    if decision.scope.value:
        parts.append(f"site: {decision.scope.value}")
    if decision.why:
        parts.append(f"note: {_quoted(decision.why)}")
    return f"  - {{{', '.join(parts)}}}"


def _quoted(text: str) -> str:
    return json.dumps(text)  # what JSON writes, YAML reads alike


def proposals_of(overlay: Path, by: str) -> tuple[list[tuple[str, Wish]], list[tuple[str, str]]]:
    """Read an overlay as wishes for the whole clinic or a site, each with its line; and the lines that cannot be wishes.

    Raises:
        NomenclatureError: the overlay cannot be read.
    """
    wishes = list(_wishes(overlay, by))
    patterns = [
        (where, "a pattern is not a name: put it into the overlay of the configuration")
        for where, wish in wishes
        if wish.ruled is Ruled.NEVER and not _GLOB.isdisjoint(wish.name)
    ]
    refused = {where for where, _ in patterns}
    return [each for each in wishes if each[0] not in refused], patterns


def _wishes(overlay: Path, by: str) -> Iterator[tuple[str, Wish]]:
    nomenclature = load_nomenclature(overlay=overlay)
    for rows in nomenclature.clinic.values():
        for row in rows:
            site = nomenclature.anatomy.site_called(row.site) or row.site
            scope = Scope(ScopeKind.SITE, site) if row.site else WHOLE_CLINIC
            why = f"proposed by the overlay {overlay.name}"
            yield str(row.source), Wish(row.name, Ruled.RENAME, scope, by, row.becomes, why)
    for pattern, source in nomenclature.clinic_keeps.items():
        why = f"proposed by the overlay {overlay.name}"
        yield f"{source} ({pattern})", Wish(pattern, Ruled.NEVER, WHOLE_CLINIC, by, "", why)


def clinic_of(overlay: Path) -> str:
    """Return the clinic that an overlay is of; its file name where it does not say."""
    document = yamlsource.load(overlay, error=NomenclatureError)
    said = document.get("clinic", "") if isinstance(document, yamlsource.Mapping) else ""
    return str(said) or overlay.name
