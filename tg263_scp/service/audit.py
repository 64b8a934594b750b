"""The audit log: one JSON line per decision about an object, each chained to the line before by its hash.

A line holds ``seq`` (counted from 1), ``time``, ``prev`` (hash of the line before, 64 zeros in the first), what
happened, and last ``hash``: the SHA-256 of the line's canonical JSON without ``hash``. Changing, removing or reordering
a line breaks the chain at that line. Removing lines from the end does not, so the number and hash of the last line are
also kept in a side file (``audit.jsonl.head``); :func:`verify` compares. Who can rewrite both files can rewrite
history: to guard against that, copy the head to another system now and then.

A line is on the disk (fsync) when :meth:`AuditLog.append` returns; the head file is written after it, so it may be one
line behind after a crash, never ahead. A crash while a line is written can leave a torn last line. That line was never
confirmed, and the part of the node that asked for it writes it again; on opening, the torn bytes are moved to
``audit.jsonl.torn-<seq>`` and a line of kind ``healed`` records their number and digest.

A log that is too large or too old is given a name with the number of its first line (``audit.jsonl.000000000001``), and goes on
in a new file: the chain runs through all of them. Each line must stand byte for byte as it was written: :func:`verify` takes no
blank and no key twice.

Names of ROIs are here and in the objects alone (the journal holds them until their line is here); identifiers of patient,
study and series only as keyed hashes (HMAC-SHA256 with the key of ``audit.salt_file``).
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import re
import secrets
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from glob import escape as glob_escape
from io import FileIO
from pathlib import Path
from threading import Lock
from typing import Any

from tg263_scp.durable import sync_folder, whole_file
from tg263_scp.errors import AuditError
from tg263_scp.hidden import visible_json
from tg263_scp.service.sole_owner import sole_owner

FIRST_PREV = "0" * 64
_HEAD_BYTES = 128
_BLOCK_BYTES = 1 << 16
_KEPT = re.compile(r"\.(\d{12})$")
"""The name of a file that the log went on from ends with the number of its first line."""


@dataclass(frozen=True, slots=True)
class AuditReport:
    """What :func:`verify` found. ``line`` (counted from 1) is the first that is wrong, 0 where all is well."""

    intact: bool
    lines: int
    line: int = 0
    problem: str = ""
    last_hash: str = FIRST_PREV


class AuditLog:
    """The open audit log: one writer per file, any number of threads. ``audited`` is told each line that is on the disk.

    ``what`` is what messages call it, since other logs are chained alike; ``wait_s`` is how long to wait for another writer.

    Raises:
        AuditError: the file cannot be continued: its last line does not verify, or lines are missing at its end.
        Tg263Error: another process has it open.
    """

    def __init__(
        self,
        path: Path,
        *,
        rotate_bytes: int = 256 << 20,
        rotate_after_s: float = 2_592_000.0,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        audited: Callable[[Mapping[str, Any]], None] = lambda record: None,
        what: str = "audit log",
        wait_s: float = 0.0,
    ) -> None:
        self._what = what
        self.path = path
        self._rotate_bytes = rotate_bytes
        self._rotate_after = timedelta(seconds=rotate_after_s)
        self._now = now
        self._first: dict[str, Any] = {}
        self._audited = audited
        self._lock = Lock()
        path.parent.mkdir(parents=True, exist_ok=True)
        with ExitStack() as opening:
            opening.enter_context(
                sole_owner(path.with_name(path.name + ".lock"), f"the {what}", wait_s=wait_s)
            )
            self._file = _opened(path, os.O_APPEND)
            opening.callback(lambda: self._file.close())
            self._head = opening.enter_context(_opened(head_path(path)))
            sync_folder(path.parent)
            torn = self._take_torn_line()
            self._seq, self._last_hash = self._end_of_chain()
            self._write_head()  # its block is there before the disk is full
            self._closing = opening.pop_all()
        if torn:
            digest = hashlib.sha256(torn).hexdigest()
            self.append({"kind": "healed", "torn_bytes": len(torn), "torn_sha256": digest})

    def close(self) -> None:
        """Close the file and let another process have it."""
        self._closing.close()

    @property
    def last_seq(self) -> int:
        """Number of the last line, 0 where there is none."""
        return self._seq

    def append(self, record: Mapping[str, Any]) -> int:
        """Write one line; durable on return. Return its sequence number.

        Raises:
            OSError: the disk refuses; what was written of the line is taken back.
        """
        with self._lock:
            now = self._now()
            self._rotate(now)
            line = {
                "seq": self._seq + 1,
                "time": now.isoformat(timespec="milliseconds"),
                "prev": self._last_hash,
                **record,
            }
            line["hash"] = _hash_of(line)
            data = _as_written(line)
            size = os.fstat(self._file.fileno()).st_size
            try:
                written = self._file.write(data)
                if written != len(data):
                    raise OSError(f"the {self._what} was not written completely")
                os.fsync(self._file.fileno())
            except OSError:
                # Without this a half line would stand in the middle of the log once the disk has room again.
                os.ftruncate(self._file.fileno(), size)
                raise
            self._seq, self._last_hash = line["seq"], line["hash"]
            self._write_head()
            self._audited(line)
            return self._seq

    def holds(self, decision: str, *, after: int) -> bool:
        """Say whether a decision (the value of ``decision``) is in the log, in a line of a higher number than ``after``."""
        with self._lock:
            for text in newest_first(self.path):
                line = parsed(text) or {}
                if line.get("seq", after + 1) <= after:
                    break
                if line.get("decision") == decision:
                    return True
        return False

    def _rotate(self, now: datetime) -> None:
        """Go on in a new file where this one is too large or too old; where the disk refuses that, in this one."""
        size = os.fstat(self._file.fileno()).st_size
        self._first = self._first or self._first_line()
        seq = self._first.get("seq")
        if not size or not isinstance(seq, int):
            return
        if size < self._rotate_bytes and now - _time_of(self._first, now) < self._rotate_after:
            return
        kept = self.path.with_name(f"{self.path.name}.{seq:012d}")
        if kept.exists():
            return
        try:
            self.path.rename(kept)
            fresh = _opened(self.path, os.O_APPEND)
        except OSError:
            if kept.exists():
                kept.rename(self.path)
            return
        self._file.close()
        self._file, self._first = fresh, {}
        sync_folder(self.path.parent)

    def _first_line(self) -> dict[str, Any]:
        with self.path.open("rb") as file:
            return parsed(file.readline()) or {}

    def _write_head(self) -> None:
        head = json.dumps({"seq": self._seq, "hash": self._last_hash})
        self._head.seek(0)
        self._head.write(head.ljust(_HEAD_BYTES - 1).encode() + b"\n")

    def _take_torn_line(self) -> bytes:
        """Cut bytes after the last line end off the file and keep them beside it."""
        size = os.fstat(self._file.fileno()).st_size
        complete, torn = size, b""
        while complete > 0:
            start = max(0, complete - (1 << 16))
            self._file.seek(start)
            block = self._file.read(complete - start)
            cut = block.rfind(b"\n")
            torn = block[cut + 1 :] + torn
            complete = start + cut + 1 if cut >= 0 else start
            if cut >= 0:
                break
        if torn:
            torn_path = self.path.with_name(f"{self.path.name}.torn-{secrets.token_hex(4)}")
            with whole_file(torn_path, private=True) as (file, _):
                file.write(torn)
            os.ftruncate(self._file.fileno(), complete)
            os.fsync(self._file.fileno())
        return torn

    def _end_of_chain(self) -> tuple[int, str]:
        """Read the last line alone; :func:`verify` reads all."""
        seq, last_hash = 0, FIRST_PREV
        anchored = read_head(self.path)
        text = next(newest_first(self.path), None)
        if text is not None:
            last = parsed(text)
            known = anchored[1] if anchored and last and anchored[0] == last.get("seq") else None
            if (
                last is None
                or not isinstance(last.get("seq"), int)
                or last.get("hash") != _hash_of(last)
                or known not in (None, last["hash"])
            ):
                raise AuditError(
                    f"the last line of the {self._what} {self.path} does not verify",
                    hint=f"run 'tg263-scp audit verify {self.path}'; move the file away to begin a new log",
                )
            seq, last_hash = last["seq"], last["hash"]
        if anchored and anchored[0] > seq:
            raise AuditError(
                f"the {self._what} {self.path} has {seq} lines, its head file knows {anchored[0]}",
                hint="lines were removed from its end; restore it, or move log and head away to begin a new log",
            )
        return seq, last_hash


def head_path(path: Path) -> Path:
    """Return the side file that anchors the end of an audit log."""
    return path.with_name(path.name + ".head")


def parts(path: Path) -> list[Path]:
    """Return the files of an audit log, oldest first."""
    kept = [part for part in path.parent.glob(f"{glob_escape(path.name)}.*") if _KEPT.search(part.name)]
    return [*sorted(kept), *([path] if path.exists() else [])]


def log_lines(path: Path) -> Iterator[bytes]:
    """Yield the lines of an audit log as they are, oldest first; none where there is no log.

    Raises:
        OSError: the log cannot be read.
    """
    for part in parts(path):
        with part.open("rb") as file:
            yield from file


def last_job_number(path: Path) -> int:
    """Return the highest job number that an audit log knows, 0 where it knows none; reads all of it."""
    numbers = (parsed(text) or {} for text in log_lines(path))
    return max((line["job_number"] for line in numbers if isinstance(line.get("job_number"), int)), default=0)


def verify(path: Path) -> AuditReport:
    """Check every line of an audit log and its end; report the first line that is wrong.

    Of one that goes on in another file, given by its own name, the end is not checked, and what is before it neither.

    Raises:
        OSError: the log cannot be read.
    """
    kept = _KEPT.search(path.name)
    prev, count = ("" if kept else FIRST_PREV), 0
    anchored = (0, "") if kept else read_head(path)
    for count, text in enumerate(log_lines(path), start=int(kept[1]) if kept else 1):
        line = (parsed(text) if text.endswith(b"\n") else None) or {}
        prev = prev or str(line.get("prev"))
        problem = problem_of(line, text, count, prev)
        if not problem and anchored and anchored[0] == count and line.get("hash") != anchored[1]:
            problem = "the line is not the one the head file knows"
        if problem:
            return AuditReport(False, count, count, problem, prev)
        prev = line["hash"]
    if anchored is None and count:
        return AuditReport(False, count, count, "the head file is missing: the end cannot be checked", prev)
    if anchored and anchored[0] > count:
        missing = anchored[0] - count
        return AuditReport(False, count, count + 1, f"{missing} lines are missing at the end", prev)
    return AuditReport(True, count, last_hash=prev)


def newest_first(path: Path) -> Iterator[bytes]:
    """Yield the complete lines of all files of a log, newest first, without reading more than is asked for.

    Raises:
        OSError: the log cannot be read.
    """
    for part in reversed(parts(path)):
        with part.open("rb") as file:
            begin, rest = file.seek(0, os.SEEK_END), b""
            while begin > 0:
                size = min(_BLOCK_BYTES, begin)
                begin = file.seek(begin - size)
                first, *complete = (file.read(size) + rest).split(b"\n")
                yield from (text for text in reversed(complete) if text)
                rest = first + b"\n" if complete else first
            if rest.strip():
                yield rest


def _opened(path: Path, more: int = 0) -> FileIO:
    """Open a file for reading and writing, made where it is missing, for its owner alone whatever the umask."""
    handle = os.open(path, os.O_RDWR | os.O_CREAT | more, 0o600)
    with suppress(OSError):  # of another owner, who let us write there
        path.chmod(0o600)
    return FileIO(handle, "r+b")


def _time_of(line: Mapping[str, Any], otherwise: datetime) -> datetime:
    try:
        return datetime.fromisoformat(line["time"])
    except (KeyError, TypeError, ValueError):
        return otherwise


def _as_written(line: Mapping[str, Any]) -> bytes:
    """Return a line as it stands in the file: a name of a peer hides nothing from who looks at it in a terminal."""
    return visible_json(json.dumps(line, ensure_ascii=False)).encode() + b"\n"


def _as_written_before(line: Mapping[str, Any]) -> bytes:
    """Return a line as versions up to 0.2 wrote it."""
    try:
        return json.dumps(line, ensure_ascii=False).encode() + b"\n"
    except UnicodeEncodeError:  # half a surrogate pair, which UTF-8 has no bytes for
        return json.dumps(line).encode() + b"\n"


def problem_of(line: Mapping[str, Any], text: bytes, count: int, prev: str) -> str:
    """Say what is wrong with a line of a chain: ``line`` is what ``text`` holds (empty where that is no JSON).

    It should be the line number ``count`` (from 1), behind the one whose hash is ``prev``. Empty where all is well.
    """
    if not line:
        return "not a complete line of JSON"
    if line.get("hash") != _hash_of(line):
        return "the line was changed: its hash does not fit"
    if text != _as_written(line) and text != _as_written_before(line):
        return "the line was rewritten: it has the content, and not the bytes (a blank, a key twice)"
    if line.get("seq") != count:
        return (
            f"line number {count} says it is number {line.get('seq')}: lines were removed, added or reordered"
        )
    if line.get("prev") != prev:
        return "the line does not follow the one before"
    return ""


def parsed(text: bytes) -> dict[str, Any] | None:
    """Read a line of JSON; None where it is none, or no object."""
    try:
        line = json.loads(text)
    except ValueError:
        return None
    return line if isinstance(line, dict) else None


def _hash_of(line: Mapping[str, Any]) -> str:
    """SHA-256 (hex) of the canonical JSON (sorted keys, no spaces, UTF-8) without the hash itself."""
    content = {key: value for key, value in line.items() if key != "hash"}
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(canonical.encode("utf-8", "surrogatepass")).hexdigest()


def read_head(path: Path) -> tuple[int, str] | None:
    """Return the number and the hash of the last line as the side file has them; None where it cannot be read."""
    try:
        head = parsed(head_path(path).read_bytes())
    except FileNotFoundError:
        return None
    if head is None or not isinstance(head.get("seq"), int):
        return None
    return head["seq"], str(head.get("hash"))


class IdentifierHash:
    """Keyed hashes of patient, study and series identifiers: equal where the identifier is equal, not reversible.

    The key is made at first use. Keep it as secret as the identifiers: with it, known identifiers can be looked up.

    Raises:
        AuditError: the key file exists and is not a key.
    """

    def __init__(self, salt_path: Path) -> None:
        if not salt_path.exists():
            salt_path.parent.mkdir(parents=True, exist_ok=True)
            with whole_file(salt_path, private=True) as (file, _):
                file.write(secrets.token_hex(32).encode() + b"\n")
        text = salt_path.read_text(encoding="ascii", errors="replace").strip()
        try:
            self._key = bytes.fromhex(text)
        except ValueError:
            self._key = b""
        if len(self._key) < 16:
            raise AuditError(
                f"the key file {salt_path} is not a key", hint="it must hold at least 32 hexadecimal digits"
            )

    def derived_key(self, purpose: str) -> bytes:
        """Return a key for another purpose, from which neither this key nor any hash can be told."""
        return hmac.digest(self._key, purpose.encode(), "sha512")

    def __call__(self, identifier: str) -> str:
        """Return the HMAC-SHA256 (hex) of an identifier; empty for an empty one."""
        if not identifier:
            return ""
        return hmac.new(self._key, identifier.encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()
