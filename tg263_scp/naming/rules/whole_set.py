"""What only the whole structure set can tell: its site, its language, and two ROIs that would bear one name.

Its codes stand in ``WHOLE_SET_RULES`` at the end, in the order they are asked.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import lru_cache

from tg263_scp.decision import Candidate, Decision, Reason, Roi, Status, Step
from tg263_scp.naming.organs.margins import take_margin, take_padded
from tg263_scp.naming.query import Proposal
from tg263_scp.naming.standard import grammar
from tg263_scp.naming.standard.nomenclature import Nomenclature
from tg263_scp.naming.words.letters import squeeze, tokenise

_FIRST_COUNTED = frozenset({0, 1, 2})
"""Numbers with which counting begins, and no margin does."""
_MOST_MARGINS = 2
"""Margins of one structure in a set; more names that differ in their number alone are counted."""

_LEAST_VOTES = 2
_SIDE_LETTERS = {"left": "l", "lt": "l", "right": "r", "rt": "r"}
_LONGEST_ABBREVIATION = 5
"""Letters up to which a name may be an abbreviation, or a short word of a language that nobody speaks here."""


def infer_site(decided: Sequence[tuple[Decision, Proposal | None]], nomenclature: Nomenclature) -> str:
    """Return the site that the certain names of the set point to, or ``""`` where fewer than two do or two sites tie."""
    stems: set[str] = set()
    for decision, _ in decided:
        if decision.status is Status.REVIEW:
            continue
        parsed = grammar.parse(decision.name, nomenclature)
        if isinstance(parsed, grammar.OrganName):
            stems.add(parsed.stem)
    return _site_told_by(frozenset(stems), nomenclature)


@lru_cache(maxsize=4096)
def _site_told_by(stems: frozenset[str], nomenclature: Nomenclature) -> str:
    sites = nomenclature.anatomy.sites
    own = {site: len(stems & known.told_by.keys()) for site, known in sites.items()}
    # what tells the pelvis speaks for the prostate too, once something tells the prostate
    votes = {
        site: own[site] + own[known.part_of] if own[site] and known.part_of else own[site]
        for site, known in sites.items()
    }
    most = max(votes.values(), default=0)
    told = [site for site, count in votes.items() if count == most]
    return told[0] if most >= _LEAST_VOTES and len(told) == 1 else ""


def infer_languages(proposals: Sequence[Proposal | None]) -> frozenset[str]:
    """Return the one language that most names of the set need, beside English, Latin and the list; else nothing."""
    votes: Counter[str] = Counter()
    for proposal in proposals:
        if proposal and proposal.languages and not proposal.languages & {"en", "tg263"}:
            votes.update(proposal.languages - {"la"})
    if not votes:
        return frozenset()
    (first, most), *rest = votes.most_common(2)
    if most < _LEAST_VOTES or (rest and rest[0][1] == most):
        return frozenset()
    return frozenset({first})


def refuse_unwritable(decisions: Sequence[Decision], rois: Sequence[Roi]) -> list[Decision]:
    """V090: the character set of the object cannot write the new name (ISO_IR 13 has an overline where ASCII has ``~``)."""
    note = "the character set of the object cannot write this name"
    return [
        _stopped(decision, "V090", Reason.VETO_CHARSET, note)
        if decision.status is Status.RENAME and set(decision.name) & set(roi.unwritable)
        else decision
        for decision, roi in zip(decisions, rois, strict=True)
    ]


def half_pairs(decisions: Sequence[Decision], nomenclature: Nomenclature) -> frozenset[str]:
    """Return the structures of which the certain names of the set hold one side and not the other."""
    sides: dict[str, set[str]] = {}
    for decision in decisions:
        parsed = grammar.parse(decision.name, nomenclature)
        if isinstance(parsed, grammar.OrganName) and nomenclature.stems[parsed.stem].paired:
            sides.setdefault(parsed.stem, set()).update(parsed.spatial)
    return frozenset(stem for stem, seen in sides.items() if len(seen & {"L", "R"}) == 1)


def doubt_the_other_sex(decisions: Sequence[Decision], nomenclature: Nomenclature) -> list[Decision]:
    """S040: an abbreviation would become an organ of the sex that the set does not show.

    ``SV`` beside a uterus is no seminal vesicle. Words written out are believed: templates of a clinic hold both sexes.
    """
    certain = {name for d in decisions if not _is_abbreviation(d) for name in _structures_of(d)}
    organs = nomenclature.anatomy
    female, male = not certain.isdisjoint(organs.female), not certain.isdisjoint(organs.male)
    if female == male:
        return list(decisions)
    other = organs.male.keys() if female else organs.female.keys()
    note = "the set shows the other sex"
    return [
        _stopped(d, "S040", Reason.OTHER_SEX, note)
        if d.status is Status.RENAME and _is_abbreviation(d) and not other.isdisjoint(_structures_of(d))
        else d
        for d in decisions
    ]


def _is_abbreviation(decision: Decision) -> bool:
    return decision.status is Status.RENAME and _is_short(decision.original)


@lru_cache(maxsize=16384)
def _is_short(name: str) -> bool:
    return len(squeeze(name)) <= _LONGEST_ABBREVIATION


def _structures_of(decision: Decision) -> tuple[str, ...]:
    """Return the names that a decision may be known by in the facts of anatomy: the name, and its stem."""
    if decision.status is Status.REVIEW:
        return ()
    return decision.name, decision.name.partition("_PRV")[0].removesuffix("_L").removesuffix("_R")


def settle_clashes(decisions: Sequence[Decision]) -> tuple[Decision, ...]:
    """Send to review every rename that would give two ROIs of the set one name (S010, S020).

    ROIs that bear one name already are not ours to part: they keep it. Where a side is missing, a name that another ROI of
    the set bears is offered last: beside ``Parotid_R`` a ``Parotid`` is most likely the left one, but a person says so.
    """
    kept = Counter(d.name.strip().casefold() for d in decisions if d.status is not Status.RENAME)
    given = Counter(d.name.casefold() for d in decisions if d.status is Status.RENAME)
    borne = frozenset(kept) | frozenset(given)
    plain = Counter(d.name.casefold() for d in decisions if given[d.name.casefold()] > 1 and _is_plain(d))
    return tuple(_free_first(_settled(d, kept, given, plain), borne) for d in decisions)


def _is_plain(decision: Decision) -> bool:
    """Tell whether a name is the listed name itself in other letters and order: ``Right Eye`` is, ``Right Globe`` is not."""
    if decision.status is not Status.RENAME:
        return False
    said = [_SIDE_LETTERS.get(token.text, token.text) for token in tokenise(decision.original)]
    return sorted(filter(str.isalnum, said)) == sorted(token.text for token in tokenise(decision.name))


def _free_first(decision: Decision, borne: frozenset[str]) -> Decision:
    if decision.reason is not Reason.SIDE_MISSING:
        return decision
    offered = sorted(decision.candidates, key=lambda candidate: candidate.name.casefold() in borne)
    return replace(decision, candidates=tuple(offered))


def _settled(decision: Decision, kept: Counter[str], given: Counter[str], plain: Counter[str]) -> Decision:
    """S020: a ROI would get a name that another one keeps.

    S010: two ROIs would get the same new name; both are left for review, unless one of them alone is the listed name itself
    in other letters: beside a ``Right Globe`` a ``Right Eye`` becomes ``Eye_R``, as an ``Eye_R`` would stay.

    Names are compared without case, as treatment planning systems do.
    """
    if decision.status is not Status.RENAME:
        return decision
    key = decision.name.casefold()
    if kept[key]:
        code, reason, note = "S020", Reason.CLASH_KEPT_NAME, "another ROI of the set keeps this name"
    elif given[key] > 1 and not (plain[key] == 1 and _is_plain(decision)):
        code, reason, note = "S010", Reason.CLASH_SAME_NAME, "another ROI of the set would get the same name"
    else:
        return decision
    return _stopped(decision, code, reason, note)


def doubt_counted_margins(decisions: Sequence[Decision], nomenclature: Nomenclature) -> list[Decision]:
    """S080: a number by which the set counts is not read as a margin: ``Liver_03`` beside ``Liver_01``.

    Names that differ in this number alone are compared. Where one of them is 00, 01 or 02, or where there are more than two
    numbers, each that would become a PRV is left for review.
    """
    families: dict[tuple[str, ...], set[int]] = defaultdict(set)
    counted = [_words_and_number(decision.original) for decision in decisions]
    for words, number in filter(None, counted):
        families[words].add(number)
    note = "names of the set differ in this number alone: it counts, and may be no margin"
    result = []
    for decision, found in zip(decisions, counted, strict=True):
        numbers = families[found[0]] if found else set()
        counting = len(numbers) > _MOST_MARGINS or bool(numbers & _FIRST_COUNTED)
        doubted = counting and decision.status is Status.RENAME and _is_bare_margin(decision, nomenclature)
        result.append(_stopped(decision, "S080", Reason.MARGIN_UNCLEAR, note) if doubted else decision)
    return result


@lru_cache(maxsize=16384)
def _words_and_number(name: str) -> tuple[tuple[str, ...], int] | None:
    """Return the words of a name and its only number, where that has two digits."""
    tokens = tokenise(name, camel=False)
    numbers = [token.text for token in tokens if token.is_number]
    if len(numbers) != 1 or len(numbers[0]) != len("01") or not numbers[0].isdecimal():
        return None
    return tuple(token.text for token in tokens if not token.is_number), int(numbers[0])


def _is_bare_margin(decision: Decision, nomenclature: Nomenclature) -> bool:
    tokens = tokenise(decision.original, camel=False)
    said = take_margin(tokens, nomenclature.lexicon)[0]
    return "_PRV" in decision.name and said is None and take_padded(tokens)[0] is not None


def _stopped(decision: Decision, code: str, reason: Reason, note: str) -> Decision:
    return replace(
        decision,
        status=Status.REVIEW,
        name=decision.original,
        rule=code,
        reason=reason,
        confidence=0.0,
        note=note,
        candidates=(Candidate(decision.name, decision.confidence), *decision.candidates),
        trail=(*decision.trail, Step(code, note)),
    )


WHOLE_SET_RULES: tuple[tuple[str, Callable[..., object]], ...] = (
    ("S040", doubt_the_other_sex),
    ("S080", doubt_counted_margins),
    ("V090", refuse_unwritable),
    ("S020", _settled),
    ("S010", _settled),
)
"""In the order they are asked; each leaves a rename for review."""
