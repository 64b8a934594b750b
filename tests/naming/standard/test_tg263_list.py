"""The shipped TG-263 list, checked as data: what must hold whatever program reads it."""

import hashlib
import re
from functools import cache
from pathlib import Path

import pytest

from tg263_scp.yamlsource import load

FOLDER = Path(__file__).resolve().parents[3] / "nomenclature"
NAMES_SHA256 = "4a7d89bad6e9d35d5db26d092c843d0b57a889d5ecb83902eea3d0f46c53a42f"

KEYS = {
    "name",
    "reverse",
    "kind",
    "category",
    "region",
    "meaning",
    "plural_of",
    "published",
    "accepts",
    "note",
}
REQUIRED = {"name", "reverse", "kind", "category", "region", "meaning"}
KINDS = {"organ", "prv", "target", "derived", "device", "planning"}
REGIONS = {"head_and_neck", "thorax", "abdomen", "pelvis", "limbs", "body"}
FILLED_IN = {"{mm1}": "5", "{mm2}": "05", "{cgy}": "5040"}
REVERSE_OTHERWISE = {
    "Bladder_Wall": "Bladder_Wall",
    "Rectal_Wall": "Rectal_Wall",
    "Jejunum_Ileum": "Jejunum_Ileum",
    "Kidney_L-GTV": "L_Kidney-GTV",
    "Kidney_R-GTV": "R_Kidney-GTV",
    "E-PTV_{cgy}": "E-PTV_{cgy}",
    "E-PTV_Ev05_{cgy}": "E-PTV_Ev05_{cgy}",
}
SIDES_WITHOUT_A_SIDE_TOKEN = {"A_LAD": {"left"}}
SIDE_TOKENS = {
    **dict.fromkeys(["L", "LI", "LLL", "LUL", "L-GTV"], "left"),
    **dict.fromkeys(["R", "RI", "RLL", "RML", "RUL", "R-GTV"], "right"),
}


@cache
def data():
    return load(FOLDER / "tg263.yaml")


def structures():
    return data()["structures"]


def patterns():
    return data()["patterns"]


def entries():
    return [*structures(), *patterns()]


def entry(name):
    return next(one for one in entries() if one["name"] == name)


def filled_in(name):
    for placeholder, digits in FILLED_IN.items():
        name = name.replace(placeholder, digits)
    return name


def sides_in(meaning):
    return set(re.findall(r"\b(?:left|right)\b", meaning))


def side_of(name):
    """The sides a name carries; the letter after VB_ is a region of the spine."""
    if name.startswith("VB_"):
        return set()
    return {SIDE_TOKENS[token] for token in name.split("_")[1:] if token in SIDE_TOKENS}


def test_the_header_says_where_the_list_comes_from():
    assert set(data()) == {"source", "edition", "attribution", "names_sha256", "structures", "patterns"}
    assert data()["edition"] == "20170815"
    assert "AAPM" in data()["source"]
    assert "AAPM Report No. 263" in data()["attribution"]


def test_the_list_has_701_names_and_16_patterns():
    assert (len(structures()), len(patterns())) == (701, 16)


def test_no_name_has_changed_since_the_list_was_checked_against_the_worksheet():
    names = "\n".join(sorted(one["name"] for one in entries()))
    assert hashlib.sha256(names.encode("utf-8")).hexdigest() == data()["names_sha256"] == NAMES_SHA256


def test_every_entry_has_the_required_keys_and_no_unknown_one():
    for one in entries():
        assert set(one) >= REQUIRED, one
        assert set(one) <= KEYS, one
        assert all(one[key] for key in one), one


def test_kinds_and_regions_are_from_the_closed_sets_and_categories_are_words():
    for one in entries():
        assert one["kind"] in KINDS, one
        assert one["region"] in REGIONS, one
        assert re.fullmatch(r"[a-z]+( [a-z]+)?", one["category"]), one


def test_kinds_follow_the_form_of_the_name():
    for one in entries():
        assert (one["kind"] == "prv") == ("_PRV" in one["name"]), one
        assert (one["kind"] == "derived") == bool(re.search(r"[a-zLR]-[GCIP]TV$", one["name"])), one


def test_the_plain_target_types_are_the_only_targets():
    assert [one["name"] for one in entries() if one["kind"] == "target"] == ["CTV", "GTV", "ITV", "PTV"]


def test_names_and_reverse_names_fit_into_16_characters():
    for one in entries():
        for key in ("name", "reverse"):
            assert 1 <= len(filled_in(one[key])) <= 16, one


def test_names_hold_only_letters_digits_underscore_and_minus():
    for one in entries():
        for key in ("name", "reverse"):
            assert re.fullmatch(r"[A-Za-z0-9_-]+", filled_in(one[key])), one


def test_literal_names_have_no_placeholder_and_patterns_have_exactly_one():
    for one in structures():
        assert "{" not in one["name"] + one["reverse"]
        assert not re.search(r"(PRV|PTV)x|xxmm|xxxx", one["name"])
    for one in patterns():
        for name in [one["name"], one["reverse"], *one.get("accepts", [])]:
            assert len(re.findall(r"\{(?:mm1|mm2|cgy)\}", name)) == 1, one
            assert name.count("{") == name.count("}") == 1


def test_every_pattern_says_how_the_worksheet_prints_it():
    for one in patterns():
        assert re.search(r"x", one["published"])
        assert "{" not in one["published"]


def test_no_two_spellings_are_equal_when_case_is_ignored():
    owner = {}
    for one in entries():
        spellings = {one["name"], one["reverse"], one.get("published", one["name"]), *one.get("accepts", [])}
        for spelling in {text.casefold() for text in spellings}:
            assert spelling not in owner, (spelling, owner.get(spelling), one["name"])
            owner[spelling] = one["name"]


def test_the_reverse_name_is_the_name_with_its_tokens_turned_round():
    otherwise = {}
    for one in entries():
        if one["reverse"] != "_".join(reversed(one["name"].split("_"))):
            otherwise[one["name"]] = one["reverse"]
    assert otherwise == REVERSE_OTHERWISE


def test_every_left_structure_has_a_right_one_and_the_reverse():
    names = {one["name"] for one in entries() if not one["name"].startswith("VB_")}
    left = {name.removesuffix("_L") for name in names if name.endswith("_L")}
    right = {name.removesuffix("_R") for name in names if name.endswith("_R")}
    assert left == right
    assert len(left) == 171  # 169 literal pairs and the PRV patterns of optic nerve and retina


def test_left_and_right_of_a_pair_differ_in_nothing_but_the_side():
    for one in entries():
        name = one["name"]
        if not name.endswith("_L") or name.startswith("VB_"):
            continue
        other = entry(name[:-1] + "R")
        assert other["meaning"] == re.sub(r"\bleft\b", "right", one["meaning"]), name
        assert [other[key] for key in ("kind", "category", "region")] == [
            one[key] for key in ("kind", "category", "region")
        ], name


def test_a_meaning_names_the_side_exactly_when_the_name_does():
    for one in entries():
        expected = SIDES_WITHOUT_A_SIDE_TOKEN.get(one["name"], side_of(one["name"]))
        assert sides_in(one["meaning"]) == expected, one


def test_meanings_are_short_plain_and_never_the_same_twice():
    meanings = [one["meaning"] for one in entries()]
    assert len(set(meanings)) == len(meanings)
    for meaning in meanings:
        assert 5 <= len(meaning.split()) <= 14, meaning
        assert meaning == meaning.strip()
        assert not meaning.endswith(".")


def test_each_plural_unites_a_pair_that_the_list_has():
    names = {one["name"] for one in structures()}
    plurals = {one["name"]: one["plural_of"] for one in entries() if "plural_of" in one}
    assert len(plurals) == 34
    for plural, stem in plurals.items():
        assert stem not in names, plural
        assert {f"{stem}_L", f"{stem}_R"} <= names, plural
        assert plural in (f"{stem}s", f"{stem[:-1]}ies", f"{stem[:-2]}i")
    assert plurals["Lungs"] == "Lung"
    assert plurals["Hippocampi"] == "Hippocampus"
    assert plurals["Ovaries"] == "Ovary"
    assert plurals["Ear_Externals"] == "Ear_External"


@pytest.mark.parametrize(
    ("name", "published"),
    [("LN_Iliac_Int_R", "LN_lliac_Int_R"), ("Colon_PRV{mm2}", "Colon_PTVxx")],
)
def test_an_error_of_the_worksheet_is_put_right_and_still_known(name, published):
    assert entry(name)["published"] == published
    assert not [one for one in entries() if one["name"] == published]


def test_only_two_names_differ_from_the_worksheet_beyond_their_placeholders():
    assert [one["name"] for one in structures() if "published" in one] == ["LN_Iliac_Int_R"]
    spelt_otherwise = [
        one["name"]
        for one in patterns()
        if one["published"]
        != re.sub(r"\{(\w+)\}", lambda m: {"mm1": "x", "mm2": "xx", "cgy": "xxxx"}[m[1]], one["name"])
    ]
    assert spelt_otherwise == ["Colon_PRV{mm2}"]


@pytest.mark.parametrize(
    ("name", "accepted"),
    [
        ("Colon_PRV{mm2}", "Colon_PTV{mm2}"),
        ("Colon_Decending", "Colon_Descending"),
        ("Hypothalmus", "Hypothalamus"),
        ("Hypothalmus_PRV", "Hypothalamus_PRV"),
        ("Hypothalmus_PRV{mm1}", "Hypothalamus_PRV{mm1}"),
        ("Bladder_Wall", "Wall_Bladder"),
        ("Rectal_Wall", "Wall_Rectal"),
        ("LN_Trachbrnchs", "Trachbronchs_LN"),
        ("LN_Trachbrnchs_L", "L_Trachbronchs_LN"),
        ("LN_Trachbrnchs_R", "R_Trachbronchs_LN"),
    ],
)
def test_the_other_spelling_is_accepted_but_never_a_name_of_its_own(name, accepted):
    assert accepted in entry(name)["accepts"]
    assert not [one for one in entries() if accepted in (one["name"], one["reverse"])]


def test_examples_of_the_report_that_the_worksheet_lacks_are_no_names():
    names = {one["name"] for one in entries()}
    absent = {
        "Ears_External",
        "Ribs_L",
        "LN_IMN",
        "LN_Ax_L1",
        "Glnd_Submand",
        "Femur_Head",
        "Sinus_Maxillary",
    }
    absent |= {"LNs", "ChestWall", "HardPalate", "Bowel_Bag", "Kidney", "Lung", "Parotid"}
    assert not names & absent


def test_the_letter_after_vb_is_a_region_of_the_spine():
    assert "lumbar" in entry("VB_L")["meaning"]
    assert "sacral" in entry("VB_S")["meaning"]
    assert entry("VB_T07")["meaning"] == "body of the seventh thoracic vertebra (T7)"


@pytest.mark.parametrize(
    ("name", "region"),
    [
        ("A_Coronary", "thorax"),
        ("Gallbladder", "abdomen"),
        ("Glnd_Adrenal_L", "abdomen"),
        ("Musc_Digastric_R", "head_and_neck"),
        ("Surf_Eye", "head_and_neck"),
        ("Glnd_Thyroid", "head_and_neck"),
    ],
)
def test_a_body_region_that_the_worksheet_has_wrong_is_right_here(name, region):
    assert entry(name)["region"] == region


def test_the_example_overlay_has_the_documented_form_and_maps_to_known_names():
    overlay = load(FOLDER / "overlay.example.yaml")
    assert set(overlay) == {"clinic", "approved_by", "date", "mappings", "keep"}
    literal = {one["name"] for one in structures()}
    for mapping in overlay["mappings"]:
        assert {"name", "becomes"} <= set(mapping) <= {"name", "becomes", "site", "note"}
        assert mapping["becomes"] in literal | {"SpinalCord_PRV05", "PTV_6600"}, mapping
    assert all(overlay["keep"])
