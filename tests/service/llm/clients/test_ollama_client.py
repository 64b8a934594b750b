"""The real client against a test double of Ollama: what it sends, what it makes of answers, and that every call ends."""

from __future__ import annotations

import json
import socket
import ssl
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import trustme
from doubles.loopback import DEADLINE_S, wait_until
from doubles.ollama_double import Fault, Model, OllamaDouble

from tg263_scp.errors import LlmError, Tg263Error
from tg263_scp.service.llm.clients.completions import Completion
from tg263_scp.service.llm.clients.ollama_client import OllamaClient

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
        yield server


def ask(client: OllamaClient, *, seed: int = 1, timeout_s: float = DEADLINE_S) -> Completion:
    return client.complete(QUESTION, SCHEMA, seed=seed, timeout_s=timeout_s)


def reason_of(double: OllamaDouble, *, timeout_s: float = DEADLINE_S) -> str:
    """Ask once; return why there was no answer."""
    with pytest.raises(LlmError) as caught:
        ask(OllamaClient.of(double.llm()), timeout_s=timeout_s)
    assert SECRET_NAME not in str(caught.value)
    assert caught.value.hint
    return caught.value.reason


# What is sent, and what comes back


def test_an_answer_comes_with_what_it_cost(double):
    answer = ask(OllamaClient.of(double.llm()))
    assert json.loads(answer.text) == {"choice": "B"}
    assert answer.prompt_tokens == len("Choose." + SECRET_NAME) // 4
    assert answer.answer_tokens == len(answer.text) // 4
    assert answer.seconds > 0


def test_a_question_is_sent_with_schema_seed_and_bounds(double):
    client = OllamaClient.of(double.llm(temperature=0.7, context_tokens=2048, keep_alive_s=60))
    ask(client, seed=42)
    (request,) = double.requests
    assert request["messages"] == [
        {"role": "system", "content": "Choose."},
        {"role": "user", "content": SECRET_NAME},
    ]
    assert request["format"] == SCHEMA
    assert request["options"] == {"temperature": 0.7, "seed": 42, "num_ctx": 2048, "num_predict": 220}
    assert (request["model"], request["keep_alive"]) == ("qwen2.5:7b-instruct", 60)
    assert (request["stream"], request["think"]) == (True, False)


def test_a_model_may_think_and_gets_room_for_it(double):
    ask(OllamaClient.of(double.llm(think=True)))
    assert double.requests[0]["think"] is True
    assert double.requests[0]["options"]["num_predict"] > 1000


def test_half_a_surrogate_pair_is_sent_as_a_question_mark(double):
    OllamaClient.of(double.llm()).complete([("user", "lung \ud83d")], SCHEMA, seed=1, timeout_s=DEADLINE_S)
    assert double.requests[0]["messages"][0]["content"] == "lung ?"


def test_facts_are_those_of_the_server(double):
    double.models.append(Model("other:1b", "11" * 32))
    facts = OllamaClient.of(double.llm()).facts()
    assert (facts.server_version, facts.model) == (double.version, "qwen2.5:7b-instruct")
    assert facts.digest == double.models[0].digest
    assert (facts.context_tokens, facts.parameter_size, facts.quantization) == (32768, "7.6B", "Q4_K_M")


def test_a_name_without_a_tag_is_the_latest(double):
    double.models = [Model("medgemma:latest", "22" * 32)]
    assert OllamaClient.of(double.llm(model="medgemma")).facts().digest == "22" * 32


def test_the_digest_tells_of_another_model_under_the_same_name(double):
    client = OllamaClient.of(double.llm())
    before = client.facts().digest
    double.faults.append("new_digest")
    ask(client)
    assert client.facts().digest != before


def test_embeddings_are_one_vector_for_each_text(double):
    double.models.append(Model("all-minilm:latest"))
    client = OllamaClient.of(double.llm(embed_model="all-minilm"))
    assert client.embed(["Heart", "Lung"]) == [[5.0, 1.0], [4.0, 1.0]]


@pytest.mark.parametrize(
    "vector", [[], [float("nan")], [float("inf"), 0.0]], ids=["empty", "not a number", "infinite"]
)
def test_embeddings_that_are_none_are_refused(double, vector):
    double.embedding = lambda text: vector
    with pytest.raises(LlmError) as caught:
        OllamaClient.of(double.llm(embed_model=double.models[0].name)).embed(["Heart"])
    assert caught.value.reason == "malformed"


def test_embeddings_need_a_model_for_them(double):
    with pytest.raises(LlmError, match="no model for embeddings") as caught:
        OllamaClient.of(double.llm()).embed(["Heart"])
    assert caught.value.reason == "model_missing"


# What goes wrong


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ("error", "refused"),
        ("memory", "refused"),
        ("busy", "refused"),
        ("unauthorized", "refused"),
        ("redirect", "refused"),
        ("error_in_stream", "refused"),
        ("missing", "model_missing"),
        ("cut", "incomplete"),
        ("undone", "incomplete"),
        ("hang_up", "incomplete"),
        ("length", "overlong"),
        ("huge", "overlong"),
        ("html", "malformed"),
        ("list", "malformed"),
        ("deep", "malformed"),
        ("compressed", "malformed"),
        ("not_http", "malformed"),
    ],
)
def test_a_fault_has_its_reason_and_the_next_question_is_answered(
    double: OllamaDouble, fault: Fault, reason: str
) -> None:
    double.faults.append(fault)
    assert reason_of(double) == reason
    assert ask(OllamaClient.of(double.llm())).text


@pytest.mark.parametrize(
    ("fault", "said", "hint"),
    [
        ("memory", "needs more memory", "smaller model"),
        ("busy", "too much to do", "concurrent_requests"),
        ("unauthorized", "does not let us in", "llm.headers"),
        ("error", "HTTP status 500", "log of the server"),
    ],
)
def test_what_a_refusal_means_is_said_in_our_words(
    double: OllamaDouble, fault: Fault, said: str, hint: str
) -> None:
    double.fault = fault
    with pytest.raises(LlmError, match=said) as caught:
        ask(OllamaClient.of(double.llm()))
    assert hint in caught.value.hint


@pytest.mark.parametrize("fault", ["slow", "drip_head", "drip", "endless"])
def test_a_deadline_holds_whatever_trickles_in_and_the_server_sees_it(
    double: OllamaDouble, fault: Fault
) -> None:
    double.faults.append(fault)
    assert reason_of(double, timeout_s=0.5) == "timeout"
    wait_until(lambda: double.hung_up == 1)


def test_the_limit_on_bytes_holds_however_slowly_they_come(double, monkeypatch):
    monkeypatch.setattr("tg263_scp.service.llm.clients.ollama_client.ANSWER_BYTES", 3000)
    double.fault = "endless"
    assert reason_of(double) == "overlong"


def test_an_answer_longer_than_any_choice_is_not_read_to_its_end(double):
    double.constrained = False
    double.answer = lambda request: "a" * 5000
    assert reason_of(double) == "overlong"


@pytest.mark.parametrize("fault", ["half", "outside"])
def test_what_an_answer_says_is_for_the_caller_to_check(double: OllamaDouble, fault: Fault) -> None:
    double.fault = fault
    assert ask(OllamaClient.of(double.llm())).text != '{"choice": "B"}'


def test_a_slow_answer_is_taken_when_it_comes_in_time(double):
    double.fault = "slow"
    with ThreadPoolExecutor() as pool:
        answer = pool.submit(ask, OllamaClient.of(double.llm()))
        wait_until(lambda: double.at_work == 1)
        double.release()
        assert answer.result().text


def test_a_server_that_is_not_there_is_unreachable_until_it_is(double):
    client = OllamaClient.of(double.llm())
    ask(client)
    double.stop()
    with pytest.raises(LlmError, match="no language model answers at") as caught:
        ask(client)
    assert caught.value.reason == "unreachable"
    with pytest.raises(LlmError, match="no language model answers at"):
        client.facts()
    double.start()
    assert ask(client).text


def test_a_peer_that_accepts_and_says_nothing_is_given_up():
    with socket.create_server(("127.0.0.1", 0)) as silent, OllamaDouble() as double:
        llm = double.llm(host=f"http://127.0.0.1:{silent.getsockname()[1]}", answer_timeout_s=0.2)
        with pytest.raises(LlmError) as caught:
            OllamaClient.of(llm).facts()
    assert caught.value.reason == "timeout"


def test_a_server_without_the_model_says_how_to_get_it(double):
    client = OllamaClient.of(double.llm(model="llama3.2:3b"))
    for call in (client.facts, lambda: ask(client)):
        with pytest.raises(LlmError, match=r"no model llama3.2:3b") as caught:
            call()
        assert caught.value.reason == "model_missing"
        assert caught.value.hint == "ollama pull llama3.2:3b"


def test_a_server_of_another_kind_does_not_speak_the_protocol(double):
    llm = double.llm(host=f"{double.url}/somewhere")
    with pytest.raises(LlmError) as caught:
        OllamaClient.of(llm).facts()
    assert caught.value.reason == "malformed"
    with pytest.raises(LlmError) as caught:
        ask(OllamaClient.of(llm))
    assert caught.value.reason == "malformed"
    assert {call.path for call in double.calls} == {"/somewhere/api/version", "/somewhere/api/chat"}


@pytest.mark.parametrize("fault", ["list", "html", "deep"])
@pytest.mark.parametrize("path", ["/api/version", "/api/tags", "/api/show"])
def test_facts_of_another_shape_are_malformed(double: OllamaDouble, path: str, fault: Fault) -> None:
    double.faulty_paths, double.fault = {path}, fault
    with pytest.raises(LlmError) as caught:
        OllamaClient.of(double.llm()).facts()
    assert caught.value.reason == "malformed"


# What leaves this computer


def test_a_model_that_ollama_passes_on_is_refused_unless_allowed(double):
    double.models[0].remote_host = "https://ollama.com:443"
    with pytest.raises(LlmError, match="on to another server") as caught:
        OllamaClient.of(double.llm()).facts()
    assert caught.value.reason == "remote"
    assert OllamaClient.of(double.llm(allow_remote=True)).facts().digest


def test_so_is_one_for_embeddings(double):
    double.models.append(Model("embedder:latest", remote_host="https://ollama.com:443"))
    with pytest.raises(LlmError, match="questions for embedder on"):
        OllamaClient.of(double.llm(embed_model="embedder")).facts()


def test_the_headers_of_the_configuration_are_sent_with_everything(double):
    client = OllamaClient.of(double.llm(headers=["Authorization: Bearer s3cret", "X-Site: clinic: A"]))
    client.facts()
    ask(client)
    assert len(double.calls) == 4
    for call in double.calls:
        assert (call.headers["authorization"], call.headers["x-site"]) == ("Bearer s3cret", "clinic: A")
        assert call.headers["accept-encoding"] == "identity"


def test_no_key_and_no_proxy_comes_from_the_environment(double, monkeypatch):
    monkeypatch.setenv("OLLAMA_API_KEY", "s3cret")
    monkeypatch.setenv("OLLAMA_HOST", "http://192.0.2.1")
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    client = OllamaClient.of(double.llm())
    client.facts()
    ask(client)
    assert "s3cret" not in str([call.headers for call in double.calls])


# TLS


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def tls_double(authority: trustme.CA) -> Iterator[OllamaDouble]:
    """A server behind TLS that wants to see a certificate of its callers."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    authority.configure_trust(context)
    context.verify_mode = ssl.CERT_REQUIRED
    with OllamaDouble(answer=lambda request: {"choice": "B"}, tls=context) as server:
        yield server


@pytest.fixture
def files(authority: trustme.CA, tmp_path: Path) -> dict[str, Path]:
    """Certificates and key as the configuration names them."""
    ours = authority.issue_cert("node.example.org")
    paths = {name: tmp_path / f"{name}.pem" for name in ("ca_file", "cert_file", "key_file")}
    authority.cert_pem.write_to_path(str(paths["ca_file"]))
    ours.cert_chain_pems[0].write_to_path(str(paths["cert_file"]))
    ours.private_key_pem.write_to_path(str(paths["key_file"]))
    paths["key_file"].chmod(0o600)
    return paths


def test_tls_with_certificates_on_both_sides(tls_double, files):
    client = OllamaClient.of(tls_double.llm(**files))
    assert client.facts().digest
    assert ask(client).text


def test_a_server_whose_certificate_nobody_vouches_for_gets_no_question(tls_double):
    with pytest.raises(LlmError, match="certificate verify failed") as caught:
        ask(OllamaClient.of(tls_double.llm()))
    assert caught.value.reason == "unreachable"
    assert tls_double.calls == []


def test_a_certificate_for_another_host_is_refused(tls_double, files):
    llm = tls_double.llm(**files, host=f"https://localhost:{tls_double.port}")
    with pytest.raises(LlmError, match="certificate verify failed"):
        ask(OllamaClient.of(llm))


def test_a_server_that_wants_our_certificate_does_not_answer_without(tls_double, files):
    with pytest.raises(LlmError):
        ask(OllamaClient.of(tls_double.llm(ca_file=files["ca_file"])))
    assert tls_double.calls == []


def test_the_deadline_holds_behind_tls(tls_double, files):
    tls_double.fault = "drip"
    with pytest.raises(LlmError) as caught:
        ask(OllamaClient.of(tls_double.llm(**files)), timeout_s=0.3)
    assert caught.value.reason == "timeout"


@pytest.mark.parametrize("name", ["ca_file", "cert_file", "key_file"])
@pytest.mark.parametrize("content", [None, "not a certificate"])
def test_a_file_that_cannot_be_used_is_named_at_once(files, name, content):
    files[name].unlink()
    if content:
        files[name].write_text(content, encoding="ascii")
        files[name].chmod(0o600)
    with OllamaDouble() as double, pytest.raises(Tg263Error, match=f"llm.*{name}") as caught:
        OllamaClient.of(double.llm(**files, host="https://127.0.0.1"))
    assert "PEM" in caught.value.hint


# Several threads


def test_questions_are_asked_at_the_same_time_and_each_gets_its_own_answer(double):
    double.fault = "slow"
    double.constrained = False
    double.answer = lambda request: str(request["options"]["seed"])
    client = OllamaClient.of(double.llm())
    with ThreadPoolExecutor(8) as pool:
        answers = [pool.submit(ask, client, seed=seed) for seed in range(8)]
        wait_until(lambda: double.at_work == 8)
        double.release()
        assert [answer.result().text for answer in answers] == [str(seed) for seed in range(8)]


def test_one_that_is_given_up_does_not_disturb_the_others(double):
    double.faults.extend(["drip", None])
    client = OllamaClient.of(double.llm())
    with ThreadPoolExecutor() as pool:
        given_up = pool.submit(ask, client, timeout_s=1.0)
        wait_until(lambda: double.at_work == 1)
        assert ask(client).text
        with pytest.raises(LlmError):
            given_up.result()


@pytest.mark.parametrize("behind_tls", [False, True])
def test_closing_ends_calls_that_wait(double, tls_double, files, behind_tls):
    server = tls_double if behind_tls else double
    server.fault = "drip"
    client = OllamaClient.of(server.llm(**(files if behind_tls else {})))
    with ThreadPoolExecutor() as pool:
        waiting = pool.submit(ask, client, timeout_s=600)
        wait_until(lambda: server.at_work == 1)
        client.close()
        with pytest.raises(LlmError) as caught:
            waiting.result(timeout=DEADLINE_S)
    assert caught.value.reason == "incomplete"
    with pytest.raises(LlmError, match="the client is closed"):
        ask(client)


def test_a_scripted_answer_that_the_schema_does_not_allow_fails_the_test():
    double = OllamaDouble(answer=lambda request: {"choice": "Heart"})
    with pytest.raises(AssertionError, match="none that the schema allows"), double:
        ask(OllamaClient.of(double.llm()))
