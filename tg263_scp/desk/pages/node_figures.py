"""What the running node has counted since it started, read where it shows its figures to monitoring."""

from __future__ import annotations

import re
from contextlib import closing
from http.client import HTTPConnection, HTTPException

from tg263_scp.config.sections import Metrics

_SAMPLE = re.compile(r"^(tg263_\w+)\{([^}]*)\} ([0-9.e+]+)$", re.MULTILINE)
_LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')
_WITHIN_S = 1.0
_MOST_BYTES = 1 << 20
_SHOWN = {
    "tg263_names_total": ("Names decided", "status"),
    "tg263_objects_decided_total": ("Objects decided", "outcome"),
    "tg263_deliveries_ended_total": ("Deliveries ended", "outcome"),
    "tg263_connections_refused_total": ("Connections refused", "reason"),
}
"""What is shown of each counter: its title, and the label by which it is summed."""

Figures = dict[str, dict[str, int]]
"""By title, how many there are of what."""


def node_figures(metrics: Metrics) -> Figures | None:
    """Return what the node has counted since it started; None where it shows no figures, or does not answer."""
    if not metrics.port:
        return None
    host = "127.0.0.1" if metrics.host in ("0.0.0.0", "") else metrics.host
    try:
        with closing(HTTPConnection(host, metrics.port, timeout=_WITHIN_S)) as connection:
            connection.request("GET", "/metrics")
            text = connection.getresponse().read(_MOST_BYTES).decode("utf-8", "replace")
    except (OSError, HTTPException):
        return None
    return read_figures(text)


def read_figures(text: str) -> Figures:
    """Sum the counters of a page of Prometheus; what never happened is left out."""
    figures: Figures = {title: {} for title, _ in _SHOWN.values()}
    for name, labels, value in _SAMPLE.findall(text):
        if name in _SHOWN and float(value):
            title, label = _SHOWN[name]
            of = dict(_LABEL.findall(labels)).get(label, "").replace("_", " ")
            figures[title][of] = figures[title].get(of, 0) + int(float(value))
    return figures
