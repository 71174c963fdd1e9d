"""What the learner tells people: drift, a group that has changed, a roll-back, another champion, a new beginning,
labels that cannot decide, a grown model that it does not take up, another leaving score; what
became of decisions."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from models.codec import State

__all__ = ["Decided", "Notice", "Told", "ToldBefore"]

_REMEMBERED = 50


class Notice(msgspec.Struct, frozen=True):
    """News for the operators."""

    id: str  # the same in every replay
    kind: Literal["drift", "changed", "rollback", "champion", "anew", "refused", "grown", "leaving"]
    at: float  # event time; of a new beginning, when the learner began
    text: str
    evidence: dict[str, Any] = {}
    by: str = ""  # the person who decided so


class Decided(msgspec.Struct, frozen=True):
    """What became of a person's decision."""

    id: str
    action: str
    target: str
    time: float
    by: str
    done: bool
    text: str  # what was done, or why not


class ToldBefore(msgspec.Struct):
    """What stays known of a `Told` that another version wrote, whatever else it had or had not."""

    notices: list[Notice] = []
    decisions: list[Decided] = []


class Told(State):
    """The latest of both, the newest last."""

    notices: list[Notice]
    decisions: list[Decided]

    def __post_init__(self) -> None:
        self._news: list[Notice] = []

    def tell(self, notice: Notice) -> None:
        """Something has happened."""
        self.notices = [*self.notices, notice][-_REMEMBERED:]
        self._news.append(notice)

    def tells(self, kind: str) -> bool:
        """Whether such news is among the latest."""
        return any(notice.kind == kind for notice in self.notices)

    def decided(self, decided: Decided) -> None:
        """A decision was carried out, or not."""
        self.decisions = [*self.decisions, decided][-_REMEMBERED:]

    def news(self) -> list[Notice]:
        """What has happened since the last call."""
        news, self._news = self._news, []
        return news
