"""The client of servers that speak OpenAI's chat completions: vLLM, llama.cpp, LM Studio, Azure, a gateway of the hospital.

One call over plain httpx: the exchange is bounded as for Ollama, and no second HTTP stack with retries of its own stands
between us and the server. Such a server shows no digest of the model. Its identity here is the address, the model's id, what
the server lists about it, and the system fingerprint of its answers, which is weaker; the audit log says which of the two it
was.

Protocol: ``GET /v1/models``; ``POST /v1/chat/completions`` with ``response_format: json_schema``, without streaming.
"""

from __future__ import annotations

import hashlib
import json
import stat
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from threading import Lock
from typing import Any

import httpx

from tg263_scp.config.llm import Llm
from tg263_scp.errors import LlmError, Tg263Error
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

_FACTS_THAT_CHANGE = frozenset({"created", "permission"})
"""What some servers list anew at every request; it says nothing of the model."""


class OpenAiClient:
    """A client for the model of the configuration; may be used by several threads at once."""

    def __init__(self, llm: Llm, transport: BoundedTransport, key: str = "") -> None:
        self._llm = llm
        self._transport = transport
        self._lock = Lock()
        self._fingerprint: str | None = None
        headers = given_headers(llm) | ({"Authorization": f"Bearer {key}"} if key else {})
        base = llm.host.rstrip("/")
        self._http = httpx.Client(
            base_url=base if base.endswith("/v1") else f"{base}/v1",
            transport=transport,
            trust_env=False,
            follow_redirects=False,
            headers=headers,
            timeout=None,
        )

    @classmethod
    def of(cls, llm: Llm) -> OpenAiClient:
        """Make the client that the configuration describes; nothing is sent yet.

        Raises:
            Tg263Error: a file with certificates or a key cannot be used.
        """
        key = _key_in(llm.api_key_file) if llm.api_key_file else ""
        return cls(llm, BoundedTransport(tls_of(llm)), key)

    def facts(self) -> LlmFacts:
        """Look up server and model; the first time one word is asked for, whose answer shows the system fingerprint.

        Raises:
            LlmError: no server, or no such model.
        """
        llm = self._llm
        with told_in_our_words(llm, min(FACTS_TIMEOUT_S, llm.answer_timeout_s), FACTS_BYTES):
            listed = {str(entry["id"]): entry for entry in self._json(self._http.get("/models"))["data"]}
            entry = listed.get(llm.model)
        if entry is None:
            raise missing(llm, llm.model)
        if self._fingerprint is None:
            self._post(
                [("user", "Answer with one word: yes")], {}, seed=1, timeout_s=llm.answer_timeout_s, most=1
            )
        told = {key: value for key, value in entry.items() if key not in _FACTS_THAT_CHANGE}
        identity = json.dumps([llm.host, llm.model, self._fingerprint, told], sort_keys=True)
        return LlmFacts(
            server_version=self._fingerprint or "no system fingerprint",
            model=llm.model,
            digest=hashlib.sha256(identity.encode("utf-8", "surrogatepass")).hexdigest(),
            context_tokens=_whole(entry.get("max_model_len")),
            parameter_size="",
            quantization="",
            identity="server",
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

        For the arguments see :meth:`tg263_scp.service.llm.clients.ollama_client.OllamaClient.complete`.

        Raises:
            LlmError: there is no complete answer.
        """
        started = time.monotonic()
        most = answer_tokens(schema, think=self._llm.think)
        answer = self._post(messages, schema, seed=seed, timeout_s=timeout_s, most=most)
        with told_in_our_words(self._llm, timeout_s, ANSWER_BYTES):
            choice, usage = answer["choices"][0], answer.get("usage") or {}
            text, why = choice["message"]["content"], choice.get("finish_reason")
            if not isinstance(text, str):
                raise cut_off()
        check_length(text, schema)
        if why == "length":
            raise overlong()
        if why not in ("stop", None):
            raise cut_off()
        tokens = _whole(usage.get("prompt_tokens")), _whole(usage.get("completion_tokens"))
        return Completion(text, *tokens, time.monotonic() - started)

    def embed(self, texts: Sequence[str]) -> list[list[float]]:
        """Refuse: embeddings are asked of Ollama only.

        Raises:
            LlmError: always.
        """
        raise LlmError(
            "model_missing", f"no embeddings of {len(texts)} texts here", hint="llm.embed_model needs Ollama"
        )

    def close(self) -> None:
        """Close every connection: calls that wait in other threads end with an error at once, and so do new ones."""
        self._transport.close()

    def _post(
        self,
        messages: Sequence[tuple[str, str]],
        schema: Mapping[str, Any],
        *,
        seed: int,
        timeout_s: float,
        most: int,
    ) -> dict[str, Any]:
        body: dict[str, Any] = {
            "model": self._llm.model,
            "messages": [{"role": role, "content": encodable(text)} for role, text in messages],
            "temperature": self._llm.temperature,
            "seed": seed,
            "max_tokens": most,
            "stream": False,
        }
        if schema:
            form = {"name": "readings", "strict": True, "schema": dict(schema)}
            body["response_format"] = {"type": "json_schema", "json_schema": form}
        with told_in_our_words(self._llm, timeout_s, ANSWER_BYTES):
            answer: dict[str, Any] = self._json(self._http.post("/chat/completions", json=body))
            fingerprint = str(answer.get("system_fingerprint") or "")
        with self._lock:
            self._fingerprint = fingerprint
        return answer

    def _json(self, response: httpx.Response) -> dict[str, Any]:
        if response.status_code != httpx.codes.OK:
            raise refused(response.status_code, response.text, self._llm, self._llm.model)
        said = response.json()
        if not isinstance(said, dict):
            raise ValueError("no object")
        return said


def _whole(value: object) -> int:
    return value if isinstance(value, int) and value > 0 else 0


def _key_in(path: Path) -> str:
    """Return the key in a file that is for this user alone.

    Raises:
        Tg263Error: it cannot be read, is empty, or others may read it.
    """
    try:
        mode = path.stat().st_mode
        key = path.read_text(encoding="ascii").strip()
    except (OSError, UnicodeError):
        raise Tg263Error(
            f"llm.api_key_file {path} cannot be read", hint="one line of ASCII is wanted"
        ) from None
    if stat.S_IMODE(mode) & 0o077:
        raise Tg263Error(f"llm.api_key_file {path} can be read by others", hint=f"chmod 600 {path}")
    if not key or not key.isprintable():
        raise Tg263Error(f"llm.api_key_file {path} holds no key", hint="one line of ASCII is wanted")
    return key
