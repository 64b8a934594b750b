"""Names of many objects are gathered in bounded time, and the log is read once."""

from __future__ import annotations

import json
import time
from pathlib import Path

from doubles.still_nodes import StillNode

from tg263_scp.naming.standard.nomenclature import Nomenclature
from tg263_scp.service.audit import AuditLog
from tg263_scp.service.review.decisions import WHOLE_CLINIC, Ruled, Wish
from tg263_scp.service.review.open_names import Filter, open_names
from tg263_scp.service.review.rulings import Rulings
from tg263_scp.service.review.seen_objects import SeenObjects
from tg263_scp.service.review.store import ReviewStore


def line(number: int, *names: str, **more: object) -> dict[str, object]:
    rois = [
        {"number": n, "old": name, "new": name, "status": "review", "rule": "R080", "reason": "unmatched"}
        for n, name in enumerate(names)
    ]
    return {
        "kind": "unchanged",
        "job_number": number,
        "peer": {"ae_title": "TPS1"},
        "sop_instance_uid": f"1.2.{number}",
        "dataset_sha256": "0" * 64,
        "rois": rois,
        **more,
    }


def test_fifty_thousand_open_names_are_listed_and_decided(tmp_path: Path, no_fsync: None) -> None:
    audit = tmp_path / "audit.jsonl"
    with audit.open("w", encoding="utf-8") as file:  # the index does not look at the chain
        for number in range(500):
            names = [f"name {chr(97 + number % 26)}{number}x{n}" for n in range(100)]
            file.write(json.dumps(line(number, *names)) + "\n")
        file.write(json.dumps(line(501, "name a0x0")) + "\n")
    store, objects = ReviewStore(tmp_path), SeenObjects(audit)
    began = time.process_time()
    objects.refresh()
    nothing = Rulings((), store.digest)
    found = open_names(objects.last(), nothing, nothing, Filter(), lambda site: ())
    assert (len(found), found[0].name, found[0].count) == (50_000, "name a0x0", 2)
    assert time.process_time() - began < 20
    began = time.process_time()
    with store.writing() as writer:
        for each in found[:500]:
            store.about(each.name)
            writer.decided(Wish(each.name, Ruled.KEEP, WHOLE_CLINIC, "anna"), waits=False)
    active = Rulings(store.decisions(), store.digest)
    assert len(open_names(objects.last(), active, nothing, Filter(), lambda site: ())) == 49_500
    assert time.process_time() - began < 20


def test_a_log_that_went_on_in_another_file_is_read_to_its_end(tmp_path: Path, no_fsync: None) -> None:
    audit = tmp_path / "audit.jsonl"
    log, objects = AuditLog(audit, rotate_bytes=1), SeenObjects(audit)
    log.append(line(1, "qqx"))
    objects.refresh()
    log.append(line(2, "qqy"))
    log.append(line(1, "qqz"))
    objects.refresh()
    assert [[roi.name for roi in each.open_rois] for each in objects.last()] == [["qqy"], ["qqz"]]
    assert [rois[0]["old"] for _, rois in objects.with_name("QQY")] == ["qqy"]
    assert list(objects.with_name("qqx")) == []
    log.close()


def test_an_entry_of_an_earlier_version_is_read_as_far_as_it_tells(tmp_path: Path) -> None:
    audit = tmp_path / "audit.jsonl"
    audit.write_text(
        json.dumps(line(1, "qqx")) + '\n{"kind": "sent"}\nno json "rois":\n{"half', encoding="utf-8"
    )
    objects = SeenObjects(audit)
    objects.refresh()
    (seen,) = objects.last()
    assert (seen.sender, seen.site, seen.open_rois[0].candidates) == ("AE TPS1", "", ())


def test_the_place_in_the_body_is_read_where_the_log_does_not_tell_it(
    tmp_path: Path, nomenclature: Nomenclature, no_fsync: None
) -> None:
    node = StillNode(tmp_path, nomenclature)
    node.receive("qqx")
    review = node.review()
    (found,) = review.open_names()
    assert review.place(found.occurrences[0]) == {}  # it has no contours
    node.close()
