"""The log of a node: times with their offset, one line or one JSON object a message, a level, a file."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tg263_scp.errors import Tg263Error
from tg263_scp.tools.shared.terminal import begin_log


@pytest.fixture
def ours() -> Iterator[logging.Logger]:
    """The logger of the program; afterwards the loggers are as they were."""
    root, logger = logging.getLogger(), logging.getLogger("tg263_scp")
    before = (root.level, root.handlers[:], logger.level)
    yield logging.getLogger("tg263_scp.test")
    for handler in root.handlers:
        if handler not in before[1]:
            handler.close()
    root.handlers[:] = before[1]
    root.setLevel(before[0])
    logger.setLevel(before[2])


def test_a_line_begins_with_its_local_time_and_offset(tmp_path: Path, ours: logging.Logger) -> None:
    begin_log(file=tmp_path / "sub" / "node.log")
    ours.info("hello \x1b[2J")
    ours.debug("unseen")
    (line,) = (tmp_path / "sub" / "node.log").read_text(encoding="utf-8").splitlines()
    assert re.fullmatch(
        r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}[+-]\d\d:\d\d INFO tg263_scp\.test: hello \\x1b\[2J", line
    )


def test_json_holds_time_level_logger_and_message(tmp_path: Path, ours: logging.Logger) -> None:
    begin_log("debug", tmp_path / "log", "json")
    ours.debug("peer %s", "A\nB\u202e")
    logging.getLogger("pydicom").debug("an identifier")
    text = (tmp_path / "log").read_text(encoding="utf-8")
    assert "\u202e" not in text
    (told,) = map(json.loads, text.splitlines())
    assert (told["level"], told["logger"], told["message"]) == ("debug", "tg263_scp.test", "peer A\nB\u202e")


def test_a_log_that_cannot_be_written_is_an_error_with_a_hint(tmp_path: Path, ours: logging.Logger) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(Tg263Error, match=r"log\.file"):
        begin_log(file=tmp_path / "file" / "log")
    assert ours
