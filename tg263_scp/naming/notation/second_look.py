"""The second look: a name that alone is left for review, read again in the light of its set.

Another way to read a name comes from what the set shares (S050), from its mirror names (S060) or from its numbers (S070). The
rules read that text as they read any name; vetoes then look at the whole written name. A name that was read alone keeps what
it became, with two exceptions: a side letter that alone looked like a part of the word (``COCHLEAR`` beside ``COCHLEAL``),
and a rank that alone looked like an index (``1 CTV`` between ``0 GTV`` and ``2 PTV``).

Where two ways lead to different names the name stays for review. The codes stand in ``SET_RULES`` at the end.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from tg263_scp.decision import Candidate, Decision, Kind, Reason, Roi, Status, Step
from tg263_scp.naming.notation.explained_targets import target_readings
from tg263_scp.naming.notation.mirror_names import Mirror, Place, is_spoken, mirrors, unpaired
from tg263_scp.naming.notation.number_families import families, ranks_of_types, running_ranks, vertebrae
from tg263_scp.naming.notation.shared_words import Stripped, without_shared
from tg263_scp.naming.query import Proposal, Query
from tg263_scp.naming.standard.nomenclature import Nomenclature
from tg263_scp.naming.words.lexicon import Lexicon

Looked = tuple[Decision, Proposal | None]
"""A decision, and the proposal it was made of."""
Read = Callable[[int, str], Looked]
"""Reads another text in place of the name of the ROI at an index."""
Objection = Callable[[Query, Proposal], str]
"""What the vetoes have against a proposal, in words; empty where nothing."""

_CERTAIN = frozenset({"R010", "R020", "R040", "R050", "R060", "R070"})
"""Rules whose reading is believed a second time; a misspelling is not, nor is what a helper word leaves alone."""
_HELPER = "R045"
_SHORTENED = "R075"
_CONFIDENCE = 0.9
_MOST_OFFERED = 5
_LEAST_FOREIGN = 2
"""Mirror names that prove a letter of a language which the set does not show."""
_INDEX = re.compile(r"(?<=TV)\d")
_UNREAD = frozenset({Reason.UNMATCHED, Reason.PART_UNKNOWN})


@dataclass(frozen=True, slots=True)
class _Way:
    """Another way to read the name at ``index``. ``replaces`` tells what it may become instead of what it is alone."""

    index: int
    code: str
    text: str
    notes: tuple[str, ...]
    numbers: tuple[str, ...] = ()
    replaces: Callable[[str, str], bool] = lambda alone, now: False


@dataclass(frozen=True, slots=True)
class _Set:
    """One set under a second look."""

    rois: Sequence[Roi]
    first: Sequence[Looked]
    nomenclature: Nomenclature
    languages: frozenset[str]
    site: str
    read: Read
    objection: Objection
    pairs: int
    """Mirror names with sides written alike from which that is the notation of the set"""

    def is_open(self, index: int) -> bool:
        """Tell whether the name was left for review when it was read alone."""
        return self.rois[index].readable and self.first[index][0].status is Status.REVIEW

    def named(self, index: int, text: str, *, rules: frozenset[str] = _CERTAIN) -> str:
        """Return the standard name that a text leads to; empty where it leads to none for certain."""
        decision, _ = self.read(index, text)
        return decision.name if decision.status is not Status.REVIEW and decision.rule in rules else ""


def is_worth_a_look(alone: Decision) -> bool:
    """Tell whether the set may say more about a name than the name alone.

    The name is open, it begins with a number, or a helper word was found in a single word that may end in a side.
    """
    if alone.rule == _HELPER and alone.original.isalpha():
        return True
    return alone.status is Status.REVIEW or alone.original.lstrip()[:1].isdecimal()


def second_look(
    rois: Sequence[Roi],
    first: Sequence[Looked],
    nomenclature: Nomenclature,
    *,
    site: str,
    languages: frozenset[str],
    read: Read,
    objection: Objection,
    share: float,
    pairs: int,
) -> list[Looked]:
    """Return the decisions of a set with those that its other names explain; the order of the ROIs does not matter."""
    whole = _Set(rois, first, nomenclature, languages, site, read, objection, pairs)
    names = [roi.name if roi.readable else "" for roi in rois]
    bare = _bare(tuple(names), nomenclature.lexicon, share)
    found: dict[int, list[Looked]] = {}
    for way in (*_shared(whole, bare), *_mirrored(whole, bare), *_numbered(whole, bare)):
        looked = _looked(whole, way)
        if looked:
            found.setdefault(way.index, []).append(looked)
    answers = list(first)
    for index, ways in found.items():
        named = [looked for looked in ways if looked[0].status is not Status.REVIEW]
        if len({decision.name for decision, _ in named}) == 1:
            answers[index] = named[0]
        else:
            decision, proposal = first[index]
            answers[index] = replace(decision, candidates=_offered(decision, ways)), proposal
    return answers


def _offered(alone: Decision, ways: Sequence[Looked]) -> tuple[Candidate, ...]:
    """Return what a name that stays open may be: what the set leads to comes before what the name alone does."""
    led_to = [
        Candidate(decision.name, decision.confidence)
        for decision, _ in ways
        if decision.status is not Status.REVIEW
    ]
    offered = [*led_to, *(c for decision, _ in ways for c in decision.candidates), *alone.candidates]
    return tuple({candidate.name: candidate for candidate in reversed(offered)}.values())[::-1][
        :_MOST_OFFERED
    ]


@lru_cache(maxsize=64)
def _bare(names: tuple[str, ...], lexicon: Lexicon, share: float) -> tuple[Stripped, ...]:
    """Return the names without what they share and without ranks; a set is looked at again once its site is known."""
    bare = without_shared(names, lexicon, share=share)
    for ranks in (ranks_of_types(bare), running_ranks(bare)):
        for index, name in ranks.items():
            bare[index] = name
    return tuple(bare)


def _shared(whole: _Set, bare: Sequence[Stripped]) -> Iterator[_Way]:
    """S050: the name without the beginning or the ending that most names of the set share: renamed.

    What was taken out stands in the note with its count, ``14 of 17``. Nothing is taken out in sets of fewer than five names,
    where two names would become equal, or where it says something: a side in any language, a target type, PRV, a margin, a
    dose, a number, a phase or a time, a helper word; ``z`` and ``_``.
    """
    for index, name in enumerate(bare):
        ranked = any("rank" in note for note in name.notes)
        if name.notes and (whole.is_open(index) or ranked):
            yield _Way(
                index, "S070" if ranked else "S050", name.text, name.notes, name.numbers, _loses_its_index
            )


def _loses_its_index(alone: str, now: str) -> bool:
    """Tell whether a target that alone has an index is the same target without it."""
    return alone != now and _INDEX.sub("", alone, count=1) == now


def _mirrored(whole: _Set, bare: Sequence[Stripped]) -> Iterator[_Way]:
    """S060: a side letter that the mirror name in the set proves, or the notation of at least three pairs: renamed.

    ``LLACR`` beside ``RLACR`` is a left lacrimal gland: both have to be the two sides of one structure. Which letter is left
    comes from the pack of one language.
    """
    texts = [name.text for name in bare]
    lexicon = whole.nomenclature.lexicon
    found = mirrors(texts, lexicon, whole.languages)
    proven = [mirror for mirror in found if _proven(whole, mirror)]
    for mirror in found:
        if not whole.named(mirror.index, mirror.texts()[0]):
            yield _Way(mirror.index, "S060", mirror.texts()[0], ())  # what it may be is worth offering
    pairs = {style: count // 2 for style, count in sorted(Counter(m.style for m in proven).items())}
    for mirror in proven:
        if pairs[mirror.style] < _LEAST_FOREIGN and not is_spoken(mirror.style, lexicon, whole.languages):
            continue
        notes = (
            *bare[mirror.index].notes,
            f"its mirror name stands beside it: '{mirror.place.marker}' is a side",
        )
        yield _Way(mirror.index, "S060", mirror.texts()[0], notes, bare[mirror.index].numbers, _gains_a_side)
    usual = {style: count for style, count in pairs.items() if count >= whole.pairs}
    open_texts = [
        text if whole.is_open(index) and whole.first[index][0].reason in _UNREAD else ""
        for index, text in enumerate(texts)
    ]
    for index, place, side, style in unpaired(open_texts, usual, lexicon):
        if _is_side_of(whole, index, place, side):
            note = f"sides of this set are {style.said}: {usual[style]} pairs"
            text = place.with_side(side)
            yield _Way(index, "S060", text, (*bare[index].notes, note), bare[index].numbers)


def _gains_a_side(alone: str, now: str) -> bool:
    return now in (f"{alone}_L", f"{alone}_R")


def _proven(whole: _Set, mirror: Mirror) -> bool:
    """Tell whether a name and its mirror are the two sides of one structure.

    What the mirror became alone has to be its side, or the structure without one.
    """
    own, other = mirror.texts()
    name, mirrored = whole.named(mirror.index, own), whole.named(mirror.other, other)
    if not name or mirrored != _mirror_name(name) or mirrored == name:
        return False
    for index, now in ((mirror.index, name), (mirror.other, mirrored)):
        alone = whole.first[index][0]
        if alone.status is Status.REVIEW or alone.name == now or _gains_a_side(alone.name, now):
            continue
        partner = mirror.other if index == mirror.index else mirror.index
        if alone.rule != _HELPER or whole.first[partner][0].name != _mirror_name(now):
            return False  # beside an OPTNRVL that is read alone, OPTNRVR is no 'rvr'
    return True


def _mirror_name(name: str) -> str:
    """Return a standard name with left and right exchanged.

    >>> _mirror_name("OpticNrv_PRV03_L"), _mirror_name("PTV_6000^R"), _mirror_name("Bladder")
    ('OpticNrv_PRV03_R', 'PTV_6000^L', 'Bladder')
    """
    for side, other in (("L", "R"), ("R", "L")):
        for sign in "_^":
            if name.endswith(f"{sign}{side}"):
                return f"{name[:-1]}{other}"
    return name


def _is_side_of(whole: _Set, index: int, place: Place, side: str) -> bool:
    """Tell whether what is left without the marker is a structure that may have this side."""
    name = whole.named(index, place.with_side(side))
    without, _ = whole.read(index, place.without_side())
    wants_a_side = without.reason is Reason.SIDE_MISSING or _gains_a_side(without.name, name)
    return wants_a_side and name.endswith(f"_{side}")


def _numbered(whole: _Set, bare: Sequence[Stripped]) -> Iterator[_Way]:
    """S070: numbers that the whole set explains: a rank that sorts names is left out; a level, an index or a dose is named.

    ``0 GTV``, ``1 CTV``, ``2 PTV`` have ranks; ``Ax1``, ``Ax2``, ``Ax3`` are levels; ``GTV 50`` beside ``PTV 50`` has a dose.
    """
    texts = [name.text for name in bare]
    for index, text, note in (*families(texts), *vertebrae(texts)):
        if whole.is_open(index) and whole.named(index, text).startswith(("LN_", "VB_")):
            yield _Way(index, "S070", text, (*bare[index].notes, note), bare[index].numbers)
    alone = [decision for decision, _ in whole.first]
    for index, text, note in target_readings(texts, alone, whole.nomenclature, whole.site):
        yield _Way(index, "S070", text, (*bare[index].notes, note), bare[index].numbers)


def _looked(whole: _Set, way: _Way) -> Looked | None:
    """Read a name another way; None where that leads to nothing, or to what the vetoes or the name alone forbid.

    What is left for review again may have candidates worth offering.
    """
    alone, _ = whole.first[way.index]
    decision, proposal = whole.read(way.index, way.text)
    note = "; ".join(way.notes)
    trail = (*alone.trail, Step(way.code, note), *decision.trail, *_inferred(way.numbers))
    if decision.rule == _HELPER:
        if not (whole.is_open(way.index) and way.code == "S050" and decision.status is Status.KEEP):
            return None
        return replace(
            decision, original=alone.original, name=alone.original, note=note, trail=trail
        ), proposal
    if decision.status is Status.REVIEW:
        return (decision, proposal) if whole.is_open(way.index) and decision.candidates else None
    if decision.rule not in _CERTAIN and not (way.code == "S050" and decision.rule == _SHORTENED):
        return None
    a_helper = way.code == "S060" and alone.rule == _HELPER
    if alone.status is not Status.REVIEW and not (a_helper or way.replaces(alone.name, decision.name)):
        return None
    roi = whole.rois[way.index]
    query = Query(roi.name, roi.interpreted_type, whole.site, whole.languages, ranks=way.numbers)
    made = Proposal(way.code, Status.RENAME, _REASONS[way.code], decision.name, kind=decision.kind)
    if whole.objection(query, made):
        return None
    return (
        replace(
            decision,
            original=alone.original,
            status=Status.KEEP if decision.name == alone.original else Status.RENAME,
            rule=way.code,
            reason=_REASONS[way.code],
            confidence=min(decision.confidence, _CONFIDENCE),
            note=note,
            trail=trail,
            kind=Kind.PRV if "_PRV" in decision.name else decision.kind,
        ),
        proposal,
    )


def _inferred(numbers: Sequence[str]) -> Iterator[Step]:
    """Say in V020's place that a number of the written name is none of the structure's."""
    if numbers:
        yield Step(
            "V020",
            f"no objection; {', '.join(numbers)} was inferred to be a rank or a copy of the set, no part of the name",
        )


_REASONS = {"S050": Reason.SHARED_TAKEN_OUT, "S060": Reason.MIRROR_NAME, "S070": Reason.NUMBERS_OF_SET}

SET_RULES: tuple[tuple[str, Callable[..., object]], ...] = (
    ("S050", _shared),
    ("S060", _mirrored),
    ("S070", _numbered),
)
"""In the order they are asked, about names that alone are left for review."""
