"""The open names of a set put into questions, and the answers brought back to their ROIs."""

from __future__ import annotations

from doubles.answers import chosen

from tg263_scp.decision import Roi, RoiPlace
from tg263_scp.naming.decide import decide_set
from tg263_scp.naming.llm.choice import LlmView, Readings
from tg263_scp.naming.llm.open_names import SetQuestion
from tg263_scp.naming.llm.readings import reading_of
from tg263_scp.naming.llm.set_reading import read_set
from tg263_scp.naming.query import NamingOptions, Query
from tg263_scp.naming.standard.nomenclature import Nomenclature

NAMES = ("Heart", "gnarblix", "plukato", "gnarblix")
PLACE = RoiPlace(offset_mm=60, rightmost_mm=45, leftmost_mm=75, slices=9, volume_cm3=33)


def read(nomenclature: Nomenclature, view: LlmView, *names: str, readable: tuple[int, ...]) -> dict[int, str]:
    """What came of each ROI: the structure, or why there is none."""
    decisions = decide_set([Roi(at, name) for at, name in enumerate(names)], nomenclature)
    queries = [Query(name) for name in names]
    found = read_set(readable, queries, decisions, nomenclature, NamingOptions(), view, lambda at: PLACE)
    return {
        at: reading_of(read.asked.choice.answer).structure if read.asked else read.why_not
        for at, read in found.items()
    }


def test_every_open_name_gets_its_answer_and_equal_names_the_same(nomenclature: Nomenclature) -> None:
    found = read(nomenclature, LlmView(chosen("Bladder")), *NAMES, readable=(0, 1, 2, 3))
    assert found == {1: "Bladder", 2: "Bladder", 3: "Bladder"}


def test_a_name_that_cannot_be_read_for_certain_is_not_asked_about(nomenclature: Nomenclature) -> None:
    assert set(read(nomenclature, LlmView(chosen("Bladder")), *NAMES, readable=(0, 2))) == {2}


def test_one_name_without_a_reading_leaves_the_others_theirs(nomenclature: Nomenclature) -> None:
    def first_only(question: SetQuestion) -> Readings:
        return (chosen("Bladder")(question)[0], *(None for _ in question.names[1:]))

    found = read(nomenclature, LlmView(first_only), *NAMES, readable=(0, 1, 2, 3))
    assert found[1] == found[3] == "Bladder"
    assert "not answered" in found[2]


def test_contours_are_told_in_words_and_only_where_allowed(nomenclature: Nomenclature) -> None:
    places: list[str] = []

    def note(question: SetQuestion) -> None:
        places.extend(name.place for name in question.names)

    read(nomenclature, LlmView(note), "gnarblix", readable=(0,))
    read(nomenclature, LlmView(note, geometry=True), "gnarblix", readable=(0,))
    assert places == ["", "on the left, about 30 cm3"]
