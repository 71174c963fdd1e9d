"""What follows from a company's document at a time: its risk, its health, its stage, and when to look again."""

from __future__ import annotations

from collections.abc import Mapping

from models.companies.health import WEIGHTS, judge_health
from models.companies.labels import CompanyLabels
from models.companies.measures import moves_until
from models.companies.risk import score_company
from models.companies.scorecard import BY_HAND, Scorecard
from models.companies.signals import ground_of
from models.conditions.crossings import MOMENT
from models.conditions.words import ENGLISH, Say
from models.config import ChurnConfig
from models.durations import DAY
from models.segments.lifecycle import Lifecycles
from profiles.types import Profile

__all__ = ["Judging"]


class Judging:
    """Looks at companies as a plan says. Built once.

    Args:
        churn: of the plan.
        weights: of the parts of the health.
        key: the features that make the product worth its price.
    """

    def __init__(
        self, churn: ChurnConfig, weights: Mapping[str, float] = WEIGHTS, key: frozenset[str] = frozenset()
    ) -> None:
        self._weights, self._key = weights, key
        self.lifecycles = Lifecycles(churn)
        self.ground = ground_of(churn)
        self.labels = CompanyLabels(churn)
        self._bands = (self.ground.contract or churn).bands

    @property
    def means(self) -> str:
        """What the risk of a company is about, for people."""
        return self.in_words()

    def in_words(self, say: Say = ENGLISH) -> str:
        """The same in a language."""
        definition, within = self.ground.definition, say.duration(self.ground.horizon)
        ended = definition.ends_by.in_words(say) if definition is not None else say("nobody works with it any more")
        return say("%(what)s within %(span)s", what=ended, span=within)

    def look(self, company: Profile, now: float, card: Scorecard = BY_HAND) -> None:
        """Bring a company up to date. What time alone changes it changes as a day begins, so that is when it is due.

        Args:
            company: its document.
            now: seconds.
            card: what signals count in its risk.
        """
        held = company.company
        if held is None:
            return
        company.score = score_company(company, now, self.ground, self._bands, card)
        held.health = judge_health(company, now, self._weights, self._key)
        self.lifecycles.move(company, now)
        goes_on = company.score is not None or held.health.value is not None or now < moves_until(held.team)
        company.rescore_at = (now // DAY + 1) * DAY + MOMENT if goes_on else 0
