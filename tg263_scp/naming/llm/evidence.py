"""What the words of a name say for or against a structure, before any model is asked and after it has chosen.

A model may explain unknown words. It may not overrule words that are known, or that are a slip of the pen away
from one that is: of ``brachiel plexus`` it may say brachial plexus and nothing else. Words count in the languages that are
met everywhere and in that of the set; a word of any other language may be a false friend.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from tg263_scp.naming.llm.candidates import structure_meant
from tg263_scp.naming.query import Query
from tg263_scp.naming.rules.spelling import look_alikes
from tg263_scp.naming.standard.nomenclature import Nomenclature
from tg263_scp.naming.words.letters import is_unspaced
from tg263_scp.naming.words.lexicon import WIDE_LANGUAGES, Phrase, Sense, phrase_words


@dataclass(frozen=True, slots=True)
class Spoken:
    """What a word is known from: ``structures`` in whose names and synonyms it, or one a slip away, stands.

    ``alone`` are the senses of the phrases that it is by itself; ``exact`` tells that it is known as it is written.
    """

    structures: frozenset[str]
    alone: frozenset[Sense]
    exact: bool


@lru_cache(maxsize=2)
def _phrases_with(nomenclature: Nomenclature) -> Mapping[str, tuple[Phrase, ...]]:
    """Return the phrases of all packs by each word that stands in them, and by all their words glued."""
    found: dict[str, dict[Phrase, None]] = {}
    for key, phrases in nomenclature.lexicon.index.items():
        for phrase in phrases:
            words = {word for written in phrase_words(phrase) for word in written}
            for word in words if " " in key else {key, *words}:
                found.setdefault(word, {})[phrase] = None
    return {word: tuple(phrases) for word, phrases in found.items()}


def spoken(word: str, query: Query, nomenclature: Nomenclature) -> Spoken | None:
    """Return what a word is known from in the languages that count here; None for a word like nothing."""
    return _spoken(word, WIDE_LANGUAGES | query.languages, nomenclature)


@lru_cache(maxsize=8192)
def _spoken(word: str, languages: frozenset[str], nomenclature: Nomenclature) -> Spoken | None:
    exact = _said(word, languages, nomenclature)
    elsewhere = not exact and word in nomenclature.lexicon.vocabulary
    alike = () if elsewhere else look_alikes(word, nomenclature.lexicon)
    phrases = (*exact, *(p for near in alike for p in _said(near, languages, nomenclature)))
    if not phrases:
        return None
    index = nomenclature.lexicon.index
    senses = {p.sense for known in alike or (word,) for p in index.get(known, ()) if p.language in languages}
    meant = {structure_meant(p.means, nomenclature) for p in phrases if p.sense is Sense.STRUCTURE}
    return Spoken(frozenset(meant - {""}), frozenset(senses), bool(exact))


def _said(word: str, languages: frozenset[str], nomenclature: Nomenclature) -> tuple[Phrase, ...]:
    variants = nomenclature.lexicon.variants.get(word, {})
    words = {word, *(meant for language, meant in variants.items() if language in languages)}
    known = _phrases_with(nomenclature)
    return tuple(p for each in sorted(words) for p in known.get(each, ()) if p.language in languages)


def contradiction(words: Sequence[str], structure: str, query: Query, nomenclature: Nomenclature) -> str:
    """Say what in the words of a name speaks against a structure; empty where nothing does."""
    little_words = nomenclature.lexicon.usage.little_words
    for word in words:
        of = spoken(word, query, nomenclature) if word[0].isalpha() and word not in little_words else None
        if of is not None and structure not in of.structures:
            return "a word of the name speaks of something else"
        if of is None and is_unspaced(word) and not _is_more_of(word, structure, nomenclature):
            return "it holds a word that speaks of something else, or is left out"
    return ""


def _is_more_of(word: str, structure: str, nomenclature: Nomenclature) -> bool:
    """Tell whether a structure is what the known words within a word may be part of, and more than these say.

    In a script without spaces ``食道癌`` holds the esophagus: it is neither the esophagus itself nor the heart.
    """
    index = nomenclature.lexicon.index
    pieces = {word[start:end] for end in range(2, len(word) + 1) for start in range(end - 1)} - {word}
    known = [piece for piece in pieces if piece in index]
    longest = [piece for piece in known if not any(piece != other and piece in other for other in known)]
    texts = _unspaced_texts(nomenclature).get(structure, ())
    return all(
        all(structure_meant(p.means, nomenclature) != structure for p in index[piece])
        and any(piece in text for text in texts)
        for piece in longest
    )


@lru_cache(maxsize=2)
def _unspaced_texts(nomenclature: Nomenclature) -> Mapping[str, tuple[str, ...]]:
    """Return the synonyms of each structure in scripts without spaces."""
    found: dict[str, list[str]] = {}
    for key, phrases in nomenclature.lexicon.index.items():
        for phrase in phrases if is_unspaced(key) else ():
            if phrase.sense is Sense.STRUCTURE:
                found.setdefault(structure_meant(phrase.means, nomenclature), []).append(key)
    return {structure: tuple(texts) for structure, texts in found.items()}
