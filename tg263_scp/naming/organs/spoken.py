"""Which of the languages that know a phrase speaks in a name: told by its sides, its letters, the set; and when a code counts.

A short acronym of one language is believed only with evidence of that language or of the treatment site.
"""

from __future__ import annotations

from tg263_scp.naming.organs.parts import Parts
from tg263_scp.naming.query import Query
from tg263_scp.naming.standard.nomenclature import Nomenclature
from tg263_scp.naming.words.lexicon import OWN_LANGUAGE, WIDE_LANGUAGES, Phrase, Sense

_LONGEST_CODE = 3
"""Letters of a name that may be an acronym, which means something else in every language and clinic."""
_LEAST_AGREEING = 4
_ENGLISH = frozenset({"en", OWN_LANGUAGE})


def spoken_phrases(
    phrases: tuple[Phrase, ...], parts: Parts, query: Query, nomenclature: Nomenclature
) -> tuple[Phrase, ...]:
    """Keep the phrases of languages that fit the side word, the letters of the name and the language of the set."""
    lexicon = nomenclature.lexicon
    lettered = lexicon.languages_of_letters(query.name)
    if parts.side_languages is not None:
        shown = query.languages | lettered
        said = [p for p in phrases if p.sense is Sense.STRUCTURE and lexicon.said_as(parts.core, p)]
        own_words = any(p.language == OWN_LANGUAGE for p in said)
        latin = not own_words and any(p.language == "la" for p in phrases)
        in_english = not latin and any(p.language in _ENGLISH for p in said)
        if in_english and not parts.side_telling and not shown & parts.side_languages:
            return ()  # 'Lung JO' are initials, not Hungarian
        own = tuple(p for p in phrases if p.language in parts.side_languages)
        if parts.counting and not shown & parts.side_languages and len(own) < len(phrases):
            return ()  # 'Parotis B' may be the second
        phrases = own or (phrases if parts.side_certain else ())
    if _is_code(parts.core) and not lettered:
        phrases = tuple(p for p in phrases if _code_is_spoken(p, phrases, parts, query, nomenclature))
    for languages in (lettered, query.languages):
        own = tuple(p for p in phrases if p.language in languages)
        if own:
            return own
    own = tuple(p for p in phrases if p.language in parts.tongues - WIDE_LANGUAGES)
    if own:
        return own
    # A set that shows no other language is read as English where English knows the word.
    english = tuple(p for p in phrases if p.language in _ENGLISH)
    return english if any(p.sense is Sense.STRUCTURE for p in english) else phrases


def _is_code(core: tuple[str, ...]) -> bool:
    """Tell whether a name is two or three letters only, which mean something else in every clinic."""
    return len(core) == 1 and len(core[0]) <= _LONGEST_CODE and core[0].isascii() and core[0].isalpha()


def _code_is_spoken(
    phrase: Phrase, phrases: tuple[Phrase, ...], parts: Parts, query: Query, nomenclature: Nomenclature
) -> bool:
    """Believe a code in English, in the language shown, or where many languages agree: ``AI`` is no Spanish atrium.

    Latin is the language of every clinic and of none, and no evidence. A treatment site is: at the thorax ``IVA`` is the LAD,
    if no language means anything else by it.
    """
    shown = _ENGLISH | query.languages | parts.tongues | (parts.side_languages or frozenset())
    agreeing = {p.language for p in phrases if p.means == phrase.means and p.site == phrase.site}
    agreeing -= nomenclature.lexicon.unchecked
    if phrase.language in shown or len(agreeing) >= _LEAST_AGREEING:
        return True
    stem = nomenclature.stems.get(phrase.means)
    entry = nomenclature.entries.get(stem.any_form if stem else phrase.means)
    here = entry is not None and entry.region in nomenclature.anatomy.nearest_first(query.site)
    return here and all(other.means == phrase.means for other in phrases)
