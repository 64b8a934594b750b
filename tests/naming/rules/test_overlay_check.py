"""What is wrong with the lines of an overlay, and what they may not do to a name."""

from __future__ import annotations

from pathlib import Path

import pytest

from tg263_scp.decision import Reason, Roi, Status
from tg263_scp.naming.decide import decide, decide_set
from tg263_scp.naming.query import NamingOptions
from tg263_scp.naming.rules.overlay_check import overlay_findings
from tg263_scp.naming.standard.loading import load_nomenclature
from tg263_scp.naming.standard.nomenclature import Nomenclature
from tg263_scp.resources import data_folder


def with_overlay(folder: Path, text: str) -> Nomenclature:
    path = folder / "overlay.yaml"
    path.write_text(f"approved_by: somebody\n{text}", encoding="utf-8")
    return load_nomenclature(overlay=path, compiled=True)


def mapping(folder: Path, name: str, becomes: str) -> Nomenclature:
    return with_overlay(folder, f'mappings:\n  - {{name: "{name}", becomes: {becomes}}}\n')


@pytest.mark.parametrize(
    ("name", "becomes", "finding"),
    [
        ("Lung_L", "Lung_L", "R010 keeps it first"),
        ("z help", "Bladder", "R000 keeps it first"),
        ("kidney", "Kidney_L", "says a side"),
        ("Gnarblix", "LN_Neck_III_L", "says a side"),
        ("Gnarblix R", "LN_Neck_III_R", "says a level"),
        ("Gnarblix", "PTV_6000", "says a number"),
        ("Gnarblix", "SpinalCord_PRV05", "says a margin"),
        ("PTV boost", "Bladder", "V040 stops"),
        ("Haut 3", "Skin", "V020 stops"),
    ],
)
def test_a_line_that_does_harm_or_nothing_is_named(
    tmp_path: Path, name: str, becomes: str, finding: str
) -> None:
    (found,) = overlay_findings(mapping(tmp_path, name, becomes), NamingOptions())
    assert finding in found.problem
    assert found.where.line == 3


def test_a_pattern_for_every_name_and_a_missing_approval_are_named(tmp_path: Path) -> None:
    path = tmp_path / "overlay.yaml"
    path.write_text('keep: ["*", "QA?"]\n', encoding="utf-8")
    found = overlay_findings(load_nomenclature(overlay=path, compiled=True), NamingOptions())
    assert [each.problem for each in found] == [
        "'*' keeps every name as it is",
        "the overlay does not say 'approved_by'",
    ]


def test_the_example_that_ships_is_sound() -> None:
    example = data_folder("nomenclature") / "overlay.example.yaml"
    assert overlay_findings(load_nomenclature(overlay=example, compiled=True), NamingOptions()) == ()


@pytest.mark.parametrize(
    ("name", "becomes", "rule"),
    [
        ("kidney", "Kidney_L", "V010"),
        ("PTV boost", "Bladder", "V040"),
        ("Gnarblix", "PTV_6000", "V020"),
        ("Gnarblix", "SpinalCord_PRV05", "V030"),
    ],
)
def test_what_a_mapping_may_not_do_is_left_for_review(
    tmp_path: Path, name: str, becomes: str, rule: str
) -> None:
    decision = decide(name, mapping(tmp_path, name, becomes))
    assert (decision.status, decision.rule) == (Status.REVIEW, rule)
    assert decision.candidates[0].name == becomes


def test_what_the_name_carries_may_be_mapped(tmp_path: Path) -> None:
    decision = decide("RM 5mm", mapping(tmp_path, "RM 5mm", "SpinalCord_PRV05"))
    assert (decision.status, decision.name, decision.rule) == (Status.RENAME, "SpinalCord_PRV05", "R030")


def test_a_name_that_another_roi_bears_is_not_given_twice(tmp_path: Path) -> None:
    nomenclature = mapping(tmp_path, "Gnarblix", "Bladder")
    decision, _ = decide_set([Roi(1, "Gnarblix"), Roi(2, "Bladder")], nomenclature)
    assert decision.reason is Reason.CLASH_KEPT_NAME
