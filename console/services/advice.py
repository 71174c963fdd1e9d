"""What would lower a customer's risk, by the models that score now."""

from __future__ import annotations

import logging
from typing import Protocol

from console.views.profile import Advice
from models.churn.counterfactuals import counterfactuals
from models.churn.panel import Panel
from models.config import ChurnConfig
from profiles.errors import Misconfigured
from profiles.types import Profile

__all__ = ["Adviser", "Panels"]

log = logging.getLogger(__name__)


class Panels(Protocol):
    """Where the models that score are found: the learner's store."""

    async def panel(self) -> bytes | None:
        """The panel as JSON; None before anything was learned."""
        ...


class Adviser:
    """Answers `Advice` about customers whose risk is medium or high, by the plan's bands.

    Args:
        store: of the learner; asked each time, and read anew only when it has another panel.
        config: of churn, from the plan.
        currency: of the plan.
    """

    def __init__(self, store: Panels, config: ChurnConfig, currency: str) -> None:
        self._store = store
        self._config = config
        self._currency = currency
        self._raw: bytes | None = None
        self._panel = Panel.cold(config)

    async def __call__(self, profile: Profile) -> Advice | None:
        """What would lower the risk of a customer, as of their score, so that the two can be compared.

        None while their band is low: there is nothing to lower.
        """
        score = profile.score
        if score is None or score.band == "low":
            return None
        raw = await self._store.panel()
        if raw is not None and raw != self._raw:
            self._raw = raw
            try:
                self._panel = Panel.from_json(raw, self._config)
            except Misconfigured as error:
                log.warning("advice goes on with %s: %s", self._panel.champion.id, error)
        return Advice(
            self._panel.champion.id, counterfactuals(profile, self._panel, score.at, self._config, self._currency)
        )
