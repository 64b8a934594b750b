"""Which way an object goes: the first route of the configuration that its sender fits, or what holds for everybody else."""

from __future__ import annotations

from typing import Protocol

from tg263_scp.config.networks import in_networks
from tg263_scp.config.routes import Route, route_settings
from tg263_scp.config.sections import Config


class Sender(Protocol):
    """Who sent an object, and as whom the node was called; a received object and a row of the journal know it."""

    @property
    def calling_ae_title(self) -> str: ...  # noqa: D102
    @property
    def called_ae_title(self) -> str: ...  # noqa: D102
    @property
    def peer_address(self) -> str: ...  # noqa: D102


class Routes:
    """The routes of one configuration. The same sender gets the same route, whenever it is asked for."""

    def __init__(self, config: Config) -> None:
        self._in_force = _of(config)

    def use(self, config: Config) -> None:
        """Go by the routes of another configuration from now on."""
        self._in_force = _of(config)

    def of(self, sender: Sender) -> Route:
        """Return the route of an object; without a name where no route of the configuration fits."""
        routes, everybody_else = self._in_force
        return next((route for route in routes if fits(route, sender)), everybody_else)


def _of(config: Config) -> tuple[list[Route], Route]:
    """Return the routes of a configuration, and the one for everybody else."""
    names = [destination.name for destination in config.destinations]
    naming = {"mode": config.naming.mode, "gates": config.naming.gates}
    # It has no name: the routes of the configuration must have one.
    return config.routes, Route.model_construct(name="", **route_settings(naming, names))


def fits(route: Route, sender: Sender) -> bool:
    """Tell whether a route takes the objects of a sender. AE titles are compared as written, without padding (PS3.5 6.2)."""
    return (
        (not route.calling_ae_titles or sender.calling_ae_title.strip() in route.calling_ae_titles)
        and (not route.called_ae_titles or sender.called_ae_title.strip() in route.called_ae_titles)
        and (not route.addresses or in_networks(sender.peer_address, route.addresses))
    )
