"""The store of decisions: append-only, chained, written by one at a time, read by all."""

from __future__ import annotations

import json
import threading
from pathlib import Path

import pytest

from tg263_scp.errors import ReviewError
from tg263_scp.service.audit import head_path, verify
from tg263_scp.service.review.decisions import WHOLE_CLINIC, Ruled, Standing, Wish
from tg263_scp.service.review.store import STORE_NAME, ReviewStore


def wish(name: str = "qqx", by: str = "anna", **more: str) -> Wish:
    return Wish(name, Ruled.RENAME, WHOLE_CLINIC, by, becomes="Bladder", **more)


def decide(store: ReviewStore, *names: str) -> list[str]:
    with store.writing() as writer:
        return [writer.decided(wish(name), waits=False).id for name in names]


@pytest.fixture
def store(tmp_path: Path) -> ReviewStore:
    return ReviewStore(tmp_path)


def test_what_was_decided_is_read_by_every_other_program(store: ReviewStore, tmp_path: Path) -> None:
    (id,) = decide(store, "qqx")
    other = ReviewStore(tmp_path)
    assert other.refresh()
    found = other.decision(id)
    assert (found.name, found.becomes, found.by, found.standing) == (
        "qqx",
        "Bladder",
        "anna",
        Standing.ACTIVE,
    )
    decide(store, "qqy")
    assert other.refresh()
    assert [each.name for each in other.decisions()] == ["qqx", "qqy"]
    assert not other.refresh()


def test_undoing_and_approving_are_further_entries_never_an_erasure(store: ReviewStore) -> None:
    (id,) = decide(store, "qqx")
    with store.writing() as writer:
        undone = writer.undone(id, by="ben", why="the wrong one")
    assert (undone.standing, undone.undone_by, undone.undone_why) == (Standing.UNDONE, "ben", "the wrong one")
    assert [entry.kind for entry in store.entries()] == ["decided", "undone"]
    assert store.entries()[0].decision.standing is Standing.UNDONE
    assert "qqx" in store.path.read_text()
    with store.writing() as writer:
        waiting = writer.decided(wish("qqz"), waits=True)
        approved = writer.approved(waiting.id, by="cleo", why="")
    assert (waiting.standing, approved.standing, approved.approved_by) == (
        Standing.WAITING,
        Standing.ACTIVE,
        "cleo",
    )


def test_a_decision_in_the_place_of_another_undoes_it(store: ReviewStore) -> None:
    (id,) = decide(store, "qqx")
    with store.writing() as writer:
        writer.decided(wish("qqx", instead_of=id), waits=False)
    assert [each.standing for each in store.decisions()] == [Standing.UNDONE, Standing.ACTIVE]


def test_the_chain_is_that_of_the_audit_log_and_for_its_owner_alone(store: ReviewStore) -> None:
    decide(store, "qqx", "qqy")
    assert verify(store.path).intact
    assert store.path.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("fault", ["changed", "removed", "cut", "gone", "no json"])
def test_a_damaged_store_is_not_read_and_what_was_known_stays(
    store: ReviewStore, tmp_path: Path, fault: str
) -> None:
    decide(store, "qqx", "qqy", "qqz")
    lines = store.path.read_bytes().splitlines(keepends=True)
    damaged = {
        "changed": [lines[0], lines[1].replace(b"Bladder", b"Rectum!"), lines[2]],
        "removed": [lines[0], lines[2]],
        "cut": lines[:2],
        "no json": [*lines, b"hello\n"],
    }
    if fault == "gone":
        store.path.unlink()
    else:
        store.path.write_bytes(b"".join(damaged[fault]))
    for reader in (ReviewStore(tmp_path), store):
        with pytest.raises(ReviewError) as caught:
            reader.refresh()
        assert caught.value.reason == "damaged"
    assert len(store.decisions()) == 3
    with pytest.raises(ReviewError):
        decide(store, "more")


def test_a_line_that_is_being_written_is_read_when_it_is_complete(store: ReviewStore, tmp_path: Path) -> None:
    decide(store, "qqx", "qqy")
    whole, head = store.path.read_bytes(), head_path(store.path).read_bytes()
    decide(store, "qqz")
    after = store.path.read_bytes()
    store.path.write_bytes(after[:-5])
    head_path(store.path).write_bytes(head)
    other = ReviewStore(tmp_path)
    other.refresh()
    assert len(other.decisions()) == 2
    with store.path.open("ab") as file:
        file.write(after[-5:])
    assert other.refresh()
    assert len(other.decisions()) == 3
    assert after.startswith(whole)


def test_a_read_only_store_says_so_and_nothing_is_decided(
    store: ReviewStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    decide(store, "qqx")

    def refuse(*_: object, **__: object) -> int:
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr("tg263_scp.service.audit.os.open", refuse)
    with pytest.raises(ReviewError, match="Read-only") as caught:
        decide(store, "qqy")
    assert caught.value.reason == "read_only"
    store.refresh()
    assert len(store.decisions()) == 1


def test_two_programs_that_decide_at_once_write_one_after_the_other(tmp_path: Path, no_fsync: None) -> None:
    stores = [ReviewStore(tmp_path) for _ in range(3)]
    names = [[f"n{number}-{n}" for n in range(10)] for number in range(3)]
    threads = [
        threading.Thread(target=lambda s=store, each=each: [decide(s, name) for name in each])
        for store, each in zip(stores, names, strict=True)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert verify(tmp_path / STORE_NAME).intact
    stores[0].refresh()
    assert {each.name for each in stores[0].decisions()} == {name for each in names for name in each}


def test_a_name_that_looks_like_an_identifier_stands_as_a_digest(store: ReviewStore) -> None:
    digest = store.digest("Muster 4711998", make_key=True)
    with store.writing() as writer:
        found = writer.decided(wish("Muster 4711998"), name_digest=digest, waits=False)
    assert (found.name, found.name_digest) == ("", digest)
    assert "Muster" not in store.path.read_text()
    assert store.digest("muster  4711998") == digest
    assert store.path.with_name("review.salt").stat().st_mode & 0o777 == 0o600


def test_a_kind_of_line_that_a_later_version_writes_is_passed_over(store: ReviewStore) -> None:
    decide(store, "qqx")
    with store.writing() as writer:
        writer._log.append({"kind": "renamed_wildly", "id": "0", "by": "x", "why": ""})
    decide(store, "qqy")
    assert [each.name for each in store.decisions()] == ["qqx", "qqy"]
    assert json.loads(store.path.read_text().splitlines()[1])["kind"] == "renamed_wildly"
