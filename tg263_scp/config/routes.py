"""Gates and routes of the configuration: what becomes of structure sets that a person may want to see first, and which way
the objects of which sender go.
"""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from typing import Any, Literal

from tg263_scp.config.fields import AeTitles, Misfit, Networks, PlainName, Section, Texts

Action = Literal["pass", "hold", "relabel"]
PassOrHold = Literal["pass", "hold"]
Mode = Literal["relabel", "shadow"]


class Gates(Section):
    """What becomes of a structure set about which something is found; see :mod:`tg263_scp.service.deciding.gates`.

    Where several decide alike, the first in this order is named.
    """

    sop_class_mismatch: PassOrHold
    uid_mismatch: PassOrHold
    encapsulated: Action
    unreadable: Action
    signed: Action
    approved: Action
    collision: Action
    unresolved: Action


class Route(Section):
    """Which objects go this way, and how: those whose sender is listed in each list that is not empty."""

    name: PlainName
    calling_ae_titles: AeTitles
    called_ae_titles: AeTitles
    addresses: Networks
    mode: Mode
    gates: Gates
    destinations: Texts

    @property
    def takes_everything(self) -> bool:
        """Whether it asks nothing of a sender."""
        return not (self.calling_ae_titles or self.called_ae_titles or self.addresses)


def route_settings(naming: dict[str, Any], destinations: Sequence[str]) -> dict[str, Any]:
    """Return what holds for a route that does not say otherwise: naming as everywhere, all senders, all destinations."""
    anybody: dict[str, Any] = {"calling_ae_titles": [], "called_ae_titles": [], "addresses": []}
    return {
        **anybody,
        "mode": naming["mode"],
        "gates": naming["gates"],
        "destinations": list(destinations),
    }


def check_routes(routes: Sequence[Route], destinations: Sequence[str]) -> None:
    """Look whether the routes can do what they say.

    Raises:
        Misfit: two have one name, one names a destination that there is not, or none, or is never reached.
    """
    for number, route in enumerate(routes):
        for earlier in routes[:number]:
            if earlier.name == route.name:
                raise Misfit(
                    ("routes", number, "name"),
                    f"two routes are called '{route.name}'",
                    hint="the audit log tells routes apart by their names",
                )
            if earlier.takes_everything:
                raise Misfit(
                    ("routes", number),
                    f"is never reached: the route '{earlier.name}' before it takes everything",
                    hint="the first route that fits is taken: put the one for everybody last",
                )
        for name in route.destinations:
            if name not in destinations:
                near = difflib.get_close_matches(name, destinations, n=1, cutoff=0.5)
                raise Misfit(
                    ("routes", number, "destinations"),
                    f"there is no destination '{name}'",
                    hint=f"did you mean '{near[0]}'?"
                    if near
                    else f"destinations: {', '.join(destinations) or 'none'}",
                )
        if destinations and not route.destinations:
            raise Misfit(
                ("routes", number, "destinations"),
                "names no destination",
                hint="leave it out for all of them",
            )
