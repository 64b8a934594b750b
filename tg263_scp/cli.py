"""The command line: which verbs there are, what each takes, and which tool does the work.

Every leaf of the tree names its tool as ``module:function``; the function is imported when its verb runs, so that
``explain`` starts without DICOM and ``--help`` without anything, and gets the parsed options as keyword arguments. Where
those are many, the leaf also names the class of an ``order``, a dataclass that takes the options it has fields for.
Exit codes: 0 done, 1 findings, 2 usage, 3 configuration, 4 failure.
"""

from __future__ import annotations

import argparse
import difflib
import importlib
import logging
import os
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any, NoReturn

import tg263_scp
from tg263_scp.errors import DataFileError, Tg263Error
from tg263_scp.tools.shared.exitcode import ExitCode, UsageError

_Group = Any  # argparse does not name the type that add_subparsers returns


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one verb and return the exit code; an expected error is a message and a hint, never a traceback."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    options = vars(build_parser().parse_args(arguments))
    debug = options.pop("debug")
    try:
        code = _run(options)
        sys.stdout.flush()
        return code
    except Tg263Error as problem:
        if debug:
            raise
        _complain(problem)
        return _code_of(problem)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return ExitCode.DONE
    except KeyboardInterrupt:
        _complain("interrupted")
        return ExitCode.INTERRUPTED


def _run(options: dict[str, Any]) -> int:
    run = tool(options.pop("tool"))
    if logging.lastResort:  # it writes what verbs other than serve log
        logging.lastResort.setFormatter(tool("shared.terminal:LogFormatter")())
    order = options.pop("order", None)
    return int(run(**(ordered(options, order) if order else options)))


def _complain(problem: object) -> None:
    tool("shared.terminal:complain")(problem)


def tool(address: str) -> Callable[..., Any]:
    """Import the function that a leaf names as ``module:function``, relative to ``tg263_scp.tools`` or, above it, the desk."""
    module, _, function = address.partition(":")
    room = "" if module.startswith("desk.") else "tools."
    found: Callable[..., Any] = getattr(importlib.import_module(f"tg263_scp.{room}{module}"), function)
    return found


def ordered(options: Mapping[str, Any], address: str) -> dict[str, Any]:
    """Gather options in the ``order`` whose class a leaf names: those that it has fields for."""
    order: Any = tool(address)
    names = {field.name for field in fields(order)}
    rest = {name: value for name, value in options.items() if name not in names}
    return {"order": order(**{name: options[name] for name in names}), **rest}


def _code_of(problem: Tg263Error) -> ExitCode:
    if isinstance(problem, UsageError):
        return ExitCode.USAGE
    return ExitCode.CONFIGURATION if isinstance(problem, DataFileError) else ExitCode.FAILURE


def build_parser() -> argparse.ArgumentParser:
    """Build the tree of verbs."""
    purpose = str(tg263_scp.__doc__).splitlines()[0].partition(": ")[2]
    parser = _Parser(prog="tg263-scp", description=_sentence(purpose))
    parser.add_argument("--version", action="version", version=f"tg263-scp {tg263_scp.__version__}")
    parser.add_argument("--debug", action="store_true", help="show the traceback of an error")
    verbs = parser.add_subparsers(title="verbs", metavar="VERB", required=True)
    _add_node(verbs)
    _add_names(verbs)
    _add_census(verbs)
    _add_relabel(verbs)
    _add_revert(verbs)
    _add_evaluate(verbs)
    _add_queue(verbs)
    _add_desk(verbs)
    _add_review(verbs)
    _add_switch(verbs)
    _add_audit(verbs)
    _add_drift(verbs)
    _add_checks(verbs)
    _add_nomenclature(verbs)
    _add_model(verbs)
    return parser


class _Parser(argparse.ArgumentParser):
    """Says of a mistyped verb or choice which one was probably meant; its subparsers are of its kind."""

    def error(self, message: str) -> NoReturn:
        """Write the usage and what is wrong, and end the program with the exit code of wrong usage."""
        wrong = _WRONG_CHOICE.fullmatch(message)
        if wrong:
            known = re.findall(r"[\w-]+", wrong["choices"])
            near = difflib.get_close_matches(wrong["given"], known, n=1, cutoff=0.5)
            meant = f"did you mean '{near[0]}'?" if near else f"choose from {', '.join(known)}"
            message = f"{wrong['what']}: '{wrong['given']}' is unknown; {meant}"
        super().error(message)


_WRONG_CHOICE = re.compile(
    r"(?P<what>argument [^:]+): invalid choice: '(?P<given>.*)' \(choose from (?P<choices>.*)\)", re.DOTALL
)


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:].rstrip('.')}."


def _leaf(verbs: _Group, name: str, address: str, purpose: str) -> argparse.ArgumentParser:
    leaf: argparse.ArgumentParser = verbs.add_parser(name, help=purpose, description=_sentence(purpose))
    leaf.add_argument("--debug", action="store_true", default=argparse.SUPPRESS, help=argparse.SUPPRESS)
    leaf.set_defaults(tool=address)
    return leaf


def _group(verbs: _Group, name: str, purpose: str) -> _Group:
    group = verbs.add_parser(name, help=purpose, description=_sentence(purpose))
    return group.add_subparsers(title="actions", metavar="ACTION", required=True)


def _with_config(leaf: argparse.ArgumentParser, *, required: bool = False) -> None:
    leaf.add_argument(
        "--config", type=Path, metavar="FILE", required=required, help="configuration file (YAML)"
    )


def _with_naming(leaf: argparse.ArgumentParser) -> None:
    _with_config(leaf)
    leaf.add_argument("--overlay", type=Path, metavar="FILE", help="the clinic's own approved names (YAML)")


def _with_json(leaf: argparse.ArgumentParser) -> None:
    leaf.add_argument("--json", dest="as_json", action="store_true", help="write JSON to standard output")


def _with_llm(leaf: argparse.ArgumentParser, purpose: str) -> None:
    leaf.add_argument("--llm", action="store_true", help=f"{purpose} (section llm of the configuration)")


def _with_llm_files(leaf: argparse.ArgumentParser) -> None:
    leaf.add_argument(
        "--llm-questions",
        type=Path,
        metavar="FILE",
        help="write what the model would be asked (JSON lines), and do not ask it",
    )
    leaf.add_argument(
        "--llm-answers", type=Path, metavar="FILE", help="take answers that were made elsewhere (JSON lines)"
    )


def _whole_number(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError("must be a whole number from 1 on")
    return int(text)


def _add_node(verbs: _Group) -> None:
    leaf = _leaf(verbs, "serve", "operate.serve:serve", "run the node: receive, rename, forward, audit")
    _with_config(leaf, required=True)
    leaf = _leaf(
        verbs,
        "demo",
        "demo.demo:demo",
        "show the whole way of an object on this computer, from sender to archive",
    )
    leaf.add_argument(
        "path", nargs="?", type=Path, help="RTSTRUCT file or folder; synthetic sets where not given"
    )
    leaf.add_argument(
        "--keep", type=Path, metavar="DIR", help="keep configuration, audit log and objects there"
    )
    leaf.add_argument(
        "--desk", action="store_true", help="leave node and review desk running until Ctrl-C, with a link"
    )


def _add_names(verbs: _Group) -> None:
    purpose = "tell what becomes of a name, by which rule, and from which line of which file"
    leaf = _leaf(verbs, "explain", "names.explain:explain", purpose)
    leaf.add_argument("names", nargs="+", metavar="NAME")
    leaf.add_argument("--site", default="", help="treatment site, such as head_and_neck or prostate")
    leaf.add_argument(
        "--type",
        dest="interpreted_type",
        default="",
        metavar="TYPE",
        help="RT ROI Interpreted Type, such as ORGAN",
    )
    leaf.add_argument(
        "--set", dest="as_set", action="store_true", help="decide the names together, as one structure set"
    )
    _with_llm(leaf, "ask the language model, and show the prompt, the candidates and the votes")
    _with_naming(leaf)
    _with_json(leaf)
    purpose = "show the table of rules, vetoes and whole-set rules, or one of them with its text and cases"
    leaf = _leaf(verbs, "rules", "names.rules:rules", purpose)
    leaf.add_argument("code", nargs="?", default="", metavar="CODE", help="such as R060; all where not given")
    _with_json(leaf)
    leaf = _leaf(verbs, "map", "names.map:map_names", "add TG-263 names to a table of ROI names (CSV)")
    leaf.add_argument(
        "source", type=Path, metavar="NAMES.csv", help="columns: original_name [site structure_set roi_type]"
    )
    leaf.add_argument(
        "-o", "--output", dest="target", type=Path, metavar="OUT.csv", help="default: standard output"
    )
    _with_llm(leaf, "ask the language model about names that no rule knows")
    _with_llm_files(leaf)
    _with_naming(leaf)


def _add_census(verbs: _Group) -> None:
    purpose = "count the names of an archive: how often, from where, how each is decided and why not"
    leaf = _leaf(verbs, "census", "archive.census:census", purpose)
    leaf.set_defaults(order="archive.census:CensusOrder")
    leaf.add_argument(
        "paths", nargs="+", type=Path, metavar="PATH", help="file or folder; DICOM is found by content"
    )
    leaf.add_argument(
        "-o", "--output", type=Path, metavar="DIR", help="write names.csv, files.csv and census.json there"
    )
    _with_naming(leaf)
    _with_json(leaf)


def _add_relabel(verbs: _Group) -> None:
    leaf = _leaf(
        verbs,
        "relabel",
        "archive.relabel:relabel",
        "relabel the structure sets of an archive into another folder",
    )
    leaf.set_defaults(order="archive.copies:Order")
    leaf.add_argument(
        "paths", nargs="+", type=Path, metavar="PATH", help="file or folder; DICOM is found by content"
    )
    leaf.add_argument(
        "--output", type=Path, required=True, metavar="DIR", help="where copies and manifest.csv go"
    )
    leaf.add_argument("--dry-run", action="store_true", help="write no object, only the manifest")
    leaf.add_argument(
        "--manifest",
        type=Path,
        metavar="FILE",
        help="where the manifest of a dry run goes (default: standard output)",
    )
    leaf.add_argument(
        "--approved",
        choices=("relabel", "pass"),
        default="",
        help="what becomes of approved structure sets (default: what naming.gates.approved says, pass)",
    )
    leaf.add_argument(
        "--again",
        action="store_true",
        help="decide anew what an earlier run decided under other settings, and replace its copies",
    )
    leaf.add_argument("--jobs", type=_whole_number, default=1, metavar="N", help="processes (default 1)")
    leaf.add_argument("--copy-others", action="store_true", help="copy other DICOM objects, byte for byte")
    leaf.add_argument(
        "--provenance",
        action=argparse.BooleanOptionalAction,
        help="record in each copy what was changed, or do not (default: what write.provenance says, on)",
    )
    leaf.add_argument(
        "--uid-policy",
        choices=("keep", "new"),
        default="keep",
        help="UIDs of relabelled sets: keep (default), or new, with the original as predecessor",
    )
    leaf.add_argument(
        "--uid-key",
        type=Path,
        metavar="FILE",
        help="key of new UIDs, such as a node's audit.salt (default: made in DIR)",
    )
    leaf.add_argument(
        "--rewrite-references",
        action="store_true",
        help="copy plans and doses too, referring to the sets under their new UIDs",
    )
    _with_llm(leaf, "ask the language model about names that no rule knows")
    _with_llm_files(leaf)
    _with_naming(leaf)
    _with_json(leaf)


def _add_revert(verbs: _Group) -> None:
    purpose = "give relabelled structure sets (with provenance) the names of their sender again"
    leaf = _leaf(verbs, "revert", "archive.revert:revert", purpose)
    leaf.add_argument(
        "paths", nargs="+", type=Path, metavar="PATH", help="file or folder; DICOM is found by content"
    )
    leaf.add_argument("--output", type=Path, required=True, metavar="DIR", help="where the copies go")
    leaf.add_argument(
        "--by-content",
        action="store_true",
        help="also revert objects that an archive re-encoded: the names return, the other bytes stay the archive's",
    )
    _with_json(leaf)


def _add_evaluate(verbs: _Group) -> None:
    purpose = "measure the accuracy on names that an expert has labelled (CSV)"
    leaf = _leaf(verbs, "evaluate", "names.evaluate:evaluate_gold", purpose)
    columns = "columns: original_name gold [accept class site source language sender structure_set roi_type]"
    leaf.add_argument("gold", type=Path, metavar="GOLD.csv", help=columns)
    leaf.add_argument(
        "--report",
        type=Path,
        metavar="DIR",
        help="write report.html, report.md, figures.json and rows.csv there",
    )
    leaf.add_argument("--sets", action="store_true", help="show every structure set, worst first")
    leaf.add_argument(
        "--errors",
        type=_whole_number,
        default=40,
        metavar="N",
        help="how many wrong names to show (default 40)",
    )
    leaf.set_defaults(order="names.evaluate:EvaluationOrder")
    _with_llm(leaf, "ask the language model too, and measure it")
    _with_llm_files(leaf)
    leaf.add_argument(
        "--ablation", action="store_true", help="with --llm: measure without each of its safety nets too"
    )
    leaf.add_argument(
        "--record", type=Path, metavar="FILE", help="with --llm: write every request and answer there"
    )
    leaf.add_argument(
        "--replay", type=Path, metavar="FILE", help="with --llm: take the answers from there, ask no model"
    )
    leaf.add_argument(
        "--against",
        type=Path,
        metavar="OLD.json",
        help="name every decision that changed since that evaluation; exit code 1 where a right one became wrong",
    )
    _with_naming(leaf)
    _with_json(leaf)


def _add_queue(verbs: _Group) -> None:
    actions = _group(verbs, "queue", "look after objects that are held, failed or on their way")
    leaf = _leaf(
        actions,
        "list",
        "operate.queue:list_jobs",
        "list objects that have not reached all their destinations, and why",
    )
    leaf.add_argument("--all", dest="everything", action="store_true", help="delivered objects too")
    _with_config(leaf, required=True)
    _with_json(leaf)
    leaf = _leaf(
        actions, "show", "operate.queue:show_job", "show one object: state, destinations and reasons"
    )
    leaf.add_argument("job", type=_whole_number, metavar="JOB")
    _with_config(leaf, required=True)
    _with_json(leaf)
    purpose = "try again now: decide a held object anew, deliver one that failed or waits"
    leaf = _leaf(actions, "retry", "operate.queue:retry_jobs", purpose)
    leaf.add_argument("jobs", nargs="*", type=_whole_number, metavar="JOB")
    leaf.add_argument(
        "--all", dest="everything", action="store_true", help="all that is held, failed or waits"
    )
    _with_config(leaf, required=True)
    purpose = "decide delivered objects anew and deliver them again, after a change of words or once the language model answers"
    leaf = _leaf(actions, "redo", "operate.queue:redo_jobs", purpose)
    leaf.add_argument("jobs", nargs="*", type=_whole_number, metavar="JOB")
    leaf.add_argument(
        "--unanswered",
        action="store_true",
        help="all objects that went on before the language model was asked about their names",
    )
    _with_config(leaf, required=True)
    purpose = "hold the objects in the spool that the journal does not know, after it was lost or damaged"
    leaf = _leaf(actions, "adopt", "operate.queue:adopt_objects", purpose)
    leaf.add_argument(
        "--send",
        action="store_true",
        help="send them on at once, to each destination that has not received them according to the audit log",
    )
    _with_config(leaf, required=True)
    leaf = _leaf(
        actions, "release", "operate.queue:release_jobs", "forward held objects as they were received"
    )
    leaf.add_argument("jobs", nargs="+", type=_whole_number, metavar="JOB")
    _with_config(leaf, required=True)
    _add_held(actions)


def _add_held(actions: _Group) -> None:
    leaf = _leaf(
        actions, "export", "operate.queue_held:export_job", "write an object to a file, as it was received"
    )
    leaf.add_argument("job", type=_whole_number, metavar="JOB")
    leaf.add_argument("file", type=Path, metavar="FILE", help="a new file: nothing is overwritten")
    _with_config(leaf, required=True)
    purpose = "discard held objects: they go nowhere, their files stay for spool.discarded_retention_s"
    leaf = _leaf(actions, "discard", "operate.queue_held:discard_jobs", purpose)
    leaf.add_argument("jobs", nargs="+", type=_whole_number, metavar="JOB")
    leaf.add_argument("--by", required=True, metavar="WHO", help="your name, for the audit log")
    leaf.add_argument("--why", required=True, metavar="TEXT", help="the reason, for the log")
    _with_config(leaf, required=True)
    purpose = "undo: hold discarded objects again; send the original of delivered ones"
    leaf = _leaf(actions, "restore", "operate.queue_held:restore_jobs", purpose)
    leaf.add_argument("jobs", nargs="+", type=_whole_number, metavar="JOB")
    leaf.add_argument("--by", required=True, metavar="WHO", help="your name, for the audit log")
    leaf.add_argument("--why", default="", metavar="TEXT", help="the reason, for the log")
    _with_config(leaf, required=True)
    purpose = "relabel approved structure sets this once, which were held or passed as received"
    leaf = _leaf(actions, "relabel", "operate.queue_held:relabel_jobs", purpose)
    leaf.add_argument("jobs", nargs="+", type=_whole_number, metavar="JOB")
    leaf.add_argument("--by", required=True, metavar="WHO", help="your name, for the audit log")
    leaf.add_argument("--why", required=True, metavar="TEXT", help="the reason, for the log")
    _with_config(leaf, required=True)


def _add_switch(verbs: _Group) -> None:
    purpose = "let every object pass as it was received, from the next one on; receiving and delivery go on"
    leaf = _leaf(verbs, "pause", "operate.pause:pause", purpose)
    leaf.add_argument("--by", required=True, metavar="WHO", help="your name, for the audit log")
    leaf.add_argument("--why", required=True, metavar="TEXT", help="the reason, for the log")
    _with_config(leaf, required=True)
    leaf = _leaf(verbs, "resume", "operate.pause:resume", "decide names again: the end of a pause")
    leaf.add_argument("--by", required=True, metavar="WHO", help="your name, for the audit log")
    leaf.add_argument("--why", default="", metavar="TEXT", help="the reason, for the log")
    _with_config(leaf, required=True)


def _add_review(verbs: _Group) -> None:
    actions = _group(
        verbs, "review", "decide about names that were left for review, and see what was decided"
    )
    purpose = "list the names that wait, most frequent first, over all objects of a node or of an archive"
    leaf = _leaf(actions, "list", "review.review:list_names", purpose)
    leaf.add_argument("--site", default="", metavar="SITE", help="only those met at this treatment site")
    leaf.add_argument("--sender", default="", metavar="AE", help="only those of this sender")
    leaf.add_argument(
        "--since", default="", metavar="DAY", help="only those met since this day, as 2026-01-31"
    )
    leaf.add_argument(
        "--status",
        choices=("open", "decided", "waiting", "all"),
        default="open",
        help="open (default); decided, with objects that are not decided anew yet; waiting for a second person; all",
    )
    _with_manifests(leaf)
    leaf = _leaf(
        actions, "show", "review.review:show_name", "show one name: candidates, where it was met, decisions"
    )
    leaf.add_argument("name", metavar="NAME")
    _with_manifests(leaf)
    leaf = _leaf(
        actions,
        "decide",
        "review.review:decide_name",
        "decide what becomes of a name, and for which objects",
    )
    leaf.add_argument("name", metavar="NAME", help="as it is written")
    _with_wish(leaf)
    leaf.add_argument("--yes", action="store_true", help="do not ask; for scripts")
    _with_config(leaf, required=True)
    _with_json(leaf)
    purpose = "say which objects and names a decision, or undoing one, would change; nothing is written"
    leaf = _leaf(actions, "impact", "review.review:show_impact", purpose)
    leaf.add_argument("name", nargs="?", default="", metavar="NAME", help="as it is written")
    leaf.add_argument("--undo", default="", metavar="ID", help="of undoing this decision")
    _with_wish(leaf)
    _with_config(leaf, required=True)
    _with_json(leaf)
    _add_decided(actions)


def _with_manifests(leaf: argparse.ArgumentParser) -> None:
    leaf.add_argument(
        "--manifest",
        dest="manifests",
        action="append",
        type=Path,
        default=[],
        metavar="FILE",
        help="names of an archive too: manifest.csv of relabel, or names.csv of census; may be given again",
    )
    _with_config(leaf, required=True)
    _with_json(leaf)


def _with_wish(leaf: argparse.ArgumentParser) -> None:
    leaf.set_defaults(order="review.review:WishOptions")
    leaf.add_argument("--becomes", default="", metavar="TG263", help="the TG-263 name that it gets")
    leaf.add_argument("--keep", action="store_true", help="it stays, and does not wait for review any longer")
    leaf.add_argument("--never", action="store_true", help="it is never touched, whatever the rules would do")
    leaf.add_argument("--job", type=_whole_number, metavar="JOB", help="for this object of the node")
    leaf.add_argument("--file", type=Path, metavar="FILE", help="for this file of an archive")
    leaf.add_argument("--roi", type=int, metavar="NUMBER", help="ROI Number, where two ROIs bear the name")
    leaf.add_argument("--sender", default="", metavar="AE", help="for all objects of this sender")
    leaf.add_argument("--site", default="", metavar="SITE", help="for all objects of this treatment site")
    leaf.add_argument("--clinic", action="store_true", help="for the whole clinic; its impact is shown first")
    leaf.add_argument(
        "--instead-of", default="", metavar="ID", help="replaces this decision, which is undone"
    )
    _with_who(leaf)
    leaf.add_argument("--why", default="", metavar="TEXT", help="the reason, for the log")


def _with_who(leaf: argparse.ArgumentParser) -> None:
    leaf.add_argument(
        "--by", default="", metavar="WHO", help="your name, for the log (default: the user of this computer)"
    )


def _add_decided(actions: _Group) -> None:
    leaf = _leaf(
        actions, "log", "review.review:show_log", "show what was decided, approved and undone, and by whom"
    )
    _with_config(leaf, required=True)
    _with_json(leaf)
    purpose = "approve decisions that wait for a second person, or proposals of another clinic"
    leaf = _leaf(actions, "approve", "review.review:approve_decision", purpose)
    leaf.add_argument("ids", nargs="+", metavar="ID")
    _with_who(leaf)
    leaf.add_argument("--why", default="", metavar="TEXT", help="the reason, for the log")
    _with_config(leaf, required=True)
    leaf = _leaf(actions, "undo", "review.review:undo_decision", "take a decision back; it stays in the log")
    leaf.add_argument("id", metavar="ID")
    _with_who(leaf)
    leaf.add_argument("--why", required=True, metavar="TEXT", help="the reason, for the log")
    _with_config(leaf, required=True)
    purpose = "decide objects anew with the decisions made since; lists what is sent where, and asks first"
    leaf = _leaf(actions, "apply", "review.review:apply_decisions", purpose)
    leaf.add_argument("jobs", nargs="*", type=_whole_number, metavar="JOB")
    leaf.add_argument("--held", action="store_true", help="all held objects that it would change")
    leaf.add_argument(
        "--sent",
        action="store_true",
        help="all delivered objects that it would change; sent to destinations with redeliver: yes",
    )
    leaf.add_argument("--approved", action="store_true", help="approved structure sets too")
    leaf.add_argument("--yes", action="store_true", help="do not ask; for scripts")
    _with_who(leaf)
    _with_config(leaf, required=True)
    purpose = "write the decisions for the whole clinic or a site as an overlay (YAML)"
    leaf = _leaf(actions, "export", "review.review:export_decisions", purpose)
    leaf.add_argument("file", type=Path, metavar="FILE", help="a new file: nothing is overwritten")
    _with_config(leaf, required=True)
    purpose = "read an overlay of another clinic as proposals, which a person approves"
    leaf = _leaf(actions, "import", "review.review:import_proposals", purpose)
    leaf.add_argument("file", type=Path, metavar="FILE", help="an overlay (YAML)")
    _with_who(leaf)
    _with_config(leaf, required=True)


def _add_model(verbs: _Group) -> None:
    actions = _group(verbs, "model", "try the language model, and see what it would be sent")
    purpose = "test the model with cases of known answers; a model that fails may only suggest"
    leaf = _leaf(actions, "qualify", "names.model:qualify_model", purpose)
    _with_llm_files(leaf)
    _with_config(leaf)
    _with_json(leaf)
    purpose = "show word by word what would be sent about a structure set or a table of names"
    leaf = _leaf(actions, "show-question", "names.model:show_question", purpose)
    leaf.add_argument("path", type=Path, metavar="FILE", help="RTSTRUCT, or a table as map takes it (.csv)")
    _with_naming(leaf)
    _with_json(leaf)


def _add_desk(verbs: _Group) -> None:
    purpose = "run the review desk, a web page for people and an API for planning scripts, beside a node"
    desk = _leaf(verbs, "desk", "desk.verbs:run", purpose)
    _with_config(desk)
    # A node that starts a desk ends it so, however the node itself ends.
    desk.add_argument(
        "--until-input-ends", action="store_true", default=argparse.SUPPRESS, help=argparse.SUPPRESS
    )
    actions = desk.add_subparsers(title="actions", metavar="ACTION")
    leaf = _leaf(actions, "link", "desk.verbs:link", "print the address that logs in to the running desk")
    _with_config(leaf, required=True)
    leaf = _leaf(actions, "add-user", "desk.verbs:add_user", "add a user, or replace the user of that name")
    leaf.add_argument("name", metavar="NAME")
    leaf.add_argument(
        "--role",
        dest="roles",
        action="append",
        required=True,
        metavar="ROLE",
        help="look, decide, approve or operate; may be given several times",
    )
    leaf.add_argument("--by-proxy", action="store_true", help="without a password: a proxy logs this user in")
    _with_config(leaf, required=True)
    purpose = "make and print a token of the names API; it replaces the token of that name"
    leaf = _leaf(actions, "add-token", "desk.verbs:add_token", purpose)
    leaf.add_argument("name", metavar="NAME", help="which script it is for")
    _with_config(leaf, required=True)


def _add_audit(verbs: _Group) -> None:
    actions = _group(verbs, "audit", "read and verify the audit log")
    purpose = "verify the hash chain: no line removed, changed or reordered"
    leaf = _leaf(actions, "verify", "operate.audit:verify_log", purpose)
    leaf.add_argument("file", nargs="?", type=Path, metavar="FILE", help="default: the configured log")
    _with_config(leaf)
    _with_json(leaf)
    leaf = _leaf(actions, "show", "operate.audit:show_log", "show what was done to which object, newest last")
    leaf.add_argument("file", nargs="?", type=Path, metavar="FILE", help="default: the configured log")
    leaf.add_argument(
        "--last", type=_whole_number, default=20, metavar="N", help="how many lines (default 20)"
    )
    leaf.set_defaults(order="operate.audit:LineFilter")
    leaf.add_argument("--job", type=_whole_number, metavar="JOB", help="only lines about this job")
    leaf.add_argument(
        "--kind", default="", metavar="KIND", help="only lines of this kind, such as relabelled, held or sent"
    )
    leaf.add_argument(
        "--name", default="", metavar="NAME", help="only objects with this ROI name, old or new"
    )
    leaf.add_argument(
        "--to", default="", metavar="NAME", help="only what was sent to the destination of this name"
    )
    _with_days(leaf)
    _with_config(leaf)
    _with_json(leaf)
    purpose = "count what was renamed or would have been, and the names left for review, by sender"
    leaf = _leaf(actions, "summary", "operate.audit_summary:show_summary", purpose)
    leaf.add_argument("file", nargs="?", type=Path, metavar="FILE", help="default: the configured log")
    _with_days(leaf)
    leaf.add_argument("--csv", action="store_true", help="write a table (CSV) to standard output")
    _with_config(leaf)
    _with_json(leaf)
    purpose = "print the digests of objects, to be looked up among the digests of the log"
    leaf = _leaf(actions, "digest", "operate.audit:digest_objects", purpose)
    leaf.add_argument("files", nargs="+", type=Path, metavar="FILE", help="DICOM file")
    _with_json(leaf)


def _add_drift(verbs: _Group) -> None:
    purpose = (
        "tell from audit logs whether names change: never met before, left for review by week and sender"
    )
    leaf = _leaf(verbs, "drift", "operate.drift:drift", purpose)
    leaf.add_argument("files", nargs="*", type=Path, metavar="FILE", help="default: the configured log")
    leaf.add_argument(
        "--weeks",
        type=_whole_number,
        default=4,
        metavar="N",
        help="how many last weeks to look at (default 4)",
    )
    leaf.add_argument("-o", "--output", type=Path, metavar="FILE", help="write a page (HTML) there")
    _with_config(leaf)
    _with_json(leaf)


def _with_days(leaf: argparse.ArgumentParser) -> None:
    leaf.add_argument("--since", default="", metavar="DAY", help="from this day on (UTC), such as 2026-01-31")
    leaf.add_argument("--until", default="", metavar="DAY", help="up to this day (UTC)")


def _add_checks(verbs: _Group) -> None:
    leaf = _leaf(
        verbs, "doctor", "operate.doctor:doctor", "check configuration, data, disk, port and destinations"
    )
    _with_config(leaf)
    _with_json(leaf)
    _add_config(verbs)
    leaf = _leaf(
        verbs, "echo", "operate.echo:echo", "send a C-ECHO to a peer, or to every configured destination"
    )
    leaf.add_argument("peer", nargs="?", metavar="AE@HOST:PORT", help="default: the configured destinations")
    leaf.add_argument(
        "--node",
        action="store_true",
        help="call the configured node itself, as one of the callers it lets in",
    )
    leaf.add_argument(
        "--calling", metavar="AE", help="AE title to call with (default: that of the configuration)"
    )
    _with_config(leaf)
    _with_json(leaf)
    purpose = "write the DICOM conformance statement (PS3.2 Annex N) of a configuration, or of the defaults"
    leaf = _leaf(verbs, "conformance", "statement.conformance:conformance", purpose)
    leaf.add_argument(
        "-o", "--output", dest="target", type=Path, metavar="FILE", help="default: standard output"
    )
    _with_config(leaf)
    _with_json(leaf)


def _add_config(verbs: _Group) -> None:
    actions = _group(
        verbs, "config", "print the default settings, check a configuration file, show what holds"
    )
    _leaf(
        actions,
        "defaults",
        "statement.config:print_defaults",
        "print every setting, its default and its meaning",
    )
    leaf = _leaf(actions, "check", "statement.config:check_file", "check a configuration file for mistakes")
    _with_config(leaf, required=True)
    leaf = _leaf(
        actions,
        "show",
        "statement.config:show_settings",
        "show all settings that hold: those of the file over the defaults",
    )
    leaf.add_argument("--changed", action="store_true", help="only settings that differ from the defaults")
    _with_config(leaf)
    _with_json(leaf)


def _add_nomenclature(verbs: _Group) -> None:
    actions = _group(verbs, "nomenclature", "read and check the TG-263 list and the synonyms")
    purpose = "check list, synonyms and overlay for contradictions"
    leaf = _leaf(actions, "check", "names.nomenclature:check", purpose)
    _with_naming(leaf)
    _with_json(leaf)
    leaf = _leaf(
        actions, "list", "names.nomenclature:list_entries", "list the TG-263 names with their meanings"
    )
    leaf.add_argument("text", nargs="?", default="", metavar="TEXT", help="only entries that hold this text")
    _with_json(leaf)
    purpose = "show one entry: meaning, accepted spellings, synonyms and their lines"
    leaf = _leaf(actions, "show", "names.nomenclature:show_entry", purpose)
    leaf.add_argument("name", metavar="NAME")
    _with_json(leaf)
