"""What comes in, as people and tools read it: rates, rejections, lag, latency, pauses; single raw events."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from pydantic import Field

from console.services.ports import ApiDeps
from console.views.clock import ClockView, read_clock
from console.views.document import Document, Time
from profiles.errors import NotFound
from profiles.units import Aside, Pause

__all__ = ["PipelineView", "RawEventView", "RejectedGroup", "read_pipeline", "rejected_groups", "resume"]

_MINUTES = 60
_LATENCY_OVER = 5  # minutes that the latency is of

_OUTCOMES = ("accepted", "flagged", "rejected", "ignored")


class FlowView(Document):
    """Events of a source, by what became of them."""

    accepted: int
    flagged: int = Field(description="Accepted although not as planned, because the plan says so.")
    rejected: int
    ignored: int = Field(description="Of programs and of the house's own people; see `ignore` in the plan.")


class PausedView(Document):
    """Why a source is paused."""

    since: Time
    why: str
    example: str = Field(description="What is wrong with one of the events, without personal data.")
    tried_next: Time | None = Field(description="When its newest events are tried, and it goes on if they pass.")


class AsideView(Document):
    """A sender of so many rejected events that of more only positions are kept."""

    sender: str = Field(description="Keyed hash.")
    since: Time
    until: Time
    rejected: int
    kept: int
    reason: str


class SourceView(Document):
    """One source."""

    source: str
    per_second: float = Field(description="Events that left ingest, over the last 60 s.")
    rejected_share: float | None = Field(description="Of the last hour; null if nothing came.")
    hour: FlowView
    minutes: list[int] = Field(description="Events of each of the last 60 minutes, the oldest first.")
    bad_minutes: list[int] = Field(description="The rejected ones among them.")
    paused: PausedView | None
    put_aside: list[AsideView]


class ReasonView(Document):
    """Rejections of a source for one reason."""

    source: str
    reason: str
    hour: int
    last_minute: int


class LagView(Document):
    """What waits in a topic."""

    topic: str
    records: int


class LatencyView(Document):
    """Seconds from an event's receipt by the collector to its customer's commit, over the last five minutes."""

    p50: float
    p95: float
    events: int


class WorkerView(Document):
    """A worker that has shown a sign of life lately."""

    worker: str
    seen: Time


class PipelineView(Document):
    """What comes in, and how far it has come."""

    at: Time
    per_second: float
    hour: FlowView
    sources: list[SourceView]
    rejections: list[ReasonView] = Field(description="Of the last hour, the most frequent first.")
    latency: LatencyView | None = Field(description="null if nothing was committed.")
    waiting: int = Field(description="Records that wait to be read, of all topics.")
    lag: list[LagView]
    workers: list[WorkerView]
    plans: str = Field(description="Which processes have different plans; empty while all have the same.")
    clock: ClockView


class RejectedGroup(Document):
    """Rejected events with the same mistake, among the latest 200 of each partition."""

    source: str
    reason: str
    event: str = Field(description="As its sender named it.")
    property: str = Field(description="Which is wrong; empty where it is no single one.")
    events: int
    first: Time
    last: Time
    message: str = Field(description="Of the latest.")
    passes_now: bool = Field(description="The plan finds nothing wrong with the latest: a replay puts it back.")
    position: str = Field(description="Of the latest in `events.rejected`.")
    sample: Any = Field(description="The latest, personal data masked.")


class RawEventView(Document):
    """An event as it came, personal data masked."""

    id: str
    at: Time
    source: str
    type: str
    name: str
    user: str = Field(description="Masked.")
    verdict: Literal["accepted", "flagged", "rejected", "ignored"]
    step: str = Field(description="Of a rejected one: where in the flow.")
    reason: str
    message: str
    violations: list[str] = Field(description="Of a flagged one.")
    profile: str | None = Field(description="Whose it is, of one that was not rejected.")
    raw: Any = Field(description="As it was sent.")
    stored: dict[str, Any] | None = Field(description="What it means, of one that was not rejected.")


async def read_pipeline(deps: ApiDeps) -> PipelineView:
    """All of it, as of now."""
    now = deps.clock()
    minute = int(now // 60)
    minutes = [minute - back for back in range(_MINUTES, -1, -1)]  # the one under way is the last
    counts = await deps.sources.counts(minutes)
    states, asides = await deps.sources.states(), await deps.sources.asides(now)
    lags = await deps.sources.lags(now)
    names = list(deps.plan.sources)
    told = [_source(name, counts, now % 60 / 60, states.get(name), asides) for name in names]
    return PipelineView(
        at=now,
        per_second=sum(source.per_second for source in told),
        hour=FlowView(**{outcome: sum(getattr(source.hour, outcome) for source in told) for outcome in _OUTCOMES}),
        sources=told,
        rejections=_rejections(counts),
        latency=_latency(counts[-_LATENCY_OVER - 1 :]),
        waiting=sum(lags.values()),
        lag=[LagView(topic=topic, records=records) for topic, records in sorted(lags.items())],
        workers=[
            WorkerView(worker=worker, seen=now - age) for worker, age in sorted((await deps.reader.workers()).items())
        ],
        plans=await deps.plans(),
        clock=await read_clock(deps.clocks, now),
    )


async def rejected_groups(deps: ApiDeps, source: str | None = None) -> list[RejectedGroup]:
    """Rejected events by what is wrong with them.

    Raises:
        Unavailable: Kafka does not answer.
    """
    return [RejectedGroup.of(group) for group in await deps.rejected.groups(source)]


async def resume(deps: ApiDeps, source: str, by: str) -> PausedView:
    """Take a source again that is paused; answers why it was.

    Raises:
        NotFound: there is no such source, or it is not paused.
    """
    if source not in deps.plan.sources:
        raise NotFound(f"there is no source {source!r}; the plan has {', '.join(deps.plan.sources)}")
    pause = await deps.sources.resume(source, deps.clock(), by)
    if pause is None:
        raise NotFound(f"source '{source}' is not paused")
    return _paused(pause)


def _source(
    name: str, counts: Sequence[Mapping[str, int]], share: float, state: Pause | None, asides: Sequence[Aside]
) -> SourceView:
    by = {outcome: [minute.get(f"event|{name}|{outcome}", 0) for minute in counts] for outcome in _OUTCOMES}
    hour = {outcome: sum(numbers) for outcome, numbers in by.items()}
    all_ = [sum(numbers) for numbers in zip(*by.values(), strict=True)]
    total = sum(all_)
    return SourceView(
        source=name,
        per_second=(all_[-1] + all_[-2] * (1 - share)) / 60,
        rejected_share=hour["rejected"] / total if total else None,
        hour=FlowView(**hour),
        minutes=all_[1:],
        bad_minutes=by["rejected"][1:],
        paused=_paused(state) if state is not None and state.paused else None,
        put_aside=[AsideView.of(aside) for aside in asides if aside.source == name],
    )


def _paused(state: Pause) -> PausedView:
    return PausedView(since=state.since, why=state.why, example=state.example, tried_next=state.retry or None)


def _rejections(counts: Sequence[Mapping[str, int]]) -> list[ReasonView]:
    hour: Counter[str] = Counter()
    for minute in counts:
        hour.update({what: number for what, number in minute.items() if what.startswith("rejected|")})
    lately = Counter(counts[-1]) + Counter(counts[-2])
    found = []
    for what, number in hour.most_common():
        _, source, reason = what.split("|", 2)
        found.append(ReasonView(source=source, reason=reason, hour=number, last_minute=lately[what]))
    return found


def _latency(counts: Sequence[Mapping[str, int]]) -> LatencyView | None:
    """Quantiles of a histogram, as in PromQL: within a bucket evenly; of the last one its lower bound."""
    held: Counter[float] = Counter()
    for minute in counts:
        for what, number in minute.items():
            if what.startswith("seconds|"):
                held[float(what.removeprefix("seconds|"))] += number
    events = sum(held.values())
    if not events:
        return None

    def quantile(share: float) -> float:
        wanted, below, low = share * events, 0, 0.0
        for high in sorted(held):
            if below + held[high] >= wanted:
                return low if high == float("inf") else low + (high - low) * (wanted - below) / max(held[high], 1)
            below, low = below + held[high], high
        return low

    return LatencyView(p50=quantile(0.5), p95=quantile(0.95), events=events)
