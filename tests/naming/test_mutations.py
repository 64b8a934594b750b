"""The net is shown to hold: what keeps wrong names out is cut away, piece by piece, and each time tests must fail.

Each cut is made in a copy of the package, in one place, and the tests that it names are run against that copy in a process
of their own: all of them must fail with the cut, and pass without. ``pytest -s tests/naming/test_mutations.py`` prints the
list.
"""

from __future__ import annotations

import ast
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

import tg263_scp
from tg263_scp.naming.rules.vetoes import VETOES as VETO_TABLE

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

CHECKOUT = Path(__file__).parents[2]
VETOES = "naming/rules/vetoes.py"
WHOLE_SET = "naming/rules/whole_set.py"
SIDES = "naming/rules/sides_by_contours.py"
CLOSE = "naming/rules/close_match.py"
DECIDE = "naming/decide.py"
GATES = "service/deciding/gates.py"
LONGEST_RUN_S = 240


@dataclass(frozen=True)
class Cut:
    """One cut: in ``function`` of ``module`` the text ``old`` becomes ``new``; without ``old`` its whole body does.

    Without ``function`` it is cut wherever it stands in the module. ``tests`` are those that must fail, as paths below
    ``tests`` with the names of functions.
    """

    code: str
    module: str
    function: str
    new: str
    tests: tuple[str, ...]
    old: str = ""

    def __str__(self) -> str:
        return f"{self.function or self.module}: {self.old or 'its body'} -> {self.new}"


def _direct(name: str, *functions: str) -> tuple[str, ...]:
    return tuple(f"naming/rules/test_{name}.py::{function}" for function in functions)


def _case(code: str) -> str:
    return f"naming/test_cases.py::test_a_code_has_a_file_in_which_it_decides[{code}]"


def _gate(gate: str) -> tuple[str, ...]:
    functions = (
        "test_a_gate_holds",
        "test_a_gate_passes_the_object_as_it_was_received",
        "test_a_gate_relabels_what_can_be_relabelled_and_says_that_it_has_closed",
    )
    return tuple(f"service/deciding/test_gates.py::{function}[{gate}]" for function in functions)


def _veto(code: str, function: str, *tests: str) -> Cut:
    return Cut(code, VETOES, function, 'return ""', (*_direct("vetoes", *tests), _case(code)))


CUTS = (
    # The check of a clinic's mappings decides by V010 too, so that its file of cases passes all the same.
    Cut(
        "V010",
        VETOES,
        "side_kept",
        'return ""',
        _direct("vetoes", "test_v010_stops_a_side_that_is_not_the_written_one"),
    ),
    _veto(
        "V020",
        "numbers_kept",
        "test_v020_stops_a_number_that_is_lost_or_changed",
        "test_v020_stops_a_dose_out_of_nowhere",
    ),
    _veto("V030", "margin_kept", "test_v030_stops_a_margin_that_is_lost_or_invented"),
    _veto("V040", "kind_kept", "test_v040_stops_a_target_made_an_organ_and_an_organ_made_a_target"),
    _veto("V050", "short_enough", "test_v050_stops_17_characters_and_none"),
    _veto("V060", "no_identifier", "test_v060_stops_an_identifier_behind_the_caret"),
    _veto("V070", "type_agrees", "test_v070_stops_an_organ_s_name_for_what_is_drawn_as_a_target"),
    Cut(
        "V020-V070",
        DECIDE,
        "_vetoed",
        "in ()",
        tuple(_case(f"V0{number}0") for number in (2, 3, 4, 5, 7)),
        old="in VETOES",
    ),
    Cut(
        "V060",
        DECIDE,
        "_decide_one",
        '""',
        (_case("V060"),),
        old="no_identifier(query, proposal, nomenclature, options)",
    ),
    Cut(
        "V080",
        SIDES,
        "_contradicted",
        "return decision",
        (
            *_direct(
                "sides_by_contours",
                "test_v080_stops_a_side_on_the_other_side_of_the_body",
                "test_v080_offers_the_new_name_that_it_stopped",
            ),
            _case("V080"),
        ),
    ),
    Cut(
        "V090",
        WHOLE_SET,
        "refuse_unwritable",
        "return list(decisions)",
        (*_direct("whole_set", "test_v090_stops_a_sign_that_the_character_set_lacks"), _case("V090")),
    ),
    Cut(
        "S010",
        WHOLE_SET,
        "_settled",
        "False",
        (*_direct("whole_set", "test_s010_stops_two_rois_that_would_get_one_name"), _case("S010")),
        old="given[key] > 1",
    ),
    Cut(
        "S020",
        WHOLE_SET,
        "_settled",
        "False",
        (*_direct("whole_set", "test_s020_stops_a_name_that_another_roi_goes_on_with"), _case("S020")),
        old="kept[key]",
    ),
    Cut(
        "S010, S020",
        WHOLE_SET,
        "settle_clashes",
        "given = Counter(d.name for d",
        _direct("whole_set", "test_s010_stops_two_rois_that_would_get_one_name"),
        old="given = Counter(d.name.casefold() for d",
    ),
    Cut(
        "S030",
        SIDES,
        "_supplied",
        "return decision",
        (
            *_direct("sides_by_contours", "test_s030_supplies_the_side_beside_one_that_is_proven"),
            _case("S030"),
        ),
    ),
    Cut(
        "S030",
        SIDES,
        "check_sides",
        "if True:",
        _direct("sides_by_contours", "test_s030_supplies_nothing_on_less"),
        old="if agree and not contradict and not odd:",
    ),
    Cut(
        "S040",
        WHOLE_SET,
        "doubt_the_other_sex",
        "return list(decisions)",
        (
            *_direct("whole_set", "test_s040_stops_an_abbreviation_of_the_sex_that_the_set_does_not_show"),
            _case("S040"),
        ),
    ),
    Cut(
        "R080",
        CLOSE,
        "",
        "-1.0",
        _direct("close_match", "test_below_the_floor_it_is_only_a_suggestion"),
        old="options.fuzzy_floor",
    ),
    Cut(
        "R080",
        CLOSE,
        "",
        "-1.0",
        _direct("close_match", "test_with_a_runner_up_within_the_gap_it_is_only_a_suggestion"),
        old="options.fuzzy_gap",
    ),
    Cut(
        "approved",
        GATES,
        "_findings",
        "False",
        _gate("approved"),
        old="is_approved(structure_set)",
    ),
    Cut("signed", GATES, "_findings", "False", _gate("signed"), old="structure_set.has_digital_signature"),
    Cut(
        "gates",
        GATES,
        "deciding",
        "return next(iter(closed), None)",
        ("service/deciding/test_gates.py::test_hold_goes_before_pass_and_pass_before_relabel",),
    ),
)


def make_cut(package: Path, cut: Cut) -> None:
    """Cut the copy of the package; it is an error where the place is gone, or where a function holds it twice."""
    path = package / cut.module
    source = path.read_text(encoding="utf-8")
    if not cut.function:
        assert cut.old in source, f"'{cut.old}' does not stand in {cut.module}"
        path.write_text(source.replace(cut.old, cut.new), encoding="utf-8")
        return
    tree = ast.walk(ast.parse(source))
    found = [node for node in tree if isinstance(node, ast.FunctionDef) and node.name == cut.function]
    assert len(found) == 1, f"{cut.module} has {len(found)} functions {cut.function}"
    first, last = found[0].body[bool(ast.get_docstring(found[0]))].lineno - 1, found[0].end_lineno
    lines = source.splitlines()
    body = "\n".join(lines[first:last])
    if cut.old:
        assert body.count(cut.old) == 1, f"'{cut.old}' stands {body.count(cut.old)} times in {cut.function}"
        body = body.replace(cut.old, cut.new)
    else:
        body = f"    {cut.new}"
    path.write_text("\n".join([*lines[:first], body, *lines[last:], ""]), encoding="utf-8")


def failing(copy: Path, tests: tuple[str, ...]) -> set[str]:
    """Run tests against the copy; return those that failed, a parametrised one without its parameters as well."""
    command = [sys.executable, "-P", "-m", "pytest", "-q", "-p", "no:cacheprovider", "-o", "addopts="]
    command += ["--tb=no", "-rf", *(str(CHECKOUT / "tests" / test) for test in tests)]
    environment = {**os.environ, "PYTHONPATH": str(copy), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        check=False,
        cwd=CHECKOUT,
        env=environment,
        timeout=LONGEST_RUN_S,
    )
    assert done.returncode in (0, 1), f"the tests did not run:\n{done.stdout}{done.stderr}"
    assert str(CHECKOUT) not in done.stderr
    failed = set(
        re.findall(r"^FAILED tests/(\S+?\.py::\w+(?:\[.*\])?)(?: - .*)?$", done.stdout, re.MULTILINE)
    )
    return failed | {name.partition("[")[0] for name in failed}


def survivors(copy: Path, cut: Cut) -> tuple[str, ...]:
    """Make a cut; return those of its tests that pass nevertheless."""
    make_cut(copy / "tg263_scp", cut)
    failed = failing(copy, cut.tests)
    return tuple(test for test in cut.tests if test not in failed)


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A checkout with a package of its own and the data of this one."""
    package = Path(tg263_scp.__file__).parent
    shutil.copytree(package, tmp_path / package.name, ignore=shutil.ignore_patterns("__pycache__"))
    for data in ("nomenclature", "prompts", "conformance"):
        (tmp_path / data).symlink_to(package.parent / data, target_is_directory=True)
    return tmp_path


def test_without_a_cut_all_these_tests_pass(copy: Path) -> None:
    assert failing(copy, tuple(dict.fromkeys(test for cut in CUTS for test in cut.tests))) == set()


@pytest.mark.parametrize("cut", CUTS, ids=lambda cut: f"{cut.code}-{cut.function or cut.old}")
def test_a_cut_makes_its_tests_fail(copy: Path, cut: Cut) -> None:
    assert survivors(copy, cut) == (), "these tests pass although the code is cut"
    print(f"\n{cut.code}: {cut}", *(f"\n    fails: {test}" for test in cut.tests), sep="", end=" ")


def test_every_veto_and_every_rule_of_the_whole_set_is_cut() -> None:
    codes = {code for code, _, _ in VETO_TABLE} | {"V080", "V090", "S010", "S020", "S030", "S040", "R080"}
    assert codes <= {cut.code for cut in CUTS}


def test_a_cut_that_changes_nothing_is_noticed(copy: Path) -> None:
    tests = _direct("vetoes", "test_v010_stops_a_side_that_is_not_the_written_one")
    harmless = Cut("V010", VETOES, "side_kept", "written = set([])", tests, old="written = set()")
    assert survivors(copy, harmless) == tests


def test_a_cut_that_breaks_the_program_is_no_proof(copy: Path) -> None:
    broken = Cut(
        "V010",
        VETOES,
        "side_kept",
        "return )",
        _direct("vetoes", "test_v010_stops_a_side_that_is_not_the_written_one"),
    )
    with pytest.raises(AssertionError, match="the tests did not run"):
        survivors(copy, broken)


def test_a_cut_whose_place_is_gone_is_an_error(copy: Path) -> None:
    for gone in (
        Cut("V010", VETOES, "no_such_veto", 'return ""', ()),
        Cut("V010", VETOES, "side_kept", "", (), old="no such text"),
        Cut("V010", VETOES, "", "", (), old="no such text"),
    ):
        with pytest.raises(AssertionError, match=r"functions no_such_veto|stands 0 times|does not stand"):
            survivors(copy, gone)
