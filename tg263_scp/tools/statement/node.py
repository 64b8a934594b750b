"""Facts of a configuration: associations, limits, who may call, where objects go, and what is switched on."""

from __future__ import annotations

from collections.abc import Iterable

from tg263_scp.config import Config, Destination
from tg263_scp.configroutes import Route
from tg263_scp.dicom.listener import MAX_ASSOCIATE_REQUEST_BYTES, MESSAGE_OVERHEAD_BYTES
from tg263_scp.dicom.part10 import IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_VERSION_NAME, MAX_INFLATED_BYTES
from tg263_scp.dicom.relabel import MAX_LABEL_CHARACTERS, MAX_NAME_CHARACTERS
from tg263_scp.dicom.roi_items import MAX_ITEMS, MAX_TEXT_BYTES
from tg263_scp.dicom.sender import ANNOUNCED_PDU_BYTES, MAX_CONTEXTS, MAX_SENT_PDU_BYTES
from tg263_scp.tools.statement.markdown import table
from tg263_scp.tools.statement.services import Link
from tg263_scp.tools.statement.settings import Setting
from tg263_scp.tools.wording import HOLD_WORDS

_NOT_OF_THE_NODE = frozenset(
    ("copy_changed", "edited_since", "not_dicom", "not_ours", "output_exists", "released", "source_changed")
)
"""Reasons that only the verbs for archives give, and the one that ends a hold."""

_APPLICATION_CONTEXT = "1.2.840.10008.3.1.1.1"


def duration(seconds: float) -> str:
    """Write a duration in seconds, and in the largest unit that it is a whole number of."""
    for unit, factor in (("days", 86_400), ("hours", 3_600), ("minutes", 60)):
        if seconds >= 2 * factor and seconds % factor == 0:
            return f"{seconds:.15g} s ({seconds / factor:g} {unit})"
    return f"{seconds:.15g} s"


def _size(value: int) -> str:
    for unit, factor in (("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)):
        if value and value % factor == 0:
            return f"{value // factor} {unit}"
    return f"{value} bytes"


def _announced(value: int) -> str:
    return _size(value) if value else "unlimited (0)"


def association_table(config: Config, link: Link) -> str:
    """Table 7-2."""
    listen, calling = config.listen, config.destination_defaults
    said = link("negotiation-scp"), link("negotiation-scu")
    rows = [
        ("Application Context Name", _APPLICATION_CONTEXT, said[0]),
        ("Implementation Class UID", IMPLEMENTATION_CLASS_UID, f"{said[0]} {said[1]}"),
        ("Implementation Version Name", IMPLEMENTATION_VERSION_NAME, f"{said[0]} {said[1]}"),
        ("Maximum PDU length announced as acceptor", _announced(listen.max_pdu_bytes), link("pdu-received")),
        ("Maximum PDU length announced as initiator", _announced(ANNOUNCED_PDU_BYTES), said[1]),
        (
            "Maximum PDU length sent",
            f"that of the peer, at most {_size(MAX_SENT_PDU_BYTES)}",
            link("pdu-sent"),
        ),
        ("Simultaneous associations as acceptor", str(listen.max_associations), link("too-many")),
        ("Simultaneous associations as initiator", "one per destination", link("own-state")),
        ("Asynchronous operations", "not supported: one outstanding operation", f"{said[0]} {said[1]}"),
        ("SCP/SCU role selection", "not supported: default roles", f"{said[0]} {said[1]}"),
        ("Extended negotiation of SOP classes", "not supported", f"{said[0]} {said[1]}"),
        ("User identity", "not supported", f"{said[0]} {said[1]}"),
        ("Wait for an A-ASSOCIATE-RQ (ARTIM)", duration(listen.acse_timeout_s), link("idle-callers")),
        (
            "Association without traffic, as acceptor",
            duration(listen.network_timeout_s),
            link("idle-callers"),
        ),
        (
            "Wait for a TCP connection, as initiator",
            duration(calling.connect_timeout_s),
            link("down-destination"),
        ),
        (
            "Wait for an A-ASSOCIATE-AC, as initiator",
            duration(calling.acse_timeout_s),
            link("down-destination"),
        ),
        (
            "Wait for a C-STORE-RSP, as initiator",
            duration(calling.dimse_timeout_s),
            link("no-answer-no-success"),
        ),
    ]
    return table(("name", "value", ""), rows)


def limits_table(config: Config, link: Link) -> str:
    """Table 5-12."""
    largest = config.spool.max_object_bytes
    rows = [
        (
            "Size of an object",
            f"{_size(largest)} (`spool.max_object_bytes`); with more than {_size(MESSAGE_OVERHEAD_BYTES)} above it the"
            " association is aborted and nothing is acknowledged",
            link("object-size"),
        ),
        (
            "Size of an A-ASSOCIATE-RQ",
            f"{_size(MAX_ASSOCIATE_REQUEST_BYTES)}; beyond it the connection is closed",
            link("hostile-sockets"),
        ),
        (
            "Free disk",
            f"{_size(config.spool.min_free_bytes)} have to stay free (`spool.min_free_bytes`); else status A700",
            link("disk-full"),
        ),
        (
            "ROI Name (3006,0026) as received",
            f"values of more than {MAX_TEXT_BYTES} bytes are not read; longer than LO allows is read",
            link("odd-names"),
        ),
        (
            "ROI Name (3006,0026) as written",
            f"1 to {MAX_NAME_CHARACTERS} characters of ASCII, no backslash (LO)",
            link("name-writable"),
        ),
        (
            "ROI Observation Label (3006,0085) as written",
            f"at most {MAX_LABEL_CHARACTERS} characters (SH); else the label stays",
            link("label-rules"),
        ),
        (
            "ROIs or observations of one structure set",
            f"{MAX_ITEMS}; more is held as unreadable",
            link("many-items"),
        ),
        (
            "Deflated data set, inflated",
            f"{_size(MAX_INFLATED_BYTES)}; more is held as unreadable",
            link("inflated-size"),
        ),
    ]
    return table(("what", "limit", ""), rows)


def reason_table() -> str:
    """Why an object is held, by the code that queue and audit log give."""
    rows = [
        (f"`{code}`", words) for code, words in sorted(HOLD_WORDS.items()) if code not in _NOT_OF_THE_NODE
    ]
    return table(("reason", "in words"), rows)


def destination_table(config: Config) -> str:
    """The remote AEs that are sent to."""
    if not config.destinations:
        return "None: a node without destinations holds every object."
    head = (
        "name",
        "AE title",
        "host",
        "port",
        "our AE title",
        "`uid_policy`",
        "references",
        "wait for C-STORE-RSP",
    )
    return table(head, [_destination(each) for each in config.destinations])


def _destination(each: Destination) -> tuple[str, ...]:
    return (
        *(each.name, each.ae_title, each.host, str(each.port), each.calling_ae_title or ""),
        *(each.uid_policy, "rewritten" if each.rewrite_references else "as received"),
        duration(each.dimse_timeout_s),
    )


def gate_table(config: Config, settings: Iterable[Setting], link: Link) -> str:
    """What becomes of a structure set about which something is found."""
    meanings = {each.key: each.meaning for each in settings}
    rows = [
        (f"`{gate}`", meanings[f"naming.gates.{gate}"], f"`{action}`", link(f"gate-{gate.replace('_', '-')}"))
        for gate, action in config.naming.gates
    ]
    return table(("gate", "what is found, and what `relabel` does then", "here", ""), rows)


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


def peers_now(config: Config) -> str:
    """Who may send, in a sentence."""
    titles, addresses = config.peers.ae_titles, config.peers.addresses
    who = f"the calling AE titles {_listed(titles)}" if titles else "any calling AE title"
    where = f"the addresses {_listed(addresses)}" if addresses else "any address that reaches the port"
    return f"{who}, from {where}."


def _listed(values: list[str]) -> str:
    return ", ".join(f"`{value}`" for value in values)


def acceptance_now(config: Config) -> str:
    """Whose associations are accepted."""
    called = "ours" if config.listen.called_ae_must_match else "any"
    return f"Associations are accepted from {peers_now(config)[:-1]}; the called AE title may be {called}."


def retry(config: Config) -> str:
    """When a delivery is tried again, and when it is given up."""
    again = config.destination_defaults.retry
    return (
        f"first after {duration(again.first_delay_s)}, then after twice the delay each time, at most"
        f" {duration(again.max_delay_s)}, with up to 25 % added at random; given up {duration(again.give_up_after_s)}"
        " after queueing"
    )


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
    modes = sorted({config.naming.mode, *(route.mode for route in config.routes)})
    policies = sorted(
        {each.uid_policy for each in config.destinations} or {config.destination_defaults.uid_policy}
    )
    rewriting = [each.name for each in config.destinations if each.rewrite_references]
    return {
        "coercion_now": _MODES[tuple(modes)],
        "provenance_now": f"`write.provenance` is **{_on(config.write.provenance)}** here.",
        "uid_policy_now": f"Here the policy is **{' and '.join(policies)}**, as each destination has it.",
        "references_now": (
            f"Here that is so for {', '.join(rewriting)}." if rewriting else "Here no destination wants that."
        ),
        "retention": duration(config.spool.retention_s),
        "idle": duration(config.listen.network_timeout_s),
        "no_request": duration(config.listen.acse_timeout_s),
        "drain": duration(config.listen.drain_s),
        "codes_now": f"`write.codes` is **{_on(config.write.codes)}** here.",
    }


def _on(switch: bool) -> str:
    return "on" if switch else "off"


def max_contexts() -> str:
    """How many presentation contexts are proposed on one association."""
    return str(MAX_CONTEXTS)
