"""Each veto by itself: proposals made by hand, what it must stop and the nearest thing that it must let pass."""

from __future__ import annotations

import pytest

from tg263_scp.decision import Kind, Reason, Status
from tg263_scp.naming.query import NamingOptions, Proposal, Query
from tg263_scp.naming.rules import vetoes
from tg263_scp.naming.standard.nomenclature import Nomenclature


def objects(veto: vetoes.Veto, old: str, new: str, nomenclature: Nomenclature, **more: str) -> bool:
    """Ask one veto about a rename from ``old`` to ``new``."""
    query = Query(old, more.get("type", ""))
    reason = Reason(more.get("reason", "synonym"))
    proposal = Proposal("R050", Status.RENAME, reason, new, 0.97, Kind(more.get("kind", "unknown")))
    options = NamingOptions(identifiers=tuple(more.get("identifiers", "").split()))
    return bool(veto(query, proposal, nomenclature, options))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("left lung", "Lung_R"),
        ("Lung Rt", "Lung_L"),
        ("leftLung", "Lung_R"),
        ("LEFT optic nerve PRV", "OpticNrv_PRV_R"),
        ("right upper lobe", "Lung_LUL"),
        ("lt middle lobe", "Lung_RML"),
        ("right kidney", "Kidney~_L"),
        ("lt breast PTV 50", "PTV_Breast_R_5000"),
        ("PTV 50 left", "PTV_5000^R"),
        ("lung", "Lung_L_R"),
        ("left lung", "Lung_L_R"),
    ],
)
def test_v010_stops_a_side_that_is_not_the_written_one(
    old: str, new: str, nomenclature: Nomenclature
) -> None:
    assert objects(vetoes.side_kept, old, new, nomenclature)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("left lung", "Lung_L"),
        ("left upper lobe", "Lung_LUL"),
        ("left lung", "Lung"),
        ("lung li", "Lung_L"),
        ("right ribs", "Rib"),
        ("left and right thing", "Thing_L_R"),
        ("Llung", "Lung_R"),
    ],
    ids=lambda text: text.replace(" ", "_"),
)
def test_v010_lets_pass_the_written_side_and_leaves_single_letters_to_the_rules(
    old: str, new: str, nomenclature: Nomenclature
) -> None:
    assert not objects(vetoes.side_kept, old, new, nomenclature)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("rib 2 left", "Rib03_L"),
        ("cord 5mm", "SpinalCord"),
        ("PTV 54", "PTV_5000"),
        ("PTV1 54", "PTV_5400"),
        ("PTV 20 x 3 Gy", "PTV_20Gyx5"),
        ("bladder 7", "Bladder"),
        ("2 kidney", "Kidney_L"),
        ("Duodenum 11", "Duodenum"),
    ],
)
def test_v020_stops_a_number_that_is_lost_or_changed(old: str, new: str, nomenclature: Nomenclature) -> None:
    assert objects(vetoes.numbers_kept, old, new, nomenclature)


def test_v020_stops_a_dose_out_of_nowhere(nomenclature: Nomenclature) -> None:
    assert objects(vetoes.numbers_kept, "PTV high", "PTV_7000", nomenclature, kind="target")
    assert not objects(vetoes.numbers_kept, "PTV high", "PTV_High", nomenclature, kind="target")
    assert not objects(vetoes.numbers_kept, "PTV II", "PTV2", nomenclature, kind="target")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("rib 2 left", "Rib02_L"),
        ("cord 5mm", "SpinalCord_PRV05"),
        ("cord 0.5 cm", "SpinalCord_PRV05"),
        ("PTV 54", "PTV_5400"),
        ("PTV 50.4", "PTV_5040"),
        ("level 4 left", "LN_Neck_IV_L"),
        ("level 2b left", "LN_Neck_IIB_L"),
        ("PTV 60 in 3", "PTV_2000x3"),
        ("2 reins", "Kidneys"),
        ("duodenum 12", "Duodenum"),
    ],
)
def test_v020_lets_pass_a_number_in_another_unit_or_script(
    old: str, new: str, nomenclature: Nomenclature
) -> None:
    assert not objects(vetoes.numbers_kept, old, new, nomenclature)


@pytest.mark.parametrize(
    ("old", "new"),
    [("PRV heart", "Heart"), ("cordPRV", "SpinalCord"), ("prv_cord", "SpinalCord"), ("heart", "Heart_PRV")],
)
def test_v030_stops_a_margin_that_is_lost_or_invented(old: str, new: str, nomenclature: Nomenclature) -> None:
    assert objects(vetoes.margin_kept, old, new, nomenclature)


@pytest.mark.parametrize(
    ("old", "new"),
    [("PRV heart", "Heart_PRV"), ("P.R.V. heart", "Heart_PRV"), ("cord 5mm", "SpinalCord_PRV05"), ("cord", "SpinalCord")],
)  # fmt: skip
def test_v030_lets_pass_a_margin_that_is_said_in_a_word_or_a_length(
    old: str, new: str, nomenclature: Nomenclature
) -> None:
    assert not objects(vetoes.margin_kept, old, new, nomenclature)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("GTV liver", "Liver"),
        ("liverGTV", "Liver"),
        ("gross tumor volume liver", "Liver"),
        ("CTV lung left", "Lung_L"),
        ("liver", "GTV_Liver"),
        ("prostate boost", "CTV_Prostate"),
        ("lungs", "Lungs-GTV"),
    ],
)
def test_v040_stops_a_target_made_an_organ_and_an_organ_made_a_target(
    old: str, new: str, nomenclature: Nomenclature
) -> None:
    assert objects(vetoes.kind_kept, old, new, nomenclature)


@pytest.mark.parametrize(
    ("old", "new"),
    [("GTV liver", "GTV_Liver"), ("lungs - GTV", "Lungs-GTV"), ("liver", "Liver"), ("pitvar", "Atrium")],
)
def test_v040_lets_pass_what_stays_of_its_kind(old: str, new: str, nomenclature: Nomenclature) -> None:
    assert not objects(vetoes.kind_kept, old, new, nomenclature)


def test_v040_knows_the_one_slip_of_the_worksheet(nomenclature: Nomenclature) -> None:
    slip = ("Colon_PTV05", "Colon_PRV05")
    assert objects(vetoes.kind_kept, *slip, nomenclature)
    assert not objects(vetoes.kind_kept, *slip, nomenclature, reason="worksheet_error")


@pytest.mark.parametrize("new", ["PTVChestwall_5040", "OpticChiasm_PRV05", "x" * 64, ""])
def test_v050_stops_17_characters_and_none(new: str, nomenclature: Nomenclature) -> None:
    assert objects(vetoes.short_enough, "something", new, nomenclature)


@pytest.mark.parametrize("new", ["PTVChestwall5040", "A"])
def test_v050_lets_pass_16_characters(new: str, nomenclature: Nomenclature) -> None:
    assert not objects(vetoes.short_enough, "something", new, nomenclature)


@pytest.mark.parametrize(
    ("new", "identifiers"),
    [("PTV^Huber", "Huber"), ("PTV_60^huber2", "Huber"), ("CTV^Mueller", "Müller"), ("CTV^4711", "4711")],
)
def test_v060_stops_an_identifier_behind_the_caret(
    new: str, identifiers: str, nomenclature: Nomenclature
) -> None:
    assert objects(vetoes.no_identifier, "something", new, nomenclature, identifiers=identifiers)


@pytest.mark.parametrize(
    ("new", "identifiers"),
    [
        ("PTV^Neck", "Huber"),
        ("Heart", "Heart"),
        ("GTV_Liver", "Liver"),
        ("PTV_6000^L", "L"),
        ("PTV^Neck", ""),
    ],
)
def test_v060_lets_pass_the_words_of_the_standard_and_single_letters(
    new: str, identifiers: str, nomenclature: Nomenclature
) -> None:
    assert not objects(vetoes.no_identifier, "something", new, nomenclature, identifiers=identifiers)


@pytest.mark.parametrize("type_", ["GTV", "CTV", "PTV", "ptv", "TREATED_VOLUME", "IRRAD_VOLUME"])
def test_v070_stops_an_organ_s_name_for_what_is_drawn_as_a_target(
    type_: str, nomenclature: Nomenclature
) -> None:
    assert objects(vetoes.type_agrees, "Prostata", "Prostate", nomenclature, type=type_)


@pytest.mark.parametrize(
    ("old", "new", "type_"),
    [
        ("Prostata", "Prostate", "ORGAN"),
        ("Prostata", "Prostate", "AVOIDANCE"),
        ("Prostata", "Prostate", ""),
        ("PTV Prostata", "PTV_Prostate", "PTV"),
        ("PROSTATE", "Prostate", "CTV"),
        ("optic_chiasm", "OpticChiasm", "PTV"),
    ],
)
def test_v070_lets_pass_organs_targets_and_another_spelling(
    old: str, new: str, type_: str, nomenclature: Nomenclature
) -> None:
    assert not objects(vetoes.type_agrees, old, new, nomenclature, type=type_)


def test_every_veto_stands_in_the_table_with_a_reason_of_its_own() -> None:
    codes = [code for code, _, _ in vetoes.VETOES]
    assert codes == ["V010", "V020", "V030", "V040", "V050", "V060", "V070"]
    reasons = [reason for _, reason, _ in vetoes.VETOES]
    assert len(set(reasons)) == len(reasons)
