"""The user's file read over the defaults, with errors that name file, line and nearest key."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import ValidationError

from tg263_scp import yamlsource
from tg263_scp.config import keys
from tg263_scp.config.fields import (
    Misfit,
)
from tg263_scp.config.routes import Route, route_settings
from tg263_scp.config.sections import CommitmentPeer, Config, Destination, Listen
from tg263_scp.config.wrong_values import said_of
from tg263_scp.errors import ConfigError, SourceLine

COMMIT_WITHIN_S = 86_400
"""What holds for a commitment peer that does not say otherwise: a day."""
DEFAULTS_PATH = Path(__file__).with_name("default_config.yaml")


def load_config(path: Path | None = None) -> Config:
    """Read the user's file over the defaults; without a file the defaults alone, paths relative to the working folder.

    Raises:
        ConfigError: not readable, not YAML, an unknown key or a wrong value; names file, line and nearest key.
    """
    defaults = yamlsource.load(DEFAULTS_PATH, error=ConfigError)
    known = _with_tls(defaults)
    user = yamlsource.load(path, error=ConfigError) if path else yamlsource.Mapping()
    where = str(path) if path else DEFAULTS_PATH.name
    entries = {
        "listeners": known["listen"],
        "destinations": {**dict.fromkeys(Destination.model_fields), **known["destination_defaults"]},
        "commitment_peers": {
            **dict.fromkeys(CommitmentPeer.model_fields),
            "tls": known["destination_defaults"]["tls"],
        },
        "routes": {**dict.fromkeys(Route.model_fields), "gates": defaults["naming"]["gates"]},
    }
    keys.refuse_unknown(user, known, entries, where)
    settings = _with_tls(keys.merged(defaults, user))
    settings["listeners"] = keys.entries(settings["listeners"], settings["listen"])
    settings["destinations"] = keys.entries(settings["destinations"], settings["destination_defaults"])
    asking = {"commit_within_s": COMMIT_WITHIN_S, "tls": settings["destination_defaults"]["tls"]}
    settings["commitment_peers"] = keys.entries(settings["commitment_peers"], asking)
    names = [entry.get("name", "") for entry in settings["destinations"] if isinstance(entry, dict)]
    settings["routes"] = keys.entries(settings["routes"], route_settings(settings["naming"], names))
    try:
        config = Config.model_validate(settings)
    except ValidationError as problem:
        raise _wrong_value(problem, user, where) from problem
    return _completed(config, (path.parent if path else Path()).resolve())


def _with_tls(settings: dict[str, Any]) -> dict[str, Any]:
    """Let the section ``tls`` stand for what a place that does TLS does not say itself."""
    places = {
        section: {**settings[section], "tls": keys.merged(settings["tls"], settings[section]["tls"])}
        for section in ("listen", "destination_defaults")
    }
    return {**settings, **places, "desk": _desk_with_tls(settings["desk"], settings["tls"])}


def _desk_with_tls(desk: Any, tls: Any) -> Any:
    """Give a desk that the network reaches the certificate of the section ``tls``, where it has none and is to have one."""
    if not isinstance(desk, dict) or not isinstance(tls, dict):
        return desk
    reached = desk["host"] not in ("127.0.0.1", "::1", "localhost")
    plain = desk["plain_http"] in ("yes", "true", "on")
    if plain or not reached or desk["cert_file"] or desk["key_file"]:
        return desk
    return {**desk, "cert_file": tls["cert_file"], "key_file": tls["key_file"]}


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
    return ConfigError(SourceLine(where, line), f"{name}: {said_of(first)}", hint=hint)


def _completed(config: Config, base: Path) -> Config:
    """Make paths absolute, and let our AE title stand for names that are not given."""
    folder = base / config.spool.folder

    def beside(path: Path | None) -> Path | None:
        return base / path if path else None

    return config.model_copy(
        update={
            "listen": _door(config.listen, base),
            "listeners": [_door(door, base) for door in config.listeners],
            "tls": config.tls.beside(base),
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
                    "api_key_file": beside(config.llm.api_key_file),
                    "cache_file": folder / config.llm.cache_file,
                }
            ),
            "desk": config.desk.model_copy(
                update={
                    "link_file": folder / config.desk.link_file,
                    "users": folder / config.desk.users,
                    "tokens": folder / config.desk.tokens,
                    "cert_file": beside(config.desk.cert_file),
                    "key_file": beside(config.desk.key_file),
                }
            ),
            "review": config.review.model_copy(update={"folder": beside(config.review.folder) or folder}),
            "notify": config.notify.model_copy(
                update={
                    "ca_file": beside(config.notify.ca_file),
                    "smtp_password_file": beside(config.notify.smtp_password_file),
                }
            ),
            "commitment_peers": [
                peer.model_copy(update={"tls": peer.tls.beside(base)}) for peer in config.commitment_peers
            ],
            "log": config.log.model_copy(
                update={"file": folder / config.log.file if config.log.file else None}
            ),
            "audit": config.audit.model_copy(
                update={"file": folder / config.audit.file, "salt_file": folder / config.audit.salt_file}
            ),
            "destinations": [
                destination.model_copy(
                    update={
                        "calling_ae_title": destination.calling_ae_title or config.listen.ae_title,
                        "tls": destination.tls.beside(base),
                    }
                )
                for destination in config.destinations
            ],
        }
    )


def _door(listen: Listen, base: Path) -> Listen:
    return listen.model_copy(update={"tls": listen.tls.beside(base)})
