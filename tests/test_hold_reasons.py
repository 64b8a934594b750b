"""Why an object is held: every reason has a stable value and a test that brings it about by its cause."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import tg263_scp
from tg263_scp.errors import HoldReason

TESTS = Path(__file__).parent
PROVOKED_BY = {
    "adopted": "service/journal/test_adoption.py::test_what_the_audit_log_does_not_know_is_held_for_a_person",
    "approved": "service/deciding/test_gates.py::test_a_gate_holds",
    "awaiting_model": "service/test_node_with_llm.py::test_the_queue_says_which_set_waits_for_the_model",
    "charset_unknown": "dicom/reading/test_charsets.py::test_a_held_object_says_what_is_wrong_with_its_character_set",
    "copy_changed": "tools/archive/test_relabel_archive.py::test_a_changed_source_or_copy_is_refused_not_redone",
    "disk_refused": "service/deciding/test_worker.py::test_a_file_that_cannot_be_read_is_held_and_the_next_one_goes_on",
    "duplicate_uid": "tools/archive/test_manifest_rows.py::"
    "test_the_second_file_of_one_structure_set_is_left_out",
    "edit_not_proven": "dicom/reading/test_references.py::test_a_copy_that_is_not_what_it_should_be_is_discarded",
    "edited_since": "dicom/editing/test_revert.py::test_an_object_that_was_edited_since_is_refused",
    "encapsulated": "service/deciding/test_gates.py::test_pixel_data_in_a_structure_set_close_a_gate",
    "file_missing": "service/deciding/test_worker.py::test_an_original_that_is_gone_is_held_not_waited_for",
    "internal_error": "service/deciding/test_worker.py::"
    "test_an_unforeseen_fault_holds_the_object_and_the_next_one_goes_on",
    "model_unanswered": "tools/names/test_llm_verbs.py::"
    "test_an_archive_waits_for_answers_and_goes_on_where_it_ended",
    "multi_valued_name": "service/test_node.py::test_a_name_of_two_values_holds_the_object",
    "name_collision": "service/deciding/test_gates.py::test_a_gate_holds",
    "name_not_writable": "service/deciding/test_gates.py::test_a_name_that_cannot_be_written_holds_the_object",
    "new_object": "dicom/editing/test_new_uids.py::test_a_set_under_new_uids_is_not_reverted",
    "no_destination": "service/test_node.py::test_without_destinations_objects_are_held",
    "no_roi_sequence": "dicom/reading/test_structure_set.py::"
    "test_an_object_that_cannot_be_edited_is_held_with_its_reason",
    "not_dicom": "dicom/reading/test_identify.py::test_a_head_that_cannot_be_read_is_held_with_its_reason",
    "not_ours": "dicom/editing/test_revert.py::test_an_object_that_is_not_ours_is_refused",
    "not_rtstruct": "dicom/reading/test_structure_set.py::"
    "test_an_object_that_cannot_be_edited_is_held_with_its_reason",
    "odd_length": "dicom/editing/test_even_lengths.py::test_a_set_that_would_become_odd_is_held_not_sent",
    "other_uid_policy": "tools/archive/test_relabel_references.py::"
    "test_another_policy_in_the_same_folder_is_a_finding",
    "output_exists": "tools/archive/test_relabel_archive.py::"
    "test_a_file_that_somebody_else_put_there_is_never_touched",
    "paused": "service/test_switch.py::"
    "test_a_paused_node_passes_the_next_object_as_received_and_goes_on_when_resumed",
    "provenance_not_writable": "dicom/editing/test_provenance.py::"
    "test_an_original_attributes_sequence_of_unknown_vr_is_not_written_into",
    "references_changed": "tools/archive/test_relabel_references.py::"
    "test_a_plan_that_was_copied_before_its_set_came_is_a_finding",
    "released": "service/test_node.py::test_a_held_object_can_be_released_as_it_was_received",
    "series_torn_apart": "dicom/reading/test_references.py::test_a_series_that_would_be_torn_apart_is_refused",
    "signed": "service/deciding/test_gates.py::test_a_gate_holds",
    "sop_class_mismatch": "service/deciding/test_gates.py::test_an_object_of_another_class_than_it_was_sent_as",
    "source_changed": "tools/archive/test_relabel_archive.py::test_a_changed_source_or_copy_is_refused_not_redone",
    "too_costly": "dicom/reading/test_structure_set.py::"
    "test_a_deflated_data_set_that_swells_beyond_the_limit_is_held",
    "truncated": "dicom/reading/test_identify.py::test_a_head_that_cannot_be_read_is_held_with_its_reason",
    "uid_mismatch": "service/deciding/test_gates.py::test_a_gate_holds",
    "undeclared_utf8": "dicom/reading/test_charsets.py::test_a_held_object_says_what_is_wrong_with_its_character_set",
    "unreadable": "dicom/reading/test_identify.py::test_a_head_that_cannot_be_read_is_held_with_its_reason",
    "unreadable_name": "dicom/reading/test_charsets.py::test_a_held_object_says_what_is_wrong_with_its_character_set",
    "unresolved_names": "service/deciding/test_gates.py::test_a_gate_holds",
    "unsupported_transfer_syntax": "dicom/reading/test_structure_set.py::"
    "test_an_object_that_cannot_be_edited_is_held_with_its_reason",
}
"""The test that brings each reason about, by the value that journal, audit log and manifest give."""


def test_the_values_are_stable_and_each_is_provoked() -> None:
    assert {reason.value for reason in HoldReason} == set(PROVOKED_BY)
    assert all(reason.name == reason.value.upper() for reason in HoldReason)


@pytest.mark.parametrize("reason", HoldReason)
def test_the_test_that_provokes_a_reason_demands_it(reason: HoldReason) -> None:
    place, _, name = PROVOKED_BY[reason].partition("::")
    module = ast.parse((TESTS / place).read_text(encoding="utf-8"))
    (test,) = [node for node in module.body if isinstance(node, ast.FunctionDef) and node.name == name]
    assert reason.name in _demanded(test) | _demanded(*_tables_of(test, module))


def _demanded(*nodes: ast.AST) -> set[str]:
    """The members of ``HoldReason`` that some code names."""
    return {
        each.attr
        for node in nodes
        for each in ast.walk(node)
        if isinstance(each, ast.Attribute)
        and isinstance(each.value, ast.Name)
        and each.value.id == "HoldReason"
    }


def _tables_of(test: ast.FunctionDef, module: ast.Module) -> list[ast.AST]:
    """The tables of cases that a test uses."""
    used = {each.id for each in ast.walk(test) if isinstance(each, ast.Name)}
    return [
        node
        for node in module.body
        if isinstance(node, ast.Assign)
        and any(isinstance(to, ast.Name) and to.id in used for to in node.targets)
    ]


def test_no_module_writes_a_reason_as_text() -> None:
    """A text that happens to be equal stands for something else: a gate, an option or a fault of a name."""
    package = Path(tg263_scp.__file__).parent
    for path in package.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "HeldObjectError":
                assert isinstance(node.args[0], ast.Attribute), f"{path}:{node.lineno}"
            if isinstance(node, ast.Compare) and getattr(node.left, "attr", "") == "reason":
                texts = {each.value for each in ast.walk(node) if isinstance(each, ast.Constant)}
                assert texts.isdisjoint(PROVOKED_BY), f"{path}:{node.lineno}"
