"""Received structure sets relabelled: each as its route wants, and with the language model where there is one."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from tg263_scp.config.sections import Naming
from tg263_scp.naming.decide import Decide, decide_set
from tg263_scp.naming.standard.nomenclature import Nomenclature
from tg263_scp.service.deciding.gates import SentAs
from tg263_scp.service.deciding.in_review import RulingsOn, no_rulings
from tg263_scp.service.deciding.relabelling import (
    RelabelOutcome,
    RelabelPolicy,
    Writing,
    decide_and_write,
)
from tg263_scp.service.deciding.routing import Routes
from tg263_scp.service.journal.states import RELABEL_ONCE, Job
from tg263_scp.service.llm.waiting_sets import AwaitingLlm, WaitingSets


class Relabeller:
    """Relabels the structure sets that one node receives; those that need an answer of the model wait in ``waiting_sets``."""

    def __init__(
        self,
        nomenclature: Nomenclature,
        naming: Naming,
        routes: Routes,
        writing: Writing,
        *,
        decide: Decide = decide_set,
        waiting_sets: WaitingSets | None = None,
        rulings: RulingsOn = no_rulings,
    ) -> None:
        self._nomenclature = nomenclature
        self._naming = naming
        self._routes = routes
        self._writing = writing
        self._decide = decide
        self._waiting_sets = waiting_sets
        self._rulings = rulings

    def use(self, nomenclature: Nomenclature, naming: Naming) -> None:
        """Decide by another nomenclature and other options from the next structure set on."""
        self._nomenclature, self._naming = nomenclature, naming

    @property
    def waiting(self) -> frozenset[int]:
        """The jobs that are not to be decided yet: the language model is being asked about them."""
        return self._waiting_sets.waiting if self._waiting_sets else frozenset()

    def relabel(self, source: Path, target: Path, job: Job) -> RelabelOutcome | None:
        """Decide a structure set and write its copy; None where it was not decided, but waits from now on.

        Raises:
            FileExistsError: ``target`` exists.
            OSError: a file cannot be read or written.
        """
        decide = self._decide
        if self._waiting_sets:
            decide = self._waiting_sets.deciding(job.job, decide)
        try:
            return decide_and_write(
                source,
                target,
                self._nomenclature,
                self._policy(job),
                self._writing,
                sent_as=SentAs(job.sop_class_uid, job.sop_instance_uid),
                received_from=job.calling_ae_title,
                decide=decide,
                rulings=self._rulings,
                version=job.sha256,
            )
        except AwaitingLlm as awaiting:
            assert self._waiting_sets is not None
            self._waiting_sets.wait(job.job, awaiting.missed)
            return None

    def _policy(self, job: Job) -> RelabelPolicy:
        policy = RelabelPolicy.of(self._naming, self._routes.of(job))
        if job.wish is None or job.wish.what != RELABEL_ONCE:
            return policy
        return replace(policy, mode="relabel", gates=policy.gates.model_copy(update={"approved": "relabel"}))

    def forget(self, job: int) -> None:
        """A job is decided: should it come again, its time with the language model begins anew."""
        if self._waiting_sets:
            self._waiting_sets.forget(job)
