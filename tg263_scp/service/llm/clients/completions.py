"""What every client of a language model shares: what is known of a model, and what one answer of it is."""

from __future__ import annotations

import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpcore
import httpx

from tg263_scp.config.llm import Llm
from tg263_scp.config.tls import Tls
from tg263_scp.errors import LlmError, Tg263Error
from tg263_scp.service.llm.clients.bounded_http import Exchange, TooManyBytes, exchange
from tg263_scp.service.llm.clients.server_errors import cut_off, malformed, overlong
from tg263_scp.tls.contexts import client_context

FACTS_TIMEOUT_S = 10.0
"""Facts are looked up, not computed."""
THINKING_TOKENS = 4096
"""What a model that thinks first may use for that, beside its answer."""
ANSWER_BYTES = 2 << 20
FACTS_BYTES = 16 << 20
_TOKENS_OF_AN_ANSWER = 100
_TOKENS_OF_A_READING = 120
_CHARACTERS_OF_A_TOKEN = 20


@dataclass(frozen=True, slots=True)
class LlmFacts:
    """What is known of the server and of the model: the same ``digest`` (SHA-256, hex) is the same model.

    ``context_tokens`` is what the model was made for; 0 where the server does not say. ``remote_host`` is where the server
    passes questions on to; empty where it computes itself. ``identity`` says what the digest is made of: ``weights`` (Ollama's
    own digest of the model) or ``server`` (what a server says of itself and of the model, which is weaker).
    """

    server_version: str
    model: str
    digest: str
    context_tokens: int
    parameter_size: str
    quantization: str
    remote_host: str = ""
    identity: str = "weights"


@dataclass(frozen=True, slots=True)
class Completion:
    """An answer, what it cost (tokens as the server counts them; 0 where it does not say), and how long it took."""

    text: str
    prompt_tokens: int
    answer_tokens: int
    seconds: float


def answer_tokens(schema: Mapping[str, Any], *, think: bool) -> int:
    """Return how many tokens an answer may have; a model that goes on and on is stopped there."""
    readings = len(schema.get("properties", {}))
    return _TOKENS_OF_AN_ANSWER + _TOKENS_OF_A_READING * readings + (THINKING_TOKENS if think else 0)


def check_length(text: str, schema: Mapping[str, Any]) -> None:
    """Refuse an answer that is longer than any answer to a schema can be.

    Raises:
        LlmError: it is.
    """
    if len(text) > _CHARACTERS_OF_A_TOKEN * answer_tokens(schema, think=False):
        raise overlong()


def encodable(text: str) -> str:
    """Replace what UTF-8 cannot hold: halves of surrogate pairs."""
    return text.encode("utf-8", "replace").decode("utf-8")


def given_headers(llm: Llm) -> dict[str, str]:
    """Return the headers of the configuration by their names."""
    return {name: value.strip() for name, _, value in (each.partition(":") for each in llm.headers)}


@contextmanager
def told_in_our_words(llm: Llm, seconds: float, max_bytes: int) -> Iterator[Exchange]:
    """Bound what is done in the block, and tell its errors in our words; their own texts may hold the question."""
    with exchange(seconds=seconds, max_bytes=max_bytes) as bounds:
        try:
            yield bounds
        except (httpcore.ConnectError, httpcore.ConnectTimeout) as problem:
            server = "Ollama (ollama serve)" if llm.api == "ollama" else "the server"
            raise LlmError(
                "unreachable",
                f"no language model answers at {llm.host}: {problem}",
                hint=f"start {server} or correct llm.host; until then names go to review",
            ) from None
        except httpcore.TimeoutException:
            raise LlmError(
                "timeout",
                f"{llm.host} gave no complete answer within {seconds:g} s",
                hint="a smaller model, a faster computer, or a longer llm.answer_timeout_s",
            ) from None
        except TooManyBytes:
            raise overlong() from None
        except (httpcore.NetworkError, httpcore.ProtocolError) as problem:
            if bounds.cut_off or isinstance(problem, httpcore.NetworkError):
                raise cut_off() from None
            raise malformed(llm) from None
        except (ValueError, TypeError, AttributeError, LookupError, RecursionError, httpx.HTTPError):
            # What becomes of a body that is not what was expected.
            raise (cut_off() if bounds.cut_off else malformed(llm)) from None


def tls_of(llm: Llm) -> ssl.SSLContext | None:
    """Return how connections to the server are encrypted; None where they are not.

    Raises:
        Tg263Error: a file with certificates or a key cannot be used.
    """
    if not llm.host.startswith("https:"):
        return None
    files = llm.model_dump(include={"ca_file", "cert_file", "key_file"})
    try:
        return client_context(Tls(**files, minimum_version="1.2"))
    except Tg263Error as problem:
        named = f"llm.ca_file, llm.cert_file or llm.key_file: {problem.message}"
        raise Tg263Error(named, hint=problem.hint) from None
