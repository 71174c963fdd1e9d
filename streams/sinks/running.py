"""One sink, by its owner: what concerns it is read, held and sent; each step is in Kafka before the next one is made.

Three tasks share the ledger. What they decide is taken in there and handed to Kafka in one go, so no other task
decides on a state that is no more; an answer is taken in only when Kafka has it, so that a customer's next message
cannot overtake one of which nobody knows what became of it.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TypeVar

import msgspec
from aiokafka.structs import ConsumerRecord, TopicPartition

from plan import Plan
from profiles.errors import Misconfigured, RapportError
from profiles.store import Reader
from profiles.stores import AWAY
from profiles.types import Profile
from streams.clock import Clock
from streams.kafka.reader import Cursor, Log, OutOfRange
from streams.kafka.topics import TOLD, topic_name
from streams.records.deliveries import Attempt, Condition, Delivery, Entry, Letter, Position, Reconciled, Waiting
from streams.settings import Settings
from streams.sinks.crew import Crew
from streams.sinks.deciding.hearing import FRESH, Heard, hear
from streams.sinks.deciding.holding import Holding, Taken
from streams.sinks.deciding.ledger import ENTERED, EXITED, Ledger
from streams.sinks.deciding.patience import GIVES_UP, Breaker, Pacer, wait_after
from streams.sinks.deciding.rendering import NO_LEVERS, Levers, Renderer
from streams.sinks.deciding.routing import Routing
from streams.sinks.environment import Outlet
from streams.sinks.gauges import DeliveryMetrics
from streams.sinks.http import Caller, NoAnswer, Refused, masked
from streams.sinks.kinds.kind import Told, Verdict
from streams.sinks.messages import Lever, SegmentMessage
from streams.sinks.reconciling import RECONCILED, Comparison, due_in, tells_everybody
from streams.sinks.whole import Whole, is_taken_for_whole
from streams.sinks.writing import DeliveryWriter

__all__ = ["Advise", "SinkRunner"]

log = logging.getLogger(__name__)

T = TypeVar("T")

Advise = Callable[[Profile], Awaitable[Sequence[Lever] | None]]
"""What would lower a customer's risk; None where there is nothing to lower."""

_PASSING: tuple[type[Exception], ...] = (RapportError, *AWAY)

_AT_ONCE = 500  # records that are taken in before the next
_PAUSE = 1.0  # seconds until what is away is asked again
_POSITION = 86_400.0  # seconds after which a position that has not moved is written again, as Kafka forgets
_LONGEST = 30.0  # seconds between two looks at the clock
_AHEAD = 4  # attempts for each request under way: the others are being written down
_BACKLOG = 2000  # messages that are to be sent, above which no more members are looked at
_CARRIED = 14 * 86_400.0  # seconds after which what was told of a member is written again, as Kafka forgets
_RETRY = 60.0  # seconds until what could not be compared is tried again
_KEPT = 20  # attempts of a letter that was put back again and again


class SinkRunner:
    """Runs one sink while it is ours.

    Args:
        outlet: the sink.
        plan: with routes and rules.
        ledger: of the sink, read to its end.
        kafka: from which topics are read.
        reader: of profiles.
        writer: of deliveries.
        settings: names of topics, address of the console.
        clock: by which things are due.
        metrics: what is counted.
        caller: calls the sink.
        whole: says whether the store is whole.
        advise: says what would lower a customer's risk; None where nobody does.
    """

    def __init__(
        self,
        outlet: Outlet,
        plan: Plan,
        ledger: Ledger,
        kafka: Log,
        reader: Reader,
        writer: DeliveryWriter,
        settings: Settings,
        clock: Clock,
        metrics: DeliveryMetrics,
        caller: Caller,
        whole: Whole = is_taken_for_whole,
        advise: Advise | None = None,
    ) -> None:
        self._name = outlet.name
        self._kind = outlet.kind
        self._spec = outlet.spec
        self._phrase = outlet.phrase
        self._plan = plan
        self.ledger = ledger
        self._kafka = kafka
        self._reader = reader
        self._writer = writer
        self._clock = clock
        self._metrics = metrics
        self.caller = caller
        self._whole = whole
        self._advise = advise
        self._topics = {topic_name(settings, base): base for base in TOLD}
        self._routing = Routing(outlet.name, outlet.spec, plan)
        self._holding = Holding(outlet.name, outlet.spec, plan.file.routes)
        self._thin = getattr(outlet.spec, "payload", "full") == "thin"
        self._renderer = Renderer(plan, settings.public_url or "", thin=self._thin)
        self._breaker = Breaker(ledger.condition.failing)
        self._pacer = Pacer(outlet.kind.PACE)
        at_once = outlet.kind.PACE.at_once
        self._calls = asyncio.Semaphore(at_once)
        self._most = at_once if at_once == 1 else _AHEAD * at_once  # attempts, those included that wait for Kafka
        self._crew: Crew | None = None
        self._woken = asyncio.Event()
        self._look = asyncio.Event()  # whether there is anything to compare

    async def run(self) -> None:
        """Work until cancelled.

        Raises:
            Misconfigured: Kafka refuses what is to be written.
        """
        self.ledger.recover()
        async with Crew() as crew:
            self._crew = crew
            crew.create_task(self._read())
            crew.create_task(self._send(crew))
            if self._spec.keeps_audiences:
                crew.create_task(self._keep_true())
            await crew.failed()

    def hear(self, record: Delivery) -> None:
        """Take in what somebody else has written: of this sink, or that another one is told nothing any more."""
        now = self._clock.now()
        if record.sink == self._name:
            self.ledger.apply(record)
            if not self.ledger.condition.failing and not self.ledger.condition.disabled:
                self._breaker = Breaker()
        elif isinstance(record, Condition) and record.disabled and self._spec.wants("sink.disabled"):
            told = {"text": f"sink {record.sink} is told nothing any more: {record.disabled}"}
            id_ = f"sink.disabled:{record.sink}:{record.at!r}"
            entry = Entry(id_, "sink.disabled", record.at, about=record.sink, told=told)
            self._decide(self._holding.take(self.ledger, Taken(entry, past=now - record.at > FRESH), now))
        self.wake()

    def wake(self) -> None:
        """Look at the clock and at what was written."""
        self._woken.set()
        self._look.set()

    # Reading

    async def _read(self) -> None:
        said = ""
        while True:
            try:
                await self._follow()
            except _PASSING as error:
                if str(error) != said:
                    said = str(error)
                    log.warning("%s waits: %s", self._name, error)
                await asyncio.sleep(_PAUSE)

    async def _follow(self) -> None:
        places = {
            TopicPartition(extent.topic, extent.partition): extent.end
            for topic in self._topics
            for extent in await self._kafka.extents(topic)
        }
        starts = {
            tp: self.ledger.offsets.get(self._topics[tp.topic], {}).get(tp.partition, end) for tp, end in places.items()
        }
        await self._decided([self._position(starts)])  # nothing of before it was first looked at
        self._look.set()
        async with self._kafka.open(starts) as cursor:
            while True:
                try:
                    batches = await cursor.fetch()
                except OutOfRange:
                    await self._pass_gap(cursor, starts)
                    continue
                records = [record for batch in batches for record in batch.records]
                for start in range(0, len(records), _AT_ONCE):
                    await self._take_in(records[start : start + _AT_ONCE], starts)
                starts.update({TopicPartition(batch.topic, batch.partition): batch.position for batch in batches})
                if (batches and not records) or self._clock.now() - self.ledger.positioned > _POSITION:
                    await self._decided([self._position(starts)])

    async def _pass_gap(self, cursor: Cursor, places: dict[TopicPartition, int]) -> None:
        """Go on where Kafka has records again: what it has deleted is of the past by far."""
        for tp, bounds in (await cursor.bounds()).items():
            if not bounds.first <= places[tp] <= bounds.end:
                log.warning("%s goes on at offset %d of %s-%d, not %d", self._name, bounds.first, *tp, places[tp])
                places[tp] = bounds.first
                cursor.seek(tp, bounds.first)

    async def _take_in(self, records: Sequence[ConsumerRecord], places: dict[TopicPartition, int]) -> None:
        """Take in some records: what comes of them, and how far they were read, in one go."""
        heard = [found for record in records if (found := self._heard(record)) is not None]
        asked = [one.profile for one in heard if one.profile and one.type.startswith(("alert.opened", "segment."))]
        profiles = await self._known(asked)
        if gone := sum(one.type == "alert.opened" and one.profile not in profiles for one in heard):
            log.warning("%s is not told of %d alerts, whose customers are not in the store", self._name, gone)
        now = self._clock.now()
        decided: list[Delivery] = []
        for one in heard:
            inside = self.ledger.believes(one.about, one.profile)
            for taken in self._routing.entries(one, profiles.get(one.profile), now, inside=inside):
                decided += self._apply(self._holding.take(self.ledger, taken, now))
                decided += self._apply(self._holding.due(self.ledger, now))
        for record in records:
            places[TopicPartition(record.topic, record.partition)] = record.offset + 1
        waiting = self.ledger.waiting  # what was told at once did not have to wait
        kept = [one for one in decided if not isinstance(one, Waiting) or one.entry.id in waiting]
        await self._decided([*kept, self._position(places)], applied=len(kept))

    def _heard(self, record: ConsumerRecord) -> Heard | None:
        try:
            found = hear(self._topics[record.topic], record.key, record.value)
        except ValueError as error:
            log.warning("%s-%d offset %d is left out: %s", record.topic, record.partition, record.offset, error)
            return None
        return found if found is not None and self._routing.takes(found) else None

    async def _profiles(self, ids: Sequence[str]) -> dict[str, Profile]:
        wanted = list(dict.fromkeys(ids))
        return await self._patiently(lambda: self._reader.profiles(wanted)) if wanted else {}

    async def _known(self, ids: Sequence[str]) -> dict[str, Profile]:
        """The customers that there are. Whoever is missing is gone only if the store is whole, which is waited for."""
        found = await self._profiles(ids)
        said = False
        while any(id_ not in found for id_ in ids):
            try:
                await self._whole()
            except Misconfigured as error:
                if not said:
                    log.warning("%s waits for customers: %s", self._name, error)
                said = True
                await asyncio.sleep(_PAUSE)
                continue
            return await self._profiles(ids)
        return found

    async def _patiently(self, ask: Callable[[], Awaitable[T]]) -> T:
        """The answer of a store that may be away for a while."""
        said = False
        while True:
            try:
                return await ask()
            except AWAY as error:
                if not said:
                    log.warning("%s waits for Redis: %s", self._name, error)
                said = True
                await asyncio.sleep(_PAUSE)

    def _position(self, places: dict[TopicPartition, int]) -> Position:
        offsets: dict[str, dict[int, int]] = {base: {} for base in TOLD}
        for tp, offset in places.items():
            offsets[self._topics[tp.topic]][tp.partition] = offset
        now = self._clock.now()
        return Position(self._name, offsets, now, self.ledger.began or now)

    # Deciding

    def _apply(self, records: list[Delivery]) -> list[Delivery]:
        for record in records:
            self.ledger.apply(record)
        return records

    def _decide(self, records: list[Delivery]) -> None:
        """Take records in and hand them to Kafka, without waiting for it."""
        if records:
            assert self._crew is not None, "runs"
            self._apply(records)
            self._crew.create_task(self._writer.write(records))

    async def _decided(self, records: list[Delivery], applied: int = 0) -> None:
        """Take records in, but for so many that are, and wait until Kafka has them."""
        self._apply(records[applied:])
        self._woken.set()
        await self._writer.write(records)

    # Sending

    async def _send(self, crew: Crew) -> None:
        busy: set[asyncio.Task[None]] = set()

        def done(task: asyncio.Task[None]) -> None:
            busy.discard(task)
            self._woken.set()

        while True:
            self._woken.clear()
            now = self._clock.now()
            self._decide(self._holding.due(self.ledger, now))
            if self.ledger.condition.disabled:
                await self._bury()
            wait = 0.0
            while len(busy) < self._most:
                wait = max(self._breaker.wait(now, len(busy)), self._pacer.wait(now))
                if wait or (letter := self.ledger.take_ready(now)) is None:
                    break
                self._pacer.start(now)
                task = crew.create_task(self._attempt(letter))
                busy.add(task)
                task.add_done_callback(done)
            self._measure(now)
            until = self.ledger.next_time()
            pause = _LONGEST if until is None else max(until - self._clock.now(), wait, 0.0)
            if len(busy) >= self._most:
                pause = _LONGEST  # who is done wakes us
            await _until(self._woken, pause)

    async def _attempt(self, letter: Letter) -> None:
        """Make one attempt, written down before and after."""
        now = self._clock.now()
        attempts = [*letter.attempts[-_KEPT:], Attempt(now)]
        trying = msgspec.structs.replace(letter, state="trying", tries=letter.tries + 1, attempts=attempts)
        self.ledger.apply(trying)
        profiles = await self._known([entry.profile for entry in letter.entries if entry.profile])
        await self._writer.write([trying])
        bodies = self._renderer.render(letter, profiles, now, await self._levers(letter, profiles))
        if not bodies:
            await self._conclude(trying, "dropped", "nobody is left who may be told of")
            return
        if isinstance(move := bodies[0], SegmentMessage):
            trying = msgspec.structs.replace(trying, names=self._kind.names(self._spec, move.data.customer.ids))
        began = asyncio.get_running_loop().time()
        told = Told(
            letter.id, bodies, self._clock.now(), letter.more if letter.mode != "digest" else 0, letter.more_value,
            self._plan.currency, self._spec.language, self._renderer.list_url, self._phrase,
        )  # fmt: skip
        verdict = await self._try(told)
        took = asyncio.get_running_loop().time() - began
        attempt = Attempt(
            now, round(took, 3), verdict.status, masked(verdict.answer, self._kind.hidden),
            verdict.outcome == "delivered",
        )  # fmt: skip
        self._metrics.attempts.labels(self._name, verdict.outcome).inc()
        await self._judge(msgspec.structs.replace(trying, attempts=[*attempts[:-1], attempt]), verdict)

    async def _levers(self, letter: Letter, profiles: Mapping[str, Profile]) -> Levers:
        """What would lower the risk of those whom a letter is about; a message goes out without it, too."""
        of = {entry.profile for entry in letter.entries if entry.type.startswith("alert.")}
        if self._advise is None or self._thin or letter.mode != "single":
            return NO_LEVERS
        found = {}
        for id_ in of & profiles.keys():
            try:
                levers = await self._advise(profiles[id_])
            except Exception as error:
                log.warning("%s: what would lower a risk is not known: %s: %s", self._name, type(error).__name__, error)
                continue
            if levers is not None:
                found[profiles[id_].id] = levers
        return found

    async def _try(self, told: Told) -> Verdict:
        try:
            async with self._calls:
                return await self._kind.send(told, self.caller)
        except (NoAnswer, Refused) as error:
            return Verdict("again", answer=str(error))
        except Exception as error:  # whatever is wrong with one message must not hold up the others
            log.exception("%s: message %s cannot be put into its words", self._name, told.id)
            return Verdict("refused", answer=f"{type(error).__name__}: {error}")

    async def _judge(self, letter: Letter, verdict: Verdict) -> None:
        """What follows from an attempt, for the letter and for the sink."""
        now = self._clock.now()
        if verdict.outcome == "delivered":
            await self._works(now)
            if letter.mode == "single" and letter.entries[0].told.get("reason") != RECONCILED:
                self._metrics.seconds.labels(self._name).observe(max(now - letter.entries[0].at, 0.0))
            await self._conclude(letter, "delivered")
        elif verdict.outcome == "disabled":
            if self.ledger.condition.disabled:
                await self._conclude(letter, "dead", "the sink asked to be told nothing any more")
                return
            why = f"it answered {verdict.status}: {masked(verdict.answer, self._kind.hidden)}"
            log.error("sink %s is told nothing any more: %s", self._name, why)
            await self._decided([Condition(self._name, now, why, self._breaker.failing)])
            await self._conclude(letter, "dead", "the sink asked to be told nothing any more")
        elif verdict.outcome == "refused":
            await self._conclude(letter, "dead", "the sink refuses it")
        else:
            await self._fails(now)
            if verdict.throttled:
                self._breaker.pause(now + (verdict.after or 1.0))
            wait = wait_after(letter.id, letter.tries)
            if wait is None:
                await self._conclude(letter, "dead", f"{letter.tries} attempts failed")
                return
            again = msgspec.structs.replace(letter, state="again", next=now + max(wait, verdict.after or 0.0))
            await self._writer.write([again])
            self.ledger.apply(again)

    async def _works(self, now: float) -> None:
        self._breaker.succeeded()
        if self.ledger.condition.failing:
            log.info("sink %s works again", self._name)
            await self._decided([Condition(self._name, now, self.ledger.condition.disabled)])

    async def _fails(self, now: float) -> None:
        self._breaker.failed(now)
        held = self.ledger.condition
        if not self._breaker.is_open or held.disabled:
            return
        why = ""
        if now - self._breaker.failing >= GIVES_UP:
            why = "every attempt of three days has failed"
            log.error("sink %s is told nothing any more: %s", self._name, why)
        elif not held.failing:
            log.warning("sink %s fails: it is tried once a minute", self._name)
        else:
            return
        await self._decided([Condition(self._name, now, why, self._breaker.failing)])

    async def _conclude(self, letter: Letter, state: str, reason: str = "") -> None:
        done = msgspec.structs.replace(letter, state=state, reason=reason, next=0.0)
        if state == "dead":
            log.warning("%s is not told %s: %s", self._name, letter.id, reason)
        await self._writer.write([done], dead=state == "dead")
        self.ledger.apply(done)
        self._metrics.letters.labels(self._name, state).inc()

    async def _bury(self) -> None:
        """Nothing is sent to a sink that is told nothing any more; it can be put back."""
        why = f"the sink is told nothing any more: {self.ledger.condition.disabled}"
        held = [letter for letter in self.ledger.letters.values() if letter.state != "trying"]
        dead = [msgspec.structs.replace(letter, state="dead", reason=why, next=0.0) for letter in held]
        if dead:
            self._apply([*dead])
            self._metrics.letters.labels(self._name, "dead").inc(len(dead))
            await self._writer.write(dead, dead=True)

    # Comparing

    async def _keep_true(self) -> None:
        """Compare what was told of segments with the store, once a day and when somebody asks for it."""
        while True:
            self._look.clear()
            wait = _LONGEST
            if self.ledger.positioned and not self.ledger.condition.disabled:
                wait = due_in(self.ledger, self._spec, self._clock.now())
            if wait <= 0:
                wait = 0.0
                try:
                    await self._compare()
                except _PASSING as error:
                    log.warning("%s: its audiences are not compared yet: %s", self._name, error)
                    self._look.clear()
                    await _until(self._look, _RETRY, longest=_RETRY)
            await _until(self._look, wait)

    async def _compare(self) -> None:
        """One comparison: each page of what differs is written before the next is looked at."""
        began, request = self._clock.now(), self.ledger.asked
        everybody = tells_everybody(self._spec) or (request is not None and request.everybody)
        comparison = Comparison(
            self.ledger, self._spec, type(self._kind), self._plan, self._reader, self._whole, everybody=everybody
        )
        members = unnamed = 0
        moves: Counter[str] = Counter()
        async for page in comparison.pages(began):
            members += page.members
            unnamed += page.unnamed
            decided: list[Delivery] = []
            for entry in page.moves:
                decided += self._apply(self._move(entry))
                decided += self._apply(self._holding.due(self.ledger, self._clock.now()))
            moves.update(entry.type for entry in page.moves)
            if decided:
                await self._decided(decided, applied=len(decided))
            while len(self.ledger.letters) + len(self.ledger.waiting) > _BACKLOG:  # noqa: ASYNC110  (of many at once)
                await asyncio.sleep(_PAUSE)
        now = self._clock.now()
        old = [one for one in self.ledger.members.values() if one.inside and now - one.written > _CARRIED]
        for start in range(0, len(old), _AT_ONCE):
            again = [msgspec.structs.replace(one, written=now) for one in old[start : start + _AT_ONCE]]
            await self._decided([*again])
        done = Reconciled(
            self._name, began, now, members, moves[ENTERED], moves[EXITED], unnamed, everybody,
            request.id if request is not None else "",
        )  # fmt: skip
        await self._decided([done])
        if moves:
            log.info("%s: %d entered and %d left by a comparison with the store", self._name, done.entered, done.exited)
        for change, count in (("entered", done.entered), ("exited", done.exited)):
            self._metrics.reconciled.labels(self._name, change).inc(count)

    def _move(self, entry: Entry) -> list[Delivery]:
        """How a move that was found is told: under its id again, if it was told so before and given up."""
        now, before = self._clock.now(), self.ledger.put_back(entry.id)
        if before is None:
            return self._holding.take(self.ledger, Taken(entry), now)
        number = self.ledger.number + 1
        return [
            Letter(self._name, entry.id, "single", [entry], now, number, next=now, replayed=before + 1, group="single")
        ]

    def _measure(self, now: float) -> None:
        metrics, ledger = self._metrics, self.ledger
        metrics.pending.labels(self._name).set(len(ledger.letters))
        metrics.waiting.labels(self._name).set(len(ledger.waiting))
        metrics.failing.labels(self._name).set(now - self._breaker.failing if self._breaker.failing else 0.0)
        metrics.disabled.labels(self._name).set(bool(ledger.condition.disabled))
        if ledger.reconciled is not None:
            metrics.members.labels(self._name).set(ledger.reconciled.members)
            metrics.compared.labels(self._name).set(ledger.reconciled.ended)


async def _until(event: asyncio.Event, seconds: float, longest: float = _LONGEST) -> None:
    """Wait for an event, for so long at most."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(min(seconds, longest)):
            await event.wait()
