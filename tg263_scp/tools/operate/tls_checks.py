"""What ``doctor`` says about TLS: each certificate with its chain, its names and the days it is valid yet."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

from tg263_scp.config.sections import Config, Destination, Listen
from tg263_scp.config.tls import ServerTls, Tls
from tg263_scp.dicom.network.verification import EchoAnswer
from tg263_scp.errors import Tg263Error
from tg263_scp.tls.certificates import Certificate, certificates_in
from tg263_scp.tls.contexts import client_context, server_context
from tg263_scp.tools.operate.checks import Check

SOON_DAYS = 14
"""With fewer days left, a certificate is a finding: it takes time to get a new one signed."""

_RENEW = "get a new certificate, put it into the file and send SIGHUP to the node"


def own_certificate_checks(config: Config) -> Iterator[Check]:
    """Look at the certificates of this node: each that a listener shows, and each that we show to a destination."""
    for door in config.doors:
        if door.tls.enabled:
            yield _own(f"certificate at {door.host}:{door.port}", door.tls, f", {_callers(door, config)}")
    if config.desk.port is not None and config.desk.cert_file:
        files = {"cert_file": config.desk.cert_file, "key_file": config.desk.key_file}
        yield _own("certificate of the desk", config.tls.model_copy(update=files), "")
    for destination in config.destinations:
        if destination.tls.enabled:
            name = f"certificate for {destination.name}"
            yield (
                _own(name, destination.tls, "")
                if destination.tls.cert_file
                else Check(name, True, "none: the destination must not ask for one")
            )


def _callers(door: Listen, config: Config) -> str:
    if not door.tls.asks_for_certificates:
        return "callers need no certificate"
    listed = config.peers.certificates
    return (
        f"callers have to show {f'one of {len(listed)} listed certificates' if listed else 'a certificate'}"
    )


def _own(name: str, tls: Tls, more: str) -> Check:
    """Use the files as the node does, and say what is in them."""
    try:
        if isinstance(tls, ServerTls):
            server_context(tls)
        else:
            client_context(tls)
        assert tls.cert_file
        first, *chain = certificates_in(tls.cert_file)
    except Tg263Error as problem:
        return Check(name, False, problem.message, problem.hint)
    above = " < ".join(each.title for each in chain)
    signed = f"{above} < {chain[-1].issued_by}" if chain else first.issued_by
    days = min(_days_left(each) for each in (first, *chain))
    return Check(
        name,
        days >= SOON_DAYS,
        f"{described(first)}, TLS {tls.minimum_version} at least{more}; {signed}",
        _RENEW,
    )


def shown_certificate_check(destination: Destination, answer: EchoAnswer) -> Check | None:
    """Look at the certificate that a destination has just shown; None where it showed none that we took."""
    shown = answer.certificate
    if shown is None:
        return None
    good = _days_left(shown) >= SOON_DAYS
    detail = f"{described(shown)}, signed by {shown.issued_by}"
    return Check(f"certificate of {destination.name}", good, detail, "its owner has to renew it")


def described(certificate: Certificate) -> str:
    """Say whose it is, for which names, for how long, and its fingerprint."""
    names = f" for {', '.join(certificate.names)}" if certificate.names else " (no names)"
    days = _days_left(certificate)
    left = f"{days:.0f} days left" if days >= 0 else f"expired on {certificate.not_after:%Y-%m-%d}"
    return f"{certificate.title}{names}, {left}, sha256 {certificate.sha256}"


def _days_left(certificate: Certificate) -> float:
    return certificate.days_left(datetime.now(UTC))
