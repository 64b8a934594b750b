"""``serve``: what it prepares before the node runs."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path

import pytest
from doubles.loopback import DEADLINE_S, wait_until

from tg263_scp.tools.operate import serve
from tg263_scp.tools.shared.exitcode import ExitCode


def test_whatever_the_umask_was_what_the_node_writes_is_private(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, loaded_once: None
) -> None:
    config = tmp_path / "node.yaml"
    config.write_text("llm: {enabled: no}\n", encoding="utf-8")
    written = tmp_path / "written"

    def assemble(*_: object) -> nullcontext[None]:
        written.touch()
        return nullcontext()

    class Stopped:
        def wait(self, timeout: float) -> bool:
            return True

        def set(self) -> None:
            """Nothing waits."""

    monkeypatch.setattr(serve, "assemble", assemble)
    monkeypatch.setattr(serve, "Event", Stopped)
    monkeypatch.setattr(serve, "load_nomenclature", lambda **_: type("List", (), {"digest": "d" * 64}))
    monkeypatch.setattr(serve.signal, "signal", lambda *_: None)
    before = os.umask(0)
    try:
        assert serve.serve(config) is ExitCode.DONE
    finally:
        os.umask(before)
    assert written.stat().st_mode & 0o777 == 0o600


@pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="needs SIGHUP")
def test_sighup_reads_the_configuration_again_and_a_bad_one_ends_nothing(tmp_path: Path) -> None:
    config, log = tmp_path / "node.yaml", tmp_path / "log"
    text = "llm: {enabled: no}\nspool: {min_free_bytes: 0}\nlisten: {port: 0}\n"
    config.write_text(text, encoding="utf-8")
    with log.open("wb") as out:
        node = subprocess.Popen(
            [sys.executable, "-m", "tg263_scp", "serve", "--config", str(config)], stderr=out, stdout=out
        )

    def logged(words: str) -> Callable[[], bool]:
        return lambda: words in log.read_text(encoding="utf-8")

    try:
        wait_until(logged("listening on"))
        config.write_text(text + "naming: {mode: shadows}\n", encoding="utf-8")
        node.send_signal(signal.SIGHUP)
        wait_until(logged("stays in force"))
        config.write_text(text + "naming: {mode: shadow}\n", encoding="utf-8")
        node.send_signal(signal.SIGHUP)
        wait_until(logged("changed: naming.mode"))
    finally:
        node.terminate()
        assert node.wait(DEADLINE_S) == 0
