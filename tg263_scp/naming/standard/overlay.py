"""A clinic's own approved mapping (the overlay): read, and its lines checked against the list and the sites.

What a line may not do to a name is asked when the name comes (vetoes), and by ``nomenclature check`` before.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path

from tg263_scp import yamlsource
from tg263_scp.errors import NomenclatureError, SourceLine
from tg263_scp.naming.standard import grammar
from tg263_scp.naming.standard.anatomy import Anatomy
from tg263_scp.naming.standard.nomenclature import ClinicMapping, Nomenclature, relaxed

_KEYS = frozenset({"clinic", "approved_by", "date", "mappings", "keep"})
_ROW_KEYS = frozenset({"name", "becomes", "site", "note", "local"})


@dataclass(frozen=True, slots=True)
class Overlay:
    """What an overlay says: mappings by the relaxed spelling of their name, patterns of names never to touch."""

    mappings: Mapping[str, tuple[ClinicMapping, ...]] = field(default_factory=dict)
    keeps: Mapping[str, SourceLine] = field(default_factory=dict)
    unsigned: SourceLine | None = None


def read_overlay(path: Path, digest: hashlib._Hash, anatomy: Anatomy) -> Overlay:
    """Read an overlay, and add its bytes to ``digest``.

    Raises:
        NomenclatureError: the file cannot be read; an unknown key or site; a mapping without a name, or a second one of it.
    """
    document = yamlsource.load(path, error=NomenclatureError)
    if not isinstance(document, yamlsource.Mapping):
        raise NomenclatureError(SourceLine(str(path), 1), "the file must be a mapping of sections")
    digest.update(path.name.encode() + path.read_bytes())
    _check_keys(document, _KEYS, path, "key")
    mappings: dict[str, list[ClinicMapping]] = {}
    for row in document.get("mappings") or ():
        one = _mapping(row, path, anatomy)
        rows = mappings.setdefault(relaxed(one.name), [])
        if any(other.site == one.site for other in rows):
            raise NomenclatureError(
                one.source, "this name is mapped twice for the same site", hint="keep one of the two lines"
            )
        rows.append(one)
    keeps = {
        str(text): SourceLine(str(path), text.line) for text in yamlsource.texts(document.get("keep") or "")
    }
    unsigned = None if str(document.get("approved_by") or "").strip() else SourceLine(str(path), 1)
    return Overlay({key: tuple(rows) for key, rows in mappings.items()}, keeps, unsigned)


def _check_keys(found: yamlsource.Mapping, known: frozenset[str], path: Path, what: str) -> None:
    for key in found:
        if key not in known:
            raise NomenclatureError(
                SourceLine(str(path), found.line_of(key)),
                f"unknown {what} '{key}'",
                hint=f"known keys: {', '.join(sorted(known))}",
            )


def _mapping(row: yamlsource.Mapping, path: Path, anatomy: Anatomy) -> ClinicMapping:
    where = SourceLine(str(path), row.line)
    _check_keys(row, _ROW_KEYS, path, "key of a mapping")
    if not row.get("name") or not row.get("becomes"):
        raise NomenclatureError(where, "a mapping needs 'name' and 'becomes'")
    written = str(row.get("site", ""))
    site = anatomy.site_called(written)
    if written and not site:
        raise NomenclatureError(
            where, f"unknown site '{written}'", hint=f"sites: {', '.join(sorted(anatomy.sites))}"
        )
    local = str(row.get("local", "no"))
    if local not in ("yes", "no"):
        raise NomenclatureError(where, "'local' is yes or no")
    return ClinicMapping(str(row["name"]), str(row["becomes"]), site, where, local == "yes")


def check_targets(nomenclature: Nomenclature) -> None:
    """Refuse a mapping that becomes no TG-263 name, unless its line says ``local: yes``.

    Raises:
        NomenclatureError: such a line, with the nearest listed name as hint.
    """
    for rows in nomenclature.clinic.values():
        for row in rows:
            if row.local or grammar.parse(row.becomes, nomenclature) is not None:
                continue
            near = get_close_matches(row.becomes, nomenclature.names, 1)
            meant = f"did you mean {near[0]}? " if near else ""
            raise NomenclatureError(
                row.source,
                f"'{row.becomes}' is neither a name of the TG-263 list nor built by its grammar",
                hint=f"{meant}A name of the clinic's own is marked with 'local: yes'",
            )
