"""The stage of a life with us, of customers and of companies: prospect, new, active, loyal, at risk, churned, won back.

Who stops buying, a company whose contract ends, and somebody there who no longer works with the product leave in three
ways. So each goes by a definition of churn that is about them: a company by how its contract ends, the people of
companies by use, then by a contract that is in their own name, everybody else by orders. A definition of contracts that
knows the paid period comes before one that waits for a cancellation.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Literal

from models.config import ChurnConfig, EndsBy
from models.durations import DAY
from models.features.readers import begun, lasting
from models.labels import outcomes
from profiles.state import subscriptions_of
from profiles.types import Profile, Score, Subscription, is_company

__all__ = ["AT_RISK", "Lifecycles", "StageName"]

StageName = Literal["prospect", "new", "active", "loyal", "at_risk", "churned", "won_back"]

AT_RISK: StageName = "at_risk"
"""The stage that a high risk puts a customer into."""

_REMEMBERED = 8  # earlier stages a profile keeps


class Lifecycles:
    """Stages as a plan's definitions of churn say. Built once.

    Args:
        config: of churn, from the plan.
    """

    def __init__(self, config: ChurnConfig) -> None:
        self._config = config
        further = config.each()[1:]
        contract = outcomes.contract_of(config)
        contracts = [contract] if contract is not None else []
        used = [each for each in further if _by_use(each)][:1]
        self._of_companies = tuple(contracts or used)
        self._of_people = tuple(used + contracts)

    def stage(self, profile: Profile, now: float) -> StageName:
        """The first of these that is true.

        prospect (no order; no contract, no use) · churned (none within the horizon; the contract has ended) · new (the
        first within `new_for`) · won back (an order within `won_back_for` ended a silence of the horizon; a contract
        began anew) · at risk (high band; of a company also a contract that is cancelled and still paid) · loyal
        (`loyal_orders` orders; there for `loyal_after`) · active
        """
        ground = self._ground(profile, now)
        if ground is not None:
            return self._by_definition(profile, now, ground)
        bought, limits, config = profile.purchases, self._config.lifecycle, self._config
        if not bought.orders:
            return "prospect"
        if now >= bought.last + config.horizon:
            return "churned"
        if now < bought.first + limits.new_for:
            return "new"
        returned = _returned(profile, config)
        if returned is not None and now < returned + limits.won_back_for:
            return "won_back"
        if profile.score is not None and profile.score.band == "high":
            return AT_RISK
        return "loyal" if bought.orders >= limits.loyal_orders else "active"

    def _by_definition(self, profile: Profile, now: float, ground: ChurnConfig) -> StageName:
        limits, whole = self._config.lifecycle, is_company(profile.id)
        if outcomes.stage(profile, now, ground) == "ended":
            return "churned"
        first = outcomes.first_sign(profile, ground)
        if now < first + limits.new_for:
            return "new"
        again = _begun_again(profile, ground) if ground.lasts else 0.0
        if again and now < again + limits.won_back_for:
            return "won_back"
        score = self.score(profile, now)
        if (score is not None and score.band == "high") or (whole and ground.lasts and not lasting(profile)):
            return AT_RISK
        loyal = profile.purchases.orders >= limits.loyal_orders or now >= first + limits.loyal_after
        return "loyal" if loyal else "active"

    def score(self, profile: Profile, now: float) -> Score | None:
        """The score of the definition that somebody's stage goes by; of a company its own."""
        ground = None if is_company(profile.id) else self._ground(profile, now)
        return profile.score if ground is None else outcomes.held(profile, ground).score

    def next_change(self, profile: Profile, now: float) -> float | None:
        """The earliest time after `now` at which the stage can change although nothing happens; None for never."""
        limits, config = self._config.lifecycle, self._config
        ground = self._ground(profile, now)
        times: list[float]
        if ground is not None:
            first, again = outcomes.first_sign(profile, ground), 0.0
            if ground.lasts:
                again = _begun_again(profile, ground)
            times = [first + limits.new_for, first + limits.loyal_after, again + limits.won_back_for]
            times.append(outcomes.next_change(profile, now, ground) or 0.0)
        elif profile.purchases.orders:
            times = [profile.purchases.first + limits.new_for, profile.purchases.last + config.horizon]
            times.append((_returned(profile, config) or 0.0) + limits.won_back_for)
        else:
            return None
        return min((time for time in times if time > now), default=None)

    def move(self, profile: Profile, now: float) -> bool:
        """Bring the stage up to date, keeping the earlier ones with the time each began; whether it changed."""
        found = self.stage(profile, now)
        if found == profile.stage:
            return False
        if profile.stage:
            profile.stages = [*profile.stages, (profile.stage, profile.stage_since)][-_REMEMBERED:]
        profile.stage, profile.stage_since = found, now
        return True

    def _ground(self, profile: Profile, now: float) -> ChurnConfig | None:
        """The further definition that somebody's stage goes by; None for the plan's own."""
        if not self._of_people:
            return None
        if is_company(profile.id):
            asked = self._of_companies
        elif profile.affiliation is not None and profile.affiliation.members:
            asked = self._of_people
        else:
            return None
        return next((each for each in asked if outcomes.stage(profile, now, each)), None)


def _by_use(config: ChurnConfig) -> bool:
    """Whether churn is that something is not done any more that is no order."""
    return config.definition is not None and not config.lasts and config.definition.ends_by.no != config.role


def _returned(profile: Profile, config: ChurnConfig) -> float | None:
    """When the latest silence of the horizon ended."""
    recent = profile.purchases.recent
    return max((after for before, after in pairwise(recent) if after - before >= config.horizon), default=None)


def _begun_again(profile: Profile, ground: ChurnConfig) -> float:
    """When a contract last began after all before it were over, by a day and the grace at least; 0 for never.

    Who changes from one contract to another has no day without any.
    """
    assert ground.definition is not None
    held = subscriptions_of(profile)
    began = float(max((max(each.started, each.renewed) for each in held), default=0))
    ends_by = ground.definition.ends_by
    over = max((_over(each, began, ends_by) for each in held), default=0.0)
    return began if 0 < over < began - DAY - (ends_by.grace or 0.0) else 0.0


def _over(contract: Subscription, began: float, ends_by: EndsBy) -> float:
    """Until when a contract had lasted before another began, or it itself began again; 0 if there was none before."""
    told = [float(end) for second, end in contract.ends if second < int(began)]
    if 0 < contract.ended < began:
        return max([float(contract.ended), *told])
    if (contract.first or contract.started or begun(contract)) >= began:
        return 0.0
    return max(told) if told and ends_by.period is not None else began
