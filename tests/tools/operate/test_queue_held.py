"""``queue export``, ``discard`` and ``restore``, beside a node that does not run."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
from doubles.spooling import spool_dataset

from tg263_scp.cli import main
from tg263_scp.config.loading import load_config
from tg263_scp.dicom.encoding.part10 import read_file_meta
from tg263_scp.errors import HoldReason
from tg263_scp.service.journal.objects import Journal
from tg263_scp.service.journal.states import Arrival, ObjectState
from tg263_scp.service.node import JOURNAL_NAME
from tg263_scp.service.spool import Spool
from tg263_scp.tools.shared.exitcode import ExitCode

CLASS, UID, SYNTAX = "1.2.840.10008.5.1.4.1.1.481.3", "1.2.3", "1.2.840.10008.1.2"


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """The configuration of a node that holds one object."""
    path = tmp_path / "node.yaml"
    path.write_text("spool: {min_free_bytes: 0}\nllm: {enabled: no}\n", encoding="utf-8")
    folder = load_config(path).spool.folder
    spooled = spool_dataset(
        Spool(folder, min_free_bytes=0),
        b"\x08\x00data set",
        sop_class_uid=CLASS,
        sop_instance_uid=UID,
        transfer_syntax_uid=SYNTAX,
        source_ae_title="TPS",
    )
    journal = Journal(folder / JOURNAL_NAME)
    arrival = Arrival(
        *(spooled.token, CLASS, UID, SYNTAX, spooled.sha256, spooled.dataset_bytes),
        *("TPS", "10.0.0.1", "TG263", ""),
    )
    job, _ = journal.receive(arrival)
    journal.decide(job, {"decision": "d"}, hold=True, reason=HoldReason.TRUNCATED)
    journal.finish(job, [])
    journal.close()
    return path


@pytest.fixture
def journal(config):
    opened = Journal(load_config(config).spool.folder / JOURNAL_NAME)
    yield opened
    opened.close()


def queue(*arguments: str, config: Path) -> ExitCode:
    return main(["queue", *arguments, "--config", str(config)])


def test_an_object_is_exported_as_it_was_received_and_for_its_owner_alone(config, journal, tmp_path):
    target = tmp_path / "out.dcm"
    assert queue("export", "1", str(target), config=config) == ExitCode.DONE
    meta = read_file_meta(target)
    assert (meta.sop_instance_uid, meta.transfer_syntax_uid) == (UID, SYNTAX)
    assert target.read_bytes()[meta.dataset_offset :] == b"\x08\x00data set"
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    assert journal.job(1).state is ObjectState.HELD


def test_an_export_overwrites_nothing_and_says_what_is_wrong(config, journal, tmp_path, capsys):
    target = tmp_path / "mine.txt"
    target.write_text("mine")
    assert queue("export", "1", str(target), config=config) == ExitCode.FAILURE
    assert "not overwritten" in capsys.readouterr().err
    assert target.read_text() == "mine"
    assert queue("export", "1", str(tmp_path / "no" / "where"), config=config) == ExitCode.FAILURE
    assert "there is no folder" in capsys.readouterr().err
    Spool(load_config(config).spool.folder, min_free_bytes=0).discard(journal.job(1).token)
    assert queue("export", "1", str(tmp_path / "new"), config=config) == ExitCode.FAILURE
    assert "no longer in the spool" in capsys.readouterr().err
    assert not (tmp_path / "new").exists()
    assert queue("export", "7", str(tmp_path / "new"), config=config) == ExitCode.FAILURE


def test_a_discarded_object_waits_for_the_node_to_audit_it(config, journal):
    assert (
        queue("discard", "1", "--by", "A. Physicist", "--why", "sent twice", config=config) == ExitCode.DONE
    )
    assert (journal.job(1).state, journal.job(1).next_state) == (ObjectState.DECIDED, "DISCARDED")
    journal.finish(1, [])
    assert queue("restore", "1", "--by", "B. Physicist", config=config) == ExitCode.DONE
    assert journal.job(1).next_state == "HELD"


def test_a_discard_needs_a_name_and_a_reason(config, journal, capsys):
    assert queue("discard", "1", "--by", " ", "--why", "x", config=config) == ExitCode.USAGE
    assert queue("discard", "1", "--by", "A", "--why", "", config=config) == ExitCode.USAGE
    assert queue("restore", "1", "--by", "", config=config) == ExitCode.USAGE
    assert "empty" in capsys.readouterr().err
    assert journal.job(1).state is ObjectState.HELD
    assert queue("restore", "1", "--by", "A", config=config) == ExitCode.FAILURE
    assert "not discarded" in capsys.readouterr().err
