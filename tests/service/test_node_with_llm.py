"""The node with a language model: asked beside the work, never in its way; down, slow, lying, or another than before.

The model is the test double; what it answers is scripted.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from doubles.answers import always, reading
from doubles.loopback import (
    CT,
    DEADLINE_S,
    PATIENT_NAME,
    RTPLAN,
    RTSTRUCT,
    Receiver,
    Sender,
    image,
    node_config,
    structure_set,
    wait_until,
)
from doubles.nodes import audit_lines, names_in, settled
from doubles.ollama_double import OllamaDouble

from tg263_scp.cli import main
from tg263_scp.config.sections import Config
from tg263_scp.errors import HoldReason
from tg263_scp.naming.standard.nomenclature import Nomenclature
from tg263_scp.service.journal.states import ObjectState
from tg263_scp.service.node import Node, assemble
from tg263_scp.tools.shared.exitcode import ExitCode

UID = "1.2.3.100"
Start = Callable[..., Node]


@pytest.fixture
def double() -> Iterator[OllamaDouble]:
    with OllamaDouble(answer=always("Bladder")) as double:
        yield double
        double.release()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as receiver:
        yield receiver


def configured(folder: Path, double: OllamaDouble, *ports: int, **settings: Any) -> Config:
    llm = {
        "enabled": True,
        "host": double.url,
        "cache_file": folder / "llm.sqlite",
        "samples": 2,
        "qualification": double.llm().qualification,
        "answer_timeout_s": DEADLINE_S,
    }
    return node_config(folder, *ports, llm={**llm, **settings})


@pytest.fixture
def start(
    tmp_path: Path, double: OllamaDouble, receiver: Receiver, nomenclature: Nomenclature
) -> Iterator[Start]:
    running: list[Node] = []

    def run(**settings: Any) -> Node:
        running.append(assemble(configured(tmp_path, double, receiver.port, **settings), nomenclature))
        running[-1].start()
        return running[-1]

    yield run
    double.release()
    for node in running:
        node.drain_and_stop()


def send(node: Node, folder: Path, dataset: bytes, sop_class: str = RTSTRUCT, uid: str = UID) -> int | None:
    return Sender(node.address[1], folder).send(dataset, sop_class, uid).status


def decisions(folder: Path, double: OllamaDouble) -> list[dict[str, Any]]:
    lines = audit_lines(configured(folder, double))
    return [line for line in lines if line["kind"] in ("relabelled", "unchanged")]


def test_a_node_that_was_never_started_lets_everything_go(
    tmp_path: Path, double: OllamaDouble, nomenclature: Nomenclature
) -> None:
    assemble(configured(tmp_path, double), nomenclature).drain_and_stop()
    with assemble(configured(tmp_path, double), nomenclature) as node:
        assert node.address[1]


def test_a_name_that_no_rule_knows_is_asked_about_audited_and_forwarded(
    start: Start, double: OllamaDouble, receiver: Receiver, tmp_path: Path
) -> None:
    node = start()
    assert send(node, tmp_path, structure_set(["gnarblix", "Heart", "herz"])) == 0x0000
    wait_until(lambda: settled(node))
    assert names_in(receiver.box[0].dataset, tmp_path)[:2] == ["Bladder", "Heart"]
    (line,) = decisions(tmp_path, double)
    roi = line["rois"][0]
    assert (roi["old"], roi["new"], roi["rule"]) == ("gnarblix", "Bladder", "R090")
    model = roi["model"]
    assert model["votes"] == [["Bladder", 2]]
    assert model["model_digest"] == double.models[0].digest
    assert model["prompt"] == "read-set/1"
    assert model["prompt_tokens"] > 0
    assert len(model["question"]) == 64
    assert "model" not in line["rois"][1]


def test_audit_show_tells_what_the_model_said_of_names_that_changed_and_of_others(
    start: Start, double: OllamaDouble, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    answers = iter(["Bladder", "Rectum"])
    double.answer = lambda request: {"n1": reading("gnarblix", next(answers))}
    node = start()
    send(node, tmp_path, structure_set(["gnarblix", "Heart"]))
    wait_until(lambda: settled(node))
    assert main(["audit", "show", str(configured(tmp_path, double).audit.file)]) == ExitCode.DONE
    said = " ".join(capsys.readouterr().out.split())
    assert "model gnarblix 2 wanted: 1 for Bladder, 1 for Rectum" in said
    assert f"{double.models[0].name} ({double.models[0].digest[:12]}), read-set/" in said
    assert "model Heart" not in said


def test_the_same_name_is_not_asked_about_again(
    start: Start, double: OllamaDouble, receiver: Receiver, tmp_path: Path
) -> None:
    node = start()
    for number in (1, 2):
        send(node, tmp_path, structure_set(["gnarblix"], uid=f"1.2.{number}"), uid=f"1.2.{number}")
    wait_until(lambda: settled(node, 2))
    assert len(double.requests) == 4, "two samples and two tests, for the first set"
    assert decisions(tmp_path, double)[1]["rois"][0]["model"]["remembered"]


def test_nothing_of_the_patient_leaves_for_the_model(
    start: Start, double: OllamaDouble, tmp_path: Path
) -> None:
    node = start()
    family = PATIENT_NAME.partition("^")[0]
    send(node, tmp_path, structure_set(["gnarblix", f"zuvor {family}", "PID4711 plukato"]))
    wait_until(lambda: settled(node))
    assert len(double.requests) == 4
    sent = json.dumps([request["messages"] for request in double.requests]).casefold()
    for secret in (*PATIENT_NAME.casefold().split("^"), "4711", "1.2.3", "zuvor", "plukato"):
        assert secret not in sent


def test_other_objects_do_not_wait_for_the_model(
    start: Start, double: OllamaDouble, receiver: Receiver, tmp_path: Path
) -> None:
    double.fault = "slow"
    node = start(object_budget_s=600.0)
    send(node, tmp_path, structure_set(["gnarblix"]))
    wait_until(lambda: double.at_work > 0)
    assert send(node, tmp_path, image("1.2.5"), CT, "1.2.5") == 0x0000
    assert send(node, tmp_path, structure_set(["Heart"], uid="1.2.6"), RTSTRUCT, "1.2.6") == 0x0000
    wait_until(lambda: {"1.2.5", "1.2.6"} <= set(receiver.uids()))
    assert UID not in receiver.uids()
    double.fault = None
    double.release()
    wait_until(lambda: UID in receiver.uids())
    assert names_in(receiver.box[-1].dataset, tmp_path) == ["Bladder"]


def test_a_newer_version_never_overtakes_the_one_that_waits(
    start: Start, double: OllamaDouble, receiver: Receiver, tmp_path: Path
) -> None:
    double.fault = "slow"
    node = start(object_budget_s=600.0)
    send(node, tmp_path, structure_set(["gnarblix"]))
    wait_until(lambda: double.at_work > 0)
    send(node, tmp_path, structure_set(["Heart"]))
    send(node, tmp_path, image("1.2.5"), CT, "1.2.5")
    wait_until(lambda: receiver.uids() == ["1.2.5"])
    double.fault = None
    double.release()
    wait_until(lambda: settled(node, 3))
    sets = [names_in(sent.dataset, tmp_path) for sent in receiver.box if sent.uid == UID]
    assert sets == [["Bladder"], ["Heart"]]


def test_a_slow_model_delays_a_set_for_its_budget_only(
    start: Start, double: OllamaDouble, receiver: Receiver, tmp_path: Path
) -> None:
    double.fault = "slow"
    node = start(object_budget_s=0.3)
    send(node, tmp_path, structure_set(["gnarblix", "herz"]))
    wait_until(lambda: settled(node))
    assert names_in(receiver.box[0].dataset, tmp_path)[0] == "gnarblix"
    (line,) = decisions(tmp_path, double)
    assert line["rois"][0]["model"]["answer"] is None
    assert line["rois"][0]["status"] == "review"


@pytest.mark.parametrize("fault", ["half", "outside", "error", "cut", "html", "hang_up", "huge"])
def test_a_model_that_answers_nonsense_changes_no_name_and_holds_nothing_up(
    fault: Any, start: Start, double: OllamaDouble, receiver: Receiver, tmp_path: Path
) -> None:
    double.fault = fault
    node = start()
    assert send(node, tmp_path, structure_set(["gnarblix", "Lunge links"])) == 0x0000
    wait_until(lambda: settled(node))
    assert names_in(receiver.box[0].dataset, tmp_path) == ["gnarblix", "Lung_L"]


def test_without_a_model_the_node_says_so_once_and_goes_on(
    double: OllamaDouble,
    receiver: Receiver,
    tmp_path: Path,
    nomenclature: Nomenclature,
    caplog: pytest.LogCaptureFixture,
) -> None:
    double.stop()
    config = configured(tmp_path, double, receiver.port, failures_before_pause=2, pause_s=600.0)
    with caplog.at_level(logging.INFO), assemble(config, nomenclature) as node:
        for number in range(4):
            uid = f"1.2.{number}"
            assert send(node, tmp_path, structure_set(["gnarblix"], uid=uid), uid=uid) == 0x0000
        wait_until(lambda: settled(node, 4))
    double.start()
    assert len(receiver.box) == 4
    assert len([record for record in caplog.records if "left alone" in record.getMessage()]) == 1
    assert "gnarblix" not in caplog.text


def test_a_node_that_ends_while_a_set_waits_takes_it_up_again(
    start: Start, double: OllamaDouble, receiver: Receiver, tmp_path: Path, nomenclature: Nomenclature
) -> None:
    double.fault = "slow"
    node = start(object_budget_s=600.0)
    send(node, tmp_path, structure_set(["gnarblix"]))
    wait_until(lambda: double.at_work > 0)
    node.drain_and_stop()
    assert receiver.box == []
    double.fault = None
    with assemble(configured(tmp_path, double, receiver.port), nomenclature) as again:
        ((job, _),) = again.journal.list_objects(finished=True)
        assert job.state in (ObjectState.RECEIVED, ObjectState.DECIDED, ObjectState.READY)
        wait_until(lambda: settled(again))
    assert names_in(receiver.box[0].dataset, tmp_path) == ["Bladder"]


def test_what_went_on_while_the_model_was_away_is_done_again_once_it_is_back(
    start: Start, double: OllamaDouble, receiver: Receiver, tmp_path: Path
) -> None:
    double.stop()
    node = start(failures_before_pause=100)
    send(node, tmp_path, structure_set(["gnarblix", "herz"]))
    wait_until(lambda: settled(node))
    assert names_in(receiver.box[0].dataset, tmp_path) == ["gnarblix", "Heart"]
    (job,) = node.journal.unanswered()
    double.start()
    node.journal.redo(job)
    wait_until(lambda: settled(node) and len(receiver.box) == 2)
    assert names_in(receiver.box[1].dataset, tmp_path) == ["Bladder", "Heart"]
    assert node.journal.unanswered() == []
    first, second = decisions(tmp_path, double)
    assert first["rois"][0]["model"]["answer"] is None
    assert second["rois"][0]["new"] == "Bladder"


def test_a_node_that_ends_while_it_asks_complains_of_nothing(
    start: Start, double: OllamaDouble, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    double.fault, double.faulty_paths = "slow", {"/api/chat"}
    node = start(object_budget_s=30.0, failures_before_pause=1)
    send(node, tmp_path, structure_set(["gnarblix"]))
    wait_until(lambda: double.at_work > 0)
    with caplog.at_level(logging.WARNING, "tg263_scp"):
        node.drain_and_stop()
    assert [record.getMessage() for record in caplog.records] == []


def test_the_queue_says_which_set_waits_for_the_model(
    start: Start, double: OllamaDouble, receiver: Receiver, tmp_path: Path
) -> None:
    double.fault, double.faulty_paths = "slow", {"/api/chat"}
    node = start(object_budget_s=30.0)
    send(node, tmp_path, structure_set(["gnarblix"]))
    wait_until(lambda: double.at_work > 0)
    ((job, _),) = node.journal.list_objects()
    assert (job.state, job.reason) == (ObjectState.RECEIVED, HoldReason.AWAITING_MODEL)
    double.fault = None
    double.release()
    wait_until(lambda: settled(node))
    ((job, _),) = node.journal.list_objects(finished=True)
    assert (job.state, job.reason) == (ObjectState.READY, "")


def test_without_a_memory_the_node_goes_on_without_the_model(
    start: Start, double: OllamaDouble, receiver: Receiver, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "folder").mkdir()
    with caplog.at_level(logging.ERROR):
        node = start(cache_file=tmp_path / "folder")
    send(node, tmp_path, structure_set(["gnarblix", "herz"]))
    wait_until(lambda: settled(node))
    assert names_in(receiver.box[0].dataset, tmp_path) == ["gnarblix", "Heart"]
    assert "cannot be used" in caplog.text
    assert double.calls == []


def test_another_model_than_before_is_asked_anew(
    start: Start, double: OllamaDouble, receiver: Receiver, tmp_path: Path
) -> None:
    node = start()
    send(node, tmp_path, structure_set(["gnarblix"], uid="1.2.1"), uid="1.2.1")
    wait_until(lambda: settled(node))
    double.models[0].digest = "e" * 64
    double.answer = always("Rectum")
    # The node sees the new digest when it next asks about anything.
    send(node, tmp_path, structure_set(["plukato zuvor"], uid="1.2.2"), uid="1.2.2")
    wait_until(lambda: settled(node, 2))
    send(node, tmp_path, structure_set(["gnarblix"], uid="1.2.3"), uid="1.2.3")
    wait_until(lambda: settled(node, 3))
    assert names_in(receiver.box[2].dataset, tmp_path) == ["Rectum"]


def test_shadow_mode_asks_and_forwards_the_original(
    double: OllamaDouble, receiver: Receiver, tmp_path: Path, nomenclature: Nomenclature
) -> None:
    config = configured(tmp_path, double, receiver.port)
    config = config.model_copy(update={"naming": config.naming.model_copy(update={"mode": "shadow"})})
    original = structure_set(["gnarblix"])
    with assemble(config, nomenclature) as node:
        send(node, tmp_path, original)
        wait_until(lambda: settled(node))
    assert receiver.box[0].dataset == original
    lines = [line for line in audit_lines(config) if line["kind"] == "shadow"]
    assert lines[0]["rois"][0]["new"] == "Bladder"


def test_a_plan_passes_a_set_that_waits(
    start: Start, double: OllamaDouble, receiver: Receiver, tmp_path: Path
) -> None:
    double.fault = "slow"
    node = start(object_budget_s=600.0)
    send(node, tmp_path, structure_set(["gnarblix"]))
    wait_until(lambda: double.at_work > 0)
    send(node, tmp_path, image("1.2.7"), RTPLAN, "1.2.7")
    wait_until(lambda: receiver.uids() == ["1.2.7"])
