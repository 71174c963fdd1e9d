"""`since`, `not_done`, `gap_ratio`: for how long something has not happened; `latest`: whether it did after another."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import inf

from pydantic import Field, field_validator, model_validator

from models.conditions.comparisons import Compare, Margin, chosen, require_threshold
from models.conditions.crossings import MOMENT, Find, Paths, first_after
from models.conditions.kind import Kind
from models.conditions.vocabulary import Vocabulary
from models.conditions.where import Narrowed, Where
from models.conditions.words import ENGLISH, Say
from models.conditions.writer import Writer
from models.durations import Duration
from models.features.orders import usual_gap
from profiles.doings import last_done
from profiles.types import Profile, Tally

__all__ = ["GapRatio", "LastAfter", "NotDone", "Since"]

_ANY = "any"


class Since(Narrowed, Kind):
    """Time since the latest event of a role, or since the customer last did anything (`any`). With `or_never`, never is
    longest.
    """

    key = "since"
    examples = (
        "{since: purchase, more_than: 30d}",
        "{since: visit, more_than: 3d, less_than: 60d}",
        "{since: any, less_than: 17h}",
        "{since: cart, more_than: 2h, or_never: true}",
        "{since: visit, where: {country: NL}, more_than: 3d}",
    )

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
        if self.since == _ANY and self.where is not None:
            raise ValueError("where goes with a role, not with any")
        return self

    def roles(self) -> Sequence[str]:
        return (self.since,)

    def narrowed(self) -> Sequence[tuple[str, Where]]:
        return self.narrowed_of(self.since)

    def write(self, writer: Writer, margin: float, slack: int) -> str:
        return _write(writer, self.key_of(self.since), self.more_than, self.less_than, self.or_never)

    def foresee(self, paths: Paths, margin: float) -> None:
        limits = [limit for limit in (self.more_than, self.less_than) if limit is not None]
        if self.since == _ANY:
            paths.of_everybody(_since_any, limits)
        else:
            paths.of_role(self.key_of(self.since), _since_role, limits)

    def in_words(self, say: Say = ENGLISH) -> str:
        what = say("last seen")
        if self.since != _ANY:
            what = say("last %(role)s", role=self.role_in_words(self.since, say))
        limits = [
            say(words, span=say.duration(span))
            for words, span in (("more than %(span)s", self.more_than), ("less than %(span)s", self.less_than))
            if span is not None
        ]
        words = say("%(what)s %(spans)s ago", what=what, spans=say.all_of(limits))
        return say("(%(what)s, or never)", what=words) if self.or_never else words

    def problems(self, known: Vocabulary) -> Iterator[str]:
        if self.since != _ANY:
            yield from super().problems(known)
            yield from self.where_problems(self.since, known)


class NotDone(Narrowed, Kind):
    """Done before, but not for this long; with `or_never` also those who never did."""

    key = "not_done"
    examples = (
        "{not_done: purchase, for: 30d}",
        "{not_done: visit, for: 9d, or_never: true}",
        "{not_done: cart, where: {category: shoes}, for: 9d}",
    )

    not_done: str
    for_: Duration = Field(alias="for")
    or_never: bool = False

    def roles(self) -> Sequence[str]:
        return (self.not_done,)

    def narrowed(self) -> Sequence[tuple[str, Where]]:
        return self.narrowed_of(self.not_done)

    def write(self, writer: Writer, margin: float, slack: int) -> str:
        return _write(writer, self.key_of(self.not_done), self.for_, None, self.or_never)

    def foresee(self, paths: Paths, margin: float) -> None:
        paths.of_role(self.key_of(self.not_done), _since_role, [self.for_])

    def in_words(self, say: Say = ENGLISH) -> str:
        never = "no %(role)s for %(span)s (or never)" if self.or_never else "no %(role)s for %(span)s (but before)"
        return say(never, role=self.role_in_words(self.not_done, say), span=say.duration(self.for_))

    def problems(self, known: Vocabulary) -> Iterator[str]:
        yield from super().problems(known)
        yield from self.where_problems(self.not_done, known)


class LastAfter(Narrowed, Kind):
    """The latest event of a role is later than that of another one. With `or_never`, also where there is no other."""

    key = "latest"
    examples = (
        "{latest: cart, after: purchase, or_never: true}",
        "{latest: visit, after: purchase, by: 2d}",
        "{latest: cart, where: {category: shoes}, after: visit}",
    )

    latest: str
    after: str
    by: Duration | None = None
    or_never: bool = False

    def roles(self) -> Sequence[str]:
        return (self.latest, self.after)

    def narrowed(self) -> Sequence[tuple[str, Where]]:
        return self.narrowed_of(self.latest)

    def write(self, writer: Writer, margin: float, slack: int) -> str:
        later = "t.last > u.last" if self.by is None else f"t.last >= u.last + {self.by!r}"
        than = f"({later} if (u := {writer.tally(self.after)}) is not None else {self.or_never})"
        return f"((t := {writer.tally(self.key_of(self.latest))}) is not None and {than})"

    def in_words(self, say: Say = ENGLISH) -> str:
        role, other = self.role_in_words(self.latest, say), say.name(self.after)
        if self.by is None:
            said = say("last %(role)s after the last %(other)s", role=role, other=other)
        else:
            by = say.duration(self.by)
            said = say("last %(role)s %(span)s or more after the last %(other)s", role=role, span=by, other=other)
        return say("%(what)s, or without any", what=said) if self.or_never else said

    def problems(self, known: Vocabulary) -> Iterator[str]:
        yield from super().problems(known)
        yield from self.where_problems(self.latest, known)


class GapRatio(Kind):
    """Silence in units of the customer's own usual gap between orders; 1.5 is half a gap late."""

    key = "gap_ratio"
    examples = ("{gap_ratio: above 1.5}", "{gap_ratio: {above: 1.5, at_most: 4}, margin: 0.1}")

    gap_ratio: Compare
    margin: Margin = None

    _threshold = field_validator("gap_ratio")(require_threshold)

    def write(self, writer: Writer, margin: float, slack: int) -> str:
        value = f"max(now - bought.last, 0.0) / {writer.bind(usual_gap)}(p)"
        compared = writer.compare(value, self.gap_ratio, chosen(self.margin, margin), slack)
        return f"(bought.orders > 0 and {compared})"

    def foresee(self, paths: Paths, margin: float) -> None:
        paths.of_buyers(_usual_gaps, self.gap_ratio.levels(chosen(self.margin, margin)))

    def in_words(self, say: Say = ENGLISH) -> str:
        return say("silence %(often)s times the usual gap between orders", often=self.gap_ratio.in_words(say))


def _write(writer: Writer, role: str, more_than: float | None, less_than: float | None, or_never: bool) -> str:
    # Compared as points in time, just as the paths below tell them: no rounding between the two.
    last = "d" if role == _ANY else "t.last"
    done = (
        "(d := p.updated if p.done is None else p.done) > 0"
        if role == _ANY
        else f"(t := {writer.tally(role)}) is not None"
    )
    tests = [] if more_than is None else [f"now >= {last} + {more_than!r}"]
    tests += [] if less_than is None else [f"now < {last} + {less_than!r}"]
    return f"(({' and '.join(tests)}) if {done} else {or_never})"


def _since_role(lengths: list[float]) -> Find[Tally]:
    return lambda tally, now: first_after(lengths, tally.last, now)


def _since_any(lengths: list[float]) -> Find[Profile]:
    return lambda profile, now: first_after(lengths, done, now) if (done := last_done(profile)) > 0 else inf


def _usual_gaps(ratios: list[float]) -> Find[Profile]:
    def find(profile: Profile, now: float) -> float:
        gap = usual_gap(profile)
        return first_after([ratio * gap + MOMENT for ratio in ratios], profile.purchases.last, now)

    return find
