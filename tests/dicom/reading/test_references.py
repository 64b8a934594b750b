"""Plans and doses that refer to renumbered structure sets: only the UIDs change, wherever PS3.3 lets them stand."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from io import BytesIO
from struct import pack

import pydicom
import pytest
from doubles.drafts import CODINGS, EXPLICIT, Coding
from doubles.edits import data_set_of, files_in

from tg263_scp.dicom.editing import rewrite_references as rewriting_module
from tg263_scp.dicom.editing.provenance import Provenance
from tg263_scp.dicom.editing.revert import revert
from tg263_scp.dicom.editing.rewrite_references import rewrite_references
from tg263_scp.dicom.editing.written_attributes import written_references
from tg263_scp.dicom.reading.references import structure_sets_of
from tg263_scp.errors import HeldObjectError, HoldReason

RTSTRUCT, CT = b"1.2.840.10008.5.1.4.1.1.481.3", b"1.2.840.10008.5.1.4.1.1.2"
RTDOSE = b"1.2.840.10008.5.1.4.1.1.481.2"
OLD, OTHER, SERIES, IMAGES = b"1.2.3.4", b"1.2.3.4444", b"1.2.3.1", b"1.2.3.8"
NEW_UIDS = {"1.2.3.4": "2.25.123456789"}


def new_series(uid: str) -> str:
    return f"2.25.9{uid.replace('.', '')}"


@dataclass(frozen=True)
class Plan:
    """A plan or dose that refers to a set wherever it may, before it is written."""

    structure_set: bytes = OLD
    series: bytes = SERIES
    group_lengths: bool = False
    un_sequences: bool = False
    in_series: tuple[tuple[bytes, bytes], ...] = ()
    more: bytes = b""

    def renewed(self) -> Plan:
        return replace(
            self,
            structure_set=NEW_UIDS[OLD.decode()].encode(),
            series=new_series(SERIES.decode()).encode(),
        )

    def data_set(self, coding: Coding) -> bytes:
        vr = "UN" if self.un_sequences else "SQ"
        plain = not (self.un_sequences and coding.explicit)
        inner = coding if plain else replace(coding, explicit=False, big_endian=False)

        def counted(group: int, content: bytes, within: Coding = inner) -> bytes:
            return within.group_length(group, content) if self.group_lengths else content

        def sequence(tag: int, *items: bytes) -> bytes:
            if plain:
                return coding.sequence(tag, list(items))
            content = b"".join(inner.item(item) for item in items)
            if not coding.undefined:
                return coding.element(tag, vr, content)
            return coding.element(tag, vr, content + inner.delimiter(0xE0DD), length=0xFFFFFFFF)

        def pair(sop_class: bytes, uid: bytes) -> bytes:
            both = inner.text(0x00081150, "UI", sop_class) + inner.text(0x00081155, "UI", uid)
            return counted(0x0008, both)

        def series(uid: bytes, *instances: bytes) -> bytes:
            listed = inner.sequence(0x0008114A, list(instances))
            return counted(0x0008, listed) + counted(0x0020, inner.text(0x0020000E, "UI", uid))

        ours = pair(RTSTRUCT, self.structure_set)
        image, other = pair(CT, b"1.2.3.800"), pair(RTSTRUCT, OTHER)
        listed = [ours, *(pair(sop_class, uid) for sop_class, uid in self.in_series)]
        group_8 = coding.text(0x00080016, "UI", RTDOSE) + coding.text(0x00080018, "UI", b"1.2.9.9")
        group_8 += sequence(0x00081115, series(IMAGES, image, image), series(self.series, *listed))
        group_8 += sequence(0x0008114A, other, ours)
        # What is no reference in PS3.3: a UID of the same value elsewhere.
        group_8 += sequence(0x00081140, pair(CT, OLD))
        study = counted(0x0020, inner.text(0x0020000D, "UI", b"1.2.3"))
        study = counted(0x0008, inner.sequence(0x00081115, [series(self.series, ours)])) + study
        group_8 += sequence(0x00081200, study)
        group_42 = sequence(0x00420013, ours)
        pixels = coding.element(0x7FE00010, "OW", bytes(range(256)) * 2)
        overview = counted(0x300C, inner.sequence(0x300C0060, [ours, other]))
        group_300c = (
            coding.sequence(0x300C0002, [])
            + sequence(0x300C0060, ours)
            + sequence(0x300C0116, overview, inner.text(0x300C0117, "US", b"\x01\x00"))
        )
        return (
            counted(0x0008, group_8, coding)
            + coding.text(0x00100020, "LO", b"ID-77")
            + counted(0x0042, group_42, coding)
            + counted(0x300C, group_300c, coding)
            + self.more
            + pixels
        )

    def encoded(self, coding: Coding) -> bytes:
        return coding.file(self.data_set(coding))


VARIANTS = {
    "plain": {},
    "group lengths": {"group_lengths": True},
    "UN sequences": {"un_sequences": True},
    "UN and group lengths": {"un_sequences": True, "group_lengths": True},
}


@pytest.fixture
def rewritten(stored, tmp_path):
    def run(content: bytes):
        target = tmp_path / "rewritten.dcm"
        proof = rewrite_references(stored(content), target, NEW_UIDS, new_series)
        return target.read_bytes(), proof

    return run


@pytest.mark.parametrize("switches", VARIANTS.values(), ids=VARIANTS)
def test_only_the_references_change_wherever_they_may_stand(coding, switches, rewritten):
    plan = Plan(**switches)
    content, proof = rewritten(plan.encoded(coding))
    assert data_set_of(content, coding) == data_set_of(plan.renewed().encoded(coding), coding)
    if not coding.deflated:
        assert content == plan.renewed().encoded(coding)
    assert (proof.edited, proof.edited_labels) == (6, 2)
    assert proof.blanked_sha256_before == proof.blanked_sha256_after
    assert proof.sha256_before != proof.sha256_after


def uids_of(dataset: pydicom.Dataset, *above: int) -> Iterator[tuple[tuple[int, ...], str]]:
    """Every UID with its way, repeated ones too."""
    for each in dataset:
        path = (*above, int(each.tag))
        if each.VR == "UI":
            yield path, str(each.value)
        for item in each.value if each.VR == "SQ" else ():
            yield from uids_of(item, *path)


def test_the_table_of_written_attributes_holds_the_references(coding, stored, rewritten):
    before = Plan().encoded(coding)
    read = [pydicom.dcmread(BytesIO(content), force=True) for content in (before, rewritten(before)[0])]
    old, new = (list(uids_of(dataset)) for dataset in read)
    changed = {path for (path, was), (_, now) in zip(old, new, strict=True) if was != now}
    assert changed == {attribute.path for attribute in written_references()}


def test_pydicom_reads_the_new_references(coding, rewritten):
    data = pydicom.dcmread(BytesIO(rewritten(Plan().encoded(coding))[0]), force=True)
    (new,) = NEW_UIDS.values()
    assert data.ReferencedStructureSetSequence[0].ReferencedSOPInstanceUID == new
    overview = data.PlanOverviewSequence[0].ReferencedStructureSetSequence
    assert [each.ReferencedSOPInstanceUID for each in overview] == [new, OTHER.decode()]
    images, sets = data.ReferencedSeriesSequence
    assert images.SeriesInstanceUID == IMAGES.decode()
    assert sets.SeriesInstanceUID == new_series(SERIES.decode())
    assert data.SOPInstanceUID == "1.2.9.9"


def test_a_plan_tells_which_sets_it_refers_to(coding, stored):
    referring = structure_sets_of(stored(Plan().encoded(coding)))
    assert set(referring.structure_sets) == {OLD.decode(), OTHER.decode()}
    assert (referring.approval_status, referring.has_digital_signature) == ("", False)


def test_a_plan_tells_whether_it_is_approved_or_signed(coding, stored):
    sealed = coding.text(0x300E0002, "CS", b"APPROVED")
    referring = structure_sets_of(stored(Plan(more=sealed).encoded(coding)))
    assert referring.approval_status == "APPROVED"
    signature = coding.sequence(0xFFFAFFFA, [coding.element(0x04000005, "US", b"\1\0")])
    content = coding.file(Plan().data_set(coding) + signature)
    assert structure_sets_of(stored(content)).has_digital_signature


def test_a_reference_of_another_class_is_to_no_structure_set(stored):
    plan = Plan(structure_set=b"1.2.3.5", in_series=((CT, OLD),))
    assert OLD.decode() not in structure_sets_of(stored(plan.encoded(EXPLICIT))).structure_sets


def test_a_series_that_would_be_torn_apart_is_refused(coding, stored, tmp_path):
    plan = Plan(in_series=((RTSTRUCT, OTHER),))
    with pytest.raises(HeldObjectError) as held:
        rewrite_references(stored(plan.encoded(coding)), tmp_path / "out.dcm", NEW_UIDS, new_series)
    assert held.value.reason is HoldReason.SERIES_TORN_APART
    assert files_in(tmp_path) == ["received.dcm"]


def test_two_sets_of_a_series_may_move_together(coding, stored, tmp_path):
    plan = Plan(in_series=((RTSTRUCT, OTHER),))
    both = {**NEW_UIDS, OTHER.decode(): "2.25.7"}
    proof = rewrite_references(stored(plan.encoded(coding)), tmp_path / "out.dcm", both, new_series)
    assert (proof.edited, proof.edited_labels) == (9, 2)


def test_with_nothing_to_change_it_is_an_exact_copy(coding, stored, tmp_path):
    content = Plan(structure_set=b"1.2.3.5").encoded(coding)
    proof = rewrite_references(stored(content), tmp_path / "out.dcm", NEW_UIDS, new_series)
    assert ((tmp_path / "out.dcm").read_bytes(), proof.edited, proof.edited_labels) == (content, 0, 0)


def test_bytes_behind_the_data_set_stay(rewritten):
    content = Plan().encoded(EXPLICIT) + bytes(6)
    assert rewritten(content)[0] == Plan().renewed().encoded(EXPLICIT) + bytes(6)


@pytest.mark.parametrize("cut", range(200, len(Plan().encoded(EXPLICIT)), 97))
def test_a_plan_that_ends_too_early_is_refused(stored, cut):
    with pytest.raises(HeldObjectError) as held:
        structure_sets_of(stored(Plan().encoded(EXPLICIT)[:cut]))
    assert held.value.reason in (HoldReason.TRUNCATED, HoldReason.UNREADABLE)


def test_a_sequence_that_is_none_holds_no_reference(stored):
    content = EXPLICIT.file(
        EXPLICIT.text(0x00080016, "UI", RTDOSE) + EXPLICIT.element(0x300C0060, "OB", pack("<I", 0))
    )
    assert structure_sets_of(stored(content)).structure_sets == ()


@pytest.mark.parametrize("coding", CODINGS[:3], ids=lambda coding: coding.name)
def test_a_copy_that_is_not_what_it_should_be_is_discarded(coding, stored, tmp_path, monkeypatch):
    whole = rewriting_module.write_spliced

    def write_and_spoil(before, patches, out):
        whole(before, patches, out)
        out.seek(-3, 2)
        out.write(b"!")

    monkeypatch.setattr(rewriting_module, "write_spliced", write_and_spoil)
    with pytest.raises(HeldObjectError) as held:
        rewrite_references(stored(Plan().encoded(coding)), tmp_path / "out.dcm", NEW_UIDS, new_series)
    assert held.value.reason == HoldReason.EDIT_NOT_PROVEN
    assert files_in(tmp_path) == ["received.dcm"]


def test_an_existing_target_is_never_overwritten(stored):
    source = stored(Plan().encoded(EXPLICIT))
    with pytest.raises(FileExistsError):
        rewrite_references(source, source, NEW_UIDS, new_series)
    assert source.read_bytes() == Plan().encoded(EXPLICIT)


NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


@pytest.mark.parametrize("switches", VARIANTS.values(), ids=VARIANTS)
def test_with_provenance_a_plan_is_reverted_to_what_the_sender_wrote(coding, switches, stored, tmp_path):
    content = Plan(**switches).encoded(coding)
    there, back = tmp_path / "rewritten.dcm", tmp_path / "back.dcm"
    proof = rewrite_references(stored(content), there, NEW_UIDS, new_series, Provenance(NOON, "NODE1", "TPS"))
    assert proof.added
    if "un_sequences" not in switches:  # pydicom reads UN of undefined length in the byte order of the rest
        data = pydicom.dcmread(there, force=True)
        (original,) = data.OriginalAttributesSequence
        assert (original.ModifyingSystem, original.ReasonForTheAttributeModification) == ("NODE1", "CORRECT")
        assert "References" in data.ContributingEquipmentSequence[0].ContributionDescription
        (modified,) = original.ModifiedAttributesSequence
        assert modified.ReferencedStructureSetSequence[0].ReferencedSOPInstanceUID == OLD.decode()
    report = revert(there, back)
    assert data_set_of(back.read_bytes(), coding) == data_set_of(content, coding)
    assert (report.references, report.names, report.earlier) == (6, 0, 0)


def test_a_plan_that_was_edited_since_is_not_reverted(stored, tmp_path):
    there = tmp_path / "rewritten.dcm"
    plan = stored(Plan().encoded(EXPLICIT))
    rewrite_references(plan, there, NEW_UIDS, new_series, Provenance(NOON, "NODE1"))
    there.write_bytes(there.read_bytes().replace(b"ID-77", b"ID-78"))
    with pytest.raises(HeldObjectError) as held:
        revert(there, tmp_path / "back.dcm")
    assert held.value.reason == HoldReason.EDITED_SINCE


def test_a_plan_that_was_never_touched_is_not_ours(stored, tmp_path):
    with pytest.raises(HeldObjectError) as held:
        revert(stored(Plan().encoded(EXPLICIT)), tmp_path / "back.dcm")
    assert held.value.reason == HoldReason.NOT_OURS
