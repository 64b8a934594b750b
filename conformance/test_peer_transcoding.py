"""DCMTK's receivers take one transfer syntax alone: the node transcodes what it can, and says what it cannot."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import specimens
from comparison import renamed, transfer_syntax
from foreign_peers import ENCODINGS, DcmtkReceiver
from processes import HOST, run
from pydicom import dcmread
from pydicom.dataset import Dataset
from serving_node import ServingNode

pytestmark = pytest.mark.peer

TAKES = {
    "storescp": {"implicit": ("+xi",)},
    "dcmrecv": {
        "implicit": ("LittleEndianImplicit",),
        "explicit": ("LittleEndianExplicit",),
        "deflated": ("DeflatedLittleEndianExplicit",),
    },
}
"""By receiver and encoding: storescp's option, or the names of a profile for dcmrecv."""


def receiving(make_receiver: Callable[..., DcmtkReceiver], command: str, takes: str) -> DcmtkReceiver:
    """Start a receiver that takes one encoding alone."""
    if command == "storescp":
        return make_receiver().start(*TAKES[command][takes])
    return make_receiver(command=command, syntaxes=TAKES[command][takes]).start()


def without_private(path: Path) -> Dataset:
    """Read a specimen without its private elements: in implicit VR nothing tells their VR, and explicit VR refuses them."""
    data = dcmread(path)
    data.remove_private_tags()
    return data


@pytest.mark.cell("Transfer syntaxes", "{came}, transcoded to {takes}", "{receiver} receives")
@pytest.mark.parametrize(
    ("receiver", "came", "takes"),
    [
        *(("storescp", "explicit", "implicit"), ("storescp", "deflated", "implicit")),
        *(("dcmrecv", "explicit", "implicit"), ("dcmrecv", "implicit", "explicit")),
        *(("dcmrecv", "implicit", "deflated"), ("dcmrecv", "deflated", "explicit")),
    ],
)
def test_a_structure_set_reaches_a_receiver_that_takes_only_another_transfer_syntax(
    receiver: str,
    came: str,
    takes: str,
    make_node: Callable[..., ServingNode],
    make_receiver: Callable[..., DcmtkReceiver],
    rtstruct: Path,
    tmp_path: Path,
) -> None:
    write, propose, _ = ENCODINGS[came]
    sent = tmp_path / "sent.dcm"
    if came == "implicit":
        without_private(rtstruct).save_as(rtstruct)
    run("dcmconv", write, rtstruct, sent)
    there = receiving(make_receiver, receiver, takes)
    node = make_node(there.as_destination()).start()

    run("storescu", propose, "-R", HOST, node.port, sent)
    node.wait_for("sent", objects=1)

    (received,) = there.files().values()
    assert transfer_syntax(received) == ENCODINGS[takes][2]
    assert renamed(sent, received) == specimens.RENAMED
    (line,) = node.audit_lines("delivered")
    assert line["transcoded"]["to"] == ENCODINGS[takes][2]


def test_a_contour_of_9000_points_is_not_sent_to_a_receiver_that_takes_explicit_vr_only(
    make_node: Callable[..., ServingNode],
    make_receiver: Callable[..., DcmtkReceiver],
    rtstruct: Path,
    tmp_path: Path,
) -> None:
    data = without_private(rtstruct)
    contour = data.ROIContourSequence[0].ContourSequence[0]
    contour.ContourData = [f"{n % 1000 / 10:.1f}" for n in range(27_000)]
    contour.NumberOfContourPoints = 9000
    data.file_meta.TransferSyntaxUID = ENCODINGS["implicit"][2]
    large = tmp_path / "large.dcm"
    data.save_as(large, implicit_vr=True, little_endian=True)
    explicit = receiving(make_receiver, "dcmrecv", "explicit")
    node = make_node(explicit.as_destination()).start()

    run("storescu", "-xi", "-R", HOST, node.port, large)
    node.wait_for("failed", objects=1)

    assert explicit.files() == {}
    (line,) = node.audit_lines("delivery_failed")
    assert "(3006,0050)" in line["reason"]
