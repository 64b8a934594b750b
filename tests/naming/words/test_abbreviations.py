"""Short forms of words: vowels skipped and ends cut off, and nothing else."""

from __future__ import annotations

import pytest
from doubles.own_words import own_lexicon, own_pack

from tg263_scp.naming.words.abbreviations import skeleton, written_out

GNARB = own_lexicon(
    own_pack(
        "sides:\n  L: [sinil]\nmarks:\n  planning: [sanolo]\n"
        "structures:\n  Heart: [gnarbelix, gnarbelix core]\n  Liver: [wommbat]\n  Lung: [wombatis]\n"
    )
)


@pytest.mark.parametrize(
    ("short", "words"),
    [
        ("gnrblx", ("gnarbelix",)),
        ("gnarb", ("gnarbelix",)),
        ("wmbt", ("wombatis", "wommbat")),
        ("sn", ("sanolo", "sinil")),
        ("gnrblxcr", ("gnarbelixcore",)),
    ],
)
def test_a_short_form_skips_vowels_and_the_end(short: str, words: tuple[str, ...]) -> None:
    assert tuple(written_out(short, GNARB)) == words


@pytest.mark.parametrize("short", ["gblx", "nrblx", "gnarbelixx", "gnrblxo", "wmt"])
def test_a_consonant_is_never_skipped_nor_added(short: str) -> None:
    assert not written_out(short, GNARB)


@pytest.mark.parametrize(("word", "bones"), [("brainstem", "brnstm"), ("oeso", "os"), ("eye", "e")])
def test_a_skeleton_keeps_the_first_letter(word: str, bones: str) -> None:
    assert skeleton(word) == bones
