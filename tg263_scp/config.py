"""The configuration: one YAML file whose defaults and reference are ``default_config.yaml`` beside this module.

The user's file overrides single settings, section by section. Unknown keys and wrong values are errors that name the
file, the line and, for a key, the nearest one that exists. Nothing is read from the environment.
"""

from __future__ import annotations

import hashlib
import ipaddress
import json
import re
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    model_validator,
)

from tg263_scp import configkeys, yamlsource
from tg263_scp.errors import ConfigError, SourceLine

DEFAULTS_PATH = Path(__file__).with_name("default_config.yaml")

_SIZE = re.compile(r"(\d+)\s*(|KiB|MiB|GiB|TiB)", re.IGNORECASE)
_SIZE_FACTOR = {"": 1, "kib": 1 << 10, "mib": 1 << 20, "gib": 1 << 30, "tib": 1 << 40}
_NOT_IN_A_FILE_NAME = re.compile(r"[^A-Za-z0-9._-]")


def _size_bytes(value: Any) -> Any:
    if isinstance(value, str):
        match = _SIZE.fullmatch(value.strip())
        if not match:
            raise ValueError("must be bytes or a number with KiB, MiB, GiB or TiB, such as 2 GiB")
        return int(match[1]) * _SIZE_FACTOR[match[2].lower()]
    return value


def _truth(value: Any) -> Any:
    if isinstance(value, str):
        word = value.strip().lower()
        if word in ("true", "yes", "on"):
            return True
        if word in ("false", "no", "off"):
            return False
        raise ValueError("must be true or false (also yes/no, on/off)")
    return value


def _none_if_empty(value: Any) -> Any:
    return None if value == "" else value


def _list_of_texts(value: Any) -> Any:
    return list(yamlsource.texts(value)) if isinstance(value, str) else value


def _ae_title(value: str) -> str:
    if not 1 <= len(value.strip()) <= 16 or "\\" in value or not (value.isascii() and value.isprintable()):
        raise ValueError("must be an AE title: 1 to 16 printable ASCII characters, no backslash (PS3.5 6.2)")
    return value.strip()


def _system_name(value: str) -> str:
    if not 1 <= len(value.strip()) <= 64 or "\\" in value or not (value.isascii() and value.isprintable()):
        raise ValueError("must be 1 to 64 printable ASCII characters without backslash (PS3.5 6.2, LO)")
    return value.strip()


def _network(value: str) -> str:
    return str(ipaddress.ip_network(value, strict=False))


def _uid(value: str) -> str:
    if len(value) > 64 or not re.fullmatch(r"\d+(\.\d+)+", value):
        raise ValueError("must be a DICOM UID: digits and dots, at most 64 characters (PS3.5 9.1)")
    return value


def _destination_name(value: str) -> str:
    if not value or _NOT_IN_A_FILE_NAME.search(value):
        raise ValueError("must consist of letters, digits, dot, hyphen and underscore")
    return value


Truth = Annotated[bool, BeforeValidator(_truth)]
Size = Annotated[int, BeforeValidator(_size_bytes), Field(ge=0)]
Seconds = Annotated[float, Field(gt=0)]
Port = Annotated[int, Field(ge=0, le=65535)]
AeTitle = Annotated[str, AfterValidator(_ae_title)]
Network = Annotated[str, AfterValidator(_network)]
Uid = Annotated[str, AfterValidator(_uid)]
Share = Annotated[float, Field(ge=0, le=1)]
OptionalPath = Annotated[Path | None, BeforeValidator(_none_if_empty)]
OptionalAeTitle = Annotated[AeTitle | None, BeforeValidator(_none_if_empty)]
OptionalSystemName = Annotated[
    Annotated[str, AfterValidator(_system_name)] | None, BeforeValidator(_none_if_empty)
]
AeTitles = Annotated[list[AeTitle], BeforeValidator(_list_of_texts)]
Networks = Annotated[list[Network], BeforeValidator(_list_of_texts)]
Uids = Annotated[list[Uid], BeforeValidator(_list_of_texts)]
Texts = Annotated[list[str], BeforeValidator(_list_of_texts)]


class Section(BaseModel):
    """A section of the configuration: frozen, and closed against keys it does not know."""

    model_config = ConfigDict(extra="forbid", frozen=True)


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
    dimse_timeout_s: Seconds
    network_timeout_s: Seconds
    drain_s: Seconds


class Peers(Section):
    """Who may send; empty lists allow everybody."""

    ae_titles: AeTitles
    addresses: Networks


class Naming(Section):
    """What may be done to names."""

    mode: Literal["relabel", "shadow"]
    approved: Literal["pass", "hold", "relabel"]
    unresolved: Literal["pass", "hold"]
    unreadable: Literal["pass", "hold"]
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
    batch_objects: Annotated[int, Field(ge=1)]
    connect_timeout_s: Seconds
    acse_timeout_s: Seconds
    dimse_timeout_s: Seconds
    retry: Retry


class Destination(DestinationDefaults):
    """One Storage SCP that objects are forwarded to."""

    name: Annotated[str, AfterValidator(_destination_name)]
    host: Annotated[str, Field(min_length=1)]
    port: Annotated[int, Field(ge=1, le=65535)]
    ae_title: AeTitle


class Audit(Section):
    """Where the audit log and the key that hashes identifiers are."""

    file: Path
    salt_file: Path


class Config(Section):
    """The whole configuration with all defaults filled in and all paths absolute."""

    listen: Listen
    peers: Peers
    naming: Naming
    write: Write
    llm: Reserved
    spool: Spool
    destination_defaults: DestinationDefaults
    destinations: list[Destination]
    review: Reserved
    audit: Audit

    @model_validator(mode="after")
    def _destinations_have_different_names(self) -> Config:
        names = [destination.name for destination in self.destinations]
        for name in names:
            if names.count(name) > 1:
                raise ValueError(f"two destinations are called '{name}'")
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
    configkeys.refuse_unknown(user, defaults, list(Destination.model_fields), where)
    settings = configkeys.merged(defaults, user)
    if settings["destinations"] == "":
        settings["destinations"] = []
    if isinstance(settings["destinations"], list):
        settings["destinations"] = [
            configkeys.merged(settings["destination_defaults"], entry) if isinstance(entry, dict) else entry
            for entry in settings["destinations"]
        ]
    try:
        config = Config.model_validate(settings)
    except ValidationError as problem:
        raise _wrong_value(problem, user, where) from problem
    return _completed(config, (path.parent if path else Path()).resolve())


def _wrong_value(problem: ValidationError, user: yamlsource.Mapping, where: str) -> ConfigError:
    first = problem.errors()[0]
    location = first["loc"]
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
    return ConfigError(
        SourceLine(where, line), f"{name}: {said}", hint="see default_config.yaml for what it means"
    )


def _completed(config: Config, base: Path) -> Config:
    """Make paths absolute, and let our AE title stand for names that are not given."""
    folder = base / config.spool.folder
    overlay = config.naming.overlay
    return config.model_copy(
        update={
            "spool": config.spool.model_copy(update={"folder": folder}),
            "naming": config.naming.model_copy(update={"overlay": base / overlay if overlay else None}),
            "write": config.write.model_copy(
                update={"modifying_system": config.write.modifying_system or config.listen.ae_title}
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
