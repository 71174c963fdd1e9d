"""Conditions, compiled once per plan into closures over a profile. When silence alone turns them: `models.turns`.

`holds(profile, now, names, slack)` answers whether a condition is true. With `slack` 1 thresholds are eased by their
margin (for those who are inside), under `not` the other way round.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any, assert_never

from models.config import (
    All,
    Any_,
    Band,
    Comparison,
    Condition,
    Count,
    Decayed,
    GapRatio,
    HasIdentity,
    InSegment,
    Not,
    NotDone,
    OpenTickets,
    OpinionIs,
    Risk,
    Since,
    Stage,
    Sum,
    TraitIs,
)
from models.features import usual_gap
from profiles.money import exponent
from profiles.types import HALF_LIVES, Profile

__all__ = ["Holds", "compile_condition"]

Holds = Callable[[Profile, float, Collection[str], int], bool]
Test = Callable[[float, int], bool]


def compile_condition(  # noqa: PLR0912  (one branch for each kind of condition)
    condition: Condition, currency: str, margin: float
) -> Holds:
    """Compile a condition.

    Args:
        condition: from the plan.
        currency: of the plan, in whose major units sums are compared.
        margin: the rule's, for measured values that set none of their own.
    """
    match condition:
        case All():
            return _all([compile_condition(part, currency, margin) for part in condition.all])
        case Any_():
            return _any([compile_condition(part, currency, margin) for part in condition.any])
        case Not():
            return _not(compile_condition(condition.condition, currency, margin))
        case TraitIs():
            return _trait(condition)
        case HasIdentity(identity=kind):
            return lambda profile, now, names, slack: bool(profile.identities.get(kind))
        case Band(band=band):
            bands = frozenset([band] if isinstance(band, str) else band)
            return lambda p, now, names, slack: p.score is not None and p.score.band in bands
        case Stage(stage=stage):
            stages = frozenset([stage] if isinstance(stage, str) else stage)
            return lambda profile, now, names, slack: profile.stage in stages
        case InSegment(segment=segment):
            return lambda profile, now, names, slack: segment in names
        case Count(count=role):
            test = _test(condition, condition.margin or 0.0)
            return lambda p, now, names, slack: test(p.roles[role].count if role in p.roles else 0, slack)
        case OpenTickets():
            return _open_tickets(_test(condition.open_tickets, 0.0))
        case Sum():
            return _sum(condition, currency, _test(condition, _or(condition.margin, margin)))
        case Risk():
            test = _test(condition.risk, _or(condition.margin, margin))
            return lambda p, now, names, slack: p.score is not None and test(p.score.risk, slack)
        case OpinionIs():
            return _opinion(condition, margin)
        case Since():
            return _since(condition.since, condition.more_than, condition.less_than, condition.or_never)
        case NotDone():
            return _since(condition.not_done, condition.for_, None, condition.or_never)
        case Decayed():
            return _decayed(condition, _or(condition.margin, margin))
        case GapRatio():
            return _gap_ratio(condition, _or(condition.margin, margin))
        case _:
            assert_never(condition)


def _all(tests: list[Holds]) -> Holds:
    def holds(profile: Profile, now: float, names: Collection[str], slack: int) -> bool:
        for test in tests:  # noqa: SIM110  (a generator would cost more than the tests)
            if not test(profile, now, names, slack):
                return False
        return True

    return holds


def _any(tests: list[Holds]) -> Holds:
    def holds(profile: Profile, now: float, names: Collection[str], slack: int) -> bool:
        for test in tests:  # noqa: SIM110
            if test(profile, now, names, slack):
                return True
        return False

    return holds


def _not(test: Holds) -> Holds:
    return lambda profile, now, names, slack: not test(profile, now, names, -slack)


def _or(own: float | None, rules: float) -> float:
    return rules if own is None else own


def _test(comparison: Comparison, margin: float) -> Test:
    """Whether a value satisfies every threshold, each eased by `slack` times the margin."""
    above, below, at_least, at_most = (
        (None if limit is None else [limit, limit + easing * margin * abs(limit), limit - easing * margin * abs(limit)])
        for limit, easing in (
            (comparison.above, -1.0),
            (comparison.below, 1.0),
            (comparison.at_least, -1.0),
            (comparison.at_most, 1.0),
        )
    )  # by slack: 0, 1, -1 (which is the last)

    def test(value: float, slack: int) -> bool:
        return (
            (above is None or value > above[slack])
            and (at_least is None or value >= at_least[slack])
            and (below is None or value < below[slack])
            and (at_most is None or value <= at_most[slack])
        )

    return test


def _trait(condition: TraitIs) -> Holds:
    name, equals, one_of, exists = condition.trait, condition.equals, condition.one_of, condition.exists
    numeric = _test(condition, 0.0) if condition.compares else None

    def holds(profile: Profile, now: float, names: Collection[str], slack: int) -> bool:
        held = profile.traits.get(name)
        value: Any = held[0] if held is not None else None
        if exists is not None:
            return (value is not None) == exists
        if value is None:
            return False
        if numeric is not None:
            return isinstance(value, (int, float)) and not isinstance(value, bool) and numeric(value, slack)
        return value in one_of if one_of is not None else bool(value == equals)

    return holds


def _open_tickets(test: Test) -> Holds:
    def holds(profile: Profile, now: float, names: Collection[str], slack: int) -> bool:
        still = 0
        for ticket in profile.tickets:
            if ticket.opened > ticket.solved or ticket.reopened > ticket.solved:
                still += 1
        return test(still, slack)

    return holds


def _sum(condition: Sum, currency: str, test: Test) -> Holds:
    scale = 10.0 ** -exponent(currency)
    match condition.sum:
        case "items":
            return lambda p, now, names, slack: test(p.purchases.items, slack)
        case "revenue":
            return lambda p, now, names, slack: test(p.purchases.revenue.get(currency, 0) * scale, slack)
        case "refunds":
            return lambda p, now, names, slack: test(p.purchases.refunds.get(currency, 0) * scale, slack)
        case "net":
            return lambda p, now, names, slack: test(
                (p.purchases.revenue.get(currency, 0) - p.purchases.refunds.get(currency, 0)) * scale, slack
            )


def _opinion(condition: OpinionIs, margin: float) -> Holds:
    kind, average = condition.opinion, condition.average
    if average is not None:
        mean = _test(average, _or(condition.margin, margin))
        return lambda p, now, names, slack: (
            (held := p.opinions.get(kind)) is not None and held.count > 0 and mean(held.total / held.count, slack)
        )
    last = _test(condition.last or Comparison(), condition.margin or 0.0)
    return lambda p, now, names, slack: (
        (held := p.opinions.get(kind)) is not None and held.count > 0 and last(held.last, slack)
    )


def _latest(profile: Profile, role: str) -> float | None:
    if role == "any":
        return profile.updated or None
    tally = profile.roles.get(role)
    return tally.last if tally is not None else None


def _since(role: str, more_than: float | None, less_than: float | None, or_never: bool) -> Holds:
    def holds(profile: Profile, now: float, names: Collection[str], slack: int) -> bool:
        last = _latest(profile, role)
        if last is None:
            return or_never
        # Compared as points in time, just as `models.turns` gives them: no rounding between the two.
        return (more_than is None or now >= last + more_than) and (less_than is None or now < last + less_than)

    return holds


def _decayed(condition: Decayed, margin: float) -> Holds:
    role, half_life, test = condition.decayed, condition.half_life, _test(condition, margin)
    which = HALF_LIVES.index(half_life)

    def holds(profile: Profile, now: float, names: Collection[str], slack: int) -> bool:
        tally = profile.roles.get(role)
        if tally is None:
            return test(0.0, slack)
        return test(tally.decayed[which] * 2.0 ** (min(tally.last - now, 0.0) / half_life), slack)

    return holds


def _gap_ratio(condition: GapRatio, margin: float) -> Holds:
    test = _test(condition.gap_ratio, margin)

    def holds(profile: Profile, now: float, names: Collection[str], slack: int) -> bool:
        bought = profile.purchases
        return bought.orders > 0 and test(max(now - bought.last, 0.0) / usual_gap(profile), slack)

    return holds
