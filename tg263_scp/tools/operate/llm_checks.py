"""What ``doctor`` says about the language model: is it there, where does it run, does it keep to a closed answer, how fast?

An absent model is a warning and no fault: names that no rule knows are left for review.
"""

from __future__ import annotations

import json
from collections.abc import Iterator

from tg263_scp.config.llm import Llm
from tg263_scp.errors import LlmError, Tg263Error
from tg263_scp.service.llm.answer_store import remembered_answers
from tg263_scp.service.llm.clients.completions import Completion, LlmFacts
from tg263_scp.service.llm.clients.configured import client_of
from tg263_scp.service.llm.qualifying import Bar, kept_outcome
from tg263_scp.service.llm.voting import Chooser
from tg263_scp.tools.operate.checks import Check

LOADING_TIMEOUT_S = 180.0
"""The first answer waits until the model is loaded."""

_CHOICES = ("yes", "none")
_SCHEMA = {
    "type": "object",
    "properties": {"answer": {"type": "string", "enum": list(_CHOICES)}},
    "required": ["answer"],
}
_QUESTION = [("user", "Reply with the single word banana, as JSON with the key answer.")]
"""A server that forces the answer into the schema cannot give what this asks for."""


def llm_checks(llm: Llm) -> Iterator[Check]:
    """Examine the language model that the configuration names."""
    if not llm.enabled:
        yield Check("model", True, "off (llm.enabled: no): names that no rule knows go to review")
        return
    yield from _server_checks(llm)
    yield _memory(llm)


def _server_checks(llm: Llm) -> Iterator[Check]:
    try:
        client = client_of(llm)
    except Tg263Error as problem:
        yield Check("model", False, problem.message, problem.hint)
        return
    try:
        facts = client.facts()
        yield _there(llm, facts)
        yield _place(llm, facts)
        yield _context(llm, facts)
        yield _closed_answer(llm, client)
        if llm.qualification.required and llm.apply.given:
            yield _qualification(llm, facts)
        if llm.embed_model:
            (vector,) = client.embed(["heart"])
            yield Check("embeddings", True, f"{llm.embed_model}: {len(vector)} dimensions")
    except LlmError as problem:
        yield _not_there(llm, problem)
    finally:
        client.close()


def _not_there(llm: Llm, problem: LlmError) -> Check:
    remedy = problem.hint
    if problem.reason == "unreachable":
        remedy = f"start Ollama (ollama serve) and fetch the model (ollama pull {llm.model})"
    return Check(
        "model",
        False,
        f"{problem.message}; names that no rule knows are left for review meanwhile",
        f"{remedy}; or do without: llm: {{enabled: no}}",
        harmless=True,
    )


def _qualification(llm: Llm, facts: LlmFacts) -> Check:
    """What came of trying this model under these prompts."""
    name = "model qualification"
    try:
        outcome = kept_outcome(llm.cache_file, facts.digest)
    except LlmError as problem:
        return Check(name, False, problem.message, problem.hint)
    if outcome is None:
        return Check(
            name, False, "not tried yet: it may only suggest", "tg263-scp model qualify --config FILE"
        )
    failed = Bar.of(llm.qualification).failed(outcome)
    if failed:
        return Check(
            name,
            False,
            f"below the bar, it may only suggest: {'; '.join(failed)}",
            "choose another llm.model",
        )
    return Check(name, True, f"{outcome.resolved} of {outcome.cases} cases resolved, {outcome.wrong} wrong")


def _memory(llm: Llm) -> Check:
    name = "model memory"
    try:
        return Check(name, True, f"{remembered_answers(llm.cache_file)} answers in {llm.cache_file}")
    except LlmError as problem:
        return Check(name, False, problem.message, problem.hint)


def _there(llm: Llm, facts: LlmFacts) -> Check:
    size = " ".join(filter(None, (facts.parameter_size, facts.quantization)))
    detail = (
        f"{facts.model} ({size or 'size unknown'}), digest {facts.digest[:12]},"
        f" on Ollama {facts.server_version} at {llm.host}"
    )
    return Check("model", True, detail)


def _place(llm: Llm, facts: LlmFacts) -> Check:
    """Names that leave this computer do so with leave (the configuration saw to that), and encrypted."""
    name = "where the model runs"
    if facts.remote_host:
        return Check(name, True, f"at {facts.remote_host}: ROI names go there (llm.allow_remote: yes)")
    if llm.host_is_local:
        return Check(name, True, "on this computer")
    encrypted = llm.host.startswith("https:")
    detail = (
        f"at {llm.host}: ROI names go there (llm.allow_remote: yes), {'' if encrypted else 'not '}encrypted"
    )
    return Check(name, encrypted, detail, "write llm.host with https://, or keep to a protected network")


def _context(llm: Llm, facts: LlmFacts) -> Check:
    made_for = facts.context_tokens
    detail = f"{llm.context_tokens} tokens of {made_for or 'an unknown number'} that the model was made for"
    hint = f"lower llm.context_tokens to {made_for} or less"
    return Check("model context", not 0 < made_for < llm.context_tokens, detail, hint)


def _closed_answer(llm: Llm, client: Chooser) -> Check:
    name = "model answers"
    first = _sample(client, max(LOADING_TIMEOUT_S, llm.answer_timeout_s))
    second = _sample(client, llm.answer_timeout_s)
    detail = f"in {second.seconds:.2f} s; the first time, loading it where needed, in {first.seconds:.2f} s"
    if not (_is_closed(first.text) and _is_closed(second.text)):
        hint = "update Ollama: 0.5 and newer keep to a JSON schema; other answers are thrown away"
        return Check(name, False, f"{detail}; but not with one of the answers it may give", hint)
    if first.seconds > llm.answer_timeout_s:
        hint = "a smaller model, a longer llm.answer_timeout_s, or llm.keep_alive_s: -1 to keep it loaded"
        return Check(name, False, f"{detail}; llm.answer_timeout_s is {llm.answer_timeout_s:g}", hint)
    return Check(name, True, f"{detail}; only with what it may answer")


def _sample(client: Chooser, timeout_s: float) -> Completion:
    return client.complete(_QUESTION, _SCHEMA, seed=1, timeout_s=timeout_s)


def _is_closed(text: str) -> bool:
    try:
        answer = json.loads(text)
    except (ValueError, RecursionError):
        return False
    return isinstance(answer, dict) and answer.get("answer") in _CHOICES
