"""What a physicist knows of the listed structures beyond their names: read from ``anatomy.yaml`` and checked.

Where a structure is, when it is contoured, whether it is treated, whether a length grows it. The file explains each of its
sections. Every structure in it is a listed name or one without its side, every section is there, and no key is unknown:
a slip of the pen must not switch a fact off.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from tg263_scp import yamlsource
from tg263_scp.errors import NomenclatureError, SourceLine
from tg263_scp.naming.words.letters import fold

Facts = Mapping[str, SourceLine]
"""Structures (listed names, or names without their side) in the order of the file, each with its line."""


@dataclass(frozen=True, slots=True)
class Site:
    """A treatment site: the broader site it is part of (or ``""``), the regions next to it, what tells it when contoured."""

    name: str
    part_of: str
    next_to: frozenset[str]
    told_by: Facts
    source: SourceLine


@dataclass(frozen=True, slots=True)
class InterpretedTypes:
    """The defined terms of RT ROI Interpreted Type (3006,00A4), PS3.3 C.8.8.8.1, by what an ROI of each may be."""

    organ: frozenset[str]
    target: frozenset[str]
    structure: Mapping[str, tuple[str, ...]]
    """Terms for an ROI that can be one of these structures only."""
    other: frozenset[str]

    @property
    def terms(self) -> frozenset[str]:
        """All of them."""
        return self.organ | self.target | self.other | frozenset(self.structure)


@dataclass(frozen=True, eq=False, slots=True)
class Anatomy:
    """The facts of ``anatomy.yaml``; its comments say what each section is for."""

    sites: Mapping[str, Site]
    site_names: Mapping[str, str]
    """What a site is called, without case and signs -> its name; see :meth:`site_called`."""
    female: Facts
    male: Facts
    grown_most: Facts
    """Serial organs, of which most PRVs are made: a margin beside a short word tells it is one of them (``SC PRV``)."""
    never_grown: Facts
    """Structures that a length cuts or shells rather than grows, or that are counted, unless PRV is said."""
    filled: Facts
    """Hollow organs of which *full* says how they were filled on the day."""
    sided_too: Facts
    """Structures of which there are two, though the list names them once: a written side is put behind the name."""
    drawn_as_targets: Facts
    """Structures that ``CTV-SV`` names as the target's own; any other behind a minus may be what was cut off."""
    often_treated: Facts
    """Structures beside which a target is not taken for an overlap, though they are no usual target."""
    vessels: Facts
    treated_vessels: Facts
    beside_targets: Facts
    """Organs at risk that stand beside a target's name when the two overlap."""
    never_treated: Facts
    """Organs before a bare PTV that are what the two share."""
    beside_targets_at: Mapping[str, Facts]
    """Site -> organs that do so only there; elsewhere they are treated."""
    median: Facts
    """Structures in the middle of the body, from left to right."""
    contoured_most: Facts
    """What is contoured at every site and in every clinic, roughly by how often."""
    treated_most: Facts
    """What targets are named after."""
    never_offered: Facts
    """Listed names that any region could be given."""
    nodes_unsaid: Facts
    """Nodes that a target is named after without the word: ``CTV obturator``."""
    parted_by_sides: Facts
    """Organs whose left or right one is a structure of another name."""
    sides_of_parts: Mapping[str, str]
    """Part of a name -> the side it says (``LUL`` -> ``L``)."""
    numbers_in_words: Mapping[str, float]
    """Structure -> a number that the word for it holds in some languages."""
    interpreted_types: InterpretedTypes
    classifiers: Mapping[str, str]
    """Classifier of a target (TG-263 principle T2) -> what a language model is told of it."""
    dose_levels: Mapping[str, str]
    """Dose level of a target (principle T6) -> what a language model is told of it."""
    lines: Mapping[str, SourceLine]
    """Section -> the line it begins on."""

    def site_called(self, text: str) -> str:
        """Return the site that ``text`` (a column of a table, a Body Part Examined) stands for, or ``""``."""
        return self.site_names.get(_plain(text), "")

    def broader_site(self, site: str) -> str:
        """Return the site that ``site`` is part of, or ``""``."""
        known = self.sites.get(site)
        return known.part_of if known else ""

    def nearest_first(self, site: str) -> tuple[str, ...]:
        """Return the site and the broader site it is part of; nothing where the site is unknown (``""``)."""
        return tuple(each for each in (site, self.broader_site(site)) if each)

    def told_by(self, site: str) -> Facts:
        """Return the structures that tell a site."""
        known = self.sites.get(site)
        return known.told_by if known else {}


_LISTS = (
    "female",
    "male",
    "grown_most",
    "filled",
    "sided_too",
    "drawn_as_targets",
    "treated_vessels",
    "beside_targets",
    "never_treated",
    "median",
    "contoured_most",
    "treated_most",
    "never_offered",
    "parted_by_sides",
    "nodes_unsaid",
)
_LISTS_WITH_BEGINNINGS = ("never_grown", "often_treated", "vessels")
_OTHER_SECTIONS = (
    "sites",
    "beside_targets_at",
    "sides_of_parts",
    "numbers_in_words",
    "interpreted_types",
    "classifiers",
    "dose_levels",
)
_SECTIONS = frozenset((*_LISTS, *_LISTS_WITH_BEGINNINGS, *_OTHER_SECTIONS))
_SITE_KEYS = frozenset({"called", "part_of", "next_to", "told_by"})
_TYPE_KEYS = frozenset({"organ", "target", "structure", "other"})


def read_anatomy(document: yamlsource.Mapping, file: str, known: frozenset[str]) -> Anatomy:
    """Make the facts of a parsed file.

    Args:
        document: what :func:`tg263_scp.yamlsource.load` gave.
        file: the name shown in messages and evidence.
        known: every listed name and every name without its side; the file may speak of nothing else.

    Raises:
        NomenclatureError: a section or key is unknown or lacking, a structure or site is not known, or one stands twice.
    """
    return _Reader(file, known).anatomy(document)


class _Reader:
    """Reads the sections of one file; what is wrong is said with its line."""

    def __init__(self, file: str, known: frozenset[str]) -> None:
        self._file = file
        self._known = known

    def anatomy(self, document: yamlsource.Mapping) -> Anatomy:
        self._check_keys(document, _SECTIONS)
        lacking = sorted(_SECTIONS - document.keys())
        if lacking:
            raise self._error(
                1, f"lacks the section '{lacking[0]}'", "a section may be empty: write [] or {}"
            )
        sites = self._sites(self._mapping(document, "sites"))
        lists = {name: self._structures(document[name]) for name in _LISTS}
        lists |= {name: self._structures(document[name], self._beginning) for name in _LISTS_WITH_BEGINNINGS}
        numbers = self._mapping(document, "numbers_in_words")
        return Anatomy(
            **lists,
            sites=sites,
            site_names=self._site_names(document["sites"]),
            beside_targets_at={
                self._site(site, sites): self._structures(organs)
                for site, organs in self._mapping(document, "beside_targets_at").items()
            },
            sides_of_parts=self._sides(self._mapping(document, "sides_of_parts")),
            numbers_in_words={
                self._structure(name, numbers.line_of(name)): self._number(text)
                for name, text in numbers.items()
            },
            interpreted_types=self._types(self._mapping(document, "interpreted_types")),
            classifiers=self._texts(self._mapping(document, "classifiers")),
            dose_levels=self._texts(self._mapping(document, "dose_levels")),
            lines={str(key): SourceLine(self._file, document.line_of(key)) for key in document},
        )

    def _error(self, line: int, problem: str, hint: str) -> NomenclatureError:
        return NomenclatureError(SourceLine(self._file, line), problem, hint=hint)

    def _check_keys(self, found: yamlsource.Mapping, allowed: frozenset[str]) -> None:
        for key in found:
            if key not in allowed:
                raise self._error(found.line_of(key), f"unknown key '{key}'", _nearest(key, allowed))

    def _mapping(self, parent: yamlsource.Mapping, key: str) -> yamlsource.Mapping:
        found = parent[key]
        if not isinstance(found, yamlsource.Mapping):
            raise self._error(parent.line_of(key), f"'{key}' must be a mapping", "write 'key: value' lines")
        return found

    def _structure(self, name: str, line: int) -> str:
        if name not in self._known:
            raise self._error(
                line,
                f"'{name}' is neither a listed name nor one without its side",
                _nearest(name, self._known),
            )
        return str(name)

    def _one(self, name: yamlsource.Text) -> Iterator[str]:
        yield self._structure(name, name.line)

    def _beginning(self, name: yamlsource.Text) -> Iterator[str]:
        """Yield the structure, or with a ``*`` every one that begins so."""
        if not name.endswith("*"):
            yield self._structure(name, name.line)
            return
        found = sorted(known for known in self._known if known.startswith(name[:-1]))
        if not found:
            raise self._error(name.line, f"no listed name begins as '{name}'", "look it up in tg263.yaml")
        yield from found

    def _structures(
        self, value: Any, read: Callable[[yamlsource.Text], Iterator[str]] | None = None
    ) -> dict[str, SourceLine]:
        found: dict[str, SourceLine] = {}
        for text in yamlsource.texts(value):
            for name in (read or self._one)(text):
                if name in found:
                    raise self._error(text.line, f"'{name}' stands here a second time", "keep one of the two")
                found[name] = SourceLine(self._file, text.line)
        return found

    def _sites(self, document: yamlsource.Mapping) -> dict[str, Site]:
        found: dict[str, Site] = {}
        for name in document:
            row = self._mapping(document, name)
            self._check_keys(row, _SITE_KEYS)
            found[str(name)] = Site(
                name=str(name),
                part_of=next(
                    (self._site(text, document) for text in yamlsource.texts(row.get("part_of"))), ""
                ),
                next_to=frozenset(
                    self._site(text, document) for text in yamlsource.texts(row.get("next_to"))
                ),
                told_by=self._structures(row.get("told_by")),
                source=SourceLine(self._file, document.line_of(name)),
            )
        for name, site in found.items():
            broader = found[site.part_of].part_of if site.part_of else ""
            if broader:
                problem = f"'{name}' is part of {site.part_of}, which is part of {broader} itself"
                raise self._error(site.source.line, problem, f"write part_of: {broader}")
        return found

    def _site(self, name: Any, sites: Mapping[str, Any]) -> str:
        if name not in sites:
            raise self._error(name.line, f"unknown site '{name}'", _nearest(name, frozenset(sites)))
        return str(name)

    def _site_names(self, document: yamlsource.Mapping) -> dict[str, str]:
        found = {_plain(site): str(site) for site in document}
        for site, row in document.items():
            for text in yamlsource.texts(row.get("called")):
                if found.setdefault(_plain(text), str(site)) != site:
                    raise self._error(text.line, f"two sites are called '{text}'", "keep one of the two")
        return found

    def _sides(self, document: yamlsource.Mapping) -> dict[str, str]:
        self._check_keys(document, frozenset({"L", "R"}))
        found: dict[str, str] = {}
        for side, parts in document.items():
            for part in yamlsource.texts(parts):
                if part in found:
                    raise self._error(part.line, f"'{part}' stands here a second time", "it has one side")
                found[str(part)] = str(side)
        return found

    def _number(self, text: Any) -> float:
        if not (isinstance(text, yamlsource.Text) and text.isdecimal()):
            line = getattr(text, "line", 0)
            raise self._error(line, "a number in a word is a whole number", "write Duodenum: 12")
        return float(text)

    def _types(self, document: yamlsource.Mapping) -> InterpretedTypes:
        self._check_keys(document, _TYPE_KEYS)
        lacking = sorted(_TYPE_KEYS - document.keys())
        if lacking:
            raise self._error(document.line, f"lacks the key '{lacking[0]}'", "a key may be empty: write []")
        only = self._mapping(document, "structure")
        kinds = {kind: list(yamlsource.texts(document[kind])) for kind in ("organ", "target", "other")}
        seen: set[str] = set()
        for term in (*only, *(term for terms in kinds.values() for term in terms)):
            if term in seen:
                raise self._error(term.line, f"the term '{term}' stands here a second time", "keep one")
            seen.add(term)
        return InterpretedTypes(
            organ=frozenset(map(str, kinds["organ"])),
            target=frozenset(map(str, kinds["target"])),
            structure={str(term): tuple(self._structures(names)) for term, names in only.items()},
            other=frozenset(map(str, kinds["other"])),
        )

    def _texts(self, document: yamlsource.Mapping) -> dict[str, str]:
        for key, text in document.items():
            if not isinstance(text, yamlsource.Text) or not text:
                raise self._error(document.line_of(key), f"'{key}' needs a text", "write 'key: text'")
        return {str(key): str(text) for key, text in document.items()}


def _plain(text: str) -> str:
    return "".join(c for c in fold(text) if c.isalnum())


def _nearest(text: str, known: frozenset[str]) -> str:
    alike = get_close_matches(text, sorted(known), n=3, cutoff=0.5)
    if alike:
        return f"did you mean {' or '.join(alike)}?"
    return f"known: {', '.join(sorted(known)[:20])}" if len(known) <= 20 else "look it up in tg263.yaml"
