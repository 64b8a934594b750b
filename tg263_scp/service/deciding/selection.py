"""Which of its destinations an object goes to: each may want some SOP classes, modalities, senders, or relabelled sets only."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from tg263_scp.config.sections import Destination, Send
from tg263_scp.dicom.reading.references import REFERRING
from tg263_scp.dicom.reading.structure_set import RT_STRUCTURE_SET_STORAGE
from tg263_scp.service.journal.states import Job

SETS, PLANS = "RTSTRUCT", frozenset(("RTPLAN", "RTDOSE"))
"""Modality (0008,0060) of structure sets, and of what refers to them."""


@dataclass(frozen=True, slots=True)
class Selected:
    """Where an object goes, and where not, with the reason."""

    destinations: list[str]
    left_out: Mapping[str, str] = field(default_factory=dict)


class Selection:
    """The filters of all destinations."""

    def __init__(self, destinations: Iterable[Destination] = ()) -> None:
        self._wanted = {each.name: each.send for each in destinations}

    def filters(self, destination: str) -> bool:
        """Whether a destination leaves anything out."""
        send = self._wanted.get(destination)
        return send is not None and send.leaves_out

    def of(
        self, job: Job, routed: Sequence[str], *, relabelled: bool, modality: Callable[[], str]
    ) -> Selected:
        """Choose among the destinations of the route; ``modality`` is asked for only where one wants to know."""
        left_out: dict[str, str] = {}
        for name in routed:
            send = self._wanted.get(name)
            reason = send and _unwanted(send, job, relabelled=relabelled, modality=modality)
            if reason:
                left_out[name] = reason
        return Selected([name for name in routed if name not in left_out], left_out)


def _unwanted(send: Send, job: Job, *, relabelled: bool, modality: Callable[[], str]) -> str:
    """Name the setting that keeps an object from a destination; empty where it is wanted."""
    if send.relabelled_only and not relabelled:
        return "relabelled_only"
    if send.calling_ae_titles and job.calling_ae_title.strip() not in send.calling_ae_titles:
        return "calling_ae_titles"
    if send.sop_classes and job.sop_class_uid not in send.sop_classes:
        return "sop_classes"
    if send.modalities and modality() not in send.modalities:
        return "modalities"
    return ""


def parts_plans_from_sets(send: Send) -> bool:
    """Whether a destination gets plans or doses, and not the structure sets that they refer to."""
    by_class = bool(send.sop_classes) and (
        RT_STRUCTURE_SET_STORAGE not in send.sop_classes and bool(REFERRING.keys() & set(send.sop_classes))
    )
    by_modality = bool(send.modalities) and SETS not in send.modalities and bool(PLANS & set(send.modalities))
    return (by_class or by_modality) and not send.relabelled_only
