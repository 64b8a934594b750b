"""The TG-263 list, the anatomy of its structures and the words that mean them, read from the files people edit.

This is the only module of ``naming`` that reads files. What it hands out is frozen. Every entry knows the file and the
line it came from, so that each decision can be traced to the line that made it.

Source: AAPM Task Group 263 report and its structure worksheet; see the header of ``nomenclature/tg263.yaml``.
"""

from __future__ import annotations

import gc
import hashlib
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from tg263_scp import __version__, yamlsource
from tg263_scp.errors import NomenclatureError, SourceLine
from tg263_scp.naming.standard.anatomy import read_anatomy
from tg263_scp.naming.standard.nomenclature import (
    SPOKEN_KINDS,
    ClinicMapping,
    Entry,
    Nomenclature,
    Stem,
    relaxed,
)
from tg263_scp.naming.standard.overlay import Overlay, check_targets, read_overlay
from tg263_scp.naming.words import lexicon_cache as compiled_lexicon
from tg263_scp.naming.words.lexicon import Lexicon, Pack, build_lexicon
from tg263_scp.naming.words.packs import read_pack
from tg263_scp.resources import cached_text, data_folder, keep_text

__all__ = ["ClinicMapping", "Entry", "Nomenclature", "Stem", "load_nomenclature", "relaxed"]

_ENTRY_KEYS = frozenset(
    {"name", "reverse", "kind", "category", "region", "meaning", "published", "accepts", "note", "plural_of"}
)
_TARGET_QUALIFIERS = frozenset({"Boost", "Eval", "Postop", "Preop"})
"""Listed names that are no anatomy but stand in the structure slot of a target (principle T5)."""
_PLACEHOLDERS = {"{mm1}": r"(\d)", "{mm2}": r"(\d\d)", "{cgy}": r"(\d{2,5})"}


def load_nomenclature(
    folder: Path | None = None,
    overlay: Path | None = None,
    *,
    compiled: bool = False,
    languages: Collection[str] = (),
) -> Nomenclature:
    """Read the list, the anatomy, the synonym packs and a clinic's overlay.

    Args:
        folder: a ``nomenclature`` folder with ``tg263.yaml``, ``anatomy.yaml`` and ``synonyms``; default is the one that
            ships with the program.
        overlay: a clinic's own approved mapping.
        compiled: the index of the packs may be taken from (and is left in) the user's cache, under the digest of the very
            files it was made from. Three times as fast, and ``packs`` stays empty. The node never does so: what it names
            comes from the files themselves.
        languages: the packs to use, by their ISO 639-1 codes; none of them named means all. What is not named is not read.

    Raises:
        NomenclatureError: a file cannot be read, holds a key nobody knows, or contradicts the list.
    """
    folder = folder or data_folder("nomenclature")
    paths = [
        folder / "tg263.yaml",
        folder / "anatomy.yaml",
        *_packs(folder / "synonyms", languages),
    ]
    digest = _digest(paths)
    listing, anatomical = _read(paths[0]), _read(paths[1])
    file = f"{folder.name}/tg263.yaml"
    with _without_collecting():
        entries = {entry.name: entry for entry in _entries(listing, "structures", file)}
        stems = _stems(entries.values())
        known = frozenset(entries) | frozenset(stems)
        anatomy = read_anatomy(anatomical, f"{folder.name}/anatomy.yaml", known)
        name = _cache_name(digest.hexdigest()) if compiled else ""
        packs, lexicon = _words(paths[2:], name, known, frozenset(anatomy.sites), _own_words(entries, stems))
    read = read_overlay(overlay, digest, anatomy) if overlay else Overlay()
    nomenclature = Nomenclature(
        entries=entries,
        patterns=tuple(
            (_expression(written), entry)
            for entry in _entries(listing, "patterns", file)
            for written in (entry.name, *entry.accepts)
        ),
        stems=stems,
        anatomy=anatomy,
        lexicon=lexicon,
        digest=digest.hexdigest(),
        edition=str(listing.get("edition", "")),
        packs=packs,
        clinic=read.mappings,
        clinic_keeps=read.keeps,
        clinic_unsigned=read.unsigned,
        respellings=_respellings(entries.values()),
        structure_slots=_structure_slots(entries, stems),
        gathering=frozenset(
            f"{name}_" for name in entries if f"{name}_S" in entries and f"{name}_I" in entries
        ),
    )
    check_targets(nomenclature)
    return nomenclature


def _words(
    files: Sequence[Path],
    cache: str,
    known: frozenset[str],
    sites: frozenset[str],
    own: Mapping[str, SourceLine],
) -> tuple[tuple[Pack, ...], Lexicon]:
    """Return the packs and their index; with ``cache`` the index that was kept under this name, and then no packs."""
    kept = cached_text(cache) if cache else None
    cached = compiled_lexicon.from_text(kept) if kept else None
    if cached is not None:
        return (), cached
    packs = tuple(
        read_pack(_read(path), f"{path.parents[1].name}/synonyms/{path.name}", known, sites) for path in files
    )
    lexicon = build_lexicon(packs, own)
    if cache:
        keep_text(cache, compiled_lexicon.to_text(lexicon))
    return packs, lexicon


def _packs(folder: Path, languages: Collection[str]) -> list[Path]:
    """Return the files of these packs, or all there are."""
    found = {path.stem: path for path in sorted(folder.glob("*.yaml"))}
    for code in sorted(languages):
        if code not in found:
            raise NomenclatureError(
                SourceLine(str(folder / f"{code}.yaml"), 0),
                f"there is no pack of the language '{code}'",
                hint=f"languages: {', '.join(found)}",
            )
    return [path for code, path in found.items() if not languages or code in languages]


@contextmanager
def _without_collecting() -> Iterator[None]:
    """Keep the garbage collector from walking a hundred thousand new objects, all of which stay, again and again."""
    running = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if running:
            gc.enable()


def _own_words(entries: Mapping[str, Entry], stems: Mapping[str, Stem]) -> dict[str, SourceLine]:
    found = {}
    for name, stem in stems.items():
        entry = entries[stem.any_form]
        if entry.kind in SPOKEN_KINDS and not entry.plural_of:
            found[name] = entry.source
    return found


def _cache_name(digest: str) -> str:
    return f"lexicon-{__version__}-{compiled_lexicon.LAYOUT}-{digest[:32]}.json"


def _digest(paths: list[Path]) -> hashlib._Hash:
    digest = hashlib.sha256()
    for path in paths:
        try:
            content = path.read_bytes()
        except OSError as problem:
            raise NomenclatureError(
                SourceLine(str(path), 0),
                f"cannot be read: {problem.strerror}",
                hint="a nomenclature folder begins as a copy of the one that ships with the program",
            ) from problem
        digest.update(path.name.encode())
        digest.update(content)
    return digest


def _read(path: Path) -> yamlsource.Mapping:
    document = yamlsource.load(path, error=NomenclatureError)
    if not isinstance(document, yamlsource.Mapping):
        raise NomenclatureError(SourceLine(str(path), 1), "the file must be a mapping of sections")
    return document


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


def _structure_slots(entries: Mapping[str, Entry], stems: Mapping[str, Stem]) -> dict[str, tuple[str, ...]]:
    found: dict[str, list[str]] = {}
    for name in {*stems, *entries}:
        entry = entries.get(name) or entries[stems[name].any_form]
        if entry.kind in SPOKEN_KINDS or name in _TARGET_QUALIFIERS:
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
