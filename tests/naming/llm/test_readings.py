"""Readings of open names: what of a model's answer is believed to be one."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tg263_scp.naming.llm.readings import (
    NONE,
    UNREAD,
    Meant,
    Reading,
    Role,
    packed,
    reading_of,
    readings_in,
    schema_of,
    unpacked,
)

OFFERED = ("Parotid", "Bladder")


def read(written: str, structure: str = "Parotid", meant: str = "structure", **pieces: str) -> Reading:
    said: dict[str, Any] = {
        "pieces": [{"text": text, "role": role} for role, text in pieces.items()],
        "meant": meant,
        "structure": structure,
    }
    return readings_in(json.dumps({"n1": said}), {"n1": (written, OFFERED)})["n1"]


def test_a_reading_keeps_pieces_of_the_name_with_their_roles() -> None:
    found = read("glnd li", left="li")
    assert found.side == "L"
    assert found.structure == "Parotid"
    assert found.spans(Role.UNKNOWN) == ("glnd",), "what has no role is not understood"


@pytest.mark.parametrize("piece", ["links", "li l", "", " "])
def test_a_piece_that_does_not_stand_in_the_name_makes_it_unread(piece: str) -> None:
    assert read("glnd li", left=piece) == UNREAD


def test_case_and_accents_of_a_piece_do_not_matter() -> None:
    assert read("GLÁND Li", left="li", part="gland").left_out == ("gland",)


def test_one_letter_is_a_word_of_its_own_where_it_can_be() -> None:
    assert read("lglnd l", left="l").spans(Role.UNKNOWN) == ("lglnd",)


@pytest.mark.parametrize(
    ("meant", "structure"), [("helper", NONE), ("unlisted", NONE), ("structure", "Parotid")]
)
def test_only_a_structure_or_a_target_has_a_structure(meant: str, structure: str) -> None:
    assert read("glnd", meant=meant).structure == structure


def test_a_structure_that_is_not_offered_is_none_at_all() -> None:
    assert read("glnd", structure="Heart") == UNREAD


@pytest.mark.parametrize("text", ["[1]", "no", '{"n1":1,"n1":2}', "7"])
def test_an_answer_that_is_no_object_or_says_a_thing_twice_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        readings_in(text, {"n1": ("glnd", OFFERED)})


def test_two_sides_are_no_side() -> None:
    found = readings_in(
        json.dumps(
            {
                "n1": {
                    "pieces": [{"text": "li", "role": "left"}, {"text": "re", "role": "right"}],
                    "meant": "structure",
                    "structure": "Parotid",
                }
            }
        ),
        {"n1": ("li re", OFFERED)},
    )["n1"]
    assert found.side == ""


def test_a_reading_survives_being_kept_without_the_name() -> None:
    answer = Reading(Meant.STRUCTURE, "Parotid", ((Role.LEFT, "li"), (Role.STRUCTURE, "glnd"))).answer
    kept = packed(answer, "Glnd LI")
    assert not any("glnd" in text for _, text in kept)
    assert unpacked(kept, "Glnd LI") == answer
    assert reading_of(answer).answer == answer


def test_the_schema_allows_nothing_but_readings_of_the_names_asked() -> None:
    schema = schema_of({"n1": OFFERED})
    assert schema["required"] == ["n1"]
    assert schema["properties"]["n1"]["properties"]["structure"]["enum"] == [*OFFERED, NONE]
