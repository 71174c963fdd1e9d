"""What became of a load: whether all of it has been applied, and what was rejected, by the log itself."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping, Sequence

import msgspec
import orjson

from profiles.clock import ClockState, ClockStore, Head
from streams.kafka.reader import Log
from streams.records.rejected import Rejection, is_note
from streams.retry import retrying

__all__ = ["Ends", "Waiting", "applied", "await_applied", "ends_of", "rejections_of"]

Ends = dict[str, dict[str, int]]
"""Topic → partition → the offset that comes next. Partitions as text, as JSON has them."""

_PAUSE = 0.5  # seconds between two looks

_decode = msgspec.json.Decoder(Rejection).decode


class Waiting(msgspec.Struct, frozen=True):
    """How far the workers have come with a load."""

    state: ClockState
    left: int  # records of the load's partitions that ingest has still to do
    paused: frozenset[str]  # topics of sources that are paused and have some of them: nobody goes on there


async def ends_of(log: Log, topics: Sequence[str]) -> Ends:
    """Where topics end now.

    Raises:
        NoTopic: Kafka has none of that name.
        Unavailable: Kafka does not answer.
    """
    return {topic: {str(each.partition): each.end for each in await log.extents(topic)} for topic in topics}


def _left(heads: Mapping[str, Head], began: Ends, ended: Ends) -> tuple[int, frozenset[str]]:
    left, paused = 0, set()
    for topic, ends in ended.items():
        for partition, end in ends.items():
            if end <= began.get(topic, {}).get(partition, 0):
                continue  # the load has sent nothing there
            head = heads.get(f"{topic}/{partition}")
            behind = end - head.done if head else end
            left += max(behind, 0)
            if head and head.paused and behind > 0:
                paused.add(topic)
    return left, frozenset(paused)


def applied(waiting: Waiting) -> bool:
    """Whether a load is done: ingest has had all of it, and all is live.

    Live, the clock has passed all events, whatever it was when somebody last moved it. Before, ingest lets in no event
    that the clock has not come to.
    """
    return not waiting.left and waiting.state.phase == "live"


async def await_applied(store: ClockStore, began: Ends, ended: Ends, tell: Callable[[Waiting], object]) -> Waiting:
    """Wait until a load has been applied, or until it cannot be because a source is paused.

    Args:
        store: of the clock.
        began: where the sources' topics ended before the load.
        ended: where they ended after it.
        tell: hears twice a second how far it is.
    """
    look_state, look_heads = retrying(store.state), retrying(store.heads)
    while True:
        waiting = Waiting(await look_state(), *_left(await look_heads(), began, ended))
        tell(waiting)
        if applied(waiting) or waiting.paused:
            return waiting
        await asyncio.sleep(_PAUSE)


async def rejections_of(
    log: Log, topic: str, began: Mapping[str, int], load: str
) -> tuple[Counter[tuple[str, str]], dict[tuple[str, str], str]]:
    """What was rejected of a load: how many by (source, reason), and the message of the first of each.

    An event that was rejected twice, because a worker or the load was killed, counts once.

    Args:
        log: has `events.rejected`.
        topic: its real name.
        began: where its partitions ended when the load began.
        load: its id.

    Raises:
        Unavailable: Kafka does not answer.
    """
    counts: Counter[tuple[str, str]] = Counter()
    examples: dict[tuple[str, str], str] = {}
    seen: set[int] = set()
    extents = [
        each._replace(start=max(each.start, began.get(str(each.partition), 0))) for each in await log.extents(topic)
    ]
    async for batch in log.read(extents, accept_gaps=True):
        for record in batch.records:
            if is_note(record.headers or ()):
                continue
            rejection = _decode(record.value)
            if rejection.load != load or _again(rejection, seen):
                continue
            counts[rejection.source, rejection.reason] += 1
            examples.setdefault((rejection.source, rejection.reason), rejection.message)
    return counts, examples


def _again(rejection: Rejection, seen: set[int]) -> bool:
    """Whether an event was counted before: by its id, which every event of a load has, else by its place."""
    try:
        id_ = orjson.loads(rejection.payload)["messageId"]
    except (orjson.JSONDecodeError, KeyError, TypeError):
        id_ = (rejection.topic, rejection.partition, rejection.offset)
    stands_for = hash((rejection.source, str(id_)))  # eight bytes each: there may be millions
    if stands_for in seen:
        return True
    seen.add(stands_for)
    return False
