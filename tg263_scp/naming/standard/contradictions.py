"""Do the packs contradict themselves or the list? What ``nomenclature check`` asks before a word may decide anything."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from tg263_scp.errors import SourceLine
from tg263_scp.naming.standard.nomenclature import SHORT_NAME, Nomenclature, relaxed
from tg263_scp.naming.words.lexicon import Pack, Phrase, Sense, phrase_keys


@dataclass(frozen=True, slots=True)
class Contradiction:
    """Two lines that cannot both be right, or one that the list contradicts."""

    where: SourceLine
    problem: str
    other: SourceLine | None = None

    def __str__(self) -> str:
        return f"{self.where}: {self.problem}" + (f" (see {self.other})" if self.other else "")


def contradictions(nomenclature: Nomenclature) -> tuple[Contradiction, ...]:
    """Return every contradiction of the packs, in the order of files and lines.

    A phrase must not mean two things in one language at one site, nor be both a structure and unlisted or ambiguous there;
    it must not be spelt like a listed name of another structure; a word must not be a side and a mark.
    """
    found: list[Contradiction] = []
    for pack in nomenclature.packs:
        found.extend(_two_meanings(pack))
        found.extend(_shadows(pack, nomenclature))
        found.extend(_side_and_mark(pack))
    return tuple(sorted(set(found), key=lambda c: (c.where.file, c.where.line, c.problem)))


def _two_meanings(pack: Pack) -> Iterator[Contradiction]:
    seen: dict[tuple[str, str], Phrase] = {}
    for phrase in pack.phrases:
        for key in phrase_keys(phrase, pack.words):
            first = seen.setdefault((key, phrase.site), phrase)
            if first.means != phrase.means or first.sense is not phrase.sense:
                here, there = _meaning(phrase), _meaning(first)
                yield Contradiction(
                    phrase.source, f"'{phrase.text}' means {here} here and {there} elsewhere", first.source
                )


def _meaning(phrase: Phrase) -> str:
    return phrase.means if phrase.sense is Sense.STRUCTURE else f"'{phrase.sense}'"


def _shadows(pack: Pack, nomenclature: Nomenclature) -> Iterator[Contradiction]:
    for phrase in pack.phrases:
        entries = nomenclature.respellings.get(relaxed(phrase.text), ())
        for entry in entries:
            own = entry.name == phrase.means or entry.name in _forms(phrase.means, nomenclature)
            if phrase.site or len(phrase.text) <= SHORT_NAME:
                continue  # the look-up is asked before the spelling
            if not own and phrase.sense is Sense.STRUCTURE and entry.kind not in ("planning", "target"):
                problem = f"'{phrase.text}' is how {entry.name} is spelt, and can never mean {phrase.means}"
                yield Contradiction(phrase.source, problem, entry.source)


def _forms(means: str, nomenclature: Nomenclature) -> tuple[str, ...]:
    stem = nomenclature.stems.get(means)
    return (stem.bare, stem.left, stem.right, stem.plural) if stem else ()


def _side_and_mark(pack: Pack) -> Iterator[Contradiction]:
    for word in sorted(set(pack.sides) & set(pack.marks)):
        yield Contradiction(
            SourceLine(pack.file, 0),
            f"'{word}' is both a side ({pack.sides[word]}) and a mark ({pack.marks[word]})",
        )
