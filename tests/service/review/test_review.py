"""Open names are listed, decided, used by the node without a restart, and undone."""

from __future__ import annotations

import threading

import pytest
from doubles.loopback import PATIENT_NAME
from doubles.still_nodes import StillNode

from tg263_scp.errors import ReviewError
from tg263_scp.service.audit import verify
from tg263_scp.service.review.decisions import WHOLE_CLINIC, Ruled, Scope, ScopeKind, Standing, Wish

ONE = Scope(ScopeKind.OBJECT)


def rename(name: str, becomes: str, scope: Scope = WHOLE_CLINIC, by: str = "anna", **more: object) -> Wish:
    return Wish(name, Ruled.RENAME, scope, by, becomes=becomes, **more)


def test_open_names_are_counted_over_all_objects_most_frequent_first(node: StillNode) -> None:
    node.receive("qqx", "kidney", "Heart", uid="1.2.1")
    node.receive("QQX", uid="1.2.2", sender="TPS2")
    first, second = node.review().open_names()
    assert (first.name, first.count, first.objects) == ("QQX", 2, 2)
    assert first.senders == {"AE TPS1": 1, "AE TPS2": 1}
    assert second.name == "kidney"
    assert {"Kidney_L", "Kidney_R"} <= {each.name for each in second.candidates}
    assert second.reasons == {"side_missing": 1}
    assert second.occurrences[0].job == 1
    assert [each.name for each in node.review().open_names(sender="TPS2")] == ["QQX"]
    assert node.review().open_names(since="2199-01-01") == []


def test_the_last_decision_about_an_object_counts_and_what_was_discarded_does_not(node: StillNode) -> None:
    node.again("naming: {gates: {unresolved: hold}}\n")
    job = node.receive("qqx", uid="1.2.1")
    node.node.journal.redo(job)
    node.work()
    review = node.review()
    assert [each.count for each in review.open_names()] == [1]
    node.node.journal.discard(job, by="anna", why="a phantom")
    node.work()
    assert review.open_names() == []
    node.node.journal.restore(job, by="anna")
    node.work()
    assert [each.count for each in review.open_names()] == [1]


def test_a_decision_is_used_from_the_next_object_on_without_a_restart_and_audited_once(
    node: StillNode,
) -> None:
    review = node.review()
    node.receive("qqx", uid="1.2.1")
    decision = review.decide(rename("qqx", "Bladder", why="asked the dosimetrist"))
    job = node.receive("qqx", "Heart", uid="1.2.2")
    assert node.names(job) == ["Bladder", "Heart"]
    (line,) = node.lines("review")
    assert (line["id"], line["said"], line["by"]) == (decision.id, "decided", "anna")
    used = next(line for line in node.lines() if line.get("job_number") == job)
    assert used["rois"][0]["ruling"] == decision.id
    assert used["review"]
    node.again()
    node.work()
    assert len(node.lines("review")) == 1
    assert verify(node.config.audit.file).intact


def test_an_undone_decision_is_no_longer_used(node: StillNode) -> None:
    review = node.review()
    decision = review.decide(rename("qqx", "Bladder"))
    review.undo(decision.id, by="ben", why="it is the rectum")
    assert node.names(node.receive("qqx")) == ["qqx"]
    assert [line["said"] for line in node.lines("review")] == ["decided", "undone"]
    with pytest.raises(ReviewError) as caught:
        review.undo(decision.id, by="ben", why="again")
    assert caught.value.reason == "undone"


def test_a_kidney_decided_for_one_patient_never_touches_the_next(node: StillNode) -> None:
    first = node.receive("kidney", uid="1.2.1")
    review = node.review()
    wish = rename("kidney", "Kidney_L", job=first)
    assert "side" in review.check(wish).narrowed
    decision = review.decide(wish)
    assert decision.scope.kind is ScopeKind.OBJECT
    assert (decision.scope.value, decision.scope.version) == ("1.2.1", node.job(first).sha256)
    node.node.journal.retry(first)
    node.deliver(first)
    node.node.journal.redo(first)
    node.work()
    assert node.names(first) == ["Kidney_L"]
    assert node.names(node.receive("kidney", uid="1.2.2")) == ["kidney"]
    changed = node.receive("kidney", "Heart", uid="1.2.1")
    assert changed != first
    assert node.names(changed) == ["kidney", "Heart"]


@pytest.mark.parametrize(
    ("name", "becomes"),
    [("kidney", "Kidney_L"), ("cord", "SpinalCord_PRV05"), ("PTV", "PTV_6000"), ("node li", "LN_Neck_III_L")],
)
def test_what_the_name_does_not_say_needs_an_object(node: StillNode, name: str, becomes: str) -> None:
    for scope in (WHOLE_CLINIC, Scope(ScopeKind.SENDER, "AE TPS1"), Scope(ScopeKind.SITE, "pelvis")):
        with pytest.raises(ReviewError) as caught:
            node.review().decide(rename(name, becomes, scope))
        assert caught.value.reason == "scope"


def test_of_two_rois_with_one_name_one_is_meant(node: StillNode) -> None:
    job = node.receive("kidney", "kidney")
    review = node.review()
    with pytest.raises(ReviewError, match="2 ROIs"):
        review.decide(rename("kidney", "Kidney_L", ONE, job=job))
    review.decide(rename("kidney", "Kidney_L", Scope(ScopeKind.OBJECT, roi=1), job=job))
    review.decide(rename("kidney", "Kidney_R", Scope(ScopeKind.OBJECT, roi=2), job=job))
    node.deliver(job)
    node.node.journal.redo(job)
    node.work()
    assert node.names(job) == ["Kidney_L", "Kidney_R"]


def test_the_most_specific_decision_is_used(node: StillNode) -> None:
    review = node.review()
    job = node.receive("qqx", "Bladder_Wall", uid="1.2.1", sender="TPS1")
    review.decide(rename("qqx", "Rectum"))
    assert node.names(node.receive("qqx", uid="1.2.2")) == ["Rectum"]
    review.decide(rename("qqx", "Heart", Scope(ScopeKind.SENDER, "AE TPS1")))
    assert node.names(node.receive("qqx", uid="1.2.3", sender="TPS1")) == ["Heart"]
    assert node.names(node.receive("qqx", uid="1.2.4", sender="TPS2")) == ["Rectum"]
    review.decide(rename("qqx", "Liver", ONE, job=job))
    node.deliver(job)
    node.node.journal.redo(job)
    node.work()
    assert node.names(job)[0] == "Liver"


def test_a_site_counts_where_the_set_shows_it(node: StillNode) -> None:
    node.review().decide(rename("qqx", "PenileBulb", Scope(ScopeKind.SITE, "prostate")))
    shown = node.names(node.receive("qqx", "Prostate", "SeminalVes", uid="1.2.1"))
    assert shown[0] == "PenileBulb"
    assert node.names(node.receive("qqx", "Lung_L", "Heart", uid="1.2.2"))[0] == "qqx"


@pytest.mark.parametrize(
    ("name", "becomes", "code"),
    [("qqx", "left lung!!", "R030"), ("left kidney", "Kidney_R", "V010"), ("PTV boost", "Bladder", "V040")],
)
def test_what_a_veto_stops_is_not_decided(node: StillNode, name: str, becomes: str, code: str) -> None:
    review = node.review()
    assert review.check(rename(name, becomes)).objection_code == code
    with pytest.raises(ReviewError) as caught:
        review.decide(rename(name, becomes))
    assert caught.value.reason == "objection"
    assert review.decisions() == []


def test_two_persons_who_decide_the_same_name_at_once_do_not_overwrite_each_other(node: StillNode) -> None:
    found: list[object] = []

    def decide(by: str, becomes: str) -> None:
        try:
            found.append(node.review().decide(rename("qqx", becomes, by=by)))
        except ReviewError as problem:
            found.append(problem.reason)

    threads = [
        threading.Thread(target=decide, args=args) for args in (("anna", "Bladder"), ("ben", "Rectum"))
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found.count("already_decided") == 1
    (decision,) = node.review().decisions()
    again = node.review().decide(rename("qqx", decision.becomes, by="cleo"))
    assert again.id == decision.id
    other = node.review().decide(rename("qqx", "Heart", by="cleo", instead_of=decision.id))
    assert [each.standing for each in node.review().decisions()] == [Standing.UNDONE, Standing.ACTIVE]
    assert other.instead_of == decision.id


def test_with_a_second_person_a_decision_waits_for_somebody_else(node: StillNode) -> None:
    node.again("review: {second_person: yes}\n")
    node.receive("qqx", uid="1.2.1")
    review = node.review()
    decision = review.decide(rename("qqx", "Bladder"))
    assert decision.standing is Standing.WAITING
    assert [each.status for each in review.open_names(status="all")] == ["waiting"]
    assert node.names(node.receive("qqx", uid="1.2.2")) == ["qqx"]
    for by in ("anna", " ANNA "):
        with pytest.raises(ReviewError) as caught:
            review.approve(decision.id, by=by)
        assert caught.value.reason == "same_person"
    review.approve(decision.id, by="ben")
    with pytest.raises(ReviewError) as caught:
        review.approve(decision.id, by="cleo")
    assert caught.value.reason == "not_waiting"
    assert node.names(node.receive("qqx", uid="1.2.3")) == ["Bladder"]


def test_an_object_that_is_gone_is_said_to_be_and_nothing_is_decided(node: StillNode) -> None:
    job = node.receive("kidney")
    node.spool.discard(node.job(job).token)
    for wish in (rename("kidney", "Kidney_L", job=job), rename("kidney", "Kidney_L", ONE, job=99)):
        with pytest.raises(ReviewError) as caught:
            node.review().decide(wish)
        assert caught.value.reason == "object_gone"
    assert node.review().decisions() == []


def test_a_name_that_repeats_its_patient_is_decided_for_one_object_and_stands_as_a_digest(
    node: StillNode,
) -> None:
    name = f"mass {PATIENT_NAME.partition('^')[0]}"
    job = node.receive(name)
    (found,) = node.review().open_names()
    assert found.identifying
    decision = node.review().decide(rename(name, "Liver", job=job))
    assert (decision.scope.kind, decision.name) == (ScopeKind.OBJECT, "")
    store = node.config.spool.folder / "review.jsonl"
    assert name not in store.read_text()
    node.deliver(job)
    node.node.journal.redo(job)
    node.work()
    assert node.names(job) == ["Liver"]


def test_a_decided_name_is_no_longer_open_and_says_what_was_decided(node: StillNode) -> None:
    node.receive("qqx", uid="1.2.1", sender="TPS1")
    node.receive("qqx", uid="1.2.2", sender="TPS2")
    review = node.review()
    review.decide(rename("qqx", "Bladder", Scope(ScopeKind.SENDER, "AE TPS1")))
    (still,) = review.open_names()
    assert still.senders == {"AE TPS2": 1}
    (decided,) = review.open_names(status="decided")
    assert decided.decision is not None
    assert decided.decision.becomes == "Bladder"
    found = review.find("QQX")
    assert found is not None
    assert found.status == "open"


def test_a_decision_that_a_set_rule_stops_is_open_again(node: StillNode) -> None:
    review = node.review()
    review.decide(rename("qqx", "Bladder"))
    node.receive("qqx", "Bladder")
    (found,) = review.open_names()
    assert found.reasons == {"clash_kept_name": 1}


def test_where_senders_differ_in_meaning_the_sender_is_proposed(node: StillNode) -> None:
    job = node.receive("qqx", sender="TPS2")
    review = node.review()
    review.decide(rename("qqx", "Bladder", Scope(ScopeKind.SENDER, "AE TPS1")))
    checked = review.check(rename("qqx", "Rectum", job=job))
    assert checked.proposed == Scope(ScopeKind.SENDER, "AE TPS2")
    assert "AE TPS1" in checked.proposed_why
    assert review.impact(rename("qqx", "Rectum")).differing == ("AE TPS1",)


@pytest.mark.parametrize("what", ["by", "name"])
def test_what_is_not_said_is_asked_for(node: StillNode, what: str) -> None:
    wish = rename("qqx", "Bladder", by=" ") if what == "by" else rename(" ", "Bladder")
    with pytest.raises(ReviewError) as caught:
        node.review().decide(wish)
    assert caught.value.reason == "empty"


def test_many_are_decided_at_once_and_one_that_fails_stops_no_other(node: StillNode) -> None:
    wishes = [rename("qqx", "Bladder"), rename("qqy", "no name"), rename("qqz", "Rectum")]
    found = node.review().decide_many(wishes)
    assert [isinstance(each, ReviewError) for each in found] == [False, True, False]


def test_a_name_of_markup_and_marks_is_a_name_like_any_other(node: StillNode) -> None:
    name = "[red]<b>\u202e\u200fqq"
    node.receive(name, uid="1.2.1")
    review = node.review()
    assert review.open_names()[0].name == name
    review.decide(rename(name, "Bladder"))
    assert node.names(node.receive(name, uid="1.2.2")) == ["Bladder"]


def test_the_impact_names_what_would_change_before_it_takes_effect(node: StillNode) -> None:
    here = node.receive("qqx", "Bladder", uid="1.2.1")
    gone = node.receive("qqx", uid="1.2.2")
    kept = node.receive("vessie", uid="1.2.3")
    node.spool.discard(node.job(gone).token)
    review = node.review()
    impact = review.impact(rename("qqx", "Rectum"))
    assert {(each.job, each.now, each.then, each.sure) for each in impact.changes} == {
        (here, "qqx", "Rectum", True),
        (gone, "qqx", "Rectum", False),
    }
    assert (impact.objects, impact.names) == (2, 2)
    assert review.impact(rename("qqx", "Bladder")).changes[0].job == gone
    touched = review.impact(Wish("vessie", Ruled.NEVER, WHOLE_CLINIC, "anna"))
    assert [(each.job, each.now, each.then) for each in touched.changes] == [(kept, "Bladder", "vessie")]
    assert review.decisions() == []


def test_the_impact_of_undoing_is_what_the_rules_would_do(node: StillNode) -> None:
    review = node.review()
    decision = review.decide(Wish("vessie", Ruled.KEEP, WHOLE_CLINIC, "anna"))
    job = node.receive("vessie")
    assert node.names(job) == ["vessie"]
    (change,) = review.impact(decision.id).changes
    assert (change.job, change.now, change.then) == (job, "vessie", "Bladder")


def test_the_set_objects_when_a_decision_for_its_object_is_made(node: StillNode) -> None:
    job = node.receive("qqx", "Bladder")
    review = node.review()
    assert review.check(rename("qqx", "Bladder", ONE, job=job)).objection_code == "S020"
    with pytest.raises(ReviewError, match="S020"):
        review.decide(rename("qqx", "Bladder", ONE, job=job))
    assert review.state == ""
    review.decide(rename("qqx", "Rectum", ONE, job=job))
    assert review.state
