"""The same bytes again: a sender's retry keeps its names, later they are decided as things stand then."""

from __future__ import annotations

import logging

import pytest
from doubles.still_nodes import HOUR_S, StillNode

from tg263_scp.service.journal.states import DeliveryState
from tg263_scp.service.review.decisions import WHOLE_CLINIC, Ruled, Wish

TO_RECTUM = Wish("qqx", Ruled.RENAME, WHOLE_CLINIC, "anna", becomes="Rectum")


def decided(node: StillNode) -> int:
    return sum("rois" in line for line in node.lines())


@pytest.fixture
def job(node: StillNode) -> int:
    """A structure set that was decided and delivered."""
    job = node.receive("qqx", "vessie")
    node.deliver(job)
    return job


def test_within_the_hour_it_keeps_its_names(node: StillNode, job: int) -> None:
    node.review().decide(TO_RECTUM)
    node.work()
    node.now += HOUR_S - 10
    assert node.receive("qqx", "vessie") == job
    assert decided(node) == 1


def test_later_it_is_decided_anew_where_something_has_changed(node: StillNode, job: int) -> None:
    node.review().decide(TO_RECTUM)
    node.work()
    node.now += HOUR_S + 10
    assert node.receive("qqx", "vessie") == job
    assert node.names(job) == ["Rectum", "Bladder"]
    assert decided(node) == 2
    assert [each.state for each in node.node.journal.outbox.deliveries(job)] == [DeliveryState.PENDING]


def test_names_that_differ_from_what_was_delivered_are_a_warning_with_both(
    node: StillNode, caplog: pytest.LogCaptureFixture
) -> None:
    job = node.receive("qqx", "Heart")
    node.deliver(job)
    node.review().decide(TO_RECTUM)
    node.work()
    node.now += HOUR_S + 10
    with caplog.at_level(logging.WARNING):
        node.receive("qqx", "Heart")
    roi = [line for line in node.lines() if "rois" in line][-1]["rois"][0]
    assert (roi["old"], roi["delivered_before"], roi["new"]) == ("qqx", "qqx", "Rectum")
    assert "1 names differ" in caplog.text
    assert "qqx" not in caplog.text


def test_later_it_is_not_decided_anew_where_nothing_has_changed(node: StillNode, job: int) -> None:
    node.now += 100 * HOUR_S
    assert node.receive("qqx", "vessie") == job
    assert decided(node) == 1


def test_while_a_delivery_is_open_it_keeps_its_names(node: StillNode) -> None:
    job = node.receive("qqx")
    node.review().decide(TO_RECTUM)
    node.work()
    node.now += 100 * HOUR_S
    assert node.receive("qqx") == job
    assert decided(node) == 1


def test_after_shadow_mode_the_same_set_is_relabelled_when_it_comes_again_at_once(node: StillNode) -> None:
    node.again("naming: {mode: shadow}\n")
    job = node.receive("vessie")
    node.deliver(job)
    assert not node.job(job).sends_result
    node.again("naming: {mode: relabel}\n")
    assert node.receive("vessie") == job
    assert node.job(job).sends_result


@pytest.mark.parametrize(
    "changed",
    ["naming: {gates: {collision: hold}}\n", "naming: {keep_patterns: [vessie]}\n", "write: {codes: on}\n"],
)
def test_other_settings_count_after_the_hour(node: StillNode, job: int, changed: str) -> None:
    node.again(changed)
    assert node.receive("qqx", "vessie") == job
    assert decided(node) == 1
    node.deliver(job)
    node.now += HOUR_S + 10
    assert node.receive("qqx", "vessie") == job
    assert decided(node) == 2


def test_an_older_version_is_never_decided_anew_behind_a_newer_one(node: StillNode, job: int) -> None:
    newer = node.receive("qqx", "vessie", "Heart")
    node.deliver(newer)
    before = decided(node)
    node.review().decide(TO_RECTUM)
    node.work()
    node.now += HOUR_S + 10
    assert node.receive("qqx", "vessie") == job
    assert decided(node) == before
