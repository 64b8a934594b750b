"""Foreign DICOM peers, and the node itself, as processes of their own on free loopback ports.

Nothing here sleeps for a fixed time: a peer counts as started when it answers (a C-ECHO, a REST call), an object as arrived
when its receiver says so. Every process is ended by whoever started it.
"""

from __future__ import annotations

import contextlib
import http.client
import io
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from pydicom.uid import RTStructureSetStorage
from specimens import MODALITIES

from tg263_scp.cli import main as cli

HOST = "127.0.0.1"
SERVE = (sys.executable, "-m", "tg263_scp", "serve")
DEADLINE_S = 30.0
_POLL_S = 0.05

PACKAGES = {
    "echoscu": "dcmtk",
    "storescu": "dcmtk",
    "dcmsend": "dcmtk",
    "storescp": "dcmtk",
    "dcmrecv": "dcmtk",
    "dcmdump": "dcmtk",
    "dcmconv": "dcmtk",
    "dcmcrle": "dcmtk",
    "dcmodify": "dcmtk",
    "findscu": "dcmtk",
    "movescu": "dcmtk",
    "Orthanc": "orthanc",
    "dciodvfy": "dicom3tools",
}
"""The Debian package of each program."""

# Without it DCMTK lets small messages wait up to 90 ms (Nagle's algorithm); Orthanc is built on DCMTK.
_ENVIRONMENT = {**os.environ, "TCP_NODELAY": "1"}

versions: dict[str, str] = {}
"""Which version of each peer the run has talked to; printed at its end."""


def program(name: str) -> str:
    """Return the path of a peer's program. Without it the test is skipped, or fails where TG263_REQUIRE_PEERS is 1."""
    path = shutil.which(name) or shutil.which(name, path="/usr/sbin:/usr/local/sbin")
    if path is None:
        reason = f"PEER MISSING: {name} is not installed (Debian package {PACKAGES[name]})"
        if os.environ.get("TG263_REQUIRE_PEERS") == "1":
            pytest.fail(reason, pytrace=False)
        pytest.skip(reason)
    package = PACKAGES[name]
    if package not in versions:
        versions[package] = _version(package, path)
    return path


def _version(package: str, path: str) -> str:
    option = "-version" if package == "dicom3tools" else "--version"
    said = subprocess.run(
        [path, option], capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False
    )
    lines = [line for line in (said.stdout + said.stderr).splitlines() if line.strip()]
    return lines[0].replace(path, Path(path).name).strip("$ ") if lines else "version unknown"


def run(name: str, *arguments: object, check: bool = True) -> subprocess.CompletedProcess[str]:
    """Run a peer's command to its end; its output, with standard error, is in ``stdout``."""
    done = subprocess.run(
        [program(name), *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        stdin=subprocess.DEVNULL,
        text=True,
        errors="replace",
        timeout=60,
        check=False,
        env=_ENVIRONMENT,
    )
    assert not check or done.returncode == 0, f"{name} ended with {done.returncode}:\n{done.stdout}"
    return done


def wait_until(condition: Callable[[], Any], what: str, *, deadline_s: float = DEADLINE_S) -> Any:
    """Return the first true value of ``condition``; fail when the deadline passes."""
    end = time.monotonic() + deadline_s
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            pytest.fail(f"after {deadline_s:.0f} s still not: {what}", pytrace=False)
        time.sleep(_POLL_S)


def free_port() -> int:
    """Return a TCP port of the loopback interface that nobody uses at the moment."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def _is_open(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex((HOST, port)) == 0


def echo(port: int, ae_title: str, *options: str) -> bool:
    """Say whether a peer answers DCMTK's C-ECHO."""
    return run("echoscu", "-to", 2, *options, "-aec", ae_title, HOST, port, check=False).returncode == 0


class Running:
    """A process with its output in a file; the base of everything that is started here."""

    def __init__(self, name: str, folder: Path) -> None:
        self.name = name
        self.log = folder / f"{name}.log"
        self._process: subprocess.Popen[bytes] | None = None

    def _launch(self, command: Sequence[object], ready: Callable[[], bool]) -> None:
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [str(word) for word in command],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=_ENVIRONMENT,
            )

        def answers() -> bool:
            assert self._process is not None
            code = self._process.poll()
            assert code is None, f"{self.name} ended with {code}:\n{self.output()}"
            return ready()

        try:
            wait_until(answers, f"{self.name} answers")
        except BaseException:
            self.kill()
            raise

    def output(self) -> str:
        """Return what the process has written so far."""
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    def ask_to_stop(self) -> Callable[[], int]:
        """Ask the process to end, as a system does (SIGTERM); return what waits for its exit code."""
        process, self._process = self._process, None
        assert process is not None, f"{self.name} is not running"
        process.terminate()

        def ended() -> int:
            try:
                return process.wait(DEADLINE_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
                pytest.fail(f"{self.name} did not end within {DEADLINE_S:.0f} s of SIGTERM", pytrace=False)

        return ended

    def stop(self) -> int:
        """End the process gently and return its exit code."""
        return self.ask_to_stop()()

    def kill(self) -> None:
        """End the process at once (SIGKILL): it cannot finish anything."""
        process, self._process = self._process, None
        if process is not None:
            process.send_signal(signal.SIGKILL)
            process.wait()


ACCEPT_ALL = ("+xa",)
"""storescp's option for every transfer syntax that DCMTK knows."""


class DcmtkReceiver(Running):
    """DCMTK's ``storescp`` or ``dcmrecv``, writing data sets bit for bit as they came (``+B``)."""

    def __init__(self, folder: Path, *, command: str = "storescp", port: int = 0) -> None:
        super().__init__(command, folder.parent)
        self.folder = folder
        self.command = command
        self.port = port or free_port()
        self.ae_title = command.upper()

    def start(self, *options: object, answers: bool = True) -> DcmtkReceiver:
        """Start it, with other options of its own than to accept everything where given.

        ``answers`` is false where the options make it refuse everybody: then only its port has to be open.
        """
        self.folder.mkdir(exist_ok=True)
        if self.command == "dcmrecv":
            options = ("-xf", self._profile(), "Default", *options)
        fixed = ("-aet", self.ae_title, "-od", self.folder, "+B")
        ready = (lambda: echo(self.port, self.ae_title)) if answers else (lambda: _is_open(self.port))
        path = program(self.command)
        self._launch([path, *fixed, *(options or ACCEPT_ALL), self.port], ready)
        return self

    def _profile(self) -> Path:
        """Write the association profile without which dcmrecv takes nothing but C-ECHO."""
        syntaxes = (
            "LittleEndianExplicit", "BigEndianExplicit", "LittleEndianImplicit", "DeflatedLittleEndianExplicit"
        )  # fmt: skip
        classes = ("1.2.840.10008.1.1", RTStructureSetStorage, *MODALITIES.values())
        lines = ["[[TransferSyntaxes]]", "[All]"]
        lines += [f"TransferSyntax{number} = {syntax}" for number, syntax in enumerate(syntaxes, start=1)]
        lines += ["[[PresentationContexts]]", "[Storage]"]
        lines += [f"PresentationContext{number} = {uid}\\All" for number, uid in enumerate(classes, start=1)]
        lines += ["[[Profiles]]", "[Default]", "PresentationContexts = Storage", ""]
        profile = self.folder.parent / "dcmrecv.cfg"
        profile.write_text("\n".join(lines))
        return profile

    def clear(self) -> None:
        """Remove what it holds."""
        for path in self.files().values():
            path.unlink()

    def files(self) -> dict[str, Path]:
        """Return what it holds, by SOP Instance UID (its file names are ``<modality>.<UID>``)."""
        found = sorted(self.folder.iterdir()) if self.folder.exists() else []
        return {path.name.partition(".")[2]: path for path in found}

    def as_destination(self, name: str = "receiver") -> dict[str, Any]:
        """Return it as an entry of ``destinations``."""
        return {"name": name, "host": HOST, "port": self.port, "ae_title": self.ae_title}


class Orthanc(Running):
    """An Orthanc of our own: no plugins, REST without password for this computer, DICOM for the listed AE titles only."""

    ae_title = "ORTHANC"

    def __init__(self, folder: Path, *, overwrite: bool) -> None:
        super().__init__("Orthanc", folder)
        self.port, self._rest_port = free_port(), free_port()
        (folder / "storage").mkdir()
        callers = ("TG263", "DCMSEND", "STORESCU", "MOVESCU")
        self._settings = folder / "orthanc.json"
        self._settings.write_text(
            json.dumps(
                {
                    "Name": "conformance",
                    "StorageDirectory": str(folder / "storage"),
                    "IndexDirectory": str(folder / "storage"),
                    "Plugins": [],
                    "HttpPort": self._rest_port,
                    "RemoteAccessAllowed": False,
                    "AuthenticationEnabled": False,
                    "DicomAet": self.ae_title,
                    "DicomPort": self.port,
                    "DicomCheckModalityHost": True,
                    "DicomAlwaysAllowStore": False,
                    "DicomModalities": {title: [title, HOST, 104] for title in callers},
                    "OverwriteInstances": overwrite,
                    "SaveJobs": False,
                }
            )
        )

    def start(self) -> Orthanc:
        """Start it and wait for both of its doors."""
        ready = lambda: self._answers() and echo(self.port, self.ae_title)  # noqa: E731
        self._launch([program("Orthanc"), self._settings], ready)
        return self

    def _answers(self) -> bool:
        try:
            return bool(self.rest("GET", "/system")["Version"])
        except OSError:
            return False

    def request(self, method: str, path: str, body: Any = None) -> bytes:
        """Make a REST call and return the body of the answer.

        Raises:
            OSError: it cannot be reached.
        """
        connection = http.client.HTTPConnection(HOST, self._rest_port, timeout=DEADLINE_S)
        with contextlib.closing(connection):
            connection.request(method, path, body if isinstance(body, str | None) else json.dumps(body))
            answer = connection.getresponse()
            content = answer.read()
        assert answer.status == 200, f"{method} {path}: {answer.status} {content!r}"
        return content

    def rest(self, method: str, path: str, body: Any = None) -> Any:
        """Make a REST call and return its JSON."""
        return json.loads(self.request(method, path, body) or b"null")

    def know_node(self, node: ServingNode) -> None:
        """Enter the node as a modality that objects can be sent to."""
        self.request("PUT", "/modalities/TG263", [node.ae_title, HOST, node.port])

    def clear(self) -> None:
        """Delete everything."""
        for patient in self.rest("GET", "/patients"):
            self.request("DELETE", f"/patients/{patient}")
        self.request("DELETE", "/changes")

    def instances(self) -> dict[str, str]:
        """Return Orthanc's own identifiers by SOP Instance UID."""
        found = self.rest("GET", "/instances?expand")
        return {each["MainDicomTags"]["SOPInstanceUID"]: each["ID"] for each in found}

    def file(self, sop_instance_uid: str, target: Path) -> Path:
        """Read an object back into a file."""
        target.write_bytes(self.request("GET", f"/instances/{self.instances()[sop_instance_uid]}/file"))
        return target

    def roi_names(self, sop_instance_uid: str) -> list[str]:
        """Return the ROI names of a structure set as Orthanc understands them."""
        tags = self.rest("GET", f"/instances/{self.instances()[sop_instance_uid]}/tags")
        return [roi["3006,0026"]["Value"] or "" for roi in tags["3006,0020"]["Value"]]

    def order_of_arrival(self) -> list[str]:
        """Return the SOP Instance UIDs in the order in which the objects were stored."""
        uids = {identifier: uid for uid, identifier in self.instances().items()}
        changes = self.rest("GET", "/changes?limit=1000")["Changes"]
        return [uids[change["ID"]] for change in changes if change["ChangeType"] == "NewInstance"]

    def as_destination(self, name: str = "orthanc") -> dict[str, Any]:
        """Return it as an entry of ``destinations``."""
        return {"name": name, "host": HOST, "port": self.port, "ae_title": self.ae_title}


class ServingNode(Running):
    """``tg263-scp serve --config FILE``, as a user starts it, and what a user sees of it: queue and audit log."""

    ae_title = "TG263"

    def __init__(self, folder: Path, destinations: Sequence[dict[str, Any]], **sections: Any) -> None:
        super().__init__("node", folder)
        self.port = free_port()
        self.spool = folder / "spool"
        self.audit = self.spool / "audit.jsonl"
        self.config = folder / "node.yaml"
        settings = {
            "listen": {"port": self.port, "ae_title": self.ae_title, "drain_s": 10},
            "spool": {"min_free_bytes": "16 MiB"},
            "destination_defaults": {"retry": {"first_delay_s": 0.2, "max_delay_s": 1}},
            "destinations": list(destinations),
        }
        for section, values in sections.items():
            settings[section] = {**settings.get(section, {}), **values}
        self.config.write_text(json.dumps(settings, indent=1))  # JSON is YAML
        self._counted_from = 0

    def start(self, *, ready: Callable[[], bool] | None = None) -> ServingNode:
        """Start it and wait until it answers a C-ECHO, or whatever ``ready`` asks."""
        self._launch([*SERVE, "--config", self.config], ready or (lambda: echo(self.port, self.ae_title)))
        return self

    def verb(self, *words: object) -> tuple[int, str]:
        """Run another verb with the node's configuration beside it; return exit code and standard output."""
        said = io.StringIO()
        with contextlib.redirect_stdout(said):
            code = cli([*map(str, words), "--config", str(self.config)])
        return code, said.getvalue()

    def queue(self) -> list[dict[str, Any]]:
        """Return what ``queue list`` shows of the objects that count, delivered ones too."""
        code, said = self.verb("queue", "list", "--all", "--json")
        assert code == 0, said
        listed = json.loads(said)
        assert isinstance(listed, list)
        return listed[self._counted_from :]

    def count_from_here(self) -> None:
        """Forget the objects that were received before: they belong to other tests."""
        self._counted_from += len(self.queue())

    def wait_for(self, state: str, *, objects: int, destination: str | None = None) -> list[dict[str, Any]]:
        """Wait until that many objects are listed and every delivery (to one destination) has the state."""

        def reached() -> bool:
            listed = self.queue()
            states = [
                value
                for job in listed
                for name, value in job["destinations"].items()
                if destination in (None, name)
            ]
            complete = all(job["state"] == "ready" for job in listed)
            return len(listed) == objects and complete and bool(states) and set(states) == {state}

        try:
            wait_until(reached, f"{objects} objects are {state}")
        except BaseException:
            print(json.dumps(self.queue(), indent=1), self.output(), sep="\n")
            raise
        return self.queue()

    def audit_lines(self, kind: str) -> list[dict[str, Any]]:
        """Return the lines of one kind, oldest first."""
        lines = [json.loads(line) for line in self.audit.read_text().splitlines()]
        return [line for line in lines if line["kind"] == kind]


class Wire:
    """A connection to a port that lets ``pass_bytes`` of the caller through and then holds everything back.

    What is sent in the middle of an object can so be cut off, or delayed, at a known place. ``held`` is set once the limit
    is reached; :meth:`release` lets the rest through, :meth:`close` cuts the connection.
    """

    def __init__(self, port: int, pass_bytes: int) -> None:
        self._target = port
        self._left = pass_bytes
        self.held = threading.Event()
        self._go_on = threading.Event()
        self._whole = False
        self._listening = socket.create_server((HOST, 0))
        self.port = int(self._listening.getsockname()[1])
        self._thread = threading.Thread(target=self._carry, daemon=True)
        self._thread.start()

    def _carry(self) -> None:
        with contextlib.suppress(OSError):
            caller, _ = self._listening.accept()
            with caller, socket.create_connection((HOST, self._target)) as called:
                back = threading.Thread(target=_copy, args=(called, caller), daemon=True)
                back.start()
                while self._left > 0 and (data := caller.recv(min(self._left, 1 << 16))):
                    called.sendall(data)
                    self._left -= len(data)
                self.held.set()
                self._go_on.wait(DEADLINE_S)
                if self._whole:
                    _copy(caller, called)

    def release(self) -> None:
        """Let everything through from now on."""
        self._whole = True
        self._go_on.set()

    def close(self) -> None:
        """Cut the connection on both sides, unless it was released: then wait until the caller has ended it."""
        self._go_on.set()
        self._listening.close()
        self._thread.join(DEADLINE_S)

    def __enter__(self) -> Wire:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _copy(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(1 << 16):
            target.sendall(data)


@contextlib.contextmanager
def sending(*arguments: object, log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Run ``storescu`` beside the test; it is killed when the block ends."""
    with log.open("wb") as output:
        process = subprocess.Popen(
            [program("storescu"), *map(str, arguments)],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=_ENVIRONMENT,
        )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def dumped_names(path: Path) -> list[str]:
    """Return the ROI names that DCMTK's ``dcmdump`` shows."""
    said = run("dcmdump", "+P", "3006,0026", "+L", path).stdout
    shown = re.compile(r"\(3006,0026\) LO (?:\[(?P<text>.*)\]|\(no value available\)) +#")
    names = [shown.match(line.strip()) for line in said.splitlines() if "(3006,0026)" in line]
    return [(match["text"] or "").rstrip() if match else "?" for match in names]
