"""The configuration: one YAML file whose defaults and reference are ``default_config.yaml`` beside this module.

The user's file overrides single settings, section by section. Unknown keys and wrong values are errors that name the
file, the line and, for a key, the nearest one that exists. Nothing is read from the environment.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from tg263_scp.config.desk import Desk
from tg263_scp.config.fields import (
    AeTitle,
    AeTitles,
    ExtraSopClasses,
    Misfit,
    Modalities,
    Networks,
    OptionalAeTitle,
    OptionalCount,
    OptionalPath,
    OptionalPort,
    OptionalSystemName,
    OptionalTimes,
    PlainName,
    Port,
    Seconds,
    Section,
    Share,
    Size,
    SyntaxNames,
    Texts,
    Truth,
    Uids,
)
from tg263_scp.config.llm import Llm
from tg263_scp.config.notify import Notify
from tg263_scp.config.routes import Gates, Mode, Route, check_routes
from tg263_scp.config.tls import CertificateNames, ClientTls, ServerTls, Tls


class Listen(Section):
    """How the node listens for associations."""

    host: str
    port: Port
    ae_title: AeTitle
    called_ae_must_match: Truth
    max_pdu_bytes: Size
    max_associations: Annotated[int, Field(ge=1)]
    extra_sop_classes: ExtraSopClasses
    transfer_syntaxes: SyntaxNames
    acse_timeout_s: Seconds
    network_timeout_s: Seconds
    drain_s: Seconds
    idle_s: Seconds
    min_bytes_per_s: Annotated[int, Field(ge=0)]
    progress_s: Seconds
    max_waiting: Annotated[int, Field(ge=1)]
    max_waiting_per_address: OptionalCount
    tls: ServerTls


class Peers(Section):
    """Who may send; empty lists allow everybody."""

    ae_titles: AeTitles
    addresses: Networks
    certificates: CertificateNames


class Naming(Section):
    """What may be done to names."""

    mode: Mode
    gates: Gates
    planning: Literal["keep", "prefix_z"]
    unlisted: Literal["keep", "review"]
    overlay: OptionalPath
    languages: Texts
    keep_patterns: Texts
    fuzzy_floor: Share
    fuzzy_gap: Share


class Write(Section):
    """What a relabelled object says about itself."""

    provenance: Truth
    modifying_system: OptionalSystemName
    codes: Truth


class Spool(Section):
    """Where received objects live until every destination has them."""

    folder: Path
    retention_s: Annotated[float, Field(ge=0)]
    discarded_retention_s: Annotated[float, Field(ge=0)]
    same_again_s: Annotated[float, Field(ge=0)]
    min_free_bytes: Size
    max_object_bytes: Annotated[Size, Field(ge=1 << 20)]
    max_inflated_bytes: Annotated[Size, Field(ge=1 << 20)]
    max_cpu_s: Seconds


class Retry(Section):
    """When a failed delivery is tried again, and when it is given up."""

    first_delay_s: Seconds
    max_delay_s: Seconds
    give_up_after_s: Seconds


class Send(Section):
    """What a destination gets; an empty list leaves nothing out."""

    sop_classes: Uids
    modalities: Modalities
    calling_ae_titles: AeTitles
    relabelled_only: Truth

    @property
    def leaves_out(self) -> bool:
        """Whether there is anything that the destination does not get."""
        return bool(self.sop_classes or self.modalities or self.calling_ae_titles or self.relabelled_only)


class DestinationDefaults(Section):
    """What holds for every destination that does not say otherwise."""

    calling_ae_title: OptionalAeTitle
    uid_policy: Literal["keep", "new"]
    rewrite_references: Truth
    redeliver: Truth
    reference_wait_s: Annotated[float, Field(ge=0)]
    order_wait_s: Annotated[float, Field(ge=0)]
    batch_objects: Annotated[int, Field(ge=1)]
    connect_timeout_s: Seconds
    acse_timeout_s: Seconds
    dimse_timeout_s: Seconds
    send: Send
    send_between: OptionalTimes
    verify: Literal["off", "commitment", "retrieve"]
    verify_within_s: Seconds
    retry: Retry
    tls: ClientTls

    @model_validator(mode="after")
    def _references_change_with_uids_only(self) -> Self:
        if self.rewrite_references and self.uid_policy != "new":
            raise Misfit(
                "rewrite_references",
                "is for uid_policy: new, where structure sets get new UIDs",
                hint="with uid_policy: keep every reference stays right: leave it off, or write uid_policy: new",
            )
        return self


class Destination(DestinationDefaults):
    """One Storage SCP that objects are forwarded to."""

    name: PlainName
    host: Annotated[str, Field(min_length=1)]
    port: Annotated[int, Field(ge=1, le=65535)]
    ae_title: AeTitle


class Review(Section):
    """Where the decisions about names are, and what they need to count."""

    folder: OptionalPath
    second_person: Truth

    @property
    def store_folder(self) -> Path:
        """The folder of the store; :func:`load_config` has put in that of the spool where none was given."""
        return self.folder or Path()


class CommitmentPeer(Section):
    """Who may ask whether the node has taken its objects for good (Storage Commitment), and where the answer goes."""

    ae_title: AeTitle
    host: Annotated[str, Field(min_length=1)]
    port: Annotated[int, Field(ge=1, le=65535)]
    commit_within_s: Seconds
    tls: ClientTls


class Audit(Section):
    """Where the audit log and the key that hashes identifiers are."""

    file: Path
    salt_file: Path
    rotate_bytes: Annotated[Size, Field(ge=1 << 20)]
    rotate_after_s: Seconds


class Log(Section):
    """What the node and the desk log, where to and how; ROI names and patient data never."""

    level: Literal["debug", "info", "warning", "error"]
    file: OptionalPath
    format: Literal["text", "json"]


class Metrics(Section):
    """Where monitoring reads the figures of the node; without a port it cannot."""

    host: str
    port: OptionalPort


_LOOPBACK = frozenset(("localhost", "127.0.0.1", "::1"))


def is_this_node(listen: Listen, destination: Destination) -> bool:
    """Tell whether a destination is where the node itself listens, as far as host and port say so."""
    host = destination.host.lower()
    everywhere = listen.host in ("0.0.0.0", "::")
    here = host == listen.host.lower() or (host in _LOOPBACK and (everywhere or listen.host in _LOOPBACK))
    return listen.port == destination.port and here


def _overlap(one: str, other: str) -> bool:
    """Tell whether two listeners on these addresses would get in each other's way on one port."""
    if one == other or "::" in (one, other):  # it takes both kinds of addresses
        return True
    if one in ("0.0.0.0", ""):
        return ":" not in other
    return (other in ("0.0.0.0", "") and ":" not in one) or {one, other} == {"localhost", "127.0.0.1"}


class Config(Section):
    """The whole configuration with all defaults filled in and all paths absolute."""

    listen: Listen
    listeners: list[Listen]
    tls: Tls
    peers: Peers
    naming: Naming
    write: Write
    llm: Llm
    spool: Spool
    destination_defaults: DestinationDefaults
    destinations: list[Destination]
    commitment_peers: list[CommitmentPeer]
    routes: list[Route]
    review: Review
    desk: Desk
    audit: Audit
    log: Log
    metrics: Metrics
    notify: Notify

    @model_validator(mode="after")
    def _goes_together(self) -> Config:
        names = [destination.name for destination in self.destinations]
        for number, name in enumerate(names):
            if name in names[:number]:
                raise Misfit(
                    ("destinations", number, "name"),
                    f"two destinations are called '{name}'",
                    hint="queue and log tell destinations apart by their names",
                )
            if any(is_this_node(door, self.destinations[number]) for door in self.doors):
                raise Misfit(
                    ("destinations", number, "port"),
                    f"the destination '{name}' is this node itself",
                    hint="every object would come back for ever: name the host and port of another system",
                )
        titles = [peer.ae_title for peer in self.commitment_peers]
        for number, title in enumerate(titles):
            if title in titles[:number]:
                raise Misfit(
                    ("commitment_peers", number, "ae_title"),
                    f"two of them are called '{title}'",
                    hint="an answer goes to the one address that its AE title has",
                )
        check_routes(self.routes, names)
        self._check_doors()
        return self

    def _check_doors(self) -> None:
        for number, door in enumerate(self.doors):
            earlier = [other.host for other in self.doors[:number] if other.port == door.port]
            if door.port and any(_overlap(door.host, host) for host in earlier):
                raise Misfit(
                    ("listeners", number - 1, "port"),
                    f"something else of this node listens on {door.host}:{door.port}",
                    hint="give every listener a port of its own",
                )
        self._check_other_ports()
        if self.peers.certificates and not any(door.tls.asks_for_certificates for door in self.doors):
            raise Misfit(
                ("peers", "certificates"),
                "are never seen: no listener asks callers for a certificate",
                hint="write listen.tls.enabled: yes and client_certificates: required, or leave the list empty",
            )

    def _check_other_ports(self) -> None:
        taken = [(door.host, door.port) for door in self.doors]
        for section, host, port in (
            ("metrics", self.metrics.host, self.metrics.port),
            ("desk", self.desk.host, self.desk.port),
        ):
            if port and any(port == other and _overlap(host, there) for there, other in taken):
                raise Misfit(
                    (section, "port"),
                    f"something else of this node listens on port {port}",
                    hint="give listen, listeners, metrics and desk a port of their own each",
                )
            taken.append((host, port or 0))

    @property
    def doors(self) -> list[Listen]:
        """All that the node listens with: ``listen`` first, then the further ``listeners``."""
        return [self.listen, *self.listeners]

    @property
    def digest(self) -> str:
        """SHA-256 (hex) of all effective settings: tells which configuration an audit line was written under."""
        settings = json.dumps(self.model_dump(mode="json"), sort_keys=True, ensure_ascii=False)
        return hashlib.sha256(settings.encode()).hexdigest()
