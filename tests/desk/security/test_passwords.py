"""What is kept of a password, and whether one fits."""

from __future__ import annotations

import pytest

from tg263_scp.desk.security import passwords
from tg263_scp.desk.security.passwords import fits, hashed


@pytest.fixture(autouse=True)
def cheap(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passwords, "COST", 1 << 4)


def test_only_the_password_itself_fits() -> None:
    kept = hashed("correct horse battery")
    assert fits("correct horse battery", kept)
    assert not fits("correct horse batterY", kept)
    assert "horse" not in kept


def test_the_same_password_is_kept_differently_each_time() -> None:
    assert hashed("correct horse battery") != hashed("correct horse battery")


def test_what_was_kept_with_another_cost_still_fits(monkeypatch: pytest.MonkeyPatch) -> None:
    kept = hashed("correct horse battery")
    monkeypatch.setattr(passwords, "COST", 1 << 5)
    assert fits("correct horse battery", kept)


@pytest.mark.parametrize(
    "kept", ["", "x", "scrypt$16$8$3$$", "scrypt$a$8$3$AA==$AA==", "plain$16$8$3$AAAA$AAAA", "$$$$$"]
)
def test_nothing_fits_what_is_no_kept_password(kept: str) -> None:
    assert not fits("", kept)
    assert not fits("x", kept)
