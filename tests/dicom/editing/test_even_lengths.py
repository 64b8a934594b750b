"""Senders that write values of odd length, which PS3.5 7.1 forbids: what we make of them has even lengths, or is held."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from doubles.drafts import CODINGS, Coding, Draft, DraftRoi

from tg263_scp.dicom.editing.new_uids import UidMap, new_uids
from tg263_scp.dicom.editing.provenance import Provenance
from tg263_scp.dicom.editing.relabel import relabel
from tg263_scp.dicom.encoding.part10 import opened
from tg263_scp.errors import HeldObjectError, HoldReason

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


class OddCoding(Coding):
    """Writes text as it is, without padding."""

    def text(self, tag, vr, value):
        return self.element(tag, vr, value if vr == "LO" else value + b" " * (len(value) % 2))


@pytest.fixture(params=CODINGS, ids=lambda coding: coding.name)
def odd_coding(request):
    return OddCoding(**{name: getattr(request.param, name) for name in Coding.__dataclass_fields__})


@pytest.fixture
def stored(tmp_path, odd_coding):
    def store(*names: bytes):
        path = tmp_path / "rs.dcm"
        rois = tuple(DraftRoi(name, number=b"%d " % n) for n, name in enumerate(names, start=1))
        path.write_bytes(odd_coding.file(b"".join(Draft(rois).parts(odd_coding))))
        return path

    return store


def is_even(path) -> bool:
    with opened(path) as found:
        return (found.window.size - found.start) % 2 == 0


def test_an_odd_name_that_is_replaced_leaves_an_object_of_even_length(tmp_path, stored):
    source = stored(b"Heart")
    assert not is_even(source)
    relabel(source, tmp_path / "out.dcm", {0: "Lung_L"})
    assert is_even(tmp_path / "out.dcm")


@pytest.mark.parametrize("provenance", [None, Provenance(NOON, "Clinic", "TPS")], ids=["plain", "provenance"])
def test_a_set_that_would_become_odd_is_held_not_sent(tmp_path, stored, provenance):
    source = stored(b"Heart", b"Liver")
    assert is_even(source)
    with pytest.raises(HeldObjectError) as caught:
        relabel(source, tmp_path / "out.dcm", {0: "Lung_L"}, provenance=provenance)
    assert caught.value.reason is HoldReason.ODD_LENGTH
    assert [path.name for path in tmp_path.iterdir()] == ["rs.dcm"]


def test_what_provenance_copies_does_not_make_an_object_odd(tmp_path, stored):
    with pytest.raises(HeldObjectError) as caught:
        relabel(
            stored(b"Heart"), tmp_path / "out.dcm", {0: "Lung_L"}, provenance=Provenance(NOON, "Clinic", "")
        )
    assert caught.value.reason is HoldReason.ODD_LENGTH


def test_an_odd_set_gets_no_new_uids_either(tmp_path, stored):
    with pytest.raises(HeldObjectError) as caught:
        new_uids(stored(b"Heart"), tmp_path / "out.dcm", UidMap(bytes(16)), NOON)
    assert caught.value.reason is HoldReason.ODD_LENGTH


def test_an_exact_copy_of_an_odd_set_is_still_made(tmp_path, stored):
    source = stored(b"Heart")
    relabel(source, tmp_path / "out.dcm", {})
    assert not is_even(tmp_path / "out.dcm")
