"""One question to the namer: a ROI name with all that is known around it, and the answer a rule may propose."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

from tg263_scp.decision import Candidate, Kind, Reason, Status
from tg263_scp.errors import SourceLine
from tg263_scp.naming.words.letters import Token, tokenise

_BILATERAL = re.compile(r"(?<![^\W_])b\s*/\s*l(?![^\W_])", re.IGNORECASE)
"""``B/L`` is how English-speaking clinics write *bilateral*."""
_MINUS = re.compile("[\u2010-\u2013\u2212]")
"""Hyphens, the en dash and the minus sign."""
_APOSTROPHE = re.compile(r"(?<=[^\W\d_])['’](?=[sS](?![^\W_]))")
"""``SV's`` are seminal vesicles."""


@dataclass(frozen=True, slots=True)
class Ruling:
    """What people decided about a name in review, as far as it holds for the object at hand (R030).

    ``becomes`` is a TG-263 name; empty where the name stays as it is, ``never_touch`` where that holds whatever the rules say.
    ``one_object`` tells that it was decided for this very object. ``source`` is its line in the store.
    """

    id: str
    becomes: str
    never_touch: bool
    one_object: bool
    source: SourceLine


RulingOn = Callable[[str, int, Sequence[str]], Ruling | None]
"""The ruling on a ROI name, for its ROI Number and the treatment sites of its set, nearest first; None where there is none."""


@dataclass(frozen=True, slots=True)
class NamingOptions:
    """What a clinic may choose.

    ``keep_patterns`` are globs (case ignored) of names never touched. ``planning`` is ``keep`` or ``prefix_z``,
    ``unlisted`` (known anatomy that TG-263 does not list) ``keep`` or ``review``.
    ``languages`` limits the synonym packs (ISO 639-1; empty: all). ``fuzzy_floor`` and ``fuzzy_gap`` (0 to 1) bound a close
    match: how good it must be, and how far ahead of the runner-up. ``identifiers`` are texts of the object's patient that no
    new name may echo. ``ruling_on`` knows what was decided in review about the names of the object at hand.
    ``prefixes_tell`` is false for a set in which most names begin with the letters of a helper. ``notation_share`` is the
    share of names above which a set shares a beginning or an ending, ``notation_pairs`` how many pairs show how it writes
    sides; both are measured in ``benchmarks/``, not configured.
    """

    keep_patterns: tuple[str, ...] = ()
    planning: str = "keep"
    unlisted: str = "keep"
    languages: tuple[str, ...] = ()
    fuzzy_floor: float = 0.79
    fuzzy_gap: float = 0.15
    identifiers: tuple[str, ...] = ()
    ruling_on: RulingOn | None = None
    prefixes_tell: bool = True
    notation_share: float = 0.5
    notation_pairs: int = 3


@dataclass(frozen=True)
class Query:
    """A name and its context. ``site`` and ``languages`` are what the whole set tells, empty where it tells nothing.

    ``ranks`` are numbers of the name that the set shows to be no part of it.
    """

    name: str
    interpreted_type: str = ""
    site: str = ""
    languages: frozenset[str] = frozenset()
    ranks: tuple[str, ...] = ()

    @cached_property
    def text(self) -> str:
        """The name with the apostrophe of a plural left out, ``B/L`` spelt out and the minus of a word processor as ``-``."""
        return _MINUS.sub("-", _APOSTROPHE.sub("", _BILATERAL.sub("bilateral", self.name)))

    @cached_property
    def context(self) -> Query:
        """What the words of a name are read by: site, languages, and the name where its letters tell a language."""
        return Query("" if self.name.isascii() else self.name, "", self.site, self.languages)

    @cached_property
    def words(self) -> tuple[Token, ...]:
        """The tokens, cut at separators and digits only."""
        return tokenise(self.text, camel=False)

    @cached_property
    def camel_words(self) -> tuple[Token, ...]:
        """The tokens, cut at camel-case borders too."""
        return tokenise(self.text)


@dataclass(frozen=True, slots=True)
class Proposal:
    """What one rule would do with a name. The first that survives the vetoes becomes the decision."""

    rule: str
    status: Status
    reason: Reason
    name: str = ""
    confidence: float = 0.0
    kind: Kind = Kind.UNKNOWN
    note: str = ""
    evidence: tuple[SourceLine, ...] = ()
    candidates: tuple[Candidate, ...] = ()
    languages: frozenset[str] = frozenset()
    doubt: str = ""
