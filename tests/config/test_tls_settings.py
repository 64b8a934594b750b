"""The section `tls`: what holds everywhere, what a place says itself, and what does not go together."""

from __future__ import annotations

import pytest

from tg263_scp.config.loading import load_config
from tg263_scp.config.tls import subject_pairs
from tg263_scp.errors import ConfigError

FILES = "tls: {cert_file: own.pem, key_file: own.key, ca_file: ca.pem}\n"


@pytest.fixture
def load(tmp_path):
    def from_text(text: str):
        path = tmp_path / "node.yaml"
        path.write_text(text, encoding="utf-8")
        return load_config(path)

    return from_text


def test_nothing_is_encrypted_unless_it_is_said():
    config = load_config(None)
    assert not config.listen.tls.enabled
    assert not config.destination_defaults.tls.enabled
    assert config.listen.tls.client_certificates == "required"


def test_the_files_of_the_section_hold_wherever_tls_is_on(load, tmp_path):
    config = load(
        FILES
        + "listen: {tls: {enabled: on}}\n"
        + "listeners: [{port: 2762, tls: {cert_file: second.pem, key_file: second.key}}]\n"
        + "destinations: [{name: pacs, host: pacs, port: 104, ae_title: PACS, tls: {enabled: on, ca_file: theirs.pem}}]\n"
    )
    assert config.listen.tls.cert_file == tmp_path / "own.pem"
    assert config.listeners[0].tls.enabled
    assert config.listeners[0].tls.cert_file == tmp_path / "second.pem"
    assert config.listeners[0].tls.ca_file == tmp_path / "ca.pem"
    assert config.listeners[0].port == 2762
    (pacs,) = config.destinations
    assert (pacs.tls.ca_file, pacs.tls.key_file) == (tmp_path / "theirs.pem", tmp_path / "own.key")
    assert not config.destination_defaults.tls.enabled


@pytest.mark.parametrize(
    ("desk", "certified"),
    [
        ("{port: 0}", None),
        ("{port: 0, host: 0.0.0.0}", "own.pem"),
        ("{port: 0, host: 0.0.0.0, plain_http: yes}", None),
        ("{port: 0, host: 0.0.0.0, cert_file: desk.pem, key_file: desk.key}", "desk.pem"),
    ],
)
def test_a_desk_that_the_network_reaches_has_the_certificate_of_the_section(load, tmp_path, desk, certified):
    config = load(FILES + f"desk: {desk}\n")
    assert config.desk.cert_file == (tmp_path / certified if certified else None)


def test_a_listener_has_what_listen_says_where_it_says_nothing(load):
    config = load("listen: {port: 104, ae_title: RELABEL, idle_s: 9}\nlisteners: [{port: 105}]\n")
    assert [(door.port, door.ae_title, door.idle_s) for door in config.doors] == [
        (104, "RELABEL", 9),
        (105, "RELABEL", 9),
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("listen: {tls: {enabled: on}}", "listen.tls.cert_file: is needed to listen with TLS"),
        ("tls: {cert_file: a.pem}", "tls.cert_file: needs key_file as well"),
        (
            "listen: {tls: {enabled: on, cert_file: a, key_file: b}}",
            "listen.tls.ca_file: is needed to check the certificates of callers",
        ),
        ("tls: {minimum_version: 1.1}", "tls.minimum_version: must be '1.2' or '1.3'"),
        ("listen: {tls: {enable: on}}", "unknown key 'enable' in 'listen.tls'"),
        ("listeners: [{ports: 2}]", "unknown key 'ports' in 'listeners'"),
        ("listeners: [{port: 11112}]", "listeners.0.port: something else of this node listens on"),
        ("peers: {certificates: ['CN=tps']}", "peers.certificates: are never seen"),
        ("peers: {certificates: [tps]}", "must be a SHA-256 fingerprint"),
        ("peers: {certificates: ['XX=tps']}", "must be a SHA-256 fingerprint"),
        (
            "listeners: [{port: 105}]\ndestinations: [{name: a, host: localhost, port: 105, ae_title: A}]",
            "is this node itself",
        ),
    ],
)
def test_what_cannot_work_is_said_with_its_place(load, text, said):
    with pytest.raises(ConfigError) as refused:
        load(text)
    assert said in refused.value.message
    assert "node.yaml" in refused.value.message


def test_a_certificate_is_listed_by_fingerprint_or_subject(load):
    digits = "AB" * 32
    colons = ":".join(["ab"] * 32)
    config = load(
        FILES
        + "listen: {tls: {enabled: on}}\n"
        + f"peers: {{certificates: ['{digits}', 'sha256:{colons}', 'CN=tps, O=Clinic']}}\n"
    )
    assert config.peers.certificates == ["ab" * 32, "ab" * 32, "CN=tps, O=Clinic"]


@pytest.mark.parametrize("odd", ["CN=", "CN", "=x", "CN=a,,O=b", "CN=a,", ""])
def test_a_subject_that_is_not_written_so_is_none(odd):
    assert subject_pairs(odd) is None
