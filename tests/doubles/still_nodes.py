"""A node that listens to nobody and sends nothing: objects are put into it, and its worker is driven by hand."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from doubles.loopback import EXPLICIT, RTSTRUCT, structure_set
from doubles.spooling import spool_dataset
from tg263_scp.config.loading import load_config
from tg263_scp.naming.standard.nomenclature import Nomenclature
from tg263_scp.service.journal.states import Arrival, DeliveryState, Job
from tg263_scp.service.node import Node, assemble
from tg263_scp.service.review.review import Review
from tg263_scp.service.spool import Spool

HOUR_S = 3600.0


class StillNode:
    """A node with one destination, ``archive``; ``yaml`` are further lines of its configuration.

    ``now`` is its time. It is to be closed; :meth:`again` starts it once more, with other lines if wanted.
    """

    def __init__(self, folder: Path, nomenclature: Nomenclature, yaml: str = "") -> None:
        self.now = 1_800_000_000.0
        self.path = folder / "node.yaml"
        self._nomenclature = nomenclature
        self.node: Node
        self._start(yaml)

    def _start(self, yaml: str) -> None:
        self.path.write_text(
            "spool: {min_free_bytes: 0}\nllm: {enabled: no}\n"
            "destinations: [{name: archive, host: 127.0.0.1, port: 104, ae_title: A, redeliver: yes}]\n"
            + yaml,
            encoding="utf-8",
        )
        self.config = load_config(self.path)
        self.node = assemble(self.config, self._nomenclature, clock=lambda: self.now)
        self.spool = Spool(self.config.spool.folder, min_free_bytes=0)

    def close(self) -> None:
        self.node.drain_and_stop()

    def again(self, yaml: str = "") -> None:
        self.close()
        self._start(yaml)

    def review(self, **more: Any) -> Review:
        return Review(self.config, self._nomenclature, **more)

    def receive(
        self, *names: str, uid: str = "1.2.3.100", sender: str = "TPS1", approval: str = "", work: bool = True
    ) -> int:
        """Put a structure set into the node as its intake does, and have it decided; return its job number."""
        spooled = spool_dataset(
            self.spool,
            structure_set(list(names), uid=uid, approval=approval),
            sop_class_uid=RTSTRUCT,
            sop_instance_uid=uid,
            transfer_syntax_uid=EXPLICIT,
            source_ae_title=sender,
        )
        arrival = Arrival(
            *(spooled.token, RTSTRUCT, uid, EXPLICIT, spooled.sha256, spooled.dataset_bytes),
            *(sender, "127.0.0.1", "TG263", ""),
        )
        job, _ = self.node.journal.receive(arrival, made_under=self.node._worker._under.of(arrival))
        if work:
            self.work()
        return job

    def work(self) -> None:
        """Let the worker do what there is to do."""
        self.node._worker._prepare(afresh=False)
        while self.node._worker.work_on_next():
            pass

    def deliver(self, job: int) -> None:
        """Bring a job to its destination."""
        outbox = self.node.journal.outbox
        for delivery in outbox.deliveries(job):
            outbox.sending(delivery)
            outbox.settle(delivery, DeliveryState.SENT, sent_uid="1.2.3", sent_sha256="0" * 64)

    def job(self, job: int) -> Job:
        return self.node.journal.job(job)

    def lines(self, kind: str = "") -> list[dict[str, Any]]:
        """Return the lines of the audit log, of one kind where that is given."""
        text = self.config.audit.file.read_text(encoding="utf-8")
        return [line for line in map(json.loads, text.splitlines()) if kind in ("", line["kind"])]

    def names(self, job: int) -> list[str]:
        """Return the names of the last decision about a job."""
        found = [line for line in self.lines() if line.get("job_number") == job and "rois" in line]
        return [roi["new"] for roi in found[-1]["rois"]]
