"""The switch of the whole node: paused, every object passes as it was received."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from doubles.still_nodes import StillNode

from tg263_scp.cli import main
from tg263_scp.errors import HoldReason, Tg263Error
from tg263_scp.naming.standard.nomenclature import Nomenclature
from tg263_scp.service.metrics import Build, NodeFigures
from tg263_scp.service.switch import SWITCH_NAME, set_switch, switch_setting


@pytest.fixture
def node(tmp_path: Path, nomenclature: Nomenclature, no_fsync: None) -> Iterator[StillNode]:
    opened = StillNode(tmp_path, nomenclature)
    yield opened
    opened.close()


def test_a_paused_node_passes_the_next_object_as_received_and_goes_on_when_resumed(node: StillNode) -> None:
    folder = node.config.spool.folder
    set_switch(folder, paused=True, by="anna", why="strange names on the wall display")
    job = node.receive("vessie", uid="1.2.1")
    assert not node.job(job).sends_result
    passed = node.lines("passed")
    assert [line["reason"] for line in passed] == [HoldReason.PAUSED]
    set_switch(folder, paused=False, by="ben", why="mended")
    assert node.names(node.receive("vessie", uid="1.2.2")) == ["Bladder"]
    said = [(line["kind"], line["by"]) for line in node.lines() if line["kind"] in ("paused", "resumed")]
    assert said == [("paused", "anna"), ("resumed", "ben")]


def test_a_pause_survives_a_restart_and_is_audited_once(node: StillNode) -> None:
    set_switch(node.config.spool.folder, paused=True, by="anna", why="a doubt")
    node.work()
    node.again()
    job = node.receive("vessie")
    assert not node.job(job).sends_result
    assert len(node.lines("paused")) == 1


def test_what_was_passed_is_relabelled_when_it_comes_again_after_the_pause(node: StillNode) -> None:
    set_switch(node.config.spool.folder, paused=True, by="anna", why="a doubt")
    job = node.receive("vessie")
    node.deliver(job)
    set_switch(node.config.spool.folder, paused=False, by="anna", why="none")
    node.work()
    assert node.receive("vessie") == job
    assert node.job(job).sends_result


def test_a_switch_that_cannot_be_read_counts_as_paused(node: StillNode) -> None:
    (node.config.spool.folder / SWITCH_NAME).write_text("{")
    job = node.receive("vessie")
    assert not node.job(job).sends_result


def test_pausing_twice_and_resuming_what_runs_are_refused(tmp_path: Path) -> None:
    with pytest.raises(Tg263Error, match="not paused"):
        set_switch(tmp_path, paused=False, by="anna", why="")
    assert switch_setting(tmp_path) is None
    set_switch(tmp_path, paused=True, by="anna", why="a doubt")
    with pytest.raises(Tg263Error, match="paused by anna: a doubt"):
        set_switch(tmp_path, paused=True, by="ben", why="")
    with pytest.raises(Tg263Error, match="cannot be set"):
        set_switch(tmp_path / "nowhere", paused=True, by="anna", why="")


def test_a_pause_is_loud_in_doctor_and_metrics(node: StillNode, capsys: pytest.CaptureFixture[str]) -> None:
    set_switch(node.config.spool.folder, paused=True, by="anna", why="a doubt")
    main(["doctor", "--config", str(node.path), "--json"])
    found = {check["name"]: check for check in json.loads(capsys.readouterr().out)}
    assert not found["switch"]["good"]
    assert "PAUSED by anna" in found["switch"]["detail"]
    assert found["review"]["good"]
    figures = NodeFigures(
        node.node.journal, node.config.spool.folder, lambda: Build("n", "c", ("archive",))
    ).collect()
    assert {figure.name: figure for figure in figures}["tg263_paused"].samples[0].value == 1
