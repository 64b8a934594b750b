"""Facts of TLS: which doors and destinations have it, and by which versions, suites and certificates."""

from __future__ import annotations

from tg263_scp.config.sections import Config, Destination, Listen
from tg263_scp.tls.contexts import TLS_1_2_SUITES, TLS_1_3_SUITES
from tg263_scp.tools.statement.markdown import table


def in_brief(config: Config) -> str:
    """Say in a few words what is encrypted here."""
    inward = [door for door in config.doors if door.tls.enabled]
    outward = [each for each in config.destinations if each.tls.enabled]
    if not inward and not outward:
        return "none"
    return (
        f"TLS at {len(inward)} of {len(config.doors)} listeners"
        f" and to {len(outward)} of {len(config.destinations)} destinations"
    )


def encryption_table(config: Config) -> str:
    """What is encrypted, with whom, and who has to show which certificate."""
    rows = [_inward(door) for door in config.doors] + [_outward(each) for each in config.destinations]
    return table(("who", "TLS", "oldest version", "certificate of the peer", "our certificate"), rows)


def _inward(door: Listen) -> tuple[str, ...]:
    who = f"callers at `{door.host}`, `{door.port}`"
    if not door.tls.enabled:
        return who, "no", "", "", ""
    asked = "required" if door.tls.asks_for_certificates else "not asked for"
    return who, "yes", door.tls.minimum_version, asked, "shown"


def _outward(destination: Destination) -> tuple[str, ...]:
    who, tls = f"destination {destination.name}", destination.tls
    if not tls.enabled:
        return who, "no", "", "", ""
    named = (
        f"one of {len(tls.certificates)} listed"
        if tls.certificates
        else f"made out to `{tls.server_name or destination.host}`"
    )
    return who, "yes", tls.minimum_version, named, "shown where asked for" if tls.cert_file else "none"


def suites() -> dict[str, str]:
    """The cipher suites, strongest first."""
    return {
        "tls_1_2_suites": ", ".join(f"`{suite}`" for suite in TLS_1_2_SUITES),
        "tls_1_3_suites": ", ".join(f"`{suite}`" for suite in TLS_1_3_SUITES),
    }
