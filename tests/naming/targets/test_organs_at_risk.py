"""An organ at risk beside a target is more often their overlap than what is treated."""

from __future__ import annotations

import pytest

from tg263_scp.naming.organs.reading import read_organ
from tg263_scp.naming.query import Query
from tg263_scp.naming.standard.nomenclature import Nomenclature
from tg263_scp.naming.targets.doubts import first_doubt
from tg263_scp.naming.targets.organs_at_risk import DOUBTS_OF_ORGANS
from tg263_scp.naming.targets.placing import Placing
from tg263_scp.naming.targets.slots import Slots
from tg263_scp.naming.words.letters import tokenise


def is_at_risk(organ: str, nomenclature: Nomenclature, *, site: str = "", words_first: bool = False) -> bool:
    slots = Slots(type="PTV", words=list(tokenise(organ)), words_first=words_first)
    query = Query(f"PTV {organ}", site=site)
    found = read_organ(Query(organ), nomenclature)
    return first_doubt(DOUBTS_OF_ORGANS, Placing(found, slots, query, nomenclature)) is not None


@pytest.mark.parametrize("organ", ["cord", "brainstem", "lens left", "cochlea", "aorta", "eyes", "chiasm"])
def test_an_organ_that_is_spared_is_no_target(organ: str, nomenclature: Nomenclature) -> None:
    assert is_at_risk(organ, nomenclature)


@pytest.mark.parametrize("organ", ["prostate", "larynx", "breast left", "liver", "portal vein"])
def test_an_organ_that_is_treated_may_be_one(organ: str, nomenclature: Nomenclature) -> None:
    assert not is_at_risk(organ, nomenclature)


def test_the_bladder_is_spared_beside_a_prostate(nomenclature: Nomenclature) -> None:
    assert is_at_risk("bladder", nomenclature, site="prostate")
    assert not is_at_risk("bladder", nomenclature, site="pelvis")


@pytest.mark.parametrize(("organ", "expected"), [("lungs", True), ("liver", True), ("prostate", False)])
def test_an_organ_named_first_may_be_what_is_left_of_it(
    organ: str, expected: bool, nomenclature: Nomenclature
) -> None:
    assert is_at_risk(organ, nomenclature, words_first=True) is expected
