"""What a plan says about churn: what it is, the horizons, the labels, the bands of the risk, the stages of a life."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, field_validator, model_validator

from models.conditions.spec import Spec
from models.conditions.words import ENGLISH, Say
from models.durations import DAY, WEEK, Duration, Moment

__all__ = ["Bands", "ChurnConfig", "Definition", "EndsBy", "Lifecycle", "Outage", "Words"]


class Bands(Spec):
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


class Lifecycle(Spec):
    """The limits of the lifecycle stages."""

    new_for: Duration = 30 * DAY  # after the first order
    loyal_orders: int = Field(default=4, ge=2)
    loyal_after: Duration = 52 * WEEK  # with a contract, or of use; whose churn is about orders has orders
    won_back_for: Duration = 60 * DAY  # after the order that ended a silence of the churn horizon


class Outage(Spec):
    """A time in which events did not reach us, although customers were there."""

    from_: Moment = Field(alias="from")
    to: Moment

    @model_validator(mode="after")
    def _sensible(self) -> Outage:
        if self.to <= self.from_:
            raise ValueError("an outage ends after it began")
        return self


class EndsBy(Spec):
    """What it means that a customer leaves: exactly one of these.

    `no`: no event of this role within the horizon. `disuse`: none of any of these, each a role or a feature of the
    product. `subscription`: no subscription lasts any more. `mrr`: none lasts that a price was told of.
    """

    no: str | None = None
    disuse: tuple[str, ...] = ()
    subscription: Literal["ended"] | None = None
    mrr: Literal[0] | None = None
    # Of subscriptions, what is paid for. It ends when events tell, by an end or an interval; where none does, so long
    # after a start or renewal, or with `told` when it is cancelled. None: it lasts until it is cancelled.
    period: Literal["told"] | Duration | None = None
    grace: Duration | None = None  # how long after the paid period it may still be renewed

    @field_validator("disuse", mode="before")
    @classmethod
    def _several(cls, said: Any) -> Any:
        return (said,) if isinstance(said, str) else said

    @model_validator(mode="after")
    def _one(self) -> EndsBy:
        given = [self.no is not None, bool(self.disuse), self.subscription is not None, self.mrr is not None]
        if sum(given) != 1:
            raise ValueError("write exactly one of no, disuse, subscription and mrr")
        if self.period is not None and not self.lasts:
            raise ValueError("only a subscription has a period")
        if self.grace is not None and self.period is None:
            raise ValueError("grace begins when a paid period ends: write the period, too")
        return self

    @property
    def fixed_period(self) -> float | None:
        """What is paid for where no event says it, seconds; None for as long as it is not cancelled."""
        return self.period if isinstance(self.period, float) else None

    @property
    def lasts(self) -> bool:
        """Whether it is a state that ends once, and no events that stay away."""
        return self.subscription is not None or self.mrr is not None

    def in_words(self, say: Say = ENGLISH) -> str:
        """For people: what has to happen, within the horizon."""
        if self.no is not None:
            return say("no %(role)s", role=say.name(self.no))
        if self.disuse:
            return say("no use of %(name)s", name=say(", ").join(map(say.name, self.disuse)))
        ends = say("no subscription left" if self.subscription else "no recurring revenue left")
        return ends if self.period is None else say("%(what)s, cancelled or not renewed", what=ends)


class Words(Spec):
    """How the stages of a definition are called."""

    active: str = "active"
    at_risk: str = "at risk"
    ended: str = "ended"


class Definition(Spec):
    """A further meaning of churn beside the plan's own: with its own labels, models, risk and bands."""

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$", max_length=64)]
    description: str = ""
    ends_by: EndsBy
    horizon: Duration | None = None  # that of `churn` unless given
    label_horizon: Duration | None = None  # likewise; of a state that ends once it is the horizon
    snapshot_every: Duration | None = None
    bands: Bands | None = None
    words: Words = Words()

    @model_validator(mode="after")
    def _sensible(self) -> Definition:
        if self.ends_by.lasts and self.label_horizon is not None:
            raise ValueError("a state ends once: its labels are those of the whole horizon, so write no label_horizon")
        return self


class ChurnConfig(Spec):
    """What churn means here, and how its model is fed."""

    role: str = "purchase"  # the role whose absence is churn
    horizon: Duration = 26 * WEEK  # no order within this is churn
    label_horizon: Duration = 4 * WEEK  # what the hazard is trained on
    snapshot_every: Duration = 4 * WEEK  # seconds from one training example of a customer to the next
    panel: int = Field(default=4, ge=1)  # one snapshot in so many also waits for the whole horizon
    lateness: Duration = DAY  # how late an order may arrive and still count for its label
    outage: Duration | None = 3 * DAY  # the least silence of everybody that may be an outage; null: none is
    outages: tuple[Outage, ...] = ()  # those that are known
    # What tells groups apart for which risks have to be right on average, too: `trait:NAME` and `segment:NAME`.
    groups: tuple[str, ...] | None = None
    hold_out: float = Field(default=0.0, ge=0, le=0.5)  # share of customers whom no alert on their risk opens for
    leaving_within: Duration = 8 * WEEK  # how far the leaving score looks ahead
    rescore_every: Duration = DAY  # the longest a score stands while a customer is silent
    bands: Bands = Bands()
    lifecycle: Lifecycle = Lifecycle()
    min_examples: int = Field(default=200, ge=1)  # learned examples before the learned model may speak
    min_class: int = Field(default=20, ge=1)  # …and of each class
    definitions: tuple[Definition, ...] = ()  # what else may count as churn, each by itself

    definition: ClassVar[Definition | None] = None
    """The further definition that this is the configuration of (`of`); None of the plan's own. No field: a plan cannot
    say it. It is asked of every profile, for which a private attribute of pydantic is too slow."""

    @model_validator(mode="after")
    def _sensible(self) -> ChurnConfig:
        if self.role != "purchase":
            raise ValueError("churn is defined by orders: role must be purchase")
        if self.label_horizon > self.horizon:
            raise ValueError("label_horizon must not be longer than horizon")
        if self.horizon / self.label_horizon > 104:
            raise ValueError("label_horizon is too short: the horizon would take more than 104 steps")
        return self

    @model_validator(mode="after")
    def _defined(self) -> ChurnConfig:
        names = [definition.name for definition in self.definitions]
        for name in names:
            if names.count(name) > 1:
                raise ValueError(f"churn is defined twice as {name}")
            try:
                self.of(name)
            except ValueError as error:
                problems = "; ".join(problem["msg"] for problem in error.errors())  # type: ignore[attr-defined]
                raise ValueError(f"{name}: {problems}") from error
        return self

    @property
    def name(self) -> str:
        """Of the definition; "" of the plan's own."""
        return self.definition.name if self.definition is not None else ""

    @property
    def lasts(self) -> bool:
        """Whether what ends is a state, and no events that stay away."""
        return self.definition is not None and self.definition.ends_by.lasts

    def of(self, name: str) -> ChurnConfig:
        """The configuration of one definition; "" is the plan's own.

        Raises:
            KeyError: there is none of this name.
        """
        if not name:
            return self
        definition = next((each for each in self.definitions if each.name == name), None)
        if definition is None:
            raise KeyError(name)
        given = {key: value for key in _OWN if (value := getattr(definition, key)) is not None}
        if definition.ends_by.lasts:
            given["label_horizon"] = given.get("horizon", self.horizon)
            given["panel"] = 1  # every snapshot waits as long for its one label: let each of them judge what was said
            given["lateness"] = self.lateness + (definition.ends_by.grace or 0.0)  # until then it may be renewed
        elif "horizon" in given and "label_horizon" not in given:
            given["label_horizon"] = min(self.label_horizon, given["horizon"])
        config = self.changed(given | {"definitions": ()})
        config.__dict__["definition"] = definition
        return config

    def changed(self, changes: Mapping[str, Any]) -> ChurnConfig:
        """The same with other values of some fields, checked as a plan is.

        Raises:
            ValidationError: they do not fit.
        """
        given = {key: getattr(self, key) for key in type(self).model_fields}
        config = ChurnConfig.model_validate({**given, **changes})
        if self.definition is not None:
            config.__dict__["definition"] = self.definition
        return config

    def each(self) -> tuple[ChurnConfig, ...]:
        """The configurations of all definitions, the plan's own first."""
        return (self, *(self.of(definition.name) for definition in self.definitions))


_OWN = ("horizon", "label_horizon", "snapshot_every", "bands")  # what a definition may say otherwise
