"""The verbs with ``--llm``: map, explain, evaluate with cassettes, relabel. The model is the test double."""

from __future__ import annotations

import csv
import json
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from doubles.answers import always, reads
from doubles.archives import manifest_rows
from doubles.loopback import structure_set, write_object
from doubles.ollama_double import OllamaDouble

from tg263_scp.cli import main
from tg263_scp.dicom.reading.structure_set import read_structure_set
from tg263_scp.errors import HoldReason
from tg263_scp.tools.shared.exitcode import ExitCode

RTSTRUCT = "1.2.840.10008.5.1.4.1.1.481.3"

pytestmark = pytest.mark.usefixtures("loaded_once")


@pytest.fixture
def double() -> Iterator[OllamaDouble]:
    with OllamaDouble(answer=always("Bladder")) as double:
        yield double


@pytest.fixture
def config(tmp_path: Path, double: OllamaDouble) -> Path:
    path = tmp_path / "node.yaml"
    path.write_text(
        f"llm: {{host: '{double.url}', samples: 2, failures_before_pause: 2, qualification: {{required: no}}}}\n"
        "spool: {folder: spool}\n",
        encoding="utf-8",
    )
    return path


@pytest.fixture
def gold(tmp_path: Path) -> Path:
    path = tmp_path / "gold.csv"
    rows = ["original_name,gold", "gnarblix,Bladder", "plukato zuvor,Rectum", "LUNG-L,Lung_L", "ring,ABSTAIN"]
    path.write_text("\n".join(rows) + "\n", encoding="utf-8")
    return path


def mapped(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_map_asks_about_each_name_once(
    tmp_path: Path, config: Path, double: OllamaDouble, capsys: pytest.CaptureFixture[str]
) -> None:
    names = tmp_path / "names.csv"
    names.write_text("original_name\ngnarblix\nHeart\ngnarblix\n", encoding="utf-8")
    out = tmp_path / "mapped.csv"
    assert main(["map", str(names), "-o", str(out), "--llm", "--config", str(config)]) == ExitCode.DONE
    rows = mapped(out)
    assert [row["standard_name"] for row in rows] == ["Bladder", "Heart", "Bladder"]
    assert rows[0]["rule"] == "R090"
    assert len(double.requests) == 4, "one question: two samples, the counter-check and the null control"


def test_map_without_llm_asks_nobody(tmp_path: Path, config: Path, double: OllamaDouble) -> None:
    names = tmp_path / "names.csv"
    names.write_text("original_name\ngnarblix\n", encoding="utf-8")
    main(["map", str(names), "-o", str(tmp_path / "mapped.csv"), "--config", str(config)])
    assert double.calls == []


def test_a_model_that_is_not_there_is_a_failure_before_any_work(
    tmp_path: Path, config: Path, double: OllamaDouble, capsys: pytest.CaptureFixture[str]
) -> None:
    double.stop()
    names = tmp_path / "names.csv"
    names.write_text("original_name\ngnarblix\n", encoding="utf-8")
    out = tmp_path / "mapped.csv"
    code = main(["map", str(names), "-o", str(out), "--llm", "--config", str(config)])
    double.start()
    assert code == ExitCode.FAILURE
    assert not out.exists()
    assert "hint:" in capsys.readouterr().err


def test_questions_without_an_answer_are_a_finding(
    tmp_path: Path, config: Path, double: OllamaDouble, capsys: pytest.CaptureFixture[str]
) -> None:
    double.fault = "half"
    names = tmp_path / "names.csv"
    names.write_text("original_name\ngnarblix\n", encoding="utf-8")
    out = tmp_path / "mapped.csv"
    assert main(["map", str(names), "-o", str(out), "--llm", "--config", str(config)]) == ExitCode.FINDINGS
    assert mapped(out)[0]["status"] == "review"
    assert "not answered" in capsys.readouterr().err


def test_explain_shows_the_very_prompt_the_candidates_and_the_votes(
    config: Path, double: OllamaDouble, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["explain", "gnarblix", "Heart", "--llm", "--config", str(config), "--json"]
    assert main(command) == ExitCode.DONE
    first, second = json.loads(capsys.readouterr().out)
    sent = [[[m["role"], m["content"]] for m in request["messages"]] for request in double.requests]
    assert [request["messages"] for request in first["model"]["requests"]] == sent[:2]
    assert first["model"]["choice"]["votes"] == [["Bladder", 2]]
    assert "model" not in second
    main(["explain", "gnarblix", "--llm", "--config", str(config)])
    said = capsys.readouterr().out
    for part in (
        "chosen by the language model",
        '"written":"gnarblix"',
        "2 for Bladder",
        "remembered",
    ):
        assert part in said
    assert len(double.requests) == 4


def evaluated(capsys: pytest.CaptureFixture[str], *arguments: object) -> dict[str, Any]:
    assert main(["evaluate", *map(str, arguments), "--llm", "--json"]) == ExitCode.DONE
    figures = json.loads(capsys.readouterr().out)
    assert isinstance(figures, dict)
    return figures


def test_evaluate_measures_the_model_and_a_cassette_repeats_it_without_one(
    tmp_path: Path, gold: Path, config: Path, double: OllamaDouble, capsys: pytest.CaptureFixture[str]
) -> None:
    cassette = tmp_path / "cassette.jsonl"
    live = evaluated(capsys, gold, "--record", cassette, "--config", config)
    model = live["model"]
    assert (model["names_asked_about"], model["names_resolved"]) == (2, 2)
    assert (model["resolved_right"], model["resolved_wrong"]) == (1, 1)
    assert model["digest"] == double.models[0].digest
    assert model["tokens_per_question"] > 0
    asked = len(double.requests)
    double.stop()
    again = evaluated(capsys, gold, "--replay", cassette, "--config", config)
    double.start()
    assert len(double.requests) == asked
    assert again == live


def test_the_report_has_a_section_about_the_model_and_the_votes_of_every_row(
    tmp_path: Path, gold: Path, config: Path, double: OllamaDouble, capsys: pytest.CaptureFixture[str]
) -> None:
    live = evaluated(capsys, gold, "--report", tmp_path / "report", "--config", config)
    model = live["model"]
    assert (model["answered_none"], model["votes_differed"], model["counter_check_failed"]) == (0, 0, 0)
    assert model["resolved_wrong_rate_95"][0] < 0.5 < model["resolved_wrong_rate_95"][1]
    report = (tmp_path / "report" / "report.md").read_text(encoding="utf-8")
    section = report.partition("## The language model")[2]
    assert f"| digest | {double.models[0].digest} |" in section
    assert "| resolved wrong | 1 |" in section
    rows = mapped(tmp_path / "report" / "rows.csv")
    assert rows[0]["model_votes"].startswith("2 wanted: 2 for Bladder; with that taken away: none")
    assert rows[2]["model_votes"] == ""


def test_a_cassette_has_every_request_and_answer(
    tmp_path: Path, gold: Path, config: Path, double: OllamaDouble, capsys: pytest.CaptureFixture[str]
) -> None:
    cassette = tmp_path / "cassette.jsonl"
    evaluated(capsys, gold, "--record", cassette, "--config", config)
    assert cassette.stat().st_mode & 0o077 == 0
    lines = list(map(json.loads, cassette.read_text(encoding="utf-8").splitlines()))
    assert {line["model"]["digest"] for line in lines} == {double.models[0].digest}
    assert len(lines) == len(double.requests) == 8
    said = Counter(json.loads(line["answer"])["n1"]["structure"] for line in lines)
    assert said == {"Bladder": 4, "none": 4}


def test_a_request_that_was_never_recorded_is_left_to_a_person(
    tmp_path: Path, gold: Path, config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cassette = tmp_path / "cassette.jsonl"
    evaluated(capsys, gold, "--record", cassette, "--config", config)
    gold.write_text("original_name,gold\nwexumi tenobri,Bladder\n", encoding="utf-8")
    code = main(["evaluate", str(gold), "--llm", "--replay", str(cassette), "--config", str(config)])
    assert code == ExitCode.FINDINGS
    assert "not_recorded" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["--record", "a"], ExitCode.USAGE),
        (["--llm", "--record", "a", "--replay", "b"], ExitCode.USAGE),
        (["--llm", "--replay", "nothing-there"], ExitCode.FAILURE),
    ],
)
def test_wrong_uses_of_a_cassette(
    arguments: list[str], code: ExitCode, gold: Path, config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["evaluate", str(gold), *arguments, "--config", str(config)]) == code
    assert "hint:" in capsys.readouterr().err


def test_a_cassette_is_never_overwritten_and_must_be_one(
    tmp_path: Path, gold: Path, config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = tmp_path / "other.jsonl"
    other.write_text("{}\n", encoding="utf-8")
    for option in ("--record", "--replay"):
        code = main(["evaluate", str(gold), "--llm", option, str(other), "--config", str(config)])
        assert code == ExitCode.FAILURE
    assert other.read_text(encoding="utf-8") == "{}\n"


@pytest.mark.parametrize("jobs", [1, 2])
def test_relabel_asks_where_it_is_told_to(
    jobs: int, tmp_path: Path, config: Path, double: OllamaDouble, capsys: pytest.CaptureFixture[str]
) -> None:
    archive = tmp_path / "archive"
    archive.mkdir()
    for number in (1, 2):
        uid = f"1.2.{number}"
        write_object(archive / f"{number}.dcm", structure_set(["gnarblix", "herz"], uid=uid), RTSTRUCT, uid)
    common = ["--config", str(config), "--jobs", str(jobs)]
    main(["relabel", str(archive), "--output", str(tmp_path / "without"), *common])
    assert double.requests == []
    main(["relabel", str(archive), "--output", str(tmp_path / "with"), "--llm", *common])
    for number in (1, 2):
        names = [roi.name for roi in read_structure_set(tmp_path / "with" / f"{number}.dcm").rois]
        assert names[0] == "Bladder"
    assert len(double.requests) <= 4 * jobs, "answers are shared between objects and processes"


def test_an_archive_waits_for_answers_and_goes_on_where_it_ended(
    tmp_path: Path, config: Path, double: OllamaDouble, capsys: pytest.CaptureFixture[str]
) -> None:
    archive, output = tmp_path / "archive", tmp_path / "with"
    archive.mkdir()
    for number, names in ((1, ["gnarblix"]), (2, ["herz"])):
        write_object(
            archive / f"{number}.dcm", structure_set(names, uid=f"1.2.{number}"), RTSTRUCT, f"1.2.{number}"
        )
    command = ["relabel", str(archive), "--output", str(output), "--llm", "--config", str(config)]
    double.fault, double.faulty_paths = "error", {"/api/chat"}
    assert main(command) == ExitCode.FINDINGS
    assert "run the same command again" in capsys.readouterr().out
    assert [row["reason"] for row in manifest_rows(output) if row["outcome"] == "held"] == [
        HoldReason.MODEL_UNANSWERED
    ]
    assert [path.name for path in output.glob("*.dcm")] == ["2.dcm"]
    double.fault = None
    assert main(command) == ExitCode.DONE
    assert [roi.name for roi in read_structure_set(output / "1.dcm").rois] == ["Bladder"]
    assert not list(output.glob(".*.unfinished"))


def test_questions_pass_over_files_in_three_rounds(
    tmp_path: Path, gold: Path, config: Path, double: OllamaDouble, capsys: pytest.CaptureFixture[str]
) -> None:
    """A batch elsewhere answers what is written down; what depends on the answers is written down in the next round."""
    answers = tmp_path / "answers.jsonl"
    answers.write_text("", encoding="utf-8")
    rounds = []
    for number in range(1, 5):
        questions = tmp_path / f"questions{number}.jsonl"
        command = [
            "evaluate",
            gold,
            "--llm-questions",
            questions,
            "--llm-answers",
            answers,
            "--config",
            config,
        ]
        code = main([*map(str, command), "--json"])
        figures = json.loads(capsys.readouterr().out)
        asked = [json.loads(line) for line in questions.read_text(encoding="utf-8").splitlines()]
        rounds.append(len(asked))
        if not asked:
            break
        assert code == ExitCode.FINDINGS
        assert questions.stat().st_mode & 0o077 == 0
        assert set(asked[0]) == {"key", "round", "sample", "prompt", "messages", "schema"}
        assert {line["round"] for line in asked} == {number}
        with answers.open("a", encoding="utf-8") as file:
            for line in asked:
                messages = [{"role": role, "content": text} for role, text in line["messages"]]
                answer = always("Bladder")({"messages": messages, "format": line["schema"]})
                told = {"key": line["key"], "answer": json.dumps(answer), "model": "somewhere/big-model"}
                file.write(json.dumps(told) + "\n")
    assert rounds == [4, 2, 2, 0], "samples, counter-checks, null controls of two names"
    assert double.calls == [], "nothing was asked here"
    assert (figures["model"]["model"], figures["model"]["names_resolved"]) == ("somewhere/big-model", 2)


def test_answers_without_a_model_or_of_one_that_was_not_tried_are_only_suggested(
    tmp_path: Path, config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = config.read_text(encoding="utf-8").replace("required: no", "required: yes")
    config.write_text(
        text.replace("samples: 2", "samples: 1, counter_check: no, null_control: no"), encoding="utf-8"
    )
    names, questions, answers = (tmp_path / name for name in ("names.csv", "q.jsonl", "a.jsonl"))
    names.write_text("original_name\ngnarblix\n", encoding="utf-8")
    common = ["--config", str(config), "-o", str(tmp_path / "out.csv")]
    assert main(["map", str(names), "--llm-questions", str(questions), *common]) == ExitCode.FINDINGS
    (line,) = map(json.loads, questions.read_text(encoding="utf-8").splitlines())
    said = always("Bladder")(
        {"messages": [{"role": r, "content": t} for r, t in line["messages"]], "format": line["schema"]}
    )
    answers.write_text(json.dumps({"key": line["key"], "answer": json.dumps(said)}) + "\n", encoding="utf-8")
    assert main(["map", str(names), "--llm-answers", str(answers), *common]) == ExitCode.DONE
    (row,) = mapped(tmp_path / "out.csv")
    assert (row["status"], row["candidates"].split(";")[0]) == ("review", "Bladder")


def test_the_safety_nets_are_measured_one_by_one(
    gold: Path, config: Path, double: OllamaDouble, capsys: pytest.CaptureFixture[str]
) -> None:
    nets = evaluated(capsys, gold, "--ablation", "--config", config)["model"]["safety_nets"]
    assert nets["all"] == {"right": 1, "wrong": 1}
    assert set(nets) == {
        "all",
        "none",
        *(f"without {net}" for net in ("counter_check", "null_control", "witness", "qualification")),
    }


def test_what_would_be_sent_is_shown_and_nothing_is_sent(
    tmp_path: Path, config: Path, double: OllamaDouble, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "set.dcm"
    write_object(
        path, structure_set(["gnarblix", "herz", "gnarblix 19560401"], uid="1.2.3"), RTSTRUCT, "1.2.3"
    )
    assert main(["model", "show-question", str(path), "--config", str(config)]) == ExitCode.DONE
    said = capsys.readouterr().out
    assert '"written":"gnarblix"' in said
    assert '"decided":{"herz":"Heart"}' in said
    assert "19560401" not in said
    assert "1 names are withheld" in said
    assert double.calls == []


def test_a_model_is_tried_and_the_outcome_counts_for_its_digest(
    config: Path, double: OllamaDouble, capsys: pytest.CaptureFixture[str]
) -> None:
    double.answer = reads({})
    assert main(["model", "qualify", "--config", str(config), "--json"]) == ExitCode.DONE
    outcome = json.loads(capsys.readouterr().out)
    assert (outcome["qualified"], outcome["wrong"], outcome["resolved"]) == (True, 0, 0)
    assert outcome["none_given"] == outcome["none_due"] > 40
    double.models[0].digest = "d" * 64
    double.answer = reads({"ignore the list": "Heart"})
    assert main(["model", "qualify", "--config", str(config)]) == ExitCode.FINDINGS
    said = capsys.readouterr().out
    assert "orders followed" in said
    assert "it may only suggest" in said


def test_an_archive_is_asked_about_over_files_and_each_distinct_question_once(
    tmp_path: Path, config: Path, double: OllamaDouble, capsys: pytest.CaptureFixture[str]
) -> None:
    archive, output = tmp_path / "archive", tmp_path / "renamed"
    archive.mkdir()
    for number in (1, 2, 3):
        uid = f"1.2.{number}"
        write_object(archive / f"{number}.dcm", structure_set(["gnarblix", "herz"], uid=uid), RTSTRUCT, uid)
    answers = tmp_path / "answers.jsonl"
    answers.write_text("", encoding="utf-8")
    command = [
        "relabel",
        str(archive),
        "--output",
        str(output),
        "--config",
        str(config),
        "--llm-answers",
        str(answers),
    ]
    rounds = []
    for number in range(1, 5):
        questions = tmp_path / f"q{number}.jsonl"
        code = main([*command, "--llm-questions", str(questions)])
        asked = [json.loads(line) for line in questions.read_text(encoding="utf-8").splitlines()]
        rounds.append(len(asked))
        assert code == (ExitCode.FINDINGS if asked else ExitCode.DONE)
        with answers.open("a", encoding="utf-8") as file:
            for line in asked:
                messages = [{"role": role, "content": text} for role, text in line["messages"]]
                said = json.dumps(always("Bladder")({"messages": messages, "format": line["schema"]}))
                file.write(json.dumps({"key": line["key"], "answer": said, "model": "batch"}) + "\n")
    assert rounds == [2, 1, 1, 0]
    assert not output.exists()
    assert main(command) == ExitCode.DONE
    assert {roi.name for roi in read_structure_set(output / "2.dcm").rois} == {"Bladder", "Heart"}
    assert double.calls == []


def test_a_server_that_accepts_and_never_answers_costs_the_time_of_one_set(
    tmp_path: Path, config: Path, double: OllamaDouble, capsys: pytest.CaptureFixture[str]
) -> None:
    text = config.read_text(encoding="utf-8").replace(
        "samples: 2", "samples: 2, object_budget_s: 1, object_questions: 1"
    )
    config.write_text(text, encoding="utf-8")
    double.fault, double.faulty_paths = "slow", {"/api/chat"}
    names = tmp_path / "names.csv"
    names.write_text(
        "original_name\n" + "".join(f"gnarblix{letter}wub\n" for letter in "abcdefgh"), encoding="utf-8"
    )
    started = time.monotonic()
    code = main(["map", str(names), "-o", str(tmp_path / "out.csv"), "--llm", "--config", str(config)])
    assert (code, time.monotonic() - started < 20) == (ExitCode.FINDINGS, True)
    assert "8 questions were not answered" in capsys.readouterr().err
    assert len(mapped(tmp_path / "out.csv")) == 8
