"""Conditions, compiled once per plan into Python. When silence alone turns them: `models.conditions.crossings`.

Every changed profile meets every rule, so conditions are the hottest of the plan's code. Each becomes one Python
expression, and all rules of a kind one function (`compile_function`): no call is made for a leaf that needs none.
The text holds only names of ours and of constants; what the plan says is bound to those names, never pasted.

`slack` eases thresholds by their margin: 1 for those who are inside, 0 for those who are not, under `not` the other
way round.

What ranks a customer among the others compares with limits that `models.conditions.ranks` works out once per
population. As long as the population snapshot does not know what a rule asks for, nobody enters by it and nobody
leaves: not even by what it says under `not`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Any, assert_never

from models.conditions.comparisons import Comparison, rank
from models.conditions.conditions import (
    TOTALS,
    All,
    Any_,
    Band,
    Cluster,
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
    Quantile,
    Ratio,
    Rfm,
    Risk,
    Since,
    Stage,
    Sum,
    TraitIs,
    leaves,
)
from models.conditions.ranks import NOWHERE, Ranks, clearly, keeps
from models.features.features import usual_gap
from models.population.measures import FREQUENCY, MEASURES, MONETARY, RECENCY
from models.population.snapshot import NEAREST
from profiles.money import exponent
from profiles.types import HALF_LIVES, Profile, Purchases

__all__ = ["Holds", "Writer", "compile_condition", "measures_of", "windows"]

Holds = Callable[[Profile, float, Collection[str], int, list[Any]], bool]
"""(profile, now, names of the segments the customer is in, slack, `Ranks.limits`) → whether the condition is true."""

_PROLOGUE = "roles, bought, score = p.roles, p.purchases, p.score"


class Writer:
    """Writes conditions as Python expressions over `p`, `now`, `names`, `limits` and what the prologue names.

    Args:
        currency: of the plan, in whose major units sums are compared.
        ranks: where the limits of what ranks come from.
    """

    def __init__(self, currency: str, ranks: Ranks) -> None:
        self._currency = currency
        self._ranks = ranks
        self._measured: dict[str, str] = {}  # measure → the variable that holds it
        self._near = -1  # place of the nearness function in the limits, if any condition asks for it
        self._constants: dict[str, Any] = {
            "usual_gap": usual_gap, "max": max, "min": min, "spent": _spent, "keeps": keeps, "clearly": clearly,
            "NOWHERE": NOWHERE,
        }  # fmt: skip

    def bind(self, value: Any) -> str:
        """A name for a constant."""
        name = f"k{len(self._constants)}"
        self._constants[name] = value
        return name

    def function(self, arguments: str, lines: list[str]) -> Callable[..., Any]:
        """The function with these arguments and body."""
        text = "\n    ".join([f"def compiled({arguments}):", _PROLOGUE, *self._prologue(), *lines])
        scope = dict(self._constants)
        exec(compile(text, "<conditions of the plan>", "exec"), scope)
        made: Callable[..., Any] = scope["compiled"]
        return made

    def _prologue(self) -> list[str]:
        """What several rules ask for is worked out once; visitors, who are most, are done with at once."""
        buyers: list[str] = []
        others: list[str] = []
        for measure, variable in self._measured.items():
            value, currency = self.bind(MEASURES[measure].value), self.bind(self._currency)
            (buyers if MEASURES[measure].ordered else others).append(f"{variable} = {value}(p, now, {currency})")
        if self._near >= 0:
            buyers.append(f"near = limits[{self._near}](p, now)")
        if not buyers:
            return others
        names = [line.split(" = ")[0] for line in buyers]
        nothing = [f"{name} = {'NOWHERE' if name == 'near' else 'None'}" for name in names]
        return [*others, f"if bought.orders: {'; '.join(buyers)}", f"else: {'; '.join(nothing)}"]

    def known(self, *conditions: Condition) -> str | None:
        """An expression for whether the population snapshot knows all that conditions ask for; None if they ask for
        nothing."""
        measures, clusters = measures_of(*conditions)
        return f"limits[{self._ranks.known(measures, clusters)}]" if measures or clusters else None

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
            case Count(within=within) if within is not None:
                return self._within(condition, within, slack)
            case Count(count=role):
                return self._of_role(role, "t.count", condition, condition.margin or 0.0, slack)
            case OpenTickets():
                return self._compare(f"{self.bind(_open_tickets)}(p)", condition.open_tickets, 0.0, slack)
            case Sum():
                total = self._sum(condition.sum, condition.within)
                return self._compare(total, condition, _or(condition.margin, margin), slack)
            case Ratio(ratio=(over, under)):
                compared = self._compare(f"{self._amount(over)} / d", condition, _or(condition.margin, margin), slack)
                return f"((d := {self._amount(under)}) > 0 and {compared})"
            case Quantile():
                return self._quantile(condition, _or(condition.margin, margin), slack)
            case Rfm():
                return self._rfm(condition, _or(condition.margin, margin), slack)
            case Cluster(cluster=id_):
                return self._cluster(id_, NEAREST if condition.margin is None else condition.margin, slack)
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

    def _within(self, condition: Count, within: float, slack: int) -> str:
        """A count up to now, told by one of the latest times: to the bit what `models.conditions.crossings` gives, as
        in `_since`."""
        margin, tests = condition.margin or 0.0, []
        for sign, limit, easing in _thresholds(condition):
            least = rank(_eased(limit, easing, margin, slack), sign in (">", "<="))
            often = f"(len(r) >= {least} and r[-{least}] + {within!r} > now)" if least > 0 else "True"
            tests.append(often if sign in (">", ">=") else f"not {often}")
        compared = " and ".join(tests)
        recent = f"t.recent if (t := roles.get({self.bind(condition.count)})) is not None else ()"
        return f"((r := {recent}) is not None and {compared})"

    def _amount(self, name: str) -> str:
        """A total or the count of a role, as a number."""
        if name in TOTALS:
            return self._sum(name)
        return f"(t.count if (t := roles.get({self.bind(name)})) is not None else 0)"

    def _between(self, measure: str, low: float | None, high: float | None) -> str:
        """Whether a measure is above one quantile and not above another, each a share of the customers."""
        variable = self._measured.setdefault(measure, f"m{len(self._measured)}")
        tests = [f"{variable} is not None"]
        if low is not None:
            tests.append(f"{variable} > limits[{self._ranks.quantile(measure, low)}]")
        if high is not None:
            tests.append(f"{variable} <= limits[{self._ranks.quantile(measure, high)}]")
        return f"({' and '.join(tests)})"

    def _quantile(self, condition: Quantile, margin: float, slack: int) -> str:
        def eased(share: float | None, way: float) -> float | None:
            return None if share is None else share + way * slack * margin * min(share, 1.0 - share)

        return self._between(condition.quantile, eased(condition.low, -1.0), eased(condition.high, 1.0))

    def _rfm(self, condition: Rfm, margin: float, slack: int) -> str:
        scores, easing = condition.rfm, slack * margin
        axes = ((RECENCY, scores.recency), (FREQUENCY, scores.frequency), (MONETARY, scores.monetary))
        parts = []
        for measure, quintiles in axes:
            runs = []
            for first, last in _runs(quintiles or ()):
                # The lowest recency is the best: its fifths are counted from the other end.
                low, high = (5 - last, 6 - first) if measure == RECENCY else (first - 1, last)
                above, up_to = (low - easing) / 5 if low > 0 else None, (high + easing) / 5 if high < 5 else None
                runs.append(self._between(measure, above, up_to))
            if runs:
                parts.append(f"({' or '.join(runs)})")
        return f"({' and '.join(parts)})"

    def _cluster(self, id_: str, margin: float, slack: int) -> str:
        if self._near < 0:
            self._near = self._ranks.nearness()
        if slack == 0:
            return f"(near[1] == {self.bind(id_)})"
        return f"{'keeps' if slack > 0 else 'clearly'}(near, {self.bind(id_)}, {margin!r})"

    def _since(self, role: str, more_than: float | None, less_than: float | None, or_never: bool) -> str:
        # Compared as points in time, just as `models.conditions.crossings` gives them: no rounding between the two.
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

    def _sum(self, total: str, within: float | None = None) -> str:
        scale, currency = 10.0 ** -exponent(self._currency), self.bind(self._currency)
        if within is not None:
            return f"spent(bought, now, {within!r}) * {scale!r}"
        if total == "items":
            return "bought.items"
        revenue, refunds = (f"bought.{which}.get({currency}, 0)" for which in ("revenue", "refunds"))
        minor = {"revenue": revenue, "refunds": refunds, "net": f"({revenue} - {refunds})"}[total]
        return f"{minor} * {scale!r}"

    def _opinion(self, condition: OpinionIs, margin: float, slack: int) -> str:
        if condition.average is not None:
            compared = self._compare("o.total / o.count", condition.average, _or(condition.margin, margin), slack)
        else:
            compared = self._compare("o.last", condition.last or Comparison(), condition.margin or 0.0, slack)
        kind = self.bind(condition.opinion)
        return f"((o := p.opinions.get({kind})) is not None and o.count > 0 and {compared})"


def compile_condition(condition: Condition, currency: str, margin: float, ranks: Ranks) -> Holds:
    """One condition as a function of its own; see `Writer.write` for the arguments."""
    writer = Writer(currency, ranks)
    none, eased, tightened = (writer.write(condition, margin, slack) for slack in (0, 1, -1))
    known = writer.known(condition)
    lines = [f"if not {known}: return slack > 0"] if known else []
    lines += [f"if slack == 0: return {none}", f"return {eased} if slack > 0 else {tightened}"]
    return writer.function("p, now, names, slack, limits", lines)


def measures_of(*conditions: Condition) -> tuple[frozenset[str], bool]:
    """The measures whose quantiles conditions ask for, and whether they ask for clusters."""
    measures: set[str] = set()
    clusters = False
    for leaf in (leaf for condition in conditions for leaf in leaves(condition)):
        match leaf:
            case Quantile(quantile=measure):
                measures.add(measure)
            case Rfm(rfm=scores):
                asked = (scores.recency, scores.frequency, scores.monetary)
                axes = zip((RECENCY, FREQUENCY, MONETARY), asked, strict=True)
                measures.update(measure for measure, quintiles in axes if quintiles)
            case Cluster():
                clusters = True
            case _:
                pass
    return frozenset(measures), clusters


def windows(conditions: Iterable[Condition]) -> dict[str, int]:
    """By role, how many of the latest times a profile must keep to count what conditions ask for within a window."""
    most: dict[str, int] = {}
    for leaf in (leaf for condition in conditions for leaf in leaves(condition)):
        if isinstance(leaf, Count) and leaf.within is not None:
            most[leaf.count] = max(most.get(leaf.count, 1), leaf.times)
    return most


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


def _runs(quintiles: Sequence[int]) -> list[tuple[int, int]]:
    """(first, last) of every run of consecutive numbers; they are sorted."""
    runs: list[tuple[int, int]] = []
    for quintile in quintiles:
        if runs and runs[-1][1] == quintile - 1:
            runs[-1] = (runs[-1][0], quintile)
        else:
            runs.append((quintile, quintile))
    return runs


def _spent(bought: Purchases, now: float, within: float) -> int:
    """Minor units of the orders within the time up to now, of those whose time a profile keeps."""
    total = 0
    for time, amount in zip(reversed(bought.recent), reversed(bought.amounts), strict=False):
        if time + within <= now:
            break
        total += amount
    return total


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
