"""TLS with DCMTK's storescu and storescp and with Orthanc, both ways: what passes, and whose certificate is not taken."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import specimens
from comparison import renamed
from doubles.certificates import EC, RSA, Authority, Files
from foreign_peers import DcmtkReceiver, Orthanc
from processes import HOST, echo, free_port, run, wait_until
from serving_node import ServingNode

pytestmark = pytest.mark.peer

KEYS = {"RSA": RSA, "ECDSA": EC}
OLD_OPENSSL = "openssl_conf = a\n[a]\nssl_conf = b\n[b]\nsystem_default = c\n[c]\nMaxProtocol = TLSv1.2\n"
"""A configuration of OpenSSL that makes a program speak TLS 1.2 at most."""


def tls_options(files: Files, *profile: str) -> tuple[object, ...]:
    """Return DCMTK's options for a connection with certificates on both sides."""
    return ("+tls", files.key_file, files.cert_file, "+cf", files.ca_file, *profile)


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path, key=RSA)


@pytest.fixture
def make_tls_node(make_node: Callable[..., ServingNode]) -> Callable[..., tuple[ServingNode, int]]:
    """Make a running node with a plain door, by which the test asks it, and one with TLS; return it with the port of that."""

    def make(files: Files, *destinations: dict[str, Any], **tls: Any) -> tuple[ServingNode, int]:
        port = free_port()
        door = {"port": port, "tls": {"enabled": "on", **tls}}
        node = make_node(*destinations, tls=files.settings(), listeners=[door])
        return node.start(), port

    return make


def secured(destination: dict[str, Any], **tls: Any) -> dict[str, Any]:
    """Return a destination that is called with TLS."""
    return {**destination, "tls": {"enabled": "on", **tls}}


@pytest.mark.cell("TLS", "TLS {version}, {key}", "DCMTK calls")
@pytest.mark.cell("TLS", "TLS {version}, {key}", "DCMTK is called")
@pytest.mark.parametrize(
    ("version", "key", "profile"),
    [
        ("1.3", "RSA", "+py"),
        ("1.3", "RSA", "+px"),
        ("1.2", "RSA", "+pz"),
        ("1.2", "ECDSA", "+pz"),
        ("1.3", "ECDSA", "+py"),
    ],
)
def test_a_structure_set_passes_from_storescu_to_storescp(
    version: str,
    key: str,
    profile: str,
    tmp_path: Path,
    rtstruct: Path,
    make_tls_node: Callable[..., tuple[ServingNode, int]],
    make_receiver: Callable[..., DcmtkReceiver],
) -> None:
    authority = Authority(tmp_path, key=KEYS[key])
    sender, archive, own = (authority.sign(title=title, key=KEYS[key]) for title in ("tps", "pacs", "node"))
    receiver = make_receiver().start("+xa", *tls_options(archive, profile), answers=False)
    node, port = make_tls_node(own, secured(receiver.as_destination()), minimum_version=version)

    run("storescu", "-R", *tls_options(sender, profile), "-aec", node.ae_title, HOST, port, rtstruct)
    node.wait_for("sent", objects=1)

    (received,) = receiver.files().values()
    assert renamed(rtstruct, received) == specimens.RENAMED
    code, said = node.verb("echo")
    assert f"over TLSv{version}" in said, (code, said)


@pytest.mark.cell("TLS", "No TLS where TLS is wanted: refused", "DCMTK calls")
@pytest.mark.cell("TLS", "No certificate: refused", "DCMTK calls")
@pytest.mark.cell("TLS", "Certificate has expired: refused", "DCMTK calls")
@pytest.mark.cell("TLS", "Certificate of another authority: refused", "DCMTK calls")
@pytest.mark.cell("TLS", "Self-signed certificate: refused", "DCMTK calls")
def test_who_shows_no_good_certificate_is_not_let_in(
    authority: Authority, tmp_path: Path, make_tls_node: Callable[..., tuple[ServingNode, int]]
) -> None:
    node, port = make_tls_node(authority.sign(title="node", key=RSA))

    def gets_in(*options: object) -> bool:
        return echo(port, node.ae_title, *map(str, options))

    stranger = Authority(tmp_path, "elsewhere", key=RSA).sign(title="tps", key=RSA)
    trusting = ("+cf", authority.file)
    assert gets_in(*tls_options(authority.sign(title="tps", key=RSA)))
    assert not gets_in()
    assert not gets_in("+tla", *trusting)
    assert not gets_in(*tls_options(authority.sign(title="old", days=-1, key=RSA)))
    assert not gets_in("+tls", stranger.key_file, stranger.cert_file, *trusting)
    assert not gets_in(*tls_options(authority.self_signed()))
    assert "no TLS handshake came about (certificate has expired)" in node.output()


@pytest.mark.cell("TLS", "A new certificate after SIGHUP", "DCMTK calls")
def test_a_new_certificate_is_shown_after_sighup(
    authority: Authority, tmp_path: Path, make_tls_node: Callable[..., tuple[ServingNode, int]]
) -> None:
    files = authority.sign(title="node", days=-1, key=RSA)
    node, port = make_tls_node(files)
    caller = authority.sign(title="tps", key=RSA)

    def answers() -> bool:
        return echo(port, node.ae_title, *map(str, tls_options(caller)))

    assert not answers()
    authority.sign(title="node", key=RSA)
    assert not answers()
    node.hang_up()
    wait_until(answers, "the node shows its new certificate")


@pytest.mark.cell("TLS", "Certificate has expired: refused", "DCMTK is called")
@pytest.mark.cell("TLS", "Certificate for another name: refused", "DCMTK is called")
@pytest.mark.cell("TLS", "Certificate of another authority: refused", "DCMTK is called")
@pytest.mark.cell("TLS", "Self-signed certificate: refused", "DCMTK is called")
@pytest.mark.cell("TLS", "No certificate: refused", "DCMTK is called")
@pytest.mark.cell("TLS", "No TLS where TLS is wanted: refused", "DCMTK is called")
def test_a_storescp_with_a_wrong_certificate_is_not_called_and_the_reason_is_said(
    authority: Authority,
    tmp_path: Path,
    make_node: Callable[..., ServingNode],
    make_receiver: Callable[..., DcmtkReceiver],
) -> None:
    elsewhere = Authority(tmp_path, "elsewhere", key=RSA).sign(title="pacs", key=RSA)
    bad = {
        "expired": (authority.sign(title="old", days=-1, key=RSA), "certificate has expired"),
        "named": (authority.sign("pacs.example.org", title="name", key=RSA), "certificate is not valid for"),
        "strange": (elsewhere, "self-signed certificate in certificate chain"),
        "alone": (authority.self_signed(), "self-signed certificate"),
    }
    own = authority.sign(title="node", key=RSA)
    destinations = [
        secured(make_receiver(name).start("+xa", *tls_options(files), answers=False).as_destination(name))
        for name, (files, _) in bad.items()
    ]
    good = make_receiver("good").start(
        "+xa", *tls_options(authority.sign(title="good", key=RSA)), answers=False
    )
    nothing = {"cert_file": "", "key_file": ""}
    destinations += [
        secured(good.as_destination("good")),
        secured(good.as_destination("nameless"), **nothing),
    ]
    plain = make_receiver("plain").start()
    destinations.append(secured(plain.as_destination("plain")))
    node = make_node(*destinations, tls=own.settings())

    _, said = node.verb("echo", "--json")
    answers = {each["peer"]: each["text"] for each in json.loads(said)}
    for name, (_, reason) in bad.items():
        assert reason in answers[name], answers[name]
    assert "status 0x0000 over TLS" in answers["good"]
    assert "certificate required" in answers["nameless"]
    assert "no TLS with the peer" in answers["plain"]


@pytest.fixture
def start_orthanc(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Orthanc]]:
    """Start an Orthanc with TLS."""
    with ExitStack() as ending:

        def start(files: Files, *, openssl: str = "") -> Orthanc:
            folder = tmp_path_factory.mktemp("orthanc")
            orthanc = Orthanc(
                folder,
                overwrite=True,
                DicomTlsEnabled=True,
                DicomTlsCertificate=str(files.cert_file),
                DicomTlsPrivateKey=str(files.key_file),
                DicomTlsTrustedCertificates=str(files.ca_file),
            )
            if openssl:
                (folder / "openssl.cnf").write_text(openssl)
                orthanc.environment["OPENSSL_CONF"] = str(folder / "openssl.cnf")
            ending.callback(orthanc.kill)
            return orthanc.start(answers=False)

        yield start


def known_to(orthanc: Orthanc, node: ServingNode, port: int) -> None:
    """Enter the node's door with TLS in Orthanc."""
    entry = {"AET": node.ae_title, "Host": HOST, "Port": port, "UseDicomTls": True}
    orthanc.request("PUT", "/modalities/TG263", entry)


@pytest.mark.cell("TLS", "TLS {version}, RSA", "Orthanc calls")
@pytest.mark.cell("TLS", "TLS {version}, RSA", "Orthanc is called")
@pytest.mark.cell("TLS", "Certificate of another authority: refused", "Orthanc is called")
@pytest.mark.cell("TLS", "Certificate for another name: refused", "Orthanc is called")
@pytest.mark.cell("TLS", "No certificate: refused", "Orthanc is called")
@pytest.mark.parametrize("version", ["1.3", "1.2"])
def test_a_structure_set_goes_from_orthanc_and_comes_to_orthanc(
    version: str,
    authority: Authority,
    tmp_path: Path,
    rtstruct: Path,
    make_tls_node: Callable[..., tuple[ServingNode, int]],
    start_orthanc: Callable[..., Orthanc],
) -> None:
    own = authority.sign(title="node", key=RSA)
    orthanc = start_orthanc(
        authority.sign(title="orthanc", key=RSA), openssl=OLD_OPENSSL if version == "1.2" else ""
    )
    stranger = Authority(tmp_path, "elsewhere", key=RSA)
    node, port = make_tls_node(own, secured(orthanc.as_destination()))
    known_to(orthanc, node, port)

    orthanc.request("POST", "/instances", rtstruct.read_bytes())
    (uid,) = orthanc.instances()
    orthanc.rest("POST", "/modalities/TG263/store", [orthanc.instances()[uid]])
    node.wait_for("sent", objects=1)

    names = orthanc.roi_names(uid)
    assert names[: len(specimens.RENAMED)] == [*specimens.RENAMED.values()]
    _, said = node.verb("echo")
    assert f"over TLSv{version}" in said, said
    nothing = {"cert_file": "", "key_file": ""}
    wrong = [
        secured(orthanc.as_destination("stranger"), ca_file=str(stranger.file)),
        secured(orthanc.as_destination("name"), server_name="pacs.example.org"),
        secured(orthanc.as_destination("nameless"), **nothing),
    ]
    (tmp_path / "asking").mkdir()
    _, said = ServingNode(tmp_path / "asking", wrong, tls=own.settings()).verb("echo")
    assert said.count("no TLS with the peer") == 3, said


@pytest.mark.cell("TLS", "Certificate has expired: refused", "Orthanc calls")
@pytest.mark.cell("TLS", "Certificate has expired: refused", "Orthanc is called")
@pytest.mark.cell("TLS", "Self-signed certificate: refused", "Orthanc calls")
@pytest.mark.cell("TLS", "Self-signed certificate: refused", "Orthanc is called")
@pytest.mark.cell("TLS", "Certificate of another authority: refused", "Orthanc calls")
def test_an_orthanc_with_a_wrong_certificate_is_neither_let_in_nor_called(
    authority: Authority,
    tmp_path: Path,
    make_tls_node: Callable[..., tuple[ServingNode, int]],
    start_orthanc: Callable[..., Orthanc],
) -> None:
    stranger = Authority(tmp_path, "elsewhere", key=RSA).sign(title="orthanc", key=RSA)
    wrong = {
        "expired": authority.sign(title="old", days=-1, key=RSA),
        "alone": authority.self_signed(),
        "strange": Files(stranger.cert_file, stranger.key_file, authority.file),
    }
    there = {name: start_orthanc(files) for name, files in wrong.items()}
    destinations = [secured(orthanc.as_destination(name)) for name, orthanc in there.items()]
    node, port = make_tls_node(authority.sign(title="node", key=RSA), *destinations)

    _, said = node.verb("echo")
    assert said.count("no TLS with the peer") == len(wrong), said
    for orthanc in there.values():
        known_to(orthanc, node, port)
        with pytest.raises(AssertionError, match=r"modalities/TG263/echo: [45]"):
            orthanc.request("POST", "/modalities/TG263/echo", {})
    wait_until(lambda: node.output().count("no TLS handshake came about") >= len(wrong), "three were refused")
