"""Contexts are those of BCP 195 (PS3.15 B.12): versions, suites, keys; and a key that others can read is refused."""

from __future__ import annotations

import os
import ssl

import pytest
from doubles.certificates import RSA, Authority

from tg263_scp.config.tls import ServerTls, Tls
from tg263_scp.errors import Tg263Error
from tg263_scp.tls.contexts import (
    TLS_1_2_SUITES,
    TLS_1_3_SUITES,
    Reloadable,
    client_context,
    refuse_open_key,
    server_context,
)


@pytest.fixture
def authority(tmp_path):
    return Authority(tmp_path)


def server(files, **more):
    settings = {"minimum_version": "1.2", "enabled": "on", "client_certificates": "required"} | more
    return ServerTls(**files.settings(**settings))


def client(files, **more):
    return Tls(**files.settings(**({"minimum_version": "1.2"} | more)))


def shake(ours: ssl.SSLContext, theirs: ssl.SSLContext, *, server_side: bool) -> ssl.SSLObject:
    """Shake hands in memory; return our side."""
    pipes = ssl.MemoryBIO(), ssl.MemoryBIO()
    name = {True: None, False: "127.0.0.1"}
    one = ours.wrap_bio(*pipes, server_side=server_side, server_hostname=name[server_side])
    other = theirs.wrap_bio(*pipes[::-1], server_side=not server_side, server_hostname=name[not server_side])
    waiting = [one, other]
    for _ in range(10):
        for side in list(waiting):
            try:
                side.do_handshake()
                waiting.remove(side)
            except ssl.SSLWantReadError:
                continue
    assert not waiting
    return one


def test_the_suites_are_those_that_rfc_9325_recommends_and_those_of_tls_1_3(authority):
    for context in (server_context(server(authority.sign())), client_context(client(authority.sign()))):
        names = [suite["name"] for suite in context.get_ciphers()]
        assert [name for name in names if name.startswith("TLS_")] == list(TLS_1_3_SUITES)
        assert [name for name in names if not name.startswith("TLS_")] == list(TLS_1_2_SUITES)
        assert all(suite["aead"] for suite in context.get_ciphers())
        assert context.options & ssl.OP_NO_RENEGOTIATION
        assert context.options & ssl.OP_NO_COMPRESSION


def loose(**versions) -> ssl.SSLContext:
    """A client that would do anything."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.minimum_version = versions.get("minimum", ssl.TLSVersion.TLSv1_2)
    context.maximum_version = versions.get("maximum", ssl.TLSVersion.TLSv1_3)
    return context


def test_tls_1_2_and_1_3_are_spoken(authority):
    ours = server_context(server(authority.sign(), client_certificates="none"))
    for version, name in ((ssl.TLSVersion.TLSv1_2, "TLSv1.2"), (ssl.TLSVersion.TLSv1_3, "TLSv1.3")):
        assert shake(ours, loose(minimum=version, maximum=version), server_side=True).version() == name


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_older_versions_are_not_spoken_and_1_2_is_not_where_1_3_is_wanted(authority):
    ours = server_context(server(authority.sign(), client_certificates="none"))
    old = loose(minimum=ssl.TLSVersion.TLSv1, maximum=ssl.TLSVersion.TLSv1_1)
    with pytest.raises(ssl.SSLError):
        shake(ours, old, server_side=True)
    newest = server_context(server(authority.sign(), client_certificates="none", minimum_version="1.3"))
    with pytest.raises(ssl.SSLError):
        shake(newest, loose(maximum=ssl.TLSVersion.TLSv1_2), server_side=True)


@pytest.mark.parametrize("suite", ["AES128-GCM-SHA256", "ECDHE-RSA-AES128-SHA", "DHE-RSA-AES128-GCM-SHA256"])
def test_suites_without_forward_secrecy_or_authenticated_encryption_are_refused(tmp_path, suite):
    authority = Authority(tmp_path, key=RSA)
    ours = server_context(server(authority.sign(key=RSA), client_certificates="none"))
    theirs = loose(maximum=ssl.TLSVersion.TLSv1_2)
    theirs.set_ciphers(f"{suite}:@SECLEVEL=0")
    with pytest.raises(ssl.SSLError):
        shake(ours, theirs, server_side=True)


def test_mutual_authentication_is_asked_for_by_default(authority):
    ours = server_context(server(authority.sign()))
    with pytest.raises(ssl.SSLError):
        shake(ours, loose(maximum=ssl.TLSVersion.TLSv1_2), server_side=True)
    with_certificate = client_context(client(authority.sign(title="tps")))
    assert shake(ours, with_certificate, server_side=True).getpeercert()


def test_a_certificate_may_itself_be_what_is_trusted(authority, tmp_path):
    theirs = authority.sign(title="pacs")
    ours = client_context(Tls(cert_file=None, key_file=None, ca_file=theirs.cert_file, minimum_version="1.2"))
    far = server_context(server(theirs, client_certificates="none"))
    assert shake(ours, far, server_side=False).getpeercert()


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604, 0o660, 0o602])
def test_a_key_that_others_can_read_or_change_is_refused(authority, mode, monkeypatch):
    files = authority.sign()
    files.key_file.chmod(mode)
    owner = os.stat_result((mode, 0, 0, 1, 1000, 1000, 0, 0, 0, 0))
    monkeypatch.setattr(type(files.key_file), "stat", lambda self: owner)
    with pytest.raises(Tg263Error, match="other users can read or change this private key"):
        server_context(server(files))


def test_a_key_of_root_may_be_readable_by_its_group(authority, monkeypatch):
    key = authority.sign().key_file
    for mode, owner in ((0o640, 0), (0o600, 1000), (0o400, 1000)):
        found = os.stat_result((mode, 0, 0, 1, owner, 1000, 0, 0, 0, 0))
        monkeypatch.setattr(type(key), "stat", lambda self, found=found: found)
        refuse_open_key(key)


def test_files_that_cannot_be_used_are_named(authority, tmp_path):
    files, other = authority.sign(title="one"), authority.sign(title="two")
    with pytest.raises(Tg263Error, match=r"ca-one\.pem with .*ca-two\.key cannot be used for TLS"):
        client_context(client(files, key_file=str(other.key_file)))
    with pytest.raises(Tg263Error, match=r"absent\.pem cannot be used for TLS: No such file"):
        client_context(client(files, ca_file=str(tmp_path / "absent.pem")))
    with pytest.raises(Tg263Error, match=r"absent\.key cannot be used for TLS: No such file"):
        client_context(client(files, key_file=str(tmp_path / "absent.key")))


def test_what_cannot_be_used_leaves_the_context_as_it_was(authority):
    files = authority.sign()
    holder = Reloadable(lambda: client_context(client(files)))
    before = holder.current
    files.cert_file.write_text("nothing")
    with pytest.raises(Tg263Error):
        holder.reload()
    assert holder.current is before
    authority.sign()
    holder.reload()
    assert holder.current is not before
