"""The open names as pages want them: gathered once until something changes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from doubles.still_nodes import StillNode

from tg263_scp.desk.open_name_list import OpenNameList, name_digest
from tg263_scp.naming.standard.nomenclature import Nomenclature
from tg263_scp.service.review.decisions import WHOLE_CLINIC, Ruled, Wish


def test_what_is_compared_alike_has_one_digest() -> None:
    assert name_digest(" Lung  L") == name_digest("lung l")
    assert name_digest("lung l") != name_digest("lung_l")
    assert name_digest("\ud800")


def test_names_are_gathered_again_only_after_a_change(
    tmp_path: Path, nomenclature: Nomenclature, no_fsync: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    node = StillNode(tmp_path, nomenclature)
    try:
        node.receive("Gizmo", "Gadget")
        review, gathered = node.review(), []
        gather = review.open_names

        def counted(**filters: Any) -> Any:
            gathered.append(filters)
            return gather(**filters)

        monkeypatch.setattr(review, "open_names", counted)
        names = OpenNameList(review)
        for _ in range(3):
            assert {each.name for each in names.names()} == {"Gizmo", "Gadget"}
            assert names.find(name_digest("gizmo")) is not None
        assert len(gathered) == 2
        assert names.find("nothing") is None
        node.receive("Widget", uid="1.2.3.101")
        assert len(names.names()) == 3
        node.review().decide(Wish("Gizmo", Ruled.KEEP, WHOLE_CLINIC, "anna"))
        assert len(names.names()) == 2
        found = names.find(name_digest("Gizmo"))
        assert found is not None
        assert found.status == "decided"
        for number in range(20):
            names.names(("", "", f"20{number:02d}-01-01", "open"))
        assert len(names._kept) <= 6
    finally:
        node.close()
