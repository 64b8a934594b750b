"""Requests to a language model and its answers in files: to look at again what a model said, and to ask it elsewhere.

Both files are JSON lines. A line of questions holds ``key``, ``round``, ``sample``, ``prompt`` (the digest of the prompts),
``messages`` and ``schema``. A line of answers holds ``key``, ``answer`` (the text, or ``failed`` with a reason in its place)
and ``model`` (what is known of who answered). ``key`` is the SHA-256 of the request, so that a changed prompt or list is seen
as a request that was never asked. A recording holds both kinds of fields in one line. These files hold ROI names: they are for
their user alone, and are never overwritten.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from threading import Lock
from typing import Any, TextIO

from tg263_scp.errors import LlmError, Tg263Error
from tg263_scp.service.llm.clients.completions import Completion, LlmFacts
from tg263_scp.service.llm.voting import Chooser


def request_key(messages: Sequence[Sequence[str]], schema: Mapping[str, Any], seed: int) -> str:
    """Return the key of a request: SHA-256 (hex) of all that is asked, and of the seed."""
    asked = json.dumps([[list(message) for message in messages], schema, seed], sort_keys=True)
    return hashlib.sha256(asked.encode("utf-8", "surrogatepass")).hexdigest()


class Lines:
    """A new file of JSON lines for its user alone.

    Raises:
        FileExistsError: there is such a file already.
        OSError: it cannot be written.
    """

    def __init__(self, path: Path) -> None:
        self._lock = Lock()
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        self._file: TextIO = os.fdopen(descriptor, "w", encoding="utf-8", newline="\n")

    def write(self, line: Mapping[str, Any]) -> None:
        """Write one line."""
        with self._lock:
            self._file.write(json.dumps(line, ensure_ascii=False) + "\n")
            self._file.flush()

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._file.close()


class Recorder:
    """A chooser that writes down everything that another one is asked and answers.

    Raises:
        FileExistsError: there is such a file already.
        OSError: it cannot be written.
    """

    def __init__(self, chooser: Chooser, path: Path) -> None:
        self._chooser = chooser
        self._lines = Lines(path)
        self._model: dict[str, Any] = {}

    def facts(self) -> LlmFacts:
        """Return the facts of the model."""
        facts = self._chooser.facts()
        self._model = asdict(facts)
        return facts

    def complete(
        self,
        messages: Sequence[tuple[str, str]],
        schema: Mapping[str, Any],
        *,
        seed: int,
        timeout_s: float,
    ) -> Completion:
        """Ask the model, and write down the request and the answer or the failure."""
        line: dict[str, Any] = {
            "key": request_key(messages, schema, seed),
            "sample": seed,
            "messages": [list(message) for message in messages],
            "schema": schema,
            "model": self._model,
        }
        try:
            completion = self._chooser.complete(messages, schema, seed=seed, timeout_s=timeout_s)
        except LlmError as problem:
            self._lines.write({**line, "failed": problem.reason})
            raise
        cost = {key: value for key, value in asdict(completion).items() if key != "text"}
        self._lines.write({**line, "answer": completion.text, "cost": cost})
        return completion

    def embed(self, texts: Sequence[str]) -> list[list[float]]:
        """Ask for embeddings, and write them down."""
        vectors = self._chooser.embed(texts)
        self._lines.write({"texts": list(texts), "vectors": vectors, "model": self._model})
        return vectors

    def close(self) -> None:
        """Close the file and the model's client."""
        self._lines.close()
        self._chooser.close()


class Player:
    """A chooser that answers from files alone; a request without an answer is written to ``questions`` where given.

    ``samples`` is how often a question is asked in the first round; each of its tests takes a round more. Answers without
    ``model`` come from a model that nothing is known of: they are never qualified, and only suggested.

    Raises:
        Tg263Error: a file holds no answers.
        OSError: it cannot be read.
    """

    def __init__(
        self, path: Path | None, *, questions: Lines | None = None, prompts_digest: str = "", samples: int = 1
    ) -> None:
        self._answers: dict[str, Mapping[str, Any]] = {}
        self._vectors: dict[str, list[float]] = {}
        self._questions = questions
        self._asked: set[str] = set()
        self._prompts_digest = prompts_digest
        self._samples = samples
        self._model: Mapping[str, Any] = {}
        if path is not None:
            self._read(path)

    def _read(self, path: Path) -> None:
        try:
            with path.open(encoding="utf-8") as file:
                for line in filter(None, map(str.strip, file)):
                    self._take(json.loads(line))
        except (ValueError, KeyError, TypeError, AttributeError) as problem:
            raise Tg263Error(
                f"{path} holds no answers of a model", hint="each line is JSON with key, answer and model"
            ) from problem

    def _take(self, line: Mapping[str, Any]) -> None:
        model = line.get("model") or {}
        told = {"model": model} if isinstance(model, str) else dict(model)
        self._model = self._model or told
        if told != self._model:
            raise ValueError("answers of two models in one file")
        if "texts" in line:
            self._vectors.update(zip(line["texts"], line["vectors"], strict=True))
        elif not isinstance(line["key"], str) or not ("failed" in line or isinstance(line["answer"], str)):
            raise ValueError("no answer")
        else:
            self._answers.setdefault(line["key"], line)

    def facts(self) -> LlmFacts:
        """Return what the answers say of their model."""
        told = {name: self._model.get(name) for name in ("model", "digest", "server_version", "identity")}
        return LlmFacts(
            server_version=str(told["server_version"] or "answers from a file"),
            model=str(told["model"] or "unknown"),
            digest=str(told["digest"] or (_digest_of(told["model"]) if told["model"] else "unknown")),
            context_tokens=int(self._model.get("context_tokens") or 0),
            parameter_size=str(self._model.get("parameter_size") or ""),
            quantization=str(self._model.get("quantization") or ""),
            identity=str(told["identity"] or "said"),
        )

    def complete(
        self,
        messages: Sequence[tuple[str, str]],
        schema: Mapping[str, Any],
        *,
        seed: int,
        timeout_s: float,
    ) -> Completion:
        """Return the answer that the file holds; ``timeout_s`` is never needed.

        Raises:
            LlmError: it holds none, or a failure.
        """
        key = request_key(messages, schema, seed)
        line = self._answers.get(key, {"failed": "not_recorded"})
        if "failed" in line:
            self._note(key, messages, schema, seed)
            raise LlmError(line["failed"], "the file holds no answer to this request")
        cost = line.get("cost") or {}
        return Completion(
            line["answer"],
            int(cost.get("prompt_tokens", 0)),
            int(cost.get("answer_tokens", 0)),
            float(cost.get("seconds", 0.0)),
        )

    def _note(
        self, key: str, messages: Sequence[tuple[str, str]], schema: Mapping[str, Any], seed: int
    ) -> None:
        if self._questions is None or key in self._asked:
            return
        self._asked.add(key)
        self._questions.write(
            {
                "key": key,
                "round": max(1, seed - self._samples + 1),
                "sample": seed,
                "prompt": self._prompts_digest,
                "messages": [list(message) for message in messages],
                "schema": schema,
            }
        )

    def embed(self, texts: Sequence[str]) -> list[list[float]]:
        """Return the embeddings that the file holds.

        Raises:
            LlmError: one is missing.
        """
        try:
            return [self._vectors[text] for text in texts]
        except KeyError:
            raise LlmError("not_recorded", "the file holds no embedding of a text") from None

    def close(self) -> None:
        """Close the file of questions."""
        if self._questions is not None:
            self._questions.close()


def _digest_of(model: object) -> str:
    return hashlib.sha256(f"said:{model}".encode()).hexdigest()
