"""*Open names*, *Structure set* and *Decisions*: from a name that waits to the node that uses what was decided."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from doubles.desks import Answer, Browser, enter
from doubles.still_nodes import StillNode

from tg263_scp.desk.open_name_list import name_digest
from tg263_scp.desk.security.sessions import CameBy
from tg263_scp.desk.server import RunningDesk, running_desk
from tg263_scp.naming.standard.nomenclature import Nomenclature
from tg263_scp.service.review.decisions import Ruled, ScopeKind, Standing
from tg263_scp.service.review.review import Review
from tg263_scp.service.switch import switch_setting

DESK = "desk: {port: 0}\n"
NASTY = '<img src=x onerror=alert(1)>\u202e"{{7*7}}'


@pytest.fixture
def node(
    tmp_path: Path, nomenclature: Nomenclature, no_fsync: None, loaded_once: None
) -> Iterator[StillNode]:
    still = StillNode(tmp_path, nomenclature, DESK)
    yield still
    still.close()


@pytest.fixture
def desk(node: StillNode) -> Iterator[RunningDesk]:
    with running_desk(node.path) as running:
        yield running


@pytest.fixture
def browser(desk: RunningDesk) -> Browser:
    return enter(desk, "Anna Berg")


def text_of(answer: Answer) -> str:
    return html.unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.text)))


def told(answer: Answer) -> str:
    return html.unescape(" ".join(re.findall(r'<p class="note [^"]*"[^>]*>(.*?)</p>', answer.text)))


def names_shown(answer: Answer) -> list[str]:
    return [html.unescape(name) for name in re.findall(r'href="/name/\w+"><bdi>(.*?)</bdi>', answer.text)]


def ask(browser: Browser, fields: dict[str, object], page: str = "/names", scope: str = "clinic") -> Answer:
    """Pick on a page, and see what would come of it."""
    return browser.submit(page, "/names/ask", scope=scope, back=page, **fields)


def confirm(browser: Browser, asked: Answer, why: str = "seen in the sketch") -> Answer:
    assert asked.status == 200, asked.text
    fields = {name: asked.values(name) for name in ("form_token", "wish", "back")}
    return browser.follow(browser.post("/names/decide", {**fields, "why": why}))


def pick(name: str, becomes: str = "", roi: int | None = None) -> dict[str, object]:
    key = name_digest(name) + (f".{roi}" if roi is not None else "")
    return {f"pick-{key}": f"={becomes}" if becomes else "keep"}


def decisions(node: StillNode) -> list[tuple[str, str, str, str]]:
    return [(each.name, each.said, str(each.scope.kind), each.by) for each in node.review().decisions()]


def test_a_name_that_waits_is_seen_decided_and_used(node: StillNode, browser: Browser) -> None:
    node.receive("Gizmo", "heart")
    node.receive("gizmo", uid="1.2.3.101", sender="TPS2")
    page = browser.get("/names")
    assert names_shown(page) in (["Gizmo"], ["gizmo"])
    assert "1 name on 2 ROIs" in text_of(page)
    asked = ask(browser, pick("Gizmo", "Bladder"))
    assert "2 names in 2 objects" in text_of(asked)
    assert "the whole clinic" in text_of(asked)
    assert decisions(node) == []
    after = confirm(browser, asked)
    assert "1 decision entered" in told(after)
    assert decisions(node) == [("Gizmo", "becomes Bladder", "clinic", "Anna Berg")] or decisions(node) == [
        ("gizmo", "becomes Bladder", "clinic", "Anna Berg")
    ]
    (decision,) = node.review().decisions()
    assert decision.why == "seen in the sketch"
    assert decision.evidence["count"] == 2
    assert names_shown(browser.get("/names")) == []
    assert len(names_shown(browser.get("/names?status=decided"))) == 1
    job = node.receive("Gizmo", uid="1.2.3.102")
    assert node.names(job) == ["Bladder"]
    assert [line["by"] for line in node.lines("review")] == ["Anna Berg"]


def test_what_was_decided_just_now_is_undone_at_once(node: StillNode, browser: Browser) -> None:
    node.receive("Gizmo", "Gadget")
    after = confirm(browser, ask(browser, {**pick("Gizmo", "Bladder"), **pick("Gadget")}))
    ids = after.values("id")
    assert len(ids) == 2
    assert "Undo" not in browser.get("/names").text
    undone = browser.post(
        "/decisions/undo", {"form_token": after.form_token, "id": ids, "why": "undone at once"}
    )
    assert "2 decisions undone" in told(browser.follow(undone))
    assert {each.standing for each in node.review().decisions()} == {Standing.UNDONE}
    again = browser.post("/decisions/undo", {"form_token": after.form_token, "id": ids[0], "why": "x"})
    assert "has undone" in told(browser.follow(again))
    assert len(names_shown(browser.get("/names"))) == 2


def test_a_name_is_kept_or_never_touched(node: StillNode, browser: Browser) -> None:
    node.receive("Gizmo", "Gadget")
    fields = {**pick("Gizmo"), f"pick-{name_digest('Gadget')}": "never"}
    asked = ask(browser, fields)
    assert "stays as it is" in text_of(asked)
    assert "is never touched" in text_of(asked)
    confirm(browser, asked)
    assert {each.ruled for each in node.review().decisions()} == {Ruled.KEEP, Ruled.NEVER}


@pytest.mark.parametrize("typed", ["Blase", "bladder", "Bladder2", "<b>", "A" * 20])
def test_what_is_no_standard_name_is_refused(node: StillNode, browser: Browser, typed: str) -> None:
    node.receive("Gizmo")
    asked = ask(browser, {f"other-{name_digest('Gizmo')}": typed})
    assert "cannot be decided" in text_of(asked)
    assert asked.values("wish") == []
    forged = json.dumps(
        [
            name_digest("Gizmo"),
            "rename",
            typed,
            {"kind": "clinic", "value": "", "version": "", "roi": None},
            None,
        ]
    )
    after = browser.follow(
        browser.post("/names/decide", {"form_token": asked.form_token, "wish": forged, "back": "/names"})
    )
    assert "may not be decided" in told(after)
    assert decisions(node) == []


def test_a_name_of_the_grammar_may_be_typed(node: StillNode, browser: Browser) -> None:
    node.receive("Gizmo_PRV3")
    asked = ask(browser, {f"other-{name_digest('Gizmo_PRV3')}": "Bladder_PRV03"})
    assert "by the grammar, not on the list" in text_of(asked)


def test_a_side_that_the_name_does_not_say_is_decided_for_one_object_only(
    node: StillNode, browser: Browser
) -> None:
    first = node.receive("kidney")
    node.receive("kidney", uid="1.2.3.101")
    asked = ask(browser, pick("kidney", "Kidney_L"))
    assert "for one object only" in text_of(asked)
    confirm(browser, asked)
    (decision,) = node.review().decisions()
    assert decision.scope.kind is ScopeKind.OBJECT
    other = node.receive("kidney", uid="1.2.3.102")
    assert node.names(other) == ["kidney"]
    assert first


def test_each_sender_gets_a_decision_of_its_own(node: StillNode, browser: Browser) -> None:
    node.receive("Gizmo", sender="TPS1")
    node.receive("Gizmo", uid="1.2.3.101", sender="TPS2")
    asked = ask(browser, pick("Gizmo", "Bladder"), scope="sender")
    assert len(asked.values("wish")) == 2
    confirm(browser, asked)
    assert {each.scope.value for each in node.review().decisions()} == {"AE TPS1", "AE TPS2"}


def test_one_set_alone_is_decided_on_its_own_page(node: StillNode, browser: Browser) -> None:
    job = node.receive("Gizmo", "Heart")
    other = node.receive("Gizmo", uid="1.2.3.101")
    page = browser.get(f"/object/{job}")
    assert "for review" in text_of(page)
    assert page.values("of_job") == [str(job)]
    asked = browser.submit(
        f"/object/{job}",
        "/names/ask",
        scope="object",
        of_job=job,
        back=f"/object/{job}",
        **pick("Gizmo", "Bladder"),
    )
    after = confirm(browser, asked)
    assert "becomes Bladder" in text_of(after)
    (decision,) = node.review().decisions()
    assert (decision.scope.kind, decision.scope.value) == (ScopeKind.OBJECT, "1.2.3.100")
    applied = browser.follow(browser.submit("/apply?which=sent", "/apply", job=[job, other], which="sent"))
    assert "on its way" in told(applied)


def test_two_roi_of_one_name_are_told_apart_by_their_number(node: StillNode, browser: Browser) -> None:
    job = node.receive("Gizmo", "Gizmo")
    numbers = [roi["number"] for roi in node.lines("unchanged")[0]["rois"]]
    asked = browser.submit(
        f"/object/{job}", "/names/ask", scope="object", of_job=job, **pick("Gizmo", "Bladder", roi=numbers[1])
    )
    confirm(browser, asked)
    (decision,) = node.review().decisions()
    assert decision.scope.roi == numbers[1]


def test_a_rename_of_the_rules_is_corrected_for_one_set(node: StillNode, browser: Browser) -> None:
    job = node.receive("herz")
    assert node.names(job) == ["Heart"]
    asked = browser.submit(
        f"/object/{job}", "/names/ask", scope="object", of_job=job, **{f"pick-{name_digest('herz')}": "never"}
    )
    confirm(browser, asked)
    assert [each.ruled for each in node.review().decisions()] == [Ruled.NEVER]


def test_held_objects_are_decided_anew_and_go_on(
    node: StillNode, tmp_path: Path, nomenclature: Nomenclature
) -> None:
    node.again(DESK + "naming: {gates: {unresolved: hold}}\n")
    job = node.receive("Gizmo")
    with running_desk(node.path) as desk:
        browser = enter(desk)
        confirm(browser, ask(browser, pick("Gizmo", "Bladder")))
        plan = browser.get("/apply?which=held")
        assert plan.values("job") == [str(job)]
        applied = browser.follow(browser.submit("/apply?which=held", "/apply", job=job, which="held"))
        assert "1 object is decided anew" in told(applied)
        assert "Select at least one" in told(browser.follow(browser.submit("/apply?which=held", "/apply")))
    node.work()
    assert node.names(job) == ["Bladder"]
    assert node.job(job).state == "READY"


def test_two_people_decide_the_same_name_and_the_second_is_told(node: StillNode, desk: RunningDesk) -> None:
    node.receive("Gizmo")
    anna, ben = enter(desk, "anna"), enter(desk, "ben")
    pages = [ask(anna, pick("Gizmo", "Bladder")), ask(ben, pick("Gizmo", "Heart"))]
    assert "1 decision entered" in told(confirm(anna, pages[0]))
    assert "anna decided about this name already" in told(confirm(ben, pages[1]))
    stale = ask(ben, pick("Gizmo", "Heart"))
    assert "anna has decided it meanwhile" in text_of(stale)
    assert "1 decision entered" in told(confirm(anna, pages[0])), "the same again is no second decision"
    assert [each[1] for each in decisions(node)] == ["becomes Bladder"]


def test_a_name_that_is_no_longer_open_is_said(node: StillNode, browser: Browser) -> None:
    asked = ask(browser, pick("Gone", "Bladder"))
    assert "no longer open" in text_of(asked)
    assert "Pick a name" in told(browser.follow(ask(browser, {})))
    sent = {"form_token": asked.form_token, "back": "https://evil.example"}
    for wish in (
        "",
        "{",
        "[1,2]",
        "[1,2,3,4,5]",
        '["x","rename","Heart",{"kind":"clinic","value":"","version":"","roi":null},"x"]',
    ):
        answer = browser.post("/names/decide", {**sent, "wish": wish})
        assert answer.headers["location"] == "/names"
    assert decisions(node) == []


def test_a_name_of_markup_is_shown_and_decided_as_text(node: StillNode, browser: Browser) -> None:
    job = node.receive(NASTY)
    shown = NASTY.replace("\u202e", "\\u202e")
    pages = [browser.get(path) for path in ("/names", f"/object/{job}", f"/name/{name_digest(NASTY)}")]
    pages.append(ask(browser, pick(NASTY)))
    pages.append(confirm(browser, pages[-1]))
    pages += [browser.get(path) for path in ("/decisions", "/names?status=decided")]
    for page in pages:
        assert "<img" not in page.text
        assert "\u202e" not in page.text
    assert all(shown in text_of(page) for page in (*pages[:4], *pages[5:]))
    assert [each[0] for each in decisions(node)] == [NASTY]


def test_names_are_filtered_searched_and_paged(
    node: StillNode, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tg263_scp.desk.pages.names.ROWS", 2)
    node.receive("Gizmo", "Gadget", "Widget", sender="TPS1")
    node.receive("Gizmo", uid="1.2.3.101", sender="TPS2")
    assert names_shown(browser.get("/names"))[0] == "Gizmo"
    assert len(names_shown(browser.get("/names?page=2"))) == 1
    assert names_shown(browser.get("/names?find=GADG")) == ["Gadget"]
    assert names_shown(browser.get("/names?sender=AE%20TPS2")) == ["Gizmo"]
    assert names_shown(browser.get("/names?since=2999-01-01")) == []
    assert "Take a filter away" in browser.get("/names?site=nowhere").text
    assert "Nothing to apply" in browser.get("/names?status=decided").text
    assert "No decision waits for approval" in browser.get("/names?status=waiting").text
    assert browser.get("/names?status=nonsense&page=99").status == 200


def test_a_name_has_a_page_with_every_place_it_occurs(node: StillNode, browser: Browser) -> None:
    job = node.receive("kidney")
    page = browser.get(f"/name/{name_digest('kidney')}")
    assert "left or right is not said" in text_of(page)
    assert {"Kidney_L", "Kidney_R"} <= set(re.findall(r"Kidney_\w", page.text))
    assert f'href="/object/{job}?roi=' in page.text
    assert browser.get(f"/name/{name_digest('nothing')}").status == 404


def test_the_field_for_a_name_is_told_what_fits(browser: Browser) -> None:
    answer = browser.get("/suggest?q=parotid").json
    assert [each["name"] for each in answer["names"]][:2] == ["Parotids", "Parotid_L"]
    assert not answer["is_name"]
    assert browser.get("/suggest?q=PTV_6000").json["is_name"]
    assert browser.get("/suggest?q=" + "x" * 65).status == 422
    assert Browser(browser.url).get("/suggest?q=x").headers["location"] == "/login"


@pytest.fixture
def as_role(desk: RunningDesk) -> Callable[..., Browser]:
    def log_in(user: str, *roles: str) -> Browser:
        users = desk.records.config.desk.users
        before = users.read_text(encoding="utf-8") if users.exists() else ""
        users.write_text(f"{before}{user}:{','.join(roles)}:\n", encoding="utf-8")
        session = desk.visitors._sessions.begin(user, CameBy.PASSWORD)
        return Browser(desk.url, cookie=f"tg263_desk={session.key}")

    return log_in


def test_to_look_is_not_to_decide_and_to_decide_is_not_to_deliver(
    node: StillNode, as_role: Callable[..., Browser]
) -> None:
    job = node.receive("Gizmo")
    looks, decides, operates = as_role("leo", "look"), as_role("dora", "decide"), as_role("otto", "operate")
    assert "pick-" not in looks.get("/names").text + looks.get(f"/object/{job}").text
    token = looks.get("/names").form_token
    for path in (
        "/names/ask",
        "/names/decide",
        "/decisions/undo",
        "/decisions/approve",
        "/apply",
        "/switch",
        "/queue/do",
    ):
        fields = {"form_token": token, "job": job, "action": "release", "why": "x", **pick("Gizmo")}
        assert looks.post(path, fields).status == 403, path
    assert looks.get("/apply").status == 403
    assert "1 decision entered" in told(confirm(decides, ask(decides, pick("Gizmo", "Bladder"))))
    token = decides.get("/names").form_token
    for path in ("/decisions/approve", "/apply", "/switch", "/queue/do"):
        fields = {"form_token": token, "job": job, "action": "release", "why": "x"}
        assert decides.post(path, fields).status == 403, path
    assert (
        operates.post("/names/ask", {"form_token": operates.get("/names").form_token, **pick("Gizmo")}).status
        == 403
    )
    assert operates.get("/apply").status == 200


def test_the_second_person_is_another_one(node: StillNode, nomenclature: Nomenclature) -> None:
    node.again(DESK + "review: {second_person: yes}\n")
    node.receive("Gizmo")
    with running_desk(node.path) as desk:
        anna, ben = enter(desk, "anna"), enter(desk, "ben")
        assert "wait for a second person" in told(confirm(anna, ask(anna, pick("Gizmo", "Bladder"))))
        assert len(names_shown(anna.get("/names?status=waiting"))) == 1
        (decision,) = node.review().decisions()
        assert "Approve" not in anna.get("/decisions").text
        refused = anna.submit("/decisions", "/decisions/approve", id=decision.id)
        assert "somebody else has to approve" in told(anna.follow(refused))
        assert "Approve" in ben.get("/decisions?show=waiting").text
        assert "1 decision approved" in told(
            ben.follow(ben.submit("/decisions", "/decisions/approve", id=decision.id))
        )
    (decision,) = node.review().decisions()
    assert (decision.standing, decision.approved_by) == (Standing.ACTIVE, "ben")


def test_the_switch_is_set_with_a_reason_and_shown_on_every_page(node: StillNode, browser: Browser) -> None:
    folder = node.config.spool.folder
    assert "give a reason" in told(browser.follow(browser.submit("/health", "/switch", to="pause", why=" ")))
    assert "Paused" in told(
        browser.follow(browser.submit("/health", "/switch", to="pause", why="wrong names"))
    )
    setting = switch_setting(folder)
    assert setting is not None
    assert (setting.paused, setting.by, setting.why) == (True, "Anna Berg", "wrong names")
    assert "wrong names" in text_of(browser.get("/queue"))
    assert "paused by Anna Berg" in told(
        browser.follow(browser.submit("/health", "/switch", to="pause", why="again"))
    )
    browser.submit("/health", "/switch", to="resume", why="mended")
    assert "wrong names" not in text_of(browser.get("/queue"))


def test_no_page_names_the_patient_unless_the_clinic_wants_it(
    node: StillNode, nomenclature: Nomenclature
) -> None:
    for shows in ("no", "yes"):
        node.again(f"desk: {{port: 0, show_patient_id: {shows}}}\n")
        job = node.receive("Gizmo")
        patient = node.lines("unchanged")[0]["patient"]
        with running_desk(node.path) as desk:
            browser = enter(desk)
            pages = [
                browser.get(path).text
                for path in (f"/object/{job}", "/names", f"/name/{name_digest('Gizmo')}", "/queue?show=all")
            ]
        assert ("Patient ID" in pages[0]) == (shows == "yes")
        assert patient[:10] in pages[0]
        assert "Patient ID" not in "".join(pages[1:])


def test_a_name_that_may_identify_a_patient_is_shown_to_those_who_decide(
    node: StillNode, browser: Browser, as_role: Callable[..., Browser]
) -> None:
    name = "Miller 12345678"
    job = node.receive(name)
    looks = as_role("leo", "look")
    for path in ("/names", f"/name/{name_digest(name)}", f"/object/{job}"):
        assert "Miller" in browser.get(path).text, path
        assert "Miller" not in looks.get(path).text, path
        assert "may identify a patient" in looks.get(path).text
    confirm(browser, ask(browser, pick(name)))
    assert "Miller" not in browser.get("/decisions").text


def test_an_object_that_has_left_the_spool_is_decided_no_more(node: StillNode, browser: Browser) -> None:
    job = node.receive("Gizmo")
    asked = browser.submit(
        f"/object/{job}", "/names/ask", scope="object", of_job=job, **pick("Gizmo", "Bladder")
    )
    node.spool.discard(node.job(job).token)
    after = confirm(browser, asked)
    assert "send it again" in told(after) or "no longer" in told(after)
    assert decisions(node) == []
    assert "its file has left the spool" in text_of(browser.get(f"/object/{job}"))


def test_a_damaged_store_is_said_and_nothing_is_decided(node: StillNode, browser: Browser) -> None:
    node.receive("Gizmo", "Gadget")
    confirm(browser, ask(browser, pick("Gizmo", "Bladder")))
    asked = ask(browser, pick("Gadget"))
    store = node.config.review.store_folder / "review.jsonl"
    written = store.read_bytes()
    store.write_bytes(written.replace(b"Bladder", b"Brain__"))
    sent = {"form_token": asked.form_token, "wish": asked.values("wish"), "back": "/names", "why": "x"}
    with running_desk(node.path) as fresh:
        for answer in (
            browser.post("/names/decide", sent),
            enter(fresh).get("/names"),
            enter(fresh).get("/decisions"),
        ):
            assert answer.status == 503, answer.text
            assert "does not verify" in text_of(answer) or "damaged" in text_of(answer)
    store.write_bytes(written)
    assert [each[1] for each in decisions(node)] == ["becomes Bladder"]


def test_a_store_that_cannot_be_written_is_said(node: StillNode, browser: Browser) -> None:
    node.receive("Gizmo")
    asked = ask(browser, pick("Gizmo", "Bladder"))
    store = node.config.review.store_folder / "review.jsonl"
    store.unlink(missing_ok=True)
    store.mkdir()
    sent = {"form_token": asked.form_token, "wish": asked.values("wish"), "back": "/names", "why": "x"}
    answer = browser.post("/names/decide", sent)
    assert answer.status == 503
    assert "Traceback" not in answer.text
    store.rmdir()
    assert decisions(node) == []


def test_what_opens_reviews_is_what_verbs_open(node: StillNode, desk: RunningDesk) -> None:
    assert isinstance(desk.records.review, Review)
    node.receive("Gizmo")
    assert desk.records.review.seen(1) is not None
    assert desk.records.review.seen(99) is None
    before = desk.records.review.stamp
    node.receive("Gadget", uid="1.2.3.101")
    assert desk.records.review.stamp != before
