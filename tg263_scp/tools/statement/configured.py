"""Facts of a configuration: who may call, where objects go, what the gates do, and what is switched on."""

from __future__ import annotations

from collections.abc import Iterable

from tg263_scp.config.routes import Route
from tg263_scp.config.sections import Config, Destination
from tg263_scp.errors import HoldReason
from tg263_scp.tools.shared.wording import HOLD_WORDS
from tg263_scp.tools.statement import security
from tg263_scp.tools.statement.markdown import table
from tg263_scp.tools.statement.network import duration
from tg263_scp.tools.statement.services import Link
from tg263_scp.tools.statement.settings import Setting

_NOT_OF_THE_NODE = frozenset(
    {
        HoldReason.AWAITING_MODEL,
        HoldReason.COPY_CHANGED,
        HoldReason.DUPLICATE_UID,
        HoldReason.EDITED_SINCE,
        HoldReason.MODEL_UNANSWERED,
        HoldReason.NEW_OBJECT,
        HoldReason.NOT_DICOM,
        HoldReason.NOT_OURS,
        HoldReason.OTHER_UID_POLICY,
        HoldReason.OUTPUT_EXISTS,
        HoldReason.REFERENCES_CHANGED,
        HoldReason.RELEASED,
        HoldReason.SERIES_TORN_APART,
        HoldReason.SOURCE_CHANGED,
    }
)
"""Reasons that only the verbs for archives give, the one that ends a hold, and the one of a set that waits by itself."""


def reason_table() -> str:
    """Why an object is held, by the code that queue and audit log give."""
    rows = [
        (f"`{reason}`", words)
        for reason, words in sorted(HOLD_WORDS.items())
        if reason not in _NOT_OF_THE_NODE
    ]
    return table(("reason", "in words"), rows)


def destination_table(config: Config) -> str:
    """The remote AEs that are sent to."""
    if not config.destinations:
        return "None: a node without destinations holds every object."
    head = (
        *("name", "AE title", "host", "port", "our AE title", "`uid_policy`", "references"),
        *(
            "objects per association",
            "waits for connection, association, C-STORE-RSP",
            "tried again after",
            "given up after",
        ),
    )
    return table(head, [_destination(each) for each in config.destinations])


def _destination(each: Destination) -> tuple[str, ...]:
    waits = (each.connect_timeout_s, each.acse_timeout_s, each.dimse_timeout_s)
    again = each.retry
    return (
        *(each.name, each.ae_title, each.host, str(each.port), each.calling_ae_title or ""),
        *(each.uid_policy, "rewritten" if each.rewrite_references else "as received"),
        *(str(each.batch_objects), ", ".join(duration(wait) for wait in waits)),
        f"{duration(again.first_delay_s)} to {duration(again.max_delay_s)}",
        duration(again.give_up_after_s),
    )


def gate_table(config: Config, settings: Iterable[Setting], link: Link) -> str:
    """What becomes of a structure set about which something is found."""
    meanings = {each.key: each.meaning for each in settings}
    rows = [
        (f"`{gate}`", meanings[f"naming.gates.{gate}"], f"`{action}`", link(f"gate-{gate.replace('_', '-')}"))
        for gate, action in config.naming.gates
    ]
    return table(("gate", "what is found, and what `relabel` does then", "here", "shown by"), rows)


def routes_now(config: Config) -> str:
    """Which ways there are, in a sentence."""
    if not config.routes:
        return "There are none here: every object goes the same way."
    return f"Here there are {len(config.routes)} (6.2.5)."


def route_table(config: Config) -> str:
    """The routes, in the order in which they are asked."""
    if not config.routes:
        return "None."
    head = (
        "name",
        "calling AE titles",
        "called AE titles",
        "addresses",
        "mode",
        "gates of its own",
        "destinations",
    )
    return table(head, [_route(each, config) for each in config.routes])


def _route(each: Route, config: Config) -> tuple[str, ...]:
    own = [
        f"`{gate}: {action}`" for gate, action in each.gates if action != getattr(config.naming.gates, gate)
    ]
    senders = (each.calling_ae_titles, each.called_ae_titles, each.addresses)
    return (
        *(each.name, *(_listed(values) or "any" for values in senders), each.mode),
        *(", ".join(own), _listed(each.destinations)),
    )


def brief_table(config: Config) -> str:
    """What those who set up a connection look for first."""
    listen = config.listen
    destinations = ", ".join(f"{each.ae_title} ({each.host}:{each.port})" for each in config.destinations)
    called = (
        "no other called title is accepted" if listen.called_ae_must_match else "any called title is accepted"
    )
    rows = [
        ("AE title", f"`{listen.ae_title}`; {called}"),
        ("Address and port", "; ".join(f"`{door.host}`, `{door.port}`" for door in config.doors)),
        ("Who may send", peers_now(config).rstrip(".")),
        ("Where objects go", destinations or "nowhere: without a destination every object is held"),
        ("Structure sets", "; ".join(_MODE_IN_BRIEF[mode] for mode in _modes(config))),
        ("UIDs of relabelled sets", " and ".join(_uid_policies(config))),
        ("Encryption", security.in_brief(config)),
    ]
    return table(("", "here"), rows)


_MODE_IN_BRIEF = {
    "relabel": "relabelled on the way",
    "shadow": "decided and audited, and sent on as they came (shadow)",
}


def _modes(config: Config) -> tuple[str, ...]:
    return tuple(sorted({config.naming.mode, *(route.mode for route in config.routes)}))


def _uid_policies(config: Config) -> list[str]:
    return sorted(
        {each.uid_policy for each in config.destinations} or {config.destination_defaults.uid_policy}
    )


def port_table(config: Config) -> str:
    """The ports that are listened on, and those that are called."""
    rows = [
        (str(door.port), "in", "DICOM over TLS" if door.tls.enabled else "DICOM", setting)
        for door, setting in zip(
            config.doors, ("`listen.port`", *("`listeners`",) * len(config.listeners)), strict=True
        )
    ]
    rows.append(
        ("that of each destination (6.2.5)", "out", "DICOM, with TLS where 8.1 says so", "`destinations`")
    )
    if config.metrics.port is not None:
        rows.append(
            (str(config.metrics.port), "in", "HTTP: figures for monitoring, no names", "`metrics.port`")
        )
    if config.llm.enabled:
        rows.append((f"that of {config.llm.host}", "out", "HTTP: the language model (8.2)", "`llm.host`"))
    return table(("port", "direction", "protocol", "setting"), rows)


def peers_now(config: Config) -> str:
    """Who may send, in a sentence."""
    titles, addresses = config.peers.ae_titles, config.peers.addresses
    who = f"the calling AE titles {_listed(titles)}" if titles else "any calling AE title"
    where = f"the addresses {_listed(addresses)}" if addresses else "any address that reaches the port"
    certificates = len(config.peers.certificates)
    shown = (
        f", with one of the {certificates} listed certificates where TLS asks for one" if certificates else ""
    )
    return f"{who}, from {where}{shown}."


def _listed(values: Iterable[object]) -> str:
    return ", ".join(f"`{value}`" for value in values)


def acceptance_now(config: Config) -> str:
    """Whose associations are accepted."""
    called = "ours" if config.listen.called_ae_must_match else "any"
    return f"Associations are accepted from {peers_now(config)[:-1]}; the called AE title may be {called}."


_MODES = {
    (
        "relabel",
    ): "In the configuration described here structure sets are relabelled (`naming.mode: relabel`).",
    ("shadow",): (
        "In the configuration described here nothing is changed: it decides and audits, and sends the original"
        " (`naming.mode: shadow`)."
    ),
    ("relabel", "shadow"): (
        "In the configuration described here structure sets are relabelled on some routes; on others it decides and"
        " audits, and sends the original (6.2.5)."
    ),
}


def switches(config: Config) -> dict[str, str]:
    """What the configuration makes of the parts that can be switched on, in sentences."""
    rewriting = [each.name for each in config.destinations if each.rewrite_references]
    return {
        "references_now": (
            f"Here that is so for {', '.join(rewriting)}." if rewriting else "Here no destination wants that."
        ),
        "coercion_now": _MODES[_modes(config)],
        "provenance_now": f"`write.provenance` is **{_on(config.write.provenance)}** here.",
        "uid_policy_now": f"Here the policy is **{' and '.join(_uid_policies(config))}**, as each destination has it.",
        "retention": duration(config.spool.retention_s),
        "idle": duration(config.listen.network_timeout_s),
        "no_request": duration(config.listen.acse_timeout_s),
        "progress": duration(config.listen.progress_s),
        "idle_place": duration(config.listen.idle_s),
        "drain": duration(config.listen.drain_s),
        "codes_now": f"`write.codes` is **{_on(config.write.codes)}** here.",
    }


def _on(switch: bool) -> str:
    return "on" if switch else "off"
