"""Conditions, compiled once per plan into Python. When silence alone turns them: `models.turns`.

Every changed profile meets every rule, so conditions are the hottest of the plan's code. Each becomes one Python
expression, and all rules of a kind one function (`compile_function`): no call is made for a leaf that needs none.
The text holds only names of ours and of constants; what the plan says is bound to those names, never pasted.

`slack` eases thresholds by their margin: 1 for those who are inside, 0 for those who are not, under `not` the other
way round.
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

__all__ = ["Holds", "Writer", "compile_condition"]

Holds = Callable[[Profile, float, Collection[str], int], bool]
"""(profile, now, names of the segments the customer is in, slack) → whether the condition is true."""

_PROLOGUE = "roles, bought, score = p.roles, p.purchases, p.score"


class Writer:
    """Writes conditions as Python expressions over `p`, `now`, `names` and what `_PROLOGUE` names.

    Args:
        currency: of the plan, in whose major units sums are compared.
    """

    def __init__(self, currency: str) -> None:
        self._currency = currency
        self._constants: dict[str, Any] = {"usual_gap": usual_gap, "max": max, "min": min}

    def bind(self, value: Any) -> str:
        """A name for a constant."""
        name = f"k{len(self._constants)}"
        self._constants[name] = value
        return name

    def function(self, arguments: str, lines: list[str]) -> Callable[..., Any]:
        """The function with these arguments and body."""
        text = "\n    ".join([f"def compiled({arguments}):", _PROLOGUE, *lines])
        scope = dict(self._constants)
        exec(compile(text, "<conditions of the plan>", "exec"), scope)
        made: Callable[..., Any] = scope["compiled"]
        return made

    def write(self, condition: Condition, margin: float, slack: int) -> str:  # noqa: PLR0912  (one branch a kind)
        """One condition as an expression.

        Args:
            condition: from the plan.
            margin: the rule's, for measured values that set none of their own.
            slack: 1, 0 or -1.
        """
        match condition:
            case All():
                return "(" + " and ".join(self.write(part, margin, slack) for part in condition.all) + ")"
            case Any_():
                return "(" + " or ".join(self.write(part, margin, slack) for part in condition.any) + ")"
            case Not():
                return f"(not {self.write(condition.condition, margin, -slack)})"
            case TraitIs():
                return f"{self.bind(_trait(condition))}(p.traits)"
            case HasIdentity(identity=kind):
                return f"bool(p.identities.get({self.bind(kind)}))"
            case Band(band=band):
                return f"(score is not None and score.band in {self.bind(_set(band))})"
            case Stage(stage=stage):
                return f"(p.stage in {self.bind(_set(stage))})"
            case InSegment(segment=segment):
                return f"({self.bind(segment)} in names)"
            case Count(count=role):
                return self._of_role(role, "t.count", condition, condition.margin or 0.0, slack)
            case OpenTickets():
                return self._compare(f"{self.bind(_open_tickets)}(p)", condition.open_tickets, 0.0, slack)
            case Sum():
                return self._compare(self._sum(condition), condition, _or(condition.margin, margin), slack)
            case Risk():
                compared = self._compare("score.risk", condition.risk, _or(condition.margin, margin), slack)
                return f"(score is not None and {compared})"
            case OpinionIs():
                return self._opinion(condition, margin, slack)
            case Since():
                return self._since(condition.since, condition.more_than, condition.less_than, condition.or_never)
            case NotDone():
                return self._since(condition.not_done, condition.for_, None, condition.or_never)
            case Decayed():
                half_life = condition.half_life
                value = f"t.decayed[{HALF_LIVES.index(half_life)}] * 2.0 ** (min(t.last - now, 0.0) / {half_life!r})"
                return self._of_role(condition.decayed, value, condition, _or(condition.margin, margin), slack)
            case GapRatio():
                value = "max(now - bought.last, 0.0) / usual_gap(p)"
                compared = self._compare(value, condition.gap_ratio, _or(condition.margin, margin), slack)
                return f"(bought.orders > 0 and {compared})"
            case _:
                assert_never(condition)

    def _compare(self, value: str, comparison: Comparison, margin: float, slack: int) -> str:
        """Whether a value satisfies every threshold, each eased by `slack` times the margin."""
        first, *rest = (
            f"v {sign} {_eased(limit, easing, margin, slack)!r}" for sign, limit, easing in _thresholds(comparison)
        )
        return "(" + " and ".join([first.replace("v", f"(v := {value})", 1), *rest]) + ")"

    def _of_role(self, role: str, value: str, comparison: Comparison, margin: float, slack: int) -> str:
        """A comparison of a role's tally; who never did it counts as zero."""
        compared = self._compare(value, comparison, margin, slack)
        never = all(
            _TESTS[sign](0.0, _eased(limit, easing, margin, slack)) for sign, limit, easing in _thresholds(comparison)
        )
        return f"({compared} if (t := roles.get({self.bind(role)})) is not None else {never})"

    def _since(self, role: str, more_than: float | None, less_than: float | None, or_never: bool) -> str:
        # Compared as points in time, just as `models.turns` gives them: no rounding between the two.
        tests = []
        if more_than is not None:
            tests.append(f"now >= last + {more_than!r}")
        if less_than is not None:
            tests.append(f"now < last + {less_than!r}")
        if role == "any":
            compared = " and ".join(tests).replace("last", "p.updated")
            return f"(({compared}) if p.updated else {or_never})"
        compared = " and ".join(tests).replace("last", "t.last")
        return f"(({compared}) if (t := roles.get({self.bind(role)})) is not None else {or_never})"

    def _sum(self, condition: Sum) -> str:
        scale, currency = 10.0 ** -exponent(self._currency), self.bind(self._currency)
        match condition.sum:
            case "items":
                return "bought.items"
            case "revenue":
                return f"bought.revenue.get({currency}, 0) * {scale!r}"
            case "refunds":
                return f"bought.refunds.get({currency}, 0) * {scale!r}"
            case "net":
                return f"(bought.revenue.get({currency}, 0) - bought.refunds.get({currency}, 0)) * {scale!r}"

    def _opinion(self, condition: OpinionIs, margin: float, slack: int) -> str:
        if condition.average is not None:
            compared = self._compare("o.total / o.count", condition.average, _or(condition.margin, margin), slack)
        else:
            compared = self._compare("o.last", condition.last or Comparison(), condition.margin or 0.0, slack)
        kind = self.bind(condition.opinion)
        return f"((o := p.opinions.get({kind})) is not None and o.count > 0 and {compared})"


def compile_condition(condition: Condition, currency: str, margin: float) -> Holds:
    """One condition as a function of its own; see `Writer.write` for the arguments."""
    writer = Writer(currency)
    none, eased, tightened = (writer.write(condition, margin, slack) for slack in (0, 1, -1))
    lines = [f"if slack == 0: return {none}", f"return {eased} if slack > 0 else {tightened}"]
    return writer.function("p, now, names, slack", lines)


_TESTS: dict[str, Callable[[float, float], bool]] = {
    ">": lambda value, limit: value > limit,
    ">=": lambda value, limit: value >= limit,
    "<": lambda value, limit: value < limit,
    "<=": lambda value, limit: value <= limit,
}


def _thresholds(comparison: Comparison) -> list[tuple[str, float, float]]:
    """(sign, limit, which way easing moves it) of every threshold that is given."""
    every = (
        (">", comparison.above, -1.0),
        (">=", comparison.at_least, -1.0),
        ("<", comparison.below, 1.0),
        ("<=", comparison.at_most, 1.0),
    )
    return [(sign, limit, easing) for sign, limit, easing in every if limit is not None]


def _eased(limit: float, easing: float, margin: float, slack: int) -> float:
    return limit + slack * easing * margin * abs(limit)


def _or(own: float | None, rules: float) -> float:
    return rules if own is None else own


def _set(names: str | Collection[str]) -> frozenset[str]:
    return frozenset([names] if isinstance(names, str) else names)


def _trait(condition: TraitIs) -> Callable[[dict[str, tuple[Any, float, str]]], bool]:
    name, equals, one_of, exists = condition.trait, condition.equals, condition.one_of, condition.exists
    limits = [(_TESTS[sign], limit) for sign, limit, _ in _thresholds(condition)]

    def holds(traits: dict[str, tuple[Any, float, str]]) -> bool:
        held = traits.get(name)
        value: Any = held[0] if held is not None else None
        if exists is not None:
            return (value is not None) == exists
        if value is None:
            return False
        if limits:
            number = isinstance(value, (int, float)) and not isinstance(value, bool)
            return number and all(test(value, limit) for test, limit in limits)
        return value in one_of if one_of is not None else bool(value == equals)

    return holds


def _open_tickets(profile: Profile) -> int:
    if not profile.tickets:
        return 0
    return sum(1 for ticket in profile.tickets if max(ticket.opened, ticket.reopened) > ticket.solved)
