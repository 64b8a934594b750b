"""The configuration: one YAML file whose defaults and reference are ``default_config.yaml`` beside this module.

The user's file overrides single settings, section by section. Unknown keys and wrong values are errors that name the
file, the line and, for a key, the nearest one that exists. Nothing is read from the environment.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Field, ValidationError, model_validator

from tg263_scp import yamlsource
from tg263_scp.config import keys
from tg263_scp.config.fields import (
    AeTitle,
    AeTitles,
    Misfit,
    Networks,
    OptionalAeTitle,
    OptionalPath,
    OptionalPort,
    OptionalSystemName,
    PlainName,
    Port,
    Seconds,
    Section,
    Share,
    Size,
    Texts,
    Truth,
    Uids,
)
from tg263_scp.config.llm import Llm
from tg263_scp.config.routes import Gates, Mode, Route, check_routes, route_settings
from tg263_scp.errors import ConfigError, SourceLine

DEFAULTS_PATH = Path(__file__).with_name("default_config.yaml")


class Listen(Section):
    """How the node listens for associations."""

    host: str
    port: Port
    ae_title: AeTitle
    called_ae_must_match: Truth
    max_pdu_bytes: Size
    max_associations: Annotated[int, Field(ge=1)]
    extra_sop_classes: Uids
    acse_timeout_s: Seconds
    network_timeout_s: Seconds
    drain_s: Seconds


class Peers(Section):
    """Who may send; empty lists allow everybody."""

    ae_titles: AeTitles
    addresses: Networks


class Naming(Section):
    """What may be done to names."""

    mode: Mode
    gates: Gates
    planning: Literal["keep", "prefix_z"]
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


class Reserved(Section):
    """A section that this release accepts only empty."""


class Spool(Section):
    """Where received objects live until every destination has them."""

    folder: Path
    retention_s: Annotated[float, Field(ge=0)]
    min_free_bytes: Size
    max_object_bytes: Annotated[Size, Field(ge=1 << 20)]


class Retry(Section):
    """When a failed delivery is tried again, and when it is given up."""

    first_delay_s: Seconds
    max_delay_s: Seconds
    give_up_after_s: Seconds


class DestinationDefaults(Section):
    """What holds for every destination that does not say otherwise."""

    calling_ae_title: OptionalAeTitle
    uid_policy: Literal["keep", "new"]
    rewrite_references: Truth
    reference_wait_s: Annotated[float, Field(ge=0)]
    batch_objects: Annotated[int, Field(ge=1)]
    connect_timeout_s: Seconds
    acse_timeout_s: Seconds
    dimse_timeout_s: Seconds
    retry: Retry

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


class Audit(Section):
    """Where the audit log and the key that hashes identifiers are."""

    file: Path
    salt_file: Path


class Metrics(Section):
    """Where monitoring reads the figures of the node; without a port it cannot."""

    host: str
    port: OptionalPort


class Config(Section):
    """The whole configuration with all defaults filled in and all paths absolute."""

    listen: Listen
    peers: Peers
    naming: Naming
    write: Write
    llm: Llm
    spool: Spool
    destination_defaults: DestinationDefaults
    destinations: list[Destination]
    routes: list[Route]
    review: Reserved
    audit: Audit
    metrics: Metrics

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
        check_routes(self.routes, names)
        return self

    @property
    def digest(self) -> str:
        """SHA-256 (hex) of all effective settings: tells which configuration an audit line was written under."""
        settings = json.dumps(self.model_dump(mode="json"), sort_keys=True, ensure_ascii=False)
        return hashlib.sha256(settings.encode()).hexdigest()


def load_config(path: Path | None = None) -> Config:
    """Read the user's file over the defaults; without a file the defaults alone, paths relative to the working folder.

    Raises:
        ConfigError: not readable, not YAML, an unknown key or a wrong value; names file, line and nearest key.
    """
    defaults = yamlsource.load(DEFAULTS_PATH, error=ConfigError)
    user = yamlsource.load(path, error=ConfigError) if path else yamlsource.Mapping()
    where = str(path) if path else DEFAULTS_PATH.name
    entries = {
        "destinations": {**dict.fromkeys(Destination.model_fields), **defaults["destination_defaults"]},
        "routes": {**dict.fromkeys(Route.model_fields), "gates": defaults["naming"]["gates"]},
    }
    keys.refuse_unknown(user, defaults, entries, where)
    settings = keys.merged(defaults, user)
    settings["destinations"] = keys.entries(settings["destinations"], settings["destination_defaults"])
    names = [entry.get("name", "") for entry in settings["destinations"] if isinstance(entry, dict)]
    settings["routes"] = keys.entries(settings["routes"], route_settings(settings["naming"], names))
    try:
        config = Config.model_validate(settings)
    except ValidationError as problem:
        raise _wrong_value(problem, user, where) from problem
    return _completed(config, (path.parent if path else Path()).resolve())


def _wrong_value(problem: ValidationError, user: yamlsource.Mapping, where: str) -> ConfigError:
    first = problem.errors()[0]
    location = first["loc"]
    hint = "see default_config.yaml for what it means"
    cause = first.get("ctx", {}).get("error")
    if isinstance(cause, Misfit):
        location = (*location, *cause.way)
        hint = cause.hint
    node: Any = user
    line = 0
    for step in location:
        if isinstance(node, yamlsource.Mapping):
            line = node.line_of(str(step)) or line
            node = node.get(str(step))
        elif isinstance(node, list) and isinstance(step, int) and step < len(node):
            node = node[step]
            line = getattr(node, "line", 0) or line
        else:
            break
    name = ".".join(str(step) for step in location) or "the configuration"
    said = first["msg"].removeprefix("Value error, ")
    if first["type"] == "missing":
        said = "is missing"
    return ConfigError(SourceLine(where, line), f"{name}: {said}", hint=hint)


def _completed(config: Config, base: Path) -> Config:
    """Make paths absolute, and let our AE title stand for names that are not given."""
    folder = base / config.spool.folder

    def beside(path: Path | None) -> Path | None:
        return base / path if path else None

    return config.model_copy(
        update={
            "spool": config.spool.model_copy(update={"folder": folder}),
            "naming": config.naming.model_copy(update={"overlay": beside(config.naming.overlay)}),
            "write": config.write.model_copy(
                update={"modifying_system": config.write.modifying_system or config.listen.ae_title}
            ),
            "llm": config.llm.model_copy(
                update={
                    "ca_file": beside(config.llm.ca_file),
                    "cert_file": beside(config.llm.cert_file),
                    "key_file": beside(config.llm.key_file),
                    "cache_file": folder / config.llm.cache_file,
                }
            ),
            "audit": config.audit.model_copy(
                update={"file": folder / config.audit.file, "salt_file": folder / config.audit.salt_file}
            ),
            "destinations": [
                destination.model_copy(
                    update={"calling_ae_title": destination.calling_ae_title or config.listen.ae_title}
                )
                for destination in config.destinations
            ],
        }
    )
