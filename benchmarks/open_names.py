"""How far a language model could help, and how much a bad one could harm.

    python benchmarks/open_names.py [GOLD.csv] [--candidates N] [--embeddings FILE]
    python benchmarks/open_names.py GOLD.csv --models

Every language in turn is taken away, and its names are asked about: without its pack the rules know them no better than those
of a new clinic. The questions are made as for any model, and every answer goes through samples, counter-check, null
control and witnesses. The answers come from one that knows the right structure and says it wherever it is offered. So the
figures are a ceiling: what retrieval and the guards leave possible, not what any model reaches. Names are the project's own
synonyms (with ``left`` where the list wants a side), or those of a gold table with the columns ``original_name``, ``gold`` and
``language`` as ``tg263-scp evaluate`` reads it.

``asked``: names that a question is asked about. ``offered``: the right structure is among the choices. ``resolved``: the right
name would be given. With ``--embeddings`` the candidates come also from the model that ``llm.embed_model`` of that
configuration names: run it with and without before you switch it on.

``--models`` asks about the names of a gold table, set by set where it has a column ``structure_set``, with nothing taken away:
of a model of habit, an obedient one, a random one (twenty seeds), one that is consistently wrong (believed, and not qualified)
and one that knows. It counts what each would have named right and wrong, and the tokens of a question (``bpe-openai``, where
it is installed).
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from doubles.answerers import Pick, at_random, consistent, habit, injected, knowing, view_of

from tg263_scp.config.loading import load_config
from tg263_scp.decision import Decision, Roi, Status
from tg263_scp.naming.decide import decide_set
from tg263_scp.naming.llm.candidates import structure_meant
from tg263_scp.naming.llm.choice import LlmView, Readings
from tg263_scp.naming.llm.open_names import Near, SetQuestion
from tg263_scp.naming.llm.prompt_files import load_prompts
from tg263_scp.naming.llm.prompts import PromptBook, assemble
from tg263_scp.naming.standard.loading import load_nomenclature
from tg263_scp.naming.standard.nomenclature import Nomenclature
from tg263_scp.naming.words.lexicon import Sense
from tg263_scp.resources import data_folder
from tg263_scp.service.llm.answer_store import IN_MEMORY, AnswerStore
from tg263_scp.service.llm.clients.ollama_client import OllamaClient
from tg263_scp.service.llm.embedding import Embedding
from tg263_scp.service.namer import Namer
from tg263_scp.tools.names.accuracy.evaluation import Verdict, evaluate_file
from tg263_scp.tools.names.table import decide_table
from tg263_scp.tools.shared.csv_tables import read_table

_SEEDS = 20


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
    names: list[Labelled], nomenclature: Nomenclature, book: PromptBook, candidates: int, near: Near | None
) -> Counter[str]:
    """Count what becomes of names by rule, and what a perfect chooser would make of the others."""
    counts: Counter[str] = Counter(names=len(names))
    for labelled in names:
        structures = {structure_meant(name, nomenclature) for name in labelled.right} - {""}
        offered: list[bool] = []

        def pick(
            id_: str,
            written: str,
            ids: list[str],
            structures: set[str] = structures,
            offered: list[bool] = offered,
            name: str = labelled.name,
        ) -> str:
            if written != name:
                return "none"
            offered.append(bool(structures & set(ids)))
            return next(iter(sorted(structures & set(ids))), "none")

        view = view_of(pick, book, 1, candidates=candidates, near=near)
        (decision,) = decide_set([Roi(1, labelled.name)], nomenclature, llm=view)
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


def right_structures(path: Path, nomenclature: Nomenclature) -> Mapping[str, str]:
    """Return the structure that each name of a gold table means; a name that is to be left alone means none."""
    table = read_table(path)
    rows = zip(table.required("original_name"), table.required("gold"), strict=True)
    found = {name: structure_meant(gold.strip(), nomenclature) for name, gold in rows if gold != "ABSTAIN"}
    return {name: structure for name, structure in found.items() if structure}


def show_models(path: Path, candidates: int) -> None:
    """Print what each model would have named right and wrong."""
    nomenclature = load_nomenclature()
    book = load_prompts(nomenclature)
    believed = {"applied": frozenset({"organ", "prv", "target"}), "candidates": candidates}
    models: dict[str, list[tuple[Pick, dict[str, object]]]] = {
        "habit": [(habit, believed)],
        "obedient": [(injected, believed)],
        "random": [(at_random(seed), believed) for seed in range(_SEEDS)],
        "consistently wrong, believed": [(consistent, believed)],
        "consistently wrong, not qualified": [
            (consistent, {"candidates": candidates, "applied": frozenset()})
        ],
        "knows": [(knowing(right_structures(path, nomenclature)), believed)],
    }
    print("model", "asked", "right", "wrong", "questions", "prompt tokens", "longest", sep="\t")
    for said, variants in models.items():
        total: Counter[str] = Counter()
        tokens: list[int] = []
        for pick, settings in variants:
            total.update(_named(path, nomenclature, book, view_of(pick, book, **settings), tokens))  # type: ignore[arg-type]
        mean = sum(tokens) / len(tokens) if tokens else 0
        counted = (total[each] // len(variants) for each in ("asked",))
        print(
            said,
            *counted,
            total["right"],
            total["wrong"],
            len(tokens),
            f"{mean:.0f}",
            max(tokens, default=0),
            sep="\t",
        )


def _named(
    path: Path, nomenclature: Nomenclature, book: PromptBook, view: LlmView, tokens: list[int]
) -> Counter[str]:
    def readings_of(question: SetQuestion) -> Readings | None:
        tokens.append(sum(_tokens(content) for _, content in assemble(question, book).messages))
        return view.readings_of(question)

    namer = Namer(nomenclature, llm=replace(view, readings_of=readings_of))
    rows = evaluate_file(path, namer, decide_table).judged
    counts = Counter(
        "right" if row.verdict is Verdict.RIGHT else "wrong" if row.verdict is Verdict.WRONG else "missed"
        for row in rows
        if row.decision.rule == "R090" and row.decision.status is Status.RENAME
    )
    counts["asked"] = sum(bool(row.decision.question) for row in rows)
    return counts


def _tokens(text: str) -> int:
    """Return the tokens of a text (o200k), or a quarter of its letters where the tokeniser is not installed."""
    try:
        import bpe_openai
    except ImportError:
        return len(text) // 4
    return len(bpe_openai.get_encoding("o200k_base").encode(text))


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("gold", nargs="?", type=Path)
    parser.add_argument("--candidates", type=int, default=20)
    parser.add_argument("--embeddings", type=Path, metavar="FILE")
    parser.add_argument("--models", action="store_true")
    arguments = parser.parse_args()
    if arguments.models:
        if not arguments.gold:
            parser.error("--models goes with a gold table")
        show_models(arguments.gold, arguments.candidates)
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
            counts = measured(names[language], left, load_prompts(left), arguments.candidates, near)
            total.update(counts)
            print(language, *(counts[column] for column in columns), sep="\t", flush=True)
    print("all", *(total[column] for column in columns), sep="\t")


if __name__ == "__main__":
    main()
