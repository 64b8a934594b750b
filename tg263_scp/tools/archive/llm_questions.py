"""``relabel --llm-questions``: what a language model would be asked about an archive, written down to be answered elsewhere."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace

from tg263_scp.service.deciding.relabelling import decide_and_write
from tg263_scp.service.llm.ask_and_decide import asking_at_once
from tg263_scp.tools.archive.copies import Order, open_workshop
from tg263_scp.tools.archive.find_files import find_files
from tg263_scp.tools.names.asking import Tape, make_consultant
from tg263_scp.tools.shared.exitcode import ExitCode
from tg263_scp.tools.shared.terminal import progress, say


def write_questions(order: Order) -> ExitCode:
    """Decide every structure set with the answers so far, write down what has no answer yet, and copy nothing.

    Each distinct question is written once. Findings are questions without an answer.

    Raises:
        UsageError: an input does not exist.
        Tg263Error: a file of questions exists already, or the answers cannot be read.
    """
    assert order.llm_questions is not None
    found = find_files(order.paths, order.output)
    workshop = open_workshop(replace(order, llm=False, llm_answers=None))
    policy = replace(workshop.policy, mode="shadow")
    tape = Tape(questions=order.llm_questions, answers=order.llm_answers)
    with (
        closing(make_consultant(order.config, workshop.nomenclature, tape)) as consultant,
        progress("reading the archive", len(found.sources)) as advance,
    ):
        decide = asking_at_once(consultant)
        for source in found.sources:
            decide_and_write(
                source.path, source.path, workshop.nomenclature, policy, workshop.writing, decide=decide
            )
            advance(1)
    with order.llm_questions.open(encoding="utf-8") as file:
        written = sum(1 for _ in file)
    say(f"{order.llm_questions}: {written} questions without an answer, about {len(found.sources)} files")
    return ExitCode.FINDINGS if written else ExitCode.DONE
