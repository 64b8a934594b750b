"""``relabel``: nothing overwritten, nothing forgotten, a bad file stops nothing, an interrupted run goes on."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
from collections import Counter
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import pydicom
import pytest
from doubles.archives import files_of, manifest_rows

from tg263_scp.cli import main
from tg263_scp.dicom.editing.provenance import Provenance
from tg263_scp.dicom.editing.relabel import relabel as write_relabelled
from tg263_scp.dicom.reading.structure_set import read_structure_set
from tg263_scp.dicom.synthetic.structure_sets import write_synthetic
from tg263_scp.errors import HoldReason, Tg263Error
from tg263_scp.naming.standard.nomenclature import Nomenclature
from tg263_scp.service.sole_owner import sole_owner
from tg263_scp.tools.archive import copies, revert
from tg263_scp.tools.archive import relabel as bulk
from tg263_scp.tools.archive.copies import Order
from tg263_scp.tools.archive.find_files import find_files
from tg263_scp.tools.archive.manifest import COLUMNS, Manifest
from tg263_scp.tools.archive.outcome import Handled, What
from tg263_scp.tools.archive.relabel import relabel_archive
from tg263_scp.tools.shared.csv_tables import read_table
from tg263_scp.tools.shared.exitcode import ExitCode, UsageError

CT_IMAGE_STORAGE = b"1.2.840.10008.5.1.4.1.1.2\x00"
RT_STRUCTURE_SET_STORAGE = b"1.2.840.10008.5.1.4.1.1.481.3\x00"


pytestmark = pytest.mark.usefixtures("loaded_once")


@pytest.fixture(scope="module")
def synthetic_archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three structure sets in two folders, a text file and an object of another kind."""
    folder = tmp_path_factory.mktemp("synthetic")
    paths = write_synthetic(folder / "patient 1")
    (folder / "patient 2").mkdir()
    paths[2].rename(folder / "patient 2" / "RS.dcm")
    (folder / "notes.txt").write_text("not DICOM", encoding="utf-8")
    (folder / "patient 1" / "CT.dcm").write_bytes(other_kind(paths[1]))
    return folder


@pytest.fixture
def archive(synthetic_archive: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(synthetic_archive, tmp_path / "archive"))


def other_kind(structure_set: Path) -> bytes:
    """The bytes of a structure set with the SOP class of a CT image, of the same length."""
    return structure_set.read_bytes().replace(
        RT_STRUCTURE_SET_STORAGE, CT_IMAGE_STORAGE.ljust(len(RT_STRUCTURE_SET_STORAGE), b"\x00")
    )


def copies_of(folder: Path) -> dict[str, bytes]:
    return {
        name: content
        for name, content in files_of(folder).items()
        if name not in ("manifest.csv", ".tg263-scp.lock")
    }


def run(archive: Path, output: Path, **more) -> Counter[What]:
    return relabel_archive(Order((archive,), output, **more)).objects


def test_structure_sets_are_relabelled_into_the_mirrored_folders(archive: Path, tmp_path: Path) -> None:
    before, output = files_of(archive), tmp_path / "out"
    objects = run(archive, output)
    assert objects == {What.RELABELLED: 3, What.LEFT_OUT: 1, What.NOT_DICOM: 1}
    assert set(copies_of(output)) == {
        "patient 1/RS.synthetic.head_and_neck.0.dcm",
        "patient 1/RS.synthetic.prostate.0.dcm",
        "patient 2/RS.dcm",
    }
    assert files_of(archive) == before
    names = [roi.name for roi in read_structure_set(output / "patient 2" / "RS.dcm").rois]
    assert {"Lung_L", "Lung_R"} <= set(names)


def test_the_manifest_has_a_row_per_roi_with_names_and_digests(archive: Path, tmp_path: Path) -> None:
    output = tmp_path / "out"
    run(archive, output)
    rows = [row for row in manifest_rows(output) if row["output"] == "patient 2/RS.dcm"]
    before = read_structure_set(archive / "patient 2" / "RS.dcm")
    after = read_structure_set(output / "patient 2" / "RS.dcm")
    assert [row["original_name"] for row in rows] == [roi.name for roi in before.rois]
    assert [row["new_name"] for row in rows] == [roi.name for roi in after.rois]
    assert [row["roi_number"] for row in rows] == [str(roi.number) for roi in before.rois]
    assert [row["row"] for row in rows] == [str(number) for number in range(1, len(rows) + 1)]
    assert {row["sop_instance_uid"] for row in rows} == {before.sop_instance_uid}
    assert rows[0]["sha256_before"] == hashlib.sha256(before.path.read_bytes()).hexdigest()
    assert rows[0]["sha256_after"] == hashlib.sha256(after.path.read_bytes()).hexdigest()
    assert {row["status"] for row in rows} == {"keep", "rename", "review"}


def test_other_objects_are_copied_byte_for_byte_where_asked(archive: Path, tmp_path: Path) -> None:
    output = tmp_path / "out"
    assert run(archive, output, copy_others=True)[What.COPIED] == 1
    assert (output / "patient 1" / "CT.dcm").read_bytes() == (archive / "patient 1" / "CT.dcm").read_bytes()


def test_a_second_run_writes_nothing(archive: Path, tmp_path: Path) -> None:
    output = tmp_path / "out"
    run(archive, output)
    before = files_of(output)
    assert run(archive, output)[What.DONE_BEFORE] == 3
    assert files_of(output) == before


def test_a_lost_copy_is_made_again_and_stands_once_in_the_manifest(archive: Path, tmp_path: Path) -> None:
    output = tmp_path / "out"
    run(archive, output, provenance=False)  # which has the time in it
    before, rows = files_of(output), manifest_rows(output)
    (output / "patient 2" / "RS.dcm").unlink()
    objects = run(archive, output, provenance=False)
    assert (objects[What.RELABELLED], objects[What.DONE_BEFORE]) == (1, 2)
    assert copies_of(output) == {name: before[name] for name in copies_of(output)}
    assert sorted(map(str, manifest_rows(output))) == sorted(map(str, rows))


def test_a_run_that_was_killed_is_taken_up(
    archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    output, undisturbed = tmp_path / "out", tmp_path / "undisturbed"
    run(archive, undisturbed, provenance=False)

    class Killed(BaseException):
        pass

    publish, done = bulk.publish, []

    def killed_before_the_second(handled: Handled, folder: Path) -> None:
        if done and handled.temporary:
            raise Killed
        publish(handled, folder)
        done.extend([handled] if handled.temporary else [])

    monkeypatch.setattr(bulk, "publish", killed_before_the_second)
    with pytest.raises(Killed):
        run(archive, output, provenance=False)
    monkeypatch.setattr(bulk, "publish", publish)
    with (output / "manifest.csv").open("ab") as file:
        file.write(b'archive/x.dcm,"half a ro')
    run(archive, output, provenance=False)
    assert copies_of(output) == copies_of(undisturbed)
    ours, theirs = manifest_rows(output), manifest_rows(undisturbed)
    assert sorted(map(str, ours)) == sorted(map(str, theirs))


def test_a_file_that_somebody_else_put_there_is_never_touched(archive: Path, tmp_path: Path) -> None:
    output = tmp_path / "out"
    foreign = output / "patient 2" / "RS.dcm"
    foreign.parent.mkdir(parents=True)
    foreign.write_bytes(b"precious")
    summary = relabel_archive(Order((archive,), output))
    assert foreign.read_bytes() == b"precious"
    assert [(path.name, what, reason) for path, what, reason in summary.findings] == [
        ("RS.dcm", What.REFUSED, HoldReason.OUTPUT_EXISTS)
    ]
    assert summary.objects[What.RELABELLED] == 2


@pytest.mark.parametrize(
    ("side", "reason"), [("source", HoldReason.SOURCE_CHANGED), ("copy", HoldReason.COPY_CHANGED)]
)
def test_a_changed_source_or_copy_is_refused_not_redone(
    archive: Path, tmp_path: Path, side: str, reason: str
) -> None:
    output = tmp_path / "out"
    run(archive, output)
    changed = (archive if side == "source" else output) / "patient 2" / "RS.dcm"
    changed.write_bytes(changed.read_bytes() + b"\x00\x00")
    copy = (output / "patient 2" / "RS.dcm").read_bytes()
    summary = relabel_archive(Order((archive,), output))
    assert [finding[1:] for finding in summary.findings] == [(What.REFUSED, reason)]
    assert (output / "patient 2" / "RS.dcm").read_bytes() == copy


def test_bad_files_are_listed_and_stop_nothing(
    archive: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    good = archive / "patient 2" / "RS.dcm"
    (archive / "a truncated.dcm").write_bytes(good.read_bytes()[: len(good.read_bytes()) // 2])
    (archive / "b empty.dcm").write_bytes(b"")
    (archive / "c head only.dcm").write_bytes(bytes(128) + b"DICM")
    output = tmp_path / "out"
    assert main(["relabel", str(archive), "--output", str(output), "--json"]) == ExitCode.FINDINGS
    summary = json.loads(capsys.readouterr().out)
    assert summary["objects"]["relabelled"] == 3
    assert {Path(finding["source"]).name for finding in summary["findings"]} == {
        "a truncated.dcm",
        "c head only.dcm",
    }
    assert {finding["outcome"] for finding in summary["findings"]} == {"held"}
    held = [row for row in manifest_rows(output) if row["outcome"] == "held"]
    assert {row["reason"] for row in held} == {finding["reason"] for finding in summary["findings"]}
    assert not (output / "a truncated.dcm").exists()


def test_a_dry_run_writes_the_manifest_and_nothing_else(
    archive: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output, manifest = tmp_path / "out", tmp_path / "planned.csv"
    arguments = ["relabel", str(archive), "--output", str(output), "--dry-run"]
    assert main([*arguments, "--manifest", str(manifest)]) == ExitCode.DONE
    assert not output.exists()
    planned = read_table(manifest)
    capsys.readouterr()
    assert main(arguments) == ExitCode.DONE
    assert capsys.readouterr().out.splitlines()[0] == ",".join(COLUMNS)
    run(archive, output)
    real = read_table(output / "manifest.csv")
    assert planned.header == real.header
    after = planned.header.index("sha256_after")
    assert planned.rows == tuple((*row[:after], "", *row[after + 1 :]) for row in real.rows)


def test_a_manifest_option_without_dry_run_is_a_usage_error(archive: Path, tmp_path: Path) -> None:
    arguments = [
        "relabel",
        str(archive),
        "--output",
        str(tmp_path / "out"),
        "--manifest",
        str(tmp_path / "m.csv"),
    ]
    assert main(arguments) == ExitCode.USAGE


def test_an_input_that_does_not_exist_is_a_usage_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError):
        find_files([tmp_path / "nowhere"], tmp_path / "out")


def test_several_processes_do_the_same_as_one(archive: Path, tmp_path: Path) -> None:
    run(archive, tmp_path / "one", provenance=False)
    assert run(archive, tmp_path / "two", jobs=2, provenance=False)[What.RELABELLED] == 3
    assert files_of(tmp_path / "one") == files_of(tmp_path / "two")


def test_two_inputs_never_share_a_place(tmp_path: Path) -> None:
    for name in ("a/RS", "b/RS"):
        (tmp_path / name).mkdir(parents=True)
        (tmp_path / name / "1.dcm").touch()
    found = find_files(
        [tmp_path / "a" / "RS", tmp_path / "b" / "RS", tmp_path / "a" / "RS" / "1.dcm"], tmp_path / "o"
    )
    assert [source.relative for source in found.sources] == ["RS/1.dcm", "RS-2/1.dcm", "1.dcm"]


def test_the_output_folder_inside_the_input_is_not_read(archive: Path) -> None:
    output = archive / "patient 1" / "relabelled"
    run(archive, output)
    before = files_of(output)
    assert run(archive, output)[What.DONE_BEFORE] == 3
    assert files_of(output) == before


@pytest.mark.skipif(os.name == "nt", reason="links need a privilege on Windows")
def test_links_to_files_are_followed_and_links_to_folders_are_counted(archive: Path, tmp_path: Path) -> None:
    (archive / "circle").symlink_to(archive, target_is_directory=True)
    elsewhere = (archive / "patient 2" / "RS.dcm").rename(tmp_path / "elsewhere.dcm")
    (archive / "linked.dcm").symlink_to(elsewhere)
    (archive / "dangling.dcm").symlink_to(archive / "gone.dcm")
    os.mkfifo(archive / "pipe")
    summary = relabel_archive(Order((archive,), tmp_path / "out"))
    assert summary.folder_links == 1
    assert summary.objects[What.RELABELLED] == 3
    assert (tmp_path / "out" / "linked.dcm").is_file()
    assert not (tmp_path / "out" / "linked.dcm").is_symlink()


def test_two_runs_into_one_folder_are_refused(archive: Path, tmp_path: Path) -> None:
    output = tmp_path / "out"
    output.mkdir()
    with (
        sole_owner(output / ".tg263-scp.lock", "the output folder"),
        pytest.raises(Tg263Error, match="in use by another process"),
    ):
        run(archive, output)


def test_a_full_disk_ends_the_run_with_advice(
    archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(copies, "decide_and_write", full)
    with pytest.raises(Tg263Error) as problem:
        run(archive, tmp_path / "out")
    assert "no space left" in problem.value.message
    assert "goes on where it ended" in problem.value.hint


def test_a_foreign_manifest_is_not_written_to(archive: Path, tmp_path: Path) -> None:
    output = tmp_path / "out"
    output.mkdir()
    (output / "manifest.csv").write_bytes(b"a,b\r\n1,2\r\n")
    with pytest.raises(Tg263Error, match="is not a manifest"):
        run(archive, output)
    assert (output / "manifest.csv").read_bytes() == b"a,b\r\n1,2\r\n"


def test_names_with_line_ends_survive_in_the_manifest(tmp_path: Path) -> None:
    path = tmp_path / "manifest.csv"
    row = (
        "in/a",
        "a",
        "relabelled",
        "",
        "1",
        "1",
        "1.2",
        "",
        "3",
        'two\r\nlines "x"',
        *("",) * 5,
        "d1",
        "d2",
        "d3",
        *("",) * 13,
    )
    assert len(row) == len(COLUMNS)
    manifest = Manifest(path)
    manifest.add([row])
    manifest.close()
    again = Manifest(path)
    assert again.known["a"].sha256_after == "d2"
    again.close()
    assert read_table(path).required("original_name") == ('two\r\nlines "x"',)


def test_a_manifest_calculates_nothing_and_is_taken_up_again(tmp_path: Path) -> None:
    """The place of a file may begin like a formula too; a second run must find it again, and rewrite it as it was."""
    path = tmp_path / "manifest.csv"
    rows = [
        (
            "in/x",
            f"={number}.dcm",
            "relabelled",
            "",
            "1",
            "1",
            "1.2",
            "",
            "-1",
            name,
            *("",) * 5,
            "d1",
            "d2",
            "d3",
            *("",) * 13,
        )
        for number, name in enumerate(("-PTV", "+3mm", "=1+1", "@x", "'-x"))
    ]
    for _ in range(2):  # the second time each row supersedes one, and the manifest is written anew
        manifest = Manifest(path)
        for row in rows:
            manifest.add([row])
        manifest.close()
    table = read_table(path)
    assert table.required("original_name") == ("-PTV", "+3mm", "=1+1", "@x", "'-x")
    assert not [cell for row in table.rows for cell in row if cell[:1] in ("=", "+", "-", "@")]
    again = Manifest(path)
    assert set(again.known) == {row[1] for row in rows}
    again.close()


def test_an_object_whose_rows_are_incomplete_is_not_known(tmp_path: Path) -> None:
    path = tmp_path / "manifest.csv"
    row = (
        "in/a",
        "a",
        "relabelled",
        "",
        "1",
        "2",
        "1.2",
        "3",
        "x",
        *("",) * 5,
        "d1",
        "d2",
        "d3",
        *("",) * 14,
    )
    manifest = Manifest(path)
    manifest.add([row])
    manifest.close()
    again = Manifest(path)
    assert again.known == {}
    again.close()
    assert read_table(path).rows == ()


def test_a_process_killed_while_it_works_leaves_no_half_copy(archive: Path, tmp_path: Path) -> None:
    output = tmp_path / "out"
    code = (
        "import os, sys\n"
        "from tg263_scp.tools.archive import relabel as bulk\n"
        "real, done = bulk.publish, []\n"
        "def publish(handled, folder):\n"
        "    done.append(handled)\n"
        "    if len([h for h in done if h.temporary]) == 2: os._exit(9)\n"
        "    real(handled, folder)\n"
        "bulk.publish = publish\n"
        "bulk.relabel_archive(bulk.Order((bulk.Path(sys.argv[1]),), bulk.Path(sys.argv[2]), provenance=False))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(archive), str(output)], capture_output=True, check=False
    )
    assert done.returncode == 9
    run(archive, tmp_path / "undisturbed", provenance=False)
    run(archive, output, provenance=False)
    assert copies_of(output) == copies_of(tmp_path / "undisturbed")


@pytest.fixture
def relabelled(archive: Path, tmp_path: Path) -> Path:
    """The archive relabelled; the objects of another kind lie there too."""
    output = tmp_path / "relabelled"
    run(archive, output, copy_others=True)
    return output


@pytest.mark.parametrize(
    ("setting", "option", "recorded"),
    [
        ("codes: off", None, True),
        ("codes: on", None, True),
        ("provenance: off", None, False),
        ("provenance: off", "--provenance", True),
        ("codes: on", "--no-provenance", False),
    ],
)
def test_copies_record_what_was_changed_unless_option_or_configuration_say_otherwise(
    archive: Path, tmp_path: Path, setting: str, option: str | None, recorded: bool
) -> None:
    config, output = tmp_path / "node.yaml", tmp_path / "out"
    config.write_text(f"write: {{modifying_system: CELLAR, {setting}}}\n", encoding="utf-8")
    arguments = ["relabel", str(archive), "--output", str(output), "--config", str(config)]
    assert main([*arguments, *([option] if option else [])]) == ExitCode.DONE
    data = pydicom.dcmread(output / "patient 2" / "RS.dcm")
    assert [each.ModifyingSystem for each in data.get("OriginalAttributesSequence", ())] == [
        "CELLAR"
    ] * recorded
    coded = [each for each in data.RTROIObservationsSequence if "RTROIIdentificationCodeSequence" in each]
    assert bool(coded) is (setting == "codes: on")


def test_several_processes_record_what_was_changed_too(archive: Path, tmp_path: Path) -> None:
    run(archive, tmp_path / "out", jobs=2)
    assert main(["revert", str(tmp_path / "out"), "--output", str(tmp_path / "back")]) == ExitCode.DONE


def test_reverted_files_are_those_of_the_sender(archive: Path, relabelled: Path, tmp_path: Path) -> None:
    before, output = files_of(relabelled), tmp_path / "back"
    assert main(["revert", str(relabelled), "--output", str(output)]) == ExitCode.DONE
    wanted = {name: content for name, content in files_of(archive).items() if "RS" in name}
    assert copies_of(output) == wanted
    assert len(wanted) == 3
    assert files_of(relabelled) == before


def test_a_single_file_is_reverted(archive: Path, relabelled: Path, tmp_path: Path) -> None:
    source = relabelled / "patient 2" / "RS.dcm"
    assert main(["revert", str(source), "--output", str(tmp_path / "back")]) == ExitCode.DONE
    assert (tmp_path / "back" / "RS.dcm").read_bytes() == (archive / "patient 2" / "RS.dcm").read_bytes()


def test_revert_lists_bad_and_foreign_files_and_reverts_the_rest(
    archive: Path, relabelled: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    good = (relabelled / "patient 2" / "RS.dcm").read_bytes()
    (relabelled / "a truncated.dcm").write_bytes(good[: len(good) // 2])
    (relabelled / "b foreign.dcm").write_bytes((archive / "patient 2" / "RS.dcm").read_bytes())
    (relabelled / "c edited.dcm").write_bytes(good.replace(b"Lung_L", b"Lung_X", 1))
    (relabelled / "d.txt").write_text("not DICOM", encoding="utf-8")
    output = tmp_path / "back"
    arguments = ["revert", str(relabelled), "--output", str(output)]
    assert main([*arguments, "--json"]) == ExitCode.FINDINGS
    summary = json.loads(capsys.readouterr().out)
    assert [(Path(each["source"]).name, each["reason"]) for each in summary["findings"]] == [
        ("a truncated.dcm", HoldReason.TRUNCATED),
        ("b foreign.dcm", HoldReason.NOT_OURS),
        ("c edited.dcm", HoldReason.EDITED_SINCE),
    ]
    assert summary["objects"]["reverted"] == len(summary["reverted"]) == 3
    assert (summary["objects"]["not reverted"], summary["objects"]["left out"]) == (3, 1)
    assert all(each["names"] > 0 and each["earlier"] == 0 for each in summary["reverted"])
    assert not any("unfinished" in name or name.startswith(("a", "b", "c")) for name in files_of(output))
    assert main(arguments) == ExitCode.FINDINGS
    said = " ".join(capsys.readouterr().out.split())
    assert "b foreign.dcm (it does not record a relabelling by this program)" in said


def test_revert_overwrites_nothing_and_knows_what_is_done(
    relabelled: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "back"
    foreign = output / "patient 2" / "RS.dcm"
    foreign.parent.mkdir(parents=True)
    foreign.write_bytes(b"precious")
    arguments = ["revert", str(relabelled), "--output", str(output), "--json"]
    for reverted, done in ((2, 0), (0, 2)):
        assert main(arguments) == ExitCode.FINDINGS
        summary = json.loads(capsys.readouterr().out)
        assert (summary["objects"]["reverted"], summary["objects"]["done before"]) == (reverted, done)
        assert [each["reason"] for each in summary["findings"]] == ["output_exists"]
    assert foreign.read_bytes() == b"precious"


def test_a_set_that_was_relabelled_twice_says_that_it_can_be_reverted_once_more(
    archive: Path, tmp_path: Path, nomenclature: Nomenclature, capsys: pytest.CaptureFixture[str]
) -> None:
    source = archive / "patient 2" / "RS.dcm"
    first = next(roi.index for roi in read_structure_set(source).rois if roi.readable)
    once, twice = tmp_path / "once.dcm", tmp_path / "twice.dcm"
    provenance = Provenance(datetime(2026, 11, 23, tzinfo=UTC), "CELLAR")
    write_relabelled(source, once, {first: "Lung_L"}, provenance=provenance)
    write_relabelled(once, twice, {first: "Lung_R"}, provenance=provenance)
    assert main(["revert", str(twice), "--output", str(tmp_path / "back")]) == ExitCode.DONE
    assert "revert the copies once more" in capsys.readouterr().out
    assert (tmp_path / "back" / "twice.dcm").read_bytes() == once.read_bytes()


def test_a_full_disk_ends_a_reversal_with_advice(
    relabelled: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(revert, "restore", full)
    assert main(["revert", str(relabelled), "--output", str(tmp_path / "back")]) == ExitCode.FAILURE
    assert "no space left" in capsys.readouterr().err


@pytest.mark.skipif(not hasattr(signal, "pthread_sigmask"), reason="needs masks of signals")
@pytest.mark.parametrize("after_s", [0.8, 2.0])
def test_an_interrupt_in_the_first_seconds_prints_no_traceback(tmp_path: Path, after_s: float) -> None:
    write_synthetic(tmp_path / "archive")
    command = [sys.executable, "-m", "tg263_scp", "relabel", str(tmp_path / "archive"), "--jobs", "2"]
    run = subprocess.Popen(
        [*command, "--output", str(tmp_path / "out")],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    with suppress(subprocess.TimeoutExpired):
        run.wait(after_s)
    with suppress(ProcessLookupError):
        os.killpg(run.pid, signal.SIGINT)  # as a terminal does: to all of its processes
    assert "Traceback" not in run.communicate(timeout=60)[1]
