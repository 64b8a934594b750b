"""The client of Ollama: what a model is, one closed question at a time, and embeddings.

Every call ends: within its wall-clock deadline and its limit on the answer's size, whatever the server does. Redirects are
not followed, and neither proxies nor an API key are taken from the environment. Errors say what happened in words of our
own: what the server says could repeat the question, and with it a ROI name.

Protocol: Ollama's HTTP API (``/api/version``, ``/api/tags``, ``/api/show``, ``/api/chat`` with ``format``, ``/api/embed``).
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from typing import Any

import httpx
import ollama

from tg263_scp.config.llm import Llm
from tg263_scp.errors import LlmError
from tg263_scp.service.llm.clients.bounded_http import BoundedTransport
from tg263_scp.service.llm.clients.completions import (
    ANSWER_BYTES,
    FACTS_BYTES,
    FACTS_TIMEOUT_S,
    Completion,
    LlmFacts,
    answer_tokens,
    check_length,
    encodable,
    given_headers,
    tls_of,
    told_in_our_words,
)
from tg263_scp.service.llm.clients.server_errors import cut_off, missing, overlong, refused

_EMBEDDING_BYTES = 256 << 10


class OllamaClient:
    """A client for the model of the configuration; may be used by several threads at once."""

    def __init__(self, llm: Llm, transport: BoundedTransport) -> None:
        self._llm = llm
        self._transport = transport
        settings: dict[str, Any] = {
            "transport": transport,
            "trust_env": False,
            "follow_redirects": False,
            "headers": given_headers(llm),
            "timeout": None,
        }
        self._http = httpx.Client(base_url=llm.host, **settings)
        self._ollama = ollama.Client(host=llm.host, **settings)

    @classmethod
    def of(cls, llm: Llm) -> OllamaClient:
        """Make the client that the configuration describes; nothing is sent yet.

        Raises:
            Tg263Error: a file with certificates or a key cannot be used.
        """
        given = {header.partition(":")[0].lower() for header in llm.headers}
        # The ollama package would add the API key that it finds in the environment.
        return cls(llm, BoundedTransport(tls_of(llm), withheld={"authorization"} - given))

    def facts(self) -> LlmFacts:
        """Look up server and model; call this first, since only this finds out that a model runs elsewhere.

        Raises:
            LlmError: no server, no such model, or a model that runs elsewhere without ``llm.allow_remote``.
        """
        llm = self._llm
        with self._exchange(min(FACTS_TIMEOUT_S, llm.answer_timeout_s), FACTS_BYTES, llm.model):
            version = self._get("/api/version")["version"]
            listed = {
                str(entry.get("model") or entry["name"]).lower(): entry
                for entry in self._get("/api/tags")["models"]
            }
            entry: dict[str, Any] = {}
            for model in filter(
                None, (llm.embed_model, llm.model)
            ):  # what is known of the last is used below
                entry = listed.get(model.lower()) or listed.get(f"{model.lower()}:latest") or {}
                if entry.get("remote_host") and not llm.allow_remote:
                    raise LlmError(
                        "remote",
                        f"Ollama passes questions for {model} on to another server",
                        hint="choose a model that runs here, or set llm.allow_remote if ROI names may leave",
                    )
            if not entry:
                raise missing(llm, llm.model)
            shown = self._ollama.show(llm.model)
            info, details = shown.modelinfo or {}, shown.details
            return LlmFacts(
                server_version=str(version),
                model=llm.model,
                digest=str(entry["digest"]).removeprefix("sha256:"),
                context_tokens=int(info.get(f"{info.get('general.architecture')}.context_length", 0)),
                parameter_size=(details and details.parameter_size) or "",
                quantization=(details and details.quantization_level) or "",
                remote_host=str(entry.get("remote_host") or ""),
            )

    def complete(
        self,
        messages: Sequence[tuple[str, str]],
        schema: Mapping[str, Any],
        *,
        seed: int,
        timeout_s: float,
    ) -> Completion:
        """Ask for an answer in the form of a JSON schema; it is the caller's to check that the answer has that form.

        Args:
            messages: role (``system``, ``user``, ``assistant``) and text, in order.
            schema: JSON schema of the answer (Ollama ``format``).
            seed: the same seed, model and messages usually give the same answer.
            timeout_s: wall clock for all of it: connecting, waiting in Ollama's queue, loading the model, answering.

        Raises:
            LlmError: there is no complete answer.
        """
        llm, started = self._llm, time.monotonic()
        options = {
            "temperature": llm.temperature,
            "seed": seed,
            "num_ctx": llm.context_tokens,
            "num_predict": answer_tokens(schema, think=llm.think),
        }
        with self._exchange(timeout_s, ANSWER_BYTES, llm.model):
            parts = self._ollama.chat(
                model=llm.model,
                messages=[{"role": role, "content": encodable(text)} for role, text in messages],
                stream=True,
                # Models that cannot think, and servers that do not know the word, take a false without complaint.
                think=llm.think,
                format=dict(schema),
                options=options,
                keep_alive=llm.keep_alive_s,
            )
            with closing(parts):  # type: ignore[type-var]
                text, last = _joined(parts, schema)
        return Completion(text, last.prompt_eval_count or 0, last.eval_count or 0, time.monotonic() - started)

    def embed(self, texts: Sequence[str]) -> list[list[float]]:
        """Return a vector for each text, from ``llm.embed_model``, within ``llm.answer_timeout_s``.

        Raises:
            LlmError: there is not one vector for each text, all of one length.
        """
        model = self._llm.embed_model
        if not model:
            raise LlmError(
                "model_missing", "no model for embeddings is configured", hint="set llm.embed_model"
            )
        max_bytes = _EMBEDDING_BYTES * (len(texts) + 1)
        with self._exchange(self._llm.answer_timeout_s, max_bytes, model):
            answer = self._ollama.embed(
                model=model, input=[encodable(text) for text in texts], keep_alive=self._llm.keep_alive_s
            )
            vectors = [list(vector) for vector in answer.embeddings]
            lengths = {len(vector) for vector in vectors}
            if len(vectors) != len(texts) or len(lengths) > 1 or 0 in lengths:
                raise ValueError("not one vector for each text")
            if not all(math.isfinite(value) for vector in vectors for value in vector):
                raise ValueError("not a number")
        return vectors

    def close(self) -> None:
        """Close every connection: calls that wait in other threads end with an error at once, and so do new ones."""
        self._transport.close()

    def _get(self, path: str) -> Any:
        response = self._http.get(path)
        if response.status_code != httpx.codes.OK:
            raise ollama.ResponseError(response.text, response.status_code)
        return response.json()

    @contextmanager
    def _exchange(self, seconds: float, max_bytes: int, model: str) -> Iterator[None]:
        with told_in_our_words(self._llm, seconds, max_bytes):
            try:
                yield
            except ollama.ResponseError as problem:
                raise refused(problem.status_code, str(problem.error), self._llm, model) from None


def _joined(
    parts: Iterator[ollama.ChatResponse], schema: Mapping[str, Any]
) -> tuple[str, ollama.ChatResponse]:
    """Put an answer together; return it with its last part, which says what it cost."""
    text = ""
    for part in parts:
        text += part.message.content or ""
        check_length(text, schema)
        if part.done_reason == "length":
            raise overlong()
        if part.done:
            return text, part
    raise cut_off()
