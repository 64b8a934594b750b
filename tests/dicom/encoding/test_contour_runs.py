"""Stepping over many elements at once reads what walking header by header reads."""

from __future__ import annotations

import random
from dataclasses import replace
from io import BytesIO

import pytest
from doubles.drafts import CODINGS, Coding

from tg263_scp.dicom.encoding import elements as elements_module
from tg263_scp.dicom.encoding.contour_runs import pass_items, run_of_short_elements
from tg263_scp.dicom.encoding.elements import (
    EXPLICIT_BIG,
    EXPLICIT_LITTLE,
    IMPLICIT_LITTLE,
    data_set_elements,
)
from tg263_scp.dicom.encoding.window import ByteWindow
from tg263_scp.errors import HeldObjectError

UNDEFINED = [coding for coding in CODINGS if coding.undefined and not coding.deflated]


def content(coding: Coding, chance: random.Random, depth: int = 0) -> bytes:
    """Some elements, in the worst of company: values that look like headers, odd and long ones, nested sequences."""
    if depth and chance.random() < 0.4:
        return contour(replace(coding, undefined=True), chance.randrange(100))
    written = b""
    for number in range(chance.randrange(5)):
        tag = 0x30060000 + 2 * number
        own = replace(coding, undefined=chance.random() < 0.8)
        if depth < 4 and chance.random() < 0.4:
            items = [content(own, chance, depth + 1) for _ in range(chance.randrange(3))]
            written += own.sequence(tag, items, vr=chance.choice(("SQ", "SQ", "SQ", "OB")) if depth else "SQ")
            continue
        value = chance.choice(
            (b"", b"1.2.3", bytes(chance.randrange(70)), coding.delimiter(0xE0DD), coding.item(b"ab"))
        )
        written += own.element(tag, chance.choice(("UI", "CS", "DS", "IS", "PN", "OW", "UN")), value)
    return written


def contour(coding: Coding, points: int) -> bytes:
    image = coding.text(0x00081150, "UI", b"1.2.840") + coding.text(0x00081155, "UI", b"1.2.3" * 12)
    head = coding.sequence(0x30060016, [image, image]) + coding.text(0x30060042, "CS", b"CLOSED_PLANAR")
    return head + coding.text(0x30060050, "DS", b"1\\2\\3\\" * points)


def walked(raw: bytes, coding: Coding) -> object:
    encoding = (
        (EXPLICIT_BIG if coding.big_endian else EXPLICIT_LITTLE) if coding.explicit else IMPLICIT_LITTLE
    )
    try:
        found = data_set_elements(ByteWindow(BytesIO(raw)), 0, encoding)
        return [(each.tag, each.header_offset, each.content_end, each.end) for each in found]
    except HeldObjectError as held:
        return held.reason


@pytest.mark.parametrize("coding", UNDEFINED, ids=lambda coding: coding.name)
def test_both_ways_find_the_same_elements(coding, monkeypatch):
    chance = random.Random(263)
    sets = []
    for _ in range(400):
        raw = bytearray(coding.sequence(0x30060039, [content(coding, chance) for _ in range(3)]))
        if chance.random() < 0.5 and raw:
            for _ in range(chance.randrange(1, 4)):
                raw[chance.randrange(len(raw))] = chance.choice((0, 0xFE, 0xFF, 0xE0, chance.randrange(256)))
        sets.append(bytes(raw[: chance.randrange(len(raw))]) if chance.random() < 0.2 else bytes(raw))
    quick = [walked(raw, coding) for raw in sets]
    monkeypatch.setattr(elements_module, "pass_items", lambda **_: lambda buffer, at, stop: at)
    assert quick == [walked(raw, coding) for raw in sets]
    assert sum(isinstance(each, list) for each in quick) > 100


@pytest.mark.parametrize("coding", UNDEFINED, ids=lambda coding: coding.name)
def test_a_contour_up_to_its_points_is_one_run(coding):
    raw = contour(coding, 50)
    run = run_of_short_elements(explicit=coding.explicit, big_endian=coding.big_endian).match(raw)
    assert run
    assert run.end() == len(raw) - len(coding.text(0x30060050, "DS", b"1\\2\\3\\" * 50))


@pytest.mark.parametrize("coding", UNDEFINED, ids=lambda coding: coding.name)
def test_contours_are_passed_up_to_the_end_of_the_last_that_lies_within_the_bounds(coding):
    passed = pass_items(explicit=coding.explicit, big_endian=coding.big_endian)
    items = [coding.item(contour(coding, points)) for points in (0, 7, 500, 30)]
    raw = b"".join(items)
    points = [len(coding.text(0x30060050, "DS", b"1\\2\\3\\" * count)) for count in (500, 30)]
    assert passed(raw, 8, len(raw)) == len(raw) - 8 - points[1]
    assert passed(raw, 8, len(raw) - len(items[3])) == len(raw) - len(items[3]) - 8 - points[0]
    assert passed(raw[:20], 8, len(raw)) <= 20
