"""The files of users and tokens: one a line, for the owner of the spool alone, read again when they change.

    anna:look,decide:scrypt$32768$8$3$...       a user, with roles; without a password where a proxy logs people in
    eclipse:9f86d0...                           a token of a planning script, as its SHA-256 (hex)

A line is removed with an editor. Each change takes effect at the next request.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Generic, TypeVar

from tg263_scp.durable import give_to_owner_of_folder, whole_file
from tg263_scp.errors import Tg263Error
from tg263_scp.tools.shared.exitcode import UsageError

ROLES = ("look", "decide", "approve", "operate")
"""What a user may do: see pages; decide names; approve decisions of others; make the node deliver, discard, pause."""
_NAME = re.compile(r"[^\s:\x00-\x1f\x7f]{1,64}")
_TOKEN_BEGINS = "tg263_"

Kept = TypeVar("Kept")


@dataclass(frozen=True, slots=True)
class Account:
    """A user of the desk; without ``password`` only a proxy can log him in."""

    name: str
    roles: frozenset[str]
    password: str = ""


class LinesFile(Generic[Kept]):
    """A file of one entry a line, read again when it has changed; may be used by several threads."""

    def __init__(self, path: Path, read: Callable[[str], tuple[str, Kept] | None]) -> None:
        self._path = path
        self._read = read
        self._lock = Lock()
        self._seen: tuple[int, int, int] | None = None
        self._entries: Mapping[str, Kept] = {}

    def entries(self) -> Mapping[str, Kept]:
        """Return what the file holds now, by name; a line that cannot be read is none. Without a file there is nothing."""
        with self._lock:
            try:
                found = self._path.stat()
                seen = (found.st_mtime_ns, found.st_size, found.st_ino)
                if seen != self._seen:
                    self._entries = dict(_entries(self._path, self._read))
                    self._seen = seen
            except OSError:
                self._entries, self._seen = {}, None
            return self._entries


def _entries(path: Path, read: Callable[[str], tuple[str, Kept] | None]) -> Iterator[tuple[str, Kept]]:
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
        entry = read(line.strip())
        if entry is not None:
            yield entry


def accounts_in(path: Path) -> LinesFile[Account]:
    """Return the users that a file holds, by name."""
    return LinesFile(path, _account)


def _account(line: str) -> tuple[str, Account] | None:
    name, _, rest = line.partition(":")
    roles, _, password = rest.partition(":")
    if not _NAME.fullmatch(name):
        return None
    return name, Account(name, frozenset(roles.split(",")) & frozenset(ROLES), password)


class Tokens:
    """The tokens of planning scripts that a file holds."""

    def __init__(self, path: Path) -> None:
        self._file = LinesFile(path, _token)

    def owner(self, token: str) -> str:
        """Return the name under which a token was made; empty where there is no such token."""
        digest = _digest(token)
        found = ""
        for name, known in self._file.entries().items():
            if hmac.compare_digest(known, digest):
                found = name
        return found


def _token(line: str) -> tuple[str, str] | None:
    name, _, digest = line.partition(":")
    return (name, digest) if _NAME.fullmatch(name) and len(digest) == 64 else None


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def enter_account(path: Path, name: str, roles: Collection[str], password: str) -> None:
    """Enter a user, in the place of one of that name; ``password`` is what is kept of it.

    Raises:
        UsageError: the name or a role is none.
        Tg263Error: the file cannot be written.
    """
    wrong = sorted(set(roles) - set(ROLES))
    if wrong or not roles:
        raise UsageError(
            f"'{wrong[0]}' is not a role" if wrong else "a user without a role can do nothing",
            hint=f"roles are {', '.join(ROLES)}",
        )
    _enter(path, name, f"{','.join(role for role in ROLES if role in roles)}:{password}")


def enter_token(path: Path, name: str) -> str:
    """Make a token, in the place of one of that name, and return it: it is told this once.

    Raises:
        UsageError: the name is none.
        Tg263Error: the file cannot be written.
    """
    token = _TOKEN_BEGINS + secrets.token_urlsafe(32)
    _enter(path, name, _digest(token))
    return token


def _enter(path: Path, name: str, rest: str) -> None:
    if not _NAME.fullmatch(name):
        raise UsageError(
            f"'{name}' cannot be a name here", hint="1 to 64 characters without blanks and colons"
        )
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
        kept = [line for line in lines if line.partition(":")[0].strip() != name]
        with whole_file(path, replace=True, private=True) as (file, part):
            file.write("".join(f"{line}\n" for line in (*kept, f"{name}:{rest}")).encode())
            give_to_owner_of_folder(part)
    except OSError as problem:
        raise Tg263Error(
            f"{path} cannot be written: {problem.strerror}", hint="let this user write in its folder"
        ) from problem
