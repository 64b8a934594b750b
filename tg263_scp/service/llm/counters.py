"""What is counted and measured about one language model, as Prometheus reads it: ``tg263_model_<figure>``.

Two nodes in one process share no count.
"""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client import CollectorRegistry, Counter, Gauge
from prometheus_client.core import Metric


class LlmFigures:
    """The figures of one model, in a ``registry`` of their own; may be used by several threads."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()

        def counter(name: str, meaning: str) -> Counter:
            return Counter(f"tg263_model_{name}", meaning, registry=self.registry)

        def gauge(name: str, meaning: str) -> Gauge:
            return Gauge(f"tg263_model_{name}", meaning, registry=self.registry)

        self.up = gauge("up", "Whether the language model answered when it was last asked")
        self.qualified = gauge("qualified", "Whether what the language model says may become a name")
        self.breaker_open = gauge(
            "breaker_open", "Whether the language model is left alone for a while after failures"
        )
        self.asked = counter("asked", "Questions sent to the language model, every sample counted")
        self.answered = counter("answered", "Usable answers of the language model")
        self.cached = counter("cached", "Names decided by an answer that was remembered")
        self.failures = counter("failures", "Questions without a usable answer")
        self.prompt_tokens = counter("prompt_tokens", "Tokens sent, as the server counts them")
        self.answer_tokens = counter("answer_tokens", "Tokens answered, as the server counts them")
        self.waiting_objects = gauge("waiting_objects", "Structure sets that wait for the language model now")
        self.unanswered_objects = counter(
            "unanswered_objects", "Structure sets that went on with unanswered questions"
        )

    def collect(self) -> Iterator[Metric]:
        """Yield every figure as it stands, without the times at which the counters were made."""
        for metric in self.registry.collect():
            metric.samples = [sample for sample in metric.samples if not sample.name.endswith("_created")]
            yield metric
