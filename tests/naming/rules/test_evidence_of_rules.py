"""Every name that a rule gives, and every helper it leaves alone, leads to lines of the data."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from doubles.answers import chosen

from tg263_scp import yamlsource
from tg263_scp.decision import Kind, Reason, Roi, Status
from tg263_scp.errors import SourceLine
from tg263_scp.naming.decide import decide, decide_set
from tg263_scp.naming.llm.choice import LlmView
from tg263_scp.naming.query import NamingOptions, Query
from tg263_scp.naming.rules.planning_helpers import difference_of, kind_of
from tg263_scp.naming.standard.nomenclature import ClinicMapping, Nomenclature
from tg263_scp.resources import data_folder

CASES = Path(__file__).parents[2] / "cases"
_PLAIN = {"name", "becomes", "why", "rule", "site", "type"}


def written_at(line: SourceLine) -> str:
    """The text of a line of the data files."""
    text = (data_folder("nomenclature").parent / line.file).read_text(encoding="utf-8")
    return text.splitlines()[line.line - 1]


def test_every_name_that_a_case_gives_has_evidence(nomenclature: Nomenclature) -> None:
    """Of the cases that need no more than a name; targets have tests of their own."""
    cases = [case for path in sorted(CASES.glob("[RV]*.yaml")) for case in yamlsource.load(path)["cases"]]
    decisions = [
        decide(case["name"], nomenclature, site=case.get("site", ""), interpreted_type=case.get("type", ""))
        for case in cases
        if "becomes" in case and _PLAIN.issuperset(case)
    ]
    renamed = [one for one in decisions if one.status is Status.RENAME and one.rule != "R070"]
    assert len(renamed) > 80
    assert [one.original for one in renamed if not one.evidence] == []


@pytest.mark.parametrize(
    ("name", "rule", "written"),
    [
        ("Lung_L", "R010", "Lung_L"),
        ("Parotid_PRV05_L", "R020", "Parotid_L"),
        ("PTV_Liver_5000", "R020", "PTV"),
        ("LUNG-L", "R040", "Lung_L"),
        ("L_PRV03_OpticNrv", "R040", "OpticNrv"),
        ("Colon_PTV05", "R040", "Colon_PRV"),
        ("Herz", "R050", "herz"),
        ("lung links", "R060", "links"),
        ("Lungs minus GTV", "R060", "minus"),
        ("Lungs minus GTV", "R060", "Lungs-GTV"),
        ("left pariotd gland", "R080", "parotid"),
        ("left pariotd gland", "R080", "left"),
    ],
)
def test_a_decision_leads_to_the_line_that_says_so(
    name: str, rule: str, written: str, nomenclature: Nomenclature
) -> None:
    decision = decide(name, nomenclature)
    assert (decision.rule, decision.status is Status.REVIEW) == (rule, False)
    assert any(written.casefold() in written_at(line).casefold() for line in decision.evidence)


@pytest.mark.parametrize(
    ("name", "kind", "written"),
    [
        ("Ring PTV60", Kind.PLANNING, "ring"),
        ("normal tissue", Kind.PLANNING, "normal tissue"),
        ("R lensOPT", Kind.PLANNING, "opt"),
        ("Couch Surface", Kind.DEVICE, "couch"),
        ("PTV60 - CTV60", Kind.DERIVED, "CTV"),
        ("Prostate+SV", Kind.DERIVED, "Prostate"),
        ("Cord-3mm", Kind.DERIVED, "cord"),
        ("heart-", Kind.DERIVED, "Heart"),
        ("liver - spleen", Kind.DERIVED, "Spleen"),
    ],
)
def test_a_helper_leads_to_the_line_of_its_mark_or_of_what_its_sign_joins(
    name: str, kind: Kind, written: str, nomenclature: Nomenclature
) -> None:
    sign = kind_of(Query(name), nomenclature)
    assert sign is not None
    assert sign.kind is kind
    assert any(written in written_at(line) for line in sign.evidence)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("ring 2cm", Reason.PLANNING),
        ("Couch", Reason.DEVICE),
        ("iso 2", Reason.PLANNING),
        ("54 Gy", Reason.DOSE_ALONE),
        ("NewStructure2", Reason.NO_STRUCTURE),
        ("thalamus", Reason.UNLISTED),
        ("PTV60 - CTV60", Reason.DERIVED),
    ],
)
def test_what_is_left_alone_says_what_it_is(name: str, reason: Reason, nomenclature: Nomenclature) -> None:
    decision = decide(name, nomenclature)
    assert (decision.status, decision.reason) == (Status.KEEP, reason)


@pytest.mark.parametrize("name", ["ring 2cm", "opt lens L", "PTV60-CTV60", "Prostate+SV"])
def test_a_helper_that_is_marked_with_z_says_so_and_has_evidence(
    name: str, nomenclature: Nomenclature
) -> None:
    decision = decide(name, nomenclature, NamingOptions(planning="prefix_z"))
    assert (decision.status, decision.reason) == (Status.RENAME, Reason.MARKED_NOT_FOR_DOSE)
    assert decision.name.startswith("z")
    assert decision.evidence


def test_a_device_gets_no_z(nomenclature: Nomenclature) -> None:
    assert decide("Couch", nomenclature, NamingOptions(planning="prefix_z")).status is Status.KEEP


def test_what_is_no_helper_shows_no_sign(nomenclature: Nomenclature) -> None:
    assert kind_of(Query("left parotid"), nomenclature) is None
    assert difference_of(Query("left lung"), nomenclature) is None


def test_what_the_clinic_decided_leads_to_its_overlay(nomenclature: Nomenclature) -> None:
    line = SourceLine("overlay.yaml", 7)
    row = ClinicMapping("pump", "Heart", "", line)
    own = replace(nomenclature, clinic={"pump": (row,)}, clinic_keeps={"test*": line})
    assert decide("pump", own).evidence == (line,)
    kept = decide("Test 3", own)
    assert (kept.rule, kept.reason, kept.evidence) == ("R000", Reason.CLINIC_KEEPS, (line,))


def test_what_a_model_chose_leads_to_the_list(nomenclature: Nomenclature) -> None:
    (decision,) = decide_set([Roi(1, "gnarblix")], nomenclature, llm=LlmView(chosen("Bladder")))
    assert (decision.rule, decision.name) == ("R090", "Bladder")
    assert "Bladder" in written_at(decision.evidence[0])


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("Cord+1", Reason.MARGIN_UNCLEAR),
        ("Chiasm 7", Reason.PART_UNKNOWN),
        ("qwertzuiop", Reason.UNMATCHED),
        ("Brainstem old", Reason.REMARK),
        ("Gnarblix 61mm", Reason.MARGIN_UNCLEAR),
        ("hyyoid", Reason.MISSPELT_FOREIGN),
        ("Braun", Reason.MISSPELT_SHORT),
    ],
)
def test_what_no_rule_names_says_why(name: str, reason: Reason, nomenclature: Nomenclature) -> None:
    decision = decide(name, nomenclature)
    assert (decision.status, decision.reason) == (Status.REVIEW, reason), decision.note


def test_a_misspelt_name_with_a_near_runner_up_says_so(nomenclature: Nomenclature) -> None:
    """The gap is set so wide that the runner-up of any name is within it."""
    certain = decide("left pariotd gland", nomenclature)
    wide = decide("left pariotd gland", nomenclature, NamingOptions(fuzzy_gap=1.1))
    assert (certain.reason, wide.reason) == (Reason.CLOSE_MATCH, Reason.MISSPELT_CONTESTED)
    assert (wide.status, wide.name) == (Status.REVIEW, "left pariotd gland")
