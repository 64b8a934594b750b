"""The TG-263 list and the words that mean its structures, read from the files people edit.

This is the only module of ``naming`` that reads files. What it hands out is frozen. Every entry knows the file and the
line it came from, so that each decision can be traced to the line that made it.

Source: AAPM Task Group 263 report and its structure worksheet; see the header of ``nomenclature/tg263.yaml``.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tg263_scp import yamlsource
from tg263_scp.errors import NomenclatureError, SourceLine
from tg263_scp.naming.lexicon import Lexicon, Pack, build_lexicon, read_pack
from tg263_scp.naming.text import fold
from tg263_scp.resources import data_folder

_ENTRY_KEYS = frozenset(
    {"name", "reverse", "kind", "category", "region", "meaning", "published", "accepts", "note", "plural_of"}
)
_SPOKEN_KINDS = frozenset({"organ", "device"})
"""Kinds whose names are words of anatomy: targets, PRVs and derived names have grammars of their own."""
_TARGET_QUALIFIERS = frozenset({"Boost", "Eval", "Postop", "Preop"})
"""Listed names that are no anatomy but stand in the structure slot of a target (principle T5)."""
_PLACEHOLDERS = {"{mm1}": r"(\d)", "{mm2}": r"(\d\d)", "{cgy}": r"(\d{2,5})"}


@dataclass(frozen=True, slots=True)
class Entry:
    """One listed structure, or one pattern of the list (``SpinalCord_PRV{mm2}``)."""

    name: str
    reverse: str
    kind: str
    category: str
    region: str
    meaning: str
    source: SourceLine
    accepts: tuple[str, ...] = ()
    plural_of: str = ""


@dataclass(frozen=True, slots=True)
class Stem:
    """A structure without its side: which forms of it the list holds.

    ``Lung`` has ``left`` and ``right`` and the plural ``Lungs`` but no bare form; ``Cochlea`` has a bare form too.
    """

    name: str
    bare: str = ""
    left: str = ""
    right: str = ""
    plural: str = ""

    @property
    def paired(self) -> bool:
        """The list names a left and a right one."""
        return bool(self.left or self.right)


@dataclass(frozen=True, slots=True)
class ClinicMapping:
    """A name a clinic has approved for itself (the overlay)."""

    name: str
    becomes: str
    site: str
    source: SourceLine


@dataclass(frozen=True, eq=False)
class Nomenclature:
    """Everything naming knows; build it with :func:`load_nomenclature`.

    ``digest`` is the SHA-256 over all files read, in their order.
    """

    entries: Mapping[str, Entry]
    patterns: tuple[tuple[re.Pattern[str], Entry], ...]
    stems: Mapping[str, Stem]
    lexicon: Lexicon
    digest: str
    clinic: Mapping[str, tuple[ClinicMapping, ...]] = field(default_factory=dict)
    clinic_keeps: tuple[str, ...] = ()
    respellings: Mapping[str, tuple[Entry, ...]] = field(default_factory=dict)
    gathering: frozenset[str] = frozenset()
    """Beginnings (``Musc_Constrict_``) of names that are parts of one listed whole."""
    structure_slots: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Names and stems that may stand in the structure slot of a target (principle T5), by their spelling without ``_``."""

    @property
    def names(self) -> tuple[str, ...]:
        """The listed names, without the patterns."""
        return tuple(self.entries)

    def is_listed(self, name: str) -> bool:
        """Tell whether ``name`` is on the list, to the letter, or fills one of its patterns."""
        return name in self.entries or self.pattern_for(name) is not None

    def is_organ_stem(self, stem: str) -> bool:
        """Tell whether a stem is anatomy or a device, not itself a PRV, a target or a derived name."""
        forms = self.stems[stem]
        return self.entries[forms.bare or forms.left or forms.right or forms.plural].kind in _SPOKEN_KINDS

    def pattern_for(self, name: str) -> Entry | None:
        """Return the pattern of the list that ``name`` fills (``SpinalCord_PRV05``), if any."""
        for expression, entry in self.patterns:
            if expression.fullmatch(name):
                return entry
        return None


def relaxed(name: str) -> str:
    """Return the spelling of a name without case, spaces, underscores and dots; ``-`` and other signs stay.

    >>> relaxed("Spinal_Cord"), relaxed("lungs - PTV")
    ('spinalcord', 'lungs-ptv')
    """
    return re.sub(r"[\s_.]+", "", fold(name))


def load_nomenclature(folder: Path | None = None, overlay: Path | None = None) -> Nomenclature:
    """Read the list, the synonym packs and a clinic's overlay.

    Args:
        folder: a ``nomenclature`` folder; default is the one that ships with the program.
        overlay: a clinic's own approved mapping.

    Raises:
        NomenclatureError: a file cannot be read, holds a key nobody knows, or contradicts the list.
    """
    folder = folder or data_folder("nomenclature")
    digest = hashlib.sha256()
    listing = _read(folder / "tg263.yaml", digest)
    file = f"{folder.name}/tg263.yaml"
    entries = {entry.name: entry for entry in _entries(listing, "structures", file)}
    patterns = tuple(
        (_expression(written), entry)
        for entry in _entries(listing, "patterns", file)
        for written in (entry.name, *entry.accepts)
    )
    stems = _stems(entries.values())
    known = frozenset(entries) | frozenset(stems)
    packs = [
        _pack(path, f"{folder.name}/synonyms/{path.name}", digest, known)
        for path in sorted((folder / "synonyms").glob("*.yaml"))
    ]
    clinic, keeps = _overlay(overlay, digest) if overlay else ({}, ())
    own_words = {
        stem: _entry_of(entries, forms).source
        for stem, forms in stems.items()
        if _entry_of(entries, forms).kind in _SPOKEN_KINDS and not _entry_of(entries, forms).plural_of
    }
    lexicon = build_lexicon(packs, own_words)
    return Nomenclature(
        entries=entries,
        patterns=patterns,
        stems=stems,
        lexicon=lexicon,
        digest=digest.hexdigest(),
        clinic=clinic,
        clinic_keeps=keeps,
        respellings=_respellings(entries.values()),
        structure_slots=_structure_slots(entries, stems),
        gathering=frozenset(
            f"{name}_" for name in entries if f"{name}_S" in entries and f"{name}_I" in entries
        ),
    )


def read_packs(folder: Path | None = None) -> list[Pack]:
    """Read the synonym packs alone, for checking them against each other."""
    folder = folder or data_folder("nomenclature")
    listing = _read(folder / "tg263.yaml", hashlib.sha256())
    entries = {entry.name: entry for entry in _entries(listing, "structures", f"{folder.name}/tg263.yaml")}
    known = frozenset(entries) | frozenset(_stems(entries.values()))
    paths = sorted((folder / "synonyms").glob("*.yaml"))
    return [_pack(path, f"{folder.name}/synonyms/{path.name}", hashlib.sha256(), known) for path in paths]


def _read(path: Path, digest: hashlib._Hash) -> yamlsource.Mapping:
    document = yamlsource.load(path, error=NomenclatureError)
    digest.update(path.name.encode())
    digest.update(path.read_bytes())
    if not isinstance(document, yamlsource.Mapping):
        raise NomenclatureError(SourceLine(str(path), 1), "the file must be a mapping of sections")
    return document


def _pack(path: Path, shown: str, digest: hashlib._Hash, known: frozenset[str]) -> Pack:
    return read_pack(_read(path, digest), shown, known)


def _entries(document: yamlsource.Mapping, section: str, file: str) -> Iterator[Entry]:
    for row in document.get(section, ()):
        where = SourceLine(file, row.line)
        for key in row:
            if key not in _ENTRY_KEYS:
                raise NomenclatureError(
                    where, f"unknown key '{key}'", hint=f"known keys: {', '.join(sorted(_ENTRY_KEYS))}"
                )
        missing = [key for key in ("name", "reverse", "kind", "region", "meaning") if not row.get(key)]
        if missing:
            raise NomenclatureError(where, f"missing: {', '.join(missing)}")
        published = (str(row["published"]),) if row.get("published") and section == "structures" else ()
        yield Entry(
            name=str(row["name"]),
            reverse=str(row["reverse"]),
            kind=str(row["kind"]),
            category=str(row.get("category", "")),
            region=str(row["region"]),
            meaning=str(row["meaning"]),
            source=where,
            accepts=(*published, *(str(text) for text in yamlsource.texts(row.get("accepts", "")))),
            plural_of=str(row.get("plural_of", "")),
        )


def _expression(name: str) -> re.Pattern[str]:
    pattern = re.escape(name)
    for placeholder, digits in _PLACEHOLDERS.items():
        pattern = pattern.replace(re.escape(placeholder), digits)
    return re.compile(pattern)


def _stems(entries: Iterable[Entry]) -> dict[str, Stem]:
    """Group the list by structure: what is left of a name once its final ``_L`` or ``_R`` is taken off.

    ``VB_L`` (lumbar) and ``VB_S`` (sacral) are regions, not sides.
    """
    found: dict[str, dict[str, str]] = {}
    plurals: list[Entry] = []
    for entry in entries:
        base, _, last = entry.name.rpartition("_")
        if base and base != "VB" and last in ("L", "R"):
            found.setdefault(base, {})["left" if last == "L" else "right"] = entry.name
        else:
            found.setdefault(entry.name, {})["bare"] = entry.name
        if entry.plural_of:
            plurals.append(entry)
    for entry in plurals:
        found.setdefault(entry.plural_of, {})["plural"] = entry.name
    return {name: Stem(name, **forms) for name, forms in found.items()}


def _entry_of(entries: Mapping[str, Entry], stem: Stem) -> Entry:
    return entries[stem.bare or stem.left or stem.right or stem.plural]


def _structure_slots(entries: Mapping[str, Entry], stems: Mapping[str, Stem]) -> dict[str, tuple[str, ...]]:
    found: dict[str, list[str]] = {}
    for name in {*stems, *entries}:
        entry = entries.get(name) or _entry_of(entries, stems[name])
        if entry.kind in _SPOKEN_KINDS or name in _TARGET_QUALIFIERS:
            found.setdefault(name.replace("_", ""), []).append(name)
    return {key: tuple(sorted(names)) for key, names in found.items()}


def _respellings(entries: Iterable[Entry]) -> dict[str, tuple[Entry, ...]]:
    """Index every accepted spelling of a listed name: itself, its reverse order, the worksheet's own mistakes."""
    found: dict[str, list[Entry]] = {}
    for entry in entries:
        for written in {entry.name, entry.reverse, *entry.accepts}:
            rows = found.setdefault(relaxed(written), [])
            if entry not in rows:
                rows.append(entry)
    return {key: tuple(rows) for key, rows in found.items()}


def _overlay(
    path: Path, digest: hashlib._Hash
) -> tuple[dict[str, tuple[ClinicMapping, ...]], tuple[str, ...]]:
    document = _read(path, digest)
    allowed = {"clinic", "approved_by", "date", "mappings", "keep"}
    for key in document:
        if key not in allowed:
            raise NomenclatureError(
                SourceLine(str(path), document.line_of(key)),
                f"unknown key '{key}'",
                hint=f"known keys: {', '.join(sorted(allowed))}",
            )
    mappings: dict[str, list[ClinicMapping]] = {}
    for row in document.get("mappings") or ():
        where = SourceLine(str(path), row.line)
        if not row.get("name") or not row.get("becomes"):
            raise NomenclatureError(where, "a mapping needs 'name' and 'becomes'")
        one = ClinicMapping(str(row["name"]), str(row["becomes"]), str(row.get("site", "")), where)
        rows = mappings.setdefault(relaxed(one.name), [])
        if any(other.site == one.site for other in rows):
            raise NomenclatureError(
                where, "this name is mapped twice for the same site", hint="keep one of the two lines"
            )
        rows.append(one)
    keeps = tuple(str(text) for text in yamlsource.texts(document.get("keep") or ""))
    return {key: tuple(rows) for key, rows in mappings.items()}, keeps
