"""``echo``: do the peers answer, or does the node itself?"""

from __future__ import annotations

import re
import socket
from dataclasses import replace
from pathlib import Path

from tg263_scp.config.loading import load_config
from tg263_scp.config.networks import in_networks
from tg263_scp.config.sections import Config, Destination, Listen
from tg263_scp.config.tls import ClientTls, ServerTls
from tg263_scp.dicom.network.sender import Peer, peer_of
from tg263_scp.dicom.network.verification import EchoAnswer
from tg263_scp.dicom.network.verification import echo as send_echo
from tg263_scp.tls.calling import CallingTls
from tg263_scp.tls.certificates import certificates_in
from tg263_scp.tools.operate.checks import Check, found, show
from tg263_scp.tools.shared.exitcode import ExitCode, UsageError
from tg263_scp.tools.shared.terminal import print_json

ECHO_TIMEOUT_S = 10.0
_HERE = {"0.0.0.0": "127.0.0.1", "": "127.0.0.1", "::": "::1"}
"""How to call from here what listens on every address."""
_PEER = re.compile(
    r"(?P<ae>[^@\\\x00-\x1f\x7f-\U0010ffff]{1,16})@(?P<host>\[[0-9A-Fa-f:.]+\]|[^:@\[\]]+):(?P<port>\d{1,5})"
)


def echo(peer: str | None, node: bool, calling: str | None, config: Path | None, as_json: bool) -> ExitCode:
    """The verb ``echo``; ``node`` calls the node that the configuration describes, ``calling`` is the title to call with."""
    title = _own_title(calling) if calling is not None else None
    if node and (peer is not None or config is None):
        raise UsageError("--node goes with --config, and with no peer", hint="give --config FILE alone")
    if node:
        checks = [node_check("node", load_config(config), calling=title)]
    else:
        checks = [
            echo_check(name, replace(called, calling_ae_title=title) if title else called)
            for name, called in _peers(peer, config)
        ]
    if as_json:
        print_json([{"peer": check.name, "answered": check.good, "text": check.detail} for check in checks])
    else:
        show(checks)
    return found(checks)


def _peers(peer: str | None, config: Path | None) -> list[tuple[str, Peer]]:
    if peer is None:
        if config is None:
            raise UsageError("say whom to call", hint="give AE@HOST:PORT, or --config for its destinations")
        return [(each.name, called_now(each)) for each in load_config(config).destinations]
    given = _PEER.fullmatch(peer)
    if not given or not given["ae"].strip() or not 0 < int(given["port"]) < 65536:
        raise UsageError("a peer is written AE@HOST:PORT", hint="such as TG263@127.0.0.1:11112")
    calling = load_config(config).listen.ae_title
    timeouts = (ECHO_TIMEOUT_S,) * 3
    return [(peer, Peer(given["host"].strip("[]"), int(given["port"]), given["ae"], calling, *timeouts))]


def _own_title(text: str) -> str:
    """Return an AE title given by the user, as PS3.5 6.2 wants it."""
    title = text.strip()
    if not 1 <= len(title) <= 16 or "\\" in title or not (title.isascii() and title.isprintable()):
        raise UsageError(
            "--calling takes an AE title", hint="1 to 16 printable ASCII characters, no backslash (PS3.5 6.2)"
        )
    return title


def called_now(destination: Destination) -> Peer:
    """Return a destination as a peer to be called now: it has less time than for an object.

    Raises:
        Tg263Error: a file that TLS with it needs cannot be used.
    """
    peer = peer_of(destination)
    return replace(
        peer,
        connect_timeout_s=min(ECHO_TIMEOUT_S, peer.connect_timeout_s),
        acse_timeout_s=min(ECHO_TIMEOUT_S, peer.acse_timeout_s),
        dimse_timeout_s=min(ECHO_TIMEOUT_S, peer.dimse_timeout_s),
    )


def echo_check(name: str, peer: Peer) -> Check:
    """Send a C-ECHO (PS3.7 9.1.5) to a peer; ``name`` is what the user calls it."""
    return said_by(name, peer, send_echo(peer))


def said_by(name: str, peer: Peer, answer: EchoAnswer) -> Check:
    """Say what a peer answered."""
    hint = "is it running, does it know our AE title, does a firewall let us through?"
    if peer.tls and not answer.answered:
        hint = "is TLS on at both ends, does each trust who signed the other's certificate, and is its name right?"
    place = f"{peer.ae_title}@{peer.host}:{peer.port}"
    detail = answer.text if name == place else f"{place}: {answer.text}"
    return Check(name, answer.answered, detail, hint)


def node_check(name: str, config: Config, door: Listen | None = None, calling: str | None = None) -> Check:
    """Does the node that ``config`` describes answer here? It is called by ``calling``, or by a title that it lets in.

    A node that lets its own address not in closes the connection unasked: then that is its answer. So does one that shows its
    certificate and takes no call with it.

    Raises:
        Tg263Error: a file that TLS needs cannot be used.
    """
    listen = door or config.listen
    host = _HERE.get(listen.host, listen.host)
    if config.peers.addresses and not in_networks(host, config.peers.addresses):
        return _turned_away(name, host, listen.port)
    calling = calling or (config.peers.ae_titles or [listen.ae_title])[0]
    tls = _as_itself(listen.tls, host) if listen.tls.enabled else None
    node = Peer(host, listen.port, listen.ae_title, calling, *(ECHO_TIMEOUT_S,) * 3, tls)
    answer = send_echo(node)
    if answer.certificate and not answer.answered:
        place = f"{host}:{listen.port}"
        return Check(name, True, f"{place}: shows its certificate and takes no call with it; so a node runs")
    return said_by(name, node, answer)


def _as_itself(tls: ServerTls, host: str) -> CallingTls:
    """Call a listener of ours with its own certificate, and take that alone."""
    assert tls.cert_file
    own = certificates_in(tls.cert_file)[0].sha256
    files = tls.model_dump(include={"cert_file", "key_file", "minimum_version"})
    calling = ClientTls(**files, ca_file=tls.cert_file, enabled=True, server_name=None, certificates=[own])
    return CallingTls(calling, host)


def _turned_away(name: str, host: str, port: int) -> Check:
    place = f"{host}:{port}"
    try:
        with socket.create_connection((host, port), ECHO_TIMEOUT_S) as connection:
            connection.settimeout(ECHO_TIMEOUT_S)
            if connection.recv(1):
                return Check(name, False, f"{place}: something else answers there", "see listen.port")
    except ConnectionResetError:
        pass
    except OSError as problem:
        return Check(name, False, f"{place}: {problem.strerror or 'no answer'}", "does the node run?")
    return Check(name, True, f"{place}: turns {host} away, which is not in peers.addresses; so a node runs")
