"""The errors a user can meet. Each says what happened, where, and what to do next.

No message ever holds a ROI name or patient data: messages reach ordinary logs, those belong in the audit log.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Tg263Error(Exception):
    """Base of every error this program raises on purpose.

    ``message`` says what is wrong and where; ``hint`` says what the reader can do about it.
    """

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message}\n  hint: {self.hint}" if self.hint else self.message


@dataclass(frozen=True, slots=True)
class SourceLine:
    """A line of a data or configuration file: what decided, or what is wrong."""

    file: str
    line: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}" if self.line else self.file


class DataFileError(Tg263Error):
    """A file that people edit (configuration, nomenclature, synonyms, prompts) breaks its own rules."""

    def __init__(self, where: SourceLine, problem: str, *, hint: str = "") -> None:
        super().__init__(f"{where}: {problem}", hint=hint)
        self.where = where
        self.problem = problem


class ConfigError(DataFileError):
    """The configuration cannot be used (exit code 3)."""


class NomenclatureError(DataFileError):
    """The TG-263 list, a synonym pack or an overlay contradicts itself or the list."""


class PromptError(DataFileError):
    """A prompt or a passage for the language model cannot be used."""


class HoldReason(StrEnum):
    """Why an object is held, passed as received, refused or left alone. One member a cause.

    The values are stable: journal, audit log, manifest, queue and conformance statement give them.
    """

    ADOPTED = "adopted"
    """The journal was lost; the object was found in the spool and taken in again (``queue adopt``)."""
    APPROVED = "approved"
    """Approval Status (300E,0002) of the structure set is APPROVED (PS3.3 C.8.8.16)."""
    AWAITING_MODEL = "awaiting_model"
    """The language model is being asked about its names; the object waits and goes on by itself."""
    CHARSET_UNKNOWN = "charset_unknown"
    """A name has bytes beyond ASCII, and Specific Character Set (0008,0005) is none of the standard's (PS3.3 C.12.1.1.2)."""
    COPY_CHANGED = "copy_changed"
    """The copy that an earlier run wrote no longer has the digest of the manifest."""
    DISK_REFUSED = "disk_refused"
    """Its file cannot be read, or no copy of it written, while the disk takes others."""
    EDIT_NOT_PROVEN = "edit_not_proven"
    """The copy was discarded: the proof that nothing but the names changed did not hold. A fault of this program."""
    DUPLICATE_UID = "duplicate_uid"
    """A file before it in the archive holds the same structure set, byte for byte."""
    EDITED_SINCE = "edited_since"
    """The object was edited or encoded anew after it was relabelled, so the sender's bytes cannot be restored from it."""
    ENCAPSULATED = "encapsulated"
    """Its transfer syntax is one for images (PS3.5 A.4), or it holds pixels or a document."""
    FILE_MISSING = "file_missing"
    """The spool has lost the file of the object."""
    INTERNAL_ERROR = "internal_error"
    """A fault of this program, with its place in the log."""
    MODEL_UNANSWERED = "model_unanswered"
    """The language model did not answer about all names; a later run of the same command asks again."""
    MULTI_VALUED_NAME = "multi_valued_name"
    """A name holds a backslash, which separates values: ROI Name (3006,0026) has one (PS3.5 6.4)."""
    NAME_COLLISION = "name_collision"
    """Two ROIs would bear one name."""
    NAME_NOT_WRITABLE = "name_not_writable"
    """A new name cannot be written in the character set or the length of its element."""
    NEW_OBJECT = "new_object"
    """The relabelled object has UIDs of its own: the sender's object is its predecessor (3006,0018)."""
    NO_DESTINATION = "no_destination"
    """No destination is configured for the object."""
    NO_ROI_SEQUENCE = "no_roi_sequence"
    """The structure set lacks Structure Set ROI Sequence (3006,0020), which is Type 1 (PS3.3 C.8.8.5)."""
    NOT_DICOM = "not_dicom"
    """Neither the prefix ``DICM`` nor a plausible first element is found (PS3.10 7.1)."""
    NOT_OURS = "not_ours"
    """The object does not record a relabelling by this program."""
    NOT_RTSTRUCT = "not_rtstruct"
    """The SOP class of the object is another than RT Structure Set Storage."""
    ODD_LENGTH = "odd_length"
    """Values of odd length, which the sender wrote, would make the edited object one of odd length (PS3.5 7.1)."""
    OTHER_UID_POLICY = "other_uid_policy"
    """An earlier run copied it under the UIDs of the other policy."""
    OUTPUT_EXISTS = "output_exists"
    """Something that no earlier run wrote stands where the copy belongs."""
    PAUSED = "paused"
    """A person has paused the node: every object passes as it was received (``pause``, ``resume``)."""
    PROVENANCE_NOT_WRITABLE = "provenance_not_writable"
    """A sequence of the sender cannot take the item that records the relabelling."""
    REFERENCES_CHANGED = "references_changed"
    """An earlier run copied the plan or dose before its structure set had a new UID."""
    RELEASED = "released"
    """A person let a held object go on as it was received."""
    SERIES_TORN_APART = "series_torn_apart"
    """An item of Referenced Series Sequence would list an old and a new instance as one series."""
    SIGNED = "signed"
    """The object holds a digital signature (PS3.15 C), which an edit would break."""
    SOP_CLASS_MISMATCH = "sop_class_mismatch"
    """The C-STORE command named another SOP class than the object does (PS3.7 9.1.1)."""
    SOURCE_CHANGED = "source_changed"
    """The source no longer has the digest that an earlier run noted."""
    TOO_COSTLY = "too_costly"
    """It takes more processor time, or becomes larger once inflated, than one object may."""
    TRUNCATED = "truncated"
    """The object ends in the middle of an element, or becomes shorter while it is read."""
    UID_MISMATCH = "uid_mismatch"
    """The C-STORE command named another SOP Instance UID than the object does (PS3.7 9.1.1)."""
    UNDECLARED_UTF8 = "undeclared_utf8"
    """A name is UTF-8 beyond ASCII, and Specific Character Set (0008,0005) does not say so."""
    UNREADABLE = "unreadable"
    """The encoding breaks PS3.5 in a way that leaves a value or its end uncertain."""
    UNREADABLE_NAME = "unreadable_name"
    """A name has bytes that its character set does not know, or is no text at all."""
    UNRESOLVED_NAMES = "unresolved_names"
    """Some names are left for review."""
    UNSUPPORTED_TRANSFER_SYNTAX = "unsupported_transfer_syntax"
    """The transfer syntax is none that this program can edit."""


class HeldObjectError(Tg263Error):
    """An object that must not be edited: it is kept as received and held for a person.

    ``reason`` is the cause that queue, audit log and reports count.
    """

    def __init__(self, reason: HoldReason, message: str, *, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.reason = reason


class LlmError(Tg263Error):
    """The language model gave no usable answer. Harmless: the name goes to review, the object goes on.

    ``reason`` is a stable code that log, audit and metrics count: ``unreachable`` (no connection), ``timeout`` (not complete
    in time), ``model_missing`` (not on the server), ``remote`` (would be computed elsewhere, which is not allowed),
    ``refused`` (HTTP or server error), ``incomplete`` (ended in the middle), ``overlong`` (more than an answer can be),
    ``malformed`` (not the protocol).
    """

    def __init__(self, reason: str, message: str, *, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.reason = reason


class JournalError(Tg263Error):
    """The journal refuses a state change that its table of transitions does not hold."""


class DamagedJournalError(JournalError):
    """The file of the journal is no longer a whole database."""


class AuditError(Tg263Error):
    """The audit log cannot be continued or does not verify."""


class ReviewError(Tg263Error):
    """A wish about the name of an ROI cannot be granted, or the store of decisions cannot be used.

    ``reason`` is a stable code: ``already_decided``, ``unknown_decision``, ``undone``, ``same_person``, ``not_waiting``,
    ``objection`` (a veto), ``scope``, ``damaged``, ``read_only``, ``busy``, ``object_gone``, ``empty``.
    """

    def __init__(self, reason: str, message: str, *, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.reason = reason
