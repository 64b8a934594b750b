"""How often something may be tried."""

from __future__ import annotations

from tg263_scp.desk.security import limits as module
from tg263_scp.desk.security.limits import Limit, LoginLimits


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_key_waits_until_its_first_event_is_old() -> None:
    clock = Clock()
    limit = Limit(2, 60.0, clock)
    assert [limit.take("a"), limit.take("a")] == [0.0, 0.0]
    clock.now = 20.0
    assert limit.take("a") == 40.0
    assert limit.take("b") == 0.0
    clock.now = 60.0
    assert limit.take("a") == 0.0


def test_who_has_not_called_for_longest_is_forgotten_first(monkeypatch) -> None:
    monkeypatch.setattr(module, "_MOST_KEYS", 2)
    limit = Limit(1, 60.0, Clock())
    for key in ("a", "b", "c"):
        limit.take(key)
    assert [limit.wait_s(key) > 0 for key in ("a", "b", "c")] == [False, True, True]


def test_five_wrong_tries_of_a_user_at_an_address_are_enough() -> None:
    limits = LoginLimits(Clock())
    assert [limits.begin("anna", "10.0.0.1") for _ in range(5)] == [0.0] * 5
    assert limits.begin("anna", "10.0.0.1") > 0
    assert limits.begin("anna", "10.0.0.2") == 0.0
    assert limits.begin("ben", "10.0.0.1") == 0.0


def test_an_address_that_tries_many_users_is_stopped() -> None:
    limits = LoginLimits(Clock())
    assert all(limits.begin(f"user{n}", "10.0.0.1") == 0.0 for n in range(20))
    assert limits.begin("another", "10.0.0.1") > 0


def test_a_login_that_succeeds_does_not_count() -> None:
    limits = LoginLimits(Clock())
    for _ in range(60):
        assert limits.begin("anna", "10.0.0.1") == 0.0
        limits.succeeded("anna", "10.0.0.1")
