"""The rules, one function each: what would this rule do with the name? None where it has nothing to say.

The first line of each docstring is what users read in ``explain`` and in the rule table.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from fnmatch import fnmatchcase

from tg263_scp.decision import Candidate, Kind, Reason, Status
from tg263_scp.errors import SourceLine
from tg263_scp.naming.organs.reading import Finding, OrganReading, evidence_of, read_organ, read_qualified
from tg263_scp.naming.query import NamingOptions, Proposal, Query
from tg263_scp.naming.rules.mappings import mapped
from tg263_scp.naming.rules.planning_helpers import difference_of, is_not_for_dose, kind_of, prefixed
from tg263_scp.naming.standard import grammar
from tg263_scp.naming.standard.grammar import DerivedName, OrganName, TargetName
from tg263_scp.naming.standard.nomenclature import SHORT_NAME, Nomenclature, relaxed
from tg263_scp.naming.targets.alternatives import readings_offered
from tg263_scp.naming.targets.doubts import NO_STANDARD_NAME
from tg263_scp.naming.targets.filling import type_tokens
from tg263_scp.naming.targets.numbers import is_possible
from tg263_scp.naming.targets.reading import read_target
from tg263_scp.naming.words.compounds import ends_in_false_side
from tg263_scp.naming.words.letters import fold
from tg263_scp.naming.words.lexicon import OWN_LANGUAGE, WIDE_LANGUAGES, Lexicon

_SHORT_ENDING = 3
_LONGEST_CODE = 3
"""Letters of a word that another language may use for something else."""
_UNCHECKED_NOTE = "the pack of its language says no 'checked_by': it suggests, and renames nothing"

Rule = Callable[[Query, Nomenclature, NamingOptions], Proposal | None]


def not_for_us(query: Query, nomenclature: Nomenclature, options: NamingOptions) -> Proposal | None:
    """Empty, marked as not for dose evaluation (``z...``, ``_...``), or a pattern the clinic never wants touched: kept."""
    name = query.name
    if not name.strip():
        return Proposal("R000", Status.KEEP, Reason.EMPTY, kind=Kind.JUNK, note="the name is empty")
    if is_not_for_dose(name):
        note = "marked as not for dose evaluation"
        return Proposal(
            "R000", Status.KEEP, Reason.NOT_FOR_DOSE, confidence=1.0, kind=Kind.PLANNING, note=note
        )
    plain = name.strip().casefold()
    for pattern in (*options.keep_patterns, *nomenclature.clinic_keeps):
        if fnmatchcase(plain, pattern.casefold()):
            note, line = f"the clinic keeps '{pattern}'", nomenclature.clinic_keeps.get(pattern)
            evidence = (line,) if line else ()
            return Proposal(
                "R000", Status.KEEP, Reason.CLINIC_KEEPS, confidence=1.0, note=note, evidence=evidence
            )
    return None


def listed(query: Query, nomenclature: Nomenclature, options: NamingOptions) -> Proposal | None:
    """Already a name of the TG-263 list: kept."""
    entry = nomenclature.entries.get(query.name) or nomenclature.pattern_for(query.name)
    if entry is None or query.name in entry.accepts:
        return None
    parsed = grammar.parse(query.name, nomenclature)
    if parsed is None:
        return None
    return Proposal(
        "R010", Status.KEEP, Reason.LISTED, confidence=1.0, kind=Kind(entry.kind), evidence=(entry.source,)
    )


def compliant(query: Query, nomenclature: Nomenclature, options: NamingOptions) -> Proposal | None:
    """Compliant by the TG-263 grammar (PRV, ``~``, ``^``, targets) though not on the list: kept."""
    parsed = grammar.parse(query.name, nomenclature)
    if parsed is None or (isinstance(parsed, TargetName) and _hides_a_dose(parsed)):
        return None
    if isinstance(parsed, OrganName) and _can_be_better(parsed, nomenclature):
        return None
    kind = Kind.TARGET if isinstance(parsed, TargetName) else Kind.ORGAN
    if isinstance(parsed, OrganName) and parsed.margin is not None:
        kind = Kind.PRV
    note, evidence = "follows the TG-263 grammar", _list_lines(parsed, nomenclature)
    return Proposal(
        "R020", Status.KEEP, Reason.COMPLIANT, confidence=1.0, kind=kind, note=note, evidence=evidence
    )


def _list_lines(name: grammar.Name, nomenclature: Nomenclature) -> tuple[SourceLine, ...]:
    """Return the lines of the list for what a compliant name is made of: its structure, its target type."""
    organ = name.organ if isinstance(name, DerivedName) else name
    listed = nomenclature.entries
    found = []
    if isinstance(organ, OrganName):
        found.append(listed[nomenclature.stems[organ.stem].any_form].source)
    if isinstance(name, TargetName):
        types = [name.type, name.type.removeprefix("I")]  # the list has no IGTV
        found += [listed[type].source for type in types if type in listed][:1]
        if name.structure:
            stem = nomenclature.stems.get(name.structure)
            found.append(listed[stem.any_form if stem else name.structure].source)
    return tuple(found)


def _can_be_better(organ: OrganName, nomenclature: Nomenclature) -> bool:
    """``Duodenum_PRV3`` has room for the second digit (principle N8); the ``I`` of ``LN_Ax_I_L`` is a level, not inferior."""
    if organ.stem.startswith("LN_") and not {"L", "R"}.issuperset(organ.spatial):
        return True
    padded = replace(organ, margin=f"0{organ.margin}") if organ.margin and len(organ.margin) == 1 else None
    return padded is not None and grammar.spell(padded, nomenclature) is not None


def _hides_a_dose(target: TargetName) -> bool:
    """``PTV_60`` is 60 cGy, ``PTV60`` target number 60 and ``CTV-60`` a 60 mm crop by the letter; they mean 60 Gy."""
    if target.dose.isdecimal() and int(target.dose) < 20:
        return True  # 'GTVn_1' is number 1
    if not is_possible(target.dose):
        return True  # the date in 'PTV_20210514', the total in 'PTV_54Gyx3'
    if target.dose.startswith("0") and not target.dose.startswith(("0.", "0p")):
        return True  # no dose begins with a zero: 'PTV_0304'
    per_fraction, times, _ = target.dose.partition("x")
    if times and per_fraction.isdecimal() and int(per_fraction) < 100:
        return True  # 'PTV_18x3' is 3 times 18 cGy by the letter
    return any(
        text.isdecimal() and 20 <= int(text) < 100 for text in (target.dose, target.number, target.crop)
    )


def clinic_mapping(query: Query, nomenclature: Nomenclature, options: NamingOptions) -> Proposal | None:
    """The clinic's own approved mapping (overlay): renamed."""
    rows = nomenclature.clinic.get(relaxed(query.name), ())
    for site in (*nomenclature.anatomy.nearest_first(query.site), ""):
        for row in rows:
            if row.site == site:
                note = "approved by the clinic"
                return replace(mapped(row.becomes, nomenclature), note=note, evidence=(row.source,))
    return None


def respelled(query: Query, nomenclature: Nomenclature, options: NamingOptions) -> Proposal | None:
    """Equal to one listed name after case, spaces and separators, or a known error of the worksheet: renamed.

    ``lung l``, ``LUNG-L`` and ``L_Lung`` (reverse order) all become ``Lung_L``. ``-`` is disregarded only where the listed
    name has none, since TG-263 writes it for a subtraction.
    """
    key = relaxed(query.name)
    rows = nomenclature.respellings.get(key) or tuple(
        entry for entry in nomenclature.respellings.get(key.replace("-", ""), ()) if "-" not in entry.name
    )
    kinds = {entry.kind for entry in rows}
    rows = tuple(entry for entry in rows if not _misreads_the_end(query, entry.name))
    if len(rows) == 1 and kinds != {"planning"} and not _means_another(query, rows[0].name, nomenclature):
        entry = rows[0]
        worksheet = any(relaxed(text) == key for text in entry.accepts)
        reason = Reason.WORKSHEET_ERROR if worksheet else Reason.RESPELLED
        return Proposal(
            "R040", Status.RENAME, reason, entry.name, 0.99, Kind(entry.kind), evidence=(entry.source,)
        )
    return _respelled_by_grammar(query, nomenclature)


def _misreads_the_end(query: Query, name: str) -> bool:
    """``Kidney S`` is not ``Kidneys``, ``Retinal`` not ``Retina_L``, and ``Brain-`` a name cut short."""
    last = query.words[-1]
    if not last.is_word:
        return last.text == "-"
    if len(last.text) < _SHORT_ENDING and not last.joined and len(query.words) > 1:
        return last.text not in fold(name).split("_")
    glued = len(last.text) > 1 and query.camel_words[-1].text == last.text
    if glued and name.endswith("_S") and last.text.endswith("ss"):
        return True  # an 'esophaguss' is no Esophagus_S
    return glued and name.endswith(("_L", "_R")) and ends_in_false_side(last.text)


def _means_another(query: Query, name: str, nomenclature: Nomenclature) -> bool:
    """In ``spc`` the list has a space, clinics the superior constrictor; ``ventricle`` in a brain is not the heart's.

    A short name that may be an abbreviation, and a name that a pack gives another meaning at this site, are left to the
    look-up.
    """
    phrases = nomenclature.lexicon.find(tuple(token.text for token in query.words))
    others = [phrase for phrase in phrases if phrase.language != OWN_LANGUAGE and phrase.means != name]
    if len(query.name) <= SHORT_NAME:
        glued = len(query.words) == 1 and "_" in name and len(query.name) < SHORT_NAME
        return bool(others) or glued  # an 'RLN' is a nerve, 'SVB' anything
    sites = nomenclature.anatomy.nearest_first(query.site)
    return any(phrase.site in sites for phrase in others)


def _respelled_by_grammar(query: Query, nomenclature: Nomenclature) -> Proposal | None:
    """``L_PRV03_OpticNrv`` is the reverse order of ``OpticNrv_PRV03_L``; ``Colon_PTV05`` the worksheet's slip for PRV."""
    turned = grammar.parse_reverse(query.name, nomenclature)
    organ = turned.organ if isinstance(turned, DerivedName) else turned
    sided = isinstance(organ, OrganName) and _has_sides(organ, nomenclature)
    if turned is not None and sided:  # the A of 'A_Bladder' may be anything
        name = grammar.spell(turned, nomenclature)
        if name and name != query.name:
            note, evidence = "written in reverse order", _list_lines(turned, nomenclature)
            return Proposal("R040", Status.RENAME, Reason.RESPELLED, name, 0.99, note=note, evidence=evidence)
    entry = nomenclature.pattern_for(query.name)
    if entry is not None:
        digits = "".join(c for c in query.name if c.isdigit())
        name = entry.name.replace("{mm2}", digits).replace("{mm1}", digits)
        if name != query.name and grammar.parse(name, nomenclature) is not None:
            reason = Reason.WORKSHEET_ERROR
            return Proposal(
                "R040", Status.RENAME, reason, name, 0.99, Kind(entry.kind), evidence=(entry.source,)
            )
    return None


def _has_sides(organ: OrganName, nomenclature: Nomenclature) -> bool:
    """Tell whether the list has an organ with the side that is written, if any: it has no ``Heart_L``."""
    if not organ.spatial:
        return True
    sided = grammar.render(OrganName(organ.stem, spatial=organ.spatial))
    return {"L", "R"}.issuperset(organ.spatial) and sided in nomenclature.entries


def helper(query: Query, nomenclature: Nomenclature, options: NamingOptions) -> Proposal | None:
    """A planning helper, a device, a sum or a difference (ring, opti, couch, ``PTV-CTV``): left alone."""
    if difference_of(query, nomenclature):
        return None
    sign = prefixed(query, nomenclature) if options.prefixes_tell else None
    sign = sign or kind_of(query, nomenclature)
    if sign is None:
        return None
    kept = Proposal(
        "R045",
        Status.KEEP,
        sign.reason,
        confidence=0.9,
        kind=sign.kind,
        note=sign.text,
        evidence=sign.evidence,
    )
    if options.planning == "prefix_z" and sign.kind is not Kind.DEVICE:
        name = "z" + "".join(c for c in query.name if c.isascii() and (c.isalnum() or c in "_-+=!~^"))
        if len(name) <= grammar.MAX_LENGTH:
            return replace(kept, status=Status.RENAME, reason=Reason.MARKED_NOT_FOR_DOSE, name=name)
    return kept


def synonym(query: Query, nomenclature: Nomenclature, options: NamingOptions) -> Proposal | None:
    """A known name of the structure in one of the languages: renamed; what TG-263 does not list: kept, or left for review.

    A thalamus needs no name of the list. Which of the two becomes of it is the clinic's choice (``naming.unlisted``); an ROI
    whose interpreted type is a target is left for review in any case.
    """
    if type_tokens(query, nomenclature.lexicon)[1]:
        return None
    reading = read_organ(query, nomenclature)
    if reading.finding is Finding.NOTHING:
        reading = read_qualified(query, nomenclature)
    if reading.finding is Finding.NOTHING or (reading.finding is Finding.FOUND and reading.rebuilt):
        return None
    proposal = from_reading("R050", Reason.SYNONYM, 0.97, reading, nomenclature)
    if options.unlisted == "keep" and _is_unlisted(reading, query, nomenclature):
        return replace(proposal, status=Status.KEEP, confidence=0.9)
    return proposal


def _is_unlisted(reading: OrganReading, query: Query, nomenclature: Nomenclature) -> bool:
    """Tell whether a name is anatomy without a name of its own; an abbreviation of one language alone may be anything."""
    if reading.finding is not Finding.UNLISTED or reading.parts is None:
        return False
    if query.interpreted_type.upper() in nomenclature.anatomy.interpreted_types.target:
        return False
    if all(phrase.language in nomenclature.lexicon.unchecked for phrase in reading.phrases):
        return False
    core, shown = reading.parts.core, WIDE_LANGUAGES | query.languages
    code = len(core) == 1 and len(core[0]) <= _LONGEST_CODE and core[0].isascii()
    return not code or any(phrase.language in shown for phrase in reading.phrases)


def rebuilt(query: Query, nomenclature: Nomenclature, options: NamingOptions) -> Proposal | None:
    """Side, margin, PRV and partial mark taken out, the structure looked up, all put back in TG-263 order: renamed."""
    difference = difference_of(query, nomenclature)
    if difference:
        note = "organ minus target"
        return Proposal(
            "R060",
            Status.RENAME,
            Reason.REBUILT,
            difference.name,
            0.95,
            Kind.DERIVED,
            note,
            difference.evidence,
        )
    if type_tokens(query, nomenclature.lexicon)[1]:
        return None
    reading = read_organ(query, nomenclature)
    if reading.finding is Finding.FOUND:
        return from_reading("R060", Reason.REBUILT, 0.95, reading, nomenclature)
    return None


def from_reading(
    rule: str, reason: Reason, confidence: float, reading: OrganReading, nomenclature: Nomenclature
) -> Proposal:
    """Turn a reading into a proposal: a rename where a structure was found, else a review that says why not."""
    evidence = evidence_of(reading, nomenclature.lexicon)
    languages = frozenset(phrase.language for phrase in reading.phrases)
    unchecked = reading.finding is Finding.FOUND and _only_unchecked(reading, nomenclature.lexicon)
    if reading.finding is Finding.FOUND and not unchecked:
        kind = Kind.PRV if "_PRV" in reading.name else Kind.ORGAN
        return Proposal(
            rule,
            Status.RENAME,
            reason,
            reading.name,
            confidence,
            kind,
            reading.note,
            evidence,
            languages=languages,
        )
    offered = tuple(Candidate(name, 0.5, source=evidence[0] if evidence else None) for name in reading.names)
    return Proposal(
        rule,
        Status.REVIEW,
        Reason.LANGUAGE_UNCHECKED if unchecked else reading.reason,
        note=_UNCHECKED_NOTE if unchecked else reading.note,
        evidence=evidence,
        candidates=offered,
        languages=languages,
    )


def _only_unchecked(reading: OrganReading, lexicon: Lexicon) -> bool:
    """Tell whether no checked pack knows the structure, or none the side that was taken out."""
    tongues = reading.parts.tongues if reading.parts else frozenset()
    spoken = {phrase.language for phrase in reading.phrases}
    return bool(spoken and spoken <= lexicon.unchecked) or bool(tongues and tongues <= lexicon.unchecked)


def target(query: Query, nomenclature: Nomenclature, options: NamingOptions) -> Proposal | None:
    """A GTV, CTV, ITV or PTV: every part of the name put into its TG-263 slot: renamed."""
    reading = read_target(query, nomenclature)
    if not reading.types:
        return None
    if reading.doubt is None:
        evidence = reading.evidence
        if any(nomenclature.lexicon.is_unchecked(line) for line in evidence):
            return Proposal(
                "R070",
                Status.REVIEW,
                Reason.LANGUAGE_UNCHECKED,
                kind=Kind.TARGET,
                note=_UNCHECKED_NOTE,
                evidence=evidence,
                candidates=(Candidate(reading.name, 0.5),),
            )
        return Proposal(
            "R070", Status.RENAME, Reason.TARGET, reading.name, 0.93, Kind.TARGET, evidence=evidence
        )
    unnamed = reading.doubt in NO_STANDARD_NAME
    offered = tuple(Candidate(name, 0.5) for name in readings_offered(query, nomenclature))
    return Proposal(
        "R070",
        Status.REVIEW,
        Reason.NO_STANDARD_NAME if unnamed else Reason.TARGET_DOUBTFUL,
        kind=Kind.TARGET,
        note=reading.doubt.text,
        candidates=offered,
        doubt=reading.doubt,
    )
