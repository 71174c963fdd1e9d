"""Figures of customers, for the API and the pages alike: ranked by the newest census."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from zoneinfo import ZoneInfo

from console.views.churn import Advice, may_be_scored
from console.views.figures.customer_figures import CustomerFigures, figures_of
from models.customer.ahead import Base
from models.customer.leanings.shelf import shelf_of
from models.customer.leanings.tags import Tagged
from models.customer.picture import Asked, picture_of
from models.population.census import EVERYBODY
from models.population.findings import Findings
from models.population.measures import FREQUENCY
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
        self._shelf = shelf_of(plan.products)

        async def read(raw: bytes) -> Findings:
            return Findings.from_json(raw)

        self._known = Refreshed(Findings(), findings, read, lambda known: f"ranks go on by {known.population.version}")

    async def __call__(self, profile: Profile, now: float, advice: Advice | None) -> CustomerFigures:
        """The figures of a customer as of a time; `advice`: what is to be expected of them, if it may be said."""
        await self._known.refresh()
        plan, said, known = self._plan, self._plan.file.analyses, self._known()
        asked = Asked(
            plan.currency, self._zone, said.costs, said.loyalty_weights, known.population, said.session_gap,
            _base(known), known.waits, self._shelf, Tagged(known.bought.get("", 0), known.bought), known.firsts,
        )  # fmt: skip
        orders = advice.outlook.orders if advice is not None and advice.outlook is not None else None
        picture = picture_of(profile, now, asked, profiled=may_be_scored(profile, plan), orders=orders)
        return figures_of(profile.id, picture, now, plan.currency)


def _base(found: Findings) -> Base:
    """How many customers there are, and about how many of them ordered twice."""
    everybody, edges = found.personas.get(EVERYBODY), found.population.edges.get(FREQUENCY)
    if everybody is None or edges is None:
        return Base()
    return Base(everybody.size, round(everybody.buyers * sum(edge > 1 for edge in edges) / (len(edges) + 1)))
