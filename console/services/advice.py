"""What would lower a customer's risk, and what is to be expected of them, by the models that score now."""

from __future__ import annotations

from console.services.models import LearnerView
from console.views.churn import Advice
from models.churn.counterfactuals import counterfactuals
from models.churn.outlook import outlook
from models.churn.panel import Panel
from models.config import ChurnConfig
from models.labels.outcomes import held
from profiles.types import Profile
from streams.refreshed import Refreshed

__all__ = ["Adviser"]


class Adviser:
    """Answers what would lower the risk of customers whose band is medium or high, and what is to be expected.

    Args:
        store: of the learner; asked each time, and read anew only when it has another panel.
        config: of churn, from the plan.
        currency: of the plan.
    """

    def __init__(self, store: LearnerView, config: ChurnConfig, currency: str) -> None:
        self._configs = config.each()
        self._currency = currency

        async def read(raw: bytes) -> Panel:
            return Panel.from_json(raw, config)

        self._panel = Refreshed(
            Panel.cold(config), store.panel, read, lambda panel: f"advice goes on with {panel.champion.id}"
        )

    async def __call__(self, profile: Profile) -> Advice | None:
        """What would lower each risk of a customer, and what is to be expected, as of the score, so that both can be
        compared with it.

        While the band is low there is nothing to lower; without a score there is nothing at all.
        """
        if not any(held(profile, config).score for config in self._configs):
            return None
        await self._panel.refresh()
        own, *others = (self._of(profile, config) for config in self._configs)
        defined = {config.name: each for config, each in zip(self._configs[1:], others, strict=True) if each}
        return (own or Advice("", None))._replace(defined=defined)

    def _of(self, profile: Profile, config: ChurnConfig) -> Advice | None:
        """By one definition of churn; what is to be expected goes by orders, and so with the plan's own."""
        score = held(profile, config).score
        if score is None:
            return None
        panel, currency = self._panel().of(config.name), self._currency
        lower = None if score.band == "low" else counterfactuals(profile, panel, score.at, config, currency)
        expected = None if config.name else outlook(profile, panel, score.at, config, currency)
        return Advice(panel.kin(score.model).id, lower, expected)
