"""Names decided with the data and the options of a configuration: what verbs and pages share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from tg263_scp.decision import Decision, Roi
from tg263_scp.naming.decide import decide_set
from tg263_scp.naming.llm.choice import LlmView
from tg263_scp.naming.query import NamingOptions
from tg263_scp.naming.standard.loading import load_nomenclature
from tg263_scp.naming.standard.nomenclature import Nomenclature


@dataclass(slots=True)
class Namer:
    """The nomenclature, the naming options and the language model of one run, with a memory of names decided alone."""

    nomenclature: Nomenclature
    options: NamingOptions = field(default_factory=NamingOptions)
    llm: LlmView | None = None
    _seen: dict[tuple[str, str, str], Decision] = field(default_factory=dict)

    def alone(self, name: str, *, site: str = "", interpreted_type: str = "") -> Decision:
        """Decide one name that stands by itself."""
        key = (name, site, interpreted_type)
        decision = self._seen.get(key)
        if decision is None:
            rois = (Roi(1, name, interpreted_type),)
            (decision,) = self.together(rois, site=site)
            self._seen[key] = decision
        return decision

    def together(self, rois: Sequence[Roi], *, site: str = "") -> tuple[Decision, ...]:
        """Decide the names of one structure set."""
        return decide_set(rois, self.nomenclature, self.options, site=site, llm=self.llm)

    def asking(self, llm: LlmView) -> Namer:
        """Return a namer with the same data that asks a model, and remembers nothing yet."""
        return Namer(self.nomenclature, self.options, llm)


def open_namer(config: Path | None = None, overlay: Path | None = None, *, compiled: bool = True) -> Namer:
    """Load the nomenclature, the naming options and the decisions that a configuration names, or the defaults without one.

    ``overlay`` replaces the configured overlay of the clinic; ``compiled`` as for ``load_nomenclature``.

    Raises:
        ConfigError: the configuration cannot be used.
        NomenclatureError: the nomenclature or the overlay contradicts itself.
        ReviewError: the store of decisions that the configuration names is damaged.
    """
    if config is None:
        return Namer(load_nomenclature(overlay=overlay, compiled=compiled))
    from tg263_scp.config.loading import load_config
    from tg263_scp.service.naming_options import naming_options
    from tg263_scp.service.review.rulings import NoObject, rulings_of

    settings = load_config(config)
    naming = settings.naming
    nomenclature = load_nomenclature(
        overlay=overlay or naming.overlay, compiled=compiled, languages=naming.languages
    )
    options = replace(naming_options(naming), ruling_on=rulings_of(settings).on(NoObject()))
    return Namer(nomenclature, options)
