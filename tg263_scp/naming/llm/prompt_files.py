"""The files of ``prompts/`` read and checked: the prompt, its worked examples, and passages about TG-263.

The keys of the files are described in ``prompts/README.md``.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from tg263_scp import yamlsource
from tg263_scp.errors import PromptError, SourceLine
from tg263_scp.naming.llm.candidates import entry_of, offerable
from tg263_scp.naming.llm.prompts import Example, Passage, Prompt, PromptBook
from tg263_scp.naming.llm.readings import UNREAD, readings_in
from tg263_scp.naming.standard.nomenclature import Nomenclature
from tg263_scp.resources import data_folder

PASSAGES_FILE = "passages.yaml"
_KINDS = frozenset({"organ", "target"})
_PROMPT_KEYS = frozenset({"id", "version", "purpose", "system", "examples"})
_PASSAGE_KEYS = frozenset({"id", "version", "purpose", "asks", "about", "least", "text"})
_EXAMPLE_KEYS = frozenset({"written", "choices", "answer"})


def load_prompts(nomenclature: Nomenclature, folder: Path | None = None) -> PromptBook:
    """Read the prompts and passages.

    Args:
        nomenclature: passages may speak only of categories and structures that it offers.
        folder: a ``prompts`` folder; default is the one that ships with the program.

    Raises:
        PromptError: a file cannot be read, holds a key nobody knows, or speaks of what the list does not hold.
    """
    folder = folder or data_folder("prompts")
    prompts: list[Prompt] = []
    passages: tuple[Passage, ...] = ()
    for path, document in _documents(folder):
        shown = f"{folder.name}/{path.name}"
        if path.name == PASSAGES_FILE:
            passages = tuple(_passages(document, shown, nomenclature))
        else:
            prompts.append(_prompt(document, shown))
    if len(prompts) != 1:
        raise PromptError(SourceLine(folder.name, 0), f"one prompt is expected, and there are {len(prompts)}")
    return PromptBook(prompts[0], passages, prompts_digest(folder))


def _documents(folder: Path) -> Iterator[tuple[Path, Any]]:
    for path in sorted(folder.glob("*.yaml")):
        yield path, yamlsource.load(path, error=PromptError)


def prompts_digest(folder: Path | None = None) -> str:
    """Return the SHA-256 (hex) over the files of a ``prompts`` folder, as every audit line has it."""
    digest = hashlib.sha256()
    for path in sorted((folder or data_folder("prompts")).glob("*.yaml")):
        digest.update(path.name.encode() + path.read_bytes())
    return digest.hexdigest()


def texts_sent(folder: Path | None = None) -> list[tuple[str, str]]:
    """Return the texts that may be sent: ``id/version``, as audit lines name them, and what each is for.

    Raises:
        PromptError: a file cannot be read.
    """
    rows: list[Any] = []
    for _, document in _documents(folder or data_folder("prompts")):
        rows += document.get("passages", [document])
    return [(f"{row['id']}/{row['version']}", str(row["purpose"])) for row in rows]


def _prompt(document: Any, shown: str) -> Prompt:
    _check_keys(document, _PROMPT_KEYS, _PROMPT_KEYS, shown)
    examples = tuple(_example(row, shown) for row in document["examples"])
    fields = {key: str(document[key]) for key in ("id", "version", "purpose", "system")}
    return Prompt(**fields, examples=examples)


def _example(row: Any, shown: str) -> Example:
    _check_keys(row, _EXAMPLE_KEYS, _EXAMPLE_KEYS, shown)
    written = str(row["written"])
    choices = {str(id_): str(meaning) for id_, meaning in row["choices"].items()}
    answer = json.loads(json.dumps(row["answer"]))
    read = readings_in(json.dumps({"n1": answer}), {"n1": (written, tuple(choices))})["n1"]
    if read == UNREAD or len(read.pieces) > len(answer["pieces"]):
        raise PromptError(
            SourceLine(shown, row.line), "the answer of an example must be a reading of the whole name"
        )
    return Example(written, choices, answer)


def _passages(document: Any, shown: str, nomenclature: Nomenclature) -> Iterator[Passage]:
    _check_keys(document, {"passages"}, {"passages"}, shown)
    structures = offerable(nomenclature)
    known = structures | {entry_of(name, nomenclature).category for name in structures}
    seen: set[str] = set()
    for row in document["passages"]:
        _check_keys(row, _PASSAGE_KEYS, _PASSAGE_KEYS - {"about", "least"}, shown)
        where = SourceLine(shown, row.line)
        about = frozenset(str(text) for text in yamlsource.texts(row.get("about", "")))
        asks = frozenset(str(text) for text in yamlsource.texts(row["asks"]))
        least = str(row.get("least", "1"))
        unknown = sorted(about - known) + sorted(asks - _KINDS)
        if unknown:
            hint = "categories and structures of nomenclature/tg263.yaml may be spoken of"
            raise PromptError(where, f"unknown: {', '.join(unknown)}", hint=hint)
        if row["id"] in seen or not least.isdecimal():
            raise PromptError(where, "ids must differ, and 'least' must be a whole number")
        seen.add(str(row["id"]))
        fields = {key: str(row[key]) for key in ("id", "version", "purpose", "text")}
        yield Passage(**fields, asks=asks, about=about, least=int(least))


def _check_keys(row: Any, allowed: Iterable[str], needed: Iterable[str], shown: str) -> None:
    if not isinstance(row, yamlsource.Mapping):
        raise PromptError(SourceLine(shown, getattr(row, "line", 0)), "keys and values are expected here")
    for key in row:
        if key not in set(allowed):
            hint = f"known keys: {', '.join(sorted(allowed))}"
            raise PromptError(SourceLine(shown, row.line_of(key)), f"unknown key '{key}'", hint=hint)
    missing = sorted(key for key in needed if not row.get(key))
    if missing:
        raise PromptError(SourceLine(shown, row.line), f"missing: {', '.join(missing)}")
