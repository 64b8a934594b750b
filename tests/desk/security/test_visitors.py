"""Who comes in, and what each may do."""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest

from tg263_scp.config.loading import load_config
from tg263_scp.desk.security import passwords
from tg263_scp.desk.security.accounts import enter_account, enter_token
from tg263_scp.desk.security.passwords import hashed
from tg263_scp.desk.security.sessions import Session
from tg263_scp.desk.security.visitors import Refusal, Visitor, Visitors

HERE = "127.0.0.1"
PASSWORD = "correct horse battery"


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture(autouse=True)
def cheap(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passwords, "COST", 1 << 4)


def visitors_of(folder: Path, clock: Clock | None = None, **settings: Any) -> Visitors:
    desk = load_config().desk.model_copy(
        update={"users": folder / "desk.users", "tokens": folder / "desk.tokens", **settings}
    )
    return Visitors(desk, clock or Clock())


def seen(visitors: Visitors, session: Session | Refusal, headers: Mapping[str, str] = {}) -> Visitor | None:
    assert isinstance(session, Session), session
    return visitors.visitor(session.key, HERE, headers)


def test_a_user_logs_in_and_may_what_the_file_says(tmp_path: Path) -> None:
    visitors = visitors_of(tmp_path)
    assert not visitors.has_accounts
    enter_account(tmp_path / "desk.users", "anna", ["decide"], hashed(PASSWORD))
    assert visitors.has_accounts
    session = visitors.log_in("anna", PASSWORD, HERE)
    visitor = seen(visitors, session)
    assert visitor is not None
    assert [visitor.may(role) for role in ("look", "decide", "approve", "operate")] == [
        True,
        True,
        False,
        False,
    ]
    (tmp_path / "desk.users").write_text("")
    assert seen(visitors, session) is None


@pytest.mark.parametrize(
    ("user", "password"), [("anna", "wrong"), ("ben", PASSWORD), ("", ""), ("proxied", "")]
)
def test_who_does_not_fit_does_not_come_in(tmp_path: Path, user: str, password: str) -> None:
    enter_account(tmp_path / "desk.users", "anna", ["look"], hashed(PASSWORD))
    enter_account(tmp_path / "desk.users", "proxied", ["look"], "")
    assert isinstance(visitors_of(tmp_path).log_in(user, password, HERE), Refusal)


def test_guessing_ends_after_some_tries_and_even_the_right_password_waits_then(tmp_path: Path) -> None:
    enter_account(tmp_path / "desk.users", "anna", ["look"], hashed(PASSWORD))
    clock = Clock()
    visitors = visitors_of(tmp_path, clock)
    for _ in range(5):
        refused = visitors.log_in("anna", "wrong", HERE)
        assert isinstance(refused, Refusal)
        assert not refused.wait_s
    refused = visitors.log_in("anna", PASSWORD, HERE)
    assert isinstance(refused, Refusal)
    clock.now += refused.wait_s + 1
    assert isinstance(visitors.log_in("anna", PASSWORD, HERE), Session)


def test_the_link_lets_in_with_every_role_under_the_name_that_is_given(tmp_path: Path) -> None:
    visitors = visitors_of(tmp_path)
    visitor = seen(visitors, visitors.log_in_by_link(visitors.link_key, "Anna Berg", HERE))
    assert visitor is not None
    assert visitor.user == "Anna Berg"
    assert all(visitor.may(role) for role in ("look", "decide", "approve", "operate"))


@pytest.mark.parametrize("user", ["", "x" * 65, "anna\nben", "\u202eanna"])
def test_the_link_wants_a_name_that_a_log_can_keep(tmp_path: Path, user: str) -> None:
    visitors = visitors_of(tmp_path)
    assert isinstance(visitors.log_in_by_link(visitors.link_key, user, HERE), Refusal)


def test_a_wrong_key_or_a_link_that_is_switched_off_lets_nobody_in(tmp_path: Path) -> None:
    visitors = visitors_of(tmp_path)
    assert isinstance(visitors.log_in_by_link("ä" + visitors.link_key[1:], "anna", HERE), Refusal)
    without = visitors_of(tmp_path, login_link=False)
    assert isinstance(without.log_in_by_link(without.link_key, "anna", HERE), Refusal)


def test_the_keys_of_a_link_cannot_be_tried_for_long(tmp_path: Path) -> None:
    visitors = visitors_of(tmp_path)
    said = [visitors.log_in_by_link("guess", "anna", HERE) for _ in range(6)]
    assert isinstance(said[-1], Refusal)
    assert said[-1].wait_s


PROXY = {
    "proxy_addresses": [ip_network("10.1.2.3/32")],
    "proxy_user_header": "X-Remote-User",
    "proxy_roles": ["look"],
}


def test_a_proxy_that_is_named_says_who_it_is(tmp_path: Path) -> None:
    enter_account(tmp_path / "desk.users", "ben", ["operate"], "")
    visitors = visitors_of(tmp_path, **PROXY)
    for user, roles in (("anna", {"look"}), ("ben", {"operate"})):
        visitor = visitors.visitor("", "10.1.2.3", {"X-Remote-User": user})
        assert visitor is not None
        assert (visitor.user, visitor.roles) == (user, roles)


def test_from_anywhere_else_the_header_of_a_proxy_means_nothing(tmp_path: Path) -> None:
    visitors = visitors_of(tmp_path, **PROXY)
    assert visitors.visitor("", "10.1.2.4", {"X-Remote-User": "anna"}) is None
    assert visitors_of(tmp_path).visitor("", HERE, {"X-Remote-User": "anna"}) is None
    assert visitors.visitor("", "10.1.2.3", {"X-Remote-User": ""}) is None


def test_a_login_through_a_proxy_is_good_only_through_it_and_for_its_user(tmp_path: Path) -> None:
    visitors = visitors_of(tmp_path, **PROXY)
    visitor = visitors.visitor("", "10.1.2.3", {"X-Remote-User": "anna"})
    assert visitor is not None
    key = visitor.session.key
    again = visitors.visitor(key, "10.1.2.3", {"X-Remote-User": "anna"})
    assert again is not None
    assert again.session.key == key
    other = visitors.visitor(key, "10.1.2.3", {"X-Remote-User": "ben"})
    assert other is not None
    assert (other.user, other.session.key != key) == ("ben", True)
    assert visitors.visitor(key, HERE, {"X-Remote-User": "anna"}) is None


def test_a_token_is_counted_and_has_to_wait(tmp_path: Path) -> None:
    token = enter_token(tmp_path / "desk.tokens", "eclipse")
    visitors = visitors_of(tmp_path, requests_per_minute=2)
    assert [visitors.script(f"Bearer {token}") for _ in range(2)] == ["eclipse"] * 2
    refused = visitors.script(f"bearer {token}")
    assert isinstance(refused, Refusal)
    assert refused.wait_s


@pytest.mark.parametrize("said", ["", "Bearer", "Bearer wrong", "Basic {}", "{}"])
def test_without_a_token_a_script_learns_nothing(tmp_path: Path, said: str) -> None:
    token = enter_token(tmp_path / "desk.tokens", "eclipse")
    refused = visitors_of(tmp_path).script(said.format(token))
    assert isinstance(refused, Refusal)
    assert not refused.wait_s
