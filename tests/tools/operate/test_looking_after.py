"""``queue``, ``audit``, ``doctor`` and ``echo``: what a person sees of a node and can do about it."""

from __future__ import annotations

import json
import re
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from doubles.drafts import EXPLICIT, draft
from doubles.loopback import unused_port
from doubles.ollama_double import OllamaDouble

from tg263_scp.cli import main
from tg263_scp.config.loading import load_config
from tg263_scp.dicom.editing.relabel import relabel
from tg263_scp.dicom.network.listener import Listener
from tg263_scp.dicom.network.messages import InMemory
from tg263_scp.dicom.network.statuses import StoreStatus
from tg263_scp.errors import HoldReason
from tg263_scp.naming.standard.nomenclature import Nomenclature
from tg263_scp.service.audit import AuditLog
from tg263_scp.service.journal.database import JOURNAL_NAME
from tg263_scp.service.journal.objects import Journal
from tg263_scp.service.journal.states import Arrival, DeliveryState, ObjectState
from tg263_scp.service.node import assemble
from tg263_scp.service.sole_owner import sole_owner
from tg263_scp.service.spool import LOCK_NAME
from tg263_scp.tools.operate import doctor
from tg263_scp.tools.operate.echo import node_check
from tg263_scp.tools.shared.exitcode import ExitCode

UID = "1.2.826.0.1.3680043.10.1"


pytestmark = pytest.mark.usefixtures("loaded_once")


@pytest.fixture
def peer() -> Iterator[int]:
    """The port of a peer called ARCHIVE that answers a C-ECHO."""
    config = load_config()
    listen = config.listen.model_copy(update={"port": 0, "ae_title": "ARCHIVE"})
    listener = Listener(
        listen, config.peers, max_object_bytes=1 << 20, begin=InMemory, accept=lambda _: StoreStatus.SUCCESS
    )
    listener.start()
    yield listener.address[1]
    listener.stop(5.0)


def configured(folder: Path, port: int) -> Path:
    path = folder / "node.yaml"
    path.write_text(
        "listen: {port: 0}\nspool: {min_free_bytes: 1 MiB}\nllm: {enabled: no}\n"
        f"destinations: [{{name: archive, host: 127.0.0.1, port: {port}, ae_title: ARCHIVE}}]\n",
        encoding="utf-8",
    )
    return path


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """The configuration of a node whose journal holds one held object."""
    path = configured(tmp_path, 1)
    folder = load_config(path).spool.folder
    folder.mkdir()
    journal = Journal(folder / JOURNAL_NAME)
    arrival = Arrival(
        "token",
        "1.2.840.10008.5.1.4.1.1.481.3",
        UID,
        "1.2.840.10008.1.2",
        "00" * 32,
        1000,
        "TPS",
        "10.0.0.1",
        "TG263",
        "",
    )
    job, _ = journal.receive(arrival)
    journal.decide(job, {"decision": "d"}, hold=True, reason=HoldReason.TRUNCATED)
    journal.finish(job, ["archive"])
    journal.close()
    return path


def state_of(config: Path) -> ObjectState:
    journal = Journal(load_config(config).spool.folder / JOURNAL_NAME)
    state = journal.job(1).state
    journal.close()
    return state


def test_the_queue_lists_a_held_object_with_its_reason_and_no_uid(
    config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["queue", "list", "--config", str(config)]) == ExitCode.DONE
    out = capsys.readouterr().out
    assert "truncated" in out
    assert "1 objects: 1 held" in out
    assert UID not in out
    assert main(["queue", "list", "--config", str(config), "--json"]) == ExitCode.DONE
    text = capsys.readouterr().out
    assert UID not in text
    (job,) = json.loads(text)
    assert (job["job"], job["state"], job["reason"], job["from"]) == (1, "held", "truncated", "TPS")


def test_one_job_is_shown_with_its_uid(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["queue", "show", "1", "--config", str(config), "--json"]) == ExitCode.DONE
    assert json.loads(capsys.readouterr().out)["sop_instance_uid"] == UID
    assert main(["queue", "show", "1", "--config", str(config)]) == ExitCode.DONE
    out = capsys.readouterr().out
    assert UID in out
    assert "truncated: it ends too early" in out


def test_a_job_that_does_not_exist_is_an_error_without_a_traceback(
    config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for verb in ("show", "retry", "release"):
        assert main(["queue", verb, "7", "--config", str(config)]) == ExitCode.FAILURE
        assert "job 7" in capsys.readouterr().err


@pytest.mark.parametrize("which", ["1", "--all"])
def test_retry_has_a_held_object_decided_anew(
    config: Path, which: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["queue", "retry", which, "--config", str(config)]) == ExitCode.DONE
    assert state_of(config) is ObjectState.RECEIVED
    assert "1 of 1 objects start again" in capsys.readouterr().out


def test_the_queue_says_what_a_destination_waits_for_and_a_retry_ends_the_wait(
    config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    reason = "the peer rejects the association for good: Calling AE title not recognised"
    journal = Journal(load_config(config).spool.folder / JOURNAL_NAME)
    journal.release(1)
    journal.finish(1, ["archive"])
    (delivery,) = journal.outbox.deliveries(1)
    journal.outbox.settle(delivery, DeliveryState.RETRY, error=reason, next_attempt_at=time.time() + 600)
    assert main(["queue", "list", "--config", str(config)]) == ExitCode.DONE
    assert f"archive, 1 objects: {reason}" in capsys.readouterr().out
    assert main(["queue", "list", "--config", str(config), "--json"]) == ExitCode.DONE
    assert json.loads(capsys.readouterr().out)[0]["errors"] == {"archive": reason}
    assert journal.outbox.due("archive", 1) == []
    assert main(["queue", "retry", "--all", "--config", str(config)]) == ExitCode.DONE
    assert len(journal.outbox.due("archive", 1)) == 1
    journal.close()


def test_redo_decides_anew_what_was_delivered_and_says_why_where_it_cannot(
    config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    journal = Journal(load_config(config).spool.folder / JOURNAL_NAME)
    journal.release(1)
    journal.finish(1, ["archive"])
    assert main(["queue", "redo", "1", "7", "--config", str(config)]) == ExitCode.FINDINGS
    said = capsys.readouterr()
    assert "0 of 2 objects are decided anew" in said.out
    assert "job 1 is on its way" in said.err
    assert "no job 7" in said.err
    (delivery,) = journal.outbox.deliveries(1)
    journal.outbox.sending(delivery)
    journal.outbox.settle(delivery, DeliveryState.SENT, status=0)
    assert main(["queue", "redo", "1", "--config", str(config)]) == ExitCode.DONE
    assert state_of(config) is ObjectState.RECEIVED
    journal.close()


def test_the_queue_tells_what_the_model_was_not_asked_about_and_redo_finds_it(
    config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    journal = Journal(load_config(config).spool.folder / JOURNAL_NAME)
    journal.retry(1)
    journal.decide(1, {"decision": "d"}, hold=True, reason=HoldReason.UNRESOLVED_NAMES, unanswered=3)
    journal.finish(1, [])
    journal.close()
    assert main(["queue", "list", "--config", str(config)]) == ExitCode.DONE
    assert "1 objects went on with names" in capsys.readouterr().out
    assert main(["queue", "show", "1", "--config", str(config), "--json"]) == ExitCode.DONE
    assert json.loads(capsys.readouterr().out)["unanswered"] == 3
    assert main(["queue", "redo", "--unanswered", "--config", str(config)]) == ExitCode.DONE
    assert state_of(config) is ObjectState.RECEIVED
    assert main(["queue", "redo", "--config", str(config)]) == ExitCode.USAGE


def test_the_queue_counts_who_waits_for_the_model(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    journal = Journal(load_config(config).spool.folder / JOURNAL_NAME)
    journal.retry(1)
    journal.awaits_llm(1)
    journal.close()
    assert main(["queue", "list", "--config", str(config)]) == ExitCode.DONE
    assert "1 waiting for the language model" in capsys.readouterr().out
    assert main(["queue", "show", "1", "--config", str(config)]) == ExitCode.DONE
    assert "at most for llm.object_budget_s" in capsys.readouterr().out
    assert main(["queue", "release", "1", "--config", str(config)]) == ExitCode.FAILURE
    assert "goes on by itself" in capsys.readouterr().err


def test_release_lets_a_held_object_go_on(config: Path) -> None:
    assert main(["queue", "release", "1", "--config", str(config)]) == ExitCode.DONE
    assert state_of(config) is ObjectState.DECIDED


def test_audit_verify_finds_a_changed_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "audit.jsonl"
    log = AuditLog(path)
    for number in range(3):
        log.append(
            {"kind": "relabelled", "rois": [{"old": f"old {number}", "new": "Heart", "status": "rename"}]}
        )
    log.close()
    assert main(["audit", "verify", str(path)]) == ExitCode.DONE
    assert "chain of 3 lines verified" in capsys.readouterr().out
    assert main(["audit", "show", str(path), "--last", "1", "--json"]) == ExitCode.DONE
    (line,) = json.loads(capsys.readouterr().out)
    assert line["rois"][0]["old"] == "old 2"
    path.write_text(path.read_text(encoding="utf-8").replace("old 1", "old 9"), encoding="utf-8")
    assert main(["audit", "verify", str(path), "--json"]) == ExitCode.FINDINGS
    assert json.loads(capsys.readouterr().out)["line"] == 2


def test_audit_digest_gives_the_digests_that_the_log_has(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before, after, other = (tmp_path / name for name in ("before.dcm", "after.dcm", "notes.txt"))
    before.write_bytes(draft(b"herz", loops=2500).encoded(EXPLICIT))
    other.write_text("no DICOM at all", encoding="utf-8")
    proof = relabel(before, after, {0: "Heart"})
    assert main(["audit", "digest", str(before), str(after)]) == ExitCode.DONE
    assert capsys.readouterr().out.splitlines() == [
        f"{proof.sha256_before}  {before}",
        f"{proof.sha256_after}  {after}",
    ]
    assert main(["audit", "digest", str(other), str(after), "--json"]) == ExitCode.FINDINGS
    shown = capsys.readouterr()
    assert json.loads(shown.out) == {str(after): proof.sha256_after}
    assert "not DICOM" in shown.err


def test_audit_wants_to_know_which_log(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["audit", "verify"]) == ExitCode.USAGE
    assert "hint:" in capsys.readouterr().err


def test_doctor_is_content_where_everything_answers_and_writes_nothing(
    tmp_path: Path, peer: int, capsys: pytest.CaptureFixture[str]
) -> None:
    path = configured(tmp_path, peer)
    assert main(["doctor", "--config", str(path), "--json"]) == ExitCode.DONE
    checks = json.loads(capsys.readouterr().out)
    assert all(check["good"] for check in checks)
    by_name = {check["name"]: check["detail"] for check in checks}
    assert "destination archive" in by_name
    assert "may ignore the relabelled object" in by_name["UIDs for archive"]
    assert list(tmp_path.iterdir()) == [path]


def test_doctor_looks_at_the_desk(
    tmp_path: Path, peer: int, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = configured(tmp_path, peer)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        path.write_text(path.read_text(encoding="utf-8") + f"desk: {{port: {port}}}\n", encoding="utf-8")
        link = load_config(path).desk.link_file

        def said() -> str:
            main(["doctor", "--config", str(path), "--json"])
            return next(
                each["detail"] for each in json.loads(capsys.readouterr().out) if each["name"] == "desk"
            )

        assert "in use" in said()
        link.parent.mkdir(exist_ok=True)
        link.touch(0o600)
        assert "the desk listens there" in said()
        link.chmod(0o644)
        assert "others may read" in said()
        link.unlink()
    assert "is free" in said()
    monkeypatch.setattr("tg263_scp.tools.operate.doctor._DESK_NEEDS", ("no_such_package",))
    assert "no_such_package is not installed" in said()


def test_doctor_tells_of_held_objects_why_since_when_and_what_to_do(
    config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["doctor", "--config", str(config), "--json"]) == ExitCode.FINDINGS
    (held,) = [check for check in json.loads(capsys.readouterr().out) if check["name"] == "held objects"]
    assert not held["good"]
    assert held["detail"].startswith("1, the oldest of 2")
    assert "1 truncated (" in held["detail"]
    assert "queue show" in held["hint"]


def test_doctor_says_what_new_uids_break(
    tmp_path: Path, peer: int, capsys: pytest.CaptureFixture[str]
) -> None:
    path = configured(tmp_path, peer)
    text = path.read_text(encoding="utf-8")
    path.write_text(f"{text}destination_defaults: {{uid_policy: new}}\n", encoding="utf-8")
    assert main(["doctor", "--config", str(path)]) == ExitCode.DONE
    assert "plans and doses go on referring to the original" in capsys.readouterr().out
    rewriting = "destination_defaults: {uid_policy: new, rewrite_references: on, reference_wait_s: 90}\n"
    path.write_text(text + rewriting, encoding="utf-8")
    assert main(["doctor", "--config", str(path)]) == ExitCode.DONE
    said = capsys.readouterr().out
    assert "wait for their set up to 90 s" in said
    assert "what is approved or signed (naming.gates)" in said


def test_doctor_shows_the_routes_and_those_that_nobody_can_take(
    tmp_path: Path, peer: int, capsys: pytest.CaptureFixture[str]
) -> None:
    path = configured(tmp_path, peer)
    routes = """peers: {ae_titles: [TPS, QA]}
routes:
  - {name: research, calling_ae_titles: QA, addresses: 10.1.0.0/16, mode: shadow, gates: {approved: relabel}}
  - {name: other, calling_ae_titles: CLINIC}
  - {name: rest}
"""
    path.write_text(path.read_text(encoding="utf-8") + routes, encoding="utf-8")
    assert main(["doctor", "--config", str(path), "--json"]) == ExitCode.FINDINGS
    checks = {check["name"]: check for check in json.loads(capsys.readouterr().out)}
    assert checks["route research"]["detail"] == (
        "from QA at 10.1.0.0/16; mode shadow; approved relabel; goes to archive"
    )
    assert checks["route rest"]["detail"] == "everybody; mode relabel; goes to archive"
    assert [name for name, check in checks.items() if not check["good"]] == ["route other"]
    assert "none of them is in peers.ae_titles" in checks["route other"]["detail"]


def test_doctor_looks_at_the_language_model_and_at_the_port_for_figures(
    tmp_path: Path, peer: int, capsys: pytest.CaptureFixture[str]
) -> None:
    path = configured(tmp_path, peer)
    with OllamaDouble() as double:
        text = path.read_text(encoding="utf-8").replace(
            "enabled: no", f"host: '{double.url}', qualification: {{required: no}}"
        )
        path.write_text(f"{text}metrics: {{port: 0}}\n", encoding="utf-8")
        assert main(["doctor", "--config", str(path)]) == ExitCode.DONE
        out = capsys.readouterr().out
        assert "ok    metrics: 127.0.0.1:0 is free" in out
        assert "ok    model answers: in" in out
    assert main(["doctor", "--config", str(path), "--json"]) == ExitCode.DONE
    (bad,) = [check for check in json.loads(capsys.readouterr().out) if not check["good"]]
    assert (bad["name"], bad["harmless"]) == ("model", True)
    assert main(["doctor", "--config", str(path)]) == ExitCode.DONE
    assert "warn  model: " in capsys.readouterr().out


def test_doctor_knows_a_title_that_nobody_may_call(
    tmp_path: Path, peer: int, capsys: pytest.CaptureFixture[str]
) -> None:
    path = configured(tmp_path, peer)
    text = path.read_text(encoding="utf-8").replace("{port: 0}", "{port: 0, called_ae_must_match: yes}")
    path.write_text(text + "routes: [{name: study, called_ae_titles: STUDY}]\n", encoding="utf-8")
    assert main(["doctor", "--config", str(path)]) == ExitCode.FINDINGS
    assert "refuses callers of another title than TG263" in capsys.readouterr().out


def test_doctor_names_what_is_wrong(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", "--config", str(config), "--json"]) == ExitCode.FINDINGS
    bad = [check for check in json.loads(capsys.readouterr().out) if not check["good"]]
    assert [check["name"] for check in bad] == ["held objects", "audit log", "destination archive"]
    assert bad[0]["hint"]
    assert "is gone: " in bad[1]["detail"], "the journal knows decided objects, the log was moved away"


def test_doctor_reports_a_broken_configuration_as_a_finding(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "node.yaml"
    path.write_text("lisen: {}\n", encoding="utf-8")
    assert main(["doctor", "--config", str(path)]) == ExitCode.FINDINGS
    assert "listen" in capsys.readouterr().out


def test_doctor_knows_a_running_node(tmp_path: Path, peer: int, nomenclature: Nomenclature) -> None:
    config = load_config(configured(tmp_path, peer))
    with assemble(config, nomenclature) as node:
        listen = config.listen.model_copy(update={"port": node.address[1]})
        check = doctor._port(config.model_copy(update={"listen": listen}), listen)
    assert check.good
    assert "a node runs there" in check.detail


def test_echo_says_who_answers(peer: int, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["echo", f"ARCHIVE@127.0.0.1:{peer}", "--json"]) == ExitCode.DONE
    assert json.loads(capsys.readouterr().out)[0]["answered"] is True


def test_echo_to_nobody_is_a_finding(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound and not listening: every connection is refused
        assert main(["echo", f"ARCHIVE@127.0.0.1:{taken.getsockname()[1]}"]) == ExitCode.FINDINGS
    assert "no connection" in capsys.readouterr().out


@pytest.mark.parametrize(
    "peer_text",
    [
        "ARCHIVE",
        "ARCHIVE@host",
        "ARCHIVE@host:0",
        "@host:104",
        "A@b@c:104",
        " @h:104",
        "A\x1b@h:104",
        "Ä@h:104",
    ],
)
def test_a_peer_that_is_not_written_as_one_is_a_usage_error(peer_text: str) -> None:
    assert main(["echo", peer_text]) == ExitCode.USAGE


@pytest.mark.parametrize(
    "restricted",
    [
        "",
        "peers: {ae_titles: [TPS1, TPS2]}",
        "peers: {addresses: [10.0.0.0/8]}",
        "peers: {ae_titles: [TPS1], addresses: [10.0.0.0/8, 127.0.0.0/8]}",
    ],
)
def test_a_node_with_allow_lists_answers_the_health_check(
    restricted: str, tmp_path: Path, nomenclature: Nomenclature, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "node.yaml"
    path.write_text(
        f"listen: {{port: {unused_port()}, ae_title: CLINIC, called_ae_must_match: yes}}\n"
        f"llm: {{enabled: no}}\nspool: {{min_free_bytes: 1 MiB}}\n{restricted}\n",
        encoding="utf-8",
    )
    asked = ["echo", "--node", "--config", str(path)]
    assert main(asked) == ExitCode.FINDINGS
    with assemble(load_config(path), nomenclature):
        assert main(asked) == ExitCode.DONE
        config = load_config(path)
        assert "a node runs there" in doctor._port(config, config.listen).detail
    assert main(asked) == ExitCode.FINDINGS
    assert capsys.readouterr().out.count("FAIL") == 2


def test_another_program_at_the_port_is_not_the_node(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:

        def greet() -> None:
            connection, _ = other.accept()
            with connection:
                connection.sendall(b"220 hello")

        greeter = threading.Thread(target=greet)
        greeter.start()
        path = tmp_path / "node.yaml"
        path.write_text(f"listen: {{port: {other.getsockname()[1]}}}\npeers: {{addresses: [10.0.0.1]}}\n")
        assert not node_check("node", load_config(path)).good
        greeter.join()


def test_the_health_check_of_the_container_asks_the_node() -> None:
    text = (Path(__file__).resolve().parents[3] / "deploy" / "Containerfile").read_text(encoding="utf-8")
    words = json.loads(re.search(r"^HEALTHCHECK .*CMD (.*)$", text, re.MULTILINE)[1])
    served = json.loads(re.search(r"^CMD (.*)$", text, re.MULTILINE)[1])
    assert words == ["tg263-scp", "echo", "--node", *served[1:]]


@pytest.mark.parametrize("words", [["--node"], ["A@h:1", "--node", "--config", "x.yaml"]])
def test_the_node_is_asked_with_its_configuration_only(words: list[str]) -> None:
    assert main(["echo", *words]) == ExitCode.USAGE


def test_a_retry_without_a_running_node_says_what_it_waits_for(
    config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["queue", "retry", "--all", "--config", str(config)]) == ExitCode.DONE
    assert "once the node runs: `tg263-scp serve`" in capsys.readouterr().out


def test_a_retry_beside_a_running_node_says_no_more(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = load_config(config).spool.folder
    with sole_owner(folder / LOCK_NAME, "the spool"):
        assert main(["queue", "retry", "--all", "--config", str(config)]) == ExitCode.DONE
    assert "serve" not in capsys.readouterr().out


def test_echo_calls_with_the_title_that_is_given(capsys: pytest.CaptureFixture[str]) -> None:
    defaults = load_config()
    listen = defaults.listen.model_copy(update={"port": 0, "ae_title": "ARCHIVE"})
    known = defaults.peers.model_copy(update={"ae_titles": ["TPS1"]})
    listener = Listener(
        listen, known, max_object_bytes=1 << 20, begin=InMemory, accept=lambda _: StoreStatus.SUCCESS
    )
    listener.start()
    try:
        peer = f"ARCHIVE@127.0.0.1:{listener.address[1]}"
        assert main(["echo", peer, "--calling", "TPS1"]) == ExitCode.DONE
        assert main(["echo", peer, "--calling", "OTHER"]) == ExitCode.FINDINGS
        assert main(["echo", peer, "--calling", "SEVENTEEN LETTERS"]) == ExitCode.USAGE
    finally:
        listener.stop(5.0)
    capsys.readouterr()
