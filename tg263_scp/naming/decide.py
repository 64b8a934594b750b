"""What becomes of the ROI names of a structure set: the rule table, the cascade, and the way from rules to decisions.

The first proposal that survives the vetoes wins. A proposal that is vetoed is not replaced by a weaker rule's: the name
is left for review, with the proposal beside it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Protocol

from tg263_scp.decision import Candidate, Decision, Reason, Roi, Status, Step
from tg263_scp.naming.llm.choice import Asked, LlmView, llm_choice
from tg263_scp.naming.llm.set_reading import read_set
from tg263_scp.naming.notation.second_look import is_worth_a_look, second_look
from tg263_scp.naming.offering.open_names import with_offers
from tg263_scp.naming.organs.margins import take_margin
from tg263_scp.naming.organs.reading import read_known_words
from tg263_scp.naming.query import NamingOptions, Proposal, Query, Ruling
from tg263_scp.naming.rules import mappings, rules
from tg263_scp.naming.rules.close_match import close_match
from tg263_scp.naming.rules.planning_helpers import helper_prefix, marks_of
from tg263_scp.naming.rules.shortened import shortened
from tg263_scp.naming.rules.sides_by_contours import PlaceOf, check_sides
from tg263_scp.naming.rules.spelling import offers
from tg263_scp.naming.rules.vetoes import VETOES, no_identifier
from tg263_scp.naming.rules.whole_set import (
    doubt_counted_margins,
    doubt_the_other_sex,
    infer_languages,
    infer_site,
    refuse_unwritable,
    settle_clashes,
)
from tg263_scp.naming.standard.nomenclature import Nomenclature
from tg263_scp.naming.words.letters import squeeze

RULES: tuple[tuple[str, rules.Rule], ...] = (
    ("R000", rules.not_for_us),
    ("R010", rules.listed),
    ("R020", rules.compliant),
    ("R030", rules.clinic_mapping),
    ("R040", rules.respelled),
    ("R045", rules.helper),
    ("R050", rules.synonym),
    ("R060", rules.rebuilt),
    ("R070", rules.target),
    ("R075", shortened),
    ("R080", close_match),
)
"""In the order they are asked. Codes are never reused."""

_AS_SHIPPED = NamingOptions()
_SILENT = {code: Step(code, "nothing to say") for code, _ in RULES}
_UNOPPOSED = {code: Step(code, "no objection") for code, _, _ in VETOES}
_MOST_OFFERED = 5
_LONGEST_READ = 256
"""Characters up to which a text is read as a name; a ROI Name has 64 at most (LO, PS3.5 6.2), tables may hold anything."""
_BEFORE_RULINGS = frozenset({"R000", "R010", "R020"})
"""What these rules keep, only a ruling for the one object, or one that never wants the name touched, can speak of."""
_UNSAID = {
    "side": Reason.SIDE_MISSING,
    "margin": Reason.VETO_MARGIN,
    "level": Reason.VETO_NUMBER,
    "number": Reason.VETO_NUMBER,
}
_CODE_OF_UNSAID = {"side": "V010", "margin": "V030", "level": "V020", "number": "V020"}
"""The veto that what a mapping says beyond its name would have met, had the name said something else."""


class Decide(Protocol):
    """Decides the names of one structure set; the answer has the order of ``rois``."""

    def __call__(
        self,
        rois: Sequence[Roi],
        nomenclature: Nomenclature,
        options: NamingOptions,
        *,
        place_of: PlaceOf | None = None,
        llm: LlmView | None = None,
    ) -> tuple[Decision, ...]:
        """Decide; for the arguments see :func:`decide_set`."""


def decide_set(
    rois: Sequence[Roi],
    nomenclature: Nomenclature,
    options: NamingOptions | None = None,
    *,
    site: str = "",
    place_of: PlaceOf | None = None,
    llm: LlmView | None = None,
) -> tuple[Decision, ...]:
    """Decide every name of one structure set together.

    Args:
        rois: the ROIs of the set, in their order.
        nomenclature: the list, the synonym packs and the clinic's overlay.
        options: what the clinic chose.
        site: the treatment site where it is known (``head_and_neck``, ``H&N``, ``prostate`` ...); else it is inferred.
        place_of: gives the place of the ROI at an index of ``rois`` in the body, asked only for names with a side at stake.
        llm: gives the choices of a language model for names that the rules leave for review.

    Returns:
        One decision per ROI, in the order of ``rois``; the same for every order of the same ROIs.
    """
    options = options or _AS_SHIPPED
    options = _without_shared_prefix(rois, options, nomenclature)
    site = nomenclature.anatomy.site_called(site)
    looked = _decide_together(rois, nomenclature, options, site, frozenset())
    inferred_site = site or infer_site(looked, nomenclature)
    languages = infer_languages([proposal for _, proposal in looked])
    if inferred_site != site or languages:
        looked = _decide_together(rois, nomenclature, options, inferred_site, languages)
    decisions = [decision for decision, _ in looked]
    spoken = languages or frozenset(options.languages)
    queries = [_query(roi.name, roi.interpreted_type, inferred_site, spoken) for roi in rois]
    if llm is not None:
        decisions = _read_by_model(rois, queries, decisions, nomenclature, options, llm, place_of)
    if place_of is not None:
        decisions = check_sides(decisions, nomenclature, place_of)
    decisions = doubt_counted_margins(doubt_the_other_sex(decisions, nomenclature), nomenclature)
    settled = settle_clashes(refuse_unwritable(decisions, rois))
    beginnings = [
        q if len(q.name) <= _LONGEST_READ else replace(q, name=q.name[:_LONGEST_READ]) for q in queries
    ]
    offered = with_offers(settled, beginnings, nomenclature)
    return tuple(d if d.site == inferred_site else replace(d, site=inferred_site) for d in offered)


def _without_shared_prefix(
    rois: Sequence[Roi], options: NamingOptions, nomenclature: Nomenclature
) -> NamingOptions:
    """Let no prefix tell a helper where half of the names have one: then it is the set's, and tells nothing."""
    if len(rois) < 2:
        return options
    sorted_out = sum(bool(helper_prefix(roi.name, nomenclature.lexicon)) for roi in rois)
    if sorted_out > 1 and 2 * sorted_out >= len(rois):
        return replace(options, prefixes_tell=False)
    return options


def decide(
    name: str,
    nomenclature: Nomenclature,
    options: NamingOptions | None = None,
    *,
    site: str = "",
    interpreted_type: str = "",
) -> Decision:
    """Decide one name alone, as if it were a structure set of one."""
    return decide_set([Roi(0, name, interpreted_type)], nomenclature, options, site=site)[0]


def _decide_together(
    rois: Sequence[Roi],
    nomenclature: Nomenclature,
    options: NamingOptions,
    site: str,
    languages: frozenset[str],
) -> list[tuple[Decision, Proposal | None]]:
    """Decide every name alone, then those that are left for review once more in the light of the others."""
    known_of_patient = options.identifiers or options.ruling_on is not None
    for_anybody = replace(options, identifiers=(), ruling_on=None) if known_of_patient else options

    spoken = languages or frozenset(options.languages)

    def alone(roi: Roi, own: NamingOptions) -> tuple[Decision, Proposal | None]:
        query = _query(roi.name, roi.interpreted_type, site, spoken)
        return _decide_one(roi, query, nomenclature, own, for_anybody)

    first = [alone(roi, options) for roi in rois]
    if len(rois) < 2 or not any(is_worth_a_look(decision) for decision, _ in first):
        return first

    as_read = replace(options, ruling_on=None)  # people decided about names as they are written

    def read(index: int, text: str) -> tuple[Decision, Proposal | None]:
        return alone(replace(rois[index], name=text), as_read)

    def objection(query: Query, proposal: Proposal) -> str:
        return _objection(query, proposal, nomenclature, for_anybody)

    looked = second_look(
        rois,
        first,
        nomenclature,
        site=site,
        languages=languages,
        read=read,
        objection=objection,
        share=options.notation_share,
        pairs=options.notation_pairs,
    )
    return [before if before[0].ruling else after for before, after in zip(first, looked, strict=True)]


@lru_cache(maxsize=16384)
def _objection(query: Query, proposal: Proposal, nomenclature: Nomenclature, options: NamingOptions) -> str:
    """Return what the first veto has against a proposal; empty where none objects. Remembered, but never for whom."""
    found = (veto(query, proposal, nomenclature, options) for _, _, veto in VETOES)
    return next(filter(None, found), "")


def _decide_one(
    roi: Roi,
    query: Query,
    nomenclature: Nomenclature,
    options: NamingOptions,
    for_anybody: NamingOptions,
) -> tuple[Decision, Proposal | None]:
    """Decide one name; ``for_anybody`` are the options without what is known of the patient and of rulings."""
    if not roi.readable:
        note = "its bytes have no certain meaning in the declared character set"
        return Decision(roi.name, Status.REVIEW, roi.name, "R000", Reason.UNREADABLE, note=note), None
    if len(roi.name) > _LONGEST_READ:
        note = f"longer than {_LONGEST_READ} characters: no name"
        return Decision(roi.name, Status.REVIEW, roi.name, "R080", Reason.UNMATCHED, note=note), None
    decision, proposal = _cascade(query, nomenclature, for_anybody)
    ruling = None
    if options.ruling_on is not None:
        ruling = options.ruling_on(roi.name, roi.number, nomenclature.anatomy.nearest_first(query.site))
    if ruling is not None and (
        ruling.one_object or ruling.never_touch or decision.rule not in _BEFORE_RULINGS
    ):
        return _ruled(query, ruling, decision, nomenclature, options), proposal
    if proposal is not None and decision.status is Status.RENAME:
        objection = no_identifier(query, proposal, nomenclature, options)
        if objection:
            return _objected(
                query, proposal, "V060", Reason.VETO_IDENTIFIER, objection, decision.trail
            ), proposal
    return decision, proposal


def _ruled(
    query: Query, ruling: Ruling, without: Decision, nomenclature: Nomenclature, options: NamingOptions
) -> Decision:
    """Do what people decided about a name, unless a veto objects; ``without`` is what the rules alone would have done."""
    proposal = _proposal_of(ruling, without, nomenclature)
    trail = [*without.trail, Step(proposal.rule, _said(proposal), ruling.source)]
    for said in _checked(query, ruling, nomenclature, options):
        trail.append(Step(said.code, said.text or "no objection"))
        if said.text:
            decision = _objected(query, proposal, said.code, said.reason, said.text, trail)
            break
    else:
        status = Status.KEEP if ruling.becomes in ("", query.name) else Status.RENAME
        decision = _decision(query, proposal, status, trail)
    others = [each for each in without.candidates if each.name != ruling.becomes]
    return replace(decision, ruling=ruling.id, candidates=(*decision.candidates, *others)[:_MOST_OFFERED])


def _proposal_of(ruling: Ruling, without: Decision, nomenclature: Nomenclature) -> Proposal:
    note, evidence = f"decided in review ({ruling.id})", (ruling.source,)
    reason = Reason.DECIDED_HERE if ruling.one_object else Reason.DECIDED
    if ruling.becomes:
        return replace(
            mappings.mapped(ruling.becomes, nomenclature), reason=reason, note=note, evidence=evidence
        )
    rule = "R030"
    if ruling.never_touch:
        rule, reason = "R000", Reason.CLINIC_KEEPS
    return Proposal(
        rule, Status.KEEP, reason, confidence=1.0, kind=without.kind, note=note, evidence=evidence
    )


def _checked(
    query: Query, ruling: Ruling, nomenclature: Nomenclature, options: NamingOptions
) -> Iterator[mappings.Objection]:
    """Ask again, at every use, what was asked when it was decided: lists and rules change, and names of patients differ."""
    if not ruling.becomes:
        return
    no_name = mappings.no_standard_name(ruling.becomes, nomenclature)
    if no_name:
        yield mappings.Objection("R030", Reason.NO_STANDARD_NAME, f"what was decided is {no_name}")
    more = "" if ruling.one_object else mappings.unsaid(query, ruling.becomes, nomenclature)
    if more:
        yield mappings.Objection("R030", _UNSAID[more], f"the name does not say the {more} that was decided")
    yield from mappings.vetoes_on(query, ruling.becomes, nomenclature, options, one_object=ruling.one_object)


@lru_cache(maxsize=16384)
def _query(name: str, interpreted_type: str, site: str, languages: frozenset[str]) -> Query:
    """Return the question about a name, which then is cut into words only once."""
    return Query(name, interpreted_type, site, languages)


def _read_by_model(
    rois: Sequence[Roi],
    queries: Sequence[Query],
    decisions: Sequence[Decision],
    nomenclature: Nomenclature,
    options: NamingOptions,
    llm: LlmView,
    place_of: PlaceOf | None,
) -> list[Decision]:
    """Ask the model about all names that the rules left for review, and let its readings pass the vetoes (R090)."""
    found = list(decisions)
    # A name that people decided about is theirs, also where a veto stopped what they decided.
    readable = [at for at, roi in enumerate(rois) if roi.readable and not decisions[at].ruling]
    for at, said in read_set(readable, queries, decisions, nomenclature, options, llm, place_of).items():
        decision = replace(
            decisions[at], question=said.question, choice=said.asked.choice if said.asked else None
        )
        if said.asked is None:
            found[at] = _with_step(decision, said.why_not)
        else:
            found[at] = _chosen(queries[at], decision, said.asked, nomenclature, options)
    return found


def _chosen(
    query: Query, decision: Decision, asked: Asked, nomenclature: Nomenclature, options: NamingOptions
) -> Decision:
    """Return what becomes of a name that the model has read."""
    proposal = llm_choice(query, asked, nomenclature)
    if proposal is None:
        return _with_step(decision, f"none of {len(asked.name.options)} structures; {asked.choice.said}")
    evidence = proposal.evidence[0] if proposal.evidence else None
    trail = [*decision.trail, Step("R090", _said(proposal), evidence)]
    settled = _vetoed(query, proposal, nomenclature, options, trail)
    offered = (Candidate(proposal.name, proposal.confidence),) if proposal.name else ()
    others = [c for c in (*settled.candidates, *decision.candidates) if c.name != proposal.name]
    return replace(
        settled,
        question=decision.question,
        choice=asked.choice,
        candidates=(*offered, *others)[:_MOST_OFFERED],
    )


def _with_step(decision: Decision, note: str) -> Decision:
    return replace(decision, trail=(*decision.trail, Step("R090", note)))


@lru_cache(maxsize=16384)
def _cascade(
    query: Query, nomenclature: Nomenclature, options: NamingOptions
) -> tuple[Decision, Proposal | None]:
    """Ask the rules in their order; names repeat from set to set, so answers are remembered (but never for whom)."""
    trail: list[Step] = []
    for code, rule in RULES:
        proposal = rule(query, nomenclature, options)
        if proposal is None:
            trail.append(_SILENT[code])
            continue
        trail.append(Step(code, _said(proposal), proposal.evidence[0] if proposal.evidence else None))
        return _vetoed(query, proposal, nomenclature, options, trail), proposal
    return _unmatched(query, nomenclature, tuple(trail)), None


def _unmatched(query: Query, nomenclature: Nomenclature, trail: tuple[Step, ...]) -> Decision:
    """Leave a name that no rule knows for review, with what its known words alone would be, or what it looks like."""
    part = read_known_words(query, nomenclature)
    offered = tuple(Candidate(name, 0.5) for name in part.names)
    offered += tuple(
        Candidate(n, round(s, 3)) for n, s in offers(query.name, nomenclature) if n not in part.names
    )
    reason, note = _why_unmatched(query, bool(part.names), nomenclature)
    return Decision(
        query.name,
        Status.REVIEW,
        query.name,
        "R080",
        reason,
        trail=trail,
        candidates=offered[:_MOST_OFFERED],
        note=note,
        site=query.site,
    )


def _why_unmatched(query: Query, in_part: bool, nomenclature: Nomenclature) -> tuple[Reason, str]:
    """Say why no rule knows a name; ``in_part`` tells that its known words alone are one."""
    margin, _ = take_margin(query.words, nomenclature.lexicon)
    if margin is not None and not margin.valid:
        return (
            Reason.MARGIN_UNCLEAR,
            "not one length of 1 to 50 whole millimetres, with a clear sign and unit",
        )
    remark = marks_of(query.words, nomenclature.lexicon).get("copy")
    if remark:
        why = nomenclature.lexicon.remarks.get(squeeze(remark), "")
        return Reason.REMARK, f"'{remark}': {why}" if why else f"'{remark}'"
    if in_part:
        return (
            Reason.PART_UNKNOWN,
            "part of the name is not understood: a number, a copy, a version, initials?",
        )
    return Reason.UNMATCHED, "no rule knows it"


def _said(proposal: Proposal) -> str:
    outcome = (
        f"{proposal.status}: {proposal.name}" if proposal.name else f"{proposal.status} ({proposal.reason})"
    )
    return f"{outcome}; {proposal.note}" if proposal.note else outcome


def _vetoed(
    query: Query, proposal: Proposal, nomenclature: Nomenclature, options: NamingOptions, trail: list[Step]
) -> Decision:
    if proposal.status is Status.RENAME and proposal.name == query.name:
        return _decision(query, proposal, Status.KEEP, trail)
    if proposal.status is Status.RENAME:
        for code, reason, veto in VETOES:
            objection = veto(query, proposal, nomenclature, options)
            trail.append(Step(code, objection) if objection else _UNOPPOSED[code])
            if objection:
                return _objected(query, proposal, code, reason, objection, trail)
        more = mappings.unsaid(query, proposal.name, nomenclature) if proposal.rule == "R030" else ""
        if more:
            note = f"the mapping says a {more} that the name does not"
            return _objected(query, proposal, _CODE_OF_UNSAID[more], _UNSAID[more], note, trail)
    return _decision(query, proposal, proposal.status, trail)


def _objected(
    query: Query, proposal: Proposal, code: str, reason: Reason, objection: str, trail: Sequence[Step]
) -> Decision:
    return Decision(
        original=query.name,
        status=Status.REVIEW,
        name=query.name,
        rule=code,
        reason=reason,
        kind=proposal.kind,
        evidence=proposal.evidence,
        trail=tuple(trail),
        candidates=(Candidate(proposal.name, proposal.confidence), *proposal.candidates),
        note=objection,
        site=query.site,
    )


def _decision(query: Query, proposal: Proposal, status: Status, trail: list[Step]) -> Decision:
    return Decision(
        original=query.name,
        status=status,
        name=proposal.name if status is Status.RENAME else query.name,
        rule=proposal.rule,
        reason=proposal.reason,
        confidence=proposal.confidence,
        kind=proposal.kind,
        evidence=proposal.evidence,
        trail=tuple(trail),
        candidates=proposal.candidates,
        note=proposal.note,
        doubt=proposal.doubt,
        site=query.site,
    )
