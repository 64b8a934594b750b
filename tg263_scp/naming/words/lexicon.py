"""The words of many languages for the structures of the list: packs as written, and the index made of them.

A pack is one language. Its phrases are compared as whole sets of words, so ``head of femur``, ``FemoralHead`` and
``femoral_head`` need one line. A word that means two things in two languages means nothing until the language, the site
or the rest of the structure set decides.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import lru_cache

from tg263_scp.errors import SourceLine
from tg263_scp.naming.words.letters import foldings, tokenise
from tg263_scp.naming.words.usage import Usage, united

OWN_LANGUAGE = "tg263"
"""The language of the list itself, whose names are phrases too."""

EVERYWHERE = frozenset({"en", "la"})
"""Languages whose words and side words are met in the clinics of every language: ``Parotis li``, ``Niere left``."""
WIDE_LANGUAGES = EVERYWHERE | {OWN_LANGUAGE}


WORD_SECTIONS = (
    "sides",
    "words",
    "marks",
    "target_words",
    "types",
    "number_words",
    "level_words",
    "doubtful_words",
    "idle_words",
    "remarks",
)
"""Sections of a pack that give single words or marks a meaning, in the order ``nomenclature/README.md`` describes them."""


class Sense(StrEnum):
    """What a phrase is good for."""

    STRUCTURE = "structure"
    UNLISTED = "unlisted"
    AMBIGUOUS = "ambiguous"


@dataclass(frozen=True, slots=True)
class Phrase:
    """One line of a pack: these words mean this structure (at this site)."""

    text: str
    sense: Sense
    means: str
    language: str
    source: SourceLine
    site: str = ""


@dataclass(frozen=True)
class Pack:
    """One language as its file says it. ``lines`` gives, by section and word, the line that gives a word its meaning."""

    language: str
    title: str
    file: str
    sides: Mapping[str, str]
    words: Mapping[str, str]
    phrases: tuple[Phrase, ...]
    marks: Mapping[str, str]
    target_words: Mapping[str, str]
    types: Mapping[str, str]
    number_words: Mapping[str, str]
    level_words: Mapping[str, str]
    doubtful_words: Mapping[str, str]
    lines: Mapping[str, Mapping[str, int]]
    idle_words: Mapping[str, str] = field(default_factory=dict)
    remarks: Mapping[str, str] = field(default_factory=dict)
    category_words: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """word -> the structures whose category it names"""
    checked_by: str = ""
    """Who or what every word was checked against; a pack without it may suggest, and renames nothing"""
    genitive_like_plural: bool = False
    letters: frozenset[str] = frozenset()
    """Letters, in lower case, that not every language has"""
    usage: Usage = field(default_factory=Usage)


@dataclass(frozen=True, slots=True)
class WordLines:
    """Where the words of one language stand: the file, and by section and word the line."""

    file: str
    lines: Mapping[str, Mapping[str, int]]

    def source_of(self, section: str, word: str) -> SourceLine | None:
        """Return the line that gives a word its meaning; None where the language does not know it there."""
        line = self.lines.get(section, {}).get(word)
        return None if line is None else SourceLine(self.file, line)


_NO_LANGUAGES: frozenset[str] = frozenset()
_SHORTEST_GLUED = 5
_LONGEST_CODE = 3
"""Letters of a phrase that is a code, and written glued: ``VBS`` may be the sacral vertebrae or all of them."""


@dataclass(frozen=True, eq=False)
class Lexicon:
    """All packs, indexed for look-up. ``vocabulary`` holds every single word any pack knows."""

    index: Mapping[str, tuple[Phrase, ...]]
    """key (words sorted, or glued) -> phrases of all languages; each language's word variants are replaced in its keys"""
    variants: Mapping[str, Mapping[str, str]]
    """word -> language -> the word it is a variant of"""
    vocabulary: frozenset[str]
    sides: Mapping[str, Mapping[str, str]]
    """folded word -> language -> ``L``, ``R`` or ``both``"""
    marks: Mapping[str, str]
    """squeezed words -> the mark they make (``planning``, ``copy`` ...)"""
    target_words: Mapping[str, str]
    types: Mapping[str, str]
    number_words: Mapping[str, str]
    """word or unit beside a number -> what it makes of it (``Gy``, ``mm``, ``fractions``, ``MR`` ...)"""
    level_words: Mapping[str, str]
    """piece of a word -> ``dose`` or ``risk``, whose *high* is no part of an organ"""
    doubtful_words: Mapping[str, str]
    """word of a target -> the doubt it raises"""
    idle_words: Mapping[str, str]
    """word that changes nothing beside a structure -> the reason why"""
    remarks: Mapping[str, str]
    """word that says another volume than the structure alone -> the reason why"""
    category_words: Mapping[str, tuple[str, ...]]
    """word for a kind of structure, written beside the structure's own name -> the structures of that kind"""
    unchecked: frozenset[str]
    """languages whose packs nobody checked: they suggest, and rename nothing"""
    genitive_like_plural: frozenset[str]
    """languages that spell *of one kidney* and *kidneys* alike"""
    word_lines: Mapping[str, WordLines]
    """language -> where its words stand; English first, then as the packs come"""
    letters: Mapping[str, frozenset[str]]
    """letter that only some languages have -> these languages"""
    usage: Usage
    """what any of the languages says; which one does not matter, for names mix them"""

    def source_of(self, section: str, word: str, languages: Iterable[str] = ()) -> SourceLine | None:
        """Return the line of the pack that gives a word its meaning.

        Args:
            section: one of :data:`WORD_SECTIONS`, as the packs name them.
            word: as the section's own table of this lexicon has it (folded; a mark without spaces).
            languages: those whose meaning was taken, such as the ones in which a side word means left; empty means all.

        Returns:
            The line in the first of these languages, English before all others, which is also the one whose meaning the
            tables ``marks``, ``target_words`` and ``types`` give; None where none of them has the word there.
        """
        wanted = frozenset(languages) or self.word_lines.keys()
        found = (own.source_of(section, word) for said, own in self.word_lines.items() if said in wanted)
        return next((source for source in found if source is not None), None)

    def is_unchecked(self, line: SourceLine) -> bool:
        """Tell whether a line stands in a pack that nobody checked."""
        return any(self.word_lines[language].file == line.file for language in self.unchecked)

    def languages_of(self, section: str, word: str) -> frozenset[str]:
        """Return the languages whose packs have a word in a section of :data:`WORD_SECTIONS`."""
        return frozenset(
            language for language, own in self.word_lines.items() if own.source_of(section, word) is not None
        )

    def find(self, words: Sequence[str]) -> tuple[Phrase, ...]:
        """Return every phrase, of any language, that consists of these words in any order or glued together."""
        return _found(tuple(words), self) if words else ()

    def _look_up(self, words: tuple[str, ...]) -> tuple[Phrase, ...]:
        # in 'optic n r' the r is a side, not the end of 'nr'; in 'parotide s' the s may be one, not a plural's; 'b rein' is
        # no 'brein'
        glued = not any(word in ("l", "r") for word in words) and (
            len(words[-1]) > 2 or not words[-1].isalpha()
        )
        if len(words) == 2 and _is_letter(words[0]) and not _is_letter(words[1]):
            glued = False
        lettered = len(words) > 1 and (_is_letter(words[0]) or _is_letter(words[-1]))
        with_variants = {language for word in words for language in self.variants.get(word, ())}
        found: dict[tuple[str, str, str, str], Phrase] = {}
        for key in _keys(words, self.usage, glued=glued):
            for phrase in self.index.get(key, ()):
                if phrase.language not in with_variants and (
                    not lettered or _letter_stands_alike(words, phrase)
                ):
                    found.setdefault((phrase.language, phrase.sense, phrase.means, phrase.site), phrase)
        for language in sorted(with_variants):
            own = [self.variants.get(word, {}).get(language, word) for word in words]
            for key in _keys(own, self.usage, glued=glued):
                for phrase in self.index.get(key, ()):
                    if phrase.language == language and (not lettered or _letter_stands_alike(words, phrase)):
                        found.setdefault((phrase.language, phrase.sense, phrase.means, phrase.site), phrase)
        return tuple(found.values())

    def knows(self, word: str) -> bool:
        """Tell whether any pack knows this word, as part of a phrase, a side, a mark or a word about targets."""
        return (
            word in self.vocabulary
            or word in self.sides
            or word in self.marks
            or word in self.target_words
            or word in self.types
            or word in self.idle_words
        )

    def said_as(self, words: Sequence[str], phrase: Phrase) -> bool:
        """Tell whether ``words`` are those of the phrase itself, in any order and without variants of other spelling."""
        key = _keys(words, self.usage, glued=False)
        return any(_keys(written, self.usage, glued=False) == key for written in phrase_words(phrase))

    def languages_of_letters(self, name: str) -> frozenset[str]:
        """Return the languages whose letters a name shows: ``Płuca`` is Polish, ``Pluca`` may be Czech as well."""
        if name.isascii():
            return _NO_LANGUAGES
        shown = [self.letters[letter] for letter in name.lower() if letter in self.letters]
        return _NO_LANGUAGES.union(*shown)


@lru_cache(maxsize=32768)
def _found(words: tuple[str, ...], lexicon: Lexicon) -> tuple[Phrase, ...]:
    return lexicon._look_up(words)


def _is_letter(word: str) -> bool:
    return len(word) == 1 and word.isascii() and word.isalpha()


def _letter_stands_alike(words: Sequence[str], phrase: Phrase) -> bool:
    """Tell whether a letter at an end of the words is at that end of the phrase too: ``Bladder G`` is no ``G bladder``."""
    for end, other in ((0, -1), (-1, 0)):
        letter = words[end]
        if _is_letter(letter) and words[other] != letter:
            ways = phrase_words(phrase)
            if any(way[other] == letter for way in ways) and not any(way[end] == letter for way in ways):
                return False
    return True


def _keys(words: Sequence[str], usage: Usage, *, glued: bool = True) -> tuple[str, ...]:
    last = len(words) - 1
    kept = [
        _unpadded(word)
        for at, word in enumerate(words)
        if word not in usage.side_nouns and not (word in usage.little_words and 0 < at < last)
    ] or list(words)
    if len(kept) < 2:
        return tuple(kept)
    together = "".join(kept)
    if not glued or len(together) < _SHORTEST_GLUED:  # 'op n' is not the abbreviation 'opn'
        return (" ".join(sorted(kept)),)
    return (" ".join(sorted(kept)), together)


def _unpadded(word: str) -> str:
    """Return a number without leading zeros, so that ``Rib02`` and ``rib 2`` agree; a word unchanged."""
    return word.lstrip("0") or "0" if word[0] == "0" else word


def build_lexicon(packs: Iterable[Pack], own_words: Mapping[str, SourceLine]) -> Lexicon:
    """Index the packs, together with the list's own words (``stem -> line``), which read as English."""
    packs = tuple(packs)
    usage = united(pack.usage for pack in packs)
    english = next((pack.words for pack in packs if pack.language == "en"), {})
    variants: dict[str, dict[str, str]] = {}
    for language, words in [(pack.language, pack.words) for pack in packs] + [(OWN_LANGUAGE, english)]:
        for word, meant in words.items():
            variants.setdefault(word, {})[language] = meant
    index: dict[str, list[Phrase]] = {}
    vocabulary = {word for pack in packs for pair in pack.words.items() for word in pair}
    own = [Phrase(stem, Sense.STRUCTURE, stem, OWN_LANGUAGE, source) for stem, source in own_words.items()]
    for phrases, words in [(pack.phrases, pack.words) for pack in packs] + [(tuple(own), english)]:
        for phrase in phrases:
            vocabulary.update(word for written in phrase_words(phrase) for word in written)
            for key in dict.fromkeys(phrase_keys(phrase, words, usage)):
                index.setdefault(key, []).append(phrase)
    sides: dict[str, dict[str, str]] = {}
    for pack in packs:
        for word, side in pack.sides.items():
            sides.setdefault(word, {})[pack.language] = side
    letters: dict[str, frozenset[str]] = {}
    for pack in packs:
        for letter in pack.letters:
            letters[letter] = letters.get(letter, frozenset()) | {pack.language}
    return Lexicon(
        index={key: tuple(phrases) for key, phrases in index.items()},
        variants=variants,
        vocabulary=frozenset(vocabulary),
        sides=sides,
        marks=_merged(packs, "marks"),
        target_words=_merged(packs, "target_words"),
        types=_merged(packs, "types"),
        number_words=_merged(packs, "number_words"),
        level_words=_merged(packs, "level_words"),
        doubtful_words=_merged(packs, "doubtful_words"),
        idle_words=_merged(packs, "idle_words"),
        remarks=_merged(packs, "remarks"),
        category_words=_united_categories(packs),
        unchecked=frozenset(pack.language for pack in packs if not pack.checked_by),
        genitive_like_plural=frozenset(pack.language for pack in packs if pack.genitive_like_plural),
        word_lines={pack.language: WordLines(pack.file, pack.lines) for pack in _english_first(packs)},
        letters=letters,
        usage=usage,
    )


def phrase_keys(phrase: Phrase, variants: Mapping[str, str], usage: Usage) -> Iterator[str]:
    """Yield the index keys of a phrase: its words sorted, and its words glued, in each way its accents may be lost."""
    for words in phrase_words(phrase):
        glued = words[-1] not in usage.never_glued or sum(map(len, words)) <= _LONGEST_CODE
        yield from _keys([variants.get(word, word) for word in words], usage, glued=glued)
        together = "".join(words)
        if len(words) > 1 and glued and (phrase.language != OWN_LANGUAGE or len(together) > _LONGEST_CODE):
            yield together


def phrase_words(phrase: Phrase) -> tuple[tuple[str, ...], ...]:
    """Return the words of a phrase, once for each way its accents may be lost."""
    return _written_words(phrase.text, phrase.language == OWN_LANGUAGE)


@lru_cache(maxsize=65536)
def _written_words(text: str, camel: bool) -> tuple[tuple[str, ...], ...]:
    # many packs share a Latin phrase
    if camel:
        return (tuple(token.text for token in tokenise(text)),)
    if text.isascii() and text.replace(" ", "").isalpha():
        return (tuple(text.lower().split()),)
    return tuple(
        tuple(token.text for token in tokenise(spelling, camel=False) if token.is_word or token.is_number)
        for spelling in foldings(text)
    )


def _merged(packs: tuple[Pack, ...], section: str) -> dict[str, str]:
    """Join one section of all packs; English speaks first where two languages give a word two meanings."""
    merged: dict[str, str] = {}
    for pack in _english_first(packs):
        for word, meaning in getattr(pack, section).items():
            merged.setdefault(word, meaning)
    return merged


def _united_categories(packs: tuple[Pack, ...]) -> dict[str, tuple[str, ...]]:
    united: dict[str, tuple[str, ...]] = {}
    for pack in packs:
        for word, structures in pack.category_words.items():
            united[word] = tuple(dict.fromkeys((*united.get(word, ()), *structures)))
    return united


def _english_first(packs: Iterable[Pack]) -> list[Pack]:
    return sorted(packs, key=lambda pack: pack.language != "en")
