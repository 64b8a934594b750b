"""Decisions put into words and into JSON, the same way in every verb."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from tg263_scp.decision import Candidate, Choice, Decision, Reason, Status, Step
from tg263_scp.errors import HoldReason, SourceLine

REASON_WORDS: dict[Reason, str] = {
    Reason.EMPTY: "no name to read",
    Reason.UNREADABLE: "its bytes have no certain meaning",
    Reason.NOT_FOR_DOSE: "marked as not for dose evaluation",
    Reason.CLINIC_KEEPS: "the clinic wants it left alone",
    Reason.LISTED: "already a TG-263 name",
    Reason.COMPLIANT: "already follows the TG-263 grammar",
    Reason.OVERLAY: "the clinic's own mapping",
    Reason.DECIDED: "decided in review",
    Reason.DECIDED_HERE: "decided in review for this object",
    Reason.RESPELLED: "TG-263 spelling",
    Reason.WORKSHEET_ERROR: "known error of the TG-263 worksheet",
    Reason.SYNONYM: "known synonym",
    Reason.REBUILT: "side, margin and name put in TG-263 order",
    Reason.TARGET: "target written the TG-263 way",
    Reason.SHORTENED: "a word cut short or without vowels, which can mean one structure only",
    Reason.CLOSE_MATCH: "close to one listed name only",
    Reason.MODEL_CHOICE: "chosen by the language model",
    Reason.PLANNING: "planning helper, left alone",
    Reason.DOSE_ALONE: "a dose without a target, left alone",
    Reason.DEVICE: "device, left alone",
    Reason.DERIVED: "derived structure, left alone",
    Reason.NO_STRUCTURE: "names no structure: a length or a placeholder, left alone",
    Reason.NO_STRUCTURE: "names no structure: a length or a placeholder, left alone",
    Reason.MARKED_NOT_FOR_DOSE: "helper or derived structure, marked with z",
    Reason.UNLISTED: "known, and TG-263 does not list it",
    Reason.AMBIGUOUS: "could be more than one structure",
    Reason.SITE_DECIDES: "the treatment site decides what it means",
    Reason.OTHER_SITE: "a name of another treatment site",
    Reason.BOTH_SIDES: "left and right are both said",
    Reason.SIDE_MISSING: "left or right is not said",
    Reason.SIDE_NOT_LISTED: "TG-263 has it without the side that is said",
    Reason.PAIR_NOT_LISTED: "TG-263 has no name for both sides together",
    Reason.MARGIN_UNSAID: "a length that may be a margin, a rind or a part",
    Reason.MARGIN_UNCLEAR: "a length or margin that cannot be read safely",
    Reason.TOO_LONG: "16 characters cannot hold its TG-263 name",
    Reason.NO_STANDARD_NAME: "TG-263 has no name for it",
    Reason.REMARK: "a word of it is a remark: a copy, a state, a use",
    Reason.LANGUAGE_UNCHECKED: "known only in a language whose words are not checked yet",
    Reason.TARGET_DOUBTFUL: "a part of the target's name is doubtful",
    Reason.PART_UNKNOWN: "a part of the name is not understood",
    Reason.UNMATCHED: "not recognised",
    Reason.MISSPELT_TOO_FAR: "near a listed name, and too many letters differ",
    Reason.MISSPELT_FOREIGN: "near a word of a language that the set does not show",
    Reason.MISSPELT_CONTESTED: "near a listed name, and another one is nearly as near",
    Reason.MISSPELT_SHORT: "near a listed name, and too short to be sure",
    Reason.VETO_SIDE: "the side would change",
    Reason.VETO_NUMBER: "the numbers would not stay the same",
    Reason.VETO_MARGIN: "the margin would change",
    Reason.VETO_KIND: "the kind of structure would change",
    Reason.VETO_LENGTH: "longer than 16 characters",
    Reason.VETO_IDENTIFIER: "would repeat a patient identifier",
    Reason.VETO_GEOMETRY: "the contours lie on the other side",
    Reason.VETO_TYPE: "contradicts the ROI interpreted type",
    Reason.VETO_CHARSET: "the character set lacks a character of it",
    Reason.SIDE_FROM_CONTOURS: "the side is where the contours lie",
    Reason.SHARED_TAKEN_OUT: "read without what most names of the set share",
    Reason.MIRROR_NAME: "its mirror name in the set shows the side",
    Reason.NUMBERS_OF_SET: "the set shows what its number means",
    Reason.OTHER_SEX: "an organ of the other sex than the set shows",
    Reason.CLASH_SAME_NAME: "two structures would get one name",
    Reason.CLASH_KEPT_NAME: "another structure already has that name",
}


def reason_words(code: str) -> str:
    """Put a reason code into words; one that an older or newer version wrote is shown as it is."""
    words = {reason.value: text for reason, text in REASON_WORDS.items()}
    return words.get(code, code.replace("_", " "))


HOLD_WORDS: dict[HoldReason, str] = {
    HoldReason.ADOPTED: "found in the spool after the journal was lost: retry or release it",
    HoldReason.APPROVED: "the structure set is approved",
    HoldReason.AWAITING_MODEL: "the language model is being asked, at most for llm.object_budget_s",
    HoldReason.CHARSET_UNKNOWN: "its Specific Character Set is none of the standard's",
    HoldReason.COPY_CHANGED: "the copy of an earlier run was changed",
    HoldReason.DISK_REFUSED: "the disk refuses its file, while it takes others: see the log",
    HoldReason.DUPLICATE_UID: "a file before it holds the same structure set, byte for byte",
    HoldReason.EDITED_SINCE: "edited or re-encoded after it was relabelled",
    HoldReason.EDIT_NOT_PROVEN: "the copy was not proven and discarded",
    HoldReason.ENCAPSULATED: "its transfer syntax is for images, or it holds pixels or a document",
    HoldReason.FILE_MISSING: "its file is gone",
    HoldReason.INTERNAL_ERROR: "a fault of this program, see the log",
    HoldReason.MODEL_UNANSWERED: "the language model did not answer about all of its names: run the same command again",
    HoldReason.MULTI_VALUED_NAME: "a name with a backslash is two values",
    HoldReason.NAME_COLLISION: "two of its ROIs would get one name",
    HoldReason.NAME_NOT_WRITABLE: "a new name cannot be written",
    HoldReason.NEW_OBJECT: "it has UIDs of its own; its predecessor is the sender's object",
    HoldReason.NOT_DICOM: "not DICOM",
    HoldReason.NOT_OURS: "it does not record a relabelling by this program",
    HoldReason.NOT_RTSTRUCT: "not an RT Structure Set",
    HoldReason.NO_DESTINATION: "there is no destination",
    HoldReason.NO_ROI_SEQUENCE: "it has no Structure Set ROI Sequence",
    HoldReason.ODD_LENGTH: "the sender's values of odd length would make the edited object undeliverable",
    HoldReason.OTHER_UID_POLICY: "an earlier run gave it the UIDs of another policy",
    HoldReason.OUTPUT_EXISTS: "something else stands in its place",
    HoldReason.PAUSED: "the node was paused: it passed as it was received",
    HoldReason.PROVENANCE_NOT_WRITABLE: "provenance cannot be added to its sequences",
    HoldReason.REFERENCES_CHANGED: "an earlier run copied it before its structure set had a new UID",
    HoldReason.RELEASED: "forwarded unchanged on a person's word",
    HoldReason.SERIES_TORN_APART: "its list of series would name two at once",
    HoldReason.SIGNED: "the structure set is digitally signed",
    HoldReason.SOP_CLASS_MISMATCH: "it was sent under another SOP class than its own",
    HoldReason.SOURCE_CHANGED: "the source has changed since an earlier run",
    HoldReason.TOO_COSTLY: "it takes more time or room than one object may",
    HoldReason.TRUNCATED: "it ends too early",
    HoldReason.UID_MISMATCH: "it was sent under another SOP Instance UID than its own",
    HoldReason.UNDECLARED_UTF8: "a name is UTF-8, which its Specific Character Set does not say",
    HoldReason.UNREADABLE: "its encoding cannot be read",
    HoldReason.UNREADABLE_NAME: "a name has bytes outside its character set",
    HoldReason.UNRESOLVED_NAMES: "names that a person has to look at",
    HoldReason.UNSUPPORTED_TRANSFER_SYNTAX: "its transfer syntax is not supported",
}
"""Why an object is held, passed, refused or left, by the code that queue, audit log and manifest give."""


def hold_words(code: str) -> str:
    """Put the reason code of an object into words; one that is not known is shown as it is."""
    words = {reason.value: text for reason, text in HOLD_WORDS.items()}
    return words.get(code, code.replace("_", " "))


def choice_words(choice: Choice) -> str:
    """Tell who chose, and what it cost."""
    when = "remembered" if choice.remembered else "asked now"
    cost = f"{choice.prompt_tokens} + {choice.answer_tokens} tokens, {choice.seconds:.1f} s"
    weaker = {"server": ", as its server says", "said": ", as a file says"}.get(choice.identity, "")
    return f"{choice.model} ({choice.model_digest[:12]}{weaker}), {choice.prompt}: {cost}, {when}"


_LEFT, _RIGHT = "_L", "_R"


def offered_words(names: Iterable[str]) -> str:
    """List candidates, best first; two that differ in their side only are one question.

    >>> offered_words(["Kidney_R", "Spleen", "Kidney_L"])
    'Kidney: left or right?, Spleen'
    """
    offered = list(names)
    shown: dict[str, None] = {}
    for name in offered:
        stem, side = name[:-2], name[-2:]
        other = {_LEFT: _RIGHT, _RIGHT: _LEFT}.get(side)
        shown[f"{stem}: left or right?" if other and f"{stem}{other}" in offered else name] = None
    return ", ".join(shown)


STATUS_STYLE: dict[Status, str] = {Status.RENAME: "green", Status.KEEP: "dim", Status.REVIEW: "yellow"}


def place(source: SourceLine | None) -> str:
    """Name the line of a data file, from the data folder on: ``nomenclature/tg263.yaml:512``."""
    if source is None:
        return ""
    parts = Path(source.file).parts
    for folder in ("nomenclature", "prompts"):
        if folder in parts:
            short = "/".join(parts[len(parts) - parts[::-1].index(folder) - 1 :])
            return str(SourceLine(short, source.line))
    return str(source)


def standard_name(decision: Decision) -> str:
    """The name a table of results gives: the TG-263 name, the kept name, or nothing for what is left for review."""
    return "" if decision.status is Status.REVIEW else decision.name


def decision_as_json(decision: Decision) -> dict[str, Any]:
    """One decision with its whole trail, for ``--json``."""
    return {
        "original_name": decision.original,
        "status": decision.status.value,
        "standard_name": standard_name(decision),
        "rule": decision.rule,
        "reason": decision.reason.value,
        "confidence": round(decision.confidence, 4),
        "kind": decision.kind.value,
        "doubt": decision.doubt,
        "note": decision.note,
        "evidence": [_source_as_json(source) for source in decision.evidence],
        "trail": [_step_as_json(step) for step in decision.trail],
        "candidates": [_candidate_as_json(candidate) for candidate in decision.candidates],
    }


def _source_as_json(source: SourceLine | None) -> dict[str, Any] | None:
    return {"file": source.file, "line": source.line} if source else None


def _step_as_json(step: Step) -> dict[str, Any]:
    return {"rule": step.rule, "note": step.note, "source": _source_as_json(step.source)}


def _candidate_as_json(candidate: Candidate) -> dict[str, Any]:
    return {
        "name": candidate.name,
        "score": round(candidate.score, 4),
        "penalties": [{"name": name, "value": round(value, 4)} for name, value in candidate.penalties],
        "source": _source_as_json(candidate.source),
    }
