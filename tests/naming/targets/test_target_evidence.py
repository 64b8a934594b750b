"""A target that is renamed leads to the lines of the data files that its words rest on."""

from __future__ import annotations

import pytest

from tg263_scp.decision import Status
from tg263_scp.naming.decide import decide
from tg263_scp.naming.query import Query
from tg263_scp.naming.standard.nomenclature import Nomenclature
from tg263_scp.naming.targets.reading import read_target
from tg263_scp.resources import data_folder


def lines(name: str, nomenclature: Nomenclature) -> list[str]:
    """The text of each line of the evidence, without what follows its first words."""
    repository = data_folder("nomenclature").parent
    found = []
    for source in decide(name, nomenclature).evidence:
        text = (repository / source.file).read_text(encoding="utf-8").splitlines()[source.line - 1]
        found.append(f"{source.file.split('/')[-1]}: {text.strip()}")
    return found


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("ptv 60", ["tg263.yaml: - {name: PTV,"]),
        ("IGTV 1", ["tg263.yaml: - {name: GTV,"]),
        ("PTV 54 Gy", ["en.yaml: Gy: [gy]", "tg263.yaml: - {name: PTV,"]),
        ("Lt PTV54", ["en.yaml: L: ", "tg263.yaml: - {name: PTV,"]),
        (
            "gross tumor volume liver",
            ["tg263.yaml: - {name: Liver,", "en.yaml: GTV: ", "tg263.yaml: - {name: GTV,"],
        ),
        ("PTV loge prostatique", ["fr.yaml: ProstateBed: ", "tg263.yaml: - {name: PTV,"]),
        ("CTV nodal high risk", ["en.yaml: n: ", "en.yaml: High: ", "tg263.yaml: - {name: CTV,"]),
        ("PTV 54Gy/3fx", ["en.yaml: Gy: [gy]", "en.yaml: fractions: ", "tg263.yaml: - {name: PTV,"]),
        ("GTV irm2", ["fr.yaml: MR: [irm]", "tg263.yaml: - {name: GTV,"]),
        ("PTV CSI 23.4", ["en.yaml: CSI: ", "tg263.yaml: - {name: PTV,"]),
        ("PTV pelvic LN", ["tg263.yaml: - {name: LN_Pelvic_L,", "tg263.yaml: - {name: PTV,"]),
    ],
)
def test_each_word_of_a_renamed_target_leads_to_its_line(
    name: str, expected: list[str], nomenclature: Nomenclature
) -> None:
    assert decide(name, nomenclature).status is Status.RENAME
    found = lines(name, nomenclature)
    for start in expected:
        assert any(line.startswith(start) for line in found), (start, found)
    assert found[-1].startswith(expected[-1])


def test_a_target_left_for_review_rests_on_no_line(nomenclature: Nomenclature) -> None:
    assert read_target(Query("PTV 12"), nomenclature).evidence == ()
