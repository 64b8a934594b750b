"""Write a data set in another uncompressed little-endian transfer syntax: implicit VR, explicit VR, or deflated explicit VR.

Values are copied as they are; only headers change. In explicit VR a value has the VR that the dictionary gives its tag, a
private one that of its creator's dictionary. What explicit VR cannot hold is refused, where others write it as UN: a value
of more than 65 534 bytes in a VR with a 16-bit length, such as a contour of some thousand points; a value whose VR nothing
tells. Sequences and items get undefined lengths, group lengths (retired) are left out, since they would be wrong. Between
explicit VR and its deflated form every byte of the data set stays.

The copy is read back and compared with its source element by element, or there is no copy.

Standard: PS3.5 7.1.2, 7.1.3, 7.5, Annex A.1, A.2, A.5.
"""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import BinaryIO

from pydicom.datadict import dictionary_VR, private_dictionary_VR

from tg263_scp.dicom.editing.proof import not_proven, same_bytes
from tg263_scp.dicom.encoding.budget import check_cpu
from tg263_scp.dicom.encoding.elements import (
    LONG_VRS,
    MAX_NESTING,
    UNDEFINED_LENGTH,
    Element,
    Encoding,
    data_set_elements,
    elements,
    items,
)
from tg263_scp.dicom.encoding.part10 import (
    DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN,
    EXPLICIT_VR_LITTLE_ENDIAN,
    IMPLICIT_VR_LITTLE_ENDIAN,
    OpenedObject,
    encoding_of,
    file_head,
    opened,
)
from tg263_scp.dicom.encoding.splice import chunks
from tg263_scp.errors import HeldObjectError, HoldReason

TRANSCODED = (EXPLICIT_VR_LITTLE_ENDIAN, DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN, IMPLICIT_VR_LITTLE_ENDIAN)
"""The transfer syntaxes between which data sets are transcoded; what keeps most of a data set comes first."""
MAX_SHORT_VALUE_BYTES = 65_534
"""The largest even number that a 16-bit length holds."""

_PIXEL_REPRESENTATION = 0x00280103
_PIXEL_DATA = 0x7FE00010
_ITEM, _ITEM_END, _SEQUENCE_END = (0xFFFE, 0xE000), (0xFFFE, 0xE00D), (0xFFFE, 0xE0DD)


@dataclass(frozen=True, slots=True)
class Transcoded:
    """How many elements a copy was compared in, those inside sequences included, and the digests of both data sets."""

    elements: int
    dataset_sha256: str
    source_sha256: str


def transcode(source: Path, target: Path, transfer_syntax_uid: str) -> Transcoded:
    """Write ``source`` in another transfer syntax of :data:`TRANSCODED`; ``target`` is there only if it was proven equal.

    Raises:
        HeldObjectError: ``unsupported_transfer_syntax``, the target syntax cannot hold it; ``edit_not_proven``; or the
            source cannot be followed.
        OSError: reading or writing failed.
    """
    try:
        with opened(source) as before:
            _write(before, target, transfer_syntax_uid)
            with opened(target) as after:
                return Transcoded(_compared(before, after), _dataset_sha256(after), _dataset_sha256(before))
    except BaseException:
        target.unlink(missing_ok=True)
        raise


def _write(before: OpenedObject, target: Path, transfer_syntax_uid: str) -> None:
    meta = before.meta
    if meta.transfer_syntax_uid not in TRANSCODED or transfer_syntax_uid not in TRANSCODED:
        raise _refused(f"{meta.transfer_syntax_uid} is not transcoded to {transfer_syntax_uid}")
    head = file_head(
        sop_class_uid=meta.sop_class_uid,
        sop_instance_uid=meta.sop_instance_uid,
        transfer_syntax_uid=transfer_syntax_uid,
    )
    encoding = encoding_of(transfer_syntax_uid)
    with target.open("xb") as out:
        out.write(head)
        if encoding.explicit == before.encoding.explicit:
            content: Iterable[bytes] = map(bytes, chunks(_file(before), before.start))
        else:
            content = _Transcoder(before, encoding).content()
        if transfer_syntax_uid == DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN:
            content = _deflated(content)
        out.writelines(content)


def _deflated(content: Iterable[bytes]) -> Iterator[bytes]:
    deflater, written = zlib.compressobj(wbits=-zlib.MAX_WBITS), 0
    for piece in content:
        packed = deflater.compress(piece)
        written += len(packed)
        yield packed
    packed = deflater.flush()
    yield packed
    if (written + len(packed)) % 2:
        yield b"\x00"  # PS3.5 A.5


def _file(source: OpenedObject) -> BinaryIO:
    return source.inflated or source.file


class _Transcoder:
    """Yields a data set in the other kind of VR, header by header."""

    def __init__(self, source: OpenedObject, encoding: Encoding) -> None:
        self._source = source
        self._to = encoding

    def content(self) -> Iterator[bytes]:
        source = self._source
        yield from self._data_set(data_set_elements(source.window, source.start, source.encoding), 0)

    def _data_set(self, found: Iterable[Element], depth: int) -> Iterator[bytes]:
        if depth > MAX_NESTING:
            raise _refused("its sequences are nested too deeply")
        known = _Dictionary(self._source)
        for element in found:
            check_cpu()
            if _is_about_encoding(element.tag):
                continue
            vr = known.vr_of(element) if self._to.explicit else _kind_of(element)
            if vr == "SQ":
                yield self._header(element.tag, vr, UNDEFINED_LENGTH)
                for item in items(self._source.window, element):
                    inner = elements(self._source.window, item.value_offset, item.content_end, item.encoding)
                    yield self._to.pair.pack(*_ITEM, UNDEFINED_LENGTH)
                    yield from self._data_set(inner, depth + 1)
                    yield self._to.pair.pack(*_ITEM_END, 0)
                yield self._to.pair.pack(*_SEQUENCE_END, 0)
            elif element.length == UNDEFINED_LENGTH:
                raise _refused(f"{_named(element.tag)} is encapsulated")
            else:
                yield self._header(element.tag, vr, element.length)
                yield from map(bytes, chunks(_file(self._source), element.value_offset, element.end))

    def _header(self, tag: int, vr: str, length: int) -> bytes:
        group, number, code = tag >> 16, tag & 0xFFFF, vr.encode("ascii")
        if not self._to.explicit:
            return self._to.pair.pack(group, number, length)
        if code in LONG_VRS:
            return self._to.tag_and_vr.pack(group, number, code, 0) + self._to.word.pack(length)
        if length > MAX_SHORT_VALUE_BYTES:
            raise _refused(
                f"{_named(tag)} has {length} bytes, and a value of its VR {vr} has at most {MAX_SHORT_VALUE_BYTES}"
            )
        return self._to.tag_and_vr.pack(group, number, code, length)


def _kind_of(element: Element) -> str:
    """Return the VR of an element that is to be written without; what is in implicit VR already is copied as it is.

    A sequence of unknown kind is one all the same (PS3.5 6.2.2).
    """
    if element.length == UNDEFINED_LENGTH and element.vr in ("", "UN"):
        return "SQ"
    return element.vr or "UN"


class _Dictionary:
    """What VR the elements of one data set in implicit VR have."""

    def __init__(self, source: OpenedObject) -> None:
        self._source = source
        self._creators: dict[int, str] = {}
        self._signed: bool | None = None

    def vr_of(self, element: Element) -> str:
        """Return the VR of an element; the elements have to come in their order.

        Raises:
            HeldObjectError: nothing tells it.
        """
        tag = element.tag
        if tag == _PIXEL_REPRESENTATION and element.length == 2:
            self._signed = self._value(element) == b"\x01\x00"
        if element.length == UNDEFINED_LENGTH and tag != _PIXEL_DATA:
            return "SQ"
        if (tag >> 16) % 2:
            return self._private(element)
        try:
            return self._settled(tag, str(dictionary_VR(tag)))
        except KeyError:
            raise _refused(f"{_named(tag)} is in no dictionary, and nothing tells its VR") from None

    def _settled(self, tag: int, vr: str) -> str:
        if " or " not in vr:
            return vr
        if "OW" in vr:  # implicit VR has it so (PS3.5 A.1); of a look-up table, 16-bit words either way
            return "OW"
        if self._signed is None:
            raise _refused(f"{_named(tag)} is {vr}, and Pixel Representation (0028,0103) does not say which")
        return "SS" if self._signed else "US"

    def _private(self, element: Element) -> str:
        tag = element.tag
        number = tag & 0xFFFF
        if 0x0010 <= number <= 0x00FF:
            self._creators[tag & 0xFFFF0000 | number] = self._value(element).decode("latin-1").strip("\x00 ")
            return "LO"
        creator = self._creators.get(tag & 0xFFFF0000 | number >> 8, "")
        try:
            vr = str(private_dictionary_VR(tag, creator))
        except KeyError:
            vr = "UN"
        if vr == "UN" or " or " in vr:
            raise _refused(f"the private element {_named(tag)} is in no dictionary, and nothing tells its VR")
        return vr

    def _value(self, element: Element) -> bytes:
        return self._source.window.take(element.value_offset, min(element.length, 128))


def _is_about_encoding(tag: int) -> bool:
    """Group lengths (retired, PS3.5 7.2) and Length to End count bytes of the encoding at hand."""
    return tag & 0xFFFF == 0 or tag == 0x00080001


def _named(tag: int) -> str:
    return f"({tag >> 16:04X},{tag & 0xFFFF:04X})"


def _refused(problem: str) -> HeldObjectError:
    return HeldObjectError(
        HoldReason.UNSUPPORTED_TRANSFER_SYNTAX,
        f"the destination takes no transfer syntax that can hold it: {problem}",
        hint="let the destination accept the transfer syntax in which the object came",
    )


def _compared(before: OpenedObject, after: OpenedObject) -> int:
    """Compare two data sets element by element, tags and values; return how many there are.

    Raises:
        HeldObjectError: ``edit_not_proven``, they differ.
    """
    there = (data_set_elements(each.window, each.start, each.encoding) for each in (before, after))
    return _compared_sets(before, after, *there)


def _compared_sets(
    before: OpenedObject, after: OpenedObject, old: Iterator[Element], new: Iterator[Element]
) -> int:
    count = 0
    pairs = zip_longest(
        *((each for each in found if not _is_about_encoding(each.tag)) for found in (old, new))
    )
    for one, other in pairs:
        if one is None or other is None or one.tag != other.tag:
            raise not_proven("an element is missing in the transcoded copy, or too many")
        count += 1
        if _is_sequence(other):
            for item, written in zip_longest(items(before.window, one), items(after.window, other)):
                if item is None or written is None:
                    raise not_proven(f"an item of {_named(one.tag)} is missing in the transcoded copy")
                count += _compared_sets(
                    before,
                    after,
                    elements(before.window, item.value_offset, item.content_end, item.encoding),
                    elements(after.window, written.value_offset, written.content_end, written.encoding),
                )
        elif one.length != other.length or not same_bytes(
            *(_file(before), one.value_offset, _file(after), other.value_offset, one.length)
        ):
            raise not_proven(f"the value of {_named(one.tag)} differs in the transcoded copy")
    return count


def _is_sequence(written: Element) -> bool:
    """Whether an element of a copy holds items: its sequences have undefined lengths, or say that they are sequences."""
    return written.vr == "SQ" or written.length == UNDEFINED_LENGTH


def _dataset_sha256(stored: OpenedObject) -> str:
    digest = hashlib.sha256()
    for chunk in chunks(stored.file, stored.meta.dataset_offset):
        digest.update(chunk)
    return digest.hexdigest()
