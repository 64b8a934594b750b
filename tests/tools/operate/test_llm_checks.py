"""What ``doctor`` says about the language model, with a test double of Ollama in its place."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, replace

import pytest
from doubles.loopback import unused_port
from doubles.ollama_double import Model, OllamaDouble

from tg263_scp.naming.llm.prompt_files import prompts_digest
from tg263_scp.service.llm.answer_store import AnswerStore
from tg263_scp.service.llm.clients.completions import Completion, LlmFacts
from tg263_scp.service.llm.qualifying import Outcome, outcome_key
from tg263_scp.tools.operate import llm_checks as examined
from tg263_scp.tools.operate.checks import Check
from tg263_scp.tools.operate.llm_checks import llm_checks


@pytest.fixture
def double() -> Iterator[OllamaDouble]:
    with OllamaDouble() as server:
        yield server


def looked_at(double: OllamaDouble, **settings) -> dict[str, Check]:
    return {check.name: check for check in llm_checks(double.llm(**settings))}


def test_a_model_that_answers_is_described(double):
    checks = looked_at(double)
    assert list(checks) == ["model", "where the model runs", "model context", "model answers", "model memory"]
    assert all(check.good for check in checks.values())
    for part in (
        "qwen2.5:7b-instruct (7.6B Q4_K_M)",
        double.models[0].digest[:12],
        double.version,
        double.url,
    ):
        assert part in checks["model"].detail
    assert checks["where the model runs"].detail == "on this computer"
    assert "8192 tokens of 32768" in checks["model context"].detail
    assert "only with what it may answer" in checks["model answers"].detail


def test_the_sample_asks_for_what_the_schema_forbids(double):
    looked_at(double)
    assert len(double.requests) == 2
    for request in double.requests:
        assert "banana" in request["messages"][0]["content"]
        assert request["format"]["properties"]["answer"]["enum"] == ["yes", "none"]


@pytest.mark.parametrize("text", ["banana", '{"answer": "banana"}', '["yes"]', "[" * 3000])
def test_a_server_that_does_not_keep_to_the_schema_is_a_finding(double, text):
    double.constrained = False
    double.answer = lambda request: text
    check = looked_at(double)["model answers"]
    assert not check.good
    assert "update Ollama" in check.hint


def test_the_memory_of_answers_is_looked_at_and_left_alone(double, tmp_path):
    path = tmp_path / "llm.sqlite"
    assert looked_at(double, cache_file=path)["model memory"].detail.startswith("0 answers")
    assert not path.exists()
    path.write_bytes(b"not a database at all, but long enough to be read as one" * 100)
    check = looked_at(double, cache_file=path)["model memory"]
    assert not check.good
    assert "llm.cache_file" in check.hint


def test_switched_off_is_no_finding(double):
    (check,) = llm_checks(double.llm(enabled=False))
    assert check.good
    assert "off" in check.detail
    assert double.calls == []


def test_a_model_that_is_not_reachable_is_a_harmless_finding(double):
    check, _ = llm_checks(double.llm(host=f"http://127.0.0.1:{unused_port()}"))
    assert (check.name, check.good) == ("model", False)
    assert "names that no rule knows are left for review" in check.detail
    assert check.harmless
    for remedy in ("ollama serve", "ollama pull qwen2.5:7b-instruct", "llm: {enabled: no}"):
        assert remedy in check.hint


def test_a_model_that_is_not_there_says_how_to_get_it(double):
    check, _ = llm_checks(double.llm(model="llama3.2:3b"))
    assert not check.good
    assert "ollama pull llama3.2:3b" in check.hint


def test_a_context_larger_than_the_model_was_made_for_is_a_finding(double):
    double.models[0].context_tokens = 2048
    check = looked_at(double)["model context"]
    assert not check.good
    assert "2048 or less" in check.hint


def test_a_context_nobody_tells_is_none(double):
    double.models[0].context_tokens = 0
    check = looked_at(double)["model context"]
    assert check.good
    assert "unknown" in check.detail


@pytest.mark.parametrize(("scheme", "good"), [("http", False), ("https", True)])
def test_names_that_leave_this_computer_are_flagged(double, scheme, good):
    facts = LlmFacts("0.12.3", "m", "d", 4096, "", "")
    check = examined._place(double.llm(host=f"{scheme}://ollama.example.org", allow_remote=True), facts)
    assert check.good is good
    assert "ROI names go there" in check.detail


def test_a_model_that_ollama_passes_on_is_flagged_where_it_is_allowed(double):
    double.models[0].remote_host = "https://ollama.com:443"
    assert "https://ollama.com:443: ROI names go there" in (
        looked_at(double, allow_remote=True)["where the model runs"].detail
    )
    check, _ = llm_checks(double.llm())
    assert not check.good
    assert "llm.allow_remote" in check.hint


def test_a_sample_without_an_answer_is_a_finding(double):
    double.fault = "memory"
    checks = list(llm_checks(double.llm()))
    assert [check.good for check in checks] == [True, True, True, False, True]
    assert "needs more memory" in checks[-2].detail


def test_embeddings_are_tried_where_they_are_wanted(double):
    double.models.append(Model("all-minilm:latest"))
    assert "2 dimensions" in looked_at(double, embed_model="all-minilm")["embeddings"].detail
    checks = list(llm_checks(double.llm(embed_model="absent")))
    assert not checks[-2].good
    assert "ollama pull absent" in checks[-2].hint


def test_a_certificate_that_cannot_be_read_is_a_finding(double, tmp_path):
    check, _ = llm_checks(double.llm(host="https://127.0.0.1", ca_file=tmp_path / "none.pem"))
    assert not check.good
    assert "llm.ca_file" in check.detail


def test_loading_longer_than_an_answer_may_take_is_a_finding(double, monkeypatch):
    samples = iter(Completion('{"answer": "yes"}', 9, 4, seconds) for seconds in (41.0, 0.5))
    monkeypatch.setattr(examined, "_sample", lambda client, timeout_s: next(samples))
    check = looked_at(double, answer_timeout_s=30.0)["model answers"]
    assert not check.good
    assert "in 0.50 s; the first time, loading it where needed, in 41.00 s" in check.detail
    assert "keep_alive_s" in check.hint


def test_a_model_that_was_not_tried_or_failed_is_a_finding(double, tmp_path):
    path = tmp_path / "llm.sqlite"
    required = double.llm().qualification.model_copy(update={"required": True})
    check = looked_at(double, cache_file=path, qualification=required)["model qualification"]
    assert (check.good, "model qualify" in check.hint) == (False, True)
    store = AnswerStore(path)
    key = outcome_key(double.models[0].digest, prompts_digest())
    none = dict.fromkeys(("prompt_tokens", "answer_tokens", "seconds", "injected"), 0)
    outcome = Outcome(cases=9, resolved=5, wrong=1, none_due=3, none_given=3, **none)
    store.keep_qualification(key, asdict(outcome))
    check = looked_at(double, cache_file=path, qualification=required)["model qualification"]
    assert (check.good, "1 wrong names" in check.detail) == (False, True)
    store.keep_qualification(key, asdict(replace(outcome, wrong=0)))
    store.close()
    assert looked_at(double, cache_file=path, qualification=required)["model qualification"].good


def test_a_memory_that_is_not_one_is_left_alone_when_the_qualification_is_looked_up(double, tmp_path):
    path = tmp_path / "llm.sqlite"
    path.write_bytes(b"not a database at all, but long enough to be read as one" * 100)
    required = double.llm().qualification.model_copy(update={"required": True})
    checks = looked_at(double, cache_file=path, qualification=required)
    assert (checks["model"].good, checks["model qualification"].good, checks["model memory"].good) == (
        True,
        False,
        False,
    )
    assert [each.name for each in tmp_path.iterdir()] == ["llm.sqlite"]
