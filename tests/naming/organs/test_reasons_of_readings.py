"""Why a name was not read as one structure: one reason per cause, and a note that names what was read."""

from __future__ import annotations

import pytest

from tg263_scp.decision import Reason
from tg263_scp.naming.organs.reading import Finding, evidence_of, read_organ
from tg263_scp.naming.query import Query
from tg263_scp.naming.standard.nomenclature import Nomenclature


@pytest.mark.parametrize(
    ("name", "site", "reason", "named"),
    [
        ("kidney", "", Reason.SIDE_MISSING, "Kidney"),
        ("cavity nasal left", "", Reason.SIDE_NOT_LISTED, "Cavity_Nasal"),
        ("right LUL", "", Reason.SIDE_NOT_LISTED, "Lung_LUL"),
        ("both femoral heads", "", Reason.PAIR_NOT_LISTED, "Femur_Head"),
        ("Liver 2cm", "", Reason.MARGIN_UNSAID, "Liver"),
        ("Skin 5mm", "", Reason.MARGIN_UNSAID, "Skin"),
        ("Submandibular L PRV5", "", Reason.TOO_LONG, "Glnd_Submand"),
        ("Spinal cord partial + 10 mm", "", Reason.TOO_LONG, "SpinalCord"),
        ("epiglottis", "", Reason.UNLISTED, ""),
        ("hip", "", Reason.AMBIGUOUS, ""),
        ("penile bulb bulbus", "", Reason.UNMATCHED, ""),
        ("bulbus", "", Reason.SITE_DECIDES, "prostate"),
        ("pb", "head_and_neck", Reason.OTHER_SITE, "prostate"),
        ("L R lung", "", Reason.BOTH_SIDES, ""),
    ],
)
def test_each_cause_has_its_reason(
    name: str, site: str, reason: Reason, named: str, nomenclature: Nomenclature
) -> None:
    reading = read_organ(Query(name, site=site), nomenclature)
    assert reading.finding is not Finding.FOUND
    assert reading.reason is reason, reading.note
    assert named in reading.note


def test_what_is_too_long_is_longer_than_16_characters_and_what_is_not_is_not(
    nomenclature: Nomenclature,
) -> None:
    """``Liver_PRV05`` has 11: it fails for another reason, and with PRV said it does not fail."""
    assert read_organ(Query("Liver PRV 5mm"), nomenclature).name == "Liver_PRV05"
    assert read_organ(Query("Submandibular L"), nomenclature).name == "Glnd_Submand_L"


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("lung links", ["links"]),
        ("partial rt kidney", ["partial", "rt"]),
        ("cord prv", ["prv"]),
        ("cord plus 5mm", ["plus"]),
        ("Lungs bilateral", ["bilateral"]),
    ],
)
def test_every_word_taken_out_of_a_name_has_its_line(
    name: str, words: list[str], nomenclature: Nomenclature
) -> None:
    reading = read_organ(Query(name), nomenclature)
    assert reading.finding is Finding.FOUND
    lexicon = nomenclature.lexicon
    lines = evidence_of(reading, lexicon)
    assert lines[0] == reading.phrases[0].source
    for word in words:
        known = {lexicon.source_of(section, word) for section in ("sides", "marks")} - {None}
        assert known & set(lines), word


def test_a_side_word_leads_to_a_language_that_means_this_side_by_it(nomenclature: Nomenclature) -> None:
    """``d`` is right in Portuguese and left in none of the languages that call the nerve so."""
    reading = read_organ(Query("Nervo Óptico D"), nomenclature)
    (side,) = [
        line
        for line in evidence_of(reading, nomenclature.lexicon)
        if line not in {p.source for p in reading.phrases}
    ]
    language = side.file.removesuffix(".yaml").rpartition("/")[2]
    assert reading.name == "OpticNrv_R"
    assert nomenclature.lexicon.sides["d"][language] == "R"


def test_a_word_written_otherwise_leads_to_the_line_that_says_so(nomenclature: Nomenclature) -> None:
    lexicon = nomenclature.lexicon
    reading = read_organ(Query("left optc nerve"), nomenclature)
    assert reading.name == "OpticNrv_L"
    assert lexicon.source_of("words", "optc", ("en",)) in evidence_of(reading, lexicon)
