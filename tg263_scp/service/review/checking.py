"""What a person asks for, looked at before it is entered: may it be, for how much, and does anything speak for less?"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from tg263_scp.errors import ReviewError
from tg263_scp.naming.query import NamingOptions, Query
from tg263_scp.naming.rules import mappings
from tg263_scp.naming.rules.identifiers import looks_identifying
from tg263_scp.naming.standard.nomenclature import Nomenclature
from tg263_scp.service.review.decisions import (
    ReviewDecision,
    Ruled,
    Scope,
    ScopeKind,
    Standing,
    Wish,
)

MAX_NAME_CHARS = 10_000
MAX_TEXT_CHARS = 2_000


@dataclass(frozen=True, slots=True)
class Seen:
    """The object in front of whoever decides, and the ROI in it; ``identifiers`` are of its patient."""

    scope: Scope
    sender: str = ""
    site: str = ""
    interpreted_type: str = ""
    identifiers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Checked:
    """What would come of a wish.

    ``scope`` is the one it would get; ``narrowed`` says why, where that is narrower than the one asked for. ``proposed`` is one
    that seems wiser, with the reason; the wish may be granted all the same. ``objection`` is why it may not, with its code.
    """

    scope: Scope
    identifying: bool = False
    narrowed: str = ""
    proposed: Scope | None = None
    proposed_why: str = ""
    objection: str = ""
    objection_code: str = ""


def check(
    wish: Wish,
    seen: Seen | None,
    known: Iterable[ReviewDecision],
    nomenclature: Nomenclature,
    options: NamingOptions,
    *,
    differing: Iterable[str] = (),
) -> Checked:
    """Look at a wish; ``seen`` is the object it was made at, ``known`` what was decided about the name before.

    ``differing`` names senders and sites where the name means something else, beside those that decisions speak of.
    """
    site = nomenclature.anatomy.site_called(seen.site if seen else "")
    query = Query(wish.name, seen.interpreted_type if seen else "", site)
    identifying = looks_identifying(wish.name, seen.identifiers if seen else ())
    narrowed = _why_narrower(wish, query, nomenclature, identifying)
    scope = _narrowed(wish.scope, seen) if narrowed else wish.scope
    checked = Checked(scope, identifying, narrowed)
    objection = _objection(wish, query, scope, nomenclature, options, seen)
    if objection is not None:
        return replace(checked, objection=objection[1], objection_code=objection[0])
    if scope.kind is ScopeKind.CLINIC:
        others = [*_other_meanings(wish, known), *differing]
        if others:
            proposed = Scope(ScopeKind.SENDER, seen.sender) if seen and seen.sender else None
            return replace(
                checked, proposed=proposed, proposed_why=f"it has another meaning at {', '.join(others[:5])}"
            )
    return checked


def _why_narrower(wish: Wish, query: Query, nomenclature: Nomenclature, identifying: bool) -> str:
    if wish.scope.kind is ScopeKind.OBJECT:
        return ""
    if identifying:
        return "the name looks like an identifier: it is decided for one object only"
    if wish.ruled is Ruled.RENAME:
        more = mappings.unsaid(query, wish.becomes, nomenclature)
        if more:
            return f"the name does not say the {more}: it is decided for one object only"
    return ""


def _narrowed(scope: Scope, seen: Seen | None) -> Scope:
    return seen.scope if seen is not None else Scope(ScopeKind.OBJECT)


def _objection(
    wish: Wish,
    query: Query,
    scope: Scope,
    nomenclature: Nomenclature,
    options: NamingOptions,
    seen: Seen | None,
) -> tuple[str, str] | None:
    """Return code and sentence of what speaks against it: first what would for every scope."""
    if wish.ruled is not Ruled.RENAME:
        return (
            ("R030", "a name that stays becomes nothing") if wish.becomes else _misplaced(scope, nomenclature)
        )
    no_name = mappings.no_standard_name(wish.becomes, nomenclature)
    if no_name:
        return "R030", f"the new name is {no_name}"
    options = replace(options, identifiers=seen.identifiers if seen else ())
    found = mappings.objection(query, wish.becomes, nomenclature, options, one_object=True)
    if found is None:
        misplaced = _misplaced(scope, nomenclature)
        if misplaced or scope.kind is ScopeKind.OBJECT:
            return misplaced
        found = mappings.objection(query, wish.becomes, nomenclature, options)
    return None if found is None else (found.code, found.text)


def _misplaced(scope: Scope, nomenclature: Nomenclature) -> tuple[str, str] | None:
    if scope.kind is ScopeKind.OBJECT and not (scope.value and scope.version):
        return "scope", "it can be decided for one object only, and no object was named that is still here"
    if scope.kind is ScopeKind.SENDER and not scope.value.strip():
        return "scope", "no sender was named"
    if scope.kind is ScopeKind.SITE and nomenclature.anatomy.site_called(scope.value) != scope.value:
        return "scope", f"no such treatment site: {', '.join(nomenclature.anatomy.sites)}"
    return None


def _other_meanings(wish: Wish, known: Iterable[ReviewDecision]) -> list[str]:
    """Return the senders and sites for which the name was decided to become something else."""
    return [
        decision.scope.value
        for decision in known
        if decision.standing is not Standing.UNDONE
        and decision.scope.kind in (ScopeKind.SENDER, ScopeKind.SITE)
        and (decision.ruled, decision.becomes) != (wish.ruled, wish.becomes)
    ]


def refuse_unfit(wish: Wish) -> None:
    """Refuse what is no wish at all.

    Raises:
        ReviewError: somebody or something is not named, or a text is longer than anybody reads.
    """
    if not wish.by.strip():
        raise ReviewError("empty", "who decides is not said", hint="give a name: the log keeps it")
    if not wish.name.strip():
        raise ReviewError("empty", "there is no name to decide about", hint="an empty name stays as it is")
    if (
        max(len(wish.by), len(wish.why), len(wish.becomes)) > MAX_TEXT_CHARS
        or len(wish.name) > MAX_NAME_CHARS
    ):
        raise ReviewError(
            "empty", "a text is too long", hint=f"a reason has at most {MAX_TEXT_CHARS} characters"
        )


def same_wish(decision: ReviewDecision, wish: Wish, scope: Scope) -> bool:
    """Tell whether a decision is just what is wished."""
    return (decision.ruled, decision.becomes, decision.scope) == (wish.ruled, wish.becomes, scope)
