"""Random access to a file in bounded memory, and the two errors of following offsets in it."""

from __future__ import annotations

import os
from typing import BinaryIO

from tg263_scp.dicom.encoding.budget import check_cpu
from tg263_scp.errors import HeldObjectError, HoldReason

WINDOW_BYTES = 1 << 18


class ByteWindow:
    """Random access to a seekable file through one window of bounded size.

    Not a memory map: a file that is cut short by somebody else while mapped kills the process (SIGBUS), and mapped
    pages of a 100 MB set count as this process's memory.
    """

    __slots__ = ("_file", "base", "buffer", "size")

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.size: int = file.seek(0, os.SEEK_END)
        self.base = 0
        self.buffer = b""

    def load(self, offset: int) -> bytes:
        """Move the window so that it begins at ``offset``; return its bytes.

        Raises:
            HeldObjectError: ``truncated``, the file has become shorter meanwhile; ``too_costly``.
        """
        check_cpu()
        self._file.seek(offset)
        self.buffer = self._file.read(WINDOW_BYTES)
        self.base = offset
        if len(self.buffer) < min(WINDOW_BYTES, self.size - offset):  # somebody has cut the file short
            raise broken(self, offset, self.size)
        return self.buffer

    def take(self, offset: int, length: int) -> bytes:
        """Return exactly ``length`` bytes.

        Raises:
            HeldObjectError: ``truncated``, the file ends before.
        """
        at = offset - self.base
        if at >= 0 and at + length <= len(self.buffer):
            return self.buffer[at : at + length]
        if offset + length > self.size:
            raise broken(self, offset, self.size)
        if length <= WINDOW_BYTES:
            taken = self.load(offset)[:length]
        else:
            self._file.seek(offset)
            taken = self._file.read(length)
        if len(taken) != length:
            raise broken(self, offset, self.size)
        return taken


def broken(window: ByteWindow, offset: int, limit: int) -> HeldObjectError:
    """Return the error for an element at ``offset`` that does not end before ``limit``."""
    if limit >= window.size:
        return HeldObjectError(
            HoldReason.TRUNCATED,
            f"the object ends at byte {window.size}, in the middle of the element at byte {offset}",
            hint="send or copy the object again; the copy at hand is incomplete",
        )
    return unreadable(offset, "an element reaches beyond the item or sequence that encloses it")


def unreadable(offset: int, problem: str) -> HeldObjectError:
    """Return the error for bytes that no reading of the standard explains."""
    return HeldObjectError(
        HoldReason.UNREADABLE,
        f"at byte {offset}: {problem}",
        hint="check the object with a DICOM validator; it is kept as received and not edited",
    )
