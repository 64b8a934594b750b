"""Every word of a language pack knows the line that gives it its meaning, also out of the compiled index."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tg263_scp.errors import SourceLine
from tg263_scp.naming.standard.loading import load_nomenclature
from tg263_scp.naming.standard.nomenclature import Nomenclature
from tg263_scp.naming.words import lexicon_cache
from tg263_scp.naming.words.letters import foldings, tokenise
from tg263_scp.naming.words.lexicon import WORD_SECTIONS, Lexicon
from tg263_scp.resources import data_folder


@pytest.fixture
def two_languages(tmp_path: Path) -> Lexicon:
    """A German and an English pack, in which ``li`` and ``opt`` mean something to both."""
    folder = tmp_path / "nomenclature"
    (folder / "synonyms").mkdir(parents=True)
    for name in ("tg263.yaml", "anatomy.yaml"):
        shutil.copy(data_folder("nomenclature") / name, folder)
    german = (
        "language: de\nsides:\n  L: [links, li]\nwords:\n  nerv: [sehnerv]\n"
        "marks:\n  planning:\n    - hilfs struktur\n    - opt\n"
    )
    english = "language: en\nsides:\n  R: [rt]\n  L:\n    - li\nmarks:\n  device: [opt]\n"
    (folder / "synonyms" / "de.yaml").write_text(german, encoding="utf-8")
    (folder / "synonyms" / "en.yaml").write_text(english, encoding="utf-8")
    return load_nomenclature(folder).lexicon


@pytest.mark.parametrize(
    ("section", "word", "languages", "line"),
    [
        ("sides", "links", (), "de.yaml:3"),
        ("sides", "li", (), "en.yaml:5"),
        ("sides", "li", ("de",), "de.yaml:3"),
        ("words", "sehnerv", (), "de.yaml:5"),
        ("marks", "hilfsstruktur", (), "de.yaml:8"),
        ("marks", "opt", (), "en.yaml:7"),
        ("marks", "opt", {"de", "en"}, "en.yaml:7"),
        ("marks", "opt", {"de"}, "de.yaml:9"),
    ],
)
def test_a_word_leads_to_the_line_whose_meaning_counts(
    section: str, word: str, languages: tuple[str, ...], line: str, two_languages: Lexicon
) -> None:
    assert str(two_languages.source_of(section, word, languages)) == f"nomenclature/synonyms/{line}"


@pytest.mark.parametrize(
    ("section", "word", "languages"),
    [("sides", "rt", ("de",)), ("marks", "li", ()), ("types", "no such word", ())],
)
def test_a_word_that_is_not_there_has_no_line(
    section: str, word: str, languages: tuple[str, ...], two_languages: Lexicon
) -> None:
    assert two_languages.source_of(section, word, languages) is None


def test_every_word_of_every_pack_has_the_line_it_stands_on(nomenclature: Nomenclature) -> None:
    lexicon = nomenclature.lexicon
    written = {pack.file: _squeezed_lines(pack.file) for pack in nomenclature.packs}
    said = [
        (section, word, pack.language)
        for pack in nomenclature.packs
        for section in WORD_SECTIONS
        for word in getattr(pack, section)
    ]
    assert len(said) > 1000
    for section, word, language in said:
        source = lexicon.source_of(section, word, (language,))
        assert source is not None, (section, word, language)
        squeezed = word.replace(" ", "")
        assert any(squeezed in line for line in written[source.file][source.line - 1]), (
            section,
            word,
            source,
        )


def _squeezed_lines(file: str) -> list[list[str]]:
    """The lines of a pack without spaces and signs, each in the ways its accents may be lost."""
    text = (data_folder("nomenclature").parent / file).read_text(encoding="utf-8")
    return [
        ["".join(token.text for token in tokenise(spelling, camel=False)) for spelling in foldings(line)]
        for line in text.splitlines()
    ]


def test_the_compiled_index_knows_the_same_lines(nomenclature: Nomenclature) -> None:
    again = lexicon_cache.from_text(lexicon_cache.to_text(nomenclature.lexicon))
    assert again is not None
    assert again.word_lines == nomenclature.lexicon.word_lines
    assert list(again.word_lines) == list(nomenclature.lexicon.word_lines)
    assert isinstance(again.source_of("marks", "opti"), SourceLine)
