"""The errors a user can meet. Each says what happened, where, and what to do next.

No message ever holds a ROI name or patient data: messages reach ordinary logs, those belong in the audit log.
"""

from __future__ import annotations

from dataclasses import dataclass


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


class HeldObjectError(Tg263Error):
    """An object that must not be edited: it is kept as received and held for a person.

    ``reason`` is a short stable code (``not_rtstruct``, ``truncated`` ...) that the queue, the audit log and reports count.
    """

    def __init__(self, reason: str, message: str, *, hint: str = "") -> None:
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


class AuditError(Tg263Error):
    """The audit log cannot be continued or does not verify."""
