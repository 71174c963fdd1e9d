"""The conditions of segments and alerts, as a plan writes them.

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

These rank a customer among all others, by the newest population snapshot (`models.population.snapshot`):

    {quantile: revenue, top: 0.1}            of a measure (`models.population.measures`): top, bottom, or at_least and
    at_most {rfm: {recency: [4, 5], frequency: at least 4}}    quintiles 1 to 5; 5 is the best: recent, often, much
    {cluster: 2}                             a learned segment

A comparison is `above`, `below`, `at_least` or `at_most`. Who is inside a segment leaves it only when a
measured value (sum, ratio, decayed, risk, gap_ratio, opinion average) has passed its threshold by the margin; of what
ranks, the margin is a share of the share: who is in the top 10 % leaves it below the top 11.5 %.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Discriminator, Field, Tag, field_validator, model_validator

from models.conditions.comparisons import Compare, Comparison, Margin, Quintiles, Share, ranks, require_threshold
from models.conditions.spec import Spec
from models.durations import Duration, format_duration
from models.population.measures import MEASURES
from profiles.types import HALF_LIVES

__all__ = [
    "DEEPEST", "KINDS", "MOST_TIMES", "TOTALS", "All", "Any_", "Band", "Cluster", "Condition", "Count", "Decayed",
    "GapRatio", "HasIdentity", "InSegment", "Not", "NotDone", "OpenTickets", "OpinionIs", "Quantile", "Ratio", "Rfm",
    "RfmScores", "Risk", "Since", "Stage", "StageName", "Sum", "TraitIs", "depth", "leaves",
]  # fmt: skip

MOST_TIMES = 64
"""How many of the latest times of a role a profile keeps at most, for what is counted within a window."""

DEEPEST = 20
"""How deep conditions may be nested: Python, into which they are compiled, has a limit."""

TOTALS = ("revenue", "refunds", "net", "items")
"""What `sum` adds up, and `ratio` besides the roles."""

StageName = Literal["prospect", "new", "active", "loyal", "at_risk", "churned", "won_back"]


def _cluster_id(value: Any) -> Any:
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


class _Compared(Comparison):
    margin: Margin = None

    @model_validator(mode="after")
    def _some_threshold(self) -> _Compared:
        require_threshold(self)
        return self


class All(Spec):
    """Every one of these holds."""

    all: list[Condition] = Field(min_length=1)


class Any_(Spec):  # noqa: N801  (Any is typing's)
    """At least one of these holds."""

    any: list[Condition] = Field(min_length=1)


class Not(Spec):
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


class HasIdentity(Spec):
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
            raise ValueError(f"a profile keeps half-lives of {' and '.join(map(format_duration, HALF_LIVES))}")
        return value


class Since(Spec):
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


class NotDone(Spec):
    """Done before, but not for this long; with `or_never` also those who never did."""

    not_done: str
    for_: Duration = Field(alias="for")
    or_never: bool = False


class Risk(Spec):
    """The churn risk, 0 to 1; a customer without a score satisfies nothing."""

    risk: Compare
    margin: Margin = None

    _threshold = field_validator("risk")(require_threshold)


class Band(Spec):
    """The band of the churn risk: low, medium or high."""

    band: Literal["low", "medium", "high"] | list[Literal["low", "medium", "high"]]


class Stage(Spec):
    """The lifecycle stage."""

    stage: StageName | list[StageName]


class InSegment(Spec):
    """The customer is in a segment that the plan lists earlier."""

    segment: str


class OpenTickets(Spec):
    """Tickets that are open now."""

    open_tickets: Compare

    _threshold = field_validator("open_tickets")(require_threshold)


class GapRatio(Spec):
    """Silence in units of the customer's own usual gap between orders; 1.5 is half a gap late."""

    gap_ratio: Compare
    margin: Margin = None

    _threshold = field_validator("gap_ratio")(require_threshold)


class OpinionIs(Spec):
    """The last or average answer to a kind of survey; no answer satisfies nothing."""

    opinion: Literal["csat", "nps", "ces", "review"]
    last: Compare | None = None
    average: Compare | None = None
    margin: Margin = None

    @model_validator(mode="after")
    def _one_question(self) -> OpinionIs:
        if (self.last is None) == (self.average is None):
            raise ValueError("ask for last or average, such as average: below 3")
        require_threshold(self.last or self.average)  # type: ignore[arg-type]
        return self


class Quantile(Spec):
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


class RfmScores(Spec):
    """Quintiles; whichever is left out may be any."""

    recency: Quintiles | None = None
    frequency: Quintiles | None = None
    monetary: Quintiles | None = None

    @model_validator(mode="after")
    def _some_quintile(self) -> RfmScores:
        if (self.recency, self.frequency, self.monetary) == (None,) * 3:
            raise ValueError("give quintiles of recency, frequency or monetary, such as recency: [4, 5]")
        return self


class Rfm(Spec):
    """The quintiles of how lately, how often and for how much the customer ordered; 5 is the best fifth."""

    rfm: RfmScores
    margin: Margin = None


class Cluster(Spec):
    """The customer is in a learned segment."""

    cluster: Annotated[str, BeforeValidator(_cluster_id), Field(pattern=r"^[A-Za-z0-9_-]{1,16}$")]
    margin: Margin = None


KINDS: dict[str, type[Spec]] = {
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


def depth(condition: Condition) -> int:
    """How deep a condition is nested; 1 for one that holds no other."""
    match condition:
        case All(all=parts) | Any_(any=parts):
            return 1 + max(map(depth, parts))
        case Not(condition=part):
            return 1 + depth(part)
    return 1


for _kind_of_others in (All, Any_, Not):
    _kind_of_others.model_rebuild()
