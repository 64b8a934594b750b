from __future__ import annotations

import json
import os
import stat
from datetime import UTC, datetime, timedelta
from itertools import islice
from threading import Thread

import pytest

from tg263_scp.errors import AuditError, Tg263Error
from tg263_scp.service import audit
from tg263_scp.service.audit import (
    AuditLog,
    IdentifierHash,
    head_path,
    log_lines,
    newest_first,
    parts,
    verify,
)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "audit.jsonl"


def write(path, *kinds):
    log = AuditLog(path)
    for kind in kinds:
        log.append({"kind": kind, "old": "Größe β"})
    log.close()


def lines_of(path):
    return path.read_bytes().splitlines(keepends=True)


def test_an_untouched_log_verifies(path):
    write(path, "a", "b", "c")
    report = verify(path)
    assert (report.intact, report.lines) == (True, 3)


def test_an_empty_log_verifies(path):
    write(path)
    assert verify(path).intact


def test_a_restart_continues_the_chain(path):
    write(path, "a", "b")
    write(path, "c")
    assert verify(path).lines == 3
    assert [json.loads(line)["seq"] for line in lines_of(path)] == [1, 2, 3]


def test_a_changed_line_is_found(path):
    write(path, "a", "b", "c")
    path.write_bytes(path.read_bytes().replace(b'"b"', b'"x"'))
    report = verify(path)
    assert (report.intact, report.line) == (False, 2)
    assert "changed" in report.problem


@pytest.mark.parametrize("digit", range(64))
def test_every_digit_of_a_hash_counts(path, digit):
    write(path, "a")
    text = path.read_text(encoding="utf-8")
    place = text.index('"hash": "') + 9 + digit
    path.write_text(text[:place] + ("0" if text[place] != "0" else "1") + text[place + 1 :], encoding="utf-8")
    assert not verify(path).intact


def test_a_removed_line_is_found(path):
    write(path, "a", "b", "c")
    first, _, third = lines_of(path)
    path.write_bytes(first + third)
    assert (verify(path).intact, verify(path).line) == (False, 2)


def test_reordered_lines_are_found(path):
    write(path, "a", "b", "c")
    first, second, third = lines_of(path)
    path.write_bytes(first + third + second)
    assert verify(path).line == 2


def test_a_line_written_twice_is_found(path):
    write(path, "a", "b")
    first, second = lines_of(path)
    path.write_bytes(first + second + second)
    assert verify(path).line == 3


@pytest.mark.parametrize("kept", [0, 1, 2])
def test_lines_removed_from_the_end_are_found(path, kept):
    write(path, "a", "b", "c")
    path.write_bytes(b"".join(lines_of(path)[:kept]))
    assert (verify(path).intact, verify(path).line) == (False, kept + 1)


def test_a_forged_last_line_with_a_fitting_hash_is_found(path, tmp_path):
    write(path, "a", "b")
    write(tmp_path / "other.jsonl", "a", "x")
    path.write_bytes((tmp_path / "other.jsonl").read_bytes())
    assert not verify(path).intact


def test_a_missing_head_file_is_told(path):
    write(path, "a")
    head_path(path).unlink()
    assert "head file is missing" in verify(path).problem


def test_a_log_that_lost_its_end_is_not_continued(path):
    write(path, "a", "b")
    path.write_bytes(lines_of(path)[0])
    with pytest.raises(AuditError, match="1 lines"):
        AuditLog(path)


def test_a_log_whose_last_line_was_changed_is_not_continued(path):
    write(path, "a")
    path.write_bytes(path.read_bytes().replace(b'"a"', b'"x"'))
    with pytest.raises(AuditError, match="does not verify"):
        AuditLog(path)


@pytest.mark.parametrize("torn", [b"{", b'{"seq": 3, "time": "2026', b"\xff\x00"])
def test_a_torn_last_line_is_kept_aside_and_noted(path, torn):
    write(path, "a", "b")
    with path.open("ab") as file:
        file.write(torn)
    write(path, "c")
    report = verify(path)
    assert (report.intact, report.lines) == (True, 4)
    healed = json.loads(lines_of(path)[2])
    assert (healed["kind"], healed["torn_bytes"]) == ("healed", len(torn))
    (aside,) = path.parent.glob("audit.jsonl.torn-*")
    assert aside.read_bytes() == torn


def test_a_torn_line_longer_than_a_block_is_cut_at_its_start(path):
    write(path, "a")
    with path.open("ab") as file:
        file.write(b"x" * 200_000)
    write(path)
    assert verify(path).lines == 2


def test_a_head_file_one_line_behind_is_no_finding(path):
    write(path, "a")
    behind = head_path(path).read_bytes()
    write(path, "b")
    head_path(path).write_bytes(behind)
    assert verify(path).intact


def test_a_disk_that_refuses_leaves_no_half_line(path, monkeypatch):
    log = AuditLog(path)
    log.append({"kind": "a"})

    def refuse(_handle):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("tg263_scp.service.audit.os.fsync", refuse)
        with pytest.raises(OSError, match="No space"):
            log.append({"kind": "b"})
    log.append({"kind": "c"})
    log.close()
    assert verify(path).lines == 2


def test_threads_write_one_chain(path):
    log = AuditLog(path)
    threads = [Thread(target=lambda: [log.append({"kind": "a"}) for _ in range(10)]) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    log.close()
    assert (verify(path).intact, verify(path).lines) == (True, 40)


def test_a_log_has_one_writer(path):
    log = AuditLog(path)
    with pytest.raises(Tg263Error, match="in use"):
        AuditLog(path)
    log.close()


def test_a_decision_is_found_again(path):
    log = AuditLog(path)
    log.append({"kind": "a", "decision": "d1", "note": "d2"})
    assert log.holds("d1", after=0)
    assert not log.holds("d2", after=0)
    assert not log.holds("d1", after=1)
    log.close()


def test_the_log_is_private(path):
    write(path, "a")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_identifiers_are_hashed_with_a_key_that_stays(tmp_path):
    salt = tmp_path / "audit.salt"
    first, again = IdentifierHash(salt), IdentifierHash(salt)
    other = IdentifierHash(tmp_path / "other.salt")
    assert first("4711") == again("4711")
    assert first("4711") != other("4711")
    assert first("4711") != first("4712")
    assert first("") == ""
    assert stat.S_IMODE(salt.stat().st_mode) == 0o600


def test_a_broken_key_file_is_an_error_not_a_weak_key(tmp_path):
    (tmp_path / "audit.salt").write_text("")
    with pytest.raises(AuditError, match="is not a key"):
        IdentifierHash(tmp_path / "audit.salt")


@pytest.mark.parametrize(
    "rewritten",
    [
        pytest.param(lambda text: text.replace(b'"kind": "b"', b'"kind":  "b"'), id="a blank"),
        pytest.param(
            lambda text: text.replace(b'"kind": "b"', b'"kind": "x", "kind": "b"'), id="a key twice"
        ),
        pytest.param(lambda text: text.replace(b"\n", b" \n"), id="a blank at the end"),
        pytest.param(lambda text: text.replace("ö".encode(), b"\\u00f6"), id="another spelling"),
    ],
)
def test_a_line_that_was_rewritten_without_changing_its_content_is_found(path, rewritten):
    write(path, "a", "b", "c")
    first, second, third = lines_of(path)
    changed = rewritten(second)
    assert json.loads(changed) == json.loads(second)
    path.write_bytes(first + changed + third)
    assert (verify(path).intact, verify(path).line) == (False, 2)


def test_a_name_that_utf_8_has_no_bytes_for_is_written_and_verifies(path):
    log = AuditLog(path)
    log.append({"kind": "a", "old": "half \ud800"})
    log.close()
    assert verify(path).intact


def test_what_hides_in_a_name_stands_in_the_file_for_who_looks_at_it(path):
    names = ["Lung\u202e_L", "a\x9b31mb", "c\u2028d", "zero\u200bwidth", "Größe", "\U000e0041"]
    log = AuditLog(path)
    log.append({"kind": "a", "names": names})
    log.close()
    text = path.read_text(encoding="utf-8")
    assert text.removesuffix("\n").isprintable()
    assert "Größe" in text
    assert json.loads(text)["names"] == names
    assert verify(path).intact


def test_a_log_in_which_something_hides_as_earlier_versions_wrote_it_verifies(path, monkeypatch):
    with monkeypatch.context() as earlier:
        earlier.setattr(audit, "_as_written", audit._as_written_before)
        log = AuditLog(path)
        log.append({"kind": "a", "old": "Lung\u202e_L"})
        log.close()
    assert "\u202e" in path.read_text(encoding="utf-8")
    assert verify(path).intact


def rotated(path, *kinds, **options):
    log = AuditLog(path, **{"rotate_bytes": 1, **options})
    for kind in kinds:
        log.append({"kind": kind, "decision": kind})
    log.close()


def test_a_large_log_goes_on_in_a_new_file_and_the_chain_through_all(path):
    rotated(path, "a", "b")
    rotated(path, "c")
    names = [part.name for part in parts(path)]
    assert names == ["audit.jsonl.000000000001", "audit.jsonl.000000000002", "audit.jsonl"]
    assert (verify(path).intact, verify(path).lines) == (True, 3)
    assert [json.loads(line)["kind"] for line in log_lines(path)] == ["a", "b", "c"]
    assert [json.loads(line)["kind"] for line in islice(newest_first(path), 2)] == ["c", "b"]
    assert {stat.S_IMODE(part.stat().st_mode) for part in parts(path)} == {0o600}


def test_each_of_the_files_can_be_verified_alone(path):
    rotated(path, "a", "b", "c")
    for part in parts(path)[:-1]:
        assert verify(part).intact
        part.write_bytes(part.read_bytes().replace(b'"kind": "', b'"kind": "x'))
        assert not verify(part).intact


@pytest.mark.parametrize("removed", [0, 1])
def test_a_file_that_is_missing_is_found(path, removed):
    rotated(path, "a", "b", "c")
    parts(path)[removed].unlink()
    assert (verify(path).intact, verify(path).line) == (False, removed + 1)


def test_an_old_log_goes_on_in_a_new_file(path):
    now = [datetime(2026, 1, 1, tzinfo=UTC)]
    log = AuditLog(path, rotate_after_s=86400, now=lambda: now[0])
    log.append({"kind": "a"})
    now[0] += timedelta(hours=23)
    log.append({"kind": "b"})
    assert len(parts(path)) == 1
    now[0] += timedelta(hours=2)
    log.append({"kind": "c"})
    log.close()
    assert len(parts(path)) == 2
    assert verify(path).intact


def test_cut_off_between_the_two_files_the_chain_goes_on(path):
    write(path, "a", "b")
    path.rename(path.with_name("audit.jsonl.000000000001"))
    write(path, "c")
    assert (verify(path).intact, verify(path).lines) == (True, 3)


def test_a_disk_that_takes_no_new_file_keeps_the_old_one_going(path, monkeypatch):
    log = AuditLog(path, rotate_bytes=1)
    log.append({"kind": "a"})

    def refuse(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("tg263_scp.service.audit._opened", refuse)
    log.append({"kind": "b"})
    log.close()
    assert [part.name for part in parts(path)] == ["audit.jsonl"]
    assert verify(path).lines == 2


def test_a_decision_is_found_again_in_an_earlier_file(path):
    rotated(path, "a", "b")
    log = AuditLog(path)
    assert log.holds("a", after=0)
    assert not log.holds("a", after=1)
    log.close()


def test_starting_reads_the_end_of_the_log_alone(path):
    """Not the whole: a first line that is broken is found by ``verify``, and only by it."""
    write(path, "a", "b", "c")
    path.write_bytes(path.read_bytes().replace(b'"a"', b'"x"'))
    write(path, "d")
    assert (verify(path).intact, verify(path).line) == (False, 1)


def test_a_last_line_that_is_not_the_one_of_the_head_file_is_not_continued(path, tmp_path):
    write(path, "a", "b")
    write(tmp_path / "other.jsonl", "a", "x")
    path.write_bytes((tmp_path / "other.jsonl").read_bytes())
    with pytest.raises(AuditError, match="does not verify"):
        AuditLog(path)


def test_the_log_is_private_whatever_the_umask(path):
    before = os.umask(0)
    try:
        write(path, "a")
    finally:
        os.umask(before)
    for file in (path, head_path(path)):
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
