"""What people said is entered into the audit log once, whenever the node ends in between."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest
from doubles.still_nodes import StillNode

from tg263_scp.errors import ReviewError
from tg263_scp.service.audit import AuditLog
from tg263_scp.service.review.decisions import WHOLE_CLINIC, Ruled, Wish
from tg263_scp.service.review.store import ReviewStore
from tg263_scp.service.review.taking_up import TAKEN_NAME, TakingUp
from tg263_scp.service.switch import set_switch


def decide(store: ReviewStore, name: str) -> None:
    with store.writing() as writer:
        writer.decided(Wish(name, Ruled.KEEP, WHOLE_CLINIC, "anna"), waits=False)


def test_a_crash_between_log_and_note_leads_to_no_second_line(tmp_path: Path, no_fsync: None) -> None:
    store, audit = ReviewStore(tmp_path), AuditLog(tmp_path / "audit.jsonl")
    said = TakingUp(store, audit, tmp_path)
    decide(store, "qqx")
    said.take_up()
    note = (tmp_path / TAKEN_NAME).read_bytes()
    decide(store, "qqy")
    set_switch(tmp_path, paused=True, by="anna", why="a doubt")
    said.take_up()
    assert audit.last_seq == 3
    (tmp_path / TAKEN_NAME).write_bytes(note)
    again = TakingUp(ReviewStore(tmp_path), audit, tmp_path)
    again.take_up()
    assert audit.last_seq == 3
    assert again.paused
    (tmp_path / TAKEN_NAME).write_text("{")
    TakingUp(ReviewStore(tmp_path), audit, tmp_path).take_up()
    assert audit.last_seq == 3
    audit.close()


def test_a_store_that_is_damaged_while_the_node_runs_leaves_what_was_decided(
    node: StillNode, caplog: pytest.LogCaptureFixture
) -> None:
    node.review().decide(Wish("qqx", Ruled.RENAME, WHOLE_CLINIC, "anna", becomes="Bladder"))
    node.work()
    store = node.config.spool.folder / "review.jsonl"
    whole = store.read_bytes()
    store.write_bytes(whole.replace(b"Bladder", b"Rectum!"))
    with caplog.at_level(logging.ERROR):
        assert node.names(node.receive("qqx", uid="1.2.1")) == ["Bladder"]
        assert node.names(node.receive("qqx", uid="1.2.2")) == ["Bladder"]
    assert caplog.text.count("what was decided before still counts") == 1
    assert node.node._worker._said.damaged
    store.write_bytes(whole)
    assert node.names(node.receive("qqx", uid="1.2.3")) == ["Bladder"]
    assert not node.node._worker._said.damaged


def test_a_node_does_not_start_with_a_damaged_store(node: StillNode) -> None:
    node.review().decide(Wish("qqx", Ruled.NEVER, WHOLE_CLINIC, "anna"))
    store = node.config.spool.folder / "review.jsonl"
    store.write_bytes(store.read_bytes().replace(b"never", b"keep!"))
    with pytest.raises(ReviewError, match="line 1"):
        node.again()
    store.unlink()
    (store.parent / "review.jsonl.head").unlink()
    node.again()
