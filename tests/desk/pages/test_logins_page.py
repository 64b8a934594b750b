"""Coming in and going out, in a browser."""

from __future__ import annotations

from pathlib import Path

import pytest
from doubles.desks import Browser, desk_of, enter, journal_of, write_config

from tg263_scp.desk.security import passwords
from tg263_scp.desk.security.accounts import enter_account
from tg263_scp.desk.security.passwords import hashed

pytestmark = pytest.mark.usefixtures("loaded_once")


@pytest.fixture(autouse=True)
def cheap(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passwords, "COST", 1 << 4)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    journal_of(write_config(tmp_path)).close()
    return tmp_path


def test_who_is_not_logged_in_sees_the_login_page_only(folder: Path) -> None:
    with desk_of(folder) as desk:
        for path in ("/", "/queue", "/object/1", "/destinations", "/health"):
            answer = Browser(desk.url).get(path)
            while answer.status == 303 and answer.headers["location"] != "/login":
                answer = Browser(desk.url).get(answer.headers["location"])
            assert answer.headers["location"] == "/login", path
        assert "tg263-scp desk link" in Browser(desk.url).get("/login").text


def test_a_user_logs_in_and_out(folder: Path) -> None:
    with desk_of(folder) as desk:
        enter_account(desk.records.config.desk.users, "anna", ["look"], hashed("correct horse battery"))
        browser = Browser(desk.url)
        wrong = browser.post("/login", {"user": "anna", "password": "correct horse"})
        assert (wrong.status, browser.cookie) == (403, "")
        assert "do not fit together" in wrong.text
        right = browser.post("/login", {"user": "anna", "password": "correct horse battery"})
        assert right.status == 303
        cookie = right.headers["set-cookie"]
        assert "HttpOnly" in cookie
        assert "SameSite=strict" in cookie
        assert "Secure" not in cookie
        assert ">anna<" in browser.get("/queue").text
        browser.submit("/queue", "/logout")
        assert browser.get("/queue").headers["location"] == "/login"


def test_guessing_is_slowed_down(folder: Path) -> None:
    with desk_of(folder) as desk:
        browser = Browser(desk.url)
        said = [browser.post("/login", {"user": "anna", "password": f"guess {n}"}).status for n in range(6)]
        assert said == [403] * 5 + [429]
        refused = browser.post("/login", {"user": "anna", "password": "x"})
        assert int(refused.headers["retry-after"]) > 0


def test_the_link_asks_who_comes_and_lets_nobody_in_without_its_key(folder: Path) -> None:
    with desk_of(folder) as desk:
        browser = Browser(desk.url)
        page = browser.get(desk.login_link.removeprefix(desk.url))
        assert page.values("key") == [desk.visitors.link_key]
        assert browser.cookie == ""
        refused = browser.post("/enter", {"key": "wrong", "user": "anna"})
        assert (refused.status, browser.cookie) == (403, "")
        assert browser.post("/enter", {"key": desk.visitors.link_key, "user": ""}).status == 403
        assert enter(desk).get("/login").status == 303


def test_a_link_of_markup_is_shown_as_text(folder: Path) -> None:
    with desk_of(folder) as desk:
        page = Browser(desk.url).get('/enter?key="><script>alert(1)</script>'.replace(" ", "%20"))
        assert "<script>alert" not in page.text


def test_through_an_encrypting_proxy_the_cookie_is_for_https_only(folder: Path) -> None:
    settings = "port: 0, proxy_addresses: [127.0.0.1], hosts: [desk.clinic.example]"
    with desk_of(folder, desk=settings) as desk:
        browser = Browser(desk.url, {"X-Remote-User": "anna", "X-Forwarded-Proto": "https"})
        page = browser.get("/queue", Host="desk.clinic.example")
        assert page.status == 200
        assert "Secure" in page.headers["set-cookie"]
        assert ">anna<" in page.text
        sent = {"form_token": page.form_token}
        answer = browser.post(
            "/health/examine", sent, Host="desk.clinic.example", Origin="https://desk.clinic.example"
        )
        assert answer.status == 303


def test_what_is_no_form_is_refused(folder: Path) -> None:
    with desk_of(folder) as desk:
        browser = Browser(desk.url)
        for kind in ("multipart/form-data; boundary=x", "application/json", "text/plain"):
            assert browser.send("POST", "/login", "{}", Content_Type=kind, Origin=desk.url).status == 415
