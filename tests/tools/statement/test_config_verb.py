"""``config``: defaults, check and what holds."""

from __future__ import annotations

from pathlib import Path

import pytest

from tg263_scp import yamlsource
from tg263_scp.cli import main
from tg263_scp.config.loading import DEFAULTS_PATH, load_config
from tg263_scp.tools.shared.exitcode import ExitCode
from tg263_scp.tools.statement.config import check_file

pytestmark = pytest.mark.usefixtures("loaded_once")


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "node.yaml"
    path.write_text(
        "listen: {port: 4242}\nllm: {headers: ['Authorization: Bearer sesame']}\n"
        "notify: {webhook: 'https://chat.example.org/sesame'}\n",
        encoding="utf-8",
    )
    return path


def test_the_defaults_are_printed_as_they_stand(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["config", "defaults"]) == ExitCode.DONE
    assert capsys.readouterr().out == DEFAULTS_PATH.read_text(encoding="utf-8")


def test_what_differs_is_shown_and_nothing_secret(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["config", "show", "--changed", "--config", str(config)]) == ExitCode.DONE
    assert capsys.readouterr().out == "listen:\n  port: 4242\n"
    assert main(["config", "show", "--config", str(config)]) == ExitCode.DONE
    out = capsys.readouterr().out
    assert "sesame" not in out
    shown = yamlsource.parse(out, "shown")
    assert shown["listen"]["port"] == "4242"
    assert shown["spool"]["folder"] == str(load_config(config).spool.folder)


def test_a_check_ends_well_or_says_where_the_mistake_is(
    config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert check_file(config) is ExitCode.DONE
    assert "no mistake found; sections that differ from the defaults: listen" in capsys.readouterr().out
    config.write_text("listen:\n  port: 99x\n", encoding="utf-8")
    assert main(["config", "check", "--config", str(config)]) == ExitCode.CONFIGURATION
    assert f"{config}:2: listen.port: must be a whole number" in capsys.readouterr().err
