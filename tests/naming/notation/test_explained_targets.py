"""Targets that others of the set explain."""

from __future__ import annotations

import pytest

from tg263_scp.decision import Roi
from tg263_scp.naming.decide import decide
from tg263_scp.naming.notation.explained_targets import target_readings
from tg263_scp.naming.standard.nomenclature import Nomenclature


def readings(names: list[str], nomenclature: Nomenclature, site: str = "prostate") -> dict[str, str]:
    rois = [Roi(at, name) for at, name in enumerate(names)]
    alone = [decide(roi.name, nomenclature, site=site) for roi in rois]
    return {names[at]: text for at, text, _ in target_readings(names, alone, nomenclature, site)}


@pytest.mark.parametrize(
    ("names", "read"),
    [
        (["GTV 50", "CTV 50"], {"GTV 50": "GTV 50Gy"}),
        (["PTV 1", "PTV 2", "PTV 3", "PTV 4", "PTV 5", "PTV 6"], {"PTV 6": "PTV6"}),
        (["PTV_P1", "PTV_N1"], {"PTV_P1": "PTVp1"}),
    ],
)
def test_another_target_explains_it(
    names: list[str], read: dict[str, str], nomenclature: Nomenclature
) -> None:
    assert readings(names, nomenclature) == read


@pytest.mark.parametrize(
    "names",
    [
        ["GTV 50", "CTV 54"],
        ["GTV 50", "GTV 20", "CTV 50"],
        ["PTV 6", "PTV 1"],
        ["PTV 6", "PTV 1", "PTV 2", "PTV 4", "PTV 5"],
        ["PTV_P1", "PTV_P2"],
    ],
)
def test_no_other_target_explains_it(names: list[str], nomenclature: Nomenclature) -> None:
    assert readings(names, nomenclature) == {}


@pytest.mark.parametrize("site", ["thorax", "abdomen", "breast", ""])
def test_where_patients_breathe_the_number_may_be_a_phase(site: str, nomenclature: Nomenclature) -> None:
    assert readings(["GTV 50", "PTV 50"], nomenclature, site) == {}
