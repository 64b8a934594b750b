"""The files people edit: read, checked, compiled, and the clinic's own names before all others."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tg263_scp.decision import Reason, Status
from tg263_scp.errors import NomenclatureError
from tg263_scp.naming.decide import decide
from tg263_scp.naming.standard.contradictions import contradictions
from tg263_scp.naming.standard.loading import load_nomenclature
from tg263_scp.naming.standard.nomenclature import Nomenclature
from tg263_scp.naming.words import lexicon_cache
from tg263_scp.resources import data_folder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A nomenclature folder of its own, with the list and one small pack."""
    own = tmp_path / "nomenclature"
    (own / "synonyms").mkdir(parents=True)
    for name in ("tg263.yaml", "anatomy.yaml"):
        shutil.copy(data_folder("nomenclature") / name, own)
    return own


def pack(folder: Path, text: str, language: str = "en") -> Path:
    path = folder / "synonyms" / f"{language}.yaml"
    path.write_text(f"language: {language}\n{text}", encoding="utf-8")
    return path


def test_what_ships_does_not_contradict_itself(nomenclature: Nomenclature) -> None:
    assert [str(found) for found in contradictions(nomenclature)] == []


def test_a_word_with_two_meanings_is_found_with_both_lines(folder: Path) -> None:
    pack(folder, "structures:\n  Heart: [cor, pump]\n  Liver:\n    - pump\n")
    (found,) = contradictions(load_nomenclature(folder))
    assert (found.where.line, found.other and found.other.line) == (5, 3)


def test_a_word_that_is_spelt_like_another_listed_name_is_found(folder: Path) -> None:
    pack(folder, "structures:\n  Heart: [liver]\n")
    assert "Liver" in str(contradictions(load_nomenclature(folder))[0])


def test_a_word_that_may_be_lacking_must_not_be_a_side_of_another_language(folder: Path) -> None:
    pack(folder, "sides:\n  R: [der]\n", "es")
    pack(folder, "little_words:\n  - das\n  - der\n", "de")
    (found,) = contradictions(load_nomenclature(folder))
    assert (found.where.line, found.other and found.other.line) == (4, 3)


def test_a_side_that_is_a_mark_too_is_found_with_both_lines(folder: Path) -> None:
    pack(folder, "sides:\n  L: [sin]\nmarks:\n  minus: [sin]\n", "es")
    (found,) = contradictions(load_nomenclature(folder))
    assert (found.where.line, found.other and found.other.line) == (3, 5)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("structures:\n  Hart: [heart]\n", 3),
        ("strutures:\n  Heart: [cor]\n", 2),
        ("sites:\n  - {phrase: bulb, site: nowhere, means: Eye}\n", 3),
        ("structures:\n  Heart: [cor]\n  Heart: [pump]\n", 4),
    ],
)
def test_a_mistake_in_a_pack_is_an_error_with_its_line(folder: Path, text: str, line: int) -> None:
    path = pack(folder, text)
    with pytest.raises(NomenclatureError) as error:
        load_nomenclature(folder)
    assert (Path(error.value.where.file).name, error.value.where.line) == (path.name, line)


def test_the_compiled_index_answers_as_the_files_do(nomenclature: Nomenclature) -> None:
    again = lexicon_cache.from_text(lexicon_cache.to_text(nomenclature.lexicon))
    assert again is not None
    for words in (["cord"], ["lunge"], ["head", "femoral"], ["bulbus"], ["nothing"]):
        assert again.find(words) == nomenclature.lexicon.find(words)
    assert (again.sides, again.marks) == (nomenclature.lexicon.sides, nomenclature.lexicon.marks)


def test_a_compiled_index_that_is_not_whole_gives_nothing(nomenclature: Nomenclature) -> None:
    text = lexicon_cache.to_text(nomenclature.lexicon)
    assert lexicon_cache.from_text(text[:-9]) is None
    assert lexicon_cache.from_text(text.replace("SpinalCord", "SpinalCore", 1)) is None


def test_the_cache_is_made_used_and_never_needed(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pack(folder, "checked_by: us\nstructures:\n  Heart: [pump]\n")
    monkeypatch.setattr("tg263_scp.resources.cache_folder", lambda: tmp_path / "cache")
    first = load_nomenclature(folder, compiled=True)
    (made,) = (tmp_path / "cache").iterdir()
    second = load_nomenclature(folder, compiled=True)
    assert (decide("pump", first).name, decide("pump", second).name) == ("Heart", "Heart")
    assert first.digest == second.digest
    made.write_text("not whole", encoding="utf-8")
    assert decide("pump", load_nomenclature(folder, compiled=True)).name == "Heart"
    pack(folder, "checked_by: us\nstructures:\n  Liver: [pump]\n")
    assert decide("pump", load_nomenclature(folder, compiled=True)).name == "Liver"


def overlay(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "overlay.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_the_clinic_s_own_names_come_before_synonyms_and_helpers(tmp_path: Path) -> None:
    mappings = "mappings:\n  - {name: Ring innen, becomes: Heart}\n  - {name: cord, becomes: SpinalCanal, site: spine}\n"
    own = load_nomenclature(overlay=overlay(tmp_path, mappings))
    ring = decide("ring_INNEN", own)
    assert (ring.name, ring.reason, ring.evidence[0].line) == ("Heart", Reason.OVERLAY, 2)
    assert decide("cord", own, site="spine").name == "SpinalCanal"
    assert decide("cord", own).name == "SpinalCord"


def test_not_even_the_clinic_may_change_a_side(tmp_path: Path) -> None:
    own = load_nomenclature(overlay=overlay(tmp_path, "mappings:\n  - {name: left thing, becomes: Lung_R}\n"))
    decision = decide("left thing", own)
    assert (decision.status, decision.rule) == (Status.REVIEW, "V010")


@pytest.mark.parametrize("text", ["mapping:\n  - {}\n", "mappings:\n  - {name: x}\n"])
def test_a_mistake_in_an_overlay_is_an_error(tmp_path: Path, text: str) -> None:
    with pytest.raises(NomenclatureError):
        load_nomenclature(overlay=overlay(tmp_path, text))


def test_the_example_overlay_loads() -> None:
    own = load_nomenclature(overlay=data_folder("nomenclature") / "overlay.example.yaml")
    assert own.clinic
    assert own.clinic_keeps
