"""The client of OpenAI-compatible servers against the test double: what it sends, and that every call ends."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from doubles.loopback import DEADLINE_S
from doubles.ollama_double import Fault, OllamaDouble

from tg263_scp.errors import LlmError, Tg263Error
from tg263_scp.service.llm.clients.completions import Completion
from tg263_scp.service.llm.clients.configured import client_of
from tg263_scp.service.llm.clients.openai_client import OpenAiClient

SCHEMA = {
    "type": "object",
    "properties": {"choice": {"type": "string", "enum": ["A", "B", "none"]}},
    "required": ["choice"],
}
SECRET_NAME = "Mustermann lung"
QUESTION = [("system", "Choose."), ("user", SECRET_NAME)]


@pytest.fixture
def double() -> Iterator[OllamaDouble]:
    with OllamaDouble(answer=lambda request: {"choice": "B"}) as server:
        server.faulty_paths = {"/v1/chat/completions", "/v1/models"}
        yield server


def client(double: OllamaDouble, **settings: Any) -> OpenAiClient:
    made = client_of(double.llm(api="openai", **settings))
    assert isinstance(made, OpenAiClient)
    return made


def ask(asked: OpenAiClient, timeout_s: float = DEADLINE_S) -> Completion:
    return asked.complete(QUESTION, SCHEMA, seed=3, timeout_s=timeout_s)


def test_a_question_is_sent_with_its_schema_and_answered(double: OllamaDouble) -> None:
    answer = ask(client(double, temperature=0.7))
    assert json.loads(answer.text) == {"choice": "B"}
    assert (answer.prompt_tokens > 0, answer.answer_tokens > 0, answer.seconds > 0) == (True, True, True)
    (request,) = double.requests
    assert request["response_format"]["json_schema"]["schema"] == SCHEMA
    assert request["response_format"]["json_schema"]["strict"] is True
    assert (request["seed"], request["temperature"], request["stream"]) == (3, 0.7, False)
    assert request["messages"][1] == {"role": "user", "content": SECRET_NAME}


def test_the_address_may_end_with_v1(double: OllamaDouble) -> None:
    assert ask(client(double, host=f"{double.url}/v1")).text
    assert double.calls[-1].path == "/v1/chat/completions"


def test_another_fingerprint_is_another_model(double: OllamaDouble) -> None:
    asked = client(double)
    before = asked.facts()
    assert before.identity == "server"
    assert asked.facts().digest == before.digest, (
        "what a server lists anew each time says nothing of the model"
    )
    double.faults.append("new_digest")
    ask(asked)
    assert asked.facts().digest != before.digest


def test_a_model_that_the_server_does_not_list_is_missing(double: OllamaDouble) -> None:
    with pytest.raises(LlmError) as caught:
        client(double, model="other").facts()
    assert caught.value.reason == "model_missing"


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ("error", "refused"),
        ("busy", "refused"),
        ("unauthorized", "refused"),
        ("redirect", "refused"),
        ("html", "malformed"),
        ("list", "malformed"),
        ("deep", "malformed"),
        ("compressed", "malformed"),
        ("huge", "overlong"),
        ("length", "overlong"),
        ("cut", "incomplete"),
        ("not_http", "malformed"),
        ("hang_up", "incomplete"),
        ("slow", "timeout"),
        ("drip_head", "timeout"),
    ],
)
def test_every_call_ends_with_a_reason_that_does_not_repeat_the_question(
    fault: Fault, reason: str, double: OllamaDouble
) -> None:
    double.fault = fault
    with pytest.raises(LlmError) as caught:
        ask(client(double), timeout_s=0.5 if reason == "timeout" else DEADLINE_S)
    double.release()
    assert caught.value.reason == reason
    assert caught.value.hint
    assert SECRET_NAME not in f"{caught.value} {caught.value.hint}"


def test_a_key_comes_from_a_file_that_is_for_its_user_alone(double: OllamaDouble, tmp_path: Path) -> None:
    key = tmp_path / "key"
    key.write_text("sk-test\n", encoding="ascii")
    key.chmod(0o644)
    with pytest.raises(Tg263Error, match="read by others"):
        client(double, api_key_file=key)
    key.chmod(0o600)
    ask(client(double, api_key_file=key))
    assert double.calls[-1].headers["authorization"] == "Bearer sk-test"


@pytest.mark.parametrize("text", ["", "\n", "two\x07words"])
def test_a_file_without_a_key_is_refused(text: str, double: OllamaDouble, tmp_path: Path) -> None:
    key = tmp_path / "key"
    key.write_text(text, encoding="ascii")
    key.chmod(0o600)
    with pytest.raises(Tg263Error, match="holds no key"):
        client(double, api_key_file=key)
    with pytest.raises(Tg263Error, match="cannot be read"):
        client(double, api_key_file=tmp_path / "absent")


def test_no_environment_variable_sends_a_key(double: OllamaDouble, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-environment")
    ask(client(double))
    assert "authorization" not in double.calls[-1].headers


def test_embeddings_are_not_asked_of_it(double: OllamaDouble) -> None:
    with pytest.raises(LlmError):
        client(double).embed(["Heart"])
