"""Names of one set go wrong together: an interval that draws whole sets is wider than one that draws names."""

from __future__ import annotations

from tg263_scp.tools.names.accuracy.evaluation import wilson
from tg263_scp.tools.report.clusters import LEAST_CLUSTERS, bootstrap_interval


def test_names_that_go_wrong_together_widen_the_interval() -> None:
    together = [(10, 10)] * 2 + [(0, 10)] * 18
    found = bootstrap_interval(together)
    assert found is not None
    low, high = wilson(20, 200)
    assert found[1] - found[0] > high - low
    assert found[0] <= 0.1 <= found[1]


def test_the_same_data_give_the_same_interval() -> None:
    data = [(1, 10), (0, 7), (3, 9)] * 5
    assert bootstrap_interval(data) == bootstrap_interval(data)


def test_too_few_clusters_and_events_that_never_happen_have_none() -> None:
    assert bootstrap_interval([(1, 2)] * (LEAST_CLUSTERS - 1)) is None
    assert bootstrap_interval([(0, 5)] * 30) is None
    assert bootstrap_interval([(5, 5)] * 30) is None
