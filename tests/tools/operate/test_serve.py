"""``serve``: what it prepares before the node runs."""

from __future__ import annotations

import os
from contextlib import nullcontext
from pathlib import Path

import pytest

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
