"""Names per second on one core, and the time until the first name can be decided.

    python benchmarks/names.py

Names are made from the list and the synonym packs (``known``: a dictionary answers) and from the same words with letters
swapped and strangers added (``unseen``: the whole cascade runs). No file beside the project's own is read.
"""

from __future__ import annotations

import random
import subprocess
import sys
import time
from collections.abc import Sequence

from tg263_scp.naming.decide import decide
from tg263_scp.naming.standard.loading import load_nomenclature
from tg263_scp.naming.standard.nomenclature import Nomenclature

SIDES = ("left", "rt", "L", "R", "")


def known_names(nomenclature: Nomenclature, chance: random.Random, count: int) -> list[str]:
    """Names a dictionary answers: phrases of all packs with sides around them."""
    phrases = [phrase.text for pack in nomenclature.packs for phrase in pack.phrases]
    return [f"{chance.choice(SIDES)} {chance.choice(phrases)}".strip() for _ in range(count)]


def unseen_names(known: Sequence[str], chance: random.Random) -> list[str]:
    """The same names, each with two letters swapped and a word or number nobody knows: all different."""
    found = []
    for number, name in enumerate(known):
        at = chance.randrange(max(1, len(name) - 1))
        swapped = name[:at] + name[at : at + 2][::-1] + name[at + 2 :]
        found.append(f"{swapped} {chance.choice(('xq', 'v', ''))}{number}")
    return found


def rate(names: Sequence[str], nomenclature: Nomenclature) -> float:
    """Decide every name; return names per second of processor time."""
    began = time.process_time()
    for name in names:
        decide(name, nomenclature)
    return len(names) / (time.process_time() - began)


def start_up_s() -> float:
    """Time from a new interpreter to loaded data, in seconds of processor time, its own start taken off; best of five."""
    code = "import time; t = time.process_time(); from tg263_scp.naming.standard.loading import load_nomenclature; "
    code += "from tg263_scp.naming.decide import decide; load_nomenclature(compiled=True); print(time.process_time() - t)"
    runs = [
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        for _ in range(5)
    ]
    return min(float(run.stdout) for run in runs)


def main() -> None:
    """Print the table."""
    nomenclature = load_nomenclature()
    chance = random.Random(263)
    known = known_names(nomenclature, chance, 5000)
    unseen = unseen_names(known, chance)
    first = rate(known, nomenclature)
    again = rate(known[-2000:] * 5, nomenclature)
    fresh = rate(unseen, nomenclature)
    print(f"import and data load      {start_up_s():8.3f} s")
    print(f"seen before               {again:8.0f} names/s")
    print(f"by dictionary, first time {first:8.0f} names/s")
    print(f"never seen, whole cascade {fresh:8.0f} names/s")


if __name__ == "__main__":
    main()
