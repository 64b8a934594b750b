"""The node as a process, and a wire to it that can be cut."""

from __future__ import annotations

import contextlib
import io
import json
import socket
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from processes import DEADLINE_S, HOST, Running, echo, free_port, wait_until

from tg263_scp.cli import main as cli

SERVE = (sys.executable, "-m", "tg263_scp", "serve")


class ServingNode(Running):
    """``tg263-scp serve --config FILE``, as a user starts it, and what a user sees of it: queue and audit log."""

    ae_title = "TG263"

    def __init__(self, folder: Path, destinations: Sequence[dict[str, Any]], **sections: Any) -> None:
        super().__init__("node", folder)
        self.port = free_port()
        self.spool = folder / "spool"
        self.audit = self.spool / "audit.jsonl"
        self.config = folder / "node.yaml"
        settings: dict[str, Any] = {
            "naming": {"gates": {"unreadable": "relabel"}},  # the specimens hold a name that does not decode
            "llm": {"enabled": "no"},
            "listen": {"port": self.port, "ae_title": self.ae_title, "drain_s": DEADLINE_S},
            "spool": {"min_free_bytes": "16 MiB"},
            "destination_defaults": {"retry": {"first_delay_s": 0.2, "max_delay_s": 1}},
            "destinations": list(destinations),
        }
        for section, values in sections.items():
            merges = isinstance(values, dict)
            settings[section] = {**settings.get(section, {}), **values} if merges else values
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
            deliveries = [job["destinations"] for job in listed if job["state"] == "ready"]
            states = [to[name] for to in deliveries for name in to if destination in (None, name)]
            stuck = ("held" in {job["state"] for job in listed}, state != "failed" and "failed" in states)
            assert not any(stuck), "an object is held, or its delivery has failed"
            return len(deliveries) == len(listed) == objects and set(states) == {state}

        try:
            wait_until(reached, f"{objects} objects are {state}")
        except BaseException:
            print(json.dumps(self.queue(), indent=1), self.output(), sep="\n")
            raise
        return self.queue()

    def settle(self) -> None:
        """Wait until every object is held, or each of its deliveries is sent or has failed."""

        def settled() -> bool:
            listed = [job for job in self.queue() if job["state"] != "held"]
            return all(
                job["state"] == "ready" and {*job["destinations"].values()} <= {"sent", "failed"}
                for job in listed
            )

        wait_until(settled, "every object has reached its destinations, or was refused")

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
                # Closing alone does not end a connection that another thread reads from.
                called.shutdown(socket.SHUT_RDWR)

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
