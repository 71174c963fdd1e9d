"""Is this the Kafka that Redis has read? If not, Redis would take new events for known ones, and drop them.

Redis holds up to which offset it has applied each topic. An offset means something only in the log it comes from: so
the ids of cluster and topics are noted at the first start and compared at each later one, as are the ends of the topics
with what was applied, which is how a Kafka that was restored from a backup shows.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from enum import StrEnum

from redis.exceptions import RedisError

from plan import Plan
from profiles.errors import Misconfigured
from profiles.stores.connection import Client
from profiles.stores.positions import Place, Read, note_log, read_log, read_positions, set_positions
from profiles.stores.setup import living_workers
from streams.kafka.admin import STARTING, Log, describe_log
from streams.kafka.client import EMBEDDED
from streams.kafka.topics import IDENTITY_LINKS, PROFILE_EVENTS, TRAINING_EXAMPLES, topic_name
from streams.settings import Settings
from streams.steps.work import SENT_BITS

__all__ = ["Difference", "Start", "Topics", "adopt_kafka", "check_kafka", "compare", "compare_kafka", "moved"]


class Start(StrEnum):
    """Where reading of what was replaced begins."""

    BEGINNING = "beginning"
    END = "end"


_ADVICE = (
    "New events would be taken for known ones and dropped, so nothing is read. Did RAPPORT_KAFKA, RAPPORT_REDIS or "
    "RAPPORT_TOPIC_PREFIX change? Set it back. Was Kafka replaced, or restored from a backup? Then stop all workers "
    "and run `rapport adopt-kafka`; its --help says what to choose"
)


@dataclass(frozen=True, slots=True)
class Difference:
    """How Kafka is not the one that Redis has read. Both are empty when it is."""

    replaced: tuple[str, ...] = ()  # `cluster`, `topic:NAME`
    shorter: tuple[str, ...] = ()  # places whose log ends before what was applied

    def __bool__(self) -> bool:
        return bool(self.replaced or self.shorter)

    @property
    def parts(self) -> list[str]:
        """What differs, in words."""
        parts = []
        if self.replaced:
            names = ", ".join(name.replace("topic:", "topic ") for name in self.replaced)
            parts.append(f"this Kafka is not the one that this Redis has read: another {names}")
        if self.shorter:
            parts.append(f"this Kafka knows less than this Redis has read of it: {', '.join(self.shorter)}")
        return parts

    def __str__(self) -> str:
        return "; ".join(self.parts) + ". " + _ADVICE


async def check_kafka(client: Client, settings: Settings, plan: Plan) -> None:
    """Note what Kafka is, or check that it is still the same.

    Raises:
        Misconfigured: it is another, or knows less than Redis has applied; or one of them does not answer.
    """
    difference, _, _ = await _look(client, settings, plan, note=True, patience=STARTING)
    if difference:
        raise Misconfigured(str(difference))


async def compare_kafka(client: Client, settings: Settings, plan: Plan, *, note: bool = False) -> Difference:
    """How Kafka differs from the one that Redis has read.

    Args:
        client: of Redis.
        settings: where Kafka is.
        plan: whose sources are compared.
        note: whether to note the ids that are not noted yet.

    Raises:
        Misconfigured: Kafka or Redis does not answer.
    """
    return (await _look(client, settings, plan, note=note))[0]


async def adopt_kafka(client: Client, settings: Settings, plan: Plan, start: Start | None) -> Difference:
    """Make Redis go on with the Kafka that is there; answer what was different.

    What was replaced is read from `start`. Where the log only ends earlier than what was applied, all of it is known,
    so reading goes on at its end.

    Raises:
        Misconfigured: a worker is running, or something was replaced and `start` is None.
    """
    if alive := await living_workers(client):
        raise Misconfigured(f"workers are running ({', '.join(sorted(alive))}): stop them first, and wait 15 seconds")
    difference, log, read = await _look(client, settings, plan)
    if not difference:
        return difference
    if difference.replaced and start is None:
        raise Misconfigured(
            "say where reading begins: --from beginning if this Redis has seen none of the events in this Kafka, "
            "--from end if it has seen all of them"
        )
    if start is Start.END and log.ids.get("cluster") == EMBEDDED:
        raise Misconfigured("the embedded broker does not know its ends; use --from beginning")
    try:
        await set_positions(client, moved(read, log, difference, start or Start.END, _topics(settings, plan)))
        await note_log(client, log.ids, anew=True)
    except RedisError as error:
        raise Misconfigured(f"Redis does not answer ({type(error).__name__}: {error}); run this again") from error
    return difference


@dataclass(frozen=True, slots=True)
class Topics:
    """The topics whose offsets Redis holds, by their real names."""

    profile_events: str
    identity_links: str
    training_examples: str
    sources: tuple[str, ...]

    def names(self) -> list[str]:
        """All of them."""
        return [self.profile_events, self.identity_links, self.training_examples, *self.sources]

    def offset(self, place: Place, mark: int) -> int:
        """The offset that an origin stands for: one in our own topics also numbers what was sent on because of it."""
        return mark if self._is_source(place) else mark >> SENT_BITS

    def mark(self, place: Place, offset: int) -> int:
        """The highest origin of an offset."""
        return offset if self._is_source(place) else ((offset + 1) << SENT_BITS) - 1

    def _is_source(self, place: Place) -> bool:
        return place.rpartition("/")[0] in self.sources


def _topics(settings: Settings, plan: Plan) -> Topics:
    return Topics(
        topic_name(settings, PROFILE_EVENTS),
        topic_name(settings, IDENTITY_LINKS),
        topic_name(settings, TRAINING_EXAMPLES),
        tuple(topic_name(settings, source.topic) for source in plan.sources.values()),
    )


async def _look(
    client: Client, settings: Settings, plan: Plan, *, note: bool = False, patience: float = 0.0
) -> tuple[Difference, Log, Read]:
    """The difference, noting ids that are not noted yet with `note`, and what it was found from."""
    wanted = _topics(settings, plan)
    try:
        # Redis first: while workers go on, what they have applied was in Kafka before we ask for its ends.
        read = await read_positions(client, settings.partitions)
        log = await asyncio.to_thread(describe_log, settings, wanted.names(), patience)
        known = await note_log(client, log.ids) if note else await read_log(client)
    except RedisError as error:
        raise Misconfigured(
            f"Redis does not answer ({type(error).__name__}: {error}); start it, or set RAPPORT_REDIS"
        ) from error
    return compare(known, log, _highest(read, wanted)), log, read


def compare(known: dict[str, str], log: Log, highest: dict[Place, int]) -> Difference:
    """How a log differs from the ids that are noted of it and from the highest offsets that were applied."""
    replaced = tuple(name for name, id_ in sorted(log.ids.items()) if known.get(name, id_) != id_)
    shorter = tuple(
        f"{place} ends at offset {log.ends[place]}, {applied} was applied"
        for place, applied in sorted(highest.items())
        if place in log.ends and applied >= log.ends[place] and f"topic:{place.rpartition('/')[0]}" not in replaced
    )
    return Difference(replaced, shorter)


def _highest(read: Read, topics: Topics) -> dict[Place, int]:
    highest = {place: topics.offset(place, mark) for place, mark in read.highest_origins.items()}
    own = {f"{topics.profile_events}/{partition}": applied for partition, applied in read.profiles.items()}
    own |= {f"{topics.identity_links}/0": read.identity, f"{topics.training_examples}/0": read.learner}
    for place, applied in own.items():
        highest[place] = max(applied, highest.get(place, -1))
    return {place: applied for place, applied in highest.items() if applied >= 0}


def moved(read: Read, log: Log, difference: Difference, start: Start, topics: Topics) -> Read:
    """Where reading goes on: `start` in what was replaced, elsewhere where it was, or at the end if that is earlier."""
    all_of_it = "cluster" in difference.replaced

    def move(place: Place, applied: int) -> int:
        last = log.ends.get(place, applied + 1) - 1
        if all_of_it or f"topic:{place.rpartition('/')[0]}" in difference.replaced:
            return -1 if start is Start.BEGINNING else last
        return min(applied, last)

    known_positions = {place for place in log.ends if place.rpartition("/")[0] in topics.sources}
    return Read(
        {number: move(f"{topics.profile_events}/{number}", applied) for number, applied in read.profiles.items()},
        move(f"{topics.identity_links}/0", read.identity),
        move(f"{topics.training_examples}/0", read.learner),
        {
            number: {
                place: topics.mark(place, offset) if offset != known else marks[place]
                for place in known_positions | marks.keys()
                if (offset := move(place, known := topics.offset(place, marks.get(place, -1)))) >= 0
            }
            for number, marks in read.origins.items()
        },
    )
