"""What a request must be, and what every answer carries: with a real desk, from outside."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from doubles.desks import FORM, Browser, desk_of, enter

from tg263_scp.desk.security.gate import hosts_of
from tg263_scp.desk.server import RunningDesk


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningDesk]:
    with desk_of(
        tmp_path_factory.mktemp("desk"), desk="port: 0, hosts: [desk.clinic.example], request_bytes: 4096"
    ) as running:
        yield running


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1.evil.example", "127.0.0.1:1", "", "desk.clinic.example.evil"]
)
def test_a_host_that_is_not_ours_is_refused(desk: RunningDesk, host: str) -> None:
    answer = enter(desk).get("/queue", Host=host)
    assert answer.status == 421
    assert "TG-263" not in answer.text


def test_names_of_this_computer_and_configured_ones_are_ours(desk: RunningDesk) -> None:
    port = urlsplit(desk.url).port
    for host in (
        f"localhost:{port}",
        f"LOCALHOST:{port}",
        "desk.clinic.example",
        f"desk.clinic.example:{port}",
    ):
        assert Browser(desk.url).get("/login", Host=host).status == 200, host


def test_a_request_with_two_hosts_is_refused(desk: RunningDesk) -> None:
    address = urlsplit(desk.url)
    with socket.create_connection((address.hostname, address.port), timeout=10) as connection:
        host = address.netloc.encode()
        connection.sendall(
            b"GET /login HTTP/1.1\r\nHost: " + host + b"\r\nHost: evil.example\r\nConnection: close\r\n\r\n"
        )
        assert connection.makefile("rb").readline().split()[1] in (b"400", b"421")


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://127.0.0.1:1", ""])
def test_a_form_of_another_page_changes_nothing(desk: RunningDesk, origin: str) -> None:
    browser = enter(desk)
    answer = browser.post("/logout", {"form_token": browser.get("/login").text}, Origin=origin)
    assert answer.status == 403
    assert browser.get("/login").status == 303, "still logged in"


def test_without_an_origin_the_browser_has_to_say_that_the_page_is_ours(desk: RunningDesk) -> None:
    for said, status in (
        (None, 403),
        ("cross-site", 403),
        ("same-site", 403),
        ("none", 403),
        ("same-origin", 303),
    ):
        browser = Browser(desk.url)
        fields = {"key": desk.visitors.link_key, "user": "anna"}
        assert browser.post("/enter", fields, Origin=None, Sec_Fetch_Site=said).status == status, said


def test_a_large_request_is_refused_however_it_comes(desk: RunningDesk) -> None:
    browser = Browser(desk.url)
    assert browser.post("/login", {"user": "x" * 5000}).status == 413
    pieces = (b"x" * 1000 for _ in range(20))
    assert browser.send("POST", "/login", pieces, Content_Type=FORM, Origin=desk.url).status == 413


def test_every_answer_forbids_what_is_not_ours(desk: RunningDesk) -> None:
    browser = enter(desk)
    for path in ("/login", "/queue", "/nowhere", "/api/v1/names", "/static/desk.css"):
        headers = browser.get(path).headers
        policy = headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert headers["x-frame-options"] == "DENY"
        assert headers["x-content-type-options"] == "nosniff"
        assert ("no-store" in headers["cache-control"]) == (path != "/static/desk.css")
        assert "server" not in headers


def test_a_web_socket_finds_nothing(desk: RunningDesk) -> None:
    answer = enter(desk).get(
        "/queue",
        Upgrade="websocket",
        Connection="Upgrade",
        Sec_WebSocket_Key="AAAAAAAAAAAAAAAAAAAAAA==",
        Sec_WebSocket_Version="13",
    )
    assert answer.status != 101


def test_an_address_of_version_6_stands_in_brackets(desk: RunningDesk) -> None:
    settings = desk.records.config.desk.model_copy(update={"host": "fd00::1"})
    assert "[fd00::1]:443" in hosts_of(settings, 443)
    assert "[fd00::1]" in hosts_of(settings, 443)
    assert "[fd00::1]" not in hosts_of(settings, 8263)
