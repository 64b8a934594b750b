"""Words of pages: times, scopes and places."""

from __future__ import annotations

from typing import Any

import pytest

from tg263_scp.desk.pages import rendering
from tg263_scp.service.review.decisions import WHOLE_CLINIC, Scope, ScopeKind


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "0 s"), (-3, "0 s"), (59, "59 s"), (120, "2 min"), (7200, "2 h"), (200_000, "2 d")],
)
def test_a_length_of_time_in_words(seconds: float, words: str) -> None:
    assert rendering._age(seconds) == words


@pytest.mark.parametrize(
    ("scope", "job", "words"),
    [
        (WHOLE_CLINIC, None, "the whole clinic"),
        (Scope(ScopeKind.SENDER, "AE TPS_1"), None, "sender AE TPS_1"),
        (Scope(ScopeKind.SITE, "head_and_neck"), None, "site head and neck"),
        (Scope(ScopeKind.OBJECT, "1.2.3"), None, "one object only"),
        (Scope(ScopeKind.OBJECT, "1.2.3"), 7, "job 7 only"),
    ],
)
def test_for_which_objects_in_words(scope: Scope, job: int | None, words: str) -> None:
    assert rendering._scope_words(scope, job) == words


@pytest.mark.parametrize(
    ("place", "words"),
    [
        ({}, ""),
        ({"side": "L", "offset_mm": 92.4, "volume_cm3": 57.2}, "left, 92 mm from the midline, 57 cm³"),
        ({"side": "", "offset_mm": -3.0, "volume_cm3": 0.42}, "midline (-3 mm), 0.4 cm³"),
        ({"side": "R", "offset_mm": -50.0}, "right, 50 mm from the midline"),
    ],
)
def test_where_an_roi_lies_in_words(place: dict[str, Any], words: str) -> None:
    assert rendering._place_words(place) == words


def test_only_files_of_ours_are_given_out_and_their_address_tells_their_content() -> None:
    assert rendering.static_file("desk.css").status_code == 200
    for name in ("server.py", "../templates/base.html", "", "DESK.CSS"):
        assert rendering.static_file(name).status_code == 404
    assert rendering._static_address("desk.js").startswith("/static/desk.js?")
