"""One program at a time on a folder, whichever version it is."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread

import pytest

from tg263_scp.errors import Tg263Error
from tg263_scp.service.node import LOCK_NAME
from tg263_scp.service.sole_owner import sole_owner

posix_only = pytest.mark.skipif(os.name == "nt", reason="version 0.2.0 took no lock on Windows")


@contextmanager
def as_version_0_2_0(path: Path) -> Iterator[None]:
    """Take the lock as the program did before it used a library for it."""
    import fcntl

    with path.open("ab") as file:
        fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield


def test_a_folder_has_one_owner(tmp_path: Path) -> None:
    lock = tmp_path / "lock"
    with sole_owner(lock, "the spool"), pytest.raises(Tg263Error) as caught, sole_owner(lock, "the spool"):
        pass
    assert caught.value.message == f"the spool is in use by another process ({lock})"
    assert caught.value.hint == "stop it, or use another folder"
    with sole_owner(lock, "the spool"):
        pass


def test_another_thread_may_let_it_go(tmp_path: Path) -> None:
    lock = tmp_path / "lock"
    owner = sole_owner(lock, "it")
    owner.__enter__()
    letting_go = Thread(target=owner.__exit__, args=(None, None, None))
    letting_go.start()
    letting_go.join()
    with sole_owner(lock, "it"):
        pass


@posix_only
def test_a_lock_that_cannot_be_opened_is_not_said_to_be_in_use(tmp_path: Path) -> None:
    with pytest.raises(IsADirectoryError), sole_owner(tmp_path, "it"):
        pass


@posix_only
def test_where_the_old_program_runs_the_new_one_does_not_start(tmp_path: Path) -> None:
    assert LOCK_NAME == "node.lock"
    lock = tmp_path / LOCK_NAME
    with as_version_0_2_0(lock), pytest.raises(Tg263Error, match="in use"), sole_owner(lock, "it"):
        pass
    with sole_owner(lock, "it"):
        pass


@posix_only
def test_where_the_new_program_runs_the_old_one_does_not_start(tmp_path: Path) -> None:
    lock = tmp_path / LOCK_NAME
    with sole_owner(lock, "it"), pytest.raises(BlockingIOError), as_version_0_2_0(lock):
        pass
    with as_version_0_2_0(lock):
        pass
