"""What forms ask for, read and written."""

from __future__ import annotations

import pytest
from starlette.datastructures import FormData

from tg263_scp.desk.pages.wishes import AskedFor, Pick, picks_of
from tg263_scp.service.review.decisions import WHOLE_CLINIC, Ruled, Scope, ScopeKind


def picks(*fields: tuple[str, str]) -> list[Pick]:
    return picks_of(FormData(list(fields)))


def test_what_was_left_undecided_is_left_out() -> None:
    assert (
        picks(("other-d", "  "), ("scope", "clinic"), ("pick-", "keep"), ("form_token", "x"), ("pick-d", "="))
        == []
    )


def test_a_candidate_a_kept_name_and_one_never_to_be_touched() -> None:
    assert picks(("pick-a", "=Heart"), ("pick-b", "keep"), ("pick-c.7", "never")) == [
        Pick("a", Ruled.RENAME, "Heart"),
        Pick("b", Ruled.KEEP),
        Pick("c", Ruled.NEVER, "", 7),
    ]


@pytest.mark.parametrize("turned", [False, True])
def test_a_name_that_was_typed_wins_over_a_candidate(turned: bool) -> None:
    fields = [("pick-a", "=Heart"), ("other-a", " Bladder ")]
    assert picks(*(fields[::-1] if turned else fields)) == [Pick("a", Ruled.RENAME, "Bladder")]


def test_very_many_picks_are_cut_and_long_ones_shortened() -> None:
    assert len(picks(*((f"pick-{n}", "keep") for n in range(600)))) == 500
    assert picks(("other-a", "x" * 100)) == [Pick("a", Ruled.RENAME, "x" * 64)]


@pytest.mark.parametrize(
    "asked",
    [
        AskedFor("d", Ruled.RENAME, "Heart", WHOLE_CLINIC, None),
        AskedFor("d", Ruled.KEEP, "", Scope(ScopeKind.SENDER, "AE <é>"), 7),
        AskedFor("d", Ruled.NEVER, "", Scope(ScopeKind.OBJECT, roi=3), 7),
    ],
)
def test_a_wish_survives_the_form(asked: AskedFor) -> None:
    assert asked.as_text().isascii()
    assert AskedFor.of_text(asked.as_text()) == asked
