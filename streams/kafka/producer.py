"""Rows to Kafka in time or not at all: the producer of whoever has somebody waiting for an answer."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine, Iterable, Sequence
from typing import Protocol

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError, MessageSizeTooLargeError

from profiles.errors import Misconfigured
from streams.kafka.admission import Refused, admit
from streams.kafka.client import Unavailable, async_producer
from streams.kafka.output import Produces, Row
from streams.kafka.security import describe_security
from streams.settings import Settings

__all__ = ["KafkaProducer", "Producer"]

log = logging.getLogger(__name__)

_REFUSED = 10.0  # seconds between tries while Kafka does not let us in, which it may count


class Producer(Produces, Protocol):
    """What gives up on a Kafka that does not answer in time. Safe to call from many tasks of one event loop."""

    @property
    def ready(self) -> bool:
        """Whether the last attempt to reach Kafka succeeded."""
        ...

    async def start(self) -> None:
        """Begin to connect. Returns at once, also when Kafka cannot be reached."""
        ...

    async def stop(self) -> None:
        """Send what is waiting, for a few seconds at most, and close."""
        ...


class KafkaProducer:
    """A `Producer` that survives its broker: it connects, and connects again, in the background.

    While Kafka is down only one call at a time is let through, as a probe; the others fail at once. With the limit
    on what waits this keeps memory bounded however long the outage and however many the senders.

    Args:
        settings: where Kafka is.
        timeout: seconds that `send` waits for Kafka.
        capacity: bytes that may wait for Kafka.
        idempotent: let the broker drop what a retry of the client would double; not every broker can.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        timeout: float = 10.0,
        capacity: int = 64 * 1024 * 1024,
        idempotent: bool = False,
    ) -> None:
        self._settings = settings
        self._timeout = timeout
        self._capacity = capacity
        self._idempotent = idempotent
        self._producer: AIOKafkaProducer | None = None
        self._held = 0
        self._down = True
        self._probing = False
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def ready(self) -> bool:
        return not self._down

    async def start(self) -> None:
        self._spawn(self._connect())
        await asyncio.sleep(0)

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        producer, self._producer, self._down = self._producer, None, True
        if producer is not None:
            await _close(producer)

    async def produce(self, rows: Iterable[Row]) -> None:
        """Produce rows; returns when Kafka has all of them.

        Raises:
            Unavailable: Kafka could not be reached or did not confirm all of them in time.
        """
        rows = list(rows)
        if not rows:
            return
        producer = self._producer
        if producer is None:
            raise Unavailable("Kafka cannot be reached")
        probe = self._down
        if probe and self._probing:
            raise Unavailable("Kafka does not answer")
        size = sum(len(row.value or b"") for row in rows)
        if self._held and self._held + size > self._capacity:
            raise Unavailable(f"{self._held} bytes already wait for Kafka")
        self._held += size
        self._probing = self._probing or probe
        pending: list[asyncio.Future[object]] = []
        try:
            await self._send(producer, rows, pending)
            self._down = False
        except TimeoutError:
            self._down = True
            raise Unavailable(f"Kafka has not confirmed the events within {self._timeout:g} s") from None
        except MessageSizeTooLargeError as error:
            log.error("Kafka refuses a message for its size; raise max.message.bytes of the topic: %s", error)  # noqa: TRY400
            raise Unavailable("Kafka refuses a message for its size") from error
        except KafkaError as error:
            self._replace(producer, error)
            raise Unavailable(f"Kafka refuses the events: {type(error).__name__}") from error
        finally:
            if probe:
                self._probing = False
            self._release(pending, size)

    async def _send(
        self, producer: AIOKafkaProducer, rows: Sequence[Row], pending: list[asyncio.Future[object]]
    ) -> None:
        async with asyncio.timeout(self._timeout) as limit:
            for row in rows:
                sent = producer.send(row.topic, row.value, row.key, row.partition, headers=list(row.headers))
                pending.append(await sent)
        deadline = limit.when()
        assert deadline is not None
        # asyncio.wait leaves the futures alone at a timeout, so that they still tell when their memory is free.
        done, late = await asyncio.wait(pending, timeout=max(0.0, deadline - asyncio.get_running_loop().time()))
        for future in done:
            future.result()
        if late:
            raise TimeoutError

    def _release(self, pending: list[asyncio.Future[object]], size: int) -> None:
        """Free the room of a call, as soon as the client holds none of its messages any more."""
        late = [future for future in pending if not future.done()]
        for future in pending:
            if future.done() and not future.cancelled():
                future.exception()  # looked at, or asyncio complains that nobody did
        if late:
            self._spawn(self._release_late(late, size))
        else:
            self._held -= size

    async def _release_late(self, late: list[asyncio.Future[object]], size: int) -> None:
        await asyncio.gather(*late, return_exceptions=True)
        self._held -= size

    async def _connect(self) -> None:
        told = ""
        while True:
            producer = async_producer(
                self._settings,
                enable_idempotence=self._idempotent,
                linger_ms=3,
                max_batch_size=256 * 1024,
                request_timeout_ms=int(self._timeout * 1000),
            )
            try:
                await admit(self._settings)
                await producer.start()
            except (Misconfigured, KafkaError, OSError) as error:
                await producer.stop()
                if str(error) != told:
                    told = str(error)
                    log.warning("%s; trying on", error)
                await asyncio.sleep(_REFUSED if isinstance(error, Refused) else 0.5)
            except asyncio.CancelledError:
                await producer.stop()
                raise
            else:
                log.info("connected to Kafka at %s by %s", self._settings.kafka, describe_security(self._settings))
                self._producer, self._down = producer, False
                return

    def _replace(self, producer: AIOKafkaProducer, error: KafkaError) -> None:
        """Start over with a new client: this one may be dead, or know only brokers that are gone."""
        self._down = True
        if self._producer is producer:
            log.warning("Kafka refuses the events, connecting anew: %r", error)
            self._producer = None
            self._spawn(_close(producer))
            self._spawn(self._connect())

    def _spawn(self, job: Coroutine[object, object, None]) -> None:
        task = asyncio.get_running_loop().create_task(job)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


async def _close(producer: AIOKafkaProducer) -> None:
    try:
        async with asyncio.timeout(5.0):
            await producer.stop()
    except TimeoutError:
        await producer.client.close()
