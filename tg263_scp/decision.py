"""The value types that all rings share: what is asked of naming, and what it answers."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from tg263_scp.errors import SourceLine


class Status(StrEnum):
    """What becomes of one ROI name."""

    KEEP = "keep"
    """The name stays, and that is right: it is compliant, or not ours to change."""
    RENAME = "rename"
    """The name is replaced by ``Decision.name``."""
    REVIEW = "review"
    """The name stays, and is left for review."""


class Kind(StrEnum):
    """What sort of thing a ROI is; decided before any organ is looked for."""

    ORGAN = "organ"
    PRV = "prv"
    TARGET = "target"
    DERIVED = "derived"
    PLANNING = "planning"
    DEVICE = "device"
    JUNK = "junk"
    UNKNOWN = "unknown"


class Reason(StrEnum):
    """Why a decision fell as it did. Members are stable: reports count them."""

    EMPTY = "empty"
    UNREADABLE = "unreadable"
    NOT_FOR_DOSE = "not_for_dose"
    CLINIC_KEEPS = "clinic_keeps"
    LISTED = "listed"
    COMPLIANT = "compliant"
    OVERLAY = "overlay"
    DECIDED = "decided"
    DECIDED_HERE = "decided_here"
    RESPELLED = "respelled"
    WORKSHEET_ERROR = "worksheet_error"
    SYNONYM = "synonym"
    REBUILT = "rebuilt"
    TARGET = "target"
    SHORTENED = "shortened"
    CLOSE_MATCH = "close_match"
    MODEL_CHOICE = "model_choice"
    PLANNING = "planning"
    DOSE_ALONE = "dose_alone"
    DEVICE = "device"
    DERIVED = "derived"
    NO_STRUCTURE = "no_structure"
    MARKED_NOT_FOR_DOSE = "marked_not_for_dose"
    UNLISTED = "unlisted"
    AMBIGUOUS = "ambiguous"
    SITE_DECIDES = "site_decides"
    OTHER_SITE = "other_site"
    BOTH_SIDES = "both_sides"
    SIDE_MISSING = "side_missing"
    SIDE_NOT_LISTED = "side_not_listed"
    PAIR_NOT_LISTED = "pair_not_listed"
    MARGIN_UNSAID = "margin_unsaid"
    MARGIN_UNCLEAR = "margin_unclear"
    TOO_LONG = "too_long"
    NO_STANDARD_NAME = "no_standard_name"
    REMARK = "remark"
    LANGUAGE_UNCHECKED = "language_unchecked"
    TARGET_DOUBTFUL = "target_doubtful"
    PART_UNKNOWN = "part_unknown"
    UNMATCHED = "unmatched"
    MISSPELT_TOO_FAR = "misspelt_too_far"
    MISSPELT_FOREIGN = "misspelt_foreign"
    MISSPELT_CONTESTED = "misspelt_contested"
    MISSPELT_SHORT = "misspelt_short"
    VETO_SIDE = "veto_side"
    VETO_NUMBER = "veto_number"
    VETO_MARGIN = "veto_margin"
    VETO_KIND = "veto_kind"
    VETO_LENGTH = "veto_length"
    VETO_IDENTIFIER = "veto_identifier"
    VETO_GEOMETRY = "veto_geometry"
    VETO_TYPE = "veto_type"
    VETO_CHARSET = "veto_charset"
    SIDE_FROM_CONTOURS = "side_from_contours"
    SHARED_TAKEN_OUT = "shared_taken_out"
    MIRROR_NAME = "mirror_name"
    NUMBERS_OF_SET = "numbers_of_set"
    OTHER_SEX = "other_sex"
    CLASH_SAME_NAME = "clash_same_name"
    CLASH_KEPT_NAME = "clash_kept_name"


@dataclass(frozen=True, slots=True)
class Roi:
    """One ROI as naming sees it.

    ``number`` is the ROI Number (3006,0022). ``interpreted_type`` is the RT ROI Interpreted Type (3006,00A4), empty where
    absent. ``readable`` is false where the bytes of the name have no certain meaning in the declared character set: such a
    name is shown to a person and never changed. ``unwritable`` are ASCII characters that the character set lacks.
    """

    number: int
    name: str
    interpreted_type: str = ""
    readable: bool = True
    unwritable: str = ""


@dataclass(frozen=True, slots=True)
class RoiPlace:
    """Where an ROI lies against the midline of the body, in mm; positive is the patient's left (PS3.3 C.7.6.2.1.1).

    Without a body outline in its slices (``against_body`` is false) only the centre and the volume are known.

    ``offset_mm`` is the centroid's distance, ``rightmost_mm`` and ``leftmost_mm`` those of the outermost points, each against
    the midline of the body outline in the same slice; ``slices`` is how many contours could be compared. ``centroid_mm`` is
    the area-weighted centre (x, y, z), ``volume_cm3`` the sum of areas times the slice spacing, holes not subtracted.
    """

    offset_mm: float
    rightmost_mm: float
    leftmost_mm: float
    slices: int
    centroid_mm: tuple[float, float, float] = (0.0, 0.0, 0.0)
    volume_cm3: float = 0.0
    against_body: bool = True

    @property
    def side(self) -> str:
        """``L`` or ``R`` where that is unmistakable, else ``""``.

        Either the whole ROI keeps 5 mm from the midline, or its centre is at least 40 mm away and no part of it reaches
        further across than a quarter of that, as the medial border of a lung may.
        """
        if not self.against_body:
            return ""
        for side, near_mm, offset_mm in (
            ("L", self.rightmost_mm, self.offset_mm),
            ("R", -self.leftmost_mm, -self.offset_mm),
        ):
            if near_mm >= 5 or (offset_mm >= 40 and near_mm >= -offset_mm / 4):
                return side
        return ""

    @property
    def in_words(self) -> str:
        """Side and size in plain words, without coordinates: ``on the left, about 30 cm3``."""
        side = {"L": "on the left", "R": "on the right"}.get(self.side, "around the midline")
        return f"{side}, about {float(f'{self.volume_cm3:.1g}'):g} cm3" if self.volume_cm3 else side

    def as_json(self) -> dict[str, object]:
        """Return what a person wants to know of it, rounded."""
        return {
            "side": self.side,
            "offset_mm": round(self.offset_mm, 1),
            "centroid_mm": [round(each, 1) for each in self.centroid_mm],
            "volume_cm3": round(self.volume_cm3, 2),
        }


@dataclass(frozen=True, slots=True)
class Candidate:
    """A TG-263 name that was considered, with its score (0 to 1) and the named penalties that lowered it."""

    name: str
    score: float
    penalties: tuple[tuple[str, float], ...] = ()
    source: SourceLine | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """One rule that was tried: its code, what came of it, and the line of the data file it rests on."""

    rule: str
    note: str
    source: SourceLine | None = None


@dataclass(frozen=True, slots=True)
class Choice:
    """How a language model read a name, and how sure it can be: by agreement, never by its own word.

    ``answer`` is the reading as pairs: ``meant``, ``structure`` (an offered id or ``none``), then the pieces of the name by
    their roles (see ``naming/llm/readings.py``); where the answers differed it is the most frequent one. ``votes`` counts the
    different answers, most frequent first; ``wanted`` is how many samples there should have been. ``counter`` is what was
    chosen once the answer had been taken out of the list: ``none`` confirms it; empty where that was not asked. ``null`` is
    what was chosen for a nonsense word in the place of the name: ``same`` or ``other``; empty where that was not asked.
    ``model`` and ``model_digest`` say who answered, ``identity`` what the digest is made of: ``weights``, or what a ``server``
    or a file ``said`` of the model, which is weaker; ``prompt`` and ``prompt_digest`` which text was sent. ``seconds`` and the
    tokens are those of all requests about the set, shared evenly by its open names. ``remembered`` tells that no model was
    asked this time.
    """

    answer: tuple[tuple[str, str], ...]
    votes: tuple[tuple[str, int], ...]
    wanted: int
    counter: str = ""
    null: str = ""
    model: str = ""
    model_digest: str = ""
    identity: str = ""
    prompt: str = ""
    prompt_digest: str = ""
    prompt_tokens: int = 0
    answer_tokens: int = 0
    seconds: float = 0.0
    remembered: bool = False

    @property
    def agreed(self) -> bool:
        """Every sample was there, and all were the same."""
        return len(self.votes) == 1 and self.votes[0][1] >= self.wanted

    @property
    def unanimous(self) -> bool:
        """All samples agreed, nothing else was chosen in their place, and a word without meaning got another answer."""
        return self.agreed and self.counter in ("", "none") and self.null != "same"

    @property
    def said(self) -> str:
        """The votes in words: ``3 wanted: 2 for structure Bladder, 1 for none``."""
        parts = [f"{count} for {answer}" for answer, count in self.votes]
        counter = f"; with that taken away: {self.counter}" if self.counter else ""
        null = f"; for a word without meaning: {self.null}" if self.null else ""
        return f"{self.wanted} wanted: " + ", ".join(parts) + counter + null


@dataclass(frozen=True, slots=True)
class Decision:
    """What becomes of one ROI name, and why.

    ``name`` is the name the ROI carries from now on: the TG-263 name for ``rename``, the original for ``keep`` and
    ``review``. ``rule`` is the code that decided (``R050``; ``V...`` or ``S...`` where a veto or a whole-set rule stopped a
    proposal). ``confidence`` is 0 to 1. ``candidates`` are names worth offering to the person who reviews, best first.
    ``question`` is the key of the question about the set that a language model was or would be asked, ``choice`` its reading.
    ``doubt`` is the cause for which a target is left for review (a code of ``naming/targets/doubts.py``), else empty.
    ``ruling`` is the id of what people decided about the name, where that was asked for; ``site`` the treatment site that the
    set showed.
    """

    original: str
    status: Status
    name: str
    rule: str
    reason: Reason
    confidence: float = 0.0
    kind: Kind = Kind.UNKNOWN
    evidence: tuple[SourceLine, ...] = ()
    trail: tuple[Step, ...] = ()
    candidates: tuple[Candidate, ...] = ()
    note: str = ""
    question: str = ""
    choice: Choice | None = None
    doubt: str = ""
    ruling: str = ""
    site: str = ""
