"""Treatment sites by all the names that clinics and scanners give them."""

from __future__ import annotations

import pytest

from tg263_scp.naming.words.sites import BROADER_SITE, SITES, known_site


@pytest.mark.parametrize(
    ("text", "site"),
    [
        ("H&N", "head_and_neck"),
        ("HEAD AND NECK", "head_and_neck"),
        ("HEADNECK", "head_and_neck"),
        ("Prostate", "prostate"),
        ("CHEST", "thorax"),
        ("gyn.", "gyn"),
        ("", ""),
        ("moon", ""),
        ("prostate cancer", ""),
    ],
)
def test_a_site_is_known_by_its_names_and_never_guessed(text: str, site: str) -> None:
    assert known_site(text) == site


def test_every_site_is_known_by_its_own_name() -> None:
    assert {known_site(site) for site in SITES} == SITES


def test_a_broader_site_is_a_site_and_the_broadest() -> None:
    assert set(BROADER_SITE) | set(BROADER_SITE.values()) <= SITES
    assert not set(BROADER_SITE) & set(BROADER_SITE.values())
