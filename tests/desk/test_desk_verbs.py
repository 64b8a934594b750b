"""The verb ``desk`` and its actions, through the command line."""

from __future__ import annotations

import io
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from doubles.desks import Browser, desk_of, write_config
from doubles.loopback import wait_until

from tg263_scp.cli import main
from tg263_scp.config.loading import load_config
from tg263_scp.desk import verbs
from tg263_scp.desk.security import passwords
from tg263_scp.desk.security.accounts import Tokens, accounts_in
from tg263_scp.tools.operate.serve import desk_command
from tg263_scp.tools.shared.exitcode import ExitCode


@pytest.fixture(autouse=True)
def cheap(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passwords, "COST", 1 << 4)


def test_link_prints_the_address_that_logs_in(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = str(write_config(tmp_path))
    assert main(["desk", "link", "--config", config]) == ExitCode.FAILURE
    assert "no desk with a login link runs" in capsys.readouterr().err
    with desk_of(tmp_path) as desk:
        assert main(["desk", "link", "--config", config]) == ExitCode.DONE
        assert capsys.readouterr().out.strip() == desk.login_link


def test_a_link_of_others_cannot_be_read(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = write_config(tmp_path)
    load_config(config).desk.link_file.mkdir(parents=True)
    assert main(["desk", "link", "--config", str(config)]) == ExitCode.FAILURE
    assert "cannot be read" in capsys.readouterr().err


def test_add_user_reads_the_password_from_a_pipe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = write_config(tmp_path)
    monkeypatch.setattr(sys, "stdin", io.StringIO("correct horse battery\n"))
    words = ["desk", "add-user", "anna", "--role", "look", "--role", "decide", "--config", str(config)]
    assert main(words) == ExitCode.DONE
    account = accounts_in(load_config(config).desk.users).entries()["anna"]
    assert account.roles == {"look", "decide"}
    assert passwords.fits("correct horse battery", account.password)


@pytest.mark.parametrize(
    ("typed", "code"), [(["long enough pass"] * 2, 0), (["long enough pass", "other"], 2), (["short"] * 2, 2)]
)
def test_add_user_asks_twice_at_a_terminal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, typed: list[str], code: int
) -> None:
    config = write_config(tmp_path)
    answers = iter(typed)
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True, raising=False)
    monkeypatch.setattr(verbs.getpass, "getpass", lambda _: next(answers))
    assert main(["desk", "add-user", "anna", "--role", "look", "--config", str(config)]) == code
    assert load_config(config).desk.users.exists() == (code == 0)


def test_a_user_of_a_proxy_has_no_password(tmp_path: Path) -> None:
    config = write_config(tmp_path)
    words = ["desk", "add-user", "DOMAIN\\anna", "--role", "look", "--by-proxy", "--config", str(config)]
    assert main(words) == ExitCode.DONE
    assert accounts_in(load_config(config).desk.users).entries()["DOMAIN\\anna"].password == ""


def test_add_token_prints_it_once_and_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = write_config(tmp_path)
    assert main(["desk", "add-token", "eclipse", "--config", str(config)]) == ExitCode.DONE
    said = capsys.readouterr()
    assert Tokens(load_config(config).desk.tokens).owner(said.out.strip()) == "eclipse"
    assert "eclipse" in said.err


def test_without_a_configuration_it_says_what_is_missing(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["desk"]) == ExitCode.USAGE
    assert "--config" in capsys.readouterr().err


def test_without_the_extra_it_says_what_to_install(tmp_path: Path) -> None:
    hidden = tmp_path / "hidden"
    hidden.mkdir()
    for package in ("fastapi", "starlette", "uvicorn", "jinja2"):
        (hidden / f"{package}.py").write_text(f"raise ModuleNotFoundError('none', name='{package}')")
    config = write_config(tmp_path)
    root = Path(verbs.__file__).parents[2]
    ran = subprocess.run(
        [sys.executable, "-m", "tg263_scp", "desk", "--config", str(config)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join((str(hidden), str(root)))},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ran.returncode == ExitCode.FAILURE
    assert re.search(r"the desk needs the package (fastapi|uvicorn|starlette)", ran.stderr), ran.stderr
    assert "pip install 'tg263-scp[desk]'" in ran.stderr


def test_it_runs_as_a_process_until_its_input_ends(tmp_path: Path) -> None:
    config = write_config(tmp_path)
    link = load_config(config).desk.link_file
    root = Path(verbs.__file__).parents[2]
    with subprocess.Popen(
        desk_command(config),
        stdin=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(root)},
        text=True,
    ) as process:
        wait_until(link.exists)
        address = link.read_text().strip()
        url, _, path = address.partition("/enter")
        assert Browser(url).get(f"/enter{path}").status == 200
        _, log = process.communicate(timeout=30)
    assert process.returncode == 0
    assert not link.exists()
    assert path.partition("=")[2] not in log
