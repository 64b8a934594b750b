"""The folded SHA-256 of a data set: large elements enter it as their own SHA-256, and so are hashed once only.

A relabelling needs several digests of what is nearly the same object: before and after, with and without the names. The
contours are in all of them, and are most of the object. So:

    The folded SHA-256 is the SHA-256 of a data set as encoded (without preamble and file meta, inflated where it is
    deflated), in which each top-level element of 64 KiB or more, header and delimiters included, is replaced by the 32
    bytes of its own SHA-256.

That of a data set without such elements is its plain SHA-256.
"""

from __future__ import annotations

import hashlib
import os
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO

from tg263_scp.dicom.encoding.elements import Element
from tg263_scp.dicom.encoding.layout import read_layout
from tg263_scp.dicom.encoding.part10 import OpenedObject
from tg263_scp.dicom.encoding.splice import CHUNK_BYTES, chunks

Stretch = tuple[int, int]
"""Offset and length of bytes."""


class LargeElements:
    """Where the large elements of an open object lie, and the SHA-256 of each, made when it is first asked for.

    Of the one that :meth:`begin` announces it is made meanwhile, on a thread; use as a context manager to end that. The
    digests of elements that are equal to those of another object may be given as ``known``, by header offset.
    """

    def __init__(self, source: OpenedObject, path: Path, known: Mapping[int, bytes] | None = None) -> None:
        self._source, self._path = source, path
        self._known = dict(known or {})
        self._ahead: _HashedAhead | None = None

    def __enter__(self) -> LargeElements:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._ahead is not None:
            self._ahead.stop()

    def begin(self, offset: int) -> None:
        """Announce that a large element begins at ``offset``, wherever it may end."""
        if self._ahead is None and self._source.inflated is None:
            self._ahead = _HashedAhead(self._path, self._source.file, offset)

    def digest(self, element: Element) -> bytes:
        """Return the SHA-256 of an element as encoded.

        Raises:
            HeldObjectError: ``truncated``, the file became shorter while it was read.
            OSError: the file cannot be read.
        """
        offset = element.header_offset
        if offset not in self._known:
            if self._ahead is not None and self._ahead.start == offset:
                made = self._ahead.up_to(element.end)
            else:
                made = hashlib.sha256()
                _feed(made, self._source, offset, element.end)
            self._known[offset] = made.digest()
        return self._known[offset]


class _HashedAhead:
    """Hashes a file from ``start`` on, on a thread, before anybody knows where the element that begins there ends.

    The state after each chunk is kept, so that the digest of whatever the element turns out to be is at hand.
    """

    def __init__(self, path: Path, opened_before: BinaryIO, start: int) -> None:
        self.start = start
        self._end: int | None = None
        self._states: list[tuple[int, Any]] = [(start, hashlib.sha256())]
        self._path, self._opened_before = path, opened_before
        self._pool = ThreadPoolExecutor(1)
        self._done: Future[None] = self._pool.submit(self._run)

    def _run(self) -> None:
        with self._path.open("rb", buffering=0) as file:
            if not os.path.sameopenfile(file.fileno(), self._opened_before.fileno()):
                return  # the states are those of another file; the one at hand is hashed when asked for
            position, state = self._states[0][0], self._states[0][1].copy()
            size = file.seek(0, os.SEEK_END)
            file.seek(position)
            chunk = memoryview(bytearray(CHUNK_BYTES))
            while self._end is None or position < self._end:
                # The element usually ends shortly before the file does: what was hashed beyond is hashed again.
                wanted = CHUNK_BYTES if size - position > CHUNK_BYTES else CHUNK_BYTES // 4
                got = file.readinto(chunk[:wanted])
                if not got:
                    return
                state.update(chunk[:got])
                position += got
                self._states.append((position, state.copy()))

    def stop(self) -> None:
        """End the thread."""
        self._end = self.start
        self._pool.shutdown()

    def up_to(self, end: int) -> Any:
        """Return the state of the SHA-256 of the bytes from ``start`` to ``end``."""
        self._end = end
        self._done.result()
        position, state = self._states[bisect_right(self._states, end, key=lambda each: each[0]) - 1]
        made = state.copy()
        for chunk in chunks(self._opened_before, position, end):
            made.update(chunk)
        return made


def kept(source: OpenedObject, blanks: Iterable[Stretch]) -> Iterator[Stretch]:
    """Yield the stretches of the data set outside the blanks, which may come in any order."""
    position = source.start
    for offset, length in (*sorted(blanks), (source.window.size, 0)):
        if offset > position:
            yield position, offset - position
        position = max(position, offset + length)


def folded_sha256(
    source: OpenedObject,
    elements: Iterable[Element],
    large: LargeElements,
    blanks: Iterable[Stretch] = (),
) -> str:
    """Return the folded SHA-256 of a data set with the blanks left out; ``elements`` are its large ones, in order.

    An element in which something is left out is not replaced by its own digest.

    Raises:
        HeldObjectError: ``truncated``, the file became shorter while it was read.
    """
    made = hashlib.sha256()
    rest = iter(elements)
    element = next(rest, None)
    for start, length in kept(source, blanks):
        end = start + length
        while element is not None and element.header_offset < start:
            element = next(rest, None)
        while element is not None and element.end <= end:
            _feed(made, source, start, element.header_offset)
            made.update(large.digest(element))
            start = element.end
            element = next(rest, None)
        _feed(made, source, start, end)
    return made.hexdigest()


def object_sha256(source: OpenedObject, path: Path, *, folded: bool = True) -> str:
    """Return the folded SHA-256 of the data set of an open object, or its plain one.

    Raises:
        HeldObjectError: ``truncated`` or ``unreadable``.
    """
    with LargeElements(source, path) as large:
        elements = read_layout(source, (), begins=large.begin).large if folded else ()
        return folded_sha256(source, elements, large)


def _feed(made: Any, source: OpenedObject, start: int, end: int) -> None:
    for chunk in chunks(source.inflated or source.file, start, end):
        made.update(chunk)
