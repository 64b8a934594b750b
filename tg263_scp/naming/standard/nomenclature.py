"""What the TG-263 list is made of once read: entries, stems, a clinic's own mappings, and all of it together."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from tg263_scp.errors import SourceLine
from tg263_scp.naming.standard.anatomy import Anatomy
from tg263_scp.naming.words.letters import fold
from tg263_scp.naming.words.lexicon import Lexicon, Pack

SPOKEN_KINDS = frozenset({"organ", "device"})
"""Kinds whose names are words of anatomy: targets, PRVs and derived names have grammars of their own."""


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
    def any_form(self) -> str:
        """One name of the list that this structure has; all its forms are of one kind and region."""
        return self.bare or self.left or self.right or self.plural

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
    local: bool = False
    """It becomes no TG-263 name, and that is wanted."""


@dataclass(frozen=True, eq=False)
class Nomenclature:
    """Everything naming knows; build it with :func:`load_nomenclature`.

    ``digest`` is the SHA-256 over all files read, in their order; ``edition`` the day of the worksheet (YYYYMMDD).
    """

    entries: Mapping[str, Entry]
    patterns: tuple[tuple[re.Pattern[str], Entry], ...]
    stems: Mapping[str, Stem]
    anatomy: Anatomy
    lexicon: Lexicon
    digest: str
    edition: str = ""
    packs: tuple[Pack, ...] = ()
    clinic: Mapping[str, tuple[ClinicMapping, ...]] = field(default_factory=dict)
    clinic_keeps: Mapping[str, SourceLine] = field(default_factory=dict)
    """Patterns of names that the clinic never wants touched, each with its line of the overlay."""
    clinic_unsigned: SourceLine | None = None
    """Where the overlay does not say who approved it."""
    respellings: Mapping[str, tuple[Entry, ...]] = field(default_factory=dict)
    gathering: frozenset[str] = frozenset()
    """Beginnings (``Musc_Constrict_``) of names that are parts of one listed whole."""
    structure_slots: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Names and stems that may stand in the structure slot of a target (principle T5), by their spelling without ``_``."""

    @property
    def names(self) -> tuple[str, ...]:
        """The listed names, without the patterns."""
        return tuple(self.entries)

    def is_organ_stem(self, stem: str) -> bool:
        """Tell whether a stem is anatomy or a device, not itself a PRV, a target or a derived name."""
        return self.entries[self.stems[stem].any_form].kind in SPOKEN_KINDS

    def pattern_for(self, name: str) -> Entry | None:
        """Return the pattern of the list that ``name`` fills (``SpinalCord_PRV05``), if any."""
        for expression, entry in self.patterns:
            if expression.fullmatch(name):
                return entry
        return None


SHORT_NAME = 4
"""Characters up to which a listed name may be somebody's abbreviation for something else."""


def relaxed(name: str) -> str:
    """Return the spelling of a name without case, spaces, underscores and dots; ``-`` and other signs stay.

    >>> relaxed("Spinal_Cord"), relaxed("lungs - PTV")
    ('spinalcord', 'lungs-ptv')
    """
    return re.sub(r"[\s_.]+", "", fold(name))
