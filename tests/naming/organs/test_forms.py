"""The listed form that side words ask for, or the reason why there is none."""

from __future__ import annotations

import pytest

from tg263_scp.decision import Reason
from tg263_scp.naming.organs.forms import dressed, gathered_forms
from tg263_scp.naming.organs.margins import Margin
from tg263_scp.naming.organs.parts import Parts
from tg263_scp.naming.standard.nomenclature import Nomenclature


@pytest.mark.parametrize(
    ("means", "sides", "idle", "form"),
    [
        ("Kidney", "L", (), ("Kidney", "L")),
        ("Kidney", "", ("total",), ("Kidneys", "")),
        ("Kidney", "", ("whole",), Reason.SIDE_MISSING),
        ("Liver", "", ("total",), ("Liver", "")),
        ("Liver", "L", (), Reason.SIDE_NOT_LISTED),
        ("Prosthesis", "R", (), ("Prosthesis", "R")),
        ("Tonsil", "", (), ("Tonsil", "")),
    ],
)
def test_a_form_is_that_of_the_list(
    means: str, sides: str, idle: tuple[str, ...], form: tuple[str, str] | Reason, nomenclature: Nomenclature
) -> None:
    parts = Parts((), frozenset(sides), idle=idle)
    assert gathered_forms(means, parts, nomenclature) == form


@pytest.mark.parametrize(
    ("stem", "margin", "name"),
    [
        ("Liver", Margin(5, named=False, signed=False), "Liver_PRV05"),
        ("Liver", Margin(20, named=False, signed=False), Reason.MARGIN_UNSAID),
        ("Liver", Margin(20, named=False, signed=True), "Liver_PRV20"),
        ("Skin", Margin(5, named=False, signed=False), Reason.MARGIN_UNSAID),
        ("Skin", Margin(5, named=True), "Skin_PRV05"),
        ("Rib", Margin(5, named=False, signed=False, padded=True), Reason.MARGIN_UNSAID),
    ],
)
def test_a_bare_margin_means_the_same_for_all_but_what_is_never_grown(
    stem: str, margin: Margin, name: str | Reason, nomenclature: Nomenclature
) -> None:
    assert dressed((stem, ""), Parts((), margin=margin), nomenclature) == name
