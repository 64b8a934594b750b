"""Several listeners at once, plain and with TLS: who gets in by which certificate, and what a new one changes."""

from __future__ import annotations

from contextlib import ExitStack

import pytest
from doubles.certificates import RSA, Authority
from doubles.loopback import wait_until

from tg263_scp.config.loading import load_config
from tg263_scp.config.sections import Listen
from tg263_scp.config.tls import ClientTls
from tg263_scp.dicom.network.doors import Doors
from tg263_scp.dicom.network.messages import InMemory
from tg263_scp.dicom.network.refusals import Reason
from tg263_scp.dicom.network.sender import Peer
from tg263_scp.dicom.network.statuses import StoreStatus
from tg263_scp.dicom.network.verification import EchoAnswer, echo
from tg263_scp.errors import Tg263Error
from tg263_scp.tls.calling import CallingTls
from tg263_scp.tls.certificates import certificates_in


@pytest.fixture
def authority(tmp_path):
    return Authority(tmp_path)


@pytest.fixture
def opened(authority, tmp_path):
    """A plain door and one with TLS; ``peers`` says who may come."""
    with ExitStack() as stack:

        def start(*, peers: str = "{}", **tls) -> Doors:
            path = tmp_path / "node.yaml"
            files = authority.sign(title="node").yaml(enabled="on", **tls)
            path.write_text(
                f"listen: {{port: 0}}\nlisteners: [{{host: localhost, tls: {files}}}]\npeers: {peers}\n"
            )
            config = load_config(path)
            doors: Doors = Doors(
                config.doors,
                config.peers,
                max_object_bytes=1 << 20,
                begin=InMemory,
                accept=lambda received: StoreStatus.SUCCESS,
            )
            doors.start()
            stack.callback(doors.stop, 0.0)
            return doors

        yield start


def calling(files, **more) -> CallingTls:
    settings = {"minimum_version": "1.2", "enabled": "on", "server_name": "", "certificates": []} | more
    return CallingTls(ClientTls(**files.settings(**settings)), "localhost")


def ask(doors: Doors, tls: CallingTls | None = None, *, door: int = 1) -> EchoAnswer:
    host, port = doors.addresses[door]
    return echo(Peer(host, port, "TG263", "TPS", 5.0, 5.0, 5.0, tls))


def test_a_plain_door_and_one_with_tls_are_open_at_the_same_time(opened, authority):
    doors = opened()
    assert ask(doors, door=0).answered
    answer = ask(doors, calling(authority.sign(title="tps")))
    assert answer.answered
    assert answer.text == "C-ECHO status 0x0000 over TLSv1.3"
    assert "CN=node" in answer.certificate.title
    assert not ask(doors).answered
    wait_until(lambda: doors.refused()[Reason.TLS] == 1)


@pytest.mark.parametrize("version", ["1.2", "1.3"])
def test_the_oldest_version_is_set_for_each_door(opened, authority, version):
    doors = opened(minimum_version=version)
    assert ask(doors, calling(authority.sign(title="tps"), minimum_version=version)).answered


def test_a_caller_without_a_certificate_or_with_a_strange_one_is_refused(opened, authority, tmp_path):
    doors = opened()
    stranger = Authority(tmp_path, "elsewhere").sign(title="tps")
    expired = authority.sign(title="old", days=-1)
    nothing = {"cert_file": "", "key_file": ""}
    for files, more in ((stranger, {"ca_file": str(authority.file)}), (expired, {}), (expired, nothing)):
        answer = ask(doors, calling(files, **more))
        assert not answer.answered
        assert answer.text.startswith("no TLS with the peer: "), answer.text
    wait_until(lambda: doors.refused()[Reason.TLS] == 3)


def test_callers_need_no_certificate_where_none_is_asked_for(opened, authority):
    doors = opened(client_certificates="none")
    assert ask(doors, calling(authority.sign(), cert_file="", key_file="")).answered


def test_only_listed_certificates_get_in_by_fingerprint_or_subject(opened, authority):
    listed = authority.sign(title="tps1", key=RSA)
    fingerprint = certificates_in(listed.cert_file)[0].sha256.upper()
    doors = opened(peers=f"{{certificates: ['{fingerprint}', 'CN=tps2']}}")
    assert ask(doors, calling(listed)).answered
    assert ask(doors, calling(authority.sign(title="tps2"))).answered
    refused = ask(doors, calling(authority.sign(title="tps3")))
    assert (refused.answered, "rejected" in refused.text) == (False, True)
    assert doors.refused()[Reason.CERTIFICATE] == 1
    assert ask(doors, door=0).answered


def test_a_listed_certificate_frees_from_no_other_list(opened, authority):
    doors = opened(peers="{certificates: ['CN=tps1'], ae_titles: [OTHER]}")
    assert not ask(doors, calling(authority.sign(title="tps1"))).answered
    assert doors.refused()[Reason.CALLING_AE_TITLE] == 1


@pytest.mark.parametrize(
    ("names", "days", "by", "said"),
    [
        (["pacs.example.org"], 300, "ca", "Hostname mismatch"),
        (["localhost"], -1, "ca", "certificate has expired"),
        (["localhost"], 300, "elsewhere", "unable to get local issuer certificate"),
    ],
)
def test_a_server_whose_certificate_is_not_right_is_not_called(
    opened, authority, tmp_path, names, days, by, said
):
    doors = opened()
    signer = authority if by == "ca" else Authority(tmp_path, by)
    signer.sign(*names, title="node", days=days)
    for kind in ("pem", "key"):
        (tmp_path / f"{by}-node.{kind}").replace(tmp_path / f"ca-node.{kind}")
    doors.reload()
    answer = ask(doors, calling(authority.sign(title="tps")))
    assert not answer.answered
    assert said in answer.text, answer.text


def test_a_self_signed_server_is_taken_only_where_its_certificate_is_the_one_we_trust(
    opened, authority, tmp_path
):
    doors = opened()
    tps = authority.sign(title="tps")
    alone = Authority(tmp_path, "alone")
    assert not ask(doors, calling(tps, ca_file=str(alone.file))).answered
    assert ask(doors, calling(tps, ca_file=str(tmp_path / "ca-node.pem"))).answered


def test_a_listed_server_may_bear_another_name_and_no_other_may(opened, authority, tmp_path):
    doors = opened()
    authority.sign("pacs.example.org", title="node")
    doors.reload()
    tps = authority.sign(title="tps")
    assert ask(doors, calling(tps, server_name="pacs.example.org")).answered
    assert ask(doors, calling(tps, certificates=["CN=node"])).answered
    refused = ask(doors, calling(tps, certificates=["CN=pacs"]))
    shown = certificates_in(tmp_path / "ca-node.pem")[0].sha256
    assert refused.text == (
        "no TLS with the peer: the certificate of the peer is none of those that are listed"
        f" (its SHA-256 is {shown})"
    )


def test_a_renewed_certificate_holds_for_the_next_connection_and_a_damaged_one_changes_nothing(
    opened, authority, tmp_path
):
    doors = opened()
    tps = calling(authority.sign(title="tps"))
    first = ask(doors, tps).certificate
    authority.sign(title="node")
    assert ask(doors, tps).certificate == first
    doors.reload()
    second = ask(doors, tps).certificate
    assert second != first
    (tmp_path / "ca-node.pem").write_text("nothing")
    with pytest.raises(Tg263Error, match="cannot be used for TLS"):
        doors.reload()
    assert ask(doors, tps).certificate == second


def test_where_one_door_cannot_be_opened_none_stays_open(authority, tmp_path):
    config = load_config(None)
    listens = [config.listen.model_copy(update={"port": 0}) for _ in range(2)]
    taken: Doors = made(listens[:1])
    taken.start()
    both: Doors = made([listens[0], listens[1].model_copy(update={"port": taken.addresses[0][1]})])
    with pytest.raises(Tg263Error, match="cannot listen on"):
        both.start()
    assert not both.listening
    assert taken.listening
    taken.stop(0.0)
    assert not taken.listening


def made(doors: list[Listen]) -> Doors:
    return Doors(
        doors,
        load_config(None).peers,
        max_object_bytes=1 << 20,
        begin=InMemory,
        accept=lambda received: StoreStatus.SUCCESS,
    )
