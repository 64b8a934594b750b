"""The desk as a process: port, certificate, link file."""

from __future__ import annotations

import logging
import socket
import ssl
from http.client import HTTPSConnection
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import trustme
from doubles.desks import Browser, desk_of, write_config
from doubles.loopback import unused_port

from tg263_scp.desk import server
from tg263_scp.desk.server import running_desk
from tg263_scp.errors import ConfigError, Tg263Error


def test_the_link_lies_in_a_file_for_its_owner_alone_while_the_desk_runs(tmp_path: Path) -> None:
    with desk_of(tmp_path) as desk:
        path = desk.records.config.desk.link_file
        assert path.read_text().strip() == desk.login_link
        assert path.stat().st_mode & 0o777 == 0o600
        assert Browser(desk.url).get("/login").status == 200
    assert not path.exists()
    with pytest.raises(ConnectionRefusedError):
        Browser(desk.url).get("/login")


def test_the_link_never_reaches_the_log(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with desk_of(tmp_path) as desk:
        Browser(desk.url).get(desk.login_link.removeprefix(desk.url))
        Browser(desk.url).post("/enter", {"key": desk.visitors.link_key, "user": "anna"})
    assert desk.url in caplog.text
    assert desk.visitors.link_key not in caplog.text


def test_the_link_file_of_a_desk_started_since_stays(tmp_path: Path) -> None:
    with desk_of(tmp_path):
        with desk_of(tmp_path) as newer:
            pass
        newer.records.config.desk.link_file.write_text("http://another")
    assert newer.records.config.desk.link_file.exists()


def test_without_a_link_there_is_no_file(tmp_path: Path) -> None:
    with desk_of(tmp_path, desk="port: 0, login_link: no") as desk:
        assert not desk.records.config.desk.link_file.exists()


def test_a_port_that_is_taken_is_said(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        path = write_config(tmp_path, desk=f"port: {taken.getsockname()[1]}")
        with pytest.raises(Tg263Error, match="cannot listen"), running_desk(path):
            pass


def test_a_link_file_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "spool").touch()
    with pytest.raises(Tg263Error, match="login link cannot be written"), desk_of(tmp_path):
        pass


def test_a_connection_that_asks_for_nothing_is_ended_and_one_that_asks_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "REQUEST_WITHIN_S", 0.5)
    with desk_of(tmp_path) as desk:
        address = urlsplit(desk.url)
        for said in (b"", b"GET /login HTTP/1.1\r\nHost:"):
            with socket.create_connection((str(address.hostname), address.port or 0), timeout=30) as silent:
                silent.sendall(said)
                assert silent.recv(1) == b""
        assert Browser(desk.url).get("/login").status == 200


@pytest.fixture
def certified(tmp_path: Path) -> tuple[Path, str]:
    authority = trustme.CA()
    certificate = authority.issue_cert("localhost", "127.0.0.1")
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    certificate.private_key_pem.write_to_path(tmp_path / "key.pem")
    (tmp_path / "key.pem").chmod(0o600)
    for blob in certificate.cert_chain_pems:
        blob.write_to_path(tmp_path / "cert.pem", append=True)
    return tmp_path, "cert_file: cert.pem, key_file: key.pem"


def test_with_a_certificate_it_speaks_https_alone(certified: tuple[Path, str]) -> None:
    folder, settings = certified
    with desk_of(folder, desk=f"port: 0, {settings}") as desk:
        host = desk.url.removeprefix("https://")
        context = ssl.create_default_context(cafile=str(folder / "ca.pem"))
        connection = HTTPSConnection(host, timeout=10, context=context)
        connection.request("GET", "/login")
        answer = connection.getresponse()
        assert answer.status == 200
        assert answer.getheader("Strict-Transport-Security")
        answer.read()
        fields = f"key={desk.visitors.link_key}&user=anna"
        headers = {"Content-Type": "application/x-www-form-urlencoded", "Origin": desk.url}
        connection.request("POST", "/enter", fields, headers)
        assert "Secure" in str(connection.getresponse().getheader("Set-Cookie"))
        connection.close()
        with pytest.raises((OSError, ssl.SSLError)):
            Browser(f"http://{host}").get("/login")


def test_a_key_that_others_can_read_is_refused(certified: tuple[Path, str]) -> None:
    folder, settings = certified
    (folder / "key.pem").chmod(0o644)
    with (
        pytest.raises(Tg263Error, match="other users can read"),
        desk_of(folder, desk=f"port: 0, {settings}"),
    ):
        pass


def test_an_old_version_of_tls_is_not_spoken(certified: tuple[Path, str]) -> None:
    folder, settings = certified
    with desk_of(folder, desk=f"port: 0, {settings}") as desk:
        address = urlsplit(desk.url)
        context = ssl.create_default_context(cafile=str(folder / "ca.pem"))
        context.set_ciphers("AES128-GCM-SHA256:@SECLEVEL=0")
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        with (
            socket.create_connection((str(address.hostname), address.port or 0), timeout=10) as plain,
            pytest.raises(ssl.SSLError),
        ):
            context.wrap_socket(plain, server_hostname="127.0.0.1")


def test_a_certificate_that_cannot_be_used_is_said(tmp_path: Path) -> None:
    (tmp_path / "cert.pem").write_text("no certificate")
    (tmp_path / "key.pem").write_text("no key")
    (tmp_path / "key.pem").chmod(0o600)
    settings = "port: 0, cert_file: cert.pem, key_file: key.pem"
    with pytest.raises(Tg263Error, match="certificate"), desk_of(tmp_path, desk=settings):
        pass


@pytest.mark.parametrize(
    ("settings", "key"),
    [
        ("host: 0.0.0.0, port: 0", "desk.host"),
        ("port: 0, cert_file: cert.pem", "desk.key_file"),
        ("port: 0, key_file: key.pem", "desk.cert_file"),
        ("proxy_roles: [admin]", "desk.proxy_roles"),
        ("proxy_user_header: 'X-A: b'", "desk.proxy_user_header"),
        ("request_bytes: 10", "desk.request_bytes"),
    ],
)
def test_settings_that_would_let_in_the_wrong_are_refused(tmp_path: Path, settings: str, key: str) -> None:
    with pytest.raises(ConfigError, match=key), desk_of(tmp_path, desk=settings):
        pass


def test_on_all_interfaces_it_answers_to_the_names_that_are_given(tmp_path: Path) -> None:
    port = unused_port()
    settings = f"host: 0.0.0.0, port: {port}, plain_http: yes, hosts: [desk.clinic.example]"
    with desk_of(tmp_path, desk=settings) as desk:
        assert desk.url == f"http://desk.clinic.example:{port}"
        browser = Browser(f"http://127.0.0.1:{port}")
        assert browser.get("/login", Host=f"desk.clinic.example:{port}").status == 200
        assert browser.get("/login", Host=f"10.1.2.3:{port}").status == 421
