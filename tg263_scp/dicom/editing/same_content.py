"""Are two elements the same but for what may differ? By content: lengths, and padding behind values, are the encoder's affair.

An archive may write an object anew: sequences of undefined length come back with explicit lengths, values with other padding.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from itertools import zip_longest

from pydicom.datadict import dictionary_VR

from tg263_scp.dicom.encoding.budget import check_cpu
from tg263_scp.dicom.encoding.elements import MAX_NESTING, UNDEFINED_LENGTH, Element, elements, items
from tg263_scp.dicom.encoding.window import ByteWindow

_PADDING = b" \x00"


def same_content(
    window: ByteWindow, one: Element, other: Element, may_differ: Collection[int], depth: int = 0
) -> bool:
    """Compare two elements of one file, with what is inside; elements with tags of ``may_differ`` count as equal, or as absent.

    Raises:
        HeldObjectError: one of them cannot be followed.
    """
    check_cpu()
    if one.tag != other.tag or depth > MAX_NESTING:
        return False
    if _is_sequence(one) != _is_sequence(other):
        return False
    if not _is_sequence(one):
        return _value(window, one) == _value(window, other)
    for here, there in zip_longest(items(window, one), items(window, other)):
        if here is None or there is None:
            return False
        contents = (
            _compared(elements(window, item.value_offset, item.content_end, item.encoding), may_differ)
            for item in (here, there)
        )
        for left, right in zip_longest(*contents):
            if left is None or right is None or not same_content(window, left, right, may_differ, depth + 1):
                return False
    return True


def _compared(found: Iterator[Element], may_differ: Collection[int]) -> Iterator[Element]:
    return (each for each in found if each.tag & 0xFFFF and each.tag not in may_differ)


def _is_sequence(element: Element) -> bool:
    if element.vr:
        return element.vr == "SQ" or (element.vr == "UN" and element.length == UNDEFINED_LENGTH)
    if element.length == UNDEFINED_LENGTH:
        return True
    try:
        return str(dictionary_VR(element.tag)) == "SQ"
    except KeyError:
        return False


def _value(window: ByteWindow, element: Element) -> bytes:
    return window.take(element.value_offset, element.length).rstrip(_PADDING)
