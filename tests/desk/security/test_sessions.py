"""Logins: who they stand for, how long they last."""

from __future__ import annotations

from tg263_scp.desk.security import sessions as module
from tg263_scp.desk.security.sessions import CameBy, Sessions


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_login_lasts_while_it_is_used() -> None:
    clock = Clock()
    sessions = Sessions(10.0, clock)
    key = sessions.begin("anna", CameBy.LINK).key
    for clock.now in (9.0, 18.0, 27.0):
        found = sessions.find(key)
        assert found is not None
        assert found.user == "anna"
    clock.now = 38.0
    assert sessions.find(key) is None
    assert sessions.find("") is None


def test_logging_out_ends_it() -> None:
    sessions = Sessions(10.0, Clock())
    session = sessions.begin("anna", CameBy.PASSWORD)
    sessions.end(session.key)
    sessions.end(session.key)
    assert sessions.find(session.key) is None


def test_each_login_has_a_key_and_a_form_token_of_its_own() -> None:
    sessions = Sessions(10.0, Clock())
    one, other = sessions.begin("anna", CameBy.LINK), sessions.begin("anna", CameBy.LINK)
    assert len({one.key, one.form_token, other.key, other.form_token}) == 4


def test_where_there_are_too_many_the_longest_unused_makes_room(monkeypatch) -> None:
    monkeypatch.setattr(module, "_MOST", 2)
    clock = Clock()
    sessions = Sessions(10.0, clock)
    keys = []
    for clock.now in (0.0, 1.0, 2.0):
        keys.append(sessions.begin("anna", CameBy.LINK).key)
    assert [sessions.find(key) is not None for key in keys] == [False, True, True]


def test_notes_are_shown_once() -> None:
    session = Sessions(10.0, Clock()).begin("anna", CameBy.LINK)
    session.note("done")
    session.note("not done", "bad")
    assert session.taken_notes() == [("good", "done"), ("bad", "not done")]
    assert session.taken_notes() == []
