"""What the plan says about churn, segments and alerts: durations, conditions and rules.

A condition is a small tree that reads as a sentence in YAML. `all`, `any` and `not` join others; every
other key names one thing about a profile:

    {trait: country, is: NL}                 also in: [NL, BE], exists: true, or a comparison
    {identity: user_id}                      the customer has an identity of this type
    {count: purchase, at_least: 3}           events of a role, ever
    {count: ticket_opened, within: 30d, at_least: 3}   …or within the latest days; at_most: 0 is none at all
    {sum: revenue, above: 500.00}            revenue, refunds, net (major units) or items
    {sum: revenue, within: 90d, above: 100}  …revenue also within the latest days
    {ratio: [refunds, revenue], above: 0.3}  one sum or count of a role over another
    {decayed: visit, half_life: 2w, below: 0.5}   events of a role, halving in worth every 2 or 8 weeks
    {since: purchase, more_than: 30d}        time since the latest of a role (or `any`); less_than as well
    {not_done: purchase, for: 30d}           done before, not for this long; `or_never: true` adds never
    {risk: above 0.7}   {band: high}   {stage: [loyal, at_risk]}   {segment: vip}
    {open_tickets: at least 1}   {gap_ratio: above 1.5}   {opinion: csat, average: below 3}

These rank a customer among all others, by the newest taxonomy (`models.taxonomy`):

    {quantile: revenue, top: 0.1}            of a measure (`models.measures`): top, bottom, or at_least and at_most
    {rfm: {recency: [4, 5], frequency: at least 4}}    quintiles 1 to 5; 5 is the best: recent, often, much
    {cluster: 2}                             a learned segment

A comparison is `above`, `below`, `at_least` or `at_most`. Who is inside a segment leaves it only when a
measured value (sum, ratio, decayed, risk, gap_ratio, opinion average) has passed its threshold by the margin; of what
ranks, the margin is a share of the share: who is in the top 10 % leaves it below the top 11.5 %.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    PlainSerializer,
    Tag,
    field_validator,
    model_validator,
)

from models.measures import MEASURES
from profiles.consent import OUTREACH
from profiles.types import HALF_LIVES

__all__ = [
    "DAY",
    "DEEPEST",
    "KINDS",
    "MOST_TIMES",
    "TOTALS",
    "WEEK",
    "AlertRule",
    "All",
    "Any_",
    "Bands",
    "ChurnConfig",
    "Cluster",
    "Comparison",
    "Condition",
    "Count",
    "Decayed",
    "Duration",
    "GapRatio",
    "HasIdentity",
    "InSegment",
    "Lifecycle",
    "Not",
    "NotDone",
    "OpenTickets",
    "OpinionIs",
    "Outage",
    "Quantile",
    "Ratio",
    "Rfm",
    "Risk",
    "SegmentRule",
    "Since",
    "Stage",
    "StageName",
    "Sum",
    "TraitIs",
    "leaves",
    "parse_duration",
    "rank",
    "ranks",
]

DAY = 86400.0
WEEK = 7 * DAY

MOST_TIMES = 64
"""How many of the latest times of a role a profile keeps at most, for what is counted within a window."""

DEEPEST = 20
"""How deep conditions may be nested: Python, into which they are compiled, has a limit."""

TOTALS = ("revenue", "refunds", "net", "items")
"""What `sum` adds up, and `ratio` besides the roles."""

_UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": DAY, "w": WEEK}
_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*([smhdw])")
_COMPARISON = re.compile(r"(above|below|at[ _]least|at[ _]most)\s+(-?\d+(?:\.\d+)?)")


def parse_duration(value: Any) -> float:
    """Seconds of a duration such as `90d`, `26w`, `12h`, `30m` or `15s`; a number is taken as seconds.

    Raises:
        ValueError: it is none of these, or not above zero.
    """
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        seconds = float(value)
    else:
        found = _DURATION.fullmatch(value.strip()) if isinstance(value, str) else None
        if found is None:
            raise ValueError(f"{value!r} is no duration; write a number and s, m, h, d or w, such as 90d or 12h")
        seconds = float(found[1]) * _UNITS[found[2]]
    if not 0 < seconds < float("inf"):
        raise ValueError(f"{value!r} is no duration; it must be above zero")
    return seconds


def _words(seconds: float) -> str:
    """The shortest way to write a duration."""
    for unit in ("w", "d", "h", "m"):
        if seconds % _UNITS[unit] == 0:
            return f"{seconds / _UNITS[unit]:.0f}{unit}"
    return f"{seconds:g}s"


Duration = Annotated[float, BeforeValidator(parse_duration), PlainSerializer(_words, return_type=str, when_used="json")]
"""Seconds, written as `90d`, `26w`, `12h`, `30m` or `15s`."""


def parse_moment(value: Any) -> float:
    """Seconds since the epoch of an RFC 3339 time such as `2026-11-02T10:00:00Z`.

    Raises:
        ValueError: it is none, or names no zone.
    """
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return float(value)
    try:
        moment = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        raise ValueError(f"{value!r} is no time; write such as 2026-11-02T10:00:00Z") from None
    if moment.tzinfo is None:
        raise ValueError(f"{value!r} names no zone; write such as 2026-11-02T10:00:00Z")
    return moment.timestamp()


def _rfc3339(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat().replace("+00:00", "Z")


Moment = Annotated[float, BeforeValidator(parse_moment), PlainSerializer(_rfc3339, return_type=str, when_used="json")]
"""Seconds since the epoch, written as `2026-11-02T10:00:00Z`."""


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True, allow_inf_nan=False)


class Comparison(_Model):
    """A value against thresholds; several together make a range."""

    above: float | None = None
    below: float | None = None
    at_least: float | None = None
    at_most: float | None = None

    @property
    def compares(self) -> bool:
        """Whether any threshold is given."""
        return any(limit is not None for limit in (self.above, self.below, self.at_least, self.at_most))

    def includes(self, value: float) -> bool:
        """Whether a value satisfies every threshold."""
        return (
            (self.above is None or value > self.above)
            and (self.below is None or value < self.below)
            and (self.at_least is None or value >= self.at_least)
            and (self.at_most is None or value <= self.at_most)
        )


def _comparison(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    found = _COMPARISON.fullmatch(value.strip().lower())
    if found is None:
        raise ValueError(f"{value!r} is no comparison; write such as 'above 0.7' or 'at least 3'")
    return {found[1].replace(" ", "_"): float(found[2])}


def _given(value: Comparison) -> Comparison:
    if not value.compares:
        raise ValueError("give a threshold: above, below, at_least or at_most")
    return value


Compare = Annotated[Comparison, BeforeValidator(_comparison)]
"""A comparison on one line: `above 0.7`, `at least 3`; or a mapping for a range."""

Share = Annotated[float, Field(ge=0.01, le=0.99)]
"""A share of the customers. Percentiles are kept, so finer ones cannot be told apart."""

QUINTILES = (1, 2, 3, 4, 5)


def _quintiles(value: Any) -> Any:
    """Quintiles as they may be written (4, [4, 5], at least 4) as a sorted list."""
    if isinstance(value, (str, dict)):
        asked = Comparison.model_validate(_comparison(value))
        value = [q for q in QUINTILES if asked.includes(q)]
    found = value if isinstance(value, (list, tuple)) else [value]
    if not found or any(isinstance(q, bool) or q not in QUINTILES for q in found):
        raise ValueError("quintiles are 1 to 5; write such as 5, [4, 5] or at least 4")
    return tuple(sorted(set(found)))


Quintiles = Annotated[tuple[int, ...], BeforeValidator(_quintiles)]
"""Fifths of the customers, 1 to 5: `5`, `[4, 5]` or `at least 4`."""


def _cluster_id(value: Any) -> Any:
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


Margin = Annotated[float | None, Field(ge=0, lt=1, description="Share of the threshold; overrides the rule's.")]


class _Compared(Comparison):
    margin: Margin = None

    @model_validator(mode="after")
    def _some_threshold(self) -> _Compared:
        _given(self)
        return self


class All(_Model):
    """Every one of these holds."""

    all: list[Condition] = Field(min_length=1)


class Any_(_Model):  # noqa: N801  (Any is typing's)
    """At least one of these holds."""

    any: list[Condition] = Field(min_length=1)


class Not(_Model):
    """This does not hold."""

    condition: Condition = Field(alias="not")


class TraitIs(Comparison):
    """What a trait is. An absent trait satisfies only `exists: false`."""

    trait: str
    equals: Any = Field(default=None, alias="is")
    one_of: list[Any] | None = Field(default=None, alias="in", min_length=1)
    exists: bool | None = None

    @model_validator(mode="after")
    def _one_question(self) -> TraitIs:
        asked = (
            "equals" in self.model_fields_set,
            self.one_of is not None,
            self.exists is not None,
            self.compares,
        )
        if sum(asked) != 1:
            raise ValueError("ask one thing of a trait: is, in, exists, or a comparison")
        return self


class HasIdentity(_Model):
    """The customer has an identity of this type."""

    identity: str


class Count(_Compared):
    """Events of a role, ever, or within the time up to now."""

    count: str
    within: Duration | None = None

    @model_validator(mode="after")
    def _kept(self) -> Count:
        if self.within is not None and self.times > MOST_TIMES:
            raise ValueError(f"a profile keeps the latest {MOST_TIMES} times of a role; count to fewer within a window")
        return self

    @property
    def times(self) -> int:
        """How many of the latest times tell whether the comparison holds, and does by the margin."""
        return max(ranks(self, self.margin or 0.0))


class Sum(_Compared):
    """A total, ever: money in major units of the plan's currency, or items. Revenue also within the time up to now."""

    sum: Literal["revenue", "refunds", "net", "items"]
    within: Duration | None = None

    @model_validator(mode="after")
    def _kept(self) -> Sum:
        if self.within is not None and self.sum != "revenue":
            raise ValueError("a profile keeps the times of orders only: within goes with sum: revenue")
        return self


class Ratio(_Compared):
    """One total or count of a role over another, ever; over nothing satisfies nothing."""

    ratio: tuple[str, str]  # of TOTALS or roles


class Decayed(_Compared):
    """Events of a role, each worth half after every half-life: how much of it happens lately."""

    decayed: str
    half_life: Duration = HALF_LIVES[0]

    @field_validator("half_life")
    @classmethod
    def _kept(cls, value: float) -> float:
        if value not in HALF_LIVES:
            raise ValueError(f"a profile keeps half-lives of {' and '.join(map(_words, HALF_LIVES))}")
        return value


class Since(_Model):
    """Time since the latest event of a role, or of any (`any`). With `or_never`, never is longest."""

    since: str
    more_than: Duration | None = None
    less_than: Duration | None = None
    or_never: bool = False

    @model_validator(mode="after")
    def _some_limit(self) -> Since:
        if self.more_than is None and self.less_than is None:
            raise ValueError("give more_than or less_than, such as more_than: 30d")
        if self.or_never and self.more_than is None:
            raise ValueError("or_never goes with more_than")
        return self


class NotDone(_Model):
    """Done before, but not for this long; with `or_never` also those who never did."""

    not_done: str
    for_: Duration = Field(alias="for")
    or_never: bool = False


class Risk(_Model):
    """The churn risk, 0 to 1; a customer without a score satisfies nothing."""

    risk: Compare
    margin: Margin = None

    _threshold = field_validator("risk")(_given)


class Band(_Model):
    """The band of the churn risk: low, medium or high."""

    band: Literal["low", "medium", "high"] | list[Literal["low", "medium", "high"]]


class Stage(_Model):
    """The lifecycle stage."""

    stage: StageName | list[StageName]


class InSegment(_Model):
    """The customer is in a segment that the plan lists earlier."""

    segment: str


class OpenTickets(_Model):
    """Tickets that are open now."""

    open_tickets: Compare

    _threshold = field_validator("open_tickets")(_given)


class GapRatio(_Model):
    """Silence in units of the customer's own usual gap between orders; 1.5 is half a gap late."""

    gap_ratio: Compare
    margin: Margin = None

    _threshold = field_validator("gap_ratio")(_given)


class OpinionIs(_Model):
    """The last or average answer to a kind of survey; no answer satisfies nothing."""

    opinion: Literal["csat", "nps", "ces", "review"]
    last: Compare | None = None
    average: Compare | None = None
    margin: Margin = None

    @model_validator(mode="after")
    def _one_question(self) -> OpinionIs:
        if (self.last is None) == (self.average is None):
            raise ValueError("ask for last or average, such as average: below 3")
        _given(self.last or self.average)  # type: ignore[arg-type]
        return self


class Quantile(_Model):
    """Where the customer stands among all who have the measure, as shares from 0 (lowest) to 1 (highest).

    `top` and `bottom` are shares of the customers; `at_least` and `at_most` are places: `top: 0.1` is `at_least: 0.9`.
    Who is exactly at an edge counts to those below it, so the top tenth is never more than a tenth.
    """

    quantile: str
    top: Share | None = None
    bottom: Share | None = None
    at_least: Share | None = None
    at_most: Share | None = None
    margin: Margin = None

    @field_validator("quantile")
    @classmethod
    def _measured(cls, value: str) -> str:
        if value not in MEASURES:
            raise ValueError(f"there is no measure '{value}'; there are {', '.join(MEASURES)}")
        return value

    @model_validator(mode="after")
    def _one_range(self) -> Quantile:
        if (self.top, self.at_least, self.bottom, self.at_most) == (None,) * 4:
            raise ValueError("give a share: top, bottom, at_least or at_most, such as top: 0.1")
        if (self.top is not None and self.at_least is not None) or (
            self.bottom is not None and self.at_most is not None
        ):
            raise ValueError("top and at_least say the same, and so do bottom and at_most: give one of them")
        if self.low is not None and self.high is not None and self.low >= self.high:
            raise ValueError("nobody can be there: the range ends before it begins")
        return self

    @property
    def low(self) -> float | None:
        """The share of customers above which one must be."""
        return self.at_least if self.top is None else 1.0 - self.top

    @property
    def high(self) -> float | None:
        """The share of customers up to which one may be."""
        return self.at_most if self.bottom is None else self.bottom


class RfmScores(_Model):
    """Quintiles; whichever is left out may be any."""

    recency: Quintiles | None = None
    frequency: Quintiles | None = None
    monetary: Quintiles | None = None

    @model_validator(mode="after")
    def _some_quintile(self) -> RfmScores:
        if (self.recency, self.frequency, self.monetary) == (None,) * 3:
            raise ValueError("give quintiles of recency, frequency or monetary, such as recency: [4, 5]")
        return self


class Rfm(_Model):
    """The quintiles of how lately, how often and for how much the customer ordered; 5 is the best fifth."""

    rfm: RfmScores
    margin: Margin = None


class Cluster(_Model):
    """The customer is in a learned segment."""

    cluster: Annotated[str, BeforeValidator(_cluster_id), Field(pattern=r"^[A-Za-z0-9_-]{1,16}$")]
    margin: Margin = None


KINDS: dict[str, type[_Model]] = {
    "all": All, "any": Any_, "not": Not, "trait": TraitIs, "identity": HasIdentity, "count": Count,
    "sum": Sum, "decayed": Decayed, "since": Since, "not_done": NotDone, "risk": Risk, "band": Band, "stage": Stage,
    "segment": InSegment, "open_tickets": OpenTickets, "gap_ratio": GapRatio, "opinion": OpinionIs,
    "ratio": Ratio, "quantile": Quantile, "rfm": Rfm, "cluster": Cluster,
}  # fmt: skip
"""The kinds of conditions, by the key that tells them."""

_KIND_OF = {model: kind for kind, model in KINDS.items()}


def _kind(value: Any) -> str | None:
    if isinstance(value, dict):
        found = [kind for kind in KINDS if kind in value]
        return found[0] if len(found) == 1 else None
    return _KIND_OF.get(type(value))


StageName = Literal["prospect", "new", "active", "loyal", "at_risk", "churned", "won_back"]

Condition = Annotated[
    Annotated[All, Tag("all")]
    | Annotated[Any_, Tag("any")]
    | Annotated[Not, Tag("not")]
    | Annotated[TraitIs, Tag("trait")]
    | Annotated[HasIdentity, Tag("identity")]
    | Annotated[Count, Tag("count")]
    | Annotated[Sum, Tag("sum")]
    | Annotated[Decayed, Tag("decayed")]
    | Annotated[Since, Tag("since")]
    | Annotated[NotDone, Tag("not_done")]
    | Annotated[Risk, Tag("risk")]
    | Annotated[Band, Tag("band")]
    | Annotated[Stage, Tag("stage")]
    | Annotated[InSegment, Tag("segment")]
    | Annotated[OpenTickets, Tag("open_tickets")]
    | Annotated[GapRatio, Tag("gap_ratio")]
    | Annotated[OpinionIs, Tag("opinion")]
    | Annotated[Ratio, Tag("ratio")]
    | Annotated[Quantile, Tag("quantile")]
    | Annotated[Rfm, Tag("rfm")]
    | Annotated[Cluster, Tag("cluster")],
    Discriminator(
        _kind,
        custom_error_type="condition",
        custom_error_message=f"a condition is a mapping with exactly one of: {', '.join(KINDS)}",
    ),
]
"""A statement about a profile at a time."""


def rank(limit: float, beyond: bool) -> int:
    """How often something must have happened to be beyond a limit (`above`, `at_most`), or else to reach it.

    So a count is compared by one of the latest times: `above 2` asks for the third, `at_least 2` for the second.
    """
    return math.floor(limit) + 1 if beyond else math.ceil(limit)


def ranks(comparison: Comparison, margin: float) -> set[int]:
    """The ranks of all thresholds, plain and eased either way."""
    asked = (
        (comparison.above, True),
        (comparison.at_most, True),
        (comparison.at_least, False),
        (comparison.below, False),
    )
    easings = (0.0, -margin, margin)
    return {
        rank(limit + easing * abs(limit), beyond) for limit, beyond in asked if limit is not None for easing in easings
    }


def leaves(condition: Condition) -> Iterator[Condition]:
    """Every statement of a condition that holds no other, left to right."""
    if isinstance(condition, All):
        for part in condition.all:
            yield from leaves(part)
    elif isinstance(condition, Any_):
        for part in condition.any:
            yield from leaves(part)
    elif isinstance(condition, Not):
        yield from leaves(condition.condition)
    else:
        yield condition


Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$", max_length=64)]


def _depth(condition: Condition) -> int:
    match condition:
        case All(all=parts) | Any_(any=parts):
            return 1 + max(map(_depth, parts))
        case Not(condition=part):
            return 1 + _depth(part)
    return 1


def _shallow(condition: Condition | None) -> Condition | None:
    if condition is not None and _depth(condition) > DEEPEST:
        raise ValueError(f"conditions may be nested {DEEPEST} deep; give a part of it a name as a segment of its own")
    return condition


class SegmentRule(_Model):
    """Who belongs to a segment."""

    name: Name
    description: str = ""
    when: Condition
    exit: Condition | None = None  # who leaves; without it, those for whom `when` fails by the margin
    purpose: Name | None = None  # only who allows it; what looks at the risk needs `profiling` besides
    margin: float = Field(default=0.15, ge=0, lt=1)
    group: Name | None = None  # at most one segment of a group holds: who may stay in one enters no other

    _nested = field_validator("when", "exit")(_shallow)


class AlertRule(_Model):
    """When people should look at a customer: at a risk of `threshold`, or while `when` holds.

    Given both, it opens when both are so and ends when either is over.
    """

    name: Name
    description: str = ""
    when: Condition | None = None
    threshold: float | None = Field(default=None, gt=0, lt=1)
    clear: float | None = Field(default=None, gt=0, lt=1)  # the risk below which it ends; 0.85 of the threshold
    cooldown: Duration = 7 * DAY  # after it ended, before it may open again
    segment: str | None = None  # only members
    margin: float = Field(default=0.15, ge=0, lt=1)  # of `when`
    purpose: Name | None = OUTREACH  # only who allows it; null: whatever they allow
    severity: Literal["info", "warning", "critical"] = "warning"
    owner: str = ""
    channel: str = ""

    _nested = field_validator("when")(_shallow)

    @model_validator(mode="after")
    def _sensible(self) -> AlertRule:
        if self.when is None and self.threshold is None:
            raise ValueError("an alert needs a threshold of the risk, or a condition in `when`")
        if self.clear is not None and (self.threshold is None or self.clear >= self.threshold):
            raise ValueError("clear must lie below the threshold")
        return self

    @property
    def clears_below(self) -> float:
        """The risk below which an open alert ends; 0 for an alert that does not look at the risk."""
        if self.threshold is None:
            return 0.0
        return self.clear if self.clear is not None else 0.85 * self.threshold


class Bands(_Model):
    """The least risk of each band; below `medium` it is low."""

    medium: float = Field(default=0.5, gt=0, lt=1)
    high: float = Field(default=0.75, gt=0, lt=1)

    @model_validator(mode="after")
    def _ascending(self) -> Bands:
        if self.medium >= self.high:
            raise ValueError("the medium band must begin below the high one")
        return self

    def of(self, risk: float) -> Literal["low", "medium", "high"]:
        """The band of a risk."""
        return "high" if risk >= self.high else "medium" if risk >= self.medium else "low"


class Lifecycle(_Model):
    """The limits of the lifecycle stages."""

    new_for: Duration = 30 * DAY  # after the first order
    loyal_orders: int = Field(default=4, ge=2)
    won_back_for: Duration = 60 * DAY  # after the order that ended a silence of the churn horizon


class Outage(_Model):
    """A time in which events did not reach us, although customers were there."""

    from_: Moment = Field(alias="from")
    to: Moment

    @model_validator(mode="after")
    def _sensible(self) -> Outage:
        if self.to <= self.from_:
            raise ValueError("an outage ends after it began")
        return self


class ChurnConfig(_Model):
    """What churn means here, and how its model is fed."""

    role: str = "purchase"  # the role whose absence is churn
    horizon: Duration = 26 * WEEK  # no order within this is churn
    label_horizon: Duration = 4 * WEEK  # what the hazard is trained on
    snapshot_every: Duration = 4 * WEEK  # one training example per customer and this
    panel: int = Field(default=4, ge=1)  # one snapshot in so many also waits for the whole horizon
    lateness: Duration = DAY  # how late an order may arrive and still count for its label
    outage: Duration | None = 3 * DAY  # the least silence of everybody that may be an outage; null: none is
    outages: tuple[Outage, ...] = ()  # those that are known
    hold_out: float = Field(default=0.0, ge=0, le=0.5)  # share of customers whom no alert on their risk opens for
    rescore_every: Duration = DAY  # the longest a score stands while a customer is silent
    bands: Bands = Bands()
    lifecycle: Lifecycle = Lifecycle()
    min_examples: int = Field(default=200, ge=1)  # learned examples before the learned model may speak
    min_class: int = Field(default=20, ge=1)  # …and of each class

    @model_validator(mode="after")
    def _sensible(self) -> ChurnConfig:
        if self.role != "purchase":
            raise ValueError("churn is defined by orders: role must be purchase")
        if self.label_horizon > self.horizon:
            raise ValueError("label_horizon must not be longer than horizon")
        if self.horizon / self.label_horizon > 104:
            raise ValueError("label_horizon is too short: the horizon would take more than 104 steps")
        return self


for _model in (All, Any_, Not, Stage, SegmentRule, AlertRule):
    _model.model_rebuild()
