"""The case files: one for each code that a decision can carry, in words a physicist can extend (``tests/cases/*.yaml``).

A case names a ROI and says what becomes of it: ``becomes: NAME``, ``stays: true``, or ``review: REASON``. A new name comes
from the rule of the file, unless ``rule`` says another code. What else a case may say:

* ``site`` and ``type`` (ROI Interpreted Type).
* ``beside``: the other ROIs of the set, ``[Uterus, Bladder]``, or with their places ``{Lung_L: left, Liver: middle}``.
* ``lies``: where the contours of the ROI itself lie in the patient: ``left``, ``right`` or ``middle``.
* ``clinic``: the name that the clinic's own overlay gives it.
* ``proposed``: the name that a rule gives it by mistake. No rule is known to err so; the vetoes must hold if one ever does.
* ``identifiers``: what identifies the patient of the object.
* ``unwritable``: characters that the character set of the object lacks.
* ``model``: what a language model answers if asked, such as ``structure: Lens``, and ``votes`` how many of three samples
  say so; with ``asked: false`` no question may be made of the name.
"""

from __future__ import annotations

import ast
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from doubles.answers import choice

from tg263_scp import naming, yamlsource
from tg263_scp.decision import Choice, Decision, Reason, Roi, RoiPlace, Status
from tg263_scp.errors import SourceLine
from tg263_scp.naming import decide as deciding
from tg263_scp.naming.llm.choice import LlmView, Readings
from tg263_scp.naming.llm.open_names import OpenName, SetQuestion
from tg263_scp.naming.query import NamingOptions, Proposal
from tg263_scp.naming.standard.nomenclature import ClinicMapping, Nomenclature, relaxed

FOLDER = Path(__file__).parents[1] / "cases"
FILES = {path.stem: yamlsource.load(path) for path in sorted(FOLDER.glob("*.yaml"))}
PLACES = {
    "left": RoiPlace(offset_mm=60, rightmost_mm=45, leftmost_mm=75, slices=9, volume_cm3=30),
    "right": RoiPlace(offset_mm=-60, rightmost_mm=-75, leftmost_mm=-45, slices=9, volume_cm3=30),
    "middle": RoiPlace(offset_mm=3, rightmost_mm=-20, leftmost_mm=26, slices=9, volume_cm3=30),
}
_OUTCOMES = {"becomes", "stays", "review"}
_KEYS = _OUTCOMES | set(
    "name why site type rule beside lies clinic proposed identifiers unwritable model votes asked".split()
)


def _codes() -> list[str]:
    """Every code that a decision can carry, as it stands in the source of ``naming``, or that has a file of cases."""
    sources = Path(str(naming.__file__)).parent.rglob("*.py")
    texts = {
        node.value
        for path in sources
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    in_code = {text for text in texts if len(text) == 4 and text[0] in "RVS" and text[1:].isdecimal()}
    return sorted(in_code | {str(document["rule"]) for document in FILES.values()})


def _model(case: dict[str, Any], asked: list[SetQuestion]) -> LlmView:
    """A model that reads the name of the case as it says; of any other name it says that it means none."""

    def readings_of(question: SetQuestion) -> Readings:
        asked.append(question)
        return tuple(_reading(case, name) for name in question.names)

    return LlmView(readings_of, applied=frozenset({"organ", "prv", "target"}))


def _reading(case: dict[str, Any], name: OpenName) -> Choice:
    said = {str(key): str(value) for key, value in case.get("model", {}).items()}
    if name.written != case["name"] or "structure" not in said:
        return choice(name.written, "none", meant=said.get("meant", ""))
    structure = said.pop("structure")
    assert structure in [option.id for option in name.options], f"{structure} is not offered"
    return choice(name.written, structure, int(case.get("votes", "3")), **said)


def _rois_and_places(case: dict[str, Any]) -> tuple[list[Roi], list[RoiPlace | None]]:
    """The ROI of the case first, then those beside it."""
    beside = case.get("beside", {})
    lying = {case["name"]: case.get("lies", "")}
    lying |= beside if isinstance(beside, dict) else dict.fromkeys(beside, "")
    rois = [Roi(at, str(name), unwritable=case.get("unwritable", "")) for at, name in enumerate(lying)]
    rois[0] = replace(rois[0], interpreted_type=case.get("type", ""))
    return rois, [PLACES[where] if where else None for where in lying.values()]


def _propose(name: str, patch: pytest.MonkeyPatch) -> None:
    """Put one rule that proposes this name in place of all rules; the answer is not remembered."""
    proposal = Proposal("R050", Status.RENAME, Reason.SYNONYM, name, 0.97)
    patch.setattr(deciding, "RULES", (("R050", lambda query, nomenclature, options: proposal),))
    patch.setattr(deciding, "_cascade", deciding._cascade.__wrapped__)


def _with_overlay(nomenclature: Nomenclature, name: str, becomes: str) -> Nomenclature:
    row = ClinicMapping(name, becomes, "", SourceLine("overlay.yaml", 1))
    return replace(nomenclature, clinic={relaxed(name): (row,)})


def decided(
    case: dict[str, Any], nomenclature: Nomenclature, patch: pytest.MonkeyPatch
) -> tuple[Decision, list[SetQuestion]]:
    """Decide the set of a case; return the decision on its ROI and what a model was asked."""
    asked: list[SetQuestion] = []
    rois, places = _rois_and_places(case)
    if "clinic" in case:
        nomenclature = _with_overlay(nomenclature, case["name"], str(case["clinic"]))
    if "proposed" in case:
        _propose(str(case["proposed"]), patch)
    decisions = deciding.decide_set(
        rois,
        nomenclature,
        NamingOptions(identifiers=tuple(case.get("identifiers", ()))),
        site=case.get("site", ""),
        place_of=places.__getitem__ if any(places) else None,
        llm=_model(case, asked) if "model" in case or "asked" in case else None,
    )
    return decisions[0], asked


@pytest.mark.parametrize(
    ("rule", "case"),
    [
        pytest.param(str(document["rule"]), case, id=f"{stem}:{case.line}")
        for stem, document in FILES.items()
        for case in document["cases"]
    ],
)
def test_case(
    nomenclature: Nomenclature, monkeypatch: pytest.MonkeyPatch, rule: str, case: dict[str, Any]
) -> None:
    assert set(case) <= _KEYS, f"unknown: {set(case) - _KEYS}"
    assert len(set(case) & _OUTCOMES) == 1, "a case says one thing that becomes of the name"
    decision, asked = decided(case, nomenclature, monkeypatch)
    assert bool(asked) is ("model" in case), [step.note for step in decision.trail]
    if "becomes" in case:
        assert (decision.status, decision.name) == (Status.RENAME, case["becomes"]), decision.note
        assert decision.rule == case.get("rule", rule)
    elif "review" in case:
        assert (decision.status, decision.reason) == (Status.REVIEW, Reason(case["review"])), (
            decision.name,
            decision.note,
        )
        assert decision.name == case["name"]
    else:
        assert case["stays"] == "true"
        assert decision.status is Status.KEEP, (decision.name, decision.reason)
        assert decision.name == case["name"]


@pytest.mark.parametrize("code", _codes())
def test_a_code_has_a_file_in_which_it_decides(
    nomenclature: Nomenclature, monkeypatch: pytest.MonkeyPatch, code: str
) -> None:
    files = [stem for stem in FILES if stem.startswith(f"{code}-")]
    assert len(files) == 1, f"tests/cases needs one file whose name begins with {code}-"
    document = FILES[files[0]]
    assert document["rule"] == code
    found = set()
    for case in document["cases"]:
        with monkeypatch.context() as patch:
            found.add(decided(case, nomenclature, patch)[0].rule)
    assert code in found, f"no case of {files[0]}.yaml is decided by {code}"


def test_every_rule_and_veto_of_the_tables_is_such_a_code() -> None:
    tables = {code for code, _ in deciding.RULES} | {code for code, _, _ in deciding.VETOES}
    assert tables | {
        "R090",
        "V080",
        "V090",
        "S010",
        "S020",
        "S030",
        "S040",
        "S050",
        "S060",
        "S070",
        "S080",
    } == set(_codes())
