"""Rule R075: words cut short or written without their vowels, completed, and the completed name looked up."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import product

from tg263_scp.decision import Reason
from tg263_scp.naming.organs.reading import Finding, OrganReading, read_words
from tg263_scp.naming.query import NamingOptions, Proposal, Query
from tg263_scp.naming.rules.close_match import is_plural_of
from tg263_scp.naming.rules.rules import from_reading
from tg263_scp.naming.standard.nomenclature import Nomenclature
from tg263_scp.naming.targets.filling import type_tokens
from tg263_scp.naming.words.abbreviations import written_out
from tg263_scp.naming.words.letters import Token, ends_in_capital
from tg263_scp.naming.words.lexicon import WIDE_LANGUAGES, Lexicon

_SHORTEST_ALONE = 4
"""Letters below which a short word that stands alone is left: three letters mean something else in every clinic."""
_SHORTEST_BEGINNING = 5
"""Letters of a word that stands alone and was only cut off."""
_SHORTEST = 3
"""Letters below which a short word beside a side, a margin or another word is left."""
_SHORTEST_END = 2
"""Letters of the last word, where all words before it are known: ``Sacral pl``."""
_MOST_WORDS = 2
_NAMES = frozenset({Finding.FOUND, Finding.SIDE_MISSING, Finding.UNLISTED})
_MOST_WAYS = 120
"""Ways to complete a name beyond which it says too little."""


def shortened(query: Query, nomenclature: Nomenclature, options: NamingOptions) -> Proposal | None:
    """Words cut short or without vowels (``Brnst``, ``SpnlCrd``, ``Sacral pl``), completed: renamed if to one name.

    A short form keeps the order of the letters and skips only vowels and its end. Every word of every language may be meant,
    also sides and helper words: where one of them may be, the rule declines. So it does where only a language explains the
    name that the set does not show.
    """
    if type_tokens(query, nomenclature.lexicon)[1]:
        return None
    readings: dict[str, OrganReading] = {}
    spoken: set[str] = set()
    glued = any(ends_in_capital(token.raw) for token in query.words)  # 'LinseR' is cut before its side
    for cut in dict.fromkeys((query.camel_words,) if glued else (query.words, query.camel_words)):
        for reading, is_spoken in _completed(cut, query, nomenclature):
            key = reading.name or reading.structure or reading.finding
            if is_spoken and key not in spoken:
                spoken.add(key)
                readings[key] = reading
            readings.setdefault(key, reading)
            if len({one.name for one in readings.values() if one.name and not _is_grown(one)}) > 1:
                return None
    found = _only_one(readings, nomenclature)
    if found is None or found.name not in spoken:
        return None
    proposal = from_reading("R075", Reason.SHORTENED, 0.9, found, nomenclature)
    return replace(proposal, note="a word completed in the only way that makes a name")


def _only_one(readings: dict[str, OrganReading], nomenclature: Nomenclature) -> OrganReading | None:
    """Return the reading that all ways lead to, or the only one that PRVs are made of where a margin is written."""
    found = tuple(
        reading
        for reading in readings.values()
        if not any(is_plural_of(reading, other, nomenclature) for other in readings.values())
    )
    if len(found) > 1 and all(_is_grown(reading) for reading in found):
        found = tuple(reading for reading in found if reading.structure in nomenclature.anatomy.grown_most)
    return found[0] if len(found) == 1 and found[0].finding is Finding.FOUND else None


def _is_grown(reading: OrganReading) -> bool:
    return reading.parts is not None and reading.parts.margin is not None


def _is_spoken(reading: OrganReading, tongues: Iterable[frozenset[str]], query: Query) -> bool:
    """Tell whether English, Latin, the list or the language of the set has the words and what is read of them."""
    spoken = WIDE_LANGUAGES | query.languages
    return all(own & spoken for own in tongues) and any(p.language in spoken for p in reading.phrases)


def _completed(
    tokens: tuple[Token, ...], query: Query, nomenclature: Nomenclature
) -> Iterator[tuple[OrganReading, bool]]:
    """Yield what each way to complete the short words reads as, where that is anything, and whether it is spoken here."""
    lexicon = nomenclature.lexicon
    short = _short_words(tokens, lexicon)
    if not short:
        return
    choices = {text: written_out(text, lexicon) for text in short}
    ways = 1
    for text, meant in choices.items():
        ways *= len(meant)
        if any(_is_remark(word, text, query, lexicon) for word in meant) and _is_name(
            [token for token in tokens if token.text != text], query, nomenclature
        ):
            return
    if not 0 < ways <= _MOST_WAYS:
        return
    alone = sum(token.is_word for token in tokens) == 1
    for way in product(*choices.values()):
        full = dict(zip(choices, way, strict=True))
        if alone and _says_little(*next(iter(full.items())), lexicon):
            continue
        changed = tuple(Token(full.get(t.text, t.text), t.raw, t.joined) for t in tokens)
        reading = read_words((changed,), query, nomenclature)
        if reading.finding is not Finding.NOTHING:
            tongues = [choices[text][word] for text, word in full.items()]
            yield reading, _is_spoken(reading, tongues, query)


def _says_little(short: str, word: str, lexicon: Lexicon) -> bool:
    """Tell whether a word alone is but a beginning of four letters, which many English words are too: ``live``, ``hear``.

    So is a known word with one letter more: ``brains`` may be the brain, twice, as well as the beginning of a brainstem.
    """
    if not word.startswith(short):
        return False
    return len(short) < _SHORTEST_BEGINNING or lexicon.knows(short[:-1])


def _stands_beside(word: str, lexicon: Lexicon) -> bool:
    """Tell whether a word is none of the structure's own: a side, a mark, a unit, a word that changes nothing."""
    return any(
        word in known for known in (lexicon.sides, lexicon.marks, lexicon.number_words, lexicon.idle_words)
    )


def _is_remark(word: str, short: str, query: Query, lexicon: Lexicon) -> bool:
    """Tell whether a short word may be the beginning of a side or of a helper word; these are cut, and keep their vowels."""
    if not word.startswith(short):
        return False
    spoken = WIDE_LANGUAGES | query.languages
    return word in lexicon.sides or lexicon.source_of("marks", word, spoken) is not None


def _is_name(tokens: Sequence[Token], query: Query, nomenclature: Nomenclature) -> bool:
    """Tell whether a name without its short word is one by itself, so that the word may be a remark."""
    if not any(token.is_word for token in tokens):
        return True
    return read_words((tuple(tokens),), query, nomenclature).finding in _NAMES


def _short_words(tokens: tuple[Token, ...], lexicon: Lexicon) -> tuple[str, ...]:
    """Return the words of a name that may be short for others; none where too many are unknown or too short."""
    words = [token for token in tokens if token.is_word and not _stands_beside(token.text, lexicon)]
    unknown = [token.text for token in words if not lexicon.knows(token.text)]
    alone = len(tokens) == 1
    if not lexicon.usage.other_words.isdisjoint(unknown):
        return ()
    if not unknown and len(words) > 1 and len(words[-1].text) >= _SHORTEST_END:
        return (words[-1].text,)  # the 'Cor' of 'Spinal Cor' is the heart too
    if not 1 <= len(unknown) <= _MOST_WORDS:
        return ()
    at_the_end = len(unknown) == 1 and unknown[0] == words[-1].text and len(words) > 1
    shortest = _SHORTEST_ALONE if alone else _SHORTEST_END if at_the_end else _SHORTEST
    return tuple(unknown) if all(len(text) >= shortest for text in unknown) else ()
