"""The version that a destination holds is told by its UID, its names and the time of its relabelling."""

from __future__ import annotations

import pytest
from doubles.loopback import RTSTRUCT, element, structure_set, write_object

from tg263_scp.dicom.readback.comparison import Held, compare

UID = "1.2.3.100"


def written(path, names, *, uid=UID, coerced: bytes = b""):
    extra = element(0x00080015, "DT", coerced) if coerced else b""
    dataset = structure_set(names, uid=uid)
    charset, rest = dataset[:18], dataset[18:]
    write_object(path, charset + extra + rest, RTSTRUCT, uid)
    return path


@pytest.mark.parametrize(
    ("names", "more", "held", "said"),
    [
        (["Lung_L", "Heart"], {}, Held.SENT, "2 names"),
        (["linke lunge", "Heart"], {}, Held.OLDER, "1 of 2 ROIs have other names"),
        (["Lung_L", "Heart"], {"coerced": b"20200101"}, Held.OLDER, "another relabelling"),
        (["Lung_L"], {}, Held.OTHER, "other ROIs"),
        (["Lung_L", "Heart"], {"uid": "1.2.9"}, Held.OTHER, "another SOP Instance UID"),
    ],
)
def test_versions_are_told_apart(tmp_path, names, more, held, said):
    sent = written(tmp_path / "sent.dcm", ["Lung_L", "Heart"], coerced=b"20261201")
    there = written(tmp_path / "there.dcm", names, **({"coerced": b"20261201"} | more))
    finding = compare(sent, there)
    assert finding.held is held
    assert said in finding.text
    assert "Lung" not in finding.text


def test_what_cannot_be_read_is_another_object(tmp_path):
    sent = written(tmp_path / "sent.dcm", ["Lung_L"])
    (tmp_path / "there.dcm").write_bytes(b"no DICOM")
    assert compare(sent, tmp_path / "there.dcm").held is Held.OTHER
