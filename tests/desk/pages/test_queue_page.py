"""The page *Queue*: what it shows, and that it does what it says to what was shown, once."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from doubles.desks import Answer, Browser, desk_of, enter, fail, hold, journal_of, receive, write_config

from tg263_scp.desk.pages import queue as module
from tg263_scp.desk.pages.queue import ACTIONS
from tg263_scp.desk.security.sessions import CameBy
from tg263_scp.desk.server import RunningDesk
from tg263_scp.errors import HoldReason
from tg263_scp.service.journal.objects import Journal
from tg263_scp.service.journal.states import DeliveryState, ObjectState

pytestmark = pytest.mark.usefixtures("loaded_once")

NASTY = "<script>alert(1)</script>\u202e{{7*7}}"


@pytest.fixture
def journal(tmp_path: Path, no_fsync: None) -> Iterator[Journal]:
    with closing(journal_of(write_config(tmp_path))) as opened:
        yield opened


@pytest.fixture
def desk(tmp_path: Path, journal: Journal) -> Iterator[RunningDesk]:
    with desk_of(tmp_path) as running:
        yield running


def jobs_shown(answer: Answer) -> list[int]:
    return [int(number) for number in re.findall(r'href="/object/(\d+)"', answer.text)]


def told(answer: Answer) -> str:
    return " ".join(re.findall(r'class="note [^"]*"[^>]*>(.*?)</p>', answer.text))


def do(browser: Browser, action: str, *jobs: int, why: str = "a test") -> str:
    """Select, confirm, and return what the page says then."""
    page = browser.get("/queue?show=all")
    fields = {"form_token": page.form_token, "action": action, "job": jobs, "seen": page.values("seen")}
    asked = browser.post("/queue/ask", fields)
    return told(browser.follow(confirm(browser, asked, why)))


def confirm(browser: Browser, asked: Answer, why: str = "a test") -> Answer:
    assert asked.status == 200, asked.text
    fields = {name: asked.values(name) for name in ("form_token", "action", "seen", "back")}
    return browser.post("/queue/do", {**fields, "why": why})


def test_it_shows_first_what_wants_a_person(desk: RunningDesk, journal: Journal) -> None:
    held, failed, fresh = hold(journal, 1), fail(journal, 2), receive(journal, 3)
    browser = enter(desk)
    assert jobs_shown(browser.get("/queue")) == [held, failed]
    assert jobs_shown(browser.get("/queue?show=open")) == [held, failed, fresh]
    assert jobs_shown(browser.get("/queue?show=all")) == [fresh, failed, held]
    page = browser.get("/queue").text
    assert "the structure set is digitally signed" in page
    assert "3 objects · 1 held · 1 with a failed delivery" in re.sub(r"\s+", " ", page)
    assert "<b>archive</b>, 1 object: refused" in page


def test_where_nothing_waits_it_says_so(desk: RunningDesk) -> None:
    browser = enter(desk)
    assert "Nothing is held or failed" in browser.get("/queue").text
    assert "Every object is where it should be" in browser.get("/queue?show=open").text
    assert browser.get("/queue?show=nonsense&page=7").status == 200


def test_an_object_is_found_by_number_or_uid(desk: RunningDesk, journal: Journal) -> None:
    jobs = [hold(journal, number) for number in (1, 2)]
    browser = enter(desk)
    assert jobs_shown(browser.get(f"/queue?find={jobs[1]}")) == [jobs[1]]
    assert jobs_shown(browser.get("/queue?find=1.2.3.1")) == [jobs[0]]
    for nothing in ("999", "1.2.3.4", "%27%20OR%201=1", "9" * 30):
        assert "Not found" in browser.get(f"/queue?find={nothing}").text


def test_a_long_list_has_pages(desk: RunningDesk, journal: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "ROWS", 2)
    jobs = [hold(journal, number) for number in range(5)]
    browser = enter(desk)
    shown = [jobs_shown(browser.get(f"/queue?page={number}")) for number in (1, 2, 3, 4)]
    assert shown == [jobs[:2], jobs[2:4], jobs[4:], jobs[4:]]
    assert "Page 2 of 3" in browser.get("/queue?page=2").text


def test_what_peers_say_is_only_text(desk: RunningDesk, journal: Journal) -> None:
    hold(journal, 1, caller=NASTY)
    failed = fail(journal, 2, error=NASTY)
    browser = enter(desk)
    for path in ("/queue", f"/object/{failed}", "/object/1", "/destinations"):
        page = browser.get(path).text
        assert "<script>alert" not in page
        assert "\u202e" not in page
        assert "49" not in page or "{{7*7}}" in page
        assert "&lt;script&gt;alert(1)&lt;/script&gt;\\u202e{{7*7}}" in page, path


@pytest.mark.parametrize(
    ("action", "state"),
    [
        ("retry", ObjectState.RECEIVED),
        ("redo", ObjectState.RECEIVED),
        ("release", ObjectState.DECIDED),
        ("discard", ObjectState.DECIDED),
    ],
)
def test_a_held_object_is_done_to_what_was_asked_for(
    desk: RunningDesk, journal: Journal, action: str, state: ObjectState
) -> None:
    job, other = hold(journal, 1), hold(journal, 2)
    assert do(enter(desk, "Anna Berg"), action, job) == f"{ACTIONS[action].title}: 1 object."
    assert (journal.job(job).state, journal.job(other).state) == (state, ObjectState.HELD)


@pytest.mark.parametrize("action", ["release", "discard"])
def test_the_audit_log_will_know_who_and_why(desk: RunningDesk, journal: Journal, action: str) -> None:
    job = hold(journal)
    do(enter(desk, "Anna Berg"), action, job, why="phantom of the week")
    record = json.loads(journal.job(job).record)
    assert (record["by"], record["why"]) == ("Anna Berg", "phantom of the week")


def test_a_discarded_object_is_restored(desk: RunningDesk, journal: Journal) -> None:
    job, browser = hold(journal), enter(desk)
    do(browser, "discard", job)
    journal.finish(job, [])
    assert do(browser, "restore", job) == "Restore: 1 object."
    assert json.loads(journal.job(job).record)["kind"] == "restored"


def test_a_failed_delivery_is_tried_again(desk: RunningDesk, journal: Journal) -> None:
    job = fail(journal, 1)
    do(enter(desk), "retry", job)
    record = json.loads(journal.job(job).record)
    assert (record["kind"], record["by"], record["why"]) == ("retried", "anna", "a test")
    journal.finish(job, record["destinations"])
    assert [each.state for each in journal.outbox.deliveries(job)] == [DeliveryState.PENDING]
    assert journal.job(job).state is ObjectState.READY


@pytest.mark.parametrize("action", ["retry", "redo"])
def test_who_had_an_object_decided_once_more_is_noted(
    desk: RunningDesk, journal: Journal, action: str
) -> None:
    job = hold(journal)
    do(enter(desk, "Anna Berg"), action, job, why="the destination is there again")
    wish = journal.job(job).wish
    assert wish is not None
    assert (wish.by, wish.why) == ("Anna Berg", "the destination is there again")


def test_an_approved_set_is_relabelled_this_once(desk: RunningDesk, journal: Journal) -> None:
    job, other = hold(journal, 1, HoldReason.APPROVED), hold(journal, 2)
    said = do(enter(desk, "Anna Berg"), "relabel", job, other, why="the doctor agrees")
    assert "Relabel once: 1 object." in said
    assert f"job {other} is neither held nor passed because it is approved" in said
    wish = journal.job(job).wish
    assert wish is not None
    assert (wish.what, wish.by, wish.why) == ("relabel_once", "Anna Berg", "the doctor agrees")


def test_what_was_delivered_is_sent_once_more_as_it_was_received(desk: RunningDesk, journal: Journal) -> None:
    job = fail(journal, 1)
    assert "Send original: 1 object." in do(enter(desk, "Anna Berg"), "original", job, why="wrong names")
    record = json.loads(journal.job(job).record)
    assert (record["kind"], record["by"], record["why"]) == ("sent_as_received", "Anna Berg", "wrong names")


def test_several_at_once_and_each_by_itself(desk: RunningDesk, journal: Journal) -> None:
    held, failed, other = hold(journal, 1), fail(journal, 2), hold(journal, 3)
    said = do(enter(desk), "release", held, failed, other)
    assert f"job {failed} is not held" in said
    assert "Release: 2 objects." in said


def test_what_has_changed_since_the_page_was_shown_is_left_alone(desk: RunningDesk, journal: Journal) -> None:
    job, first, second = hold(journal), enter(desk, "anna"), enter(desk, "ben")
    pages = []
    for browser in (first, second):
        page = browser.get("/queue")
        fields = {
            "form_token": page.form_token,
            "action": "release",
            "job": [job],
            "seen": page.values("seen"),
        }
        pages.append(browser.post("/queue/ask", fields))
    assert "Release: 1 object" in told(first.follow(confirm(first, pages[0])))
    assert "has changed since the page was shown" in told(second.follow(confirm(second, pages[1])))
    assert json.loads(journal.job(job).record)["by"] == "anna"


def test_without_a_reason_nothing_is_done_and_the_same_form_does_it_once(
    desk: RunningDesk, journal: Journal
) -> None:
    job, browser = fail(journal, 1), enter(desk)
    page = browser.get("/queue")
    fields = {"form_token": page.form_token, "action": "retry", "job": [job], "seen": page.values("seen")}
    asked = browser.post("/queue/ask", fields)
    assert "give a reason" in told(browser.follow(confirm(browser, asked, why=" ")))
    assert journal.job(job).state is ObjectState.READY
    assert "Retry: 1 object" in told(browser.follow(confirm(browser, asked)))
    assert "has changed since" in told(browser.follow(confirm(browser, asked)))


def test_an_object_that_has_left_is_said(desk: RunningDesk, journal: Journal) -> None:
    browser = enter(desk)
    page = browser.get("/health")
    for mark, said in (
        ("7:HELD:0.0", "Job 7 is no longer in the spool"),
        ("x", "no longer"),
        ("9" * 40, "no longer"),
    ):
        sent = {"form_token": page.form_token, "action": "retry", "seen": mark, "why": "a test"}
        assert said in told(browser.follow(browser.post("/queue/do", sent)))
    assert "Select at least one object" in told(
        browser.follow(browser.post("/queue/ask", {"form_token": page.form_token, "action": "retry"}))
    )
    assert browser.post("/queue/ask", {"form_token": page.form_token, "action": "burn"}).status == 422
    assert browser.get("/object/7").status == 503


def test_only_who_operates_may_do_anything(
    desk: RunningDesk, journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = hold(journal)
    users = desk.records.config.desk.users
    for role in ("look", "decide", "approve"):
        users.write_text(f"anna:{role}:\n", encoding="utf-8")
        session = desk.visitors._sessions.begin("anna", CameBy.PASSWORD)
        browser = Browser(desk.url, cookie=f"tg263_desk={session.key}")
        assert jobs_shown(browser.get("/queue")) == [job]
        assert "Release" not in browser.get("/queue").text
        assert ("Relabel once" in browser.get("/queue").text) == (role == "approve")
        sent = {
            "form_token": session.form_token,
            "action": "release",
            "job": job,
            "seen": "x",
            "why": "a test",
        }
        for path in ("/queue/ask", "/queue/do", "/destinations/call"):
            assert browser.post(path, sent).status == 403, (role, path)
    assert journal.job(job).state is ObjectState.HELD


def test_a_form_without_its_token_changes_nothing(desk: RunningDesk, journal: Journal) -> None:
    job, browser, other = hold(journal), enter(desk), enter(desk, "ben")
    seen = browser.get("/queue").values("seen")
    sent = {"action": "release", "job": job, "seen": seen, "why": "a test"}
    for token in (
        {},
        {"form_token": ""},
        {"form_token": other.get("/queue").form_token},
        {"form_token": "ä"},
    ):
        assert browser.post("/queue/do", {**sent, **token}).status == 403
    assert Browser(desk.url).post("/queue/do", sent).status == 401
    assert journal.job(job).state is ObjectState.HELD
