"""The examples in docstrings hold. ``nomenclature`` in them is the list that ships, with its synonyms."""

from __future__ import annotations

import doctest
import importlib
from pathlib import Path

import pytest

import tg263_scp
from tg263_scp.naming.standard.nomenclature import Nomenclature

PACKAGE = Path(tg263_scp.__file__).parent
WITH_EXAMPLES = sorted(path for path in PACKAGE.rglob("*.py") if ">>> " in path.read_text(encoding="utf-8"))
SPECIFIED_BY_EXAMPLES = ("naming/standard/grammar.py", "naming/words/letters.py")


def _module(path: Path) -> str:
    return ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts)


@pytest.mark.parametrize("path", WITH_EXAMPLES, ids=_module)
def test_the_examples_of_a_module_hold(
    path: Path, nomenclature: Nomenclature, capsys: pytest.CaptureFixture[str]
) -> None:
    failed, tried = doctest.testmod(
        importlib.import_module(_module(path)), extraglobs={"nomenclature": nomenclature}
    )
    assert tried > 0, "none of its examples stands in a docstring"
    assert failed == 0, capsys.readouterr().out


@pytest.mark.parametrize("place", SPECIFIED_BY_EXAMPLES)
def test_what_is_specified_by_examples_has_them(place: str) -> None:
    assert PACKAGE / place in WITH_EXAMPLES


def test_an_example_that_does_not_hold_is_seen() -> None:
    (example,) = doctest.DocTestFinder().find("""\n>>> 1 + 1\n3\n""", "wrong", globs={})
    assert doctest.DocTestRunner(verbose=False).run(example, out=lambda text: None).failed == 1
