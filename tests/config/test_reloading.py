"""A changed configuration is taken over whole or not at all, and what needs a restart is named."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

import pytest
from doubles.nodes import List

from tg263_scp.config.loading import load_config
from tg263_scp.config.reloading import Loaded, Reloads, TakeOver, differences
from tg263_scp.errors import Tg263Error

Read = Callable[[str], Loaded]
DESTINATION = "destinations: [{name: pacs, host: 192.0.2.1, port: 104, ae_title: PACS}]\n"


@pytest.fixture
def read(tmp_path: Path) -> Read:
    def of_text(text: str) -> Loaded:
        path = tmp_path / "node.yaml"
        path.write_text(DESTINATION + text, encoding="utf-8")
        return Loaded(load_config(path), List())

    return of_text


class Part:
    """Notes what it took over."""

    def __init__(self, fault: Exception | None = None) -> None:
        self.modes: list[str] = []
        self.fault = fault

    def prepare(self, loaded: Loaded) -> TakeOver:
        if self.fault:
            raise self.fault
        return lambda: self.modes.append(loaded.config.naming.mode)


def test_parts_take_over_what_they_registered_and_the_rest_waits_for_a_restart(
    read: Read, caplog: pytest.LogCaptureFixture
) -> None:
    reloads, part = Reloads(read("")), Part()
    reloads.add(part.prepare, "naming", "listen.idle_s")
    with caplog.at_level(logging.INFO):
        assert reloads.reload(
            lambda: read("naming: {mode: shadow}\nlisten: {idle_s: 7, port: 1104}\nspool: {folder: other}\n")
        )
    config = reloads.in_force.config
    assert part.modes == ["shadow"]
    assert (config.naming.mode, config.listen.idle_s, config.listen.port) == ("shadow", 7, 11112)
    changed, waiting = [record.getMessage() for record in caplog.records]
    assert "listen.idle_s, naming.mode" in changed
    assert "listen.port" in waiting
    assert "spool.folder" in waiting


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("naming: {mode: shadows}\n", "node.yaml"),
        ("naming: [", "node.yaml"),
    ],
)
def test_a_bad_file_keeps_what_was_in_force(
    read: Read, caplog: pytest.LogCaptureFixture, text: str, said: str
) -> None:
    before, part = read(""), Part()
    reloads = Reloads(before)
    reloads.add(part.prepare, "naming")
    assert not reloads.reload(lambda: read(text))
    assert (reloads.in_force, part.modes) == (before, [])
    assert said in caplog.text
    assert "stays in force" in caplog.text


@pytest.mark.parametrize("fault", [Tg263Error("no key"), OSError(2, "no such file")])
def test_where_one_part_refuses_none_takes_over(read: Read, fault: Exception) -> None:
    before, willing, refusing = read(""), Part(), Part(fault)
    reloads = Reloads(before)
    reloads.add(willing.prepare, "naming")
    reloads.add(refusing.prepare)
    assert not reloads.reload(lambda: read("naming: {mode: shadow}\n"))
    assert (reloads.in_force, willing.modes) == (before, [])


def test_routes_to_a_destination_that_only_a_restart_brings_are_refused(
    read: Read, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    reloads = Reloads(read(""))
    reloads.add(Part().prepare, "routes")
    new = DESTINATION.replace("pacs", "new") + "routes: [{name: all, destinations: [new]}]\n"
    file = tmp_path / "new.yaml"
    file.write_text(new, encoding="utf-8")
    assert not reloads.reload(lambda: Loaded(load_config(file), List()))
    assert "there is no destination 'new'" in caplog.text
    assert "restart" in caplog.text


def test_differences_name_single_settings(read: Read) -> None:
    one = read("").config
    other = read("naming: {gates: {signed: hold}}\npeers: {ae_titles: [TPS]}\n").config
    assert differences(one, other) == ["peers.ae_titles", "naming.gates.signed"]
