"""The store of decisions: ``review.jsonl``, append-only and hash-chained like the audit log, beside it in the spool.

Its lines say that something was decided, approved or undone; the state of each decision follows from them. Any number of
programs may read it; one at a time writes, under the lock of the store. What does not verify is not used.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from threading import RLock
from typing import Any

from tg263_scp.durable import give_to_owner_of_folder
from tg263_scp.errors import AuditError, ReviewError, Tg263Error
from tg263_scp.service.audit import (
    FIRST_PREV,
    AuditLog,
    IdentifierHash,
    head_path,
    parsed,
    problem_of,
    read_head,
)
from tg263_scp.service.review.decisions import (
    Entry,
    ReviewDecision,
    Ruled,
    Scope,
    Standing,
    Wish,
    name_key,
)

STORE_NAME = "review.jsonl"
KEY_NAME = "review.salt"
_WAIT_S = 20.0
"""How long another writer may take: deciding thousands of names at once takes seconds."""
_NEVER_ROTATED = 1 << 62
_NEVER_S = 1e11


@dataclass(slots=True)
class _Read:
    """What was read of the file so far."""

    inode: int = 0
    mtime_ns: int = 0
    offset: int = 0
    seq: int = 0
    last_hash: str = FIRST_PREV
    decisions: dict[str, ReviewDecision] = field(default_factory=dict)
    by_name: dict[str, list[str]] = field(default_factory=dict)
    lines: list[Mapping[str, Any]] = field(default_factory=list)


class ReviewStore:
    """The store in one folder; safe to use from several threads, and from other processes at the same time.

    ``second_person`` lets a decision count only when somebody else has approved it.
    """

    def __init__(self, folder: Path, *, second_person: bool = False) -> None:
        self.path = folder / STORE_NAME
        self.second_person = second_person
        self._lock = RLock()
        self._read = _Read()

    @property
    def state(self) -> str:
        """The hash of the last line: what names were decided under; empty where nothing was ever decided."""
        with self._lock:
            return self._read.last_hash if self._read.seq else ""

    def refresh(self) -> bool:
        """Read what was written since; tell whether that was anything.

        Raises:
            ReviewError: the store is damaged, or cannot be read; what was known stays as it was.
        """
        with self._lock:
            head = read_head(self.path)
            try:
                found = self.path.stat()
            except FileNotFoundError:
                if head is not None and head[0]:
                    raise self._damaged("is gone, and its head file is here") from None
                self._read = _Read()
                return False
            except OSError as problem:
                raise self._unreadable(problem) from problem
            as_before = found.st_ino == self._read.inode and found.st_size >= self._read.offset
            if as_before and found.st_size == self._read.offset and found.st_mtime_ns == self._read.mtime_ns:
                return False
            # Changed in place, cut or replaced: all of it is read anew.
            fresh = not as_before or found.st_size == self._read.offset
            lines = self._new_lines(0 if fresh else self._read.offset, head, fresh=fresh)
            if fresh:
                self._read = _Read(found.st_ino)
            self._read.mtime_ns = found.st_mtime_ns
            for line, length in lines:
                self._take(line)
                self._read.offset += length
            return bool(lines)

    def _new_lines(
        self, offset: int, head: tuple[int, str] | None, *, fresh: bool
    ) -> list[tuple[dict[str, Any], int]]:
        """Read and verify the lines from ``offset`` on; a last one without its end is still being written."""
        seq, prev = (0, FIRST_PREV) if fresh else (self._read.seq, self._read.last_hash)
        found = []
        try:
            with self.path.open("rb") as file:
                file.seek(offset)
                for text in file:
                    if not text.endswith(b"\n"):
                        break
                    line = parsed(text) or {}
                    problem = problem_of(line, text, seq + 1, prev)
                    if problem:
                        raise self._damaged(f"line {seq + 1}: {problem}")
                    seq, prev = seq + 1, line["hash"]
                    if head is not None and head[0] == seq and head[1] != prev:
                        raise self._damaged(f"line {seq} is not the one its head file knows")
                    found.append((line, len(text)))
        except OSError as problem:
            raise self._unreadable(problem) from problem
        if head is not None and head[0] > seq:
            raise self._damaged(f"{head[0] - seq} lines are missing at its end")
        return found

    def _damaged(self, what: str) -> ReviewError:
        return ReviewError(
            "damaged",
            f"the review store {self.path} {what}",
            hint=f"restore {self.path.name} and {head_path(self.path).name} from a backup; "
            f"`tg263-scp audit verify {self.path}` checks it",
        )

    def _unreadable(self, problem: OSError) -> ReviewError:
        return ReviewError(
            "damaged",
            f"the review store {self.path} cannot be read: {problem.strerror}",
            hint="let this user read it; look at the disk",
        )

    def _take(self, line: Mapping[str, Any]) -> None:
        self._read.seq, self._read.last_hash = line["seq"], line["hash"]
        change = _CHANGES.get(line.get("kind", ""))
        if change is None:  # a torn line that was taken away, or a kind of a later version
            return
        self._read.lines.append({**line, "evidence": None})
        decision = change(line, self._read.decisions)
        if decision.id not in self._read.decisions:
            known_as = decision.name_digest or name_key(decision.name)
            self._read.by_name.setdefault(known_as, []).append(decision.id)
        self._read.decisions[decision.id] = decision

    def decisions(self) -> list[ReviewDecision]:
        """Return every decision as it stands, in the order they were made."""
        with self._lock:
            return list(self._read.decisions.values())

    def decision(self, id: str) -> ReviewDecision:
        """Return one decision.

        Raises:
            ReviewError: there is none of that id.
        """
        with self._lock:
            found = self._read.decisions.get(id)
        if found is None:
            raise ReviewError(
                "unknown_decision", f"there is no decision {id}", hint="`review log` lists the ids"
            )
        return found

    def about(self, name: str) -> list[ReviewDecision]:
        """Return the decisions about a name that were not undone, oldest first."""
        digest = self.digest(name)
        with self._lock:
            ids = [*self._read.by_name.get(name_key(name), ()), *self._read.by_name.get(digest, ())]
            found = [self._read.decisions[id] for id in ids]
        return [each for each in found if each.standing is not Standing.UNDONE]

    def entries(self) -> list[Entry]:
        """Return the lines of the store, oldest first."""
        with self._lock:
            return [
                Entry(
                    line["seq"],
                    line["time"],
                    line["kind"],
                    line["id"],
                    line["by"],
                    line["why"],
                    self._read.decisions[line["id"]],
                )
                for line in self._read.lines
            ]

    def digest(self, name: str, *, make_key: bool = False) -> str:
        """Return what stands for a name that looks like an identifier; empty where there is no key for it yet."""
        key = self.path.with_name(KEY_NAME)
        if not (make_key or key.exists()):
            return ""
        with _refusals(self.path):
            digest = IdentifierHash(key)(name_key(name))
            give_to_owner_of_folder(key)
        return digest

    @contextmanager
    def writing(self) -> Iterator[Writer]:
        """Have the store alone for the duration of the block, with everything read that others wrote.

        Raises:
            ReviewError: it is damaged, read-only, or another program does not let it go.
        """
        with self._lock, _refusals(self.path):
            self.refresh()
            log = AuditLog(
                self.path,
                rotate_bytes=_NEVER_ROTATED,
                rotate_after_s=_NEVER_S,
                what="review store",
                wait_s=_WAIT_S,
            )
            with closing(log):
                for file in (self.path, head_path(self.path), self.path.with_name(self.path.name + ".lock")):
                    give_to_owner_of_folder(file)
                self.refresh()
                yield Writer(self, log)


class Writer:
    """Writes to the store; made by :meth:`ReviewStore.writing`. Each line is on the disk when its method returns."""

    def __init__(self, store: ReviewStore, log: AuditLog) -> None:
        self._store = store
        self._log = log

    def decided(
        self, wish: Wish, *, name_digest: str = "", waits: bool, proposal_from: str = ""
    ) -> ReviewDecision:
        """Enter a decision; what it stands in the place of is undone by the same person."""
        if wish.instead_of:
            self.undone(wish.instead_of, by=wish.by, why=f"decided anew: {wish.why}".rstrip(": "))
        id = secrets.token_hex(4)
        self._append(
            {
                "kind": "decided",
                "id": id,
                "by": wish.by,
                "why": wish.why,
                "name": "" if name_digest else wish.name,
                "name_digest": name_digest,
                "ruled": str(wish.ruled),
                "becomes": wish.becomes,
                "scope": wish.scope.as_json(),
                "evidence": dict(wish.evidence),
                "waits": waits,
                "proposal_from": proposal_from,
                "instead_of": wish.instead_of,
            }
        )
        return self._store.decision(id)

    def approved(self, id: str, *, by: str, why: str) -> ReviewDecision:
        """Enter that another person approves."""
        self._append({"kind": "approved", "id": id, "by": by, "why": why})
        return self._store.decision(id)

    def undone(self, id: str, *, by: str, why: str) -> ReviewDecision:
        """Enter that a decision no longer holds."""
        self._append({"kind": "undone", "id": id, "by": by, "why": why})
        return self._store.decision(id)

    def _append(self, record: Mapping[str, Any]) -> None:
        self._log.append(record)
        self._store.refresh()


def _decided(line: Mapping[str, Any], known: Mapping[str, ReviewDecision]) -> ReviewDecision:
    return ReviewDecision(
        id=line["id"],
        seq=line["seq"],
        at=line["time"],
        by=line["by"],
        why=line["why"],
        name=line["name"],
        name_digest=line["name_digest"],
        ruled=Ruled(line["ruled"]),
        becomes=line["becomes"],
        scope=Scope.of_json(line["scope"]),
        evidence=line["evidence"],
        standing=Standing.WAITING if line["waits"] else Standing.ACTIVE,
        proposal_from=line["proposal_from"],
        instead_of=line["instead_of"],
    )


def _approved(line: Mapping[str, Any], known: Mapping[str, ReviewDecision]) -> ReviewDecision:
    return replace(
        known[line["id"]], standing=Standing.ACTIVE, approved_by=line["by"], approved_at=line["time"]
    )


def _undone(line: Mapping[str, Any], known: Mapping[str, ReviewDecision]) -> ReviewDecision:
    return replace(
        known[line["id"]],
        standing=Standing.UNDONE,
        undone_by=line["by"],
        undone_why=line["why"],
        undone_at=line["time"],
    )


_CHANGES: Mapping[str, Callable[[Mapping[str, Any], Mapping[str, ReviewDecision]], ReviewDecision]] = {
    "decided": _decided,
    "approved": _approved,
    "undone": _undone,
}


@contextmanager
def _refusals(path: Path) -> Iterator[None]:
    """Turn what the disk, a lock or the chain refuses into what a person can do about it."""
    try:
        yield
    except ReviewError:
        raise
    except AuditError as problem:
        raise ReviewError("damaged", problem.message, hint=problem.hint) from problem
    except Tg263Error as problem:
        raise ReviewError(
            "busy",
            f"the review store {path} is being written by another program",
            hint="try again in a moment; nothing was decided",
        ) from problem
    except OSError as problem:
        raise ReviewError(
            "read_only",
            f"the review store {path} cannot be written: {problem.strerror}",
            hint="nothing was decided; let this user write there, look whether the disk is read-only or full",
        ) from problem
