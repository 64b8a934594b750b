"""Replace, insert and remove bytes of a data set; everything else is copied from the source as it is.

A :class:`Splice` collects what changes and keeps every length that counts the changed bytes right. What is inserted may
itself be a copy of other source bytes (:class:`Span`), so that memory stays bounded whatever is copied.
"""

from __future__ import annotations

import os
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import BinaryIO, Literal

from tg263_scp.dicom.encoding.budget import check_cpu
from tg263_scp.dicom.encoding.length_fields import LengthField
from tg263_scp.dicom.encoding.part10 import OpenedObject
from tg263_scp.dicom.encoding.window import ByteWindow
from tg263_scp.errors import HeldObjectError, HoldReason

CHUNK_BYTES = 1 << 20
_BEGIN_BYTES = 1 << 22


@dataclass(frozen=True, slots=True)
class Span:
    """Bytes of the source, to be copied to another place."""

    offset: int
    length: int


@dataclass(frozen=True, slots=True)
class Later:
    """Bytes that are only known once they have to be written; their number is known now."""

    length: int
    made: Callable[[], bytes]


Part = bytes | Span | Later


def size_of(parts: Iterable[Part]) -> int:
    """Return how many bytes the parts are together."""
    return sum(len(part) if isinstance(part, bytes) else part.length for part in parts)


@dataclass(frozen=True, slots=True)
class Patch:
    """``length`` bytes at ``offset`` of the source become ``parts``. Offsets as in :class:`OpenedObject`."""

    offset: int
    length: int
    parts: tuple[Part, ...]

    @property
    def growth(self) -> int:
        """By how many bytes the target gets longer."""
        return size_of(self.parts) - self.length


class Splice:
    """The changes to one object, added in any order; insertions at the same place keep the order they came in."""

    def __init__(self, window: ByteWindow) -> None:
        self._window = window
        self._patches: list[Patch] = []
        self._growth: dict[LengthField, int] = {}

    def replace(
        self, offset: int, length: int, parts: Iterable[Part], counted_by: Iterable[LengthField] = ()
    ) -> None:
        """Put ``parts`` in the place of ``length`` bytes at ``offset``; ``counted_by`` are the lengths to be corrected."""
        patch = Patch(offset, length, tuple(parts))
        self._patches.append(patch)
        for field in counted_by:
            self._growth[field] = self._growth.get(field, 0) + patch.growth

    def insert(self, offset: int, parts: Iterable[Part], counted_by: Iterable[LengthField] = ()) -> None:
        """Put ``parts`` before the byte at ``offset``."""
        self.replace(offset, 0, parts, counted_by)

    def patches(self, start: int = 0, end: int | None = None) -> list[Patch]:
        """Return the changes in order, the corrected lengths among them; only those from ``start`` to before ``end``.

        Raises:
            HeldObjectError: ``unreadable``, a length would no longer fit its field.
        """

        def inside(offset: int) -> bool:
            return start <= offset and (end is None or offset < end)

        wanted = [patch for patch in self._patches if inside(patch.offset)]
        for field, by in self._growth.items():
            if by and inside(field.offset):
                wanted.append(self._corrected(field, by))
        return sorted(wanted, key=lambda patch: (patch.offset, patch.length > 0))

    def check_even(self, source: OpenedObject) -> None:
        """See to it that an edit leaves no odd length: of the data set, and of sequences and items that had even ones.

        An odd value of the sender stays as it is. But receivers that take an object with two of them refuse one that has
        one left ("odd fragment length").

        Raises:
            HeldObjectError: ``odd_length`` (PS3.5 7.1: all lengths are even).
        """
        size_bytes = source.window.size - source.start + sum(patch.growth for patch in self._patches)
        becomes_odd = (by % 2 and not self._length(field) % 2 for field, by in self._growth.items())
        if self._patches and (size_bytes % 2 or any(becomes_odd)):
            raise HeldObjectError(
                HoldReason.ODD_LENGTH,
                "with its edit the object would be of odd length, since values of the sender are",
                hint="let the sender pad its values to even length; released, the object goes on as it was received",
            )

    def _length(self, field: LengthField) -> int:
        return int.from_bytes(
            self._window.take(field.offset, field.width), "big" if field.big_endian else "little"
        )

    def _corrected(self, field: LengthField, by: int) -> Patch:
        order: Literal["big", "little"] = "big" if field.big_endian else "little"
        length = self._length(field) + by
        if not 0 <= length < (1 << 8 * field.width) - 1:
            raise HeldObjectError(
                HoldReason.UNREADABLE, f"the length at byte {field.offset} cannot be corrected"
            )
        return Patch(field.offset, field.width, (length.to_bytes(field.width, order),))


def write_bulk(source: OpenedObject, patches: list[Patch], out: BinaryIO, start: int) -> None:
    """Write what begins at offset ``start``, with its changes, to the place where it belongs; not of a deflated data set.

    Raises:
        HeldObjectError: ``truncated``, the source became shorter while it was read.
        OSError: reading or writing failed.
    """
    front = [patch for patch in patches if patch.offset < start]
    out.seek(start + sum(patch.growth for patch in front))
    _write_through(out, spliced(source.file, patches[len(front) :], start))


def write_spliced(
    source: OpenedObject,
    patches: list[Patch],
    out: BinaryIO,
    *,
    head: Iterable[Patch] = (),
    end: int | None = None,
) -> None:
    """Write the source with its changes; a deflated data set is deflated again, unless nothing in it changes.

    ``head`` are changes to the file meta, their offsets always those of the file. With ``end`` only what precedes that
    offset is written; the rest is there already (:func:`write_bulk`).

    Raises:
        HeldObjectError: ``truncated``, the source became shorter while it was read.
        OSError: reading or writing failed.
    """
    out.seek(0)
    if source.inflated is None or not patches:
        changes = (patch for patch in (*head, *patches) if end is None or patch.offset < end)
        out.writelines(spliced(source.file, changes, 0, end))
        return
    out.writelines(spliced(source.file, head, 0, source.meta.dataset_offset))
    start = out.tell()
    deflater = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    for chunk in spliced(source.inflated, patches):
        out.write(deflater.compress(chunk))
    out.write(deflater.flush())
    if (out.tell() - start) % 2:
        out.write(b"\x00")  # PS3.5 A.5


def spliced(
    file: BinaryIO, patches: Iterable[Patch], start: int = 0, end: int | None = None
) -> Iterator[memoryview | bytes]:
    """Yield the bytes from ``start`` to ``end`` (or the end of the file) with the patches, which must lie in there.

    Each chunk is valid until the next.

    Raises:
        HeldObjectError: ``truncated``, the file became shorter while it was read.
    """
    position = start
    for patch in patches:
        yield from chunks(file, position, patch.offset)
        for part in patch.parts:
            if isinstance(part, bytes):
                yield part
            elif isinstance(part, Later):
                yield part.made()
            else:
                yield from chunks(file, part.offset, part.offset + part.length)
        position = patch.offset + patch.length
    yield from chunks(file, position, end)


def chunks(file: BinaryIO, start: int, end: int | None = None) -> Iterator[memoryview]:
    """Yield the bytes from ``start`` to ``end`` (or the end of the file); each chunk is valid until the next.

    Raises:
        HeldObjectError: ``truncated``, the file ends before ``end``; ``too_costly``.
    """
    file.seek(start)
    left = end - start if end is not None else None
    chunk = memoryview(bytearray(CHUNK_BYTES if left is None else min(left, CHUNK_BYTES)))
    while left is None or left > 0:
        check_cpu()
        got = file.readinto(chunk if left is None else chunk[:left])  # type: ignore[attr-defined]
        if not got:
            if left:
                raise HeldObjectError(HoldReason.TRUNCATED, "the file became shorter while it was read")
            return
        yield chunk[:got]
        left = None if left is None else left - got


def shift(offset: int, patches: Iterable[Patch]) -> int:
    """Return where an element without a change inside begins in the written object, by its header offset in the source."""
    return offset + sum(patch.growth for patch in patches if patch.offset <= offset)


def _write_through(out: BinaryIO, chunks: Iterable[memoryview | bytes]) -> None:
    """Write chunks at the place where ``out`` is, and let the disk begin with them: fsync then waits less."""
    begun = out.tell()
    for chunk in chunks:
        out.write(chunk)
        if out.tell() - begun >= _BEGIN_BYTES:
            begun = _begin(out, begun)
    out.flush()
    _begin(out, begun)


def _begin(out: BinaryIO, start: int) -> int:
    end = out.tell()
    if end > start and hasattr(os, "posix_fadvise"):
        # The only call in Python with which Linux starts to write dirty pages; it drops clean ones, and these are not.
        os.posix_fadvise(out.fileno(), start, end - start, os.POSIX_FADV_DONTNEED)
    return end
