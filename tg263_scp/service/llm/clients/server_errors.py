"""Why there is no answer, in words of our own: what a server says could repeat the question, and with it a ROI name."""

from __future__ import annotations

from http import HTTPStatus

from tg263_scp.config.llm import Llm
from tg263_scp.errors import LlmError

_KNOWN_REFUSALS = {
    "more system memory": (
        "the model needs more memory than is free",
        "choose a smaller model, or free memory",
    ),
    "does not support think": ("the model cannot think first", "set llm.think: off"),
    "does not support chat": ("the model is not made for questions", "choose another llm.model"),
    "does not support embed": ("the model makes no embeddings", "choose another llm.embed_model"),
    "server busy": (
        "the server has too much to do",
        "lower llm.concurrent_requests, or raise OLLAMA_MAX_QUEUE",
    ),
}
"""What a server says (in part): what that means, and what to do."""

_SEE_LOG = "see the log of the server for why"


def refused(status: int, said: str, llm: Llm, model: str) -> LlmError:
    """Say what an error of the server means; ``status`` is not positive where it came after the answer had begun."""
    said = said.lower()
    if "not found" in said and "model" in said:
        return missing(llm, model)
    host = llm.host
    if status == HTTPStatus.NOT_FOUND:
        return malformed(llm)
    if status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
        return LlmError(
            "refused",
            f"{host} does not let us in",
            hint="put what it wants into llm.headers or llm.api_key_file",
        )
    for known, (meaning, hint) in _KNOWN_REFUSALS.items():
        if known in said:
            return LlmError("refused", f"{host}: {meaning}", hint=hint)
    number = f" (HTTP status {status})" if status > 0 else ""
    return LlmError("refused", f"{host} refused the request{number}", hint=_SEE_LOG)


def missing(llm: Llm, model: str) -> LlmError:
    """The server does not have the model."""
    hint = (
        f"ollama pull {model}"
        if llm.api == "ollama"
        else "correct llm.model; the server's /v1/models lists what it has"
    )
    return LlmError("model_missing", f"the server has no model {model}", hint=hint)


def overlong() -> LlmError:
    """The answer has no end, or none that is worth waiting for."""
    return LlmError("overlong", "the answer is longer than any choice can be", hint="try another llm.model")


def cut_off() -> LlmError:
    """The connection or the answer ended before the answer was complete."""
    return LlmError("incomplete", "the answer ended in the middle", hint=_SEE_LOG)


def malformed(llm: Llm) -> LlmError:
    """What answers is no server of the kind that is configured."""
    protocol = "Ollama's protocol" if llm.api == "ollama" else "the protocol of OpenAI's chat completions"
    return LlmError(
        "malformed",
        f"what answers at {llm.host} does not speak {protocol}",
        hint="correct llm.host or llm.api",
    )
