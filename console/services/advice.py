"""What would lower a customer's risk, and what is to be expected of them, by the models that score now."""

from __future__ import annotations

from console.services.models import LearnerView
from console.views.churn import Advice
from models.churn.counterfactuals import counterfactuals
from models.churn.outlook import outlook
from models.churn.panel import Panel
from models.config import ChurnConfig
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
        self._config = config
        self._currency = currency

        async def read(raw: bytes) -> Panel:
            return Panel.from_json(raw, config)

        self._panel = Refreshed(
            Panel.cold(config), store.panel, read, lambda panel: f"advice goes on with {panel.champion.id}"
        )

    async def __call__(self, profile: Profile) -> Advice | None:
        """What would lower the risk of a customer, and what is to be expected, as of their score, so that both can be
        compared with it.

        While their band is low there is nothing to lower; without a score there is nothing at all.
        """
        score = profile.score
        if score is None:
            return None
        await self._panel.refresh()
        panel, config, currency = self._panel(), self._config, self._currency
        lower = None if score.band == "low" else counterfactuals(profile, panel, score.at, config, currency)
        return Advice(panel.kin(score.model).id, lower, outlook(profile, panel, score.at, config, currency))
