"""What a plan may say of every sink, whatever its kind."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field, field_validator

from models.cases.hours import Hour, Zone
from models.conditions.spec import Spec
from models.durations import Duration

__all__ = ["MESSAGES", "SINKS", "Sink", "TalkingSink", "variable"]

SINKS = 50
"""Most sinks of a plan."""

MESSAGES = (
    "alert.opened", "alert.worsened", "alert.acknowledged", "alert.assigned", "alert.snoozed", "alert.woken",
    "alert.resolved", "alert.cleared", "alert.reopened", "alert.escalated", "alert.reminded", "alert.digest",
    "segment.entered", "segment.exited", "model.notice", "sink.disabled",
)  # fmt: skip
"""What a sink may be told. `sink.test` goes to every one that is asked for it."""

FAMILIES = tuple(dict.fromkeys(f"{name.partition('.')[0]}.*" for name in MESSAGES))


class Sink(Spec):
    """Somewhere that is told. Its kind says what it takes (`families`), and is told unless it says (`usual`)."""

    families: ClassVar[tuple[str, ...]] = ("alert.*", "segment.*", "model.*", "sink.*")
    usual: ClassVar[tuple[str, ...]] = ("alert.*", "sink.*")
    joins: ClassVar[bool] = False
    """Whether what comes within `group_wait` is told in one message."""

    type: str
    description: str = ""
    events: Annotated[tuple[str, ...], Field(min_length=1)] | None = None  # what it is told, as alert.* or alert.opened
    segments: Annotated[tuple[str, ...], Field(min_length=1)] | None = None  # which, of segment.*; all unless given
    timezone: Zone = "UTC"  # of quiet hours, digests and days
    language: Literal["en", "zh-Hans"] = "en"
    max_per_hour: int | None = Field(default=None, ge=1, le=1_000_000)  # messages
    digest: Hour | None = None  # alerts are told once a day, together

    @field_validator("events")
    @classmethod
    def _known(cls, events: tuple[str, ...] | None) -> tuple[str, ...] | None:
        for name in events or ():
            if name not in MESSAGES and name not in FAMILIES:
                raise ValueError(f"'{name}' is no message; write {', '.join(FAMILIES)} or one such as alert.opened")
            if f"{name.partition('.')[0]}.*" not in cls.families:
                raise ValueError(f"'{name}' cannot be told here; this kind of sink takes {', '.join(cls.families)}")
        return events

    def wants(self, message: str) -> bool:
        """Whether it is told messages of this type."""
        told = self.events if self.events is not None else self.usual
        return message in told or f"{message.partition('.')[0]}.*" in told

    @property
    def keeps_audiences(self) -> bool:
        """Whether it hears who enters and who leaves, so that it knows who is in a segment."""
        return self.wants("segment.entered") and self.wants("segment.exited")

    @property
    def waits(self) -> tuple[float, float] | None:
        """Seconds for which the first alert of a group waits for others, and between two messages of a group; None if
        each is told by itself at once."""
        return None

    def in_words(self) -> str:
        """What it is told, and when."""
        words = [self.type, " ".join(self.events if self.events is not None else self.usual)]
        if self.digest:
            words.append(f"once a day at {self.digest} {self.timezone}")
        if self.max_per_hour:
            words.append(f"at most {self.max_per_hour} messages an hour")
        return ", ".join(words)


class TalkingSink(Sink):
    """A sink that people read: a room of a chat, a mailbox. What comes together is told together."""

    families: ClassVar[tuple[str, ...]] = ("alert.*", "model.*", "sink.*")
    joins: ClassVar[bool] = True

    group_wait: Duration = 30.0
    group_interval: Duration = 300.0

    @property
    def waits(self) -> tuple[float, float] | None:
        return self.group_wait, self.group_interval


def variable(name: str, what: str) -> str:
    """The environment variable with something secret of a sink.

    Args:
        name: of the sink.
        what: URL, SECRET, ALLOW_PRIVATE…
    """
    return f"RAPPORT_SINK_{name.upper()}_{what}"
