"""The look-up index as text, so that it need not be made anew from the packs at every start.

JSON, because reading it can do nothing but give data. A text that does not fit its own checksum gives nothing.
"""

from __future__ import annotations

import hashlib
import json

from tg263_scp.errors import SourceLine
from tg263_scp.naming.words.lexicon import Lexicon, Phrase, Sense, WordLines
from tg263_scp.naming.words.usage import USAGE_KEYS, Usage

LAYOUT = 6
"""Part of the name of every compiled file; to be raised whenever the meaning of this text changes."""


def to_text(lexicon: Lexicon) -> str:
    """Write a lexicon down, its checksum first."""
    places: dict[int, int] = {}
    phrases: list[tuple[object, ...]] = []
    for found in lexicon.index.values():
        for phrase in found:
            if id(phrase) not in places:
                places[id(phrase)] = len(phrases)
                where = (phrase.source.file, phrase.source.line)
                phrases.append(
                    (phrase.text, phrase.sense, phrase.means, phrase.language, *where, phrase.site)
                )
    body = json.dumps(
        {
            "phrases": phrases,
            "index": {key: [places[id(phrase)] for phrase in found] for key, found in lexicon.index.items()},
            "variants": lexicon.variants,
            "vocabulary": sorted(lexicon.vocabulary),
            "sides": lexicon.sides,
            "marks": lexicon.marks,
            "target_words": lexicon.target_words,
            "types": lexicon.types,
            "number_words": lexicon.number_words,
            "level_words": lexicon.level_words,
            "doubtful_words": lexicon.doubtful_words,
            "idle_words": lexicon.idle_words,
            "remarks": lexicon.remarks,
            "category_words": lexicon.category_words,
            "unchecked": sorted(lexicon.unchecked),
            "genitive_like_plural": sorted(lexicon.genitive_like_plural),
            "word_lines": {language: [own.file, own.lines] for language, own in lexicon.word_lines.items()},
            "letters": {letter: sorted(languages) for letter, languages in lexicon.letters.items()},
            "usage": {key: sorted(getattr(lexicon.usage, key)) for key in USAGE_KEYS},
        },
        ensure_ascii=False,
        separators=(",", ":"),
    )
    return f"{_checksum(body)}\n{body}"


def from_text(text: str) -> Lexicon | None:
    """Read a lexicon back; None where the text is not whole."""
    checksum, _, body = text.partition("\n")
    if checksum != _checksum(body):
        return None
    found = json.loads(body)
    senses = {sense.value: sense for sense in Sense}
    phrases = [
        Phrase(text, senses[sense], means, language, SourceLine(file, line), site)
        for text, sense, means, language, file, line, site in found["phrases"]
    ]
    return Lexicon(
        index={key: tuple([phrases[place] for place in places]) for key, places in found["index"].items()},
        variants=found["variants"],
        vocabulary=frozenset(found["vocabulary"]),
        sides=found["sides"],
        marks=found["marks"],
        target_words=found["target_words"],
        types=found["types"],
        number_words=found["number_words"],
        level_words=found["level_words"],
        doubtful_words=found["doubtful_words"],
        idle_words=found["idle_words"],
        remarks=found["remarks"],
        category_words={word: tuple(structures) for word, structures in found["category_words"].items()},
        unchecked=frozenset(found["unchecked"]),
        genitive_like_plural=frozenset(found["genitive_like_plural"]),
        word_lines={
            language: WordLines(file, lines) for language, (file, lines) in found["word_lines"].items()
        },
        letters={letter: frozenset(languages) for letter, languages in found["letters"].items()},
        usage=Usage(**{key: frozenset(words) for key, words in found["usage"].items()}),
    )


def _checksum(body: str) -> str:
    return hashlib.sha256(body.encode()).hexdigest()
