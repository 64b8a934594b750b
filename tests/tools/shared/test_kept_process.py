"""A process that is kept running, such as the desk beside the node."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from doubles.loopback import wait_until

from tg263_scp.tools.operate import serve
from tg263_scp.tools.shared.kept_process import kept_running

BEGINS = "import sys, pathlib; pathlib.Path(sys.argv[1]).open('a').write('begun\\n')"
WAITS = f"{BEGINS}; sys.stdin.read(); pathlib.Path(sys.argv[2]).touch()"
ENDS = f"{BEGINS}; sys.exit(3)"


def begun(path: Path) -> int:
    return len(path.read_text().splitlines()) if path.exists() else 0


def test_the_process_ends_with_the_block(tmp_path: Path) -> None:
    log, ended = tmp_path / "log", tmp_path / "ended"
    with kept_running([sys.executable, "-c", WAITS, str(log), str(ended)]):
        wait_until(lambda: begun(log) == 1)
        assert not ended.exists()
    assert ended.exists()
    assert begun(log) == 1


def test_a_process_that_ends_is_started_again(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    log = tmp_path / "log"
    with kept_running([sys.executable, "-c", ENDS, str(log)], first_wait_s=0.01):
        wait_until(lambda: begun(log) >= 3)
    assert "started again" in caplog.text


def test_a_program_that_is_not_there_is_said_and_stops_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with kept_running([str(tmp_path / "nothing")], first_wait_s=0.01):
        wait_until(lambda: "cannot be started" in caplog.text)


def test_serve_keeps_a_desk_only_where_it_has_a_port(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept: list[list[str]] = []
    monkeypatch.setattr(serve, "kept_running", kept.append)
    config = tmp_path / "node.yaml"
    for text in ("{}", "desk: {port: 8263}"):
        config.write_text(text, encoding="utf-8")
        serve._desk(serve.load_config(config), config)
    assert kept == [serve.desk_command(config)]
