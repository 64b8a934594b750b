"""Which objects the node carries: SOP classes and transfer syntaxes of its presentation contexts (PS3.4 B.5, PS3.5 A)."""

from __future__ import annotations

from collections.abc import Iterable

from pydicom.uid import (
    AllTransferSyntaxes,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
)
from pynetdicom import AllStoragePresentationContexts, build_context, register_uid
from pynetdicom.presentation import PresentationContext
from pynetdicom.service_class import ServiceClass, StorageServiceClass
from pynetdicom.sop_class import Verification, uid_to_service_class

_UNCOMPRESSED = (
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
)
_NOT_STORED = ("1.2.840.10008.1.2.7.", "1.2.840.10008.1.2.4.204", "1.2.840.10008.1.2.4.205")
"""Streams (SMPTE ST 2110) and pixel data that stay on a server (JPIP): what came would not be the whole object."""
_RETIRED_TRANSFER_SYNTAXES = ("1.2.840.10008.1.2.4.52", "1.2.840.10008.1.2.4.53", "1.2.840.10008.1.2.4.55")
"""Retired JPEG processes that archives still hold."""
_RETIRED_SOP_CLASSES = (
    "1.2.840.10008.5.1.4.1.1.5",  # Nuclear Medicine Image
    "1.2.840.10008.5.1.4.1.1.3",  # Ultrasound Multi-frame Image
    "1.2.840.10008.5.1.4.1.1.6",  # Ultrasound Image
    "1.2.840.10008.5.1.4.1.1.9",  # Standalone Curve
)


def accepted_transfer_syntaxes() -> list[str]:
    """Return what the node accepts, best first: an acceptor's own order decides among what a context offers.

    Explicit VR little endian leads, since it is the one that loses nothing and that everybody reads. Compressed data are
    passed on as they are.
    """
    compressed = [
        str(uid)
        for uid in AllTransferSyntaxes
        if uid not in _UNCOMPRESSED and not str(uid).startswith(_NOT_STORED)
    ]
    return [str(uid) for uid in _UNCOMPRESSED] + compressed + list(_RETIRED_TRANSFER_SYNTAXES)


def supported_contexts(extra_sop_classes: Iterable[str] = ()) -> list[PresentationContext]:
    """Return the presentation contexts of the node: Verification, every storage SOP class, retired and private ones."""
    contexts = [build_context(Verification, [ImplicitVRLittleEndian, ExplicitVRLittleEndian])]
    classes = [str(context.abstract_syntax) for context in AllStoragePresentationContexts]
    transfer_syntaxes = accepted_transfer_syntaxes()
    for uid in (*_RETIRED_SOP_CLASSES, *extra_sop_classes):
        if uid_to_service_class(uid) is ServiceClass:  # known to nobody
            register_uid(uid, f"Storage_{uid.replace('.', '_')}", StorageServiceClass)
    for uid in dict.fromkeys((*classes, *_RETIRED_SOP_CLASSES, *extra_sop_classes)):
        contexts.append(build_context(uid, transfer_syntaxes))
    return contexts
