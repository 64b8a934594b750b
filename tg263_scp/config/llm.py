"""The section ``llm`` of the configuration: which language model is asked, how, and what leaves this computer.

A host that is not this computer has to be allowed in so many words, and so does a model that Ollama only passes on to a
server elsewhere.
"""

from __future__ import annotations

import ipaddress
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import BeforeValidator, Field, model_validator

from tg263_scp.config.fields import (
    Headers,
    Misfit,
    ModelName,
    OptionalModelName,
    OptionalPath,
    Seconds,
    Section,
    Share,
    Truth,
    Url,
)

_LEAVES = "ROI names would leave this computer"


Apply = Literal["unanimous", "suggest", "off"]


class Applied(Section):
    """What becomes of a reading, by the kind of name: given where it is unanimous, only suggested, or not asked for."""

    organ: Apply
    prv: Apply
    target: Apply
    helper: Literal["suggest", "off"]

    @property
    def given(self) -> frozenset[str]:
        """The kinds of which a reading may become the name."""
        kinds = {"organ": self.organ, "prv": self.prv, "target": self.target}
        return frozenset(kind for kind, how in kinds.items() if how == "unanimous")

    @property
    def asked(self) -> frozenset[str]:
        """The kinds of question that are asked: ``organ`` (which PRVs are too) and ``target``."""
        organs = {"organ"} if {self.organ, self.prv} != {"off"} else set()
        return frozenset(organs | ({"target"} if self.target != "off" else set()))


class Qualification(Section):
    """The bar that a model has to pass in ``tg263-scp model qualify`` before anything it says becomes a name."""

    required: Truth
    most_wrong: Annotated[int, Field(ge=0)]
    least_none: Share
    most_injected: Annotated[int, Field(ge=0)]


class Llm(Section):
    """The language model that reads the open names of a set where the rules know no name."""

    enabled: Truth
    api: Literal["ollama", "openai"]
    host: Url
    allow_remote: Truth
    model: ModelName
    apply: Applied
    samples: Annotated[int, Field(ge=1, le=9)]
    counter_check: Truth
    null_control: Truth
    qualification: Qualification
    withhold: Annotated[Literal["known", "strict"] | None, BeforeValidator(lambda v: v or None)]
    geometry: Truth
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
    api_key_file: OptionalPath
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

    @property
    def withheld(self) -> Literal["known", "strict"]:
        """What is not sent: as configured, else ``strict`` where the server is not this computer."""
        return self.withhold or ("known" if self.host_is_local and not self.allow_remote else "strict")

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
        if self.embed_model and self.api != "ollama":
            raise Misfit(
                "embed_model", "needs Ollama's API", hint="write api: ollama, or leave embed_model empty"
            )
        names = [header.partition(":")[0].lower() for header in self.headers]
        if len(set(names)) < len(names):
            raise Misfit("headers", "the same header is given twice", hint="keep one of them")
        return self


def runs_elsewhere(model: str) -> bool:
    """Tell from a model's tag whether Ollama passes it on to its cloud: ``gpt-oss:120b-cloud``, ``glm-4.6:cloud``."""
    tag = model.rpartition(":")[2] if ":" in model else ""
    return tag == "cloud" or tag.endswith("-cloud")
