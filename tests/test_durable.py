"""A file is there whole or not at all, and what is there stays unless it is to be replaced."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from threading import Barrier, Thread

import pytest

from tg263_scp.durable import publish, whole_file


def write(target: Path, content: bytes, **how: bool) -> None:
    with whole_file(target, **how) as (file, _):
        file.write(content)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.fixture(params=["with hard links", "without hard links"])
def _links(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(1, "no hard links here")

    if request.param == "without hard links":
        monkeypatch.setattr(os, "link", refuse)


@pytest.mark.usefixtures("_links")
def test_a_file_is_never_overwritten_unless_that_is_wanted(tmp_path: Path) -> None:
    write(tmp_path / "key", b"one")
    with pytest.raises(FileExistsError):
        write(tmp_path / "key", b"two")
    assert (tmp_path / "key").read_bytes() == b"one"
    write(tmp_path / "key", b"three", replace=True)
    assert (tmp_path / "key").read_bytes() == b"three"
    assert names(tmp_path) == ["key"]


@pytest.mark.usefixtures("_links")
def test_a_link_that_leads_nowhere_is_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / "key").symlink_to("nowhere")
    with pytest.raises(FileExistsError):
        write(tmp_path / "key", b"one")
    assert names(tmp_path) == ["key"]


@pytest.mark.usefixtures("_links")
def test_of_threads_that_write_the_same_file_one_wins(tmp_path: Path) -> None:
    start, refused = Barrier(8), []

    def one(number: int) -> None:
        start.wait()
        try:
            write(tmp_path / "copy", b"%d" % number)
        except FileExistsError:
            refused.append(number)

    threads = [Thread(target=one, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(refused) == 7
    assert int((tmp_path / "copy").read_bytes()) not in refused
    assert names(tmp_path) == ["copy"]


@pytest.mark.parametrize("replace", [False, True])
def test_a_block_that_fails_leaves_nothing_and_changes_nothing(tmp_path: Path, replace: bool) -> None:
    if replace:
        write(tmp_path / "table", b"old")

    def stopped() -> None:
        with whole_file(tmp_path / "table", replace=replace) as (file, _):
            file.write(b"half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        stopped()
    assert names(tmp_path) == (["table"] if replace else [])
    assert not replace or (tmp_path / "table").read_bytes() == b"old"


@pytest.mark.parametrize("replace", [False, True])
def test_first_the_bytes_are_on_the_disk_then_the_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, replace: bool
) -> None:
    target, done, fsync = tmp_path / "file", [], os.fsync

    def spy(handle: int) -> None:
        kind = "folder" if stat.S_ISDIR(os.fstat(handle).st_mode) else "bytes"
        done.append((kind, target.exists()))
        fsync(handle)

    monkeypatch.setattr(os, "fsync", spy)
    write(target, b"content", replace=replace)
    assert done == [("bytes", False), ("folder", True)]


def test_a_disk_that_refuses_leaves_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(handle: int) -> None:
        raise OSError(28, "No space left on device")

    write(tmp_path / "table", b"old")
    monkeypatch.setattr(os, "fsync", refuse)
    with pytest.raises(OSError, match="No space"):
        write(tmp_path / "table", b"new", replace=True)
    assert (tmp_path / "table").read_bytes() == b"old"
    assert names(tmp_path) == ["table"]


def test_the_file_can_be_read_before_it_has_its_name(tmp_path: Path) -> None:
    with whole_file(tmp_path / "file") as (file, part):
        file.write(b"content")
        file.flush()
        assert part.read_bytes() == b"content"
        file.seek(0)
        assert file.read() == b"content"
        assert not (tmp_path / "file").exists()


def test_the_longest_name_there_is_can_be_given(tmp_path: Path) -> None:
    target = tmp_path / ("ü" * 127)  # 254 bytes of 255
    write(target, b"content")
    assert names(tmp_path) == [target.name]


@pytest.mark.skipif(os.name == "nt", reason="rights as POSIX has them")
def test_a_private_file_is_for_its_owner_alone(tmp_path: Path) -> None:
    write(tmp_path / "key", b"secret", private=True)
    assert stat.S_IMODE((tmp_path / "key").stat().st_mode) == 0o600


def test_what_cannot_be_published_is_kept(tmp_path: Path) -> None:
    (tmp_path / "part").write_bytes(b"new")
    (tmp_path / "copy").write_bytes(b"old")
    with pytest.raises(FileExistsError):
        publish(tmp_path / "part", tmp_path / "copy")
    assert names(tmp_path) == ["copy", "part"]
    (tmp_path / "copy").unlink()
    publish(tmp_path / "part", tmp_path / "copy")
    assert names(tmp_path) == ["copy"]
