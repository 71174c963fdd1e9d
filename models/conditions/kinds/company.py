"""`company`: what is measured of a company's members, of its seats and of its health."""

from __future__ import annotations

from math import inf

from pydantic import field_validator, model_validator

from models.companies.measures import MEASURES, moves_until
from models.conditions.comparisons import Measured, chosen
from models.conditions.crossings import MOMENT, Find, Paths
from models.conditions.kind import Kind
from models.conditions.vocabulary import suggest
from models.conditions.words import ENGLISH, Say
from models.conditions.writer import Writer
from models.durations import DAY, Duration, format_duration
from profiles.types import Profile

__all__ = ["CompanyIs"]


class CompanyIs(Measured, Kind):
    """A measure of a company; one of which nothing is known satisfies nothing, nor does a customer."""

    key = "company"
    examples = (
        "{company: active_members, at_least: 3}",
        "{company: active_change, within: 8w, at_most: -0.4}",
        "{company: champions_gone, within: 8w, at_least: 1}",
        "{company: seats_used, below: 0.4, margin: 0.2}",
        "{company: health, below: 50}",
    )

    company: str
    within: Duration | None = None

    @field_validator("company")
    @classmethod
    def _is_measured(cls, name: str) -> str:
        if name not in MEASURES:
            raise ValueError(f"there is no measure '{name}'{suggest(name, MEASURES)}")
        return name

    @model_validator(mode="after")
    def _reaches(self) -> CompanyIs:
        limits = MEASURES[self.company].within if self.company in MEASURES else None
        if self.within is None:
            return self
        if limits is None:
            raise ValueError(f"{self.company} is as of now: leave out within")
        if not limits[0] <= self.within <= limits[1]:
            raise ValueError(f"within is from {format_duration(limits[0])} to {format_duration(limits[1])}")
        return self

    def write(self, writer: Writer, margin: float, slack: int) -> str:
        value = f"{writer.bind(MEASURES[self.company].read)}(p, now, {self.within!r})"
        compared = writer.compare("m", self, chosen(self.margin, margin), slack)
        return f"((m := {value}) is not None and {compared})"

    def foresee(self, paths: Paths, margin: float) -> None:
        paths.of_everybody(_next_day)

    def in_words(self, say: Say = ENGLISH) -> str:
        what = say(MEASURES[self.company].words)
        if self.within is not None:
            what = say("%(what)s within %(span)s", what=what, span=say.duration(self.within))
        return f"{what} {super().in_words(say)}"

    def of_companies(self) -> bool:
        return True


def _next_day(thresholds: list[float]) -> Find[Profile]:
    """Members are counted by days, so measures change as one begins."""

    def find(profile: Profile, now: float) -> float:
        held = profile.company
        if held is None or now >= moves_until(held.team):
            return inf
        return (now // DAY + 1) * DAY + MOMENT

    return find
