"""The answers do not depend on the order in which Python walks a set."""

from __future__ import annotations

import os
import subprocess
import sys

SCRIPT = """
import sys
from dataclasses import astuple
from tg263_scp.naming.decide import decide
from tg263_scp.naming.standard.loading import load_nomenclature

nomenclature = load_nomenclature()
for name in sys.stdin.read().splitlines():
    print(repr(astuple(decide(name, nomenclature))).encode("unicode_escape").decode())
"""
NAMES = (
    "lobe humerus dist|brainstem-(1)_lt.links|post poumon|humerus-ant.post-li|submandibualr gland x|opticus li prv 3|"
    "kidnye rt|otpic nerve l|parotis B|bulbus|hals 2b v|LN Ax II re|niere|plexus brach|femurkopf lnks|lymph node level|"
    "constrictor pharyngis sup inf|cochlea der|glandula|lung upper lobe x|rectum wall oben|PTV prostata sv 78|"
    "CTVn li 50.4|GTV hepar 2|PTV PB|medulla 5mm|pulmo l+r|mandibula pars|oesophagus ring|braun|brustwand|"
    "長い肺|脊髄 x|левое легкое б|κεφαλη οστου|beckenlymphknoten iliaca ext"
).split("|")  # fmt: skip


def answers(seed: str) -> list[str]:
    run = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        input="\n".join(NAMES),
        env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        check=True,
        encoding="utf-8",
    )
    return run.stdout.splitlines()


def test_two_hash_seeds_give_the_same_decisions_and_candidates() -> None:
    first, second = answers("1"), answers("2")
    assert len(first) == len(NAMES)
    assert first == second
