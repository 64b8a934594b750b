"""The files of users and tokens."""

from __future__ import annotations

from pathlib import Path

import pytest

from tg263_scp.desk.security.accounts import Tokens, accounts_in, enter_account, enter_token
from tg263_scp.errors import Tg263Error


def test_a_user_is_entered_and_found(tmp_path: Path) -> None:
    path = tmp_path / "spool" / "desk.users"
    enter_account(path, "anna", ["decide", "look"], "kept")
    account = accounts_in(path).entries()["anna"]
    assert (account.roles, account.password) == ({"look", "decide"}, "kept")
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_second_entry_takes_the_place_of_the_first(tmp_path: Path) -> None:
    path = tmp_path / "desk.users"
    users = accounts_in(path)
    enter_account(path, "anna", ["operate"], "")
    enter_account(path, "ben", ["look"], "")
    assert set(users.entries()) == {"anna", "ben"}
    enter_account(path, "anna", ["look"], "")
    assert users.entries()["anna"].roles == {"look"}
    assert len(path.read_text().splitlines()) == 2


def test_a_line_taken_out_ends_what_it_allowed(tmp_path: Path) -> None:
    path = tmp_path / "desk.users"
    users = accounts_in(path)
    enter_account(path, "anna", ["look"], "")
    assert "anna" in users.entries()
    path.write_text("")
    assert users.entries() == {}
    path.unlink()
    assert users.entries() == {}


@pytest.mark.parametrize("name", ["", "a b", "a:b", "a\nb", "x" * 65])
def test_what_cannot_be_a_name_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(Tg263Error, match="cannot be a name"):
        enter_account(tmp_path / "desk.users", name, ["look"], "")


@pytest.mark.parametrize("roles", [["admin"], []])
def test_what_is_no_role_is_refused(tmp_path: Path, roles: list[str]) -> None:
    with pytest.raises(Tg263Error, match="role"):
        enter_account(tmp_path / "desk.users", "anna", roles, "")


def test_a_line_that_cannot_be_read_is_no_user_and_an_unknown_role_no_role(tmp_path: Path) -> None:
    path = tmp_path / "desk.users"
    path.write_text("\n:look:\nanna:admin,look:\n#comment\n")
    assert accounts_in(path).entries()["anna"].roles == {"look"}


def test_a_token_is_known_by_its_digest_alone(tmp_path: Path) -> None:
    path = tmp_path / "desk.tokens"
    token = enter_token(path, "eclipse")
    tokens = Tokens(path)
    assert tokens.owner(token) == "eclipse"
    assert token not in path.read_text()
    assert tokens.owner(token[:-1]) == tokens.owner("") == ""


def test_a_new_token_of_a_name_ends_the_old_one(tmp_path: Path) -> None:
    path = tmp_path / "desk.tokens"
    old, new = enter_token(path, "eclipse"), enter_token(path, "eclipse")
    assert [Tokens(path).owner(token) for token in (old, new)] == ["", "eclipse"]


def test_a_folder_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(Tg263Error, match="cannot be written"):
        enter_token(tmp_path / "file" / "desk.tokens", "eclipse")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
