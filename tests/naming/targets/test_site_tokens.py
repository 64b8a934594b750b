"""Letters with a number that mean something at one site only."""

from __future__ import annotations

import pytest

from tg263_scp.naming.query import Query
from tg263_scp.naming.standard.nomenclature import Nomenclature
from tg263_scp.naming.targets.filling import type_tokens
from tg263_scp.naming.targets.reading import read_target
from tg263_scp.naming.targets.site_tokens import told_by_site


@pytest.mark.parametrize(
    ("name", "site", "becomes"),
    [
        ("PTV T12", "spine", "PTV_VB_T12"),
        ("PTV L2 boost", "spine", "PTV_VB_L2^Boost"),
        ("CTV T8 vertebral body", "spine", "CTV_VB_T08"),
        ("CTV C8", "spine", ""),
        ("PTV T12", "", ""),
        ("CTVn L2 L", "breast", "CTVn_LN_Ax_L2_L"),
        ("PTV L2", "breast", ""),
        ("PTV T5-T7", "spine", "PTV^T5-T7"),
        ("PTV L2-4", "", "PTV^L2-4"),
        ("PTV T5-70", "", ""),
    ],
)
def test_the_site_tells_what_is_counted(
    name: str, site: str, becomes: str, nomenclature: Nomenclature
) -> None:
    assert read_target(Query(name, site=site), nomenclature).name == becomes


def test_other_sites_change_nothing(nomenclature: Nomenclature) -> None:
    query = Query("PTV T12", site="thorax")
    tokens, _ = type_tokens(query, nomenclature.lexicon)
    assert told_by_site(tokens, query, nomenclature.lexicon) == tokens
