"""Each rule by itself: what it takes, and what it leaves to the next one."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tg263_scp.decision import Reason, Status
from tg263_scp.errors import SourceLine
from tg263_scp.naming.query import NamingOptions, Query
from tg263_scp.naming.rules import rules
from tg263_scp.naming.standard.nomenclature import ClinicMapping, Nomenclature

OPTIONS = NamingOptions()


def said(
    rule: rules.Rule, name: str, nomenclature: Nomenclature, **context: str
) -> tuple[Status, str] | None:
    proposal = rule(Query(name, **context), nomenclature, OPTIONS)
    return (proposal.status, proposal.name) if proposal else None


@pytest.mark.parametrize(
    ("rule", "name"),
    [
        (rules.not_for_us, "zRing"),
        (rules.not_for_us, "  "),
        (rules.listed, "Lung_L"),
        (rules.listed, "SpinalCord_PRV05"),
        (rules.compliant, "Lens_PRV03_L"),
        (rules.compliant, "PTVn2_5040"),
        (rules.compliant, "Lung~_R"),
        (rules.helper, "Ring 60"),
        (rules.helper, "Couch"),
    ],
)
def test_a_rule_keeps_what_is_right_or_not_ours(
    rule: rules.Rule, name: str, nomenclature: Nomenclature
) -> None:
    assert said(rule, name, nomenclature) == (Status.KEEP, "")


@pytest.mark.parametrize(
    ("rule", "name", "becomes"),
    [
        (rules.respelled, "LUNG-L", "Lung_L"),
        (rules.respelled, "L_PRV03_OpticNrv", "OpticNrv_PRV03_L"),
        (rules.respelled, "Colon_PTV05", "Colon_PRV05"),
        (rules.synonym, "cord", "SpinalCord"),
        (rules.rebuilt, "LT PAROTID", "Parotid_L"),
        (rules.rebuilt, "total lung - GTV", "Lungs-GTV"),
        (rules.target, "PTV 60", "PTV_6000"),
    ],
)
def test_a_rule_gives_a_name(rule: rules.Rule, name: str, becomes: str, nomenclature: Nomenclature) -> None:
    assert said(rule, name, nomenclature) == (Status.RENAME, becomes)


@pytest.mark.parametrize(
    ("rule", "name", "reason"),
    [
        (rules.synonym, "kidney", Reason.SIDE_MISSING),
        (rules.synonym, "hip", Reason.AMBIGUOUS),
    ],
)
def test_a_rule_says_why_it_gives_none(
    rule: rules.Rule, name: str, reason: Reason, nomenclature: Nomenclature
) -> None:
    proposal = rule(Query(name), nomenclature, OPTIONS)
    assert proposal is not None
    assert (proposal.status, proposal.reason) == (Status.REVIEW, reason)


@pytest.mark.parametrize("name", ["epiglottis", "Thalamus_L_2", "Mesorectum upper", "FOM"])
def test_anatomy_that_the_list_lacks_is_kept_or_left_for_review_as_the_clinic_chooses(
    name: str, nomenclature: Nomenclature
) -> None:
    kept = rules.synonym(Query(name), nomenclature, OPTIONS)
    asked = rules.synonym(Query(name), nomenclature, replace(OPTIONS, unlisted="review"))
    assert kept is not None
    assert (kept.status, kept.reason) == (Status.KEEP, Reason.UNLISTED)
    assert asked is not None
    assert (asked.status, asked.reason) == (Status.REVIEW, Reason.UNLISTED)


@pytest.mark.parametrize("query", [Query("thalamus", "PTV"), Query("bws"), Query("wk rippen")])
def test_what_may_be_treated_or_anything_is_not_kept_as_unlisted(
    query: Query, nomenclature: Nomenclature
) -> None:
    proposal = rules.synonym(query, nomenclature, OPTIONS)
    assert proposal is None or proposal.status is Status.REVIEW


def test_a_target_that_is_in_doubt_is_left_for_review(nomenclature: Nomenclature) -> None:
    assert said(rules.target, "PTV xyz", nomenclature) == (Status.REVIEW, "")


@pytest.mark.parametrize(
    ("rule", "name"),
    [
        (rules.not_for_us, "Zunge"),
        (rules.listed, "lung_l"),
        (rules.compliant, "PTV_60"),
        (rules.compliant, "PTV_20210514"),
        (rules.compliant, "Duodenum_PRV3"),
        (rules.compliant, "OpticChiasm_PRV05"),
        (rules.clinic_mapping, "Blase voll"),
        (rules.respelled, "Kidney S"),
        (rules.respelled, "Brain-"),
        (rules.respelled, "Retinal"),
        (rules.helper, "total lung - GTV"),
        (rules.helper, "left lung"),
        (rules.synonym, "left lung"),
        (rules.synonym, "PTV cord"),
        (rules.target, "left lung"),
    ],
)
def test_a_rule_has_nothing_to_say(rule: rules.Rule, name: str, nomenclature: Nomenclature) -> None:
    assert said(rule, name, nomenclature) is None


def test_the_clinic_s_name_of_the_nearest_site_comes_first(nomenclature: Nomenclature) -> None:
    rows = [("Heart", ""), ("Lung_L", "thorax"), ("Breast_L", "breast")]
    mapped = tuple(ClinicMapping("Gnarb", name, site, SourceLine("own.yaml", 1)) for name, site in rows)
    own = replace(nomenclature, clinic={"gnarb": mapped})
    found = {
        site: said(rules.clinic_mapping, "GNARB", own, site=site)
        for site in ("breast", "thorax", "pelvis", "")
    }
    assert found == {
        "breast": (Status.RENAME, "Breast_L"),
        "thorax": (Status.RENAME, "Lung_L"),
        "pelvis": (Status.RENAME, "Heart"),
        "": (Status.RENAME, "Heart"),
    }
