"""Numbers of targets: doses in cGy, fractions, indices and image sets, and the many that may be something else."""

from __future__ import annotations

import pytest

from tg263_scp.naming.query import Query
from tg263_scp.naming.standard.nomenclature import Nomenclature
from tg263_scp.naming.targets.filling import fill, type_tokens
from tg263_scp.naming.targets.numbers import MOST_CGY, is_possible
from tg263_scp.naming.targets.reading import read_target
from tg263_scp.naming.targets.slots import Slots


def filled(name: str, nomenclature: Nomenclature) -> Slots:
    return fill(type_tokens(Query(name), nomenclature.lexicon)[0], nomenclature.lexicon)


@pytest.mark.parametrize(
    ("name", "dose_cgy"),
    [
        ("PTV 60", "6000"),
        ("PTV 50.4", "5040"),
        ("PTV 50,4 Gy", "5040"),
        ("PTV 5040", "5040"),
        ("PTV 5040 cGy", "5040"),
        ("PTV 60GyE", "6000"),
        ("PTV 60 Gy (RBE)", "6000"),
        ("PTV 3x18Gy", "1800x3"),
        ("PTV 18Gy x 3", "1800x3"),
        ("PTV 40Gy/5", "800x5"),
        ("PTV 20fx 60Gy", "300x20"),
        ("PTV 86", "8600"),
    ],
)
def test_a_dose_is_written_in_cgy(name: str, dose_cgy: str, nomenclature: Nomenclature) -> None:
    assert filled(name, nomenclature).dose == dose_cgy
    assert read_target(Query(name), nomenclature).name == f"PTV_{dose_cgy}"


@pytest.mark.parametrize(
    ("name", "number"), [("PTV1", "1"), ("PTV 2", "2"), ("GTV 03", "3"), ("PTV1 54", "1")]
)
def test_a_small_number_is_an_index(name: str, number: str, nomenclature: Nomenclature) -> None:
    assert filled(name, nomenclature).number == number
    assert read_target(Query(name), nomenclature).name.startswith(f"{name[:3]}{number}")


@pytest.mark.parametrize(
    "name",
    [
        "PTV 12", "PTV 8", "PTV 87", "PTV 999", "PTV 2024", "GTV 50", "GTV 4R", "CTV LN7", "PTV T4", "PTV L2", "PTV 60.1",
        "PTV 54,60", "PTV 5mm", "PTV 3fx", "PTV 1st", "PTV 3T", "PTV 66Gyx33", "PTV 60/2", "PTV 0", "PTV 200 Gy", "PTV 60 2",
        "PTV (2)", "PTV_P1", "PTV 54.123Gy",
    ],
)  # fmt: skip
def test_a_number_that_may_be_something_else_changes_nothing(name: str, nomenclature: Nomenclature) -> None:
    reading = read_target(Query(name), nomenclature)
    assert (reading.types, reading.name) == (1, "")


@pytest.mark.parametrize("dose", ["6000", "High", "Mid01", "20Gyx3", "1800x3", str(MOST_CGY), "50p4Gy", ""])
def test_a_dose_that_can_be_prescribed(dose: str) -> None:
    assert is_possible(dose)


@pytest.mark.parametrize("dose", ["20210514", "54Gyx3", "6000x3", str(MOST_CGY + 1), "121Gy"])
def test_a_dose_that_cannot(dose: str) -> None:
    assert not is_possible(dose)


@pytest.mark.parametrize(
    ("words", "imaging"),
    [
        ("MR 2", "MR2"),
        ("PET1", "PT1"),
        ("CT3", "CT3"),
        ("PT1", "PT1"),
        ("pT1", ""),
        ("MR3T", ""),
        ("PET 41", ""),
        ("MR", ""),
    ],
)
def test_an_image_set_is_a_modality_with_a_small_number(
    words: str, imaging: str, nomenclature: Nomenclature
) -> None:
    assert filled(f"GTV {words}", nomenclature).imaging == imaging
