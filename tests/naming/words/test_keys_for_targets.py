"""The keys of a language pack that speak of targets and numbers: read, checked, and known to the compiled index."""

from __future__ import annotations

import pytest

from tg263_scp import yamlsource
from tg263_scp.errors import NomenclatureError
from tg263_scp.naming.standard.nomenclature import Nomenclature
from tg263_scp.naming.words import lexicon_cache
from tg263_scp.naming.words.lexicon import Pack, build_lexicon
from tg263_scp.naming.words.packs import read_pack


def pack(text: str) -> Pack:
    return read_pack(
        yamlsource.parse(f"language: xx\n{text}", "xx.yaml"), "xx.yaml", frozenset(), frozenset()
    )


def test_units_levels_and_doubtful_words_are_folded() -> None:
    read = pack(
        "number_words:\n  Gy: [GY, Гр]\nlevel_words:\n  risk: [Ryzyk]\n"
        "doubtful_words:\n  place_or_classifier: [BR]\ngenitive_like_plural: yes\n"
    )
    assert read.number_words == {"gy": "Gy", "гр": "Gy"}
    assert (read.level_words, read.doubtful_words) == ({"ryzyk": "risk"}, {"br": "place_or_classifier"})
    lexicon = build_lexicon([read], {})
    assert (lexicon.number_words["гр"], lexicon.genitive_like_plural) == ("Gy", {"xx"})


@pytest.mark.parametrize(
    ("text", "place", "said"),
    [
        ("number_words:\n  Gy: [gy]\n  parsec: [pc]\n", "xx.yaml:4", "'parsec' is nothing"),
        ("level_words:\n  hope: [spes]\n", "xx.yaml:3", "'hope' is nothing"),
        ("doubtful_words:\n  maybe: [br]\n", "xx.yaml:3", "'maybe' is nothing"),
        ("genitive_like_plural: perhaps\n", "xx.yaml:2", "is yes or no"),
    ],
)
def test_a_meaning_that_no_rule_knows_is_refused_with_its_line(text: str, place: str, said: str) -> None:
    with pytest.raises(NomenclatureError) as refused:
        pack(text)
    assert place in str(refused.value)
    assert said in str(refused.value)


def test_the_compiled_index_keeps_them(nomenclature: Nomenclature) -> None:
    lexicon = nomenclature.lexicon
    again = lexicon_cache.from_text(lexicon_cache.to_text(lexicon))
    assert again is not None
    for key in ("number_words", "level_words", "doubtful_words", "genitive_like_plural"):
        assert getattr(lexicon, key)
        assert getattr(again, key) == getattr(lexicon, key)
