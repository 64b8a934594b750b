"""``relabel --uid-policy new --rewrite-references``: an archive whose plans and doses go on belonging to their sets."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pydicom
import pytest
from doubles.archives import files_of, manifest_rows
from doubles.loopback import CT, RTDOSE, RTPLAN, RTSTRUCT, image, referring, structure_set, write_object

from tg263_scp.cli import main
from tg263_scp.errors import HoldReason
from tg263_scp.service.audit import IdentifierHash
from tg263_scp.service.delivery.new_uid_copies import uid_map
from tg263_scp.tools.archive import relabel as bulk
from tg263_scp.tools.archive.copies import KEY_NAME, Order
from tg263_scp.tools.archive.outcome import What
from tg263_scp.tools.archive.relabel import relabel_archive
from tg263_scp.tools.shared.exitcode import ExitCode

CHANGED, UNCHANGED, ABSENT = "1.2.3.100", "1.2.3.101", "1.2.3.102"
PLAN, DOSE, OTHER_PLAN = "1.2.3.500", "1.2.3.600", "1.2.3.501"


pytestmark = pytest.mark.usefixtures("loaded_once")


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    """A plan before its set in the order of names, a dose behind it, and what refers to sets that stay or are not there."""
    folder = tmp_path / "archive"
    folder.mkdir()
    objects = {
        "a-plan": (referring(RTPLAN, PLAN, CHANGED, ABSENT), RTPLAN, PLAN),
        "b-set": (structure_set(["LUNG-L"], uid=CHANGED), RTSTRUCT, CHANGED),
        "c-dose": (referring(RTDOSE, DOSE, CHANGED), RTDOSE, DOSE),
        "d-set": (structure_set(["Heart"], uid=UNCHANGED), RTSTRUCT, UNCHANGED),
        "e-plan": (referring(RTPLAN, OTHER_PLAN, UNCHANGED), RTPLAN, OTHER_PLAN),
        "f-image": (image("1.2.5"), CT, "1.2.5"),
    }
    for name, (dataset, sop_class, uid) in objects.items():
        write_object(folder / f"{name}.dcm", dataset, sop_class, uid)
    return folder


def order(archive: Path, output: Path, **more) -> Order:
    return Order((archive,), output, **{"uid_policy": "new", "rewrite_references": True, **more})


def run(archive: Path, output: Path, **more) -> Counter[What]:
    return relabel_archive(order(archive, output, **more)).objects


def new_uid_of(output: Path, uid: str = CHANGED) -> str:
    return uid_map(IdentifierHash(output / KEY_NAME)).instance(uid)


def references_in(path: Path) -> list[str]:
    return [each.ReferencedSOPInstanceUID for each in pydicom.dcmread(path).ReferencedStructureSetSequence]


@pytest.mark.parametrize("jobs", [1, 2])
def test_plans_and_doses_refer_to_the_sets_under_their_new_uids(
    archive: Path, tmp_path: Path, jobs: int
) -> None:
    before, output = files_of(archive), tmp_path / "out"
    objects = run(archive, output, jobs=jobs)
    assert objects == {
        What.RELABELLED: 1,
        What.UNCHANGED: 1,
        What.REWRITTEN: 2,
        What.COPIED: 1,
        What.LEFT_OUT: 1,
    }
    new = pydicom.dcmread(output / "b-set.dcm").SOPInstanceUID
    assert new == new_uid_of(output) != CHANGED
    assert references_in(output / "a-plan.dcm") == [new, ABSENT]
    assert references_in(output / "c-dose.dcm") == [new]
    assert (output / "e-plan.dcm").read_bytes() == before["e-plan.dcm"]
    assert pydicom.dcmread(output / "a-plan.dcm").SOPInstanceUID == PLAN
    assert files_of(archive) == before


def test_the_manifest_tells_the_new_uid_and_what_was_rewritten(archive: Path, tmp_path: Path) -> None:
    output = tmp_path / "out"
    run(archive, output)
    rows = {row["output"]: row for row in manifest_rows(output)}
    assert rows["b-set.dcm"]["sop_instance_uid"] == CHANGED
    assert rows["b-set.dcm"]["new_sop_instance_uid"] == new_uid_of(output)
    assert (rows["a-plan.dcm"]["outcome"], rows["a-plan.dcm"]["sop_instance_uid"]) == ("rewritten", PLAN)
    assert (rows["e-plan.dcm"]["outcome"], rows["e-plan.dcm"]["new_sop_instance_uid"]) == ("copied", "")
    assert rows["a-plan.dcm"]["sha256_before"] != rows["a-plan.dcm"]["sha256_after"]


def test_a_second_run_writes_nothing(archive: Path, tmp_path: Path) -> None:
    output = tmp_path / "out"
    run(archive, output)
    before = files_of(output)
    assert run(archive, output) == {What.DONE_BEFORE: 5, What.LEFT_OUT: 1}
    assert files_of(output) == before


def test_a_run_that_was_cut_off_before_the_plans_goes_on_with_the_uids_it_gave(
    archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    output = tmp_path / "out"
    keep = bulk._keep

    def cut_off(handled, *rest):
        if handled.what is What.REWRITTEN:
            raise KeyboardInterrupt
        return keep(handled, *rest)

    with monkeypatch.context() as patch:
        patch.setattr(bulk, "_keep", cut_off)
        with pytest.raises(KeyboardInterrupt):
            run(archive, output)
    assert not (output / "a-plan.dcm").exists()
    assert run(archive, output)[What.REWRITTEN] == 2
    assert references_in(output / "a-plan.dcm") == [new_uid_of(output), ABSENT]
    assert not [name for name in files_of(output) if name.endswith(".unfinished")]


def test_a_plan_that_was_copied_before_its_set_came_is_a_finding(archive: Path, tmp_path: Path) -> None:
    output = tmp_path / "out"
    late = tmp_path / "late.dcm"
    (archive / "b-set.dcm").rename(late)
    assert run(archive, output)[What.COPIED] == 3
    late.rename(archive / "b-set.dcm")
    summary = relabel_archive(order(archive, output))
    assert [(path.name, what, reason) for path, what, reason in summary.findings] == [
        ("a-plan.dcm", What.REFUSED, HoldReason.REFERENCES_CHANGED),
        ("c-dose.dcm", What.REFUSED, HoldReason.REFERENCES_CHANGED),
    ]


def test_another_policy_in_the_same_folder_is_a_finding(archive: Path, tmp_path: Path) -> None:
    output = tmp_path / "out"
    run(archive, output, uid_policy="keep", rewrite_references=False)
    summary = relabel_archive(order(archive, output))
    assert ("b-set.dcm", What.REFUSED, HoldReason.OTHER_UID_POLICY) in {
        (path.name, what, reason) for path, what, reason in summary.findings
    }


def test_a_set_that_is_there_twice_changed_and_unchanged_leaves_plans_alone(
    archive: Path, tmp_path: Path
) -> None:
    write_object(archive / "g-set.dcm", structure_set(["Heart"], uid=CHANGED), RTSTRUCT, CHANGED)
    output = tmp_path / "out"
    assert run(archive, output)[What.REWRITTEN] == 0
    assert references_in(output / "a-plan.dcm") == [CHANGED, ABSENT]


def test_an_approved_plan_is_left_alone_unless_its_gate_says_otherwise(archive: Path, tmp_path: Path) -> None:
    sealed = referring(RTPLAN, PLAN, CHANGED, approval="APPROVED")
    (archive / "a-plan.dcm").unlink()
    write_object(archive / "a-plan.dcm", sealed, RTPLAN, PLAN)
    first, second = tmp_path / "first", tmp_path / "second"
    run(archive, first)
    assert (first / "a-plan.dcm").read_bytes() == (archive / "a-plan.dcm").read_bytes()
    rows = {row["output"]: row for row in manifest_rows(first)}
    assert (rows["a-plan.dcm"]["outcome"], rows["a-plan.dcm"]["reason"]) == ("copied", HoldReason.APPROVED)
    config = tmp_path / "config.yaml"
    config.write_text("naming: {gates: {approved: relabel}}\n", encoding="utf-8")
    run(archive, second, config=config)
    assert references_in(second / "a-plan.dcm") == [new_uid_of(second)]


def test_a_plan_that_cannot_be_read_is_copied_with_a_reason(archive: Path, tmp_path: Path) -> None:
    plan = archive / "a-plan.dcm"
    plan.write_bytes(plan.read_bytes()[:-3])
    output = tmp_path / "out"
    run(archive, output)
    rows = {row["output"]: row for row in manifest_rows(output)}
    assert (rows["a-plan.dcm"]["outcome"], rows["a-plan.dcm"]["reason"]) == ("copied", HoldReason.TRUNCATED)
    assert (output / "a-plan.dcm").read_bytes() == plan.read_bytes()


def test_new_uids_alone_leave_plans_out_or_as_they_are(archive: Path, tmp_path: Path) -> None:
    output = tmp_path / "out"
    objects = run(archive, output, rewrite_references=False, copy_others=True)
    assert objects == {What.RELABELLED: 1, What.UNCHANGED: 1, What.COPIED: 4}
    assert references_in(output / "a-plan.dcm") == [CHANGED, ABSENT]
    assert (
        pydicom.dcmread(output / "b-set.dcm").PredecessorStructureSetSequence[0].ReferencedSOPInstanceUID
        == CHANGED
    )


def test_a_dry_run_finds_what_the_run_would_do_and_leaves_nothing(archive: Path, tmp_path: Path) -> None:
    output, manifest = tmp_path / "out", tmp_path / "planned.csv"
    words = ["relabel", str(archive), "--output", str(output), "--dry-run", "--manifest", str(manifest)]
    assert main([*words, "--uid-policy", "new", "--rewrite-references"]) == ExitCode.DONE
    assert not output.exists()
    assert manifest.read_text(encoding="utf-8").count("rewritten") == 2


@pytest.mark.parametrize("absolute", [True, False])
def test_the_key_of_a_node_gives_the_uids_of_the_node(
    archive: Path, tmp_path: Path, absolute: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    key, output = Path("audit.salt").absolute() if absolute else Path("audit.salt"), tmp_path / "out"
    of_the_node = uid_map(IdentifierHash(key)).instance(CHANGED)
    words = ["relabel", str(archive), "--output", str(output), "--uid-policy", "new", "--uid-key", str(key)]
    assert main(words) == ExitCode.DONE
    assert pydicom.dcmread(output / "b-set.dcm").SOPInstanceUID == of_the_node
    assert not (output / KEY_NAME).exists()


@pytest.mark.parametrize(
    "words",
    [["--rewrite-references"], ["--uid-key", "k"], ["--uid-policy", "new", "--uid-key", "no-such-file"]],
)
def test_options_that_do_not_go_together_are_a_usage_error(
    archive: Path, tmp_path: Path, words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["relabel", str(archive), "--output", str(tmp_path / "out"), *words]) == ExitCode.USAGE
    assert "hint" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_revert_gives_the_plans_back_and_says_why_the_sets_stay(
    archive: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output, back = tmp_path / "out", tmp_path / "back"
    run(archive, output, provenance=True)
    assert main(["revert", str(output), "--output", str(back), "--json"]) == ExitCode.FINDINGS
    said = json.loads(capsys.readouterr().out)
    assert {finding["reason"] for finding in said["findings"]} == {HoldReason.NEW_OBJECT, HoldReason.NOT_OURS}
    for name in ("a-plan.dcm", "c-dose.dcm"):
        assert (back / name).read_bytes() == (archive / name).read_bytes()
    assert not (back / "e-plan.dcm").exists()
    assert {report["references"] for report in said["reverted"]} == {1}
