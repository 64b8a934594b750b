"""A node whose open names are reviewed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from doubles.still_nodes import StillNode

from tg263_scp.naming.standard.nomenclature import Nomenclature


@pytest.fixture
def node(tmp_path: Path, nomenclature: Nomenclature, no_fsync: None) -> Iterator[StillNode]:
    """A node with one destination that may get an object twice."""
    opened = StillNode(tmp_path, nomenclature)
    yield opened
    opened.close()
