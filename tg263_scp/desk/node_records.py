"""What the desk knows of a node: its configuration, journal, spool, nomenclature and review store, opened when first wanted.

The node may not have run yet, may run, or may be stopped: the desk works beside it either way.
"""

from __future__ import annotations

from pathlib import Path
from threading import Lock

from tg263_scp.config.loading import load_config
from tg263_scp.errors import Tg263Error
from tg263_scp.service.journal.database import JOURNAL_NAME
from tg263_scp.service.journal.objects import Journal
from tg263_scp.service.namer import Namer, open_namer
from tg263_scp.service.review.review import Review, open_review
from tg263_scp.service.spool import Spool


class NodeRecords:
    """The records of the node that a configuration file describes; may be used by several threads.

    Raises:
        ConfigError: the configuration cannot be used.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.config = load_config(path)
        self._lock = Lock()
        self._journal: Journal | None = None
        self._namer: tuple[str, Namer] | None = None
        self._review: Review | None = None

    @property
    def namer(self) -> Namer:
        """Names decided as the node decides them, with the decisions of people that count for every object.

        Raises:
            NomenclatureError: the nomenclature or the overlay contradicts itself.
            ReviewError: the store of decisions is damaged.
        """
        state = self.review.state
        with self._lock:
            if self._namer is None or self._namer[0] != state:
                self._namer = state, open_namer(self.path)
            return self._namer[1]

    @property
    def review(self) -> Review:
        """The open names of the node, and the decisions about them.

        Raises:
            NomenclatureError: the nomenclature or the overlay contradicts itself.
        """
        with self._lock:
            if self._review is None:
                self._review = open_review(self.path)
            return self._review

    @property
    def spool(self) -> Spool:
        """The spool of the node, for reading."""
        return Spool(self.config.spool.folder, min_free_bytes=0)

    @property
    def journal(self) -> Journal:
        """The journal of the node, opened again where another file has taken its place.

        Raises:
            Tg263Error: there is none yet, or it cannot be opened.
        """
        with self._lock:
            if self._journal is not None and self._journal.in_place():
                return self._journal
            if self._journal is not None:
                self._journal.close()
                self._journal = None
            path = self.config.spool.folder / JOURNAL_NAME
            if not path.is_file():
                raise Tg263Error(
                    "The node has not run yet with this configuration.",
                    hint="Start it with 'tg263-scp serve'; what it receives is shown here.",
                )
            self._journal = Journal(path)
            return self._journal

    def close(self) -> None:
        """Close what was opened."""
        with self._lock:
            if self._journal is not None:
                self._journal.close()
                self._journal = None
