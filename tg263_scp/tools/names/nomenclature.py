"""``nomenclature``: read the TG-263 list and the synonyms, and look for contradictions in them."""

from __future__ import annotations

from pathlib import Path

from rich.table import Table

from tg263_scp.naming.rules.overlay_check import overlay_findings
from tg263_scp.naming.standard.contradictions import contradictions
from tg263_scp.naming.standard.loading import Entry, load_nomenclature, relaxed
from tg263_scp.naming.standard.nomenclature import Nomenclature
from tg263_scp.naming.words.lexicon import Phrase
from tg263_scp.service.namer import open_namer
from tg263_scp.tools.shared.exitcode import ExitCode, UsageError
from tg263_scp.tools.shared.terminal import open_console, print_json, say


def check(config: Path | None, overlay: Path | None, as_json: bool) -> ExitCode:
    """The verb ``nomenclature check``; a file that cannot be loaded at all is an error with its line."""
    namer = open_namer(config, overlay, compiled=False)
    nomenclature = namer.nomenclature
    packs = nomenclature.packs
    unchecked = [pack.language for pack in packs if not pack.checked_by]
    found = (*contradictions(nomenclature), *overlay_findings(nomenclature, namer.options))
    phrases = sum(len(pack.phrases) for pack in packs)
    if as_json:
        print_json(
            {
                "names": len(nomenclature.names),
                "languages": [pack.language for pack in packs],
                "unchecked_languages": unchecked,
                "phrases": phrases,
                "clinic_names": len(nomenclature.clinic),
                "sha256": nomenclature.digest,
                "contradictions": [
                    {
                        "file": each.where.file,
                        "line": each.where.line,
                        "problem": each.problem,
                        "other": str(each.other or ""),
                    }
                    for each in found
                ],
            }
        )
    else:
        for each in found:
            say(str(each))
        languages = ", ".join(pack.language for pack in packs) or "none"
        say(f"{len(nomenclature.names)} names, {phrases} phrases in {len(packs)} languages ({languages})")
        for pack in packs:
            if not pack.checked_by:
                say(f"{pack.file}: without 'checked_by': {pack.title} suggests, and renames nothing")
        say(f"{len(found)} contradictions" if found else "no contradiction found")
    return ExitCode.FINDINGS if found else ExitCode.DONE


def list_entries(text: str, as_json: bool) -> ExitCode:
    """The verb ``nomenclature list``."""
    needle = text.casefold()
    nomenclature = load_nomenclature()
    entries = [
        entry
        for entry in nomenclature.entries.values()
        if needle in f"{entry.name} {entry.meaning} {entry.kind} {entry.category} {entry.region}".casefold()
    ]
    if as_json:
        print_json([_entry_as_json(entry) for entry in entries])
        return ExitCode.DONE
    table = Table(box=None, header_style="bold")
    for title in ("name", "kind", "region", "meaning"):
        table.add_column(title, overflow="fold")
    for entry in entries:
        table.add_row(entry.name, entry.kind, entry.region, entry.meaning)
    console = open_console()
    console.print(table)
    console.print(f"{len(entries)} of {len(nomenclature.entries)} names")
    return ExitCode.DONE


def show_entry(name: str, as_json: bool) -> ExitCode:
    """The verb ``nomenclature show``: a name of the list, in any spelling that R040 would accept."""
    nomenclature = load_nomenclature()
    pattern = nomenclature.pattern_for(name)
    entries = nomenclature.respellings.get(relaxed(name), ()) or ((pattern,) if pattern else ())
    if not entries:
        raise UsageError(
            f"'{name}' is not on the list", hint="'tg263-scp nomenclature list TEXT' searches it"
        )
    synonyms = {entry.name: _synonyms(entry, nomenclature) for entry in entries}
    if as_json:
        print_json(
            [
                {
                    **_entry_as_json(entry),
                    "synonyms": [
                        {
                            "text": phrase.text,
                            "language": phrase.language,
                            "site": phrase.site,
                            "line": str(phrase.source),
                        }
                        for phrase in synonyms[entry.name]
                    ],
                }
                for entry in entries
            ]
        )
        return ExitCode.DONE
    for entry in entries:
        _show_entry(entry, synonyms[entry.name])
    return ExitCode.DONE


def _synonyms(entry: Entry, nomenclature: Nomenclature) -> list[Phrase]:
    stems = {entry.name, entry.name.removesuffix("_L").removesuffix("_R")}
    return [phrase for pack in nomenclature.packs for phrase in pack.phrases if phrase.means in stems]


def _show_entry(entry: Entry, synonyms: list[Phrase]) -> None:
    console = open_console()
    console.print(f"{entry.name}  ({entry.source})", style="bold")
    console.print(f"  {entry.meaning}")
    console.print(
        f"  {entry.kind}, {entry.category or 'no category'}, {entry.region}; reverse order {entry.reverse}"
    )
    if entry.accepts:
        console.print(f"  also accepted: {', '.join(entry.accepts)}")
    grid = Table.grid(padding=(0, 2))
    for phrase in synonyms:
        grid.add_row("  ", phrase.language, phrase.text, phrase.site, str(phrase.source))
    if synonyms:
        console.print(grid)


def _entry_as_json(entry: Entry) -> dict[str, object]:
    return {
        "name": entry.name,
        "reverse": entry.reverse,
        "kind": entry.kind,
        "category": entry.category,
        "region": entry.region,
        "meaning": entry.meaning,
        "accepts": list(entry.accepts),
        "line": str(entry.source),
    }
