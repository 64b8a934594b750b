"""What the section ``naming`` of a configuration means for naming."""

from __future__ import annotations

from tg263_scp.config.sections import Naming
from tg263_scp.naming.query import NamingOptions


def naming_options(naming: Naming) -> NamingOptions:
    """Return the options that a configuration asks for."""
    return NamingOptions(
        keep_patterns=tuple(naming.keep_patterns),
        planning=naming.planning,
        unlisted=naming.unlisted,
        languages=tuple(naming.languages),
        fuzzy_floor=naming.fuzzy_floor,
        fuzzy_gap=naming.fuzzy_gap,
    )
