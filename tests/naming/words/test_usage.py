"""How a language writes: keys of its pack, so that a translator adds them without Python."""

from __future__ import annotations

import pytest

from tg263_scp import yamlsource
from tg263_scp.errors import NomenclatureError, SourceLine
from tg263_scp.naming.standard.nomenclature import Nomenclature
from tg263_scp.naming.words import lexicon_cache
from tg263_scp.naming.words.lexicon import Lexicon, Pack, build_lexicon
from tg263_scp.naming.words.packs import read_pack
from tg263_scp.naming.words.usage import USAGE_KEYS, Usage, united

ELVISH = """\
language: qy
sides: {L: [hyarya, hy], R: [forya, f]}
side_nouns: [Rîma]
little_words: [i, ën]
telling_sides: [hy]
counting_sides: [f]
initial_sides: [hyarya]
leading_sides: [hyarya]
never_glued: [x]
silent_words: [ná]
planning_beginnings: [mar]
planning_endings: [ndil]
drawn_by: [tecindo]
never_shared: [lúmë]
inflections: [ë]
gathering_words: [ilya]
filling_words: [quanta]
grown_words: [alta]
contents: [nén]
letters: [ñ, Ë]
vague_helpers: [arda]
helper_prefixes: [x]
placeholders: [sina]
qualifiers: [ambar]
other_words: [quando]
merging_words: [min]
structures:
  Heart: [hondo ën quén]
"""


def pack(text: str = ELVISH) -> Pack:
    document = yamlsource.parse(text, "qy.yaml", error=NomenclatureError)
    return read_pack(document, "qy.yaml", frozenset({"Heart"}), frozenset({"thorax"}))


def lexicon(*texts: str) -> Lexicon:
    return build_lexicon([pack(text) for text in texts], {})


def test_the_words_are_folded_and_know_their_line() -> None:
    read = pack()
    assert read.usage == Usage(
        little_words=frozenset({"i", "en"}),
        side_nouns=frozenset({"rima"}),
        telling_sides=frozenset({"hy"}),
        counting_sides=frozenset({"f"}),
        initial_sides=frozenset({"hyarya"}),
        leading_sides=frozenset({"hyarya"}),
        never_glued=frozenset({"x"}),
        silent_words=frozenset({"na"}),
        planning_beginnings=frozenset({"mar"}),
        planning_endings=frozenset({"ndil"}),
        vague_helpers=frozenset({"arda"}),
        helper_prefixes=frozenset({"x"}),
        placeholders=frozenset({"sina"}),
        qualifiers=frozenset({"ambar"}),
        drawn_by=frozenset({"tecindo"}),
        never_shared=frozenset({"lume"}),
        inflections=frozenset({"e"}),
        gathering_words=frozenset({"ilya"}),
        filling_words=frozenset({"quanta"}),
        grown_words=frozenset({"alta"}),
        contents=frozenset({"nen"}),
        other_words=frozenset({"quando"}),
        merging_words=frozenset({"min"}),
    )
    assert lexicon(ELVISH).source_of("side_nouns", "rima") == SourceLine("qy.yaml", 3)


@pytest.mark.parametrize(
    ("right", "wrong", "line"),
    [
        ("little_words: [i, ën]", "little_words: [of the]", 4),
        ("telling_sides: [hy]", "telling_sides: [hx]", 5),
        ("counting_sides: [f]", "counting_sides: [b]", 6),
        ("letters: [ñ, Ë]", "letters: [ñë]", 20),
        ("letters: [ñ, Ë]", "letters: [n]", 20),
        ("letters: [ñ, Ë]", "letters: ['1']", 20),
        ("little_words", "litle_words", 4),
    ],
)
def test_a_mistake_is_an_error_with_its_line(right: str, wrong: str, line: int) -> None:
    assert ELVISH.count(right) == 1
    with pytest.raises(NomenclatureError) as error:
        pack(ELVISH.replace(right, wrong))
    assert error.value.where == SourceLine("qy.yaml", line)
    assert error.value.hint


@pytest.mark.parametrize("words", ["hondo quen", "hondo en quen", "quen i hondo", "rima hondo quen"])
def test_little_words_and_side_nouns_may_stand_or_be_lacking(words: str) -> None:
    assert [phrase.means for phrase in lexicon(ELVISH).find(words.split())] == ["Heart"]


@pytest.mark.parametrize("words", ["i hondo quen", "hondo quen en", "hondo na quen"])
def test_a_little_word_at_an_end_and_any_other_word_count(words: str) -> None:
    assert lexicon(ELVISH).find(words.split()) == ()


@pytest.mark.parametrize(
    ("name", "languages"),
    [("mañca", {"qy"}), ("MAÑCA", {"qy"}), ("quËn", {"qy"}), ("manca", set()), ("ø", set())],
)
def test_a_letter_of_its_own_tells_the_language(name: str, languages: set[str]) -> None:
    assert lexicon(ELVISH).languages_of_letters(name) == languages


def test_a_letter_may_belong_to_several_languages() -> None:
    other = ELVISH.replace("language: qy", "language: sj").replace("letters: [ñ, Ë]", "letters: [ñ]")
    both = lexicon(ELVISH, other)
    assert (both.languages_of_letters("ñ"), both.languages_of_letters("ë")) == ({"qy", "sj"}, {"qy"})


@pytest.mark.parametrize(
    ("name", "languages"),
    [
        ("Płuca", "pl"),
        ("Kåda", "no da sv fi"),
        ("riñón", "es pt pl cs hu"),
        ("Lung", ""),
        ("肺", ""),
        ("", ""),
    ],
)
def test_a_language_is_told_by_its_letters_alone(
    name: str, languages: str, nomenclature: Nomenclature
) -> None:
    assert nomenclature.lexicon.languages_of_letters(name) == set(languages.split())


def test_the_german_sharp_s_is_a_letter_and_no_double_s(nomenclature: Nomenclature) -> None:
    assert nomenclature.lexicon.languages_of_letters("GEFÄß") == {"de"} | nomenclature.lexicon.letters["ä"]
    assert nomenclature.lexicon.languages_of_letters("Fuß") == {"de"}
    assert nomenclature.lexicon.languages_of_letters("Fuss") == set()


def test_all_languages_are_heard_together() -> None:
    assert united([Usage(little_words=frozenset("a")), Usage(little_words=frozenset("b"))]) == Usage(
        little_words=frozenset("ab")
    )


def test_the_compiled_index_keeps_them() -> None:
    made = lexicon(ELVISH)
    again = lexicon_cache.from_text(lexicon_cache.to_text(made))
    assert again is not None
    assert (again.usage, again.letters) == (made.usage, made.letters)
    assert all(getattr(again.usage, key) for key in USAGE_KEYS)
