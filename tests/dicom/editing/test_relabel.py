"""The byte splice, against three oracles that share no code with it: the encoder of the drafts, pydicom, and a naive search."""

from __future__ import annotations

import hashlib
import os
import random
import tracemalloc
from dataclasses import replace
from pathlib import Path

import pydicom
import pytest
from doubles.drafts import CODINGS, EXPLICIT, IMPLICIT, Coding, Draft, DraftRoi, draft
from doubles.edits import MIXED, NEW, VARIANTS, data_set_of, files_in, transcoded

from tg263_scp.dicom.editing import relabel as relabel_module
from tg263_scp.dicom.editing.relabel import relabel
from tg263_scp.dicom.reading.structure_set import read_structure_set
from tg263_scp.dicom.synthetic.structure_sets import SITES, synthetic_structure_set
from tg263_scp.errors import HeldObjectError, HoldReason

NEW_RAW = {0: b"Lung_L", 2: b"SpinalCord", 5: b"Eye_R ", 6: b"Bag_Bowel ", 8: b"LN_Ax_L1_Wide_Name_20 "}
NEW_LABELS = {0: b"Lung_L", 2: b"SpinalCord"}


@pytest.fixture
def relabelled(stored, tmp_path):
    def run(content: bytes, names: dict[int, str]):
        target = tmp_path / "relabelled.dcm"
        target.unlink(missing_ok=True)
        proof = relabel(stored(content), target, names)
        return target.read_bytes(), proof

    return run


@pytest.mark.parametrize("switches", VARIANTS.values(), ids=VARIANTS)
def test_the_result_is_what_the_sender_would_have_written_with_the_new_names(coding, switches, relabelled):
    source = replace(MIXED, **switches)
    written, proof = relabelled(source.encoded(coding), NEW)
    wanted = source.renamed(NEW_RAW, NEW_LABELS).encoded(coding)
    assert data_set_of(written, coding) == data_set_of(wanted, coding)
    assert (proof.edited, proof.edited_labels) == (5, 2)


def without_name(raw: bytes, name: bytes, coding: Coding) -> bytes:
    """What the proof leaves out of a set with one ROI without label, found by search and taken out."""
    at = raw.index(name)
    width = 2 if coding.explicit else 4
    cuts = [(at - width, at + len(name))]
    if not coding.undefined:
        item = raw.rindex(coding.item(b"")[:4], 0, at)
        cuts += [(item - 4, item), (item + 4, item + 8)]
    for first, last in sorted(cuts, reverse=True):
        raw = raw[:first] + raw[last:]
    return raw


def test_the_proof_can_be_recomputed_by_an_auditor(coding, relabelled):
    source = draft(b"left lung ")
    content = source.encoded(coding)
    written, proof = relabelled(content, {0: "Lung_L"})
    wanted = source.renamed({0: b"Lung_L"})
    assert proof.sha256_before == hashlib.sha256(source.data_set(coding)).hexdigest()
    assert proof.sha256_after == hashlib.sha256(wanted.data_set(coding)).hexdigest()
    assert (proof.bytes_before, proof.bytes_after) == (len(content), len(written))
    assert proof.blanked_sha256_before == proof.blanked_sha256_after
    for each, name in ((source, b"left lung "), (wanted, b"Lung_L")):
        rest = without_name(each.data_set(coding), name, coding)
        assert hashlib.sha256(rest).hexdigest() == proof.blanked_sha256_after


@pytest.mark.parametrize("switches", [{}, {"contours_before_names": True}], ids=["usual", "contours first"])
def test_large_elements_enter_the_digests_as_their_own(coding, switches, relabelled):
    source = draft(b"left lung ", loops=2500, **switches)
    written, proof = relabelled(source.encoded(coding), {0: "Lung_L"})
    wanted = source.renamed({0: b"Lung_L"})
    assert data_set_of(written, coding) == data_set_of(wanted.encoded(coding), coding)
    assert proof.sha256_before == source.folded_sha256(coding)
    assert proof.sha256_after == wanted.folded_sha256(coding)
    (large,) = (part for part in source.parts(coding) if len(part) >= 1 << 16)
    rest = without_name(wanted.data_set(coding), b"Lung_L", coding)
    rest = rest.replace(large, hashlib.sha256(large).digest())
    assert hashlib.sha256(rest).hexdigest() == proof.blanked_sha256_after == proof.blanked_sha256_before


UNDEFINED = [coding for coding in CODINGS if coding.undefined]


@pytest.fixture
def guesses(monkeypatch):
    """What was guessed of where the contours end."""
    made: list[int] = []
    real = relabel_module.guessed_end

    def noting(source, contours):
        made.append(real(source, contours))
        return made[-1]

    monkeypatch.setattr(relabel_module, "guessed_end", noting)
    return made


@pytest.mark.parametrize("coding", UNDEFINED, ids=lambda coding: coding.name)
def test_the_end_of_the_contours_is_guessed_where_it_can_be(coding, relabelled, guesses):
    source = draft(b"cord", loops=900)
    written, _ = relabelled(source.encoded(coding), {0: "SpinalCord"})
    wanted = source.renamed({0: b"SpinalCord"}).encoded(coding)
    assert data_set_of(written, coding) == data_set_of(wanted, coding)
    start = 0 if coding.deflated else len(coding.file(b""))
    assert guesses == [start + len(b"".join(source.parts(coding)[:-4]))]


@pytest.mark.parametrize("wrong", [-8, -2, 1, 400])
@pytest.mark.parametrize("coding", UNDEFINED, ids=lambda coding: coding.name)
def test_a_wrong_guess_of_where_the_contours_end_changes_nothing(coding, wrong, relabelled, monkeypatch):
    real = relabel_module.guessed_end
    monkeypatch.setattr(relabel_module, "guessed_end", lambda *where: real(*where) + wrong)
    written, proof = relabelled(MIXED.encoded(coding), NEW)
    wanted = MIXED.renamed(NEW_RAW, NEW_LABELS).encoded(coding)
    assert data_set_of(written, coding) == data_set_of(wanted, coding)
    assert proof.sha256_before == MIXED.folded_sha256(coding)


@pytest.mark.parametrize("coding", UNDEFINED, ids=lambda coding: coding.name)
def test_a_value_that_looks_like_the_end_of_the_contours_deceives_nobody(coding, relabelled, guesses):
    """In a contour lies a value that goes on like a data set: observations, then one element that takes all the rest."""
    *first, contours, _, approval, creator, private = draft(b"cord", loops=900).parts(coding)
    rest = approval + creator + private
    swallowing = coding.element(0x32731001, "OB", b"", length=16 + len(rest))  # the two delimiters, too
    observation = coding.text(0x30060084, "IS", b"1") + coding.element(0x30060085, "SH", b"cord")
    decoy = coding.delimiter(0xE0DD) + coding.sequence(0x30060080, [observation]) + swallowing
    closing = 2 * len(coding.delimiter(0))
    contours = contours[:-closing] + coding.element(0x32731001, "OB", decoy) + contours[-closing:]
    content = b"".join((*first, contours, rest))
    written, proof = relabelled(coding.file(content), {0: "SpinalCord"})
    names = [coding.element(0x30060026, "LO", name) for name in (b"cord", b"SpinalCord")]
    assert data_set_of(written, coding) == data_set_of(coding.file(content.replace(*names)), coding)
    assert (proof.edited, proof.edited_labels) == (1, 0)
    assert guesses == [content.index(decoy) + 8 + (0 if coding.deflated else len(coding.file(b"")))]


def test_a_large_element_with_a_name_in_it_is_not_folded_where_the_name_is_left_out(coding, relabelled):
    source = Draft((DraftRoi(b"left lung ", private=b"x" * 40_000), DraftRoi(b"cord", private=b"x" * 40_000)))
    _, proof = relabelled(source.encoded(coding), {0: "Lung_L"})
    wanted = source.renamed({0: b"Lung_L"})
    assert proof.sha256_before == source.folded_sha256(coding)
    assert proof.sha256_after == wanted.folded_sha256(coding)
    rest = without_name(wanted.data_set(coding), b"Lung_L", coding)
    assert hashlib.sha256(rest).hexdigest() == proof.blanked_sha256_after == proof.blanked_sha256_before


def test_nothing_to_edit_gives_an_exact_copy(coding, relabelled):
    content = MIXED.encoded(coding)
    for names in ({}, {0: "left lung", 7: "Heart"}):
        written, proof = relabelled(content, names)
        assert written == content
        assert (proof.edited, proof.sha256_after) == (0, proof.sha256_before)


def test_relabelling_back_restores_the_object(coding, relabelled):
    content = draft(b"left lung ", b"cord").encoded(coding)
    there, _ = relabelled(content, {0: "Lung_L", 1: "SpinalCord"})
    back, _ = relabelled(there, {0: "left lung", 1: "cord"})
    assert data_set_of(back, coding) == data_set_of(content, coding)


def test_bytes_behind_the_data_set_are_kept(coding, relabelled):
    if coding.deflated:
        return
    content = draft(b"cord").encoded(coding) + bytes(6)
    written, _ = relabelled(content, {0: "SpinalCord"})
    assert written == draft(b"SpinalCord").encoded(coding) + bytes(6)


JPEG_BASELINE = "1.2.840.10008.1.2.4.50"


def encapsulated(fragment: bytes, end: bytes = b"\xfe\xff\xdd\xe0\0\0\0\0") -> bytes:
    """Pixel Data as PS3.5 A.4 has it: an empty offset table, one fragment, the delimiter."""
    table, item = EXPLICIT.item(b""), EXPLICIT.item(fragment)
    return EXPLICIT.element(0x7FE00010, "OB", table + item + end, length=0xFFFFFFFF)


def test_fragments_of_compressed_pixel_data_are_copied_whatever_they_look_like(relabelled):
    coding = replace(EXPLICIT, transfer_syntax_uid=JPEG_BASELINE)
    pixels = encapsulated(EXPLICIT.delimiter(0xE0DD) + b"\x06\x30\x26\x00LO\x04\x00cord" + bytes(90_000))
    written, proof = relabelled(coding.file(draft(b"cord").data_set(coding) + pixels), {0: "SpinalCord"})
    assert written == coding.file(draft(b"SpinalCord").data_set(coding) + pixels)
    assert proof.edited == 1


@pytest.mark.parametrize(
    ("pixels", "reason"),
    [
        (encapsulated(b"abcd", end=b""), HoldReason.TRUNCATED),
        (encapsulated(b"abcd", end=b"\x06\x30\x26\x00LO\x04\x00"), HoldReason.UNREADABLE),
        (encapsulated(b"abcd")[:-9], HoldReason.TRUNCATED),
    ],
    ids=["no delimiter", "an element for the delimiter", "cut off"],
)
def test_compressed_pixel_data_that_cannot_be_followed_hold_the_object(pixels, reason, stored, tmp_path):
    coding = replace(EXPLICIT, transfer_syntax_uid=JPEG_BASELINE)
    with pytest.raises(HeldObjectError) as held:
        relabel(stored(coding.file(draft(b"cord").data_set(coding) + pixels)), tmp_path / "out.dcm", {})
    assert held.value.reason == reason
    assert files_in(tmp_path) == ["received.dcm"]


def test_a_file_without_preamble_stays_without(relabelled):
    written, _ = relabelled(draft(b"cord").data_set(IMPLICIT), {0: "SpinalCord"})
    assert written == draft(b"SpinalCord").data_set(IMPLICIT)


def test_a_label_follows_only_where_it_was_the_name_and_the_new_one_fits(relabelled):
    rois = (DraftRoi(b"cord", b"cord"), DraftRoi(b"heart ", b"HEART "), DraftRoi(b"lung", b"lung"))
    names = {0: "SpinalCord", 1: "Heart", 2: "Lung_L_and_more_17"}
    written, proof = relabelled(Draft(rois).encoded(EXPLICIT), names)
    raw = {0: b"SpinalCord", 1: b"Heart ", 2: b"Lung_L_and_more_17"}
    assert written == Draft(rois).renamed(raw, {0: b"SpinalCord"}).encoded(EXPLICIT)
    assert (proof.edited, proof.edited_labels) == (3, 1)


def test_labels_of_a_repeated_roi_number_stay(relabelled):
    rois = (DraftRoi(b"cord", b"cord", number=b"5 "), DraftRoi(b"lung", b"lung", number=b"5 "))
    written, _ = relabelled(Draft(rois).encoded(EXPLICIT), {0: "SpinalCord"})
    assert written == Draft(rois).renamed({0: b"SpinalCord"}).encoded(EXPLICIT)


@pytest.mark.parametrize("site", SITES)
def test_pydicom_reads_the_new_names_and_the_old_rest(coding, site, relabelled):
    content = synthetic_structure_set(
        site,
        transfer_syntax_uid=coding.transfer_syntax_uid,
        undefined_length=coding.undefined,
        slice_spacing_mm=40,
        points=6,
    )
    count = len(pydicom.dcmread(pydicom.filebase.DicomBytesIO(content)).StructureSetROISequence)
    written, _ = relabelled(content, {index: f"New_{index}" for index in range(count)})
    old, new = (pydicom.dcmread(pydicom.filebase.DicomBytesIO(each)) for each in (content, written))
    assert [roi.ROIName for roi in new.StructureSetROISequence] == [f"New_{index}" for index in range(count)]
    for each in (old, new):
        for roi in each.StructureSetROISequence:
            del roi.ROIName
        for observation in each.RTROIObservationsSequence:
            observation.pop("ROIObservationLabel", None)
    assert new == old
    assert new.file_meta == old.file_meta


@pytest.mark.parametrize(
    "names",
    [
        {0: ""},
        {0: "x" * 65},
        {0: "Lung\\L"},
        {0: "Lünge"},
        {0: "a\nb"},
        {0: "a\x7f"},
        {0: " Lung"},
        {0: "Lung "},
    ],
    ids=repr,
)
def test_a_name_that_dicom_or_tg263_cannot_hold_is_refused(names, stored, tmp_path):
    with pytest.raises(ValueError, match="ROI name must"):
        relabel(stored(draft(b"cord").encoded(EXPLICIT)), tmp_path / "out.dcm", names)
    assert not (tmp_path / "out.dcm").exists()


@pytest.mark.parametrize("index", [3, 4, 9, 10, -1])
def test_a_roi_without_a_readable_name_is_never_renamed(index, stored, tmp_path):
    with pytest.raises(ValueError, match=f"index {index} "):
        relabel(stored(MIXED.encoded(EXPLICIT)), tmp_path / "out.dcm", {index: "Heart"})
    assert files_in(tmp_path) == ["received.dcm"]


def test_an_existing_target_is_never_overwritten(stored, tmp_path, monkeypatch):
    target = tmp_path / "out.dcm"
    target.write_bytes(b"precious")
    source = stored(draft(b"cord").encoded(EXPLICIT))
    with pytest.raises(FileExistsError):
        relabel(source, target, {0: "SpinalCord"})
    monkeypatch.setattr(Path, "exists", lambda path: False)  # it appears between the look and the link
    with pytest.raises(FileExistsError):
        relabel(source, target, {0: "SpinalCord"})
    assert target.read_bytes() == b"precious"
    assert files_in(tmp_path) == ["out.dcm", "received.dcm"]


def test_without_hard_links_the_target_still_appears_whole_and_once(stored, tmp_path, monkeypatch):
    def refuse(*_: object) -> None:
        raise OSError("no hard links here")

    monkeypatch.setattr("os.link", refuse)
    source, target = stored(draft(b"cord").encoded(EXPLICIT)), tmp_path / "out.dcm"
    relabel(source, target, {0: "SpinalCord"})
    assert target.read_bytes() == draft(b"SpinalCord").encoded(EXPLICIT)
    monkeypatch.setattr(Path, "exists", lambda path: False)
    with pytest.raises(FileExistsError):
        relabel(source, target, {0: "SpinalCord"})
    assert files_in(tmp_path) == ["out.dcm", "received.dcm"]


def spoil_contour(content: bytes) -> bytes:
    return content.replace(b"CLOSED_PLANAR", b"CLOSED_PLANAX", 1)


def spoil_name(content: bytes) -> bytes:
    return content.replace(b"SpinalCord", b"SpinalCorb")


def spoil_neighbour(content: bytes) -> bytes:
    return content.replace(b"heart ", b"heard ", 1)


def spoil_end(content: bytes) -> bytes:
    return content[:-2]


@pytest.mark.parametrize("loops", [2, 2500], ids=["small", "large"])
@pytest.mark.parametrize("spoil", [spoil_contour, spoil_name, spoil_neighbour, spoil_end])
def test_a_copy_that_is_not_what_it_should_be_is_discarded(
    coding, spoil, loops, stored, tmp_path, monkeypatch
):
    def spoiled(write):
        def write_and_spoil(before, patches, out, *where, **options):
            write(before, patches, out, *where, **options)
            out.flush()
            path = Path(out.name)
            if not coding.deflated:
                path.write_bytes(spoil(path.read_bytes()))
                return
            head = len(replace(coding, deflated=False).file(b""))
            inflated = data_set_of(path.read_bytes(), coding)
            path.write_bytes(coding.file(spoil(inflated)[head:]))

        return write_and_spoil

    for name in ("write_bulk", "write_spliced"):
        monkeypatch.setattr(relabel_module, name, spoiled(getattr(relabel_module, name)))
    source = stored(draft(b"cord", b"heart ", loops=loops).encoded(coding))
    with pytest.raises(HeldObjectError) as held:
        relabel(source, tmp_path / "out.dcm", {0: "SpinalCord"})
    assert held.value.reason == HoldReason.EDIT_NOT_PROVEN
    assert files_in(tmp_path) == ["received.dcm"]


def test_a_copy_of_a_source_that_changed_meanwhile_is_discarded(stored, tmp_path, monkeypatch):
    whole = relabel_module.write_spliced
    source = stored(draft(b"cord").encoded(EXPLICIT))

    def write_and_touch(before, patches, out, **options):
        whole(before, patches, out, **options)
        os.utime(source, ns=(0, 0))

    monkeypatch.setattr(relabel_module, "write_spliced", write_and_touch)
    with pytest.raises(HeldObjectError, match="changed meanwhile"):
        relabel(source, tmp_path / "out.dcm", {0: "SpinalCord"})
    assert files_in(tmp_path) == ["received.dcm"]


def test_a_truncated_object_is_held_or_edited_right_at_every_byte(coding, stored, tmp_path, no_fsync):
    source = Draft((DraftRoi(b"cord", b"cord"), DraftRoi(b"lungs ")))
    content, wanted = (
        source.encoded(coding),
        source.renamed({0: b"SpinalCord"}, {0: b"SpinalCord"}).parts(coding),
    )
    head = len(replace(coding, deflated=False).file(b""))
    ends = {}
    for count in range(len(wanted) + 1):
        shorter = head + len(b"".join(source.parts(coding)[:count]))
        ends[shorter] = b"".join(wanted[:count])
    target = tmp_path / "out.dcm"
    reasons, edited = set(), 0
    for cut in range(len(content)):
        try:
            relabel(stored(content[:cut]), target, {0: "SpinalCord"})
        except HeldObjectError as held:
            reasons.add(held.reason)
            continue
        if coding.deflated:
            assert cut == len(content) - 1
            assert content[cut] == 0
        else:
            end = max(end for end in ends if end <= cut)
            assert not any(content[end:cut])
            assert target.read_bytes()[head:] == ends[end] + content[end:cut]
        target.unlink()
        edited += 1
    assert reasons - {HoldReason.ODD_LENGTH} <= {
        HoldReason.TRUNCATED,
        HoldReason.NOT_DICOM,
        HoldReason.NOT_RTSTRUCT,
        HoldReason.NO_ROI_SEQUENCE,
        HoldReason.UNREADABLE,
    }
    assert "truncated" in reasons
    assert edited or coding.deflated


def test_a_damaged_object_is_held_or_edited_in_its_names_only(coding, stored, tmp_path, no_fsync):
    """Names of unchanged length: then every byte that differs must lie in a new name, whatever the damage means."""
    content = bytearray(Draft((DraftRoi(b"cordcord", b"cordcord"), DraftRoi(b"heart "))).encoded(coding))
    chance = random.Random(263)
    target = tmp_path / "out.dcm"
    edited = 0
    for _ in range(250):
        damaged = bytearray(content)
        for _ in range(chance.choice((1, 1, 2, 5))):
            damaged[chance.randrange(len(damaged))] = chance.choice(
                (0, 1, 8, 0x20, 0x30, 0xFE, 0xFF, chance.randrange(256))
            )
        source = stored(bytes(damaged))
        try:
            rois = read_structure_set(source).rois
            names = {
                r.index: "~" * len(r.raw_name)
                for r in rois
                if r.readable and 0 < len(r.raw_name or b"") <= 64
            }
            names = {i: name for i, name in names.items() if not len(name) % 2}
            relabel(source, target, names)
        except HeldObjectError:
            continue
        before, after = data_set_of(bytes(damaged), coding), data_set_of(target.read_bytes(), coding)
        assert len(before) == len(after)
        assert all(old == new or new == ord("~") for old, new in zip(before, after, strict=True))
        changed = sum(old != new for old, new in zip(before, after, strict=True))
        assert changed <= 2 * sum(len(name) for name in names.values())
        target.unlink()
        edited += 1
    assert edited > 20


def test_contours_of_undefined_length_are_not_read_into_memory(stored, tmp_path):
    coding = CODINGS[1]
    loop = coding.sequence(0x30060016, [coding.text(0x00081155, "UI", b"1.2.7")])
    loop += coding.element(0x30060050, "DS", b"1.25\\" * 10_000)
    content = draft(b"cord", more=()).parts(coding)
    content.insert(-4, coding.sequence(0x30060037, [coding.sequence(0x30060040, [loop] * 400)]))
    source = stored(coding.file(b"".join(content)))
    assert source.stat().st_size > 20_000_000
    tracemalloc.start()
    try:
        relabel(source, tmp_path / "out.dcm", {0: "SpinalCord"})
        assert tracemalloc.get_traced_memory()[1] < 6_000_000
    finally:
        tracemalloc.stop()


real = pytest.mark.skipif(
    not os.environ.get("TG263_RTSTRUCT_DIR"),
    reason="TG263_RTSTRUCT_DIR names no folder of real structure sets",
)


@real
def test_every_real_file_is_relabelled_and_restored(tmp_path):
    paths = sorted(Path(os.environ["TG263_RTSTRUCT_DIR"]).glob("*.dcm"))
    assert paths
    for number, path in enumerate(paths):
        rois = read_structure_set(path).rois
        there, back = tmp_path / f"{number}.dcm", tmp_path / f"{number}.back.dcm"
        proof = relabel(path, there, {roi.index: f"New_{roi.index}" for roi in rois})
        assert proof.edited == len(rois)
        theirs = pydicom.dcmread(there, force=True).StructureSetROISequence
        assert [roi.ROIName for roi in theirs] == [f"New_{roi.index}" for roi in rois]
        relabel(there, back, {roi.index: roi.name for roi in rois})
        assert back.read_bytes() == path.read_bytes()


@real
def test_every_real_file_is_relabelled_in_every_coding(coding, tmp_path):
    paths = sorted(Path(os.environ["TG263_RTSTRUCT_DIR"]).glob("*.dcm"))
    for number, path in enumerate(path for path in paths if path.stat().st_size < 500_000):
        source, target = (
            transcoded(path, coding, tmp_path / f"{number}.in.dcm"),
            tmp_path / f"{number}.out.dcm",
        )
        relabel(source, target, {0: "Renamed"})
        again = pydicom.dcmread(target)
        assert again.StructureSetROISequence[0].ROIName == "Renamed"
        assert again.ROIContourSequence == pydicom.dcmread(source).ROIContourSequence
