"""Intervals for rates of names that are not independent: names of one structure set, or of one clinic, go wrong together.

A cluster bootstrap draws whole clusters with replacement and takes the 2.5 % and 97.5 % quantiles of the rate (Davison and
Hinkley, Bootstrap Methods and their Application, 1997, section 2.4). It is seeded: the same data give the same interval.
"""

from __future__ import annotations

import random
from collections.abc import Sequence

LEAST_CLUSTERS = 10
"""With fewer clusters a bootstrap says less than it seems to."""
_DRAWS = 1000
_SEED = 263


def bootstrap_interval(clusters: Sequence[tuple[int, int]]) -> tuple[float, float] | None:
    """Return the 95 % interval of a rate; each cluster is how often it happened, and out of how many.

    None where there are fewer than :data:`LEAST_CLUSTERS` clusters, and where it happened never or always: every draw would
    show the same, and an interval without width would claim what nobody knows.
    """
    happened, trials = sum(part for part, _ in clusters), sum(of for _, of in clusters)
    if len(clusters) < LEAST_CLUSTERS or happened in (0, trials):
        return None
    draw = random.Random(_SEED)
    rates = []
    for _ in range(_DRAWS):
        drawn = draw.choices(clusters, k=len(clusters))
        trials = sum(of for _, of in drawn)
        rates.append(sum(happened for happened, _ in drawn) / trials if trials else 0.0)
    rates.sort()
    return rates[int(0.025 * _DRAWS)], rates[int(0.975 * _DRAWS) - 1]
