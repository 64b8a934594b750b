"""The bodies of requests and answers of the names API, as its OpenAPI description gives them."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Text64 = Annotated[str, Field(max_length=64)]


class NameRow(BaseModel):
    """One structure as the planning system has it."""

    model_config = ConfigDict(extra="forbid")

    original_name: Annotated[str, Field(max_length=1024, description="the name as it is written")]
    roi_type: Annotated[Text64, Field(description="RT ROI Interpreted Type, such as ORGAN or PTV")] = ""
    site: Annotated[Text64, Field(description="treatment site; wins over that of the set")] = ""


class NamesQuestion(BaseModel):
    """The structures of one structure set; they are decided together."""

    model_config = ConfigDict(extra="forbid")

    site: Annotated[Text64, Field(description="treatment site, such as head_and_neck or prostate")] = ""
    names: Annotated[list[NameRow], Field(min_length=1)]


class NamedRow(BaseModel):
    """What becomes of one name."""

    original_name: str
    status: Annotated[str, Field(description="keep, rename, or review: left for review")]
    standard_name: Annotated[
        str, Field(description="the name from now on; empty where it is left for review")
    ]
    rule: Annotated[str, Field(description="code of the rule that decided, see `tg263-scp rules`")]
    reason: Annotated[str, Field(description="stable code of the reason")]
    reason_text: Annotated[str, Field(description="the reason in words")]
    confidence: Annotated[float, Field(description="0 to 1")]
    candidates: Annotated[list[str], Field(description="names worth offering for review, best first")]


class Provenance(BaseModel):
    """Under what names were decided: equal digests, equal answers."""

    program: str
    nomenclature: Annotated[str, Field(description="SHA-256 of list, languages and overlay")]
    configuration: Annotated[str, Field(description="SHA-256 of all settings")]
    decisions: Annotated[str, Field(description="digest of the decisions of people in force; empty without")]


class NamesAnswer(Provenance):
    """The rows of the question, in their order."""

    names: list[NamedRow]


class ListedName(BaseModel):
    """A name of the TG-263 list, or one that its grammar allows."""

    name: str
    listed: Annotated[
        bool, Field(description="on the list; else built by its grammar (PRV, target, derived)")
    ]
    kind: str = ""
    region: str = ""
    meaning: str = ""


class NomenclatureAnswer(Provenance):
    """The names that a search found, best first."""

    query: str
    total: Annotated[int, Field(description="how many names the search found; at most `limit` are given")]
    names: list[ListedName]
