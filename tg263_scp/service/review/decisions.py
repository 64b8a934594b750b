"""The values of review: what a person asks for, a decision as it stands, and for which objects it holds."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import lru_cache
from pathlib import Path
from typing import Any


class ScopeKind(StrEnum):
    """For which objects a decision holds; the most specific one that there is comes first."""

    OBJECT = "object"
    SENDER = "sender"
    SITE = "site"
    CLINIC = "clinic"


class Ruled(StrEnum):
    """What becomes of the name."""

    RENAME = "rename"
    """It becomes a TG-263 name."""
    KEEP = "keep"
    """It stays, and is no longer asked about."""
    NEVER = "never"
    """It is never touched, whatever the rules would do."""


class Standing(StrEnum):
    """What a decision is worth now."""

    ACTIVE = "active"
    """It is used."""
    WAITING = "waiting"
    """It waits for a second person; a proposal of another clinic, for a first."""
    UNDONE = "undone"
    """It was undone, and is kept."""


@dataclass(frozen=True, slots=True)
class Scope:
    """For which objects a decision holds.

    ``value`` is a SOP Instance UID, a sender (:func:`sender_of`) or a treatment site; empty for the whole clinic. ``version``
    is the SHA-256 (hex) of the data set that somebody looked at, and ``roi`` the ROI Number where two ROIs of the object bear
    the name: both for one object only. The same UID with other bytes is another object.
    """

    kind: ScopeKind
    value: str = ""
    version: str = ""
    roi: int | None = None

    def as_json(self) -> dict[str, Any]:
        """Return it as the store has it."""
        return {"kind": str(self.kind), "value": self.value, "version": self.version, "roi": self.roi}

    @classmethod
    def of_json(cls, said: Mapping[str, Any]) -> Scope:
        """Read what :meth:`as_json` wrote."""
        return cls(ScopeKind(said["kind"]), said["value"], said["version"], said["roi"])


WHOLE_CLINIC = Scope(ScopeKind.CLINIC)


@dataclass(frozen=True, slots=True)
class Wish:
    """What a person asks for about the name of an ROI; see :class:`ReviewDecision` for the fields.

    ``job`` or ``file`` is the object in front of that person: needed where the decision is for one object only, or may turn out
    to be; its scope needs no value then. ``instead_of`` is the id of a decision that it replaces.
    """

    name: str
    ruled: Ruled
    scope: Scope
    by: str
    becomes: str = ""
    why: str = ""
    evidence: Mapping[str, Any] = field(default_factory=dict)
    instead_of: str = ""
    job: int | None = None
    file: Path | None = None


@dataclass(frozen=True, slots=True)
class ReviewDecision:
    """A decision about a name as it stands now.

    ``seq`` is its line in the store, ``at`` when it was made (ISO 8601), ``by`` who made it and ``why`` in that person's words.
    ``name`` is the name as written; empty where it looks like an identifier, then ``name_digest`` stands for it. ``becomes`` is
    a TG-263 name for :attr:`Ruled.RENAME`, else empty. ``evidence`` is what was shown at that moment. ``proposal_from`` is the
    clinic whose overlay it was imported from.
    """

    id: str
    seq: int
    at: str
    by: str
    why: str
    name: str
    name_digest: str
    ruled: Ruled
    becomes: str
    scope: Scope
    evidence: Mapping[str, Any]
    standing: Standing
    proposal_from: str = ""
    instead_of: str = ""
    approved_by: str = ""
    approved_at: str = ""
    undone_by: str = ""
    undone_why: str = ""
    undone_at: str = ""

    @property
    def said(self) -> str:
        """What becomes of the name, in words."""
        words = {Ruled.KEEP: "stays as it is", Ruled.NEVER: "is never touched"}
        return words.get(self.ruled, f"becomes {self.becomes}")


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of the store: ``kind`` is decided, approved or undone, ``decision`` the decision as it stands now."""

    seq: int
    at: str
    kind: str
    id: str
    by: str
    why: str
    decision: ReviewDecision


@lru_cache(maxsize=1 << 17)
def name_key(name: str) -> str:
    """Return what is compared of a name as written: case and runs of blanks do not count, every sign does.

    >>> name_key(" Lung  L") == name_key("lung l"), name_key("PTV 6.0") == name_key("PTV 60")
    (True, False)
    """
    return " ".join(unicodedata.normalize("NFC", name).split()).casefold()


def sender_of(calling_ae_title: str, manufacturer: str = "", model: str = "", station: str = "") -> str:
    """Return what an object's sender is called: the calling AE, or manufacturer, model and station where there is none.

    >>> sender_of("TPS1 "), sender_of("", "Maker", "Planner", "ws7"), sender_of("")
    ('AE TPS1', 'Maker | Planner | ws7', '')
    """
    if calling_ae_title.strip():
        return f"AE {calling_ae_title.strip()}"
    parts = [part.strip() for part in (manufacturer, model, station)]
    return " | ".join(parts) if any(parts) else ""
