"""``doctor``: is everything there that the node needs, and do the peers answer?"""

from __future__ import annotations

import os
import shutil
import socket
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from dataclasses import asdict
from datetime import UTC, datetime
from functools import partial
from http.client import HTTPConnection, HTTPException
from importlib.util import find_spec
from pathlib import Path

from tg263_scp.config.loading import load_config
from tg263_scp.config.routes import Route
from tg263_scp.config.sections import Config, Destination, Listen
from tg263_scp.dicom.network.verification import echo
from tg263_scp.errors import Tg263Error
from tg263_scp.naming.standard.loading import load_nomenclature
from tg263_scp.service.audit import head_path, verify
from tg263_scp.service.deciding.selection import parts_plans_from_sets
from tg263_scp.service.journal.database import ADOPT_HINT, JOURNAL_NAME
from tg263_scp.service.journal.objects import Journal
from tg263_scp.service.journal.states import ObjectState
from tg263_scp.service.readback.ledger import BAD, LEDGER_NAME, Ledger
from tg263_scp.service.readback.reading_back import PROVES_LITTLE, WHAT_TO_DO, proves_little
from tg263_scp.service.review.decisions import Standing
from tg263_scp.service.review.store import ReviewStore
from tg263_scp.service.spool import unknown_objects
from tg263_scp.service.switch import switch_setting
from tg263_scp.tools.operate.checks import Check, found, show
from tg263_scp.tools.operate.echo import ECHO_TIMEOUT_S, called_now, node_check, said_by
from tg263_scp.tools.operate.llm_checks import llm_checks
from tg263_scp.tools.operate.tls_checks import own_certificate_checks, shown_certificate_check
from tg263_scp.tools.shared.exitcode import ExitCode
from tg263_scp.tools.shared.terminal import print_json
from tg263_scp.tools.shared.wording import hold_words

_KEEPS = (
    "kept: a destination that holds the original already may ignore the relabelled object and answer success"
)
_NEW = "new for what is relabelled: plans and doses go on referring to the original, which the destination may lack"
_REWRITES = (
    "new for what is relabelled; plans and doses that come through this node are made to refer to it, and wait for their set"
    " up to {:g} s. Left alone are those that came earlier or another way, all other objects, and {}"
)
"""What each policy breaks."""


def doctor(config: Path | None, as_json: bool) -> ExitCode:
    """The verb ``doctor``: without a configuration the program alone is examined."""
    checks = list(examine(config))
    if as_json:
        print_json([asdict(check) for check in checks])
    else:
        show(checks)
    return found(checks)


_NOT_AUDITED = (ObjectState.RECEIVED, ObjectState.DECIDED)
_DESK_NEEDS = ("fastapi", "jinja2", "python_multipart", "uvicorn")


def examine(path: Path | None) -> Iterator[Check]:
    """Yield what is found of a node, one look after the other; without a configuration file the program alone."""
    try:
        config = load_config(path)
    except Tg263Error as problem:
        yield Check("configuration", False, problem.message, problem.hint)
        return
    yield Check("configuration", True, f"{path or 'defaults'}, sha256 {config.digest[:12]}")
    yield _guarded("nomenclature", lambda: _nomenclature(config))
    if path is None:
        return
    yield _guarded("spool", lambda: _spool(config))
    yield _guarded("journal", lambda: _journal(config))
    yield _guarded("held objects", lambda: _held(config))
    yield _guarded("free disk", lambda: _free_disk(config))
    yield _guarded("audit log", lambda: _audit(config))
    yield _guarded("review", lambda: _review(config))
    yield _switch(config)
    for door in config.doors:
        yield _guarded(_port_name(config, door), partial(_port, config, door))
    yield from own_certificate_checks(config)
    if config.metrics.port is not None:
        yield _guarded("metrics", lambda: _metrics(config))
    if config.desk.port is not None:
        yield _guarded("desk", lambda: _desk(config))
    yield _peers(config)
    for route in config.routes:
        yield _route(route, config)
    yield from llm_checks(config.llm)
    if not config.destinations:
        yield Check(
            "destinations", False, "none: every object would be held", "add at least one to the configuration"
        )
    for destination in config.destinations:
        yield from _destination(destination)
        yield Check(f"UIDs for {destination.name}", True, _uid_policy(destination, config))
        if destination.send.leaves_out or destination.send_between:
            yield _sent_to(destination)
        if destination.verify != "off":
            yield _read_back(destination, config)


def _destination(destination: Destination) -> Iterator[Check]:
    name = f"destination {destination.name}"
    try:
        peer = called_now(destination)
    except Tg263Error as problem:
        yield Check(name, False, problem.message, problem.hint)
        return
    answer = echo(peer)
    yield said_by(name, peer, answer)
    shown = shown_certificate_check(destination, answer)
    if shown:
        yield shown


def _sent_to(destination: Destination) -> Check:
    """Say what a destination gets, and when; plans without the sets that they refer to are a finding."""
    send = destination.send
    said = [
        f"{words} {', '.join(listed)}"
        for words, listed in (
            ("SOP classes", send.sop_classes),
            ("modalities", send.modalities),
            ("from", send.calling_ae_titles),
        )
        if listed
    ]
    said += ["relabelled sets only"] if send.relabelled_only else []
    said += [f"between {destination.send_between}"] if destination.send_between else []
    parted = parts_plans_from_sets(send)
    said += ["plans and doses without the structure sets that they refer to"] if parted else []
    return Check(
        f"what goes to {destination.name}", not parted, "; ".join(said), "let RTSTRUCT go there as well"
    )


def _read_back(destination: Destination, config: Config) -> Check:
    """Say what was found of delivered objects at a destination, and whether that proves anything."""
    name = f"read-back from {destination.name}"
    if proves_little(destination):
        return Check(
            name, False, f"{destination.verify}: {PROVES_LITTLE}", "see verify in default_config.yaml"
        )
    path = config.spool.folder / LEDGER_NAME
    if not path.is_file():
        return Check(name, True, f"{destination.verify} (nothing was read back yet)")
    with closing(Ledger(path)) as ledger:
        counts = {state: n for (there, state), n in ledger.counts().items() if there == destination.name}
    told = ", ".join(f"{n} {state}" for state, n in sorted(counts.items())) or "nothing yet"
    bad = [state for state in counts if state in BAD]
    return Check(
        name, not bad, f"{destination.verify}: {told}", "; ".join(WHAT_TO_DO[state] for state in bad)
    )


def _uid_policy(destination: Destination, config: Config) -> str:
    if not destination.rewrite_references:
        return _KEEPS if destination.uid_policy == "keep" else _NEW
    gates = config.naming.gates
    sealed = [seal for seal in ("approved", "signed") if getattr(gates, seal) != "relabel"]
    kept = f"what is {' or '.join(sealed)} (naming.gates)" if sealed else "what cannot be read"
    return _REWRITES.format(destination.reference_wait_s, kept)


def _route(route: Route, config: Config) -> Check:
    """Say which objects go this way and how; a route whose callers may not call is a finding."""
    who = [
        f"{words} {', '.join(map(str, listed))}"
        for words, listed in (
            ("from", route.calling_ae_titles),
            ("to us as", route.called_ae_titles),
            ("at", route.addresses),
        )
        if listed
    ]
    own = [f"{gate} {action}" for gate, action in route.gates if action != getattr(config.naming.gates, gate)]
    closed = _closed_to(route, config)
    detail = "; ".join(
        (
            " ".join(who) or "everybody",
            f"mode {route.mode}",
            *own,
            f"goes to {', '.join(route.destinations) or 'no destination'}",
            *([closed] if closed else []),
        )
    )
    return Check(
        f"route {route.name}", not closed, detail, "an association is judged before its objects find a route"
    )


def _closed_to(route: Route, config: Config) -> str:
    """Say why no association can bring an object this way; empty where one can."""
    callers, called = config.peers.ae_titles, config.listen.ae_title
    if route.calling_ae_titles and callers and not set(route.calling_ae_titles) & set(callers):
        return "none of them is in peers.ae_titles"
    if config.listen.called_ae_must_match and route.called_ae_titles and called not in route.called_ae_titles:
        return f"called_ae_must_match refuses callers of another title than {called}"
    return ""


def _guarded(name: str, look: Callable[[], Check]) -> Check:
    """A check that fails is a finding, not the end of the examination."""
    try:
        return look()
    except Tg263Error as problem:
        return Check(name, False, problem.message, problem.hint)
    except OSError as problem:
        return Check(name, False, problem.strerror or type(problem).__name__, "check path and permissions")


def _nomenclature(config: Config) -> Check:
    nomenclature = load_nomenclature(overlay=config.naming.overlay, languages=config.naming.languages)
    languages = ", ".join(pack.language for pack in nomenclature.packs)
    detail = f"{len(nomenclature.names)} names, languages: {languages or 'none'}, sha256 {nomenclature.digest[:12]}"
    return Check("nomenclature", True, detail)


def _spool(config: Config) -> Check:
    """Write where the node would write, and leave nothing behind."""
    folder = _nearest_existing(config.spool.folder)
    with tempfile.TemporaryFile(dir=folder) as file:
        file.write(b"\0")
    made = "" if folder == config.spool.folder else " (not there yet, can be made)"
    return Check("spool", True, f"{config.spool.folder} can be written{made}")


def _journal(config: Config) -> Check:
    """Is it there and whole, and does it know every object of the spool?"""
    folder = config.spool.folder
    path = folder / JOURNAL_NAME
    if not path.is_file():
        lost = unknown_objects(folder, tuple)
        detail = f"{path} is gone, and the spool holds {lost} objects" if lost else f"{path} (not there yet)"
        return Check("journal", not lost, detail, ADOPT_HINT)
    with closing(Journal(path)) as journal:
        journal.check()
        unknown = unknown_objects(folder, journal.tokens)
        count = sum(journal.counts().values())
    detail = f"whole, knows {count} objects"
    if unknown:
        detail = f"does not know {unknown} objects of the spool"
    return Check(
        "journal", not unknown, detail, "run 'tg263-scp queue adopt': it takes them in again, as held"
    )


def _held(config: Config) -> Check:
    """Does something wait for a person?"""
    path = config.spool.folder / JOURNAL_NAME
    held = []
    if path.is_file():
        with closing(Journal(path)) as journal:
            held = journal.held()
    if not held:
        return Check("held objects", True, "none")
    oldest = datetime.fromtimestamp(min(at for _, _, at in held), UTC)
    reasons = "; ".join(f"{count} {reason} ({hold_words(reason)})" for reason, count, _ in held)
    detail = f"{sum(count for _, count, _ in held)}, the oldest of {oldest:%Y-%m-%d %H:%M} UTC: {reasons}"
    return Check(
        "held objects",
        False,
        detail,
        "'queue show JOB' says more; then 'queue retry' (after a change), 'release' (as received), 'export' or 'discard'",
    )


def _free_disk(config: Config) -> Check:
    free = shutil.disk_usage(_nearest_existing(config.spool.folder)).free
    wanted = config.spool.min_free_bytes
    detail = f"{free / 2**30:.1f} GiB free, {wanted / 2**30:.1f} GiB have to stay free"
    return Check("free disk", free > wanted, detail, "free disk, or lower spool.min_free_bytes")


def _nearest_existing(folder: Path) -> Path:
    return next(place for place in (folder, *folder.parents) if place.exists())


def _audit(config: Config) -> Check:
    if not config.audit.file.exists():
        return _absent_audit(config)
    report = verify(config.audit.file)
    detail = (
        f"chain of {report.lines} lines verified"
        if report.intact
        else f"line {report.line}: {report.problem}"
    )
    return Check("audit log", report.intact, detail, "keep the log as it is and find out who changed it")


def _absent_audit(config: Config) -> Check:
    """A log that is not there yet is well; one that the journal or the head file misses was moved or removed."""
    path, journal_path = config.audit.file, config.spool.folder / JOURNAL_NAME
    decided = 0
    if journal_path.is_file():
        with closing(Journal(journal_path)) as journal:
            decided = sum(number for state, number in journal.counts().items() if state not in _NOT_AUDITED)
    missed = f"{decided} objects of the journal were decided" if decided else ""
    if head_path(path).exists():
        missed = "its head file is still there"
    if not missed:
        return Check("audit log", True, f"{path} (not there yet)")
    return Check(
        "audit log",
        False,
        f"{path} is gone: {missed}",
        "put the log back, with its head file, or correct audit.file; otherwise the node begins a new log",
    )


def _review(config: Config) -> Check:
    """Is the store of decisions whole, and does anything wait in it?"""
    store = ReviewStore(config.review.store_folder, second_person=config.review.second_person)
    store.refresh()
    standings = Counter(decision.standing for decision in store.decisions())
    waiting = (
        f", {standings[Standing.WAITING]} wait for somebody's approval" if standings[Standing.WAITING] else ""
    )
    return Check("review", True, f"{standings[Standing.ACTIVE]} decisions about names count{waiting}")


def _switch(config: Config) -> Check:
    """A paused node is a finding: its names stay as they come."""
    setting = switch_setting(config.spool.folder)
    if setting is None or not setting.paused:
        return Check("switch", True, "not paused: names are decided")
    detail = (
        f"PAUSED by {setting.by} since {setting.at}: {setting.why}; every object passes as it was received"
    )
    return Check("switch", False, detail, "`tg263-scp resume --by WHO` ends it")


def _port_name(config: Config, listen: Listen) -> str:
    return "port" if listen is config.listen else f"port {listen.port}"


def _port(config: Config, listen: Listen) -> Check:
    """Free, or already held by a node that answers."""
    name, place = _port_name(config, listen), f"{listen.host}:{listen.port}"
    said = _unusable(listen.host, listen.port)
    if not said:
        return Check(name, True, f"{place} is free")
    if node_check(name, config, listen).good:
        return Check(name, True, f"{place}: a node runs there and answers")
    return Check(name, False, f"{place}: {said}", "another program has it, or it is below 1024")


def _metrics(config: Config) -> Check:
    """Free, or already held by a node whose figures can be read."""
    host, port = config.metrics.host, config.metrics.port or 0
    said = _unusable(host, port)
    if not said:
        return Check("metrics", True, f"{host}:{port} is free")
    connection = HTTPConnection(
        "127.0.0.1" if host in ("0.0.0.0", "") else host, port, timeout=ECHO_TIMEOUT_S
    )
    with closing(connection), suppress(OSError, HTTPException):
        connection.request("GET", "/metrics")
        if b"tg263_build_info" in connection.getresponse().read():
            return Check("metrics", True, f"{host}:{port}: a node shows its figures there")
    return Check("metrics", False, f"{host}:{port}: {said}", "another program has it, or it is below 1024")


def _desk(config: Config) -> Check:
    """Is what it needs installed, are its files for their owner alone, and is its port free or its own?"""
    desk = config.desk
    missing = [name for name in _DESK_NEEDS if find_spec(name) is None]
    if missing:
        return Check("desk", False, f"{', '.join(missing)} is not installed", "pip install 'tg263-scp[desk]'")
    kept = (desk.users, desk.tokens, desk.link_file)
    open_to_others = [path for path in kept if path.exists() and path.stat().st_mode & 0o077]
    if open_to_others and os.name != "nt":
        return Check("desk", False, f"others may read {open_to_others[0]}", f"chmod 600 {open_to_others[0]}")
    place = f"{desk.host}:{desk.port}"
    said = _unusable(desk.host, desk.port or 0)
    if not said:
        return Check("desk", True, f"{place} is free: `serve` starts the desk there")
    # Its login link lies there only while it runs; without one nothing tells whose port it is.
    if desk.link_file.exists() or not desk.login_link:
        return Check("desk", True, f"{place}: the desk listens there")
    return Check("desk", False, f"{place}: {said}", "another program has it, or it is below 1024")


def _unusable(host: str, port: int) -> str:
    """Return what stands in the way of listening at an address; nothing where it is free."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as problem:
            return problem.strerror or type(problem).__name__
    return ""


def _peers(config: Config) -> Check:
    """Listening to the whole network without saying who may call is a finding."""
    listed = bool(config.peers.ae_titles or config.peers.addresses)
    outside = [door for door in config.doors if door.host not in ("127.0.0.1", "::1", "localhost")]
    certified = all(door.tls.asks_for_certificates for door in outside)
    who = "everybody in the network"
    if not outside:
        who = "this computer only"
    if listed or (certified and outside):
        who = "listed peers only" if listed else "who shows a certificate that we trust"
    return Check("who may call", listed or certified, who, "fill in peers.ae_titles and peers.addresses")
