from __future__ import annotations

from dataclasses import replace
from itertools import permutations
from pathlib import Path

import pytest
from doubles.loopback import CT, EXPLICIT, RTSTRUCT, element, gates, item, structure_set, write_object

from tg263_scp.config.loading import load_config
from tg263_scp.decision import Decision, Reason, Status
from tg263_scp.dicom.reading.structure_set import read_structure_set
from tg263_scp.errors import HoldReason
from tg263_scp.naming.standard.nomenclature import Nomenclature
from tg263_scp.service.deciding.gates import ClosedGate, SentAs, deciding
from tg263_scp.service.deciding.relabelling import (
    OutcomeKind,
    RelabelOutcome,
    RelabelPolicy,
    Writing,
    decide_and_write,
)

UID = "1.2.3.100"
JPEG_BASELINE = "1.2.840.10008.1.2.4.50"
JPIP_DEFLATED = "1.2.840.10008.1.2.4.95"
SIGNATURE = element(0xFFFAFFFA, "SQ", item(element(0x04000005, "US", b"\x01\x00")))

CASES = {
    "uid_mismatch": (structure_set(["LUNG-L"], uid="1.2.3.999"), EXPLICIT, HoldReason.UID_MISMATCH),
    "encapsulated": (structure_set(["LUNG-L"]), JPEG_BASELINE, HoldReason.ENCAPSULATED),
    "unreadable": (structure_set(["LUNG-L", b"L\xfcgen"]), EXPLICIT, HoldReason.UNREADABLE_NAME),
    "signed": (structure_set(["LUNG-L"]) + SIGNATURE, EXPLICIT, HoldReason.SIGNED),
    "approved": (structure_set(["LUNG-L"], approval="APPROVED"), EXPLICIT, HoldReason.APPROVED),
    "collision": (structure_set(["LUNG-L", "Oesophagus", "gullet"]), EXPLICIT, HoldReason.NAME_COLLISION),
    "unresolved": (structure_set(["LUNG-L", "kidney"]), EXPLICIT, HoldReason.UNRESOLVED_NAMES),
}


@pytest.fixture
def decided(tmp_path: Path, nomenclature: Nomenclature):
    """Decide one data set under the default policy with changes; return the outcome and the names that go on."""

    def decide(
        dataset: bytes,
        syntax: str = EXPLICIT,
        *,
        mode: str = "relabel",
        sop_class: str = RTSTRUCT,
        **actions: str,
    ) -> tuple[RelabelOutcome, list[str]]:
        source, target = tmp_path / "received.dcm", tmp_path / "result.dcm"
        source.unlink(missing_ok=True)
        target.unlink(missing_ok=True)
        write_object(source, dataset, sop_class, UID, syntax)
        policy = replace(RelabelPolicy.of(load_config().naming), mode=mode, gates=gates(**actions))
        outcome = decide_and_write(
            source, target, nomenclature, policy, Writing(), sent_as=SentAs(sop_class, UID)
        )
        assert target.exists() == (outcome.kind is OutcomeKind.RELABELLED)
        written = target if target.exists() else source
        names = [roi.name for roi in outcome.structure_set.rois] if outcome.structure_set else []
        if target.exists():
            names = [roi.name for roi in read_structure_set(written).rois]
        return outcome, names

    return decide


@pytest.mark.parametrize("gate", CASES)
def test_a_gate_holds(decided, gate):
    dataset, syntax, found = CASES[gate]
    outcome, _ = decided(dataset, syntax, **{gate: "hold"})
    assert (outcome.kind, outcome.reason) == (OutcomeKind.HELD, found)
    assert ClosedGate(gate, found, "hold") in outcome.gates


@pytest.mark.parametrize("gate", CASES)
def test_a_gate_passes_the_object_as_it_was_received(decided, gate):
    dataset, syntax, found = CASES[gate]
    outcome, _ = decided(dataset, syntax, **{gate: "pass"})
    assert (outcome.kind, outcome.reason) == (OutcomeKind.PASSED, found)


@pytest.mark.parametrize("gate", [gate for gate in CASES if gate != "uid_mismatch"])
def test_a_gate_relabels_what_can_be_relabelled_and_says_that_it_has_closed(decided, gate):
    dataset, syntax, found = CASES[gate]
    outcome, names = decided(dataset, syntax, **{gate: "relabel"})
    assert outcome.kind is OutcomeKind.RELABELLED
    assert names[0] == "Lung_L"
    assert ClosedGate(gate, found, "relabel") in outcome.gates


def test_with_relabel_colliding_names_stay_and_the_others_change(decided):
    outcome, names = decided(CASES["collision"][0], collision="relabel")
    assert outcome.kind is OutcomeKind.RELABELLED
    assert names == ["Lung_L", "Oesophagus", "gullet"]


def test_an_ordinary_set_closes_no_gate(decided):
    outcome, names = decided(structure_set(["LUNG-L"]))
    assert (outcome.gates, names) == ((), ["Lung_L"])


def test_of_several_gates_the_strictest_decides_and_all_are_told(decided):
    dataset = structure_set(["LUNG-L", "kidney"], approval="APPROVED") + SIGNATURE
    outcome, _ = decided(dataset, approved="pass", signed="relabel", unresolved="hold")
    assert (outcome.kind, outcome.reason) == (OutcomeKind.HELD, HoldReason.UNRESOLVED_NAMES)
    assert {gate.gate: gate.action for gate in outcome.gates} == {
        "signed": "relabel",
        "approved": "pass",
        "unresolved": "hold",
    }


@pytest.mark.parametrize("order", list(permutations(("hold", "pass", "relabel"))))
def test_hold_goes_before_pass_and_pass_before_relabel(order):
    closed = [ClosedGate("approved", HoldReason.APPROVED, action) for action in order]
    for strictest in ("hold", "pass", "relabel"):
        gate = deciding(closed)
        assert gate is not None
        assert gate.action == strictest
        closed.remove(gate)
    assert deciding(closed) is None


def test_pixel_data_in_a_structure_set_close_a_gate(decided):
    dataset = structure_set(["LUNG-L"]) + element(0x7FE00010, "OB", b"\x01\x02")
    outcome, _ = decided(dataset, encapsulated="hold")
    assert (outcome.kind, outcome.reason) == (OutcomeKind.HELD, HoldReason.ENCAPSULATED)


@pytest.mark.parametrize(
    ("action", "kind"),
    [("pass", OutcomeKind.PASSED), ("hold", OutcomeKind.HELD), ("relabel", OutcomeKind.HELD)],
)
def test_what_is_written_in_a_way_nobody_can_edit_is_never_relabelled(decided, action, kind):
    outcome, _ = decided(structure_set(["LUNG-L"]), JPIP_DEFLATED, encapsulated=action)
    assert (outcome.kind, outcome.reason) == (kind, HoldReason.UNSUPPORTED_TRANSFER_SYNTAX)


@pytest.mark.parametrize(("action", "kind"), [("pass", OutcomeKind.PASSED), ("hold", OutcomeKind.HELD)])
@pytest.mark.parametrize(
    ("inside", "sent_as", "found"),
    [(RTSTRUCT, CT, HoldReason.SOP_CLASS_MISMATCH), (CT, RTSTRUCT, HoldReason.NOT_RTSTRUCT)],
    ids=["a set sent as an image", "an image sent as a set"],
)
def test_an_object_of_another_class_than_it_was_sent_as(decided, inside, sent_as, found, action, kind):
    dataset = structure_set(["LUNG-L"], sop_class=inside)
    outcome, _ = decided(dataset, sop_class=sent_as, sop_class_mismatch=action)
    assert (outcome.kind, outcome.reason) == (kind, found)
    assert outcome.gates == (ClosedGate("sop_class_mismatch", found, action),)


def test_shadow_forwards_the_original_and_tells_what_would_be_held(decided):
    outcome, _ = decided(CASES["unresolved"][0], mode="shadow", unresolved="hold")
    assert (outcome.kind, outcome.reason) == (OutcomeKind.SHADOW, HoldReason.UNRESOLVED_NAMES)
    outcome, _ = decided(CASES["approved"][0], mode="shadow", approved="pass")
    assert (outcome.kind, outcome.reason) == (OutcomeKind.SHADOW, "")
    assert [gate.gate for gate in outcome.gates] == ["approved"]


def test_a_damaged_object_is_held_whatever_the_gates_say(decided):
    everything_passes = dict.fromkeys(load_config().naming.gates.model_dump(), "pass")
    outcome, _ = decided(structure_set(["LUNG-L"])[:-3], **everything_passes)
    assert (outcome.kind, outcome.reason, outcome.gates) == (OutcomeKind.HELD, HoldReason.TRUNCATED, ())


@pytest.mark.parametrize("name", ["Lüge", "Lung\\L", "L" * 65, "Lung_L "])
def test_a_name_that_cannot_be_written_holds_the_object(
    name: str, tmp_path: Path, nomenclature: Nomenclature
):
    source, target = tmp_path / "received.dcm", tmp_path / "result.dcm"
    write_object(source, structure_set(["LUNG-L"]), RTSTRUCT, UID, EXPLICIT)
    renamed = Decision("LUNG-L", Status.RENAME, name, "R030", Reason.OVERLAY)
    policy = RelabelPolicy.of(load_config().naming)
    outcome = decide_and_write(
        source, target, nomenclature, policy, Writing(), decide=lambda *_, **__: (renamed,)
    )
    assert (outcome.kind, outcome.reason) == (OutcomeKind.HELD, HoldReason.NAME_NOT_WRITABLE)
    assert not target.exists()
