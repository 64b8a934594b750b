"""Candidates by meaning: the structures whose description lies nearest to a name in an embedding model's space.

An addition to the search by words, for names whose letters look like nothing the packs hold. Off unless ``llm.embed_model``
is set. Vectors are kept beside the answers, so that each text is embedded once.
"""

from __future__ import annotations

import math
from array import array
from collections.abc import Callable, Sequence

from tg263_scp.naming.llm.candidates import meaning_of, offerable
from tg263_scp.naming.standard.nomenclature import Nomenclature
from tg263_scp.service.llm.answer_store import AnswerStore

_NEAREST = 6
_BATCH = 32

Embed = Callable[[Sequence[str]], list[list[float]]]


class Embedding:
    """The structures of the list as vectors of one embedding model."""

    def __init__(self, model: str, embed: Embed, store: AnswerStore, nomenclature: Nomenclature) -> None:
        self._model = model
        self._embed = embed
        self._store = store
        self._descriptions = {
            name: f"{name.replace('_', ' ')}: {meaning_of(name, nomenclature)}"
            for name in sorted(offerable(nomenclature))
        }
        self._structures: dict[str, array[float]] = {}

    def near(self, text: str) -> tuple[str, ...] | None:
        """Return the structures nearest to a text, nearest first; None where it, or the list, was not embedded yet.

        Raises:
            LlmError: what was kept cannot be read.
        """
        vector = self._store.vector(self._key(text))
        if vector is None or not self._known():
            return None
        nearness = {name: _cosine(vector, other) for name, other in self._structures.items()}
        return tuple(sorted(nearness, key=lambda name: (-nearness[name], name))[:_NEAREST])

    def learn(self, texts: Sequence[str]) -> None:
        """Embed texts, and the list where that was not done yet.

        Raises:
            LlmError: the model gives no vectors, or they cannot be kept.
        """
        wanted = [*texts, *self._descriptions.values()]
        unknown = [text for text in dict.fromkeys(wanted) if self._store.vector(self._key(text)) is None]
        for start in range(0, len(unknown), _BATCH):
            batch = unknown[start : start + _BATCH]
            for text, vector in zip(batch, self._embed(batch), strict=True):
                self._store.keep_vector(self._key(text), vector)

    def _known(self) -> bool:
        if not self._structures:
            found = {name: self._store.vector(self._key(text)) for name, text in self._descriptions.items()}
            if any(vector is None for vector in found.values()):
                return False
            self._structures = {name: vector for name, vector in found.items() if vector is not None}
        return True

    def _key(self, text: str) -> str:
        return f"{self._model}\n{text}"


def _cosine(one: Sequence[float], other: Sequence[float]) -> float:
    lengths = math.hypot(*one) * math.hypot(*other)
    return sum(a * b for a, b in zip(one, other, strict=True)) / lengths if lengths else 0.0
