"""Requests to a language model and its answers in a file, so that what a model said can be looked at again without the model.

A cassette is JSON lines: first a head with the facts of the model, then one line for each request with the messages, the
schema, the seed, and the answer or the reason of a failure. Replaying finds a line by the whole request, so that a changed
prompt or list is seen as a request that was never recorded. A cassette holds ROI names: keep it like the names themselves.
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

from tg263_scp import __version__
from tg263_scp.errors import LlmError, Tg263Error
from tg263_scp.service.llm.ollama_client import Completion, LlmFacts
from tg263_scp.service.llm.voting import Chooser

_FORMAT = "tg263-scp cassette 1"


class Recorder:
    """A chooser that writes down everything that another one is asked and answers.

    Raises:
        FileExistsError: there is such a file already.
        OSError: it cannot be written.
    """

    def __init__(self, chooser: Chooser, path: Path) -> None:
        self._chooser = chooser
        self._lock = Lock()
        # ROI names are for the user who asked alone.
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        self._file: TextIO = os.fdopen(descriptor, "w", encoding="utf-8", newline="\n")
        self._begun = False

    def facts(self) -> LlmFacts:
        """Return the facts of the model; the first ones open the cassette."""
        facts = self._chooser.facts()
        with self._lock:
            if not self._begun:
                self._begun = True
                self._write({"format": _FORMAT, "program": __version__, "model": asdict(facts)})
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
        request = {"messages": [list(message) for message in messages], "schema": schema, "seed": seed}
        try:
            completion = self._chooser.complete(messages, schema, seed=seed, timeout_s=timeout_s)
        except LlmError as problem:
            with self._lock:
                self._write({**request, "failed": problem.reason})
            raise
        with self._lock:
            self._write({**request, "answer": asdict(completion)})
        return completion

    def embed(self, texts: Sequence[str]) -> list[list[float]]:
        """Ask for embeddings, and write them down."""
        vectors = self._chooser.embed(texts)
        with self._lock:
            self._write({"texts": list(texts), "vectors": vectors})
        return vectors

    def close(self) -> None:
        """Close the file and the model's client."""
        with self._lock:
            self._file.close()
        self._chooser.close()

    def _write(self, line: Mapping[str, Any]) -> None:
        self._file.write(json.dumps(line, ensure_ascii=False) + "\n")
        self._file.flush()


class Player:
    """A chooser that answers from a cassette alone.

    Raises:
        Tg263Error: the file is no cassette.
        OSError: it cannot be read.
    """

    def __init__(self, path: Path) -> None:
        self._answers: dict[str, Mapping[str, Any]] = {}
        self._vectors: dict[str, list[float]] = {}
        try:
            with path.open(encoding="utf-8") as file:
                head = json.loads(file.readline())
                if head["format"] != _FORMAT:
                    raise ValueError("another format")
                self._facts = LlmFacts(**head["model"])
                for line in map(json.loads, file):
                    if "texts" in line:
                        self._vectors.update(zip(line["texts"], line["vectors"], strict=True))
                    else:
                        request = _request(line["messages"], line["schema"], line["seed"])
                        self._answers.setdefault(request, line)
        except (ValueError, KeyError, TypeError) as problem:
            raise Tg263Error(
                f"{path} is no cassette of this program", hint="evaluate --llm --record FILE writes one"
            ) from problem

    def facts(self) -> LlmFacts:
        """Return the facts of the model that was recorded."""
        return self._facts

    def complete(
        self,
        messages: Sequence[tuple[str, str]],
        schema: Mapping[str, Any],
        *,
        seed: int,
        timeout_s: float,
    ) -> Completion:
        """Return the recorded answer.

        Raises:
            LlmError: nothing was recorded for this request, or a failure was.
        """
        line = self._answers.get(_request(messages, schema, seed), {"failed": "not_recorded"})
        if "failed" in line:
            raise LlmError(line["failed"], "the cassette holds no answer to this request")
        return Completion(**line["answer"])

    def embed(self, texts: Sequence[str]) -> list[list[float]]:
        """Return the recorded embeddings.

        Raises:
            LlmError: one was not recorded.
        """
        try:
            return [self._vectors[text] for text in texts]
        except KeyError:
            raise LlmError("not_recorded", "the cassette holds no embedding of a text") from None

    def close(self) -> None:
        """Nothing to close: the cassette was read as a whole."""


def _request(messages: Sequence[Sequence[str]], schema: Mapping[str, Any], seed: int) -> str:
    asked = json.dumps([[list(message) for message in messages], schema, seed], sort_keys=True)
    return hashlib.sha256(asked.encode("utf-8", "surrogatepass")).hexdigest()
