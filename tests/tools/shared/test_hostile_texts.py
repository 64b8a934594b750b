"""No verb lets the text of a peer be anything but text: no markup, no command to the terminal, nothing hidden."""

from __future__ import annotations

import argparse
import ast
import csv
import io
import json
import logging
import os
import sys
import unicodedata
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from doubles.loopback import EXPLICIT, RTSTRUCT, structure_set, unused_port, write_object

import tg263_scp
from tg263_scp.cli import build_parser, main
from tg263_scp.config.loading import load_config
from tg263_scp.errors import HoldReason
from tg263_scp.service.audit import AuditLog
from tg263_scp.service.journal.objects import Journal
from tg263_scp.service.journal.states import Arrival, DeliveryState
from tg263_scp.service.node import JOURNAL_NAME
from tg263_scp.service.review.decisions import WHOLE_CLINIC, Ruled, Wish
from tg263_scp.service.review.store import ReviewStore
from tg263_scp.service.spool import Spool
from tg263_scp.service.switch import set_switch
from tg263_scp.tools.shared import terminal
from tg263_scp.tools.shared.exitcode import ExitCode

pytestmark = pytest.mark.usefixtures("loaded_once")

PACKAGE = Path(tg263_scp.__file__).parent
NASTY = ("[/]", "[bold]", "[red]x", ":smile:", "\x1b[31mred", "\x1b]0;t\x07", "a\u202eb", "\x9b2J", "l1\nl2")
"""What rich would read as markup, what a terminal would obey, what turns text round, what begins another line."""
ALL_NASTY = "".join(NASTY)
CALLING = "[/]\x1b[2J\u202e"
FILE_NAME = "[bold]\x1b[2J\u202e"
HIDDEN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}


class Scene:
    """A node that met hostile peers, and files with hostile names."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = unused_port()
        self.config = folder / "node.yaml"
        self.config.write_text(
            f"listen: {{port: {unused_port()}}}\nspool: {{min_free_bytes: 1 MiB}}\nllm: {{enabled: no}}\n"
            f"destinations: [{{name: archive, host: 127.0.0.1, port: {self.port}, ae_title: '[/]'}}]\n"
            "destination_defaults: {connect_timeout_s: 1}\n",
            encoding="utf-8",
        )
        settings = load_config(self.config)
        settings.spool.folder.mkdir()
        self.journal = settings.spool.folder / JOURNAL_NAME
        self._fill_journal(self.journal)
        self._fill_audit(settings.audit.file)
        self.sets = folder / "sets"
        self.sets.mkdir()
        self.set = self.sets / f"RS{FILE_NAME}.dcm"
        names = [name for name in NASTY if len(name.encode()) <= 64]
        write_object(self.set, structure_set(names), RTSTRUCT, "1.2.3.100", EXPLICIT)
        self.table = folder / "names.csv"
        with self.table.open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows([("original_name", "gold"), *((name, name) for name in NASTY)])

    def _fill_journal(self, path: Path) -> None:
        journal = Journal(path)
        for number in (1, 2):
            journal.receive(
                Arrival(
                    f"t{number}",
                    f"1.2{CALLING}",
                    f"1.2.{number}{CALLING}",
                    "1.2.840.10008.1.2",
                    f"{number}",
                    1,
                    CALLING,
                    CALLING,
                    CALLING,
                    "",
                )
            )
        journal.decide(1, {"decision": "d1"}, hold=True, reason=HoldReason.TRUNCATED)
        journal.decide(2, {"decision": "d2"}, hold=False)
        for job in (1, 2):
            journal.finish(job, ["archive"])
        (delivery,) = journal.outbox.deliveries(2)
        journal.outbox.settle(delivery, DeliveryState.FAILED, error=ALL_NASTY)
        journal.close()

    def received(self) -> Scene:
        """The file of the held object is in the spool."""
        Spool(self.journal.parent, min_free_bytes=0).original("t1").write_bytes(self.set.read_bytes())
        return self

    def discarded(self) -> Scene:
        """The held object is discarded by somebody with a hostile name."""
        with closing(Journal(self.journal)) as journal:
            journal.discard(1, by=ALL_NASTY, why=ALL_NASTY)
            journal.finish(1, [])
        return self

    def linked(self) -> Scene:
        """Somebody has put hostile text where the login link of a running desk is."""
        (self.journal.parent / "desk.link").write_text(ALL_NASTY, encoding="utf-8")
        return self

    def approved(self) -> Scene:
        """The held object is held because it is approved."""
        with closing(Journal(self.journal)) as journal:
            journal.retry(1)
            journal.decide(1, {"decision": "d3"}, hold=True, reason=HoldReason.APPROVED)
            journal.finish(1, [])
        return self

    def decided(self) -> str:
        """A proposal of a clinic with a hostile name waits; return its id."""
        store = ReviewStore(load_config(self.config).review.store_folder)
        wish = Wish(ALL_NASTY, Ruled.KEEP, WHOLE_CLINIC, ALL_NASTY, why=ALL_NASTY)
        with store.writing() as writer:
            return writer.decided(wish, waits=True, proposal_from=ALL_NASTY).id

    def overlay(self) -> Path:
        """An overlay with hostile names, in a file with one."""
        path = self.folder / f"{FILE_NAME}.yaml"
        rows = [f"  - {{name: {json.dumps(name)}, becomes: Heart}}" for name in NASTY]
        path.write_text("\n".join(["mappings:", *rows, ""]), encoding="utf-8")
        return path

    def paused(self) -> Scene:
        """The node is paused by somebody with a hostile name."""
        set_switch(self.journal.parent, paused=True, by=ALL_NASTY, why=ALL_NASTY)
        return self

    def _fill_audit(self, path: Path) -> None:
        rois = [
            {"old": name, "new": name, "status": status, "rule": name, "reason": name, "evidence": [name]}
            for name in NASTY
            for status in ("rename", "review")
        ]
        log = AuditLog(path)
        log.append(
            {
                "kind": ALL_NASTY,
                "reason": ALL_NASTY,
                "sop_instance_uid": CALLING,
                "job": CALLING,
                "rois": rois,
            }
        )
        log.close()


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return Scene(tmp_path)


Words = Callable[[Scene], list[object]]
VERBS: dict[str, Words] = {
    "demo": lambda scene: [scene.sets],
    "explain": lambda scene: [*NASTY],
    "rules": lambda scene: [],
    "map": lambda scene: [scene.table],
    "model qualify": lambda scene: ["--llm-answers", os.devnull],
    "model show-question": lambda scene: [scene.table],
    "census": lambda scene: [scene.sets],
    "relabel": lambda scene: [scene.sets, "--output", scene.folder / FILE_NAME],
    "revert": lambda scene: [scene.sets, "--output", scene.folder / "reverted"],
    "evaluate": lambda scene: [scene.table, "--sets"],
    "queue list": lambda scene: ["--all", "--config", scene.config],
    "queue show": lambda scene: [2, "--config", scene.config],
    "queue retry": lambda scene: ["--all", "--config", scene.config],
    "queue redo": lambda scene: [1, 2, "--config", scene.config],
    "queue release": lambda scene: [1, "--config", scene.config],
    "queue export": lambda scene: [1, scene.folder / FILE_NAME, "--config", scene.received().config],
    "queue discard": lambda scene: [1, "--by", ALL_NASTY, "--why", ALL_NASTY, "--config", scene.config],
    "queue restore": lambda scene: [1, "--by", ALL_NASTY, "--config", scene.discarded().config],
    "queue relabel": lambda scene: [
        1,
        "--by",
        ALL_NASTY,
        "--why",
        ALL_NASTY,
        "--config",
        scene.approved().config,
    ],
    "pause": lambda scene: ["--by", ALL_NASTY, "--why", ALL_NASTY, "--config", scene.config],
    "resume": lambda scene: ["--by", ALL_NASTY, "--config", scene.paused().config],
    "review list": lambda scene: ["--config", scene.config],
    "review show": lambda scene: [NASTY[-1], "--config", scene.config],
    "review decide": lambda scene: [
        *(NASTY[-1], "--keep", "--clinic", "--yes", "--config", scene.config),
        *("--by", ALL_NASTY, "--why", ALL_NASTY),
    ],
    "review impact": lambda scene: [NASTY[-1], "--never", "--clinic", "--config", scene.config],
    "review log": lambda scene: [f"--config={scene.config}"] if scene.decided() else [],
    "review approve": lambda scene: [scene.decided(), "--by", ALL_NASTY, "--config", scene.config],
    "review undo": lambda scene: [
        *(scene.decided(), "--by", ALL_NASTY, "--why", ALL_NASTY, "--config", scene.config),
    ],
    "review apply": lambda scene: [1, "--by", ALL_NASTY, "--config", scene.config],
    "review export": lambda scene: [scene.folder / f"{FILE_NAME}.yaml", "--config", scene.config],
    "review import": lambda scene: [scene.overlay(), "--by", ALL_NASTY, "--config", scene.config],
    "queue adopt": lambda scene: ["--config", scene.config],
    "desk link": lambda scene: ["--config", scene.linked().config],
    "desk add-user": lambda scene: [ALL_NASTY, "--role", ALL_NASTY, "--by-proxy", "--config", scene.config],
    "desk add-token": lambda scene: [ALL_NASTY, "--config", scene.config],
    "audit verify": lambda scene: ["--config", scene.config],
    "drift": lambda scene: ["--config", scene.config],
    "audit show": lambda scene: ["--config", scene.config],
    "audit summary": lambda scene: ["--config", scene.config],
    "config defaults": lambda scene: [],
    "config check": lambda scene: ["--config", scene.config],
    "config show": lambda scene: ["--config", scene.config],
    "audit digest": lambda scene: [scene.set, scene.folder / FILE_NAME],
    "doctor": lambda scene: ["--config", scene.config],
    "echo": lambda scene: [f"[/][bold]@127.0.0.1:{scene.port}"],
    "conformance": lambda scene: ["--config", scene.config],
    "nomenclature check": lambda scene: [],
    "nomenclature list": lambda scene: [CALLING],
    "nomenclature show": lambda scene: [CALLING],
}
WITHOUT_OUTPUT_OF_ITS_OWN = {"serve"}
"""It writes the log; see the tests of :class:`LogFormatter`."""


def leaves(parser: argparse.ArgumentParser, words: tuple[str, ...] = ()) -> Iterator[tuple[str, set[str]]]:
    groups = [each for each in parser._actions if isinstance(each, argparse._SubParsersAction)]
    if not groups:
        options = {option for action in parser._actions for option in action.option_strings}
        yield " ".join(words), options
    for group in groups:
        for name, child in group.choices.items():
            yield from leaves(child, (*words, name))


LEAVES = dict(leaves(build_parser()))


def test_every_verb_is_tried() -> None:
    assert set(LEAVES) == set(VERBS) | WITHOUT_OUTPUT_OF_ITS_OWN


def on_a_terminal(verb: str, scene: Scene, capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    """Run a verb on what says that it is a terminal, one without colours."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TERM", "dumb")
        for stream in (sys.stdout, sys.stderr):
            patch.setattr(stream, "isatty", lambda: True)
        code = main([*verb.split(), *map(str, VERBS[verb](scene))])
        said = capsys.readouterr()
    return code, said.out + said.err


def obeyed(said: str) -> list[str]:
    """What a terminal would obey or hide."""
    return [char for char in said if unicodedata.category(char) in HIDDEN and char != "\n"]


@pytest.mark.parametrize("verb", VERBS)
def test_what_a_verb_shows_is_only_text(verb: str, scene: Scene, capsys: pytest.CaptureFixture[str]) -> None:
    code, said = on_a_terminal(verb, scene, capsys)
    assert code in (ExitCode.DONE, ExitCode.FINDINGS, ExitCode.USAGE)
    assert "Traceback" not in said
    assert obeyed(said) == []


@pytest.mark.parametrize(
    "verb", [verb for verb in VERBS if "--json" in LEAVES[verb] and verb not in ("demo", "relabel")]
)
def test_what_a_verb_shows_as_json_is_only_text(
    verb: str, scene: Scene, capsys: pytest.CaptureFixture[str]
) -> None:
    main([*verb.split(), *map(str, VERBS[verb](scene)), "--json"])
    said = capsys.readouterr().out
    assert obeyed(said) == []
    if said:
        json.loads(said)


@pytest.mark.parametrize("verb", ["explain", "map", "audit show", "demo"])
def test_names_are_shown_as_they_are_written(
    verb: str, scene: Scene, capsys: pytest.CaptureFixture[str]
) -> None:
    _, said = on_a_terminal(verb, scene, capsys)
    for name in NASTY:
        assert terminal.visible(name.partition("\n")[0]) in said


def test_the_queue_names_a_peer_as_it_called_itself(
    scene: Scene, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "400")
    assert main(["queue", "list", "--all", "--config", str(scene.config)]) == ExitCode.DONE
    said = capsys.readouterr().out
    assert terminal.visible(CALLING) in said
    assert terminal.visible(ALL_NASTY) in said


def test_json_means_what_it_meant(capsys: pytest.CaptureFixture[str]) -> None:
    value = {"name": ALL_NASTY + "\U000e0001\ud800é"}
    terminal.print_json(value)
    said = capsys.readouterr().out
    assert json.loads(said) == value
    assert "é" in said


def test_a_table_that_goes_into_a_file_is_left_alone(capsys: pytest.CaptureFixture[str]) -> None:
    terminal.print_table(ALL_NASTY + "\r\n")
    assert capsys.readouterr().out == ALL_NASTY + "\r\n"


def test_a_line_of_the_log_stays_one_line() -> None:
    written = io.StringIO()
    handler = logging.StreamHandler(written)
    handler.setFormatter(terminal.LogFormatter("%(levelname)s %(message)s"))
    record = logging.LogRecord("x", logging.INFO, "x.py", 1, "from %s", (ALL_NASTY,), None)
    handler.handle(record)
    assert written.getvalue() == f"INFO from {terminal.visible(ALL_NASTY)}\n"


def test_only_one_module_writes_to_the_screen() -> None:
    """``print``, consoles, markup and the streams themselves are used nowhere else; ``cli`` sets them up."""
    wanted = {"tools/shared/terminal.py", "cli.py"}
    users = set()
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            said = ast.unparse(node) if isinstance(node, ast.Call | ast.Attribute) else ""
            if said.startswith(("print(", "Console(", "sys.stdout", "sys.stderr")) or "from_markup" in said:
                users.add(path.relative_to(PACKAGE).as_posix())
    assert users == wanted
