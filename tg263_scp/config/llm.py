"""The section ``llm`` of the configuration: which language model is asked, how, and what leaves this computer.

A host that is not this computer has to be allowed in so many words, and so does a model that Ollama only passes on to a
server elsewhere.
"""

from __future__ import annotations

import ipaddress
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import Field, model_validator

from tg263_scp.config.fields import (
    Headers,
    Misfit,
    ModelName,
    OptionalModelName,
    OptionalPath,
    Seconds,
    Section,
    Truth,
    Url,
)

_LEAVES = "ROI names would leave this computer"


class Llm(Section):
    """The language model that chooses among candidates where the rules know no name."""

    enabled: Truth
    host: Url
    allow_remote: Truth
    model: ModelName
    apply: Literal["unanimous", "suggest"]
    samples: Annotated[int, Field(ge=1, le=9)]
    counter_check: Truth
    temperature: Annotated[float, Field(ge=0, le=2)]
    candidates: Annotated[int, Field(ge=2, le=40)]
    context_tokens: Annotated[int, Field(ge=2048, le=1 << 20)]
    keep_alive_s: Annotated[int, Field(ge=-1)]
    answer_timeout_s: Seconds
    object_budget_s: Seconds
    object_questions: Annotated[int, Field(ge=1)]
    concurrent_requests: Annotated[int, Field(ge=1, le=64)]
    failures_before_pause: Annotated[int, Field(ge=1)]
    pause_s: Seconds
    # A secret changes no decision: it is in no digest, no dump and no text of this object.
    headers: Headers = Field(exclude=True, repr=False)
    ca_file: OptionalPath
    cert_file: OptionalPath
    key_file: OptionalPath
    think: Truth
    embed_model: OptionalModelName
    cache_file: Path

    @property
    def host_is_local(self) -> bool:
        """Whether the host is this computer: ``localhost`` or a loopback address."""
        name = urlsplit(self.host).hostname or ""
        try:
            return ipaddress.ip_address(name).is_loopback
        except ValueError:
            return name == "localhost"

    @model_validator(mode="after")
    def _goes_together(self) -> Llm:
        if not (self.allow_remote or self.host_is_local):
            raise Misfit(
                "host",
                f"is not this computer: {_LEAVES}",
                hint="use http://127.0.0.1:11434, or write allow_remote: yes if that is allowed where you work",
            )
        for key in ("model", "embed_model"):
            if not self.allow_remote and runs_elsewhere(getattr(self, key) or ""):
                raise Misfit(
                    key,
                    f"is a model that Ollama runs on servers of its own: {_LEAVES}",
                    hint="choose a local model, or write allow_remote: yes if that is allowed where you work",
                )
        if (self.cert_file is None) != (self.key_file is None):
            given, absent = ("cert_file", "key_file") if self.cert_file else ("key_file", "cert_file")
            raise Misfit(given, f"needs {absent} as well", hint="a certificate is used with its own key only")
        if not self.host.startswith("https:"):
            for key in ("ca_file", "cert_file"):
                if getattr(self, key):
                    raise Misfit(key, "is for TLS, and llm.host is not", hint="write llm.host with https://")
        names = [header.partition(":")[0].lower() for header in self.headers]
        if len(set(names)) < len(names):
            raise Misfit("headers", "the same header is given twice", hint="keep one of them")
        return self


def runs_elsewhere(model: str) -> bool:
    """Tell from a model's tag whether Ollama passes it on to its cloud: ``gpt-oss:120b-cloud``, ``glm-4.6:cloud``."""
    tag = model.rpartition(":")[2] if ":" in model else ""
    return tag == "cloud" or tag.endswith("-cloud")
