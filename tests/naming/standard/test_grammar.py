"""The grammar loses nothing: every name it accepts is written back to the letter."""

from __future__ import annotations

import random

import pytest

from tg263_scp.naming.standard import grammar
from tg263_scp.naming.standard.grammar import DerivedName, LiteralName, OrganName, TargetName
from tg263_scp.naming.standard.nomenclature import Nomenclature


def test_every_listed_name_is_read_and_written_back_to_the_letter(nomenclature: Nomenclature) -> None:
    for name in nomenclature.names:
        parsed = grammar.parse(name, nomenclature)
        assert parsed is not None, name
        assert grammar.render(parsed) == name


def test_every_listed_organ_turned_round_is_the_reverse_name_of_the_list(nomenclature: Nomenclature) -> None:
    odd = {"Bladder_Wall", "Rectal_Wall", "Jejunum_Ileum"}  # the list leaves these as they are
    for name, entry in nomenclature.entries.items():
        parsed = grammar.parse(name, nomenclature)
        assert parsed is not None
        if name not in odd and isinstance(parsed, OrganName | DerivedName):
            assert grammar.render_reverse(parsed) == entry.reverse
            assert "_" not in entry.reverse or grammar.parse_reverse(entry.reverse, nomenclature) == parsed


@pytest.mark.parametrize("margin", [None, "", "03", "5", "10"])
@pytest.mark.parametrize("partial", [False, True])
def test_every_form_of_every_stem_that_fits_survives_a_round_trip(
    nomenclature: Nomenclature, margin: str | None, partial: bool
) -> None:
    fitting = 0
    for stem in nomenclature.stems:
        if not nomenclature.is_organ_stem(stem):
            continue
        for side in ((), ("L",), ("R",)):
            name = OrganName(stem, partial, margin, side)
            text = grammar.render(name)
            back = grammar.parse(text, nomenclature)
            if len(text) > grammar.MAX_LENGTH:
                assert back is None
                assert grammar.spell(name, nomenclature) is None
            elif grammar.render(back or LiteralName("")) == text:
                fitting += 1
    assert fitting > 400


def test_ten_thousand_targets_are_spelt_without_loss_or_not_at_all(nomenclature: Nomenclature) -> None:
    chance = random.Random(263)
    structures = [
        "",
        "",
        *sorted({name for names in nomenclature.structure_slots.values() for name in names}),
    ]
    doses = ["", "High", "Mid", "Mid01", "Low", "5040", "6000", "50.4Gy", "50p4Gy", "2000x3", "20Gyx3"]
    spelt = refused = 0
    while spelt < 10_000:
        name = TargetName(
            type=chance.choice(grammar.TARGET_TYPES),
            segmented=chance.random() < 0.1,
            classifier=chance.choice(["", "", "", *grammar.CLASSIFIERS]),
            number=chance.choice(["", "", "1", "2", "12"]),
            imaging=chance.choice(["", "", "", "MR1", "CT1PT1"]),
            structure=chance.choice(structures),
            dose=chance.choice(doses),
            crop=chance.choice(["", "", "", "03", "08"]),
            custom=chance.choice(["", "", "", "ICG", "Neck_L"]),
        )
        text = grammar.spell(name, nomenclature)
        if text is None:
            refused += 1
            continue
        spelt += 1
        assert len(text) <= grammar.MAX_LENGTH
        assert grammar.parse(text, nomenclature) == name
    assert refused > 0, "the sample never met the 16 character limit"


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("PTVProstate_6000", TargetName("PTV", structure="Prostate", dose="6000")),
        ("PTVLiver_RUL", None),
        ("PTV_50.4Gy", TargetName("PTV", dose="50.4Gy")),
        ("CTVp2-05", TargetName("CTV", classifier="p", number="2", crop="05")),
        ("PTVparotid", None),
        ("PTV5040", None),
        ("OpticNrv_PRV03_L", OrganName("OpticNrv", margin="03", spatial=("L",))),
        ("VB_L", OrganName("VB_L")),
        ("LN_Ax_L1_L", OrganName("LN_Ax_L1", spatial=("L",))),
        ("Lung~_L", OrganName("Lung", partial=True, spatial=("L",))),
        ("Lungs-GTV", DerivedName(OrganName("Lungs"), "GTV")),
        ("Heart^Adapt", OrganName("Heart", custom="Adapt")),
        ("Heart^", None),
        ("zRing", LiteralName("zRing", not_for_dose=True)),
        ("Glnd_Submand_PRV05_L", None),
        ("heart", None),
    ],
)
def test_the_parts_of(nomenclature: Nomenclature, text: str, parts: grammar.Name | None) -> None:
    assert grammar.parse(text, nomenclature) == parts
