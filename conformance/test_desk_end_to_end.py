"""The desk from end to end: a set comes by C-STORE, is decided on in a browser, and Orthanc has the name that was decided."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import processes
import pytest
from doubles.chromium import chromium, enter, visit
from foreign_peers import Orthanc
from playwright.sync_api import Browser, Page
from processes import HOST, run, wait_until
from serving_node import ServingNode

from tg263_scp.dicom.synthetic.structure_sets import synthetic_dataset

pytestmark = [pytest.mark.peer, pytest.mark.slow]

OPEN = "Gizmo"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    processes.program("chromium")
    with chromium() as running:
        yield running


@pytest.fixture
def desk_node(make_node: Callable[..., ServingNode], orthanc: Orthanc) -> ServingNode:
    """A node whose desk ``serve`` keeps running, with Orthanc as a destination that may get an object twice."""
    node = make_node({**orthanc.as_destination(), "redeliver": "yes"}, desk={"port": 0})
    return node.start()


def structure_set(path: Path) -> tuple[Path, str]:
    """Write a set of a pelvis in which the bladder has a name that no rule knows."""
    dataset = synthetic_dataset("prostate")
    for roi in dataset.StructureSetROISequence:
        if roi.ROIName == "blase":
            roi.ROIName = OPEN
    dataset.save_as(path, enforce_file_format=True)
    return path, str(dataset.SOPInstanceUID)


def link_of(node: ServingNode) -> str:
    """Return the login link, once the desk has started."""
    return str(wait_until(lambda: node.verb("desk", "link")[1].strip(), "the desk has started"))


def apply_to_sent(page: Page, home: str) -> None:
    page.goto(f"{home}/apply?which=sent")
    page.get_by_role("button", name="Decide anew and send").click()
    page.get_by_text("is decided anew").wait_for()


def decide_with_the_keyboard(page: Page, home: str, name: str) -> None:
    """Go to the row of the open name, write another one, look at what it changes, and decide."""
    page.goto(f"{home}/names?find={OPEN}")
    page.keyboard.press("j")
    page.keyboard.press("e")
    page.keyboard.type(name)
    page.keyboard.press("Escape")
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="Decide 1 name").wait_for()
    page.keyboard.type("it lies where the bladder is")
    page.keyboard.press("Enter")
    page.get_by_text("1 decision entered").wait_for()


def test_an_open_name_is_decided_with_the_keyboard_leaves_and_is_undone(
    desk_node: ServingNode, orthanc: Orthanc, browser: Browser, tmp_path: Path
) -> None:
    path, uid = structure_set(tmp_path / "set.dcm")
    run("storescu", "-aet", "TPS", "-aec", desk_node.ae_title, HOST, desk_node.port, path)
    desk_node.wait_for("sent", objects=1)
    assert OPEN in orthanc.roi_names(uid)
    link = link_of(desk_node)
    home = link.partition("/enter")[0]

    with visit(browser) as (page, wrong):
        enter(page, link)
        assert page.get_by_role("link", name=OPEN).is_visible()
        decide_with_the_keyboard(page, home, "Bladder")
        apply_to_sent(page, home)
        wait_until(lambda: "Bladder" in orthanc.roi_names(uid), "Orthanc has the name that was decided")
        assert OPEN not in orthanc.roi_names(uid)

        page.goto(f"{home}/decisions")
        page.keyboard.press("j")
        page.keyboard.press("u")
        page.get_by_text("1 decision undone").wait_for()
        page.goto(f"{home}/queue?show=all")
        page.get_by_label("Job 1", exact=True).check()
        page.get_by_role("button", name="Redo").click()
        page.get_by_label("Reason").fill("decided again")
        page.get_by_role("button", name="Redo").click()
        page.get_by_text("Redo: 1 object").wait_for()
        wait_until(lambda: OPEN in orthanc.roi_names(uid), "Orthanc has the name that was received")

        decide_with_the_keyboard(page, home, "Bladder")
        apply_to_sent(page, home)
        wait_until(lambda: "Bladder" in orthanc.roi_names(uid), "Orthanc has the new name again")
        assert wrong == []

    lines = desk_node.audit_lines("review")
    assert [(line["said"], line["by"]) for line in lines] == [
        ("decided", "Anna Berg"),
        ("undone", "Anna Berg"),
        ("decided", "Anna Berg"),
    ]
    asked = [line["asked"] for line in desk_node.audit_lines("relabelled") if "asked" in line]
    assert {(each["what"], each["by"]) for each in asked} == {
        ("review", "Anna Berg"),
        ("redone", "Anna Berg"),
    }
    code, said = desk_node.verb("audit", "verify")
    assert code == 0, said
    assert link.partition("key=")[2] not in desk_node.output()


def test_the_desk_comes_back_when_its_process_dies(desk_node: ServingNode, browser: Browser) -> None:
    link = link_of(desk_node)
    (desk,) = desk_node.children()
    os.kill(desk, signal.SIGKILL)
    another = wait_until(
        lambda: (found := link_of(desk_node)) != link and found, "the desk has started again"
    )
    with visit(browser) as (page, _):
        enter(page, str(another))
    desk_node.stop()
    assert desk_node.verb("desk", "link")[0] != 0, "the desk ends with the node"
