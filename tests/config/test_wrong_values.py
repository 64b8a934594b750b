"""Wrong values are told in our words, and mistakes that many make have a hint of their own."""

from __future__ import annotations

from pathlib import Path

import pytest

from tg263_scp.config.loading import load_config
from tg263_scp.config.wrong_values import said_of
from tg263_scp.errors import ConfigError


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("listen: {port: x}", "listen.port: must be a whole number"),
        ("listen: {port: 70000}", "listen.port: must be 65535 or less"),
        ("listen: {acse_timeout_s: 0}", "listen.acse_timeout_s: must be more than 0"),
        ("listen: {acse_timeout_s: soon}", "listen.acse_timeout_s: must be a number"),
        ("naming: {mode: shade}", "naming.mode: must be 'relabel' or 'shadow'"),
        ("naming: {keep_patterns: {a: b}}", "naming.keep_patterns: must be a list, such as [one, two]"),
        ("spool: {folder: [a]}", "spool.folder: must be the path of a file or folder"),
        (
            "destinations: [{name: a, port: 1, ae_title: A, host: ''}]",
            "destinations.0.host: must not be empty",
        ),
        ("log: {level: loud}", "log.level: must be 'debug', 'info', 'warning' or 'error'"),
        ("log: {format: xml}", "log.format: must be 'text' or 'json'"),
        ("metrics: {port: 11112}", "metrics.port: something else of this node listens on port 11112"),
        ("listen: {host: 0.0.0.0}\ndesk: {port: 11112}", "desk.port: something else of this node listens"),
        ("desk: {port: 8263}\nmetrics: {port: 8263}", "desk.port: something else of this node listens"),
        ("listeners: [{host: 0.0.0.0}]", "listeners.0.port: something else of this node listens"),
    ],
)
def test_a_wrong_value_is_told_in_plain_words(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "node.yaml"
    path.write_text(text + "\n", encoding="utf-8")
    with pytest.raises(ConfigError) as told:
        load_config(path)
    assert said in str(told.value)
    assert "Input" not in str(told.value)


def test_listeners_on_two_addresses_share_a_port(tmp_path: Path) -> None:
    path = tmp_path / "node.yaml"
    path.write_text("metrics: {host: 127.0.0.2, port: 11112}\n", encoding="utf-8")
    assert load_config(path).metrics.port == 11112


@pytest.mark.parametrize("folder", ["C:\\Users\\me", "C:\\data\\new", "C:\\temp", "\\\\server\\share"])
def test_a_windows_path_belongs_into_single_quotes(tmp_path: Path, folder: str) -> None:
    path = tmp_path / "node.yaml"
    path.write_text(f'spool:\n  folder: "{folder}"\n', encoding="utf-8")
    with pytest.raises(ConfigError, match=r":2: ") as told:
        load_config(path)
    assert "single quotes" in str(told.value)
    path.write_text(f"spool:\n  folder: '{folder}'\n", encoding="utf-8")
    assert load_config(path).spool.folder


def test_what_pydantic_says_of_an_error_that_we_do_not_know_is_passed_on() -> None:
    assert said_of({"type": "new_one", "msg": "Value error, must be green"}) == "must be green"
