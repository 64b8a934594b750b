"""A synonym pack as its file says it: read, checked against the list, folded for look-up.

The keys of a pack are described in ``nomenclature/README.md``.
"""

from __future__ import annotations

from collections.abc import Iterator

from tg263_scp import yamlsource
from tg263_scp.errors import NomenclatureError, SourceLine
from tg263_scp.naming.words.letters import fold, foldings, tokenise
from tg263_scp.naming.words.lexicon import WORD_SECTIONS, Pack, Phrase, Sense
from tg263_scp.naming.words.usage import SIDE_KEYS, USAGE_KEYS, Usage

_SECTIONS = frozenset(
    {
        "language",
        "title",
        "structures",
        "sites",
        "unlisted",
        "ambiguous",
        "genitive_like_plural",
        "letters",
        "category_words",
        "checked_by",
        *WORD_SECTIONS,
        *USAGE_KEYS,
    }
)
REMARK = "copy"
"""The mark that a remark makes: the name may mean a copy, a version or another volume."""
_SQUEEZED = frozenset({"marks", "remarks", "target_words", "types"})
"""Sections whose phrases are looked up without the spaces between their words."""
_MEANINGS = {
    "number_words": frozenset(
        {
            *("Gy", "cGy", "weighted Gy", "mm", "cm", "fractions", "joining", "ordinal", "node"),
            *("level", "neck", "axilla", "station"),
            *("CT", "MR", "PT", "CT in capitals", "MR in capitals", "PT in capitals"),
        }
    ),
    "level_words": frozenset({"dose", "risk"}),
    "doubtful_words": frozenset(
        {
            *("bed_or_vesicles", "risk_or_initials"),
            *("place_beside_structure", "place_or_classifier", "place_or_level"),
        }
    ),
}
"""Sections that may say these things only of a word."""


def read_pack(document: yamlsource.Mapping, file: str, known: frozenset[str], sites: frozenset[str]) -> Pack:
    """Make a pack of a parsed file.

    Args:
        document: what :func:`tg263_scp.yamlsource.load` gave.
        file: the name shown in messages and evidence.
        known: every listed name and stem; a phrase may mean nothing else.
        sites: the treatment sites that ``anatomy.yaml`` names.

    Raises:
        NomenclatureError: an unknown section or site, a phrase that means something the list does not hold, or a word that
            its section cannot hold.
    """
    for key in document:
        if key not in _SECTIONS:
            raise NomenclatureError(
                SourceLine(file, document.line_of(key)),
                f"unknown section '{key}'",
                hint=f"sections: {', '.join(sorted(_SECTIONS))}",
            )
    language = str(document.get("language", ""))
    if not language:
        raise NomenclatureError(SourceLine(file, 1), "the pack does not say its language")
    _check_meanings(document, file)
    words = {section: _folded_words(document, section) for section in WORD_SECTIONS}
    meanings = {
        section: {word: meant for word, (meant, _) in found.items()} for section, found in words.items()
    }
    meanings["marks"] = {**dict.fromkeys(meanings["remarks"], REMARK), **meanings["marks"]}
    words["marks"] = {**words["remarks"], **words["marks"]}
    used = {key: _single_words(document, key, file, frozenset(meanings["sides"])) for key in USAGE_KEYS}
    return Pack(
        language=language,
        title=str(document.get("title", language)),
        file=file,
        phrases=tuple(_phrases(document, language, file, known, sites)),
        lines={
            **{
                section: {word: line for word, (_, line) in found.items()} for section, found in words.items()
            },
            **used,
        },
        category_words=_category_words(document, file, known),
        checked_by=str(document.get("checked_by", "")),
        genitive_like_plural=_is_yes(document, "genitive_like_plural", file),
        letters=frozenset(_letters(document, file)),
        usage=Usage(**{key: frozenset(found) for key, found in used.items()}),
        **meanings,
    )


def _category_words(
    document: yamlsource.Mapping, file: str, known: frozenset[str]
) -> dict[str, tuple[str, ...]]:
    """Return the folded words for a kind of structure, each with the structures of that kind."""
    found: dict[str, tuple[str, ...]] = {}
    for kind, texts in (document.get("category_words") or {}).items():
        beginning = kind.removesuffix("*")
        sided = (str(kind), f"{kind}_L", f"{kind}_R")
        structures = [n for n in known if n in sided or (beginning != kind and n.startswith(beginning))]
        if not structures:
            raise NomenclatureError(
                SourceLine(file, kind.line),
                f"no listed name is '{kind}'",
                hint="write a name of tg263.yaml without its side, or a beginning with a star: A_*",
            )
        for text in yamlsource.texts(texts):
            for spelling in foldings(text):
                found[spelling] = (*found.get(spelling, ()), *sorted(structures))
    return found


def _letters(document: yamlsource.Mapping, file: str) -> Iterator[str]:
    """Yield the letters of this language that not every language has, in lower case."""
    for text in yamlsource.texts(document.get("letters") or ""):
        if len(text) != 1 or text.isascii() or not text.isalpha():
            raise NomenclatureError(
                SourceLine(file, text.line),
                f"'{text}' is not one letter beyond a to z",
                hint="write each letter by itself: [ä, ö]",
            )
        yield text.lower()


def _single_words(document: yamlsource.Mapping, key: str, file: str, sides: frozenset[str]) -> dict[str, int]:
    """Return the folded words of a section of single words, each with its line; those about sides must be sides too."""
    found: dict[str, int] = {}
    for text in yamlsource.texts(document.get(key) or ""):
        where = SourceLine(file, text.line)
        for spelling in foldings(text):
            if len(tokenise(spelling, camel=False)) != 1:
                raise NomenclatureError(
                    where, f"'{text}' is not one word", hint=f"{key} are single words: [one, two]"
                )
            if key in SIDE_KEYS and spelling not in sides:
                raise NomenclatureError(
                    where, f"'{text}' is not a side in this language", hint="write it under 'sides' too"
                )
            found.setdefault(spelling, text.line)
    return found


def _phrases(
    document: yamlsource.Mapping, language: str, file: str, known: frozenset[str], sites: frozenset[str]
) -> Iterator[Phrase]:
    def structure(means: str, line: int) -> str:
        if means not in known:
            raise NomenclatureError(
                SourceLine(file, line),
                f"'{means}' is neither a listed name nor one without its side",
                hint="write a name of tg263.yaml, or one without its final _L or _R",
            )
        return means

    for means, texts in (document.get("structures") or {}).items():
        structure(str(means), means.line)
        for text in yamlsource.texts(texts):
            yield Phrase(str(text), Sense.STRUCTURE, str(means), language, SourceLine(file, text.line))
    for row in document.get("sites") or ():
        where = SourceLine(file, row.line)
        site = str(row.get("site", ""))
        if site not in sites:
            raise NomenclatureError(
                where, f"unknown site '{site}'", hint=f"sites: {', '.join(sorted(sites))}"
            )
        means = structure(str(row.get("means", "")), row.line)
        yield Phrase(str(row["phrase"]), Sense.STRUCTURE, means, language, where, site)
    for section, sense in (("unlisted", Sense.UNLISTED), ("ambiguous", Sense.AMBIGUOUS)):
        for text in yamlsource.texts(document.get(section) or ""):
            yield Phrase(str(text), sense, "", language, SourceLine(file, text.line))


def _check_meanings(document: yamlsource.Mapping, file: str) -> None:
    for section, known in _MEANINGS.items():
        for meaning in document.get(section) or {}:
            if meaning not in known:
                raise NomenclatureError(
                    SourceLine(file, meaning.line),
                    f"'{meaning}' is nothing that {section} can say of a word",
                    hint=f"{section}: {', '.join(sorted(known))}",
                )


def _is_yes(document: yamlsource.Mapping, key: str, file: str) -> bool:
    said = document.get(key, "no")
    if said not in ("yes", "no"):
        raise NomenclatureError(SourceLine(file, document.line_of(key)), f"'{key}' is yes or no")
    return bool(said == "yes")


def _folded_words(document: yamlsource.Mapping, section: str) -> dict[str, tuple[str, int]]:
    """Turn ``meaning: [word, word]`` into ``word -> (meaning, line)``, folded both ways; the first line of a word counts."""
    found: dict[str, tuple[str, int]] = {}
    between = "" if section in _SQUEEZED else " "
    for meaning, texts in (document.get(section) or {}).items():
        meant = fold(meaning) if section == "words" else str(meaning)
        for text in yamlsource.texts(texts):
            for spelling in foldings(text):
                words = [t.text for t in tokenise(spelling, camel=False)]
                found.setdefault(between.join(words), (meant, text.line))
    return found
