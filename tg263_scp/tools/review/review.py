"""``review``: the names that wait for somebody, what people decide about them, and what becomes of that.

Works beside a running node, which takes decisions up at its next look, and without one for an archive: with its manifest, and a
configuration that says in which folder the decisions are (``review.folder``).
"""

from __future__ import annotations

import getpass
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from tg263_scp.config.loading import load_config
from tg263_scp.durable import whole_file
from tg263_scp.errors import ReviewError, Tg263Error
from tg263_scp.naming.standard.loading import load_nomenclature
from tg263_scp.service.review.applying import ApplyPlan
from tg263_scp.service.review.decisions import Ruled, Scope, ScopeKind, Wish
from tg263_scp.service.review.impact import Impact
from tg263_scp.service.review.review import Review, open_review
from tg263_scp.tools.review import tables
from tg263_scp.tools.review.manifests import objects_of_manifest
from tg263_scp.tools.shared.exitcode import ExitCode, UsageError
from tg263_scp.tools.shared.terminal import complain, confirmed, open_console, print_json, say


@dataclass(frozen=True, slots=True)
class WishOptions:
    """The options of ``review decide`` and ``review impact`` that make a wish."""

    name: str
    becomes: str
    keep: bool
    never: bool
    clinic: bool
    sender: str
    site: str
    job: int | None
    file: Path | None
    roi: int | None
    by: str
    why: str
    instead_of: str

    def wish(self, review: Review) -> Wish:
        """Return the wish; its evidence is what the list shows of the name now.

        Raises:
            UsageError: it does not say what the name becomes, or for whom.
        """
        said = [bool(self.becomes), self.keep, self.never]
        if said.count(True) != 1:
            raise UsageError("say what becomes of the name", hint="--becomes NAME, --keep or --never")
        ruled = Ruled.RENAME if self.becomes else Ruled.KEEP if self.keep else Ruled.NEVER
        shown = review.find(self.name)
        return Wish(
            self.name,
            ruled,
            self._scope(),
            self.by or getpass.getuser(),
            becomes=self.becomes,
            why=self.why,
            evidence=tables.as_evidence(shown) if shown else {},
            instead_of=self.instead_of,
            job=self.job,
            file=self.file,
        )

    def _scope(self) -> Scope:
        wider = [
            *([Scope(ScopeKind.CLINIC)] if self.clinic else []),
            *([Scope(ScopeKind.SENDER, _sender(self.sender))] if self.sender else []),
            *([Scope(ScopeKind.SITE, self.site)] if self.site else []),
        ]
        if len(wider) > 1:
            raise UsageError(
                "a decision is for one scope", hint="--clinic, --sender or --site, not two of them"
            )
        if wider:
            return wider[0]
        if self.job is None and self.file is None:
            raise UsageError(
                "say for whom it is decided",
                hint="--job or --file for one object, --sender, --site, or --clinic",
            )
        return Scope(ScopeKind.OBJECT, roi=self.roi)


def _sender(text: str) -> str:
    """An AE title may be given as it is; manufacturer, model and station are told apart by their bars."""
    return text if text.startswith("AE ") or "|" in text else f"AE {text}"


def list_names(
    site: str,
    sender: str,
    since: str,
    status: str,
    manifests: Sequence[Path],
    config: Path,
    as_json: bool,
) -> ExitCode:
    """The verb ``review list``."""
    review = _opened(config, manifests)
    names = review.open_names(site=site, sender=sender, since=since, status=status)
    if as_json:
        print_json([each.as_json() for each in names])
    else:
        tables.show_names(names, review, open_console())
    return ExitCode.FINDINGS if any(each.status == "open" for each in names) else ExitCode.DONE


def show_name(name: str, manifests: Sequence[Path], config: Path, as_json: bool) -> ExitCode:
    """The verb ``review show``."""
    review = _opened(config, manifests)
    found = review.find(name)
    decided = review.decided_about(name)
    if as_json:
        told = {} if found is None else found.as_json()
        print_json({**told, "decisions": [asdict(each) for each in decided]})
    elif found is None and not decided:
        raise UsageError("that name does not wait, and nothing was decided about it", hint="`review list`")
    else:
        tables.show_name(name, found, decided, review, open_console())
    return ExitCode.DONE


def decide_name(order: WishOptions, yes: bool, config: Path, as_json: bool) -> ExitCode:
    """The verb ``review decide``: what is for the whole clinic shows its impact first."""
    review = open_review(config)
    wish = order.wish(review)
    checked = review.check(wish)
    if checked.narrowed:
        complain(checked.narrowed)
    if checked.proposed_why:
        narrower = f": --sender '{checked.proposed.value}'" if checked.proposed else ""
        complain(f"{checked.proposed_why}; a narrower scope is wiser{narrower}")
    if checked.scope.kind is ScopeKind.CLINIC and not checked.objection and not yes:
        _show_impact(review.impact(wish), as_json=False)
        _confirm("decide this for the whole clinic")
    decision = review.decide(wish)
    if as_json:
        print_json(asdict(decision))
    else:
        say(f"{decision.id}: {tables.scope_words(decision.scope)}, it {decision.said}")
        if decision.standing == "waiting":
            say(f"it counts when somebody else has approved it: `review approve {decision.id}`")
    return ExitCode.DONE


def approve_decision(ids: Sequence[str], by: str, why: str, config: Path) -> ExitCode:
    """The verb ``review approve``."""
    review = open_review(config)
    for id in ids:
        decision = review.approve(id, by=by or getpass.getuser(), why=why)
        say(f"{decision.id} counts from now on")
    return ExitCode.DONE


def undo_decision(id: str, by: str, why: str, config: Path) -> ExitCode:
    """The verb ``review undo``."""
    decision = open_review(config).undo(id, by=by or getpass.getuser(), why=why)
    say(f"{decision.id} no longer counts; objects that were decided with it: `review impact --undo {id}`")
    return ExitCode.DONE


def show_log(config: Path, as_json: bool) -> ExitCode:
    """The verb ``review log``."""
    entries = open_review(config).log()
    if as_json:
        print_json([asdict(entry) for entry in entries])
    else:
        tables.show_log(entries, open_console())
    return ExitCode.DONE


def show_impact(order: WishOptions, undo: str, config: Path, as_json: bool) -> ExitCode:
    """The verb ``review impact``."""
    review = open_review(config)
    if bool(undo) == bool(order.name):
        raise UsageError("say what the impact is of", hint="a name with what becomes of it, or --undo ID")
    _show_impact(review.impact(undo or order.wish(review)), as_json=as_json)
    return ExitCode.DONE


def _show_impact(impact: Impact, *, as_json: bool) -> None:
    if as_json:
        print_json(asdict(impact))
    else:
        tables.show_impact(impact, open_console())


def apply_decisions(
    jobs: Sequence[int], held: bool, sent: bool, approved: bool, yes: bool, by: str, config: Path
) -> ExitCode:
    """The verb ``review apply``: objects are decided anew with what was decided since; says where they go, and asks."""
    if not (jobs or held or sent):
        raise UsageError("say which objects", hint="give job numbers, --held or --sent")
    review = open_review(config)
    plan = review.plan(held=held, sent=sent, jobs=jobs, approved=approved)
    tables.show_plan(plan, open_console())
    if not plan.jobs:
        return ExitCode.FINDINGS if plan.refused else ExitCode.DONE
    if _sends(plan):
        say("A planning system that has the object may still show the old names.")
        if not yes:
            _confirm("send these objects again")
    done = review.apply(plan, by=by or getpass.getuser())
    for job, why in done.refused:
        complain(f"job {job}: {why}")
    say(f"{len(done.begun)} of {len(plan.jobs)} objects are decided anew")
    return ExitCode.FINDINGS if done.refused or plan.refused else ExitCode.DONE


def _sends(plan: ApplyPlan) -> bool:
    return any(each.destinations for each in plan.jobs)


def export_decisions(file: Path, config: Path) -> ExitCode:
    """The verb ``review export``: the decisions for the whole clinic or a site, as an overlay."""
    exported = open_review(config).export()
    try:
        with whole_file(file) as (target, _):
            target.write(exported.text.encode())
    except OSError as problem:
        raise Tg263Error(
            f"{file} cannot be written: {problem.strerror}", hint="a file that exists is not overwritten"
        ) from problem
    say(f"{file}: {exported.written} decisions")
    if exported.left_out:
        say(f"{exported.left_out} are for one object or one sender: an overlay cannot say that")
    return ExitCode.DONE


def import_proposals(file: Path, by: str, config: Path) -> ExitCode:
    """The verb ``review import``: an overlay of another clinic, each line a proposal that somebody has to approve."""
    imported = open_review(config).import_overlay(file, by=by or getpass.getuser())
    for where, why in imported.refused:
        complain(f"{where}: {why}")
    say(
        f"{len(imported.proposals)} proposals: `review list --status waiting`, `review log`, `review approve`"
    )
    return ExitCode.FINDINGS if imported.refused else ExitCode.DONE


def _opened(config: Path, manifests: Sequence[Path]) -> Review:
    if not manifests:
        return open_review(config)
    settings = load_config(config)
    archive = [seen for file in manifests for seen in objects_of_manifest(file)]
    return Review(
        settings,
        load_nomenclature(
            overlay=settings.naming.overlay, compiled=True, languages=settings.naming.languages
        ),
        archive,
    )


def _confirm(what: str) -> None:
    """Ask whoever sits there; a script has to say ``--yes``.

    Raises:
        UsageError: nobody sits there.
        ReviewError: the answer is no.
    """
    answer = confirmed(what)
    if answer is None:
        raise UsageError(f"the terminal cannot ask you: {what}?", hint="--yes says so")
    if not answer:
        raise ReviewError("empty", "not confirmed: nothing was done")
