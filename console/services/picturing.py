"""Figures of customers, for the API and the pages alike: ranked by the newest census."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from zoneinfo import ZoneInfo

from console.views.churn import may_be_scored
from console.views.figures.customer_figures import FiguresView, figures_of
from models.customer.picture import Asked, picture_of
from models.population.findings import Findings
from models.population.snapshot import PopulationSnapshot
from plan import Plan
from profiles.types import Profile
from streams.refreshed import Refreshed

__all__ = ["Picturing"]


class Picturing:
    """Works out what customers come to.

    Args:
        plan: says what things cost, and what loyalty is made of.
        findings: answers what the last census came to, as JSON.
    """

    def __init__(self, plan: Plan, findings: Callable[[], Awaitable[bytes | None]]) -> None:
        self._plan = plan
        self._zone = ZoneInfo(plan.file.timezone)

        async def read(raw: bytes) -> PopulationSnapshot:
            return Findings.from_json(raw).population

        self._population = Refreshed(
            PopulationSnapshot.empty(), findings, read, lambda population: f"ranks go on by {population.version}"
        )

    async def __call__(self, profile: Profile, now: float) -> FiguresView:
        """The figures of a customer as of a time."""
        await self._population.refresh()
        plan, said = self._plan, self._plan.file.analyses
        asked = Asked(plan.currency, self._zone, said.costs, said.loyalty_weights, self._population())
        picture = picture_of(profile, now, asked, profiled=may_be_scored(profile, plan))
        return figures_of(profile.id, picture, now, plan.currency)
