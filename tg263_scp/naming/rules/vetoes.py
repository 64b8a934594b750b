"""Vetoes: what no proposal may do, whichever rule made it.

They look at the two names alone, not at the way the rule took, so that a mistake in a rule is caught by other means.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from tg263_scp.decision import Kind, Reason
from tg263_scp.naming.query import NamingOptions, Proposal, Query
from tg263_scp.naming.rules.identifiers import repeats_identifier
from tg263_scp.naming.standard import grammar
from tg263_scp.naming.standard.grammar import DerivedName, OrganName, TargetName
from tg263_scp.naming.standard.nomenclature import Nomenclature
from tg263_scp.naming.targets.filling import type_tokens
from tg263_scp.naming.words.letters import fold, squeeze

ROMAN = {
    "i": 1,
    "ii": 2,
    "iii": 3,
    "iv": 4,
    "v": 5,
    "vi": 6,
    "vii": 7,
    "viii": 8,
    "ix": 9,
    "x": 10,
    "xi": 11,
    "xii": 12,
}
Veto = Callable[[Query, Proposal, Nomenclature, NamingOptions], str]


def sides_of(name: str, nomenclature: Nomenclature) -> set[str]:
    """Return the sides (``L``, ``R``) that a TG-263 name states, by itself or by a part that lies on one."""
    found = set()
    for token in re.split(r"[_^-]", name):
        token = token.rstrip("~")
        if token in ("L", "R"):
            found.add(token)
        elif token in nomenclature.anatomy.sides_of_parts:
            found.add(nomenclature.anatomy.sides_of_parts[token])
    return found


def side_kept(query: Query, proposal: Proposal, nomenclature: Nomenclature, options: NamingOptions) -> str:
    """V010: a side that everyone reads (left, lt, R ...) stays, and none appears against it."""
    written = set()
    for token in (*query.words, *query.camel_words):
        meanings = nomenclature.lexicon.sides.get(token.text, {})
        if len(token.text) > 1 and "en" in meanings and meanings["en"] in ("L", "R"):
            written.add(meanings["en"])
    given = sides_of(proposal.name, nomenclature)
    if len(given) > 1 and len(written) < 2:
        return "the new name holds both sides"
    if len(written) == 1 and given and given != written:
        return "the new name has the other side"
    return ""


def numbers_kept(query: Query, proposal: Proposal, nomenclature: Nomenclature, options: NamingOptions) -> str:
    """V020: every number of the old name is in the new one (in cGy, mm or as a Roman numeral), and no other.

    A number that the whole set shows to be a rank or a copy (S050, S070) is none of the name; the step says which.
    """
    old = [float(token.text) for token in query.words if token.is_number]
    for rank in query.ranks:
        if float(rank) in old:
            old.remove(float(rank))
    entry = nomenclature.entries.get(proposal.name.partition("-")[0])
    if entry and entry.plural_of and query.words[0].text == "2":
        old = old[1:]  # '2 poumons' are both lungs
    for structure, number in nomenclature.anatomy.numbers_in_words.items():
        if proposal.name.startswith(structure) and number in old:
            old.remove(number)
    new = [float(text) for text in re.findall(r"\d+(?:\.\d+)?", proposal.name.replace("p", "."))]
    new += [float(dose) * int(count) for dose, count in re.findall(r"(\d+)x(\d+)", proposal.name)]
    roman = [float(ROMAN[t]) for t in re.split(r"[^a-z]+", fold(proposal.name)) if t in ROMAN]
    roman += [
        float(ROMAN[t[:-1]])
        for t in re.split(r"[^a-z]+", fold(proposal.name))
        if t[:-1] in ROMAN and t[-1] in "abc"
    ]
    for number in old:
        if not any(
            abs(number * factor - other) < 1e-6 for factor in (1, 10, 100) for other in (*new, *roman)
        ):
            return "a number of the old name is not in the new one"
    if (
        new
        and not old
        and not any(t.text in ROMAN or t.is_number for t in query.words)
        and proposal.kind is Kind.TARGET
    ):
        return "the new name holds a number that the old one lacks"
    return ""


def margin_kept(query: Query, proposal: Proposal, nomenclature: Nomenclature, options: NamingOptions) -> str:
    """V030: a PRV stays a PRV, and nothing becomes one that does not say so."""
    said = "prv" in squeeze(query.name)
    grown = any(token.text in nomenclature.lexicon.usage.grown_words for token in query.camel_words)
    given = "_PRV" in proposal.name
    if said and not given:
        return "the old name is a PRV, the new one is not"
    if given and not (said or grown) and not any(token.is_number for token in query.words):
        return "the new name is a PRV, the old one says nothing of it"
    return ""


def kind_kept(query: Query, proposal: Proposal, nomenclature: Nomenclature, options: NamingOptions) -> str:
    """V040: a target stays a target and an organ an organ; the worksheet's own ``Colon_PTVxx`` is known to be a PRV."""
    if proposal.reason is Reason.WORKSHEET_ERROR:
        return ""
    _, types = type_tokens(query, nomenclature.lexicon)
    parsed = grammar.parse(proposal.name, nomenclature)
    if types and isinstance(parsed, OrganName):
        return "the old name is a target, the new one an organ"
    if not types and isinstance(parsed, TargetName | DerivedName):
        return "the new name is a target, the old one is not"
    return ""


def short_enough(query: Query, proposal: Proposal, nomenclature: Nomenclature, options: NamingOptions) -> str:
    """V050: at most 16 characters (principle N1)."""
    return "" if 0 < len(proposal.name) <= grammar.MAX_LENGTH else "the new name does not fit 16 characters"


def no_identifier(
    query: Query, proposal: Proposal, nomenclature: Nomenclature, options: NamingOptions
) -> str:
    """V060: the new name repeats nothing that identifies the patient."""
    if proposal.name in nomenclature.entries:
        return ""
    if repeats_identifier(proposal.name.partition("^")[2], options.identifiers):
        return "the new name would repeat an identifier of the patient"
    return ""


def type_agrees(query: Query, proposal: Proposal, nomenclature: Nomenclature, options: NamingOptions) -> str:
    """V070: an ROI whose interpreted type is a target is not renamed to an organ, unless only the spelling changes."""
    if query.interpreted_type.upper() not in nomenclature.anatomy.interpreted_types.target:
        return ""
    if not isinstance(grammar.parse(proposal.name, nomenclature), OrganName):
        return ""
    if squeeze(query.name) == squeeze(proposal.name):
        return ""
    return "the ROI Interpreted Type is a target, the name an organ"


VETOES: tuple[tuple[str, Reason, Veto], ...] = (
    ("V010", Reason.VETO_SIDE, side_kept),
    ("V020", Reason.VETO_NUMBER, numbers_kept),
    ("V030", Reason.VETO_MARGIN, margin_kept),
    ("V040", Reason.VETO_KIND, kind_kept),
    ("V050", Reason.VETO_LENGTH, short_enough),
    ("V060", Reason.VETO_IDENTIFIER, no_identifier),
    ("V070", Reason.VETO_TYPE, type_agrees),
)
"""In the order they are asked; the first that objects sends the name to review."""
