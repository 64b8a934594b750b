"""``doctor`` shows each certificate with its chain, its names and the days it is valid yet."""

from __future__ import annotations

import json

import pytest
from doubles.certificates import Authority
from doubles.loopback import unused_port

from tg263_scp.cli import main
from tg263_scp.config.loading import load_config
from tg263_scp.dicom.network.doors import Doors
from tg263_scp.dicom.network.messages import InMemory
from tg263_scp.dicom.network.statuses import StoreStatus
from tg263_scp.tools.operate.echo import node_check
from tg263_scp.tools.operate.tls_checks import SOON_DAYS, own_certificate_checks
from tg263_scp.tools.shared.exitcode import ExitCode

pytestmark = pytest.mark.usefixtures("loaded_once")


@pytest.fixture
def authority(tmp_path):
    return Authority(tmp_path)


def configured(folder, files, port, *, destination="", **tls):
    path = folder / "node.yaml"
    path.write_text(
        f"listen: {{port: {port}, ae_title: NODE, tls: {files.yaml(enabled='on', **tls)}}}\n"
        "spool: {min_free_bytes: 1 MiB}\nllm: {enabled: no}\n"
        f"tls: {files.yaml()}\ndestinations: [{destination}]\n"
    )
    return path


@pytest.fixture
def running():
    started = []

    def start(path) -> Doors:
        config = load_config(path)
        doors: Doors = Doors(
            config.doors,
            config.peers,
            max_object_bytes=1 << 20,
            begin=InMemory,
            accept=lambda _: StoreStatus.SUCCESS,
        )
        doors.start()
        started.append(doors)
        return doors

    yield start
    for doors in started:
        doors.stop(0.0)


def examined(path, capsys):
    code = main(["doctor", "--config", str(path), "--json"])
    return code, {check["name"]: check for check in json.loads(capsys.readouterr().out)}


def test_chain_names_and_days_are_shown_of_both_ends(tmp_path, authority, running, capsys):
    archive = tmp_path / "archive"
    archive.mkdir()
    port = unused_port()
    there = running(configured(archive, authority.sign("localhost", title="archive", days=100.5), 0))
    destination = f"{{name: pacs, host: localhost, port: {there.addresses[0][1]}, ae_title: NODE, tls: {{enabled: on}}}}"
    files = authority.sign("node.example.org", "127.0.0.1", title="node", days=60.5)
    code, checks = examined(configured(tmp_path, files, port, destination=destination), capsys)
    assert code == ExitCode.DONE, checks
    own = checks[f"certificate at 127.0.0.1:{port}"]["detail"]
    assert "CN=node for node.example.org, 127.0.0.1, 60 days left" in own
    assert "callers have to show a certificate; O=Clinic ca" in own
    assert "CN=node" in checks["certificate for pacs"]["detail"]
    theirs = checks["certificate of pacs"]["detail"]
    assert "CN=archive for localhost, 100 days left" in theirs
    assert "signed by O=Clinic ca" in theirs
    assert "over TLSv1.3" in checks["destination pacs"]["detail"]


def test_an_issuer_in_the_file_is_part_of_the_chain(tmp_path, authority):
    files = authority.sign(title="node")
    with files.cert_file.open("ab") as chain:
        chain.write(authority.file.read_bytes())
    (check,) = own_certificate_checks(load_config(configured(tmp_path, files, 0)))
    assert check.detail.count("O=Clinic ca") == 2
    assert " < O=Clinic ca" in check.detail


@pytest.mark.parametrize(("days", "said"), [(SOON_DAYS - 1, "days left"), (-1, "expired on ")])
def test_a_certificate_that_ends_soon_or_has_ended_is_a_finding(tmp_path, authority, days, said):
    files = authority.sign(title="node", days=days)
    (check,) = own_certificate_checks(load_config(configured(tmp_path, files, 0)))
    assert not check.good
    assert said in check.detail
    assert "SIGHUP" in check.hint


def test_a_key_that_others_can_read_is_a_finding(tmp_path, authority):
    files = authority.sign(title="node")
    files.key_file.chmod(0o644)
    (check,) = own_certificate_checks(load_config(configured(tmp_path, files, 0)))
    assert not check.good
    assert check.hint.startswith("chmod 600")


def test_a_destination_that_shows_the_wrong_name_is_a_finding_with_the_reason(
    tmp_path, authority, running, capsys
):
    archive = tmp_path / "archive"
    archive.mkdir()
    there = running(configured(archive, authority.sign("pacs.example.org", title="archive"), 0))
    destination = f"{{name: pacs, host: localhost, port: {there.addresses[0][1]}, ae_title: NODE, tls: {{enabled: on}}}}"
    files = authority.sign(title="node")
    code, checks = examined(configured(tmp_path, files, unused_port(), destination=destination), capsys)
    assert code == ExitCode.FINDINGS
    assert "no TLS with the peer: Hostname mismatch" in checks["destination pacs"]["detail"]
    assert "certificate of pacs" not in checks


@pytest.mark.parametrize("listed", ["[]", "['CN=somebody else']"])
def test_a_running_node_with_tls_is_recognised(tmp_path, authority, running, listed):
    path = configured(tmp_path, authority.sign(title="node"), unused_port())
    path.write_text(path.read_text() + f"peers: {{certificates: {listed}}}\n")
    running(path)
    assert node_check("node", load_config(path)).good


def test_another_program_at_the_port_is_not_taken_for_the_node(tmp_path, authority, running):
    other = tmp_path / "other"
    other.mkdir()
    there = running(configured(other, authority.sign(title="other"), 0))
    path = configured(tmp_path, authority.sign(title="node"), there.addresses[0][1])
    assert not node_check("node", load_config(path)).good


def test_who_may_call_counts_certificates(tmp_path, authority, capsys):
    path = configured(tmp_path, authority.sign(title="node"), unused_port())
    path.write_text(path.read_text().replace("ae_title: NODE, tls", "host: 0.0.0.0, ae_title: NODE, tls"))
    assert examined(path, capsys)[1]["who may call"]["detail"] == "who shows a certificate that we trust"
    path.write_text(path.read_text().replace('"enabled"', '"client_certificates": "none", "enabled"'))
    assert not examined(path, capsys)[1]["who may call"]["good"]
