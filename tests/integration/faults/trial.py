"""One trial: events flow, things are done to the installation, and in the end the oracle judges what it holds."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Protocol

import duckdb

from analysis.archive.reader import events
from console.local.process import Reaper
from profiles.documents import decode_profile
from streams.kafka.topics import ALERTS, CASES, IDENTITY_LINKS, REJECTED, SEGMENT_CHANGES
from streams.settings import Settings
from tests.integration.faults.chaos import Chaos, Deed, KillableRedis, KillableServer, Losses
from tests.integration.faults.fleet import Fleet
from tests.integration.faults.load import Message
from tests.integration.faults.oracle import truth_of
from tests.integration.faults.senders import Senders
from tests.integration.faults.verdict import Found, Verdict, judge
from tests.integration.faults.watch import Watch
from tests.outputs import TOLD_WRONGLY, wrong_outputs

__all__ = ["Outcome", "Trial"]

_MOVES_WITHIN = 240.0  # seconds after anything was done until events must be applied again
_TOLD_WITHIN = 60.0  # seconds after the last event until what others were told is true
_QUIET = 5.0  # seconds without any change that make an end


class _Kafka(KillableServer, Protocol):
    bootstrap: str


@dataclass(slots=True)
class Outcome:
    """What came of a trial."""

    verdict: Verdict
    deeds: list[Deed]
    losses: Losses
    ended: list[str]  # processes that ended by themselves, and were started anew
    late: list[str]  # processes that did not leave when asked at the end
    sent_again: int
    seconds: float


class Trial:
    """An installation with a sender, a tormentor and a judge; use it in a `with`.

    Args:
        settings: of the installation.
        kafka: a broker of our own.
        redis: a Redis of our own.
        directory: for logs.
        reaper: ends all processes when this one is gone.
        seed: of what is done when.
        say: told of what happens.
    """

    def __init__(
        self,
        settings: Settings,
        kafka: _Kafka,
        redis: KillableRedis,
        directory: Path,
        reaper: Reaper,
        seed: int,
        say: Callable[[str], None] = lambda _: None,
    ) -> None:
        self.fleet = Fleet(settings, directory, reaper)
        self.watch = Watch(self.fleet.settings, self.fleet.plan)
        self.chaos = Chaos(self.fleet, kafka, redis, self.watch, seed, say)
        self._senders = Senders(self.fleet.settings, self.fleet.plan, self.fleet.url, seed)
        self._pool = ThreadPoolExecutor(1)
        self._sending: Future[None] | None = None
        self._chance = random.Random(seed + 1)
        self._say = say
        self._began = time.monotonic()

    def __enter__(self) -> Trial:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._senders.close()
        self._pool.shutdown(cancel_futures=True)
        self.chaos.close()
        self.fleet.stop()
        self.watch.close()

    def send(self, messages: Sequence[Message]) -> None:
        """Begin to send, as soon as what was begun before is done."""
        if self._sending is not None:
            self._sending.result(600)
        self._sending = self._pool.submit(self._senders.send, messages)

    def round(self, messages: Sequence[Message], kind: str) -> None:
        """Send, do one thing in the middle of it, and see that Rapport goes on with its work."""
        self.send(messages)
        time.sleep(self._chance.uniform(0.3, 2.0))
        deed = self.chaos.do(kind)
        deed.recovered = self._until_moving(kind)

    def finish(self, timeout: float = 600.0) -> Outcome:
        """Wait until all that was sent has been worked on, stop everything, and judge.

        Raises:
            AssertionError: it does not come to an end.
        """
        self.until_done(timeout)
        self.watch.until_live(timeout)  # what others were told is compared then
        self.until_done(timeout)
        self._until_told()
        late = self.fleet.stop()
        if self.fleet.archive is not None:
            self.fleet.archive_the_rest()
        self._say("comparing with the oracle…")
        found = Found(
            self.watch.documents(), self.watch.mapping(), self.watch.values(REJECTED), self._senders.accepted,
            self.fleet.settings.timeline, self._archived(), self.watch.values(SEGMENT_CHANGES),
            self.watch.values(ALERTS), self.watch.values(CASES),
        )  # fmt: skip
        truth = truth_of(self.fleet.plan, self.watch.sources(), self.watch.values(IDENTITY_LINKS), found.shown)
        seconds = time.monotonic() - self._began
        return Outcome(
            judge(truth, found), self.chaos.deeds, self.chaos.losses, self.fleet.ended, late, self._senders.sent_again,
            seconds,
        )  # fmt: skip

    def _until_told(self) -> None:
        """Wait a while until others know what is: who was brought up to what they were told is looked at by a timer."""
        deadline = time.monotonic() + _TOLD_WITHIN
        while time.monotonic() < deadline:
            profiles = {id_: decode_profile(id_, document) for id_, document in self.watch.documents().items()}
            alive = {id_: profile for id_, profile in profiles.items() if not profile.redirect}
            told = [self.watch.values(topic) for topic in (SEGMENT_CHANGES, ALERTS, CASES)]
            if not any(kind == TOLD_WRONGLY for kind, _ in wrong_outputs(*told, alive)):
                return
            time.sleep(2.0)

    def _archived(self) -> list[tuple[str, str, str]] | None:
        if not self.fleet.settings.archive:
            return None
        with duckdb.connect() as connection:
            events(connection, self.fleet.settings.archive)
            return connection.sql("SELECT home, source, id FROM events").fetchall()

    def _until_moving(self, kind: str) -> float | None:
        begun = time.monotonic()
        first = None
        while time.monotonic() - begun < _MOVES_WITHIN:
            self.fleet.replace_the_ended()
            look = self.watch.look()
            if look is not None and first is not None and look.applied > first.applied:
                return time.monotonic() - begun
            if look is not None and not look.waiting and (self._sending is None or self._sending.done()):
                return None
            first = first or look
            time.sleep(0.2)
        raise AssertionError(f"after '{kind}' nothing moves for {_MOVES_WITHIN:g} s\n{self.fleet.logs()}")

    def until_done(self, timeout: float, quiet: float = _QUIET, slack: int = 0) -> None:
        """Wait until all that was sent has been worked on, and for `quiet` seconds nothing more comes.

        Args:
            timeout: seconds.
            quiet: seconds.
            slack: so many records may wait, and change, all the time: somebody else goes on sending.

        Raises:
            AssertionError: it does not come to an end.
        """
        if self._sending is not None:
            self._sending.result(timeout)
        begun = changed = told = time.monotonic()
        last = None
        while time.monotonic() - changed < quiet:
            self.fleet.replace_the_ended()
            look = self.watch.look()
            now = time.monotonic()
            if look is None or look.waiting > slack or (look != last and not slack):
                changed = now
            last = look
            if now - told > 10 and look is not None:
                told = now
                self._say(f"{look.waiting:,} records are waiting")
            assert now - begun < timeout, f"{last and last.waiting} records are still waiting\n{self.fleet.logs()}"
            time.sleep(0.3)
