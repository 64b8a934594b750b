"""Rule R080: the unknown words of a name corrected, the corrected name looked up, the runner-up kept in sight."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import product

from tg263_scp.decision import Candidate, Reason, Status
from tg263_scp.naming.organs.reading import Finding, OrganReading, read_words
from tg263_scp.naming.query import NamingOptions, Proposal, Query
from tg263_scp.naming.rules.rules import from_reading
from tg263_scp.naming.rules.spelling import completions, contested, corrections
from tg263_scp.naming.standard import grammar
from tg263_scp.naming.standard.nomenclature import Nomenclature
from tg263_scp.naming.targets.filling import type_tokens
from tg263_scp.naming.words.letters import Token, tokenise
from tg263_scp.naming.words.lexicon import WIDE_LANGUAGES

_FOREIGN_PENALTY = 0.06
"""Taken off a close match in a language that the set does not show: short words of many languages look alike."""
_SHORTEST_CUT = 2
_SHORTEST_CUT_SIDE = 3
"""Letters of a word (of a side) cut off after 16 characters from which its end is looked for."""
_SHORTEST_ALONE = 6
"""Letters below which a misspelt word that stands alone is only a suggestion: ``Braun`` is a name."""
_SHORTEST_HUMP = 4
"""Letters of every part of a word in camel case from which it is corrected as a whole; a shorter one may be a side."""
_MOST_WAYS = 24
"""Ways of correcting a name that are looked at, nearest first."""


def close_match(query: Query, nomenclature: Nomenclature, options: NamingOptions) -> Proposal | None:
    """A misspelt name: words of the core one or two letters off corrected, then looked up: renamed when unmistakable."""
    if type_tokens(query, nomenclature.lexicon)[1]:
        return None
    whole = () if any(_has_short_hump(token) for token in query.words) else (query.words,)
    for cut in dict.fromkeys((*whole, query.camel_words)):
        found = _corrected(cut, query, nomenclature)
        if found is not None:
            return _close(found, query, nomenclature, options)
    return _completed(query, nomenclature)


def _has_short_hump(token: Token) -> bool:
    """Tell whether a word in camel case has a part so short that it may be a side: glued, ``PraotideSx`` would lose it."""
    humps = tokenise(token.raw)
    return len(humps) > 1 and any(len(hump.text) < _SHORTEST_HUMP for hump in humps)


def _completed(query: Query, nomenclature: Nomenclature) -> Proposal | None:
    """Complete the last word of a name that a planning system cut off after 16 characters (``Optic Nerve Righ``).

    Every known word that begins so is tried; they must all lead to one name.
    """
    last = query.camel_words[-1] if query.camel_words else None
    if (
        len(query.name) != grammar.MAX_LENGTH
        or last is None
        or not last.is_word
        or len(last.text) < _SHORTEST_CUT
    ):
        return None
    lexicon = nomenclature.lexicon
    if any(last.text in known for known in (lexicon.vocabulary, lexicon.sides, lexicon.marks)):
        return None
    names: dict[str, OrganReading] = {}
    for word in completions(last.text, lexicon):
        if word in lexicon.sides and len(last.text) < _SHORTEST_CUT_SIDE:
            continue
        whole = (*query.camel_words[:-1], Token(word, last.raw, last.joined))
        reading = read_words((whole,), query, nomenclature)
        if reading.finding not in (Finding.NOTHING, Finding.NO_STANDARD_NAME):
            names[reading.name or reading.finding] = reading
    if len(names) != 1 or not next(iter(names.values())).name:
        return None
    found = next(iter(names.values()))
    proposal = from_reading("R080", Reason.CLOSE_MATCH, 0.9, found, nomenclature)
    return replace(proposal, note="cut off after 16 characters; only one name begins so")


@dataclass(frozen=True, slots=True)
class _Close:
    """What a name reads as once corrected: how many of its letters were wrong, and how many more the runner-up needs."""

    reading: OrganReading
    words: int
    letters: int
    wrong: int
    ahead: int
    supported: bool
    runner_up: OrganReading | None


def _close(found: _Close, query: Query, nomenclature: Nomenclature, options: NamingOptions) -> Proposal:
    """Rename where few letters are wrong (the floor) and the runner-up is far enough behind (the gap); else suggest."""
    languages = {phrase.language for phrase in found.reading.phrases}
    foreign = 0.0 if languages & (query.languages | WIDE_LANGUAGES) else _FOREIGN_PENALTY
    score = 1 - found.wrong / found.letters - foreign
    gap = found.ahead / found.letters
    note = f"{found.words} word(s) corrected by {found.wrong} letter(s)"
    if found.runner_up:
        note += (
            f"; runner-up {found.runner_up.name or found.runner_up.structure}, {found.ahead} letter(s) behind"
        )
    confidence = round(0.95 * score, 3)
    proposal = from_reading("R080", Reason.CLOSE_MATCH, confidence, found.reading, nomenclature)
    penalties = (
        ("wrong_letters", round(1 - score, 3)),
        ("runner_up", round(max(0.0, options.fuzzy_gap - gap), 3)),
    )
    candidate = Candidate(found.reading.name, round(score, 3), penalties)
    doubt = _doubt(found, score, gap, foreign, options)
    if doubt is None:
        return replace(proposal, note=note, candidates=(candidate,))
    return replace(proposal, status=Status.REVIEW, reason=doubt, name="", note=note, candidates=(candidate,))


def _doubt(found: _Close, score: float, gap: float, foreign: float, options: NamingOptions) -> Reason | None:
    """Say why a close match is only a suggestion; None where it is close enough to rename."""
    if score < options.fuzzy_floor:
        near = score + foreign >= options.fuzzy_floor
        return Reason.MISSPELT_FOREIGN if near else Reason.MISSPELT_TOO_FAR
    if gap < options.fuzzy_gap:
        return Reason.MISSPELT_CONTESTED
    alone = found.letters < _SHORTEST_ALONE and not found.supported
    return Reason.MISSPELT_SHORT if alone else None


def is_plural_of(other: OrganReading, reading: OrganReading, nomenclature: Nomenclature) -> bool:
    """Tell whether the other reading fails only in being the plural: ``L submandibualr`` is no rival of itself."""
    entry = nomenclature.entries.get(other.structure)
    return (
        other.finding is Finding.NO_STANDARD_NAME
        and entry is not None
        and entry.plural_of == reading.structure
    )


def _corrected(tokens: tuple[Token, ...], query: Query, nomenclature: Nomenclature) -> _Close | None:
    """Correct the unknown words of a name in every way; None unless the nearest way reads as one listed structure."""
    lexicon = nomenclature.lexicon
    unknown = [t for t in tokens if t.is_word and not lexicon.knows(t.text)]
    if not 1 <= len(unknown) <= 2 or any(t.text in lexicon.usage.other_words for t in unknown):
        return None
    choices = {t.text: corrections(t.text, lexicon) for t in unknown}
    if not all(choices.values()):
        return None
    ways = sorted(product(*choices.values()), key=lambda way: sum(c.distance for c in way))
    nearest: dict[str, tuple[int, OrganReading]] = {}
    for way in ways[:_MOST_WAYS]:
        meant = {c.written: c.meant for c in way}
        changed = tuple(Token(meant.get(t.text, t.text), t.raw, t.joined) for t in tokens)
        reading = read_words((changed,), query, nomenclature)
        if reading.finding is not Finding.NOTHING:
            nearest.setdefault(
                reading.name or reading.structure or reading.finding, (sum(c.distance for c in way), reading)
            )
    if not nearest:
        return None
    (wrong, reading), *others = nearest.values()
    others = [other for other in others if not is_plural_of(other[1], reading, nomenclature)]
    if reading.finding is not Finding.FOUND or any(contested(written, lexicon) for written in choices):
        return None
    letters = sum(len(written) for written in choices)
    second, runner_up = min(others, key=lambda other: other[0], default=(wrong + letters, None))
    supported = len([t for t in tokens if t.is_word]) > len(unknown)
    return _Close(reading, len(choices), letters, wrong, second - wrong, supported, runner_up)
