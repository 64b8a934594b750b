"""Which objects the node carries: SOP classes and transfer syntaxes of its presentation contexts (PS3.4 B.5, PS3.5 A)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from pydicom.uid import (
    UID,
    AllTransferSyntaxes,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
)
from pynetdicom import AllStoragePresentationContexts, build_context, register_uid, sop_class
from pynetdicom.presentation import PresentationContext
from pynetdicom.service_class import ServiceClass, StorageServiceClass
from pynetdicom.sop_class import (
    SOPClass,
    StorageCommitmentPushModel,
    Verification,
    uid_to_service_class,
)

UNCOMPRESSED = {
    "explicit": str(ExplicitVRLittleEndian),
    "implicit": str(ImplicitVRLittleEndian),
    "deflated": str(DeflatedExplicitVRLittleEndian),
    "big_endian": str(ExplicitVRBigEndian),
}
"""The uncompressed transfer syntaxes by the names that the configuration gives them (PS3.5 A.1, A.2, A.3, A.5)."""
_NOT_STORED = ("1.2.840.10008.1.2.7.", "1.2.840.10008.1.2.4.204", "1.2.840.10008.1.2.4.205")
"""Streams (SMPTE ST 2110) and pixel data that stay on a server (JPIP): what came would not be the whole object."""
_RETIRED_TRANSFER_SYNTAXES = ("1.2.840.10008.1.2.4.52", "1.2.840.10008.1.2.4.53", "1.2.840.10008.1.2.4.55")
"""Retired JPEG processes that archives still hold."""
VERIFICATION_TRANSFER_SYNTAXES = (str(ImplicitVRLittleEndian), str(ExplicitVRLittleEndian))
ANY_PRIVATE = "any"
"""In place of a UID: whichever private class a peer proposes."""
MOST_PRIVATE_CLASSES = 1000
_OF_DICOM = "1.2.840.10008."
"""What the UIDs of the standard begin with; whoever uses another root made the class."""
_RETIRED_SOP_CLASSES = (
    "1.2.840.10008.5.1.4.1.1.5",  # Nuclear Medicine Image
    "1.2.840.10008.5.1.4.1.1.3",  # Ultrasound Multi-frame Image
    "1.2.840.10008.5.1.4.1.1.6",  # Ultrasound Image
    "1.2.840.10008.5.1.4.1.1.9",  # Standalone Curve
)


def accepted_transfer_syntaxes(uncompressed: Iterable[str] = UNCOMPRESSED) -> list[str]:
    """Return what the node accepts, best first: an acceptor's own order decides among what a context offers.

    ``uncompressed`` names those of :data:`UNCOMPRESSED` in the order of preference; implicit VR, which every application
    entity has to accept (PS3.5 10.1), is there in any case. By default explicit VR little endian leads, since it says the VR of
    private elements too. Compressed data are passed on as they are.
    """
    ours = dict.fromkeys(UNCOMPRESSED[name] for name in (*uncompressed, "implicit"))
    compressed = [
        str(uid)
        for uid in AllTransferSyntaxes
        if uid not in UNCOMPRESSED.values() and not str(uid).startswith(_NOT_STORED)
    ]
    return [*ours, *compressed, *_RETIRED_TRANSFER_SYNTAXES]


def carried_sop_classes(extra_sop_classes: Iterable[str] = ()) -> list[str]:
    """Return the storage SOP classes that the node carries: all of PS3.4 B.5, retired ones, and those configured."""
    standard = (str(context.abstract_syntax) for context in AllStoragePresentationContexts)
    extra = (uid for uid in extra_sop_classes if uid != ANY_PRIVATE)
    return list(dict.fromkeys((*standard, *_RETIRED_SOP_CLASSES, *extra)))


def supported_contexts(
    extra_sop_classes: Iterable[str] = (), uncompressed: Iterable[str] = UNCOMPRESSED
) -> list[PresentationContext]:
    """Return the presentation contexts of the node: Verification and every carried storage SOP class."""
    contexts = [build_context(Verification, list(VERIFICATION_TRANSFER_SYNTAXES))]
    transfer_syntaxes = accepted_transfer_syntaxes(uncompressed)
    for uid in carried_sop_classes(extra_sop_classes):
        _make_storage(uid)
        contexts.append(build_context(uid, transfer_syntaxes))
    return contexts


def _make_storage(uid: str) -> None:
    if uid_to_service_class(uid) is ServiceClass:  # known to nobody
        register_uid(uid, f"Storage_{uid.replace('.', '_')}", StorageServiceClass)


class PrivateClasses:
    """Presentation contexts for private SOP classes that peers propose, where any is carried.

    At most :data:`MOST_PRIVATE_CLASSES` are remembered; further ones are refused, so that a peer cannot make them many.
    """

    def __init__(self, uncompressed: Iterable[str]) -> None:
        self._transfer_syntaxes = accepted_transfer_syntaxes(uncompressed)
        self._known: dict[str, PresentationContext] = {}

    def proposed(self, abstract_syntaxes: Iterable[str]) -> list[PresentationContext]:
        """Return a context for each proposed private class; called from one thread."""
        for uid in abstract_syntaxes:
            is_private = not uid.startswith(_OF_DICOM) and UID(uid).is_valid
            if is_private and uid not in self._known and len(self._known) < MOST_PRIVATE_CLASSES:
                _make_storage(uid)
                self._known[uid] = build_context(uid, self._transfer_syntaxes)
        return [self._known[uid] for uid in dict.fromkeys(abstract_syntaxes) if uid in self._known]


def commitment_context() -> PresentationContext:
    """Return the presentation context of Storage Commitment: who asks is SCU, who reports over a new association is SCP."""
    context = build_context(StorageCommitmentPushModel, list(VERIFICATION_TRANSFER_SYNTAXES))
    context.scu_role = context.scp_role = True
    return context


@dataclass(frozen=True, slots=True)
class NamedUid:
    """A UID and its name in the registry (PS3.6 A); the name of a private one is empty."""

    uid: str
    name: str
    retired: bool


def named(uid: str) -> NamedUid:
    """Look a UID up; SOP classes newer than pydicom's dictionary have the name that pynetdicom gives them."""
    known = UID(uid)
    if known.is_private:
        return NamedUid(uid, "", False)
    if known.name != uid:
        return NamedUid(uid, known.name, known.is_retired)
    keyword = next(
        (name for name, each in vars(sop_class).items() if isinstance(each, SOPClass) and each == uid), ""
    )
    return NamedUid(uid, re.sub(r"(?<=[a-z])(?=[A-Z])", " ", keyword), False)
