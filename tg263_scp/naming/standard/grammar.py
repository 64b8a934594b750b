"""The TG-263 grammar: compliant names read into their parts, and written back without loss.

Organ names are a stem of the list with a partial mark, a PRV margin and spatial tokens (report 7.2); targets are a chain
of slots in fixed order (report 8.2). A name is compliant here when its stem is listed, every token stands in its place
and the whole has at most 16 characters.

Accepted, each written back as it was read (``nomenclature`` is the list that ships):
    >>> from dataclasses import asdict
    >>> def parts(name):
    ...     found = parse(name, nomenclature)
    ...     assert render(found) == name
    ...     return {part: value for part, value in asdict(found).items() if value}

    >>> parts("Brainstem")
    {'stem': 'Brainstem'}
    >>> parts("OpticNrv_PRV03_L")
    {'stem': 'OpticNrv', 'margin': '03', 'spatial': ('L',)}
    >>> parts("Lung~_L")                       # a part of the left lung
    {'stem': 'Lung', 'partial': True, 'spatial': ('L',)}
    >>> parts("LN_Ax_L1_L")                    # the longest listed stem wins: L1 is a level
    {'stem': 'LN_Ax_L1', 'spatial': ('L',)}
    >>> parts("Glnd_Submand_L^x")
    {'stem': 'Glnd_Submand', 'spatial': ('L',), 'custom': 'x'}
    >>> parse("Lungs-GTVn1", nomenclature).target
    'GTVn1'
    >>> parts("PTVp1_5040-03^Ad")              # crop and custom text come last
    {'type': 'PTV', 'classifier': 'p', 'number': '1', 'dose': '5040', 'crop': '03', 'custom': 'Ad'}
    >>> parts("GTVn2_MR1_5040")
    {'type': 'GTV', 'classifier': 'n', 'number': '2', 'imaging': 'MR1', 'dose': '5040'}
    >>> parts("PTV_Liver_4500")
    {'type': 'PTV', 'structure': 'Liver', 'dose': '4500'}
    >>> parts("PTV!_20Gyx3")                   # one of several segments
    {'type': 'PTV', 'segmented': True, 'dose': '20Gyx3'}
    >>> parts("PTVProstate_6000")              # the overflow form of principle T10
    {'type': 'PTV', 'structure': 'Prostate', 'dose': '6000'}
    >>> parts("zPTVopt")
    {'text': 'zPTVopt', 'not_for_dose': True}

Refused:
    >>> parse("Kidney", nomenclature)                 # listed with a side only
    >>> parse("lung_l", nomenclature)                 # case counts
    >>> parse("Lung-L", nomenclature)                 # ``-`` takes something off
    >>> parse("Lung_L~", nomenclature)                # ``~`` belongs to the stem
    >>> parse("Lung_L^", nomenclature)                # no text behind ``^``
    >>> parse("OpticNrv_L_PRV03", nomenclature)       # the margin stands before the side
    >>> parse("A_Carotid_PRV05_L", nomenclature)      # 17 characters
    >>> parse("PTV 60", nomenclature)                 # a space
    >>> parse("PTV_5000_Liver", nomenclature)         # the structure stands before the dose
    >>> parse("GTV_LN7", nomenclature)                # LN7 is not in the list
    >>> parse("PTVx", nomenclature)                   # x is not a classifier
    >>> parse("zunge", nomenclature)                  # a word, and no name that is not for dose

Standard: AAPM TG-263 report, principles N1-N15 (section 7.2) and T1-T10 (section 8.2).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache

from tg263_scp.naming.standard.nomenclature import Nomenclature

MAX_LENGTH = 16
"""Characters of a name, prefix and marks included (principle N1)."""

TARGET_TYPES = ("IGTV", "ICTV", "GTV", "CTV", "ITV", "PTV")
CLASSIFIERS = ("par", "vas", "sb", "n", "p", "v")

_SPATIAL = frozenset(
    ["L", "R", "A", "P", "I", "S", "M", "LI", "RI", "RUL", "RML", "RLL", "LUL", "LLL", "NAdj", "Dist", "Prox"]
)
_SIDES = frozenset({"L", "R"})
_CUSTOM_TEXT = r"[A-Za-z0-9_+=!~-]+"
_CUSTOM = re.compile(_CUSTOM_TEXT)
_PRV = re.compile(r"PRV(?P<mm>\d{0,2})")
_TARGET_HEAD = re.compile(
    rf"(?P<type>{'|'.join(TARGET_TYPES)})(?P<segmented>!)?(?P<classifier>{'|'.join(CLASSIFIERS)})?(?P<number>\d{{1,2}})?(?!\d)"
)
_TARGET_TAIL = re.compile(rf"(?:-(?P<crop>\d\d))?(?:\^(?P<custom>{_CUSTOM_TEXT}))?")
_IMAGING = re.compile(r"(?:(?:CT|PT|MR|SP)\d+)+")
_DOSE = re.compile(r"High|Low|Mid(?:\d\d)?|\d+(?:[.p]\d+)?(?:Gy)?x\d+|\d+(?:[.p]\d+)?Gy|\d+")
_NOT_FOR_DOSE = re.compile(rf"(?:z+[A-Z0-9]|_+[A-Za-z0-9])(?:{_CUSTOM_TEXT}|\^)*")
"""``zRing``, ``_Heart``; a word that merely begins with z (``zunge``) is no such name."""
_SPECIAL = re.compile(r"Bolus_\d\dmm|IDL_\d+|E-PTV(?:_Ev\d\d)?_\d+")


@dataclass(frozen=True, slots=True)
class OrganName:
    """A non-target name in its parts. ``margin`` is None without PRV, ``""`` for a PRV of no named margin, else mm digits."""

    stem: str
    partial: bool = False
    margin: str | None = None
    spatial: tuple[str, ...] = ()
    custom: str = ""


@dataclass(frozen=True, slots=True)
class DerivedName:
    """An organ minus a target: ``Lungs-GTV``."""

    organ: OrganName
    target: str


@dataclass(frozen=True, slots=True)
class TargetName:
    """A target in its slots, each ``""`` where absent. ``dose`` is as written (cGy without unit, ``High``, ``20Gyx3``)."""

    type: str
    segmented: bool = False
    classifier: str = ""
    number: str = ""
    imaging: str = ""
    structure: str = ""
    dose: str = ""
    crop: str = ""
    custom: str = ""


@dataclass(frozen=True, slots=True)
class LiteralName:
    """A name that is not taken apart: ``zPTVopt``, ``Bolus_05mm``, ``E-PTV_5000``."""

    text: str
    not_for_dose: bool = False


Name = OrganName | DerivedName | TargetName | LiteralName


@lru_cache(maxsize=16384)
def parse(name: str, nomenclature: Nomenclature) -> Name | None:
    """Read a name in primary order; None where it is not compliant (a stem that is not listed, 17 characters ...)."""
    if not 0 < len(name) <= MAX_LENGTH:
        return None
    if _NOT_FOR_DOSE.fullmatch(name):
        return LiteralName(name, not_for_dose=True)
    if _SPECIAL.fullmatch(name):
        return LiteralName(name)
    found = (
        parse_target(name, nomenclature)
        or parse_derived(name, nomenclature)
        or parse_organ(name, nomenclature)
    )
    return found or (LiteralName(name) if name in nomenclature.entries else None)


def render(name: Name) -> str:
    """Write a name in primary order, whatever its length.

    A target that would pass 16 characters loses underscores from the left until it fits (principle T10).

    >>> render(TargetName("PTV", structure="Prostate", dose="6000"))
    'PTVProstate_6000'
    >>> render(OrganName("Glnd_Submand", margin="05", spatial=("L",)))
    'Glnd_Submand_PRV05_L'
    """
    if isinstance(name, OrganName):
        return _render_organ(name)
    if isinstance(name, DerivedName):
        return f"{_render_organ(name.organ)}-{name.target}"
    if isinstance(name, TargetName):
        return _render_target(name)
    return name.text


def spell(name: Name, nomenclature: Nomenclature) -> str | None:
    """Write a name so that it can be read back to the same parts; None where 16 characters cannot hold it without loss.

    The overflow form of principle T10 is used only where it stays readable:

    >>> spell(TargetName("PTV", structure="Esophagus", dose="5040"), nomenclature)
    'PTVEsophagus5040'
    >>> spell(TargetName("PTV", classifier="par", number="3", dose="2000x3", crop="03"), nomenclature)  # 'PTVpar32000x3-03'
    >>> spell(OrganName("Glnd_Submand", margin="05", spatial=("L",)), nomenclature)                     # 20 characters
    """
    text = render(name)
    return text if len(text) <= MAX_LENGTH and parse(text, nomenclature) == name else None


def render_reverse(name: Name) -> str:
    """Write an organ name in reverse order (principle N13): tokens turned, ``~`` on its stem, ``^custom`` last.

    >>> render_reverse(OrganName("OpticNrv", margin="03", spatial=("L",)))
    'L_PRV03_OpticNrv'
    >>> render_reverse(OrganName("Lung", partial=True, spatial=("L",)))
    'L_Lung~'
    """
    if isinstance(name, DerivedName):
        return f"{render_reverse(name.organ)}-{name.target}"
    if not isinstance(name, OrganName):
        return render(name)
    head = "_".join(reversed(_render_organ(replace(name, partial=False, custom="")).split("_")))
    return head + ("~" if name.partial else "") + (f"^{name.custom}" if name.custom else "")


def side_of_pair(name: str, nomenclature: Nomenclature) -> tuple[str, str]:
    """Return stem and side (``L``, ``R``) of a paired organ that a name states; two empty texts for any other name."""
    parsed = parse(name, nomenclature)
    if not isinstance(parsed, OrganName) or not nomenclature.stems[parsed.stem].paired:
        return "", ""
    sides = [token for token in parsed.spatial if token in ("L", "R")]
    return (parsed.stem, sides[0]) if len(sides) == 1 else ("", "")


def parse_reverse(name: str, nomenclature: Nomenclature) -> Name | None:
    """Read an organ name in reverse order (``L_PRV03_OpticNrv``, ``L_Lung~``); None where it is not one."""
    body, caret, custom = name.partition("^")
    body, minus, target = body.partition("-")
    tokens = body.removesuffix("~").split("_")
    if len(tokens) < 2:
        return None
    plain = parse_organ("_".join(reversed(tokens)), nomenclature)
    if plain is None or (caret and not custom):
        return None
    organ = replace(plain, partial=body.endswith("~"), custom=custom)
    if minus:
        return DerivedName(organ, target) if _target_of_derived(target) else None
    return organ


def parse_organ(name: str, nomenclature: Nomenclature) -> OrganName | None:
    """Read an organ or PRV name; the longest listed stem wins, so that ``VB_L`` is lumbar and ``LN_Ax_L1_L`` a level.

    A stem that the list has only with a side (``Kidney``) is no name without one.
    """
    body, caret, custom = name.partition("^")
    if caret and not _CUSTOM.fullmatch(custom):
        return None
    tokens = body.split("_")
    for size in range(len(tokens), 0, -1):
        stem = "_".join(tokens[:size])
        rest = tokens[size:]
        margin = _PRV.fullmatch(rest[0]) if rest else None
        spatial = tuple(rest[1:] if margin else rest)
        plain = stem.removesuffix("~")
        sided = plain in nomenclature.entries or not _SIDES.isdisjoint(spatial)
        if not sided or not set(spatial) <= _SPATIAL:
            continue
        if plain in nomenclature.stems and nomenclature.is_organ_stem(plain):
            return OrganName(plain, stem.endswith("~"), margin["mm"] if margin else None, spatial, custom)
    return None


def parse_derived(name: str, nomenclature: Nomenclature) -> DerivedName | None:
    """Read ``Lungs-GTV``: an organ minus a target type, classifier and number."""
    organ_text, minus, target = name.partition("-")
    if not minus or not _target_of_derived(target):
        return None
    organ = parse_organ(organ_text, nomenclature)
    return DerivedName(organ, target) if organ else None


def _target_of_derived(text: str) -> bool:
    match = _TARGET_HEAD.fullmatch(text)
    return match is not None and not match["segmented"]


def parse_target(name: str, nomenclature: Nomenclature) -> TargetName | None:
    """Read a target name slot by slot, the overflow form of principle T10 included; None where a token has no slot."""
    head = _TARGET_HEAD.match(name)
    if not head:
        return None
    rest, tail = _split_tail(name[head.end() :])
    if tail is None:
        return None
    start = TargetName(
        type=head["type"],
        segmented=bool(head["segmented"]),
        classifier=head["classifier"] or "",
        number=head["number"] or "",
        crop=tail["crop"] or "",
        custom=tail["custom"] or "",
    )
    for imaging, structure, dose in _slots(rest, nomenclature):
        found = replace(start, imaging=imaging, structure=structure, dose=dose)
        if _render_target(found) == name:
            return found
    return None


def _split_tail(rest: str) -> tuple[str, re.Match[str] | None]:
    """Cut crop and custom off the end: the first place from the left whose remainder is a whole tail."""
    for at in range(len(rest) + 1):
        tail = _TARGET_TAIL.fullmatch(rest, at)
        if tail and (at == len(rest) or rest[at] in "-^"):
            return rest[:at], tail
    return rest, None


def _slots(rest: str, nomenclature: Nomenclature) -> Iterator[tuple[str, str, str]]:
    """Yield the readings of ``_MR1_Liver_5000`` as imaging, structure and dose, with or without their underscores."""
    for imaging in _prefixes(rest, _IMAGING):
        after = rest[_length(imaging, rest) :]
        for dose in _suffixes(after):
            text = after[: len(after) - _suffix_length(dose, after)].removeprefix("_")
            if not text:
                yield imaging, "", dose
            for structure in nomenclature.structure_slots.get(text.replace("_", ""), ()):
                yield imaging, structure, dose


def _prefixes(rest: str, pattern: re.Pattern[str]) -> Iterator[str]:
    match = pattern.match(rest.removeprefix("_"))
    if match:
        following = rest.removeprefix("_")[match.end() :]
        if not following or following[0] in "_ABCDEFGHIJKLMNOPQRSTUVWXYZ":
            yield match.group()
    yield ""


def _length(imaging: str, rest: str) -> int:
    return len(imaging) + (1 if imaging and rest.startswith("_") else 0)


def _suffixes(after: str) -> Iterator[str]:
    """Yield the doses ``after`` may end in, longest first, then none."""
    for at in range(len(after)):
        if _DOSE.fullmatch(after, at) and (
            at == 0 or not (after[at - 1].isdigit() or after[at - 1] in ".px")
        ):
            yield after[at:]
    yield ""


def _suffix_length(dose: str, after: str) -> int:
    if not dose:
        return 0
    return len(dose) + (1 if after[: len(after) - len(dose)].endswith("_") else 0)


def _render_organ(name: OrganName) -> str:
    parts = [name.stem + ("~" if name.partial else "")]
    if name.margin is not None:
        parts.append(f"PRV{name.margin}")
    return "_".join((*parts, *name.spatial)) + (f"^{name.custom}" if name.custom else "")


def _render_target(name: TargetName) -> str:
    head = name.type + ("!" if name.segmented else "") + name.classifier + name.number
    tail = (f"-{name.crop}" if name.crop else "") + (f"^{name.custom}" if name.custom else "")
    middle = "".join(f"_{part}" for part in (name.imaging, name.structure, name.dose) if part)
    while len(head + middle + tail) > MAX_LENGTH and "_" in middle:
        middle = middle.replace("_", "", 1)
    return head + middle + tail
