"""Do the files contradict themselves or the list? What ``nomenclature check`` asks before a word may decide anything."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from tg263_scp.errors import SourceLine
from tg263_scp.naming.standard import grammar
from tg263_scp.naming.standard.anatomy import Facts
from tg263_scp.naming.standard.nomenclature import SHORT_NAME, Nomenclature, relaxed
from tg263_scp.naming.words.lexicon import Lexicon, Pack, Phrase, Sense, phrase_keys


@dataclass(frozen=True, slots=True)
class Contradiction:
    """Two lines that cannot both be right, or one that the list contradicts."""

    where: SourceLine
    problem: str
    other: SourceLine | None = None

    def __str__(self) -> str:
        return f"{self.where}: {self.problem}" + (f" (see {self.other})" if self.other else "")


def contradictions(nomenclature: Nomenclature) -> tuple[Contradiction, ...]:
    """Return every contradiction of the packs and of the anatomy, in the order of files and lines.

    A phrase must not mean two things in one language at one site, nor be both a structure and unlisted or ambiguous there;
    it must not be spelt like a listed name of another structure; a word must not be a side and a mark, nor a word that may
    be lacking. A structure must not stand in two lists of the anatomy that exclude each other.
    """
    found: list[Contradiction] = [*_two_facts(nomenclature), *_unknown_to_the_grammar(nomenclature)]
    for pack in nomenclature.packs:
        found.extend(_two_meanings(pack, nomenclature))
        found.extend(_shadows(pack, nomenclature))
        found.extend(_side_and_mark(pack))
        found.extend(_said_and_unsaid(pack, nomenclature.lexicon))
    return tuple(sorted(set(found), key=lambda c: (c.where.file, c.where.line, c.problem)))


def _two_meanings(pack: Pack, nomenclature: Nomenclature) -> Iterator[Contradiction]:
    seen: dict[tuple[str, str], Phrase] = {}
    for phrase in pack.phrases:
        for key in phrase_keys(phrase, pack.words, nomenclature.lexicon.usage):
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
        problem = f"'{word}' is both a side ({pack.sides[word]}) and a mark ({pack.marks[word]})"
        yield Contradiction(_line(pack, "sides", word), problem, _line(pack, "marks", word))


def _said_and_unsaid(pack: Pack, lexicon: Lexicon) -> Iterator[Contradiction]:
    """Yield the words that may be lacking between others and are a side in some language."""
    for section in ("little_words", "side_nouns"):
        for word in sorted(getattr(pack.usage, section) & lexicon.sides.keys()):
            problem = f"'{word}' stands under {section} and is a side"
            yield Contradiction(_line(pack, section, word), problem, lexicon.source_of("sides", word))


def _line(pack: Pack, section: str, word: str) -> SourceLine:
    return SourceLine(pack.file, pack.lines[section][word])


_EXCLUDING = (
    ("female", "male"),
    ("grown_most", "never_grown"),
    ("beside_targets", "drawn_as_targets"),
    ("beside_targets", "often_treated"),
    ("never_treated", "drawn_as_targets"),
    ("never_treated", "often_treated"),
    ("never_offered", "contoured_most"),
    ("never_offered", "treated_most"),
)
"""Pairs of lists of the anatomy in both of which no structure can stand."""


def _two_facts(nomenclature: Nomenclature) -> Iterator[Contradiction]:
    anatomy = nomenclature.anatomy
    for first, second in _EXCLUDING:
        there: Facts = getattr(anatomy, second)
        for structure, where in getattr(anatomy, first).items():
            if structure in there:
                problem = f"{structure} stands under {first} and {second}, which exclude each other"
                yield Contradiction(where, problem, there[structure])
    for structure, where in anatomy.treated_vessels.items():
        if structure not in anatomy.vessels:
            yield Contradiction(where, f"{structure} is not a vessel, and stands under treated_vessels")


def _unknown_to_the_grammar(nomenclature: Nomenclature) -> Iterator[Contradiction]:
    """Yield the classifiers, dose levels and parts of names that the standard does not know."""
    anatomy = nomenclature.anatomy
    parts = {part for name in nomenclature.names for part in name.split("_")}
    for classifier in anatomy.classifiers:
        if classifier not in grammar.CLASSIFIERS:
            problem = f"'{classifier}' is not a classifier of TG-263"
            yield Contradiction(anatomy.lines["classifiers"], problem)
    for level in anatomy.dose_levels:
        if not isinstance(grammar.parse(f"PTV_{level}", nomenclature), grammar.TargetName):
            yield Contradiction(anatomy.lines["dose_levels"], f"'{level}' is not a dose level of TG-263")
    for part in anatomy.sides_of_parts:
        if part not in parts:
            yield Contradiction(anatomy.lines["sides_of_parts"], f"no listed name has the part '{part}'")
