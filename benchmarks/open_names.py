"""How far a language model could help: every language in turn is taken away, and its names are asked about.

    python benchmarks/open_names.py [GOLD.csv] [--candidates N] [--embeddings FILE]

Without its pack the names of a language are as unknown as those of a clinic nobody has heard of. The questions are made as
for any model; the answers come from a chooser that knows the right name and says it wherever it is offered and would be
given. So the figures are a ceiling: what retrieval and the guards leave possible, not what any model reaches. Names are the
project's own synonyms (with ``left`` where the list wants a side), or those of a gold table with the columns
``original_name``, ``gold`` and ``language`` as ``tg263-scp evaluate`` reads it.

``asked``: names that a question is asked about. ``offered``: the right structure is among the choices. ``resolved``: the right
name would be given. With ``--embeddings`` the candidates come also from the model that ``llm.embed_model`` of that
configuration names: run it with and without before you switch it on.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tg263_scp.config.loading import load_config
from tg263_scp.decision import Choice, Decision, Roi, Status
from tg263_scp.naming.decide import decide_set
from tg263_scp.naming.llm.candidates import structure_meant
from tg263_scp.naming.llm.choice import LlmView, certain
from tg263_scp.naming.llm.questions import NONE, STRUCTURE, Near, Question
from tg263_scp.naming.standard.loading import load_nomenclature
from tg263_scp.naming.standard.nomenclature import Nomenclature
from tg263_scp.naming.words.lexicon import Sense
from tg263_scp.resources import data_folder
from tg263_scp.service.llm.answer_store import IN_MEMORY, AnswerStore
from tg263_scp.service.llm.embedding import Embedding
from tg263_scp.service.llm.ollama_client import OllamaClient
from tg263_scp.tools.shared.csv_tables import read_table


@dataclass(frozen=True)
class Labelled:
    """A name and the answers that are right."""

    name: str
    right: frozenset[str]


def without(language: str, folder: Path) -> Nomenclature:
    """Load the nomenclature without one pack."""
    copy = folder / language / "nomenclature"
    shutil.copytree(data_folder("nomenclature"), copy)
    (copy / "synonyms" / f"{language}.yaml").unlink()
    return load_nomenclature(copy)


def own_names(nomenclature: Nomenclature) -> dict[str, list[Labelled]]:
    """Return the synonyms of each pack, each with the names it may become."""
    found: dict[str, list[Labelled]] = {}
    for pack in nomenclature.packs:
        for phrase in pack.phrases:
            stem = nomenclature.stems.get(phrase.means)
            if phrase.sense is not Sense.STRUCTURE or phrase.site or stem is None:
                continue
            name, right = phrase.text, stem.bare
            if not stem.bare and stem.left:
                name, right = f"{phrase.text} left", stem.left
            if right:
                found.setdefault(pack.language, []).append(Labelled(name, frozenset({right})))
    return found


def gold_names(path: Path) -> dict[str, list[Labelled]]:
    """Return the names of a gold table by language; those that should be left alone are not asked about here."""
    table = read_table(path)
    found: dict[str, list[Labelled]] = {}
    columns = (table.required("original_name"), table.required("gold"), table.optional("accept"))
    for language, name, gold, accept in zip(table.required("language"), *columns, strict=True):
        if gold != "ABSTAIN":
            right = frozenset({gold.strip(), *(text.strip() for text in accept.split("|") if text.strip())})
            found.setdefault(language, []).append(Labelled(name, right))
    return found


def measured(
    names: list[Labelled], nomenclature: Nomenclature, candidates: int, near: Near | None
) -> Counter[str]:
    """Count what becomes of names by rule, and what a perfect chooser would make of the others."""
    counts: Counter[str] = Counter(names=len(names))
    for labelled in names:
        structures = {structure_meant(name, nomenclature) for name in labelled.right} - {""}
        offered: list[bool] = []

        def choice_of(
            question: Question, structures: set[str] = structures, offered: list[bool] = offered
        ) -> Choice:
            ids = [option.id for option in question.options if option.id in structures]
            offered.append(bool(ids))
            return certain(STRUCTURE, ids[0] if ids else NONE)

        (decision,) = decide_set(
            [Roi(1, labelled.name)], nomenclature, llm=LlmView(choice_of, candidates=candidates, near=near)
        )
        counts.update(_outcome(decision, labelled, offered))
    return counts


def _outcome(decision: Decision, labelled: Labelled, offered: list[bool]) -> Iterator[str]:
    right = decision.name in labelled.right and decision.status is not Status.REVIEW
    by = "resolved" if decision.rule == "R090" else "rules"
    if decision.status is Status.RENAME or right:
        yield f"{by} right" if right else f"{by} wrong"
    if offered:
        yield "asked"
        if any(offered):
            yield "offered"


def by_meaning(config: Path, nomenclature: Nomenclature) -> Near:
    """Return the search by meaning of a configuration, which embeds what it is asked for."""
    llm = load_config(config).llm
    assert llm.embed_model, f"{config}: llm.embed_model names no model"
    embedding = Embedding(llm.embed_model, OllamaClient.of(llm).embed, AnswerStore(IN_MEMORY), nomenclature)

    def near(words: Sequence[str]) -> Sequence[str] | None:
        embedding.learn([" ".join(words)])
        return embedding.near(" ".join(words))

    return near


def exposed(path: Path, nomenclature: Nomenclature, candidates: int) -> Iterator[tuple[str, str, str]]:
    """Yield each name of a gold table that is asked about, its gold, and a wrong name that it could be given, or nothing."""
    table = read_table(path)
    columns = (table.required("original_name"), table.required("gold"), table.optional("accept"))
    for name, gold, accept, site in zip(*columns, table.optional("site"), strict=True):
        right = {gold.strip(), *(text.strip() for text in accept.split("|"))}
        asked: list[Question] = []

        def decided(
            answer: Choice | None, name: str = name, site: str = site, asked: list[Question] = asked
        ) -> Decision:
            def choice_of(question: Question) -> Choice | None:
                asked.append(question)
                return answer

            model = LlmView(choice_of, candidates=candidates)
            return decide_set([Roi(1, name)], nomenclature, site=site, llm=model)[0]

        decided(None)
        if asked:
            options = [(slot, option.id) for slot, offered in asked[0].slots for option in offered]
            given = (decided(certain(slot, id_)) for slot, id_ in options)
            wrong = (each.name for each in given if each.status is Status.RENAME and each.name not in right)
            yield name, gold, next(wrong, "")


def show_worst(path: Path, candidates: int) -> None:
    """Print what a chooser could do that wants to do harm."""
    found = list(exposed(path, load_nomenclature(), candidates))
    for row in found:
        print(*row, sep="\t")
    print(
        f"{len(found)} names asked about, {sum(bool(wrong) for *_, wrong in found)} could be given a wrong name"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("gold", nargs="?", type=Path)
    parser.add_argument("--candidates", type=int, default=20)
    parser.add_argument("--embeddings", type=Path, metavar="FILE")
    parser.add_argument("--worst", action="store_true")
    arguments = parser.parse_args()
    if arguments.worst:
        if not arguments.gold:
            parser.error("--worst goes with a gold table")
        show_worst(arguments.gold, arguments.candidates)
        return
    whole = load_nomenclature()
    names = gold_names(arguments.gold) if arguments.gold else own_names(whole)
    packs = {pack.language for pack in whole.packs}
    columns = ("names", "rules right", "rules wrong", "asked", "offered", "resolved right", "resolved wrong")
    print("language", *columns, sep="\t")
    total: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as folder:
        for language in sorted(names.keys() & packs - {"en"}):
            left = without(language, Path(folder))
            near = by_meaning(arguments.embeddings, left) if arguments.embeddings else None
            counts = measured(names[language], left, arguments.candidates, near)
            total.update(counts)
            print(language, *(counts[column] for column in columns), sep="\t", flush=True)
    print("all", *(total[column] for column in columns), sep="\t")


if __name__ == "__main__":
    main()
