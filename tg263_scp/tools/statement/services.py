"""Facts of the running program: what it carries, in which encodings, what it answers, and what it writes."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from tg263_scp.dicom.editing.provenance import PURPOSE
from tg263_scp.dicom.editing.written_attributes import (
    Occasion,
    WrittenAttribute,
    tag_text,
    written_attributes,
    written_references,
)
from tg263_scp.dicom.network.statuses import OTHER, REACTIONS, Reaction, StoreResult, StoreStatus
from tg263_scp.dicom.network.storage_classes import (
    VERIFICATION_TRANSFER_SYNTAXES,
    accepted_transfer_syntaxes,
    carried_sop_classes,
    named,
)
from tg263_scp.dicom.reading.charsets import charset_of
from tg263_scp.dicom.reading.references import LEFT_ALONE, REFERRING
from tg263_scp.dicom.reading.structure_set import RT_STRUCTURE_SET_STORAGE
from tg263_scp.tools.statement.markdown import table

Link = Callable[[str], str]
"""The bracket of a claim, by its name."""

CHARSET_TERMS = (
    ("none", "Default repertoire (ASCII)", ""),
    ("ISO_IR 100", "Latin alphabet No. 1", "ISO_IR 100"),
    ("ISO_IR 101", "Latin alphabet No. 2", "ISO_IR 101"),
    ("ISO_IR 109", "Latin alphabet No. 3", "ISO_IR 109"),
    ("ISO_IR 110", "Latin alphabet No. 4", "ISO_IR 110"),
    ("ISO_IR 144", "Cyrillic", "ISO_IR 144"),
    ("ISO_IR 127", "Arabic", "ISO_IR 127"),
    ("ISO_IR 126", "Greek", "ISO_IR 126"),
    ("ISO_IR 138", "Hebrew", "ISO_IR 138"),
    ("ISO_IR 148", "Latin alphabet No. 5", "ISO_IR 148"),
    ("ISO_IR 203", "Latin alphabet No. 9", "ISO_IR 203"),
    ("ISO_IR 13", "Japanese, JIS X 0201", "ISO_IR 13"),
    ("ISO_IR 166", "Thai", "ISO_IR 166"),
    ("ISO 2022 IR 6", "ASCII, with code extensions", "\\ISO 2022 IR 6"),
    ("ISO 2022 IR 100", "Latin alphabet No. 1, with code extensions", "\\ISO 2022 IR 100"),
    ("ISO 2022 IR 101", "Latin alphabet No. 2, with code extensions", "\\ISO 2022 IR 101"),
    ("ISO 2022 IR 109", "Latin alphabet No. 3, with code extensions", "\\ISO 2022 IR 109"),
    ("ISO 2022 IR 110", "Latin alphabet No. 4, with code extensions", "\\ISO 2022 IR 110"),
    ("ISO 2022 IR 144", "Cyrillic, with code extensions", "\\ISO 2022 IR 144"),
    ("ISO 2022 IR 127", "Arabic, with code extensions", "\\ISO 2022 IR 127"),
    ("ISO 2022 IR 126", "Greek, with code extensions", "\\ISO 2022 IR 126"),
    ("ISO 2022 IR 138", "Hebrew, with code extensions", "\\ISO 2022 IR 138"),
    ("ISO 2022 IR 148", "Latin alphabet No. 5, with code extensions", "\\ISO 2022 IR 148"),
    ("ISO 2022 IR 203", "Latin alphabet No. 9, with code extensions", "\\ISO 2022 IR 203"),
    ("ISO 2022 IR 13", "Japanese, JIS X 0201, with code extensions", "\\ISO 2022 IR 13"),
    ("ISO 2022 IR 166", "Thai, with code extensions", "\\ISO 2022 IR 166"),
    ("ISO 2022 IR 87", "Japanese, JIS X 0208 (kanji)", "\\ISO 2022 IR 87"),
    ("ISO 2022 IR 159", "Japanese, JIS X 0212 (supplementary kanji)", "\\ISO 2022 IR 159"),
    ("ISO 2022 IR 149", "Korean, KS X 1001", "\\ISO 2022 IR 149"),
    ("ISO 2022 IR 58", "Simplified Chinese, GB 2312", "\\ISO 2022 IR 58"),
    ("ISO_IR 192", "Unicode in UTF-8", "ISO_IR 192"),
    ("GB18030", "Chinese, GB 18030", "GB18030"),
    ("GBK", "Chinese, GBK", "GBK"),
)
"""The defined terms of PS3.3 C.12.1.1.2: term, repertoire, and a value of Specific Character Set (0008,0005) that holds it."""

_OUTCOME = {
    StoreResult.STORED: ("Stored", "scu-stored"),
    StoreResult.TRANSIENT: ("Tried again", "scu-tried-again"),
    StoreResult.PERMANENT: ("Failed", "scu-failed"),
}


def sop_class_table(extra_sop_classes: Iterable[str]) -> str:
    """Table 1-1: the SOP classes of the presentation contexts."""
    rows = []
    for uid in carried_sop_classes(extra_sop_classes):
        each = named(uid)
        created = "N, modified" if uid == RT_STRUCTURE_SET_STORAGE or uid in REFERRING else "N"
        rows.append((_name(each.name, each.retired), uid, created, "Y", "Y"))
    verification = named("1.2.840.10008.1.1")
    return table(
        ("SOP class", "UID", "created", "SCU", "SCP"),
        [(verification.name, verification.uid, "-", "Y", "Y"), *sorted(rows, key=_structure_sets_first)],
    )


def _structure_sets_first(row: tuple[str, ...]) -> tuple[bool, str]:
    return row[1] != RT_STRUCTURE_SET_STORAGE, row[0].lower()


def _name(name: str, retired: bool) -> str:
    return f"{name or 'private, of the configuration'}{' (retired)' if retired else ''}"


def transfer_syntax_table(uncompressed: Iterable[str]) -> str:
    """What every storage presentation context accepts, in the order of preference."""
    syntaxes = [named(uid) for uid in accepted_transfer_syntaxes(uncompressed)]
    return table(
        ("", "transfer syntax", "UID"),
        [(str(n), _name(each.name, each.retired), each.uid) for n, each in enumerate(syntaxes, start=1)],
    )


def charset_table() -> str:
    """The defined terms that can be read."""
    readable = [
        (f"`{term}`" if value else term, repertoire)
        for term, repertoire, value in CHARSET_TERMS
        if charset_of(value.encode("ascii")).known
    ]
    return table(("defined term", "character repertoire"), readable)


def scu_status_table(link: Link) -> str:
    """Table 7-42: what is made of each answer of a destination."""
    rows = []
    for each in (*REACTIONS, OTHER):
        outcome, claim = _OUTCOME[each.result]
        shown = link("scu-other" if each is OTHER else claim)
        rows.append((each.service_status, each.meaning, _codes(each), each.source, f"{outcome} {shown}"))
    return table(("service status", "further meaning", "status code", "source", "behaviour"), rows)


def _codes(reaction: Reaction) -> str:
    if reaction is OTHER:
        return "anything else"
    first = f"{reaction.first:04X}"
    return first if reaction.first == reaction.last else f"{first}-{reaction.last:04X}"


def scp_status_table(link: Link) -> str:
    """Table 7-43: when which status is answered. Related fields are not sent."""
    return table(
        (
            "service status",
            "further meaning",
            "status code",
            "related fields",
            "condition",
            "what the sender can do",
        ),
        [
            (
                *(each.service_status, each.meaning, f"{each:04X}", "N/A"),
                f"{each.condition} {link(f'scp-status-{each:04x}')}",
                each.recovery,
            )
            for each in StoreStatus
        ],
    )


_WHEN = {
    Occasion.RENAMED: ("OTHER", "A ROI gets a new name"),
    Occasion.PROVENANCE: (
        "CONFIGURATION",
        "A ROI gets a new name, or a reference a new UID; `write.provenance`",
    ),
    Occasion.CODES: ("CONFIGURATION", "A ROI gets a new name; `write.codes`"),
    Occasion.NEW_UIDS: ("CONFIGURATION", "A ROI gets a new name; `uid_policy: new` of the destination"),
    Occasion.REFERENCES: (
        "CONFIGURATION",
        "The structure set referred to has a new UID at the destination; its `rewrite_references`",
    ),
}


def coercion_table(link: Link) -> str:
    """Table 5-11: every attribute that is written, but for those inside an item that is added."""
    rows = []
    structure_sets = f"RT Structure Set Storage ({RT_STRUCTURE_SET_STORAGE})"
    referring = ", ".join(REFERRING.values())
    classes = {Occasion.REFERENCES: referring, Occasion.PROVENANCE: f"{structure_sets}, {referring}"}
    for each in (*written_attributes(), *written_references()):
        if each.path[0] in _ADDED_SEQUENCES and len(each.path) > 1:
            continue
        condition, comment = _WHEN[each.occasion]
        tags = " > ".join(tag_text(tag) for tag in each.path)
        claim = f"writes-{each.occasion.replace('_', '-')}"
        rows.append(
            (
                *(each.name, tags, classes.get(each.occasion, structure_sets), each.change),
                *(each.value, condition, f"{comment} {link(claim)}"),
            )
        )
    head = ("attribute name", "tag", "SOP class", "type of change", "new value", "condition", "comments")
    return table(head, rows)


_ADDED_SEQUENCES = {each.path[0] for each in written_attributes() if each.occasion is Occasion.PROVENANCE}


def _module_table(attributes: Iterable[WrittenAttribute]) -> str:
    return table(
        ("attribute name", "tag", "VR", "VM", "value", "condition"),
        [
            (each.full_name, each.tag, each.vr, each.vm, each.value, _WHEN[each.occasion][1])
            for each in attributes
        ],
    )


def common_module_table() -> str:
    """What is written into modules that are not of structure sets alone (SOP Common, General Series)."""
    return _module_table(each for each in written_attributes() if each.path[0] >> 16 != 0x3006)


def structure_set_table() -> str:
    """What is written into the modules of RT Structure Set."""
    return _module_table(each for each in written_attributes() if each.path[0] >> 16 == 0x3006)


def references_table() -> str:
    """What is written into plans and doses."""
    return _module_table(written_references())


def purpose() -> str:
    """The code of Purpose of Reference."""
    return f'({PURPOSE.value}, {PURPOSE.scheme}, "{PURPOSE.meaning}")'


def echo_syntaxes() -> str:
    """The transfer syntaxes of Verification as SCP."""
    return ", ".join(f"{named(uid).name} ({uid})" for uid in VERIFICATION_TRANSFER_SYNTAXES)


def left_alone() -> str:
    """Which objects go on referring to the sender's structure set, whatever UID it has at a destination."""
    names = (name.removesuffix(" Storage") for name in LEFT_ALONE.values())
    return f"treatment records and all other classes ({', '.join(names)})"
