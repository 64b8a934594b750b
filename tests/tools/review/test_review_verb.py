"""The loop closed in the terminal: list, decide, apply, undo, beside a node and for an archive."""

from __future__ import annotations

import json
import os
import pty
import select
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from doubles.loopback import PATIENT_NAME, RTSTRUCT, element, structure_set, write_object
from doubles.still_nodes import StillNode

from tg263_scp.cli import main
from tg263_scp.dicom.reading.structure_set import read_structure_set
from tg263_scp.naming.standard.nomenclature import Nomenclature
from tg263_scp.service.journal.states import DeliveryState, ObjectState
from tg263_scp.tools.review.manifests import objects_of_manifest
from tg263_scp.tools.shared.csv_tables import TableError
from tg263_scp.tools.shared.exitcode import ExitCode

Verb = Callable[..., ExitCode]


@pytest.fixture
def node(
    tmp_path: Path, nomenclature: Nomenclature, no_fsync: None, loaded_once: None
) -> Iterator[StillNode]:
    opened = StillNode(tmp_path, nomenclature)
    yield opened
    opened.close()


@pytest.fixture
def review(node: StillNode) -> Verb:
    return lambda *arguments: ExitCode(main(["review", *arguments, "--config", str(node.path)]))


def test_the_loop_closes_in_the_terminal(node: StillNode, review: Verb, capsys) -> None:
    job = node.receive("qqx", "Heart")
    node.deliver(job)
    assert review("list") == ExitCode.FINDINGS
    assert "qqx" in capsys.readouterr().out
    assert review("decide", "qqx", "--becomes", "Bladder", "--clinic", "--yes") == ExitCode.DONE
    assert review("list") == ExitCode.DONE
    assert review("apply", "--sent", "--yes") == ExitCode.DONE
    assert "1 of 1 objects are decided anew" in capsys.readouterr().out
    node.work()
    assert node.names(job) == ["Bladder", "Heart"]
    assert [each.state for each in node.node.journal.outbox.deliveries(job)] == [DeliveryState.PENDING]
    decided = next(line for line in reversed(node.lines()) if "rois" in line)
    assert decided["asked"]["what"] == "review"
    assert decided["rois"][0]["delivered_before"] == "qqx"
    assert (
        main(["queue", "restore", str(job), "--by", "anna", "--config", str(node.path)]) == ExitCode.FAILURE
    )
    node.deliver(job)
    assert main(["queue", "restore", str(job), "--by", "anna", "--config", str(node.path)]) == ExitCode.DONE
    node.work()
    assert not node.job(job).sends_result
    assert [line["by"] for line in node.lines("sent_as_received")] == ["anna"]


def test_a_held_object_goes_on_with_what_was_decided(node: StillNode, review: Verb) -> None:
    node.again("naming: {gates: {unresolved: hold}}\n")
    job = node.receive("kidney")
    assert node.job(job).state is ObjectState.HELD
    assert review("decide", "kidney", "--becomes", "Kidney_L", "--job", str(job)) == ExitCode.DONE
    assert review("apply", "--held") == ExitCode.DONE
    node.work()
    assert (node.job(job).state, node.names(job)) == (ObjectState.READY, ["Kidney_L"])


def test_a_destination_without_redeliver_and_an_approved_set_are_not_sent_again(
    node: StillNode, review: Verb, capsys
) -> None:
    node.again("naming: {gates: {approved: relabel}}\n")
    job = node.receive("qqx", approval="APPROVED")
    node.deliver(job)
    review("decide", "qqx", "--becomes", "Bladder", "--clinic", "--yes")
    assert review("apply", "--sent", "--yes") == ExitCode.FINDINGS
    assert "it is approved" in capsys.readouterr().out
    assert review("apply", str(job), "--approved", "--yes") == ExitCode.DONE
    node.work()
    node.deliver(job)
    node.path.write_text(node.path.read_text().replace("redeliver: yes", "redeliver: no"))
    assert review("apply", str(job), "--approved", "--yes") == ExitCode.FINDINGS
    assert "redeliver: yes" in capsys.readouterr().out


def test_what_changed_is_said_by_impact_and_log(node: StillNode, review: Verb, capsys) -> None:
    node.receive("qqx")
    assert review("impact", "qqx", "--becomes", "Bladder", "--clinic", "--json") == ExitCode.DONE
    assert json.loads(capsys.readouterr().out)["changes"][0]["then"] == "Bladder"
    wish = ("qqx", "--becomes", "Bladder", "--clinic", "--yes", "--by", "anna", "--why", "asked", "--json")
    review("decide", *wish)
    decision = json.loads(capsys.readouterr().out)
    assert decision["evidence"]["count"] == 1
    assert review("undo", decision["id"], "--by", "ben", "--why", "no") == ExitCode.DONE
    capsys.readouterr()
    review("log", "--json")
    assert [(each["kind"], each["by"]) for each in json.loads(capsys.readouterr().out)] == [
        ("decided", "anna"),
        ("undone", "ben"),
    ]
    review("log")
    assert "the whole clinic" in capsys.readouterr().out
    review("show", "qqx")
    assert "Where it was met" in capsys.readouterr().out


@pytest.mark.parametrize(
    "arguments",
    [
        ("decide", "qqx", "--clinic"),
        ("decide", "qqx", "--keep", "--never", "--clinic"),
        ("decide", "qqx", "--keep"),
        ("decide", "qqx", "--keep", "--clinic", "--sender", "TPS1"),
        ("decide", "qqx", "--becomes", "Bladder", "--clinic"),
        ("apply",),
        ("impact",),
        ("show", "qqx"),
    ],
    ids=" ".join,
)
def test_what_was_not_said_is_asked_for(node: StillNode, review: Verb, arguments: tuple[str, ...]) -> None:
    assert review(*arguments) == ExitCode.USAGE
    assert node.review().decisions() == []


def test_an_approved_set_is_relabelled_this_once_and_says_so(node: StillNode) -> None:
    node.again("naming: {gates: {approved: hold}}\n")
    job, other = node.receive("vessie", uid="1.2.1", approval="APPROVED"), node.receive("vessie", uid="1.2.2")
    said = ("--by", "anna", "--why", "the physician wants it", "--config", str(node.path))
    assert main(["queue", "relabel", str(other), *said]) == ExitCode.FAILURE
    assert main(["queue", "relabel", str(job), *said]) == ExitCode.DONE
    node.work()
    line = next(line for line in reversed(node.lines()) if "rois" in line)
    assert (line["kind"], line["approval_preceded_names"]) == ("relabelled", True)
    assert (line["asked"]["by"], line["asked"]["why"]) == ("anna", "the physician wants it")
    copy = node.spool.result(node.job(job).token)
    assert read_structure_set(copy).approval_status == "APPROVED"
    assert b"the approval preceded these names" in copy.read_bytes()
    again = node.receive("vessie", "Heart", uid="1.2.3", approval="APPROVED")
    assert node.job(again).state is ObjectState.HELD


def test_a_paused_node_is_not_asked_to_relabel(node: StillNode, review: Verb, capsys) -> None:
    job = node.receive("qqx")
    node.deliver(job)
    assert main(["pause", "--by", "anna", "--why", "a doubt", "--config", str(node.path)]) == ExitCode.DONE
    assert review("apply", str(job), "--yes") == ExitCode.FAILURE
    assert "resume" in capsys.readouterr().err
    assert main(["resume", "--by", "anna", "--config", str(node.path)]) == ExitCode.DONE
    assert main(["pause", "--by", " ", "--why", "x", "--config", str(node.path)]) == ExitCode.USAGE


def test_decisions_travel_as_an_overlay_and_arrive_as_proposals(
    node: StillNode, review: Verb, tmp_path: Path, capsys
) -> None:
    review("decide", "qq:x #a", "--becomes", "Bladder", "--clinic", "--yes", "--by", "anna", "--why", "a: b")
    review("decide", "qqy", "--becomes", "PenileBulb", "--site", "prostate")
    review("decide", "qqz", "--never", "--clinic", "--yes")
    review("decide", "qqs", "--becomes", "Heart", "--sender", "TPS1")
    overlay = tmp_path / "overlay.yaml"
    assert review("export", str(overlay)) == ExitCode.DONE
    assert "overlay cannot say" in capsys.readouterr().out
    assert review("export", str(overlay)) == ExitCode.FAILURE
    capsys.readouterr()
    assert main(["explain", "qq:x #a", "--overlay", str(overlay), "--json"]) == ExitCode.DONE
    assert json.loads(capsys.readouterr().out)[0]["standard_name"] == "Bladder"
    with overlay.open("a", encoding="utf-8") as file:
        file.write('  - "opt_*"\n')
    for decision in node.review().decisions():
        review("undo", decision.id, "--why", "to be read back")
    assert review("import", str(overlay), "--by", "carl") == ExitCode.FINDINGS
    assert "pattern" in capsys.readouterr().err
    waiting = [each for each in node.review().decisions() if each.standing == "waiting"]
    assert {(each.name, each.becomes, each.proposal_from) for each in waiting} == {
        ("qq:x #a", "Bladder", "overlay.yaml"),
        ("qqy", "PenileBulb", "overlay.yaml"),
        ("qqz", "", "overlay.yaml"),
    }
    assert node.names(node.receive("qq:x #a", uid="1.2.7")) == ["qq:x #a"]
    assert review("approve", *(each.id for each in waiting), "--by", "carl") == ExitCode.DONE
    assert node.names(node.receive("qq:x #a", uid="1.2.8")) == ["Bladder"]


def test_an_archive_without_a_node_is_reviewed_by_its_manifest(
    tmp_path: Path, nomenclature: Nomenclature, loaded_once: None, capsys
) -> None:
    source, config = tmp_path / "in", tmp_path / "archive.yaml"
    source.mkdir()
    (tmp_path / "decisions").mkdir()
    config.write_text("review: {folder: decisions}\nllm: {enabled: no}\n", encoding="utf-8")
    for number in (1, 2):
        uid = f"1.2.{number}"
        write_object(source / f"{number}.dcm", structure_set(["kidney", "qqx"], uid=uid), RTSTRUCT, uid)
    settings = ("--config", str(config))

    def relabel(output: str, *more: str) -> int:
        return main(["relabel", str(source), "--output", str(tmp_path / output), *settings, *more])

    assert relabel("out") == ExitCode.DONE
    manifest = tmp_path / "out" / "manifest.csv"
    capsys.readouterr()
    assert main(["review", "list", "--manifest", str(manifest), "--json", *settings]) == ExitCode.FINDINGS
    listed = json.loads(capsys.readouterr().out)
    assert {(each["name"], each["count"]) for each in listed} == {("kidney", 2), ("qqx", 2)}
    (kidney,) = (each for each in listed if each["name"] == "kidney")
    assert {"Kidney_L", "Kidney_R"} <= {each["name"] for each in kidney["candidates"]}
    decide = ["review", "decide", *settings]
    assert (
        main([*decide, "kidney", "--becomes", "Kidney_L", "--file", str(source / "1.dcm")]) == ExitCode.DONE
    )
    assert main([*decide, "qqx", "--becomes", "Bladder", "--clinic", "--yes"]) == ExitCode.DONE
    assert relabel("out") == ExitCode.USAGE
    assert "decisions" in capsys.readouterr().err
    assert relabel("out", "--again") == ExitCode.DONE
    found = [[roi.name for roi in read_structure_set(tmp_path / "out" / f"{n}.dcm").rois] for n in (1, 2)]
    assert found == [["Kidney_L", "Bladder"], ["kidney", "Bladder"]]
    assert relabel("out") == ExitCode.DONE
    table = tmp_path / "names.csv"
    table.write_text("original_name\nqqx\nkidney\n", encoding="utf-8")
    capsys.readouterr()
    assert main(["map", str(table), *settings]) == ExitCode.DONE
    assert [row.split(",")[2] for row in capsys.readouterr().out.splitlines()] == [
        "standard_name",
        "Bladder",
        "",
    ]


def test_in_an_archive_the_sender_is_the_planning_system(
    tmp_path: Path, loaded_once: None, capsys: pytest.CaptureFixture[str]
) -> None:
    config = tmp_path / "archive.yaml"
    config.write_text("review: {folder: .}\nllm: {enabled: no}\n", encoding="utf-8")
    dataset, patient = structure_set(["qqx"]), element(0x00100010, "PN", PATIENT_NAME.encode())
    made_by = (
        element(0x00080070, "LO", b"Maker")
        + element(0x00081010, "SH", b"ws7")
        + element(0x00081090, "LO", b"Planner")
    )
    (tmp_path / "in").mkdir()
    write_object(
        tmp_path / "in" / "1.dcm", dataset.replace(patient, made_by + patient), RTSTRUCT, "1.2.3.100"
    )
    settings = ("--config", str(config))
    wish = ("qqx", "--becomes", "Bladder", "--sender", "Maker | Planner | ws7")
    assert main(["review", "decide", *wish, *settings]) == ExitCode.DONE
    assert (
        main(["relabel", str(tmp_path / "in"), "--output", str(tmp_path / "out"), *settings]) == ExitCode.DONE
    )
    assert [roi.name for roi in read_structure_set(tmp_path / "out" / "1.dcm").rois] == ["Bladder"]
    assert "Maker | Planner | ws7" in (tmp_path / "out" / "manifest.csv").read_text()


def test_a_manifest_of_an_earlier_version_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "manifest.csv"
    path.write_text("source,outcome\nx,y\n", encoding="utf-8")
    with pytest.raises(TableError, match="sop_instance_uid"):
        list(objects_of_manifest(path))


def test_in_a_terminal_a_clinic_wide_decision_shows_its_impact_and_asks(node: StillNode) -> None:
    node.receive("qq\u202e[red]", "Heart")
    command = [sys.executable, "-m", "tg263_scp", "review", "decide", "qq\u202e[red]"]
    command += ["--becomes", "Bladder", "--clinic", "--config", str(node.path)]
    code, shown = in_a_terminal(command, "no\n")
    assert (code, node.review().decisions()) == (ExitCode.FAILURE, [])
    assert "1 names in 1 objects would change" in shown
    assert "\u202e" not in shown
    code, shown = in_a_terminal(command, "yes\n")
    assert code == ExitCode.DONE
    (decision,) = node.review().decisions()
    assert decision.becomes == "Bladder"
    code, shown = in_a_terminal(
        [sys.executable, "-m", "tg263_scp", "review", "log", "--config", str(node.path)]
    )
    assert decision.id in shown


def in_a_terminal(command: list[str], typed: str = "") -> tuple[int, str]:
    """Run a command in a pseudo-terminal, type when it asks, and return its exit code and what it showed."""
    ours, theirs = pty.openpty()
    environment = {**os.environ, "COLUMNS": "160", "TERM": "xterm", "PYTHONPATH": os.pathsep.join(sys.path)}
    process = subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, env=environment)
    os.close(theirs)
    shown, until = b"", time.monotonic() + 60
    while time.monotonic() < until:
        if select.select([ours], [], [], 0.2)[0]:
            try:
                piece = os.read(ours, 65536)
            except OSError:
                break
            shown += piece
            if typed and b"[y/N]" in shown:
                os.write(ours, typed.encode())
                typed = ""
        elif process.poll() is not None:
            break
    os.close(ours)
    return process.wait(10), shown.decode()
