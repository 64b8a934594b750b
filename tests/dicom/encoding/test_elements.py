from __future__ import annotations

import io
from struct import pack

import pydicom
import pytest
from doubles.drafts import CODINGS, EXPLICIT, IMPLICIT, Coding, draft

from tg263_scp.dicom.encoding.elements import (
    EXPLICIT_BIG,
    EXPLICIT_LITTLE,
    IMPLICIT_LITTLE,
    Encoding,
    data_set_elements,
    elements,
    items,
)
from tg263_scp.dicom.encoding.window import WINDOW_BYTES, ByteWindow
from tg263_scp.errors import HeldObjectError, HoldReason


def encoding(coding: Coding) -> Encoding:
    if not coding.explicit:
        return IMPLICIT_LITTLE
    return EXPLICIT_BIG if coding.big_endian else EXPLICIT_LITTLE


def window(content: bytes) -> ByteWindow:
    return ByteWindow(io.BytesIO(content))


def walked(content: bytes, coding: Coding) -> list[int]:
    return [element.tag for element in data_set_elements(window(content), 0, encoding(coding))]


def test_the_walker_sees_the_elements_that_pydicom_sees(coding):
    content = draft(b"Heart ", b"Lung_L").data_set(coding)
    theirs = pydicom.dcmread(io.BytesIO(draft(b"Heart ", b"Lung_L").encoded(coding)))
    assert walked(content, coding) == [int(element.tag) for element in theirs]


def test_elements_lie_end_to_end(coding):
    content = draft(b"Heart ").data_set(coding)
    found = list(data_set_elements(window(content), 0, encoding(coding)))
    assert found[0].header_offset == 0
    assert [each.end for each in found[:-1]] == [each.header_offset for each in found[1:]]
    assert found[-1].end == len(content)


def test_items_of_a_sequence_are_found_with_their_elements(coding):
    content = coding.sequence(0x30060020, [coding.text(0x30060022, "IS", b"12"), b""])
    view = window(content)
    (sequence,) = data_set_elements(view, 0, encoding(coding))
    first, second = items(view, sequence)
    (number,) = elements(view, first.value_offset, first.content_end, first.encoding)
    assert view.take(number.value_offset, number.length) == b"12"
    assert second.content_end == second.value_offset


@pytest.mark.parametrize("outer", [c for c in CODINGS if c.explicit], ids=lambda c: c.name)
def test_un_of_undefined_length_is_implicit_little_endian_inside(outer):
    inside = IMPLICIT.sequence(0x00091001, [IMPLICIT.element(0x00091002, "LO", b"ab")])
    content = IMPLICIT.item(inside) + IMPLICIT.delimiter(0xE0DD)
    element = outer.element(0x00091000, "UN", content, length=0xFFFFFFFF)
    after = outer.text(0x00100020, "LO", b"ID")
    nested = outer.element(
        0x00080010, "SQ", outer.item(element + after) + outer.delimiter(0xE0DD), length=0xFFFFFFFF
    )
    assert walked(element + after, outer) == [0x00091000, 0x00100020]
    assert walked(nested + after, outer) == [0x00080010, 0x00100020]


def test_fragments_of_encapsulated_pixel_data_are_skipped():
    fragments = EXPLICIT.item(b"") + EXPLICIT.item(b"\xfe\xff\xdd\xe0\0\0\0\0") + EXPLICIT.delimiter(0xE0DD)
    content = EXPLICIT.element(0x7FE00010, "OB", fragments, length=0xFFFFFFFF)
    assert walked(content + EXPLICIT.text(0xFFFCFFFC, "LO", b"x"), EXPLICIT) == [0x7FE00010, 0xFFFCFFFC]


def test_a_delimiter_inside_a_value_closes_nothing(coding):
    item = coding.element(0x30060050, "OB", coding.delimiter(0xE0DD) + coding.delimiter(0xE00D))
    assert walked(coding.sequence(0x30060039, [item, item]), coding) == [0x30060039]


@pytest.mark.parametrize("size", range(WINDOW_BYTES - 30, WINDOW_BYTES + 4))
def test_headers_across_the_edge_of_the_window_are_read_whole(size):
    coding = CODINGS[3]
    item = coding.element(0x30060050, "OB", b"1" * size) + coding.text(0x30060084, "IS", b"7")
    assert walked(coding.sequence(0x30060039, [item, item]), coding) == [0x30060039]


def test_zero_bytes_behind_the_last_element_are_padding(coding):
    content = coding.text(0x00100020, "LO", b"ID")
    assert walked(content + bytes(5), coding) == [0x00100020]
    assert walked(content + bytes(500), coding) == [0x00100020]


@pytest.mark.parametrize("levels", [1_000, 200_000])
def test_hostile_nesting_is_refused_without_recursion(levels):
    opening = pack("<HHI", 0x0040, 0xA730, 0xFFFFFFFF) + pack("<HHI", 0xFFFE, 0xE000, 0xFFFFFFFF)
    with pytest.raises(HeldObjectError) as held:
        walked(opening * levels, IMPLICIT)
    assert held.value.reason == HoldReason.UNREADABLE


def test_the_end_of_the_file_within_an_element_is_a_truncation(coding):
    content = draft(b"Heart ").data_set(coding)
    ends = {0} | {e.end for e in data_set_elements(window(content), 0, encoding(coding))}
    for cut in range(len(content)):
        if cut in ends:
            walked(content[:cut], coding)
        elif any(content[max(end for end in ends if end <= cut) : cut]):
            with pytest.raises(HeldObjectError) as held:
                walked(content[:cut], coding)
            assert held.value.reason == HoldReason.TRUNCATED


def test_an_element_longer_than_its_item_is_unreadable():
    item = IMPLICIT.element(0x30060026, "LO", b"ab", length=200)
    content = IMPLICIT.sequence(0x30060020, [item]) + bytes(range(256))
    view = window(content)
    sequence = next(data_set_elements(view, 0, IMPLICIT_LITTLE))
    (only,) = items(view, sequence)
    with pytest.raises(HeldObjectError) as held:
        list(elements(view, only.value_offset, only.content_end, IMPLICIT_LITTLE))
    assert held.value.reason == HoldReason.UNREADABLE


@pytest.mark.parametrize(
    "content",
    [
        EXPLICIT.element(0x00100020, "??", b"ab"),
        EXPLICIT.element(0x00100020, "UT", b"ab", length=0xFFFFFFFF),
        EXPLICIT.delimiter(0xE0DD),
        EXPLICIT.item(b""),
        EXPLICIT.element(0x30060020, "SQ", EXPLICIT.text(0x00100020, "LO", b"ID"), length=0xFFFFFFFF),
        EXPLICIT.element(
            0x30060020, "SQ", CODINGS[3].item(b"")[:8] + EXPLICIT.delimiter(0xE0DD), length=0xFFFFFFFF
        ),
    ],
    ids=[
        "unknown VR",
        "undefined length of text",
        "stray delimiter",
        "stray item",
        "no item",
        "item left open",
    ],
)
def test_what_the_standard_does_not_allow_is_unreadable(content):
    with pytest.raises(HeldObjectError) as held:
        walked(content + bytes(range(1, 60)), EXPLICIT)
    assert held.value.reason == HoldReason.UNREADABLE


def test_a_file_cut_short_while_it_is_read_is_a_truncation(tmp_path):
    path = tmp_path / "shrinking"
    path.write_bytes(
        IMPLICIT.element(0x00100020, "LO", bytes(WINDOW_BYTES)) + IMPLICIT.text(0x00100030, "DA", b"20")
    )
    with path.open("rb") as file:
        view = ByteWindow(file)
        walking = elements(view, 0, view.size, IMPLICIT_LITTLE)
        next(walking)
        with path.open("r+b") as other:
            other.truncate(100)
        with pytest.raises(HeldObjectError, match="ends at byte"):
            next(walking)
