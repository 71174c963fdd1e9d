"""Events of the past to the topics of their sources, as the collector would have put them there."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from plan import Plan
from profiles.errors import Unacceptable
from profiles.times import rfc3339
from streams.collector.body import Limits
from streams.collector.wire import Envelope, stamp
from streams.collector.withdrawn import withdrawal_in
from streams.history.past import Past
from streams.kafka.output import Row
from streams.kafka.topics import REJECTED, topic_name
from streams.records.loads import LOAD
from streams.records.rejected import KEPT, Rejection
from streams.scrub import scrub
from streams.settings import Settings
from streams.steps.consent import Listener

__all__ = ["HistoryRows"]

_ENVELOPE = Envelope([])
_LIMITS = Limits()


class HistoryRows:
    """Makes the rows of a load, for Kafka.

    Args:
        settings: the topics' prefix.
        plan: the sources, and what identifies a sender.
        load: id of the load.
    """

    def __init__(self, settings: Settings, plan: Plan, load: str) -> None:
        self._plan = plan
        self._listener = Listener(plan)
        self._load = load
        self._headers = ((LOAD, load.encode()),)
        self._topics = {name: topic_name(settings, source.topic) for name, source in plan.sources.items()}
        self._rejected = topic_name(settings, REJECTED)

    def of(self, events: Sequence[Past], received: float) -> list[Row]:
        """The rows of some events, in their order; what the collector would refuse goes to `events.rejected`.

        What a refused event withdraws goes on all the same, as from the collector.

        Args:
            events: of sources of the plan.
            received: now, seconds.
        """
        return [row for past in events for row in self._rows(past, received)]

    def _rows(self, past: Past, received: float) -> Iterator[Row]:
        topic = self._topics[past.source]
        try:
            key, value = stamp(past.event, _ENVELOPE, received=received, identities=self._plan.extract, limits=_LIMITS)
        except Unacceptable as error:
            withdrawal = withdrawal_in(
                past.event,
                _ENVELOPE,
                past.source,
                received=received,
                plan=self._plan,
                listener=self._listener,
                limits=_LIMITS,
            )
            if withdrawal is not None:
                yield Row(topic, None, *withdrawal, self._headers)
            yield Row(self._rejected, None, None, self._rejection(past, topic, received, error), self._headers)
        else:
            yield Row(topic, None, key, value, self._headers)

    def _rejection(self, past: Past, topic: str, received: float, error: Unacceptable) -> bytes:
        return Rejection(
            at=rfc3339(received),
            step="collect",
            reason=error.reason,
            message=scrub(error.message),
            source=past.source,
            topic=topic,
            partition=None,
            offset=None,
            payload=past.event[:KEPT],
            recorded=received,
            load=self._load,
        ).encode()
