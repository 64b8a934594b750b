"""The facts of anatomy: read with their lines, checked against the list, and the same for every clinic."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from tg263_scp import yamlsource
from tg263_scp.decision import Roi, Status
from tg263_scp.errors import NomenclatureError
from tg263_scp.naming.decide import decide, decide_set
from tg263_scp.naming.rules.whole_set import infer_site
from tg263_scp.naming.standard import grammar
from tg263_scp.naming.standard.anatomy import Anatomy, read_anatomy
from tg263_scp.naming.standard.contradictions import contradictions
from tg263_scp.naming.standard.loading import load_nomenclature
from tg263_scp.naming.standard.nomenclature import Nomenclature
from tg263_scp.resources import data_folder

KNOWN = frozenset({"Heart", "Eye", "Eye_L", "Eye_R", "Lung_LUL", "Lung_RUL", "Penis", "Uterus", "Bolus"})
SMALL = """\
sites:
  thorax: {called: [chest], told_by: [Heart]}
  breast: {part_of: thorax}
  head_and_neck: {next_to: [thorax]}
female: [Uterus]
male: [Penis]
grown_most: [Eye]
never_grown: []
drawn_as_targets: []
often_treated: [Lung_*]
vessels: []
treated_vessels: []
beside_targets: [Heart]
beside_targets_at: {breast: [Eye]}
contoured_most: [Heart, Eye]
treated_most: []
never_offered: []
sides_of_parts: {L: [LUL], R: [RUL]}
numbers_in_words: {Heart: 2}
interpreted_types: {organ: [ORGAN], target: [PTV], structure: {BOLUS: [Bolus]}, other: [SUPPORT]}
classifiers: {n: nodal}
dose_levels: {High: higher}
parted_by_sides: []
nodes_unsaid: []
median: [Heart]
filled: []
never_treated: []
sided_too: []
"""


def small(text: str = SMALL) -> Anatomy:
    document = yamlsource.parse(text, "anatomy.yaml", error=NomenclatureError)
    return read_anatomy(document, "anatomy.yaml", KNOWN)


def test_a_fact_knows_its_line() -> None:
    assert small().beside_targets["Heart"].line == 13


def test_a_star_stands_for_every_structure_that_begins_so() -> None:
    assert set(small().often_treated) == {"Lung_LUL", "Lung_RUL"}


def test_the_order_of_a_list_is_kept() -> None:
    assert list(small().contoured_most) == ["Heart", "Eye"]


@pytest.mark.parametrize("text", ["thorax", "THORAX", "Chest", "c h e s t"])
def test_a_site_is_known_by_each_of_its_names(text: str) -> None:
    assert small().site_called(text) == "thorax"


def test_a_site_that_is_not_named_is_not_guessed() -> None:
    assert (small().site_called("che"), small().site_called("")) == ("", "")


@pytest.mark.parametrize(
    ("text", "site"),
    [
        ("H&N", "head_and_neck"),
        ("HEAD AND NECK", "head_and_neck"),
        ("HEADNECK", "head_and_neck"),
        ("Prostate", "prostate"),
        ("CHEST", "thorax"),
        ("gyn.", "gyn"),
        ("", ""),
        ("moon", ""),
        ("prostate cancer", ""),
    ],
)
def test_a_site_that_ships_is_known_by_what_clinics_and_scanners_call_it(
    text: str, site: str, nomenclature: Nomenclature
) -> None:
    assert nomenclature.anatomy.site_called(text) == site


def test_the_broader_site_comes_behind_the_nearer() -> None:
    anatomy = small()
    assert [anatomy.nearest_first(site) for site in ("breast", "thorax", "")] == [
        ("breast", "thorax"),
        ("thorax",),
        (),
    ]


def test_every_term_of_the_interpreted_type_is_known() -> None:
    assert small().interpreted_types.terms == {"ORGAN", "PTV", "BOLUS", "SUPPORT"}


@pytest.mark.parametrize(
    ("right", "wrong", "line", "said"),
    [
        ("female: [Uterus]", "female: [Utterus]", 5, "did you mean Uterus?"),
        ("female: [Uterus]", "female: [Uterus, Uterus]", 5, "a second time"),
        ("female: [Uterus]", "femal: [Uterus]", 5, "did you mean female"),
        ("never_grown: []\n", "", 1, "lacks the section 'never_grown'"),
        ("Lung_*", "Lunge_*", 10, "no listed name begins"),
        ("\nvessels: []", "\nvessels: [A_*]", 11, "no listed name begins"),
        ("told_by: [Heart]", "told_by: [Hart]", 2, "did you mean Heart?"),
        ("called: [chest]", "called: [breast]", 2, "two sites are called"),
        ("part_of: thorax", "part_of: torax", 3, "did you mean thorax?"),
        ("part_of: thorax", "partof: thorax", 3, "did you mean part_of?"),
        ("{next_to: [thorax]}", "{part_of: breast}", 4, "part of thorax itself"),
        ("next_to: [thorax]", "next_to: [legs]", 4, "unknown site 'legs'"),
        ("{breast: [Eye]}", "{brest: [Eye]}", 14, "did you mean breast?"),
        ("{L: [LUL], R: [RUL]}", "{L: [LUL], M: [RUL]}", 18, "unknown key 'M'"),
        ("{L: [LUL], R: [RUL]}", "{L: [LUL], R: [LUL]}", 18, "a second time"),
        ("{Heart: 2}", "{Heart: two}", 19, "whole number"),
        ("{Heart: 2}", "[Heart]", 19, "must be a mapping"),
        ("target: [PTV]", "target: [PTV, ORGAN]", 20, "a second time"),
        ("{BOLUS: [Bolus]}", "{BOLUS: [Bollus]}", 20, "did you mean Bolus?"),
        (", other: [SUPPORT]", "", 20, "lacks the key 'other'"),
        ("{n: nodal}", "{n: }", 21, "needs a text"),
    ],
)
def test_a_mistake_is_an_error_with_its_line_and_a_hint(right: str, wrong: str, line: int, said: str) -> None:
    assert SMALL.count(right) == 1
    with pytest.raises(NomenclatureError) as error:
        small(SMALL.replace(right, wrong))
    assert error.value.where.line == line
    assert error.value.hint
    assert said in str(error.value)


def test_a_folder_without_the_file_is_an_error(own_folder: Path) -> None:
    (own_folder / "anatomy.yaml").unlink()
    with pytest.raises(NomenclatureError, match=r"anatomy\.yaml") as error:
        load_nomenclature(own_folder)
    assert "copy" in error.value.hint


def test_a_fact_that_is_changed_counts_in_the_digest_and_in_the_answer(
    own_folder: Path, edited: Callable[[str, str], None]
) -> None:
    before = load_nomenclature(own_folder)
    assert decide("Skin 5mm", before).status is Status.REVIEW
    edited("grown_most: [", "grown_most: [Skin,")
    edited("never_grown: [\n  Skin,", "never_grown: [\n ")
    after = load_nomenclature(own_folder)
    assert decide("Skin 5mm", after).name == "Skin_PRV05"
    assert before.digest != after.digest


def test_a_structure_that_tells_the_site_needs_no_python(
    own_folder: Path, edited: Callable[[str, str], None]
) -> None:
    names = [Roi(number, name) for number, name in enumerate(("Bladder", "Rectum", "bulb"), 1)]
    assert decide_set(names, load_nomenclature(own_folder))[2].status is Status.REVIEW
    edited("told_by: [Prostate, ", "told_by: [Bladder, Rectum, Prostate, ")
    edited("told_by: [Bladder, Rectum, Colon", "told_by: [Colon")
    assert decide_set(names, load_nomenclature(own_folder))[2].name == "PenileBulb"


@pytest.mark.parametrize(
    ("kept", "told"), [((), ""), (("pelvis",), "pelvis"), (("pelvis", "thorax"), "pelvis")]
)
def test_a_file_may_know_few_sites(kept: tuple[str, ...], told: str, nomenclature: Nomenclature) -> None:
    sites = {name: site for name, site in nomenclature.anatomy.sites.items() if name in kept}
    own = replace(nomenclature, anatomy=replace(nomenclature.anatomy, sites=sites))
    decided = [(decide(name, nomenclature), None) for name in ("Bladder", "Rectum", "Femur_Head_L")]
    assert infer_site(decided, own) == told


@pytest.mark.parametrize(
    ("right", "wrong", "problem"),
    [
        ("grown_most: [", "grown_most: [Skin,", "Skin stands under grown_most and never_grown"),
        ("female: [", "female: [Penis,", "Penis stands under female and male"),
        ("treated_vessels: [V_Portal]", "treated_vessels: [Heart]", "Heart is not a vessel"),
        ("  n: nodal", "  x: nodal", "'x' is not a classifier of TG-263"),
        ("[LUL, LLL, LI]", "[LUX, LLL, LI]", "no listed name has the part 'LUX'"),
    ],
)
def test_facts_that_contradict_each_other_are_found(
    own_folder: Path, edited: Callable[[str, str], None], right: str, wrong: str, problem: str
) -> None:
    edited(right, wrong)
    found = [str(each) for each in contradictions(load_nomenclature(own_folder))]
    assert any(problem in each and "anatomy.yaml:" in each for each in found), found


def test_the_classifiers_and_dose_levels_are_those_of_the_grammar(nomenclature: Nomenclature) -> None:
    assert set(nomenclature.anatomy.classifiers) == set(grammar.CLASSIFIERS)
    for level in nomenclature.anatomy.dose_levels:
        assert isinstance(grammar.parse(f"PTV_{level}", nomenclature), grammar.TargetName)


@pytest.fixture
def own_folder(tmp_path: Path) -> Path:
    """The shipped files in a folder of their own, with the English pack alone."""
    own = tmp_path / "nomenclature"
    (own / "synonyms").mkdir(parents=True)
    for name in ("tg263.yaml", "anatomy.yaml", "synonyms/en.yaml"):
        (own / name).write_text((data_folder("nomenclature") / name).read_text("utf-8"), "utf-8")
    return own


@pytest.fixture
def edited(own_folder: Path) -> Callable[[str, str], None]:
    """Change one place of the anatomy in that folder."""

    def edit(right: str, wrong: str) -> None:
        path = own_folder / "anatomy.yaml"
        text = path.read_text("utf-8")
        assert text.count(right) == 1, right
        path.write_text(text.replace(right, wrong), "utf-8")

    return edit
