"""A mapping that people made, checked: a line of a clinic's overlay, or what was decided about a name in review.

Three questions: is what it becomes a TG-263 name at all; does it say more than the name does; does a veto object?
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from tg263_scp.decision import Kind, Reason, Status
from tg263_scp.naming.organs.reading import Finding, read_organ
from tg263_scp.naming.query import NamingOptions, Proposal, Query
from tg263_scp.naming.rules.identifiers import looks_identifying
from tg263_scp.naming.rules.spelling import offers
from tg263_scp.naming.rules.vetoes import ROMAN, VETOES, sides_of
from tg263_scp.naming.standard import grammar
from tg263_scp.naming.standard.grammar import DerivedName, LiteralName, OrganName, TargetName
from tg263_scp.naming.standard.nomenclature import Nomenclature
from tg263_scp.naming.words.letters import fold, squeeze

WAIVED_FOR_ONE_OBJECT = frozenset({"V020", "V030"})
"""Vetoes that compare numbers and margins of the two names. Whoever has the one object in front of them may say what its name
does not; for names of their kind nobody can."""
_CM_AND_GY = (1, 10, 100)
_LEVEL = re.compile(r"([ivx]+)[abc]?")


@dataclass(frozen=True, slots=True)
class Objection:
    """What a veto has against a mapping: its code, the reason code, and the sentence; empty where it has nothing."""

    code: str
    reason: Reason
    text: str


def no_standard_name(becomes: str, nomenclature: Nomenclature) -> str:
    """Say why a text is no TG-263 name, with the nearest one; empty for one that is listed or built by the grammar."""
    if grammar.parse(becomes, nomenclature) is not None:
        return ""
    if len(becomes) > grammar.MAX_LENGTH:
        return f"longer than {grammar.MAX_LENGTH} characters"
    near = [name for name, _ in offers(becomes, nomenclature, 3) if name in nomenclature.entries]
    meant = f"; did you mean {near[0]}?" if near else ""
    return f"neither a name of the TG-263 list nor built by its grammar{meant}"


def unsaid(query: Query, becomes: str, nomenclature: Nomenclature) -> str:
    """Return what the new name says and the old one does not: ``side``, ``margin``, ``level`` or ``number``; else nothing.

    Such a mapping is right for the object somebody looked at, and for no other: the next ``kidney`` is the other one.
    """
    if _says_a_side(query, becomes, nomenclature):
        return "side"
    old = [float(token.text) for token in query.words if token.is_number]
    said = {round(number * factor, 6) for number in old for factor in _CM_AND_GY}
    words = {token.text for token in (*query.words, *query.camel_words)}
    said |= {float(ROMAN[word]) for word in words if word in ROMAN}
    if "_PRV" in becomes and "prv" not in squeeze(query.name) and not old:
        return "margin"
    new = re.findall(r"\d+(?:\.\d+)?", becomes.replace("p", "."))
    if any(float(number) not in said for number in new):
        return "margin" if "_PRV" in becomes else "level" if becomes.startswith(("LN_", "VB_")) else "number"
    if becomes.startswith("LN_") and not _levels(becomes) <= words | {fold(query.name)}:
        return "level"
    return ""


def _says_a_side(query: Query, becomes: str, nomenclature: Nomenclature) -> bool:
    given = sides_of(becomes, nomenclature)
    entry = nomenclature.entries.get(becomes)
    if entry is not None and entry.plural_of:
        # Both lungs: not what a name means that the rules read as one of two.
        return read_organ(query, nomenclature).finding is Finding.SIDE_MISSING
    written: set[str] = set()
    for token in (*query.words, *query.camel_words):
        written.update(nomenclature.lexicon.sides.get(token.text, {}).values())
        written |= {token.text.upper()} & {"L", "R"}
        if token.text.upper() in nomenclature.anatomy.sides_of_parts:
            written.add(nomenclature.anatomy.sides_of_parts[token.text.upper()])
    return not given <= written


def _levels(becomes: str) -> set[str]:
    """Return the Roman levels that a lymph node's name states: ``iii`` of ``LN_Neck_III_L``."""
    tokens = (fold(token) for token in becomes.split("_")[1:])
    found = (token for token in tokens if (match := _LEVEL.fullmatch(token)) and match[1] in ROMAN)
    return set(found)


def vetoes_on(
    query: Query,
    becomes: str,
    nomenclature: Nomenclature,
    options: NamingOptions,
    *,
    one_object: bool = False,
) -> Iterator[Objection]:
    """Yield what each veto says of a mapping, an empty text where it has nothing against it.

    ``one_object`` is a mapping that holds for the object it was made for: what its name does not say may be said then.
    """
    proposal = mapped(becomes, nomenclature)
    for code, reason, veto in VETOES:
        if not (one_object and code in WAIVED_FOR_ONE_OBJECT):
            yield Objection(code, reason, veto(query, proposal, nomenclature, options))
    # A name that is not for dose may hold any text, which V060 does not look at.
    if proposal.kind is Kind.PLANNING and looks_identifying(becomes, options.identifiers):
        yield Objection("V060", Reason.VETO_IDENTIFIER, "the new name would repeat an identifier")


def objection(
    query: Query,
    becomes: str,
    nomenclature: Nomenclature,
    options: NamingOptions,
    *,
    one_object: bool = False,
) -> Objection | None:
    """Return what the first veto has against a mapping; None where none objects. See :func:`vetoes_on`."""
    said = vetoes_on(query, becomes, nomenclature, options, one_object=one_object)
    return next((each for each in said if each.text), None)


def mapped(becomes: str, nomenclature: Nomenclature) -> Proposal:
    """Return the proposal of R030 that gives a name."""
    kind = _kind_of(becomes, nomenclature)
    return Proposal("R030", Status.RENAME, Reason.OVERLAY, becomes, 1.0, kind)


def _kind_of(becomes: str, nomenclature: Nomenclature) -> Kind:
    parsed = grammar.parse(becomes, nomenclature)
    if isinstance(parsed, TargetName):
        return Kind.TARGET
    if isinstance(parsed, DerivedName):
        return Kind.DERIVED
    if isinstance(parsed, OrganName):
        return Kind.ORGAN if parsed.margin is None else Kind.PRV
    return Kind.PLANNING if isinstance(parsed, LiteralName) and parsed.not_for_dose else Kind.UNKNOWN
