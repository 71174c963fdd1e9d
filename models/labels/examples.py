"""What `training.examples` carries: all that the learner is told, in the order in which the partitions produce it.

While the clock goes in steps (`profiles/clock.py`) that order says nothing: partitions are looked at side by side.
Then each record names the *border* of its step, and once that has come the learner takes them in an order of their own.
"""

from __future__ import annotations

from typing import Literal

import msgspec

__all__ = ["Border", "Example", "GrownModel", "ModelCommand", "Of", "OrderSummary", "OwnRecord", "TrainingRecord"]


class OrderSummary(msgspec.Struct, array_like=True, tag_field="kind", tag="s", gc=False, frozen=True):
    """The orders and visits of a customer when a snapshot was taken: how active customers are, before any label."""

    profile: str
    at: float  # of the snapshot
    orders: float  # occasions so far
    first: float  # time of the first order
    last: float  # time of the latest order
    active: bool  # an order in the week before `at`
    border: float = 0.0  # of the step in which it was made; 0: while the clock was live
    fast: float = 0.0  # visits at `at`, each halving in worth every two weeks…
    slow: float = 0.0  # …and every eight weeks

    @property
    def key(self) -> str:
        """The same for every delivery of this order summary."""
        return f"s:{self.profile}:{self.at!r}"


class Example(msgspec.Struct, array_like=True, tag_field="kind", tag="e", gc=False, frozen=True):
    """One training record: what a customer looked like, and whether an order came."""

    profile: str
    at: float  # of the snapshot
    due: float  # end of the horizon that the label is about
    schema: str  # of the features
    x: bytes  # features then; float32, little-endian
    y: bool  # an order in (at, due]
    weight: float = 1.0
    horizon: Literal["short", "full", "hindsight"] = "short"  # the label horizon, the churn horizon, `seen` later
    risks: bytes = b""  # full only: what every model of the panel said at `at`; float32, NaN for no answer
    model: str = ""  # id of the champion at `at`
    segments: list[str] = []  # of the customer at `at`
    treated: bool = False  # people acted on an alert between `at` and `due`, which may have changed the label
    held_out: bool = False  # of the share that gets no alerts, so that their effect can be told
    border: float = 0.0  # of the step in which it was made; 0: while the clock was live
    groups: list[str] = []  # full only: of the customer at `at` (`models.labels.groups`)
    first: float = 0.0  # seconds from `at` to the first order in (at, due]; 0: there was none, or nobody knows when
    seen: OrderSummary | None = None  # hindsight only: the customer after `due` (`models.leaving.hindsight`)

    @property
    def key(self) -> str:
        """The same for every delivery of this example."""
        return f"{self.horizon}:{self.profile}:{self.at!r}"


class ModelCommand(msgspec.Struct, array_like=True, tag_field="kind", tag="c", gc=False, frozen=True):
    """A person's decision about the models, on the way to their one writer."""

    id: str
    action: Literal["promote", "rollback", "release"]  # release: let the promotion rule choose again
    target: str  # promote: name of a model of the panel; rollback: version of a checkpoint; release: ""
    time: float
    by: str = ""

    @property
    def key(self) -> str:
        """The same for every delivery of this command."""
        return f"c:{self.id}"


class GrownModel(msgspec.Struct, array_like=True, tag_field="kind", tag="g", gc=False, frozen=True):
    """A model that a process of its own has grown from records before this one, on the way to the one writer of all."""

    id: str
    model: str  # its name in the panel
    time: float  # when it was grown
    document: bytes  # JSON, as the panel ships it

    @property
    def key(self) -> str:
        """The same for every delivery of this model."""
        return f"g:{self.id}"


class Of(msgspec.Struct, array_like=True, tag_field="kind", tag="o", gc=False, frozen=True):
    """A record about a further definition of churn, by its name; the plan's own are not wrapped."""

    churn: str
    record: Example | ModelCommand | GrownModel

    @property
    def border(self) -> float:
        """Of the step in which it was made; 0: while the clock was live."""
        return self.record.border if isinstance(self.record, Example) else 0.0

    @property
    def time(self) -> float:
        """When it was decided or grown; of an example, when its snapshot was taken."""
        return self.record.at if isinstance(self.record, Example) else self.record.time

    @property
    def key(self) -> str:
        """The same for every delivery of this record."""
        return f"{self.churn}:{self.record.key}"


class Border(msgspec.Struct, array_like=True, tag_field="kind", tag="b", gc=False, frozen=True):
    """The end of a step of the clock: all training records of it, and of those before, are in the log. It may come
    twice, and late."""

    time: float
    begins: bool = False  # the clock begins to go in steps here; a load of history may have turned it back

    def passed(self, before: float) -> float:
        """The latest border that has come, with this one."""
        return self.time if self.begins else max(before, self.time)

    @property
    def key(self) -> str:
        """The same for every delivery of this border."""
        return f"b:{self.time!r}:{self.begins}"


OwnRecord = OrderSummary | Example | ModelCommand | GrownModel | Border
"""One record about the definition of churn that its learner is of."""

TrainingRecord = OwnRecord | Of
"""One record of `training.examples`."""
