"""YAML as people mean it: every scalar is text, a repeated key is an error, every value knows its line.

Plain YAML turns ``on``, ``No``, ``1:30`` and ``05`` into other things, and lets the last of two equal keys win without
a word. In a file that decides what an organ is called neither may happen. A field that wants a number or a truth value
says so where it is read.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from tg263_scp.errors import DataFileError, SourceLine

# The base loader guesses no types; the C one, where PyYAML was built with it, is ten times as fast.
_Loader: Any = getattr(yaml, "CBaseLoader", yaml.BaseLoader)


_TORN_PATH = re.compile(r"[A-Za-z]:.*[\x00-\x1f\x7f-\xa0\u2028\u2029]", re.DOTALL)
"""A Windows path in double quotes, in which ``\\n``, ``\\t`` and the like have become other characters."""
_BACKSLASH = re.compile(r'".*\\')
_SINGLE_QUOTES = r"write a Windows path in single quotes, or without any: 'C:\data\new'"


class Text(str):
    """A scalar with the line (counted from 1) it stands on."""

    __slots__ = ("line",)
    line: int

    def __new__(cls, value: str, line: int = 0) -> Text:  # noqa: D102
        self = super().__new__(cls, value)
        self.line = line
        return self


class Mapping(dict[str, Any]):
    """A mapping with the line it begins on; its keys are :class:`Text`."""

    line: int = 0

    def line_of(self, key: str) -> int:
        """Return the line of ``key``, or of the mapping where the key is absent."""
        for own in self:
            if own == key and isinstance(own, Text):
                return own.line
        return self.line


class Sequence(list[Any]):
    """A sequence with the line it begins on."""

    line: int = 0


def load(path: Path, *, error: type[DataFileError] = DataFileError) -> Any:
    """Read one YAML document as nested :class:`Mapping`, :class:`Sequence` and :class:`Text`.

    ``null`` and an empty value are the empty text. An empty file is an empty mapping.

    Raises:
        DataFileError: (or the given subclass) not readable, not YAML, or a key occurs twice.
    """
    try:
        source = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as problem:
        hint = "the file must exist and be UTF-8 text"
        raise error(SourceLine(str(path), 0), f"cannot be read: {problem}", hint=hint) from problem
    return parse(source, str(path), error=error)


def parse(source: str, name: str, *, error: type[DataFileError] = DataFileError) -> Any:
    """Read YAML from text; ``name`` stands for the file in error messages. See :func:`load`."""
    try:
        loader = _Loader(source)
        try:
            node = loader.get_single_node()
        finally:
            loader.dispose()
    except yaml.YAMLError as problem:
        mark = getattr(problem, "problem_mark", None)
        said = getattr(problem, "problem", None) or "not YAML"
        line = mark.line + 1 if mark else 0
        torn = _BACKSLASH.search("".join(source.splitlines()[line - 1 : line]))
        hint = _SINGLE_QUOTES if torn else "check indentation, quotes and colons"
        raise error(SourceLine(name, line), f"not valid YAML: {said}", hint=hint) from problem
    if node is None:
        return Mapping()
    return _build(node, name, error)


def _build(node: Any, name: str, error: type[DataFileError]) -> Any:
    line = node.start_mark.line + 1
    if isinstance(node, yaml.ScalarNode):
        plain = node.style in (None, "")  # the C loader says "" where the other says None
        empty = plain and node.value in ("null", "~", "")
        if node.style == '"' and _TORN_PATH.match(node.value):
            raise error(
                SourceLine(name, line),
                "a backslash in double quotes changed the letter behind it",
                hint=_SINGLE_QUOTES,
            )
        return Text("" if empty else node.value, line)
    if isinstance(node, yaml.SequenceNode):
        items = Sequence(_build(child, name, error) for child in node.value)
        items.line = line
        return items
    mapping = Mapping()
    mapping.line = line
    for key_node, value_node in node.value:
        key_line = key_node.start_mark.line + 1
        if not isinstance(key_node, yaml.ScalarNode):
            raise error(SourceLine(name, key_line), "a key must be plain text")
        key = Text(key_node.value, key_line)
        if key in mapping:
            raise error(
                SourceLine(name, key_line),
                f"the key '{key}' stands here a second time (first on line {mapping.line_of(key)})",
                hint="merge the two entries into one",
            )
        mapping[key] = _build(value_node, name, error)
    return mapping


def text_of(value: Any) -> str:
    """Write nested mappings and sequences of plain values as YAML, in their own order.

    >>> text_of({"port": 104, "file": None})
    'port: 104\\nfile: null\\n'
    """
    return str(yaml.safe_dump(value, sort_keys=False, allow_unicode=True, width=120))


def texts(value: Any) -> Iterator[Text]:
    """Yield the scalars of a scalar or a flat sequence: lets a file write ``a`` for ``[a]``."""
    if isinstance(value, Text):
        if value:
            yield value
    elif isinstance(value, list):
        for item in value:
            if isinstance(item, Text):
                yield item
