"""What the statement claims, by which clause, and in which tests it is shown: ``conformance/claims.yaml``."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from tg263_scp import yamlsource
from tg263_scp.errors import DataFileError, SourceLine
from tg263_scp.resources import data_folder
from tg263_scp.tools.statement.markdown import table

_KEYS = ("claim", "clauses", "says", "with", "tests")
_ID = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_NUMBERS = re.compile(r"(\d+)")
IHE = "IHE-RO"
"""How clauses begin that are not of DICOM."""


@dataclass(frozen=True, slots=True)
class Claim:
    """One thing that is claimed. ``tests`` are the names of test functions by the name of their module.

    ``clauses`` are those of the standard that bind us there; ``peers`` the programs of others that take part.
    """

    name: str
    clauses: tuple[str, ...]
    says: str
    peers: str
    tests: Mapping[str, tuple[str, ...]]

    @property
    def link(self) -> str:
        """The bracket behind a sentence, which leads to the row of this claim."""
        return f"[[{self.name}]](#{self.name})"


def load_claims(path: Path | None = None) -> dict[str, Claim]:
    """Read the claims that ship, or those of another file.

    Raises:
        DataFileError: a claim without a test, without a clause, twice, or with a key that nobody knows.
    """
    path = path or data_folder("conformance") / "claims.yaml"
    entries = yamlsource.load(path).get("claims", [])
    claims: dict[str, Claim] = {}
    for entry in entries:
        claim = _claim(entry, path)
        if claim.name in claims:
            raise _faulty(path, entry.line, f"the claim '{claim.name}' stands here a second time")
        claims[claim.name] = claim
    return claims


def _claim(entry: yamlsource.Mapping, path: Path) -> Claim:
    unknown = [key for key in entry if key not in _KEYS]
    if unknown:
        raise _faulty(path, entry.line_of(unknown[0]), f"unknown key '{unknown[0]}'")
    tests = entry.get("tests") or {}
    claim = Claim(
        str(entry.get("claim", "")),
        tuple(yamlsource.texts(entry.get("clauses", ""))),
        str(entry.get("says", "")),
        str(entry.get("with", "")),
        {str(module): tuple(yamlsource.texts(names)) for module, names in tests.items()},
    )
    if not _ID.fullmatch(claim.name):
        raise _faulty(path, entry.line, "a claim needs a name of small letters, digits and hyphens")
    if not claim.clauses or not claim.says:
        raise _faulty(path, entry.line, f"the claim '{claim.name}' needs clauses and what it says")
    if not claim.tests or not all(claim.tests.values()):
        raise _faulty(path, entry.line, f"the claim '{claim.name}' has no test")
    return claim


def _faulty(path: Path, line: int, problem: str) -> DataFileError:
    return DataFileError(
        SourceLine(str(path), line), problem, hint=f"known keys: {', '.join(_KEYS)}; see the head of the file"
    )


def evidence_table(claims: Iterable[Claim], *, ihe: bool) -> str:
    """Return the rows of the clauses of DICOM, or of IHE, in the order of the clauses."""
    rows = []
    for claim in sorted(claims, key=_order):
        clauses = [clause for clause in claim.clauses if clause.startswith(IHE) is ihe]
        if clauses:
            rows.append((*_named(claim, clauses), claim.peers, _tests(claim)))
    return table(("clause", "claim", "what is shown", "with", "tests"), rows)


def _named(claim: Claim, clauses: list[str]) -> tuple[str, str, str]:
    ihe_only_here = clauses[0].startswith(IHE) and any(not each.startswith(IHE) for each in claim.clauses)
    anchor = claim.link if ihe_only_here else f'<a id="{claim.name}"></a>`{claim.name}`'
    return ", ".join(clauses), anchor, claim.says


def _tests(claim: Claim) -> str:
    return "; ".join(
        f"`{module}`: {', '.join(f'`{name}`' for name in names)}" for module, names in claim.tests.items()
    )


def _order(claim: Claim) -> tuple[list[tuple[int, str]], str]:
    """Sort PS3.4 before PS3.15, and B.2 before B.10."""
    parts = [part for part in _NUMBERS.split(claim.clauses[0]) if part]
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in parts], claim.name
