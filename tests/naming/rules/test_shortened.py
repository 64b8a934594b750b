"""R075: a shortened word is completed only where every way to complete it leads to one name."""

from __future__ import annotations

import pytest

from tg263_scp.decision import Reason
from tg263_scp.naming.query import NamingOptions, Query
from tg263_scp.naming.rules.shortened import shortened
from tg263_scp.naming.standard.nomenclature import Nomenclature


def proposed(name: str, nomenclature: Nomenclature) -> str:
    proposal = shortened(Query(name), nomenclature, NamingOptions())
    assert proposal is None or proposal.reason is Reason.SHORTENED
    return proposal.name if proposal else ""


@pytest.mark.parametrize(
    ("name", "becomes"),
    [
        ("Spnl Cnl", "SpinalCanal"),
        ("SpinalCo_PRV", "SpinalCord_PRV"),
        ("Cauda equ", "CaudaEquina"),
        ("Jejnm", "Jejunum"),
    ],
)
def test_a_word_is_completed(name: str, becomes: str, nomenclature: Nomenclature) -> None:
    assert proposed(name, nomenclature) == becomes


@pytest.mark.parametrize(
    "name",
    ["Hypop", "Brain emp", "Kidny rig", "Sph", "SpinalCo", "PTV brnst", "Trochl", "xyz brnstq", ""],
)
def test_what_may_be_two_things_or_a_remark_is_not(name: str, nomenclature: Nomenclature) -> None:
    assert proposed(name, nomenclature) == ""


def test_a_completed_name_has_the_line_of_its_words(nomenclature: Nomenclature) -> None:
    proposal = shortened(Query("Jejnm"), nomenclature, NamingOptions())
    assert proposal is not None
    assert proposal.evidence
