"""All doors of a node: ``listen`` and the further ``listeners``, each with its address and with or without TLS, as one."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from functools import partial
from typing import Generic

from tg263_scp.config.sections import Listen, Peers
from tg263_scp.dicom.network.listener import Listener
from tg263_scp.dicom.network.messages import Announced, D, Notice, Received
from tg263_scp.dicom.network.refusals import Reason
from tg263_scp.dicom.network.statuses import StoreStatus
from tg263_scp.tls.contexts import Reloadable, server_context


class Doors(Generic[D]):
    """Listeners that start and stop together; see :class:`~tg263_scp.dicom.network.listener.Listener`.

    Raises:
        Tg263Error: a file that TLS needs cannot be used.
    """

    def __init__(
        self,
        doors: Sequence[Listen],
        peers: Peers,
        *,
        max_object_bytes: int,
        begin: Callable[[Announced], D],
        accept: Callable[[Received[D]], StoreStatus],
        notice: Callable[[Notice], int] | None = None,
    ) -> None:
        self._listeners: list[Listener[D]] = [
            Listener(
                door,
                peers,
                max_object_bytes=max_object_bytes,
                begin=begin,
                accept=accept,
                notice=notice,
                tls=Reloadable(partial(server_context, door.tls)) if door.tls.enabled else None,
            )
            for door in doors
        ]

    def admit(self, peers: Peers) -> None:
        """Let these call from now on, at every door; associations that stand go on."""
        for listener in self._listeners:
            listener.admit(peers)

    @property
    def addresses(self) -> list[tuple[str, int]]:
        """Host and port that each really listens on, the first being that of ``listen``."""
        return [listener.address for listener in self._listeners]

    @property
    def listening(self) -> bool:
        """True while all of them accept."""
        return all(listener.listening for listener in self._listeners)

    def refused(self) -> Mapping[Reason, int]:
        """How many connections were turned away or ended by this side, by reason."""
        total: Counter[Reason] = Counter()
        for listener in self._listeners:
            total.update(listener.refused())
        return {reason: total[reason] for reason in Reason}

    def start(self) -> None:
        """Open all of them.

        Raises:
            Tg263Error: an address cannot be bound; all are closed again.
        """
        with ExitStack() as opened:
            for listener in self._listeners:
                listener.start()
                opened.callback(listener.stop, 0.0)
            opened.pop_all()

    def stop(self, deadline_s: float) -> None:
        """Close all of them at once, and let running associations finish until the deadline."""
        stopping = [
            threading.Thread(target=listener.stop, args=(deadline_s,)) for listener in self._listeners
        ]
        for thread in stopping:
            thread.start()
        for thread in stopping:
            thread.join()

    def reload(self) -> None:
        """Read the certificates again.

        Raises:
            Tg263Error: a file cannot be used; that listener goes on with what it has.
        """
        for listener in self._listeners:
            listener.reload()
