"""Counters of a node, read off a page of Prometheus."""

from __future__ import annotations

from doubles.loopback import unused_port

from tg263_scp.config.loading import load_config
from tg263_scp.desk.pages.node_figures import node_figures, read_figures

PAGE = """# HELP tg263_names_total Names decided
tg263_names_total{rule="R050",status="rename"} 3.0
tg263_names_total{rule="R060",status="rename"} 1.2e+01
tg263_names_total{rule="R080",status="review"} 0.0
tg263_deliveries_ended_total{destination="a \\"b\\"",outcome="delivery_failed"} 2.0
tg263_free_disk_bytes 5.0
tg263_connections_refused_total{reason="<script>"} 1.0
nonsense{
"""


def test_counters_are_summed_and_what_never_happened_is_left_out() -> None:
    assert read_figures(PAGE) == {
        "Names decided": {"rename": 15},
        "Objects decided": {},
        "Deliveries ended": {"delivery failed": 2},
        "Connections refused": {"<script>": 1},
    }


def test_without_a_node_that_answers_there_are_none() -> None:
    metrics = load_config().metrics
    assert node_figures(metrics) is None
    assert node_figures(metrics.model_copy(update={"port": unused_port()})) is None
