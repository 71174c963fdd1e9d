"""What is done to an installation while events flow: seeded, in any order, each deed written down with its time."""

from __future__ import annotations

import random
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from console.local.resp import ask_redis
from tests.integration.faults.fleet import Fleet
from tests.integration.faults.watch import Watch

__all__ = ["EVERYTHING", "Chaos", "Deed", "KillableRedis", "KillableServer", "Losses", "newest_file"]

_SIZES = (3, 2, 1)  # workers, one after the other
_STARTS_WITHIN = 90.0  # seconds that a server has to come back


class KillableServer(Protocol):
    """A server of our own."""

    def start(self) -> None: ...
    def ready(self, timeout: float) -> None: ...
    def kill(self) -> None: ...
    def pause(self) -> None: ...
    def resume(self) -> None: ...


class KillableRedis(KillableServer, Protocol):
    """One whose append-only file can be reached."""

    url: str
    directory: Path


@dataclass(slots=True)
class Deed:
    """One thing that was done."""

    at: float  # seconds since the beginning
    kind: str
    what: str
    recovered: float | None = None  # seconds after it until events were applied again; None if none were waiting


@dataclass(slots=True)
class Losses:
    """What Redis had lost when it came back, by what was done to it and how its append-only file is written."""

    times: Counter[str] = field(default_factory=Counter)
    records: Counter[str] = field(default_factory=Counter)  # applied before and no longer, all together
    most: Counter[str] = field(default_factory=Counter)  # in one go
    seconds: defaultdict[str, float] = field(default_factory=lambda: defaultdict(float))  # longest that was cut off


class Chaos:
    """Does things to an installation.

    Args:
        fleet: the processes.
        kafka: the broker, on a disk that a restart finds again.
        redis: with an append-only file.
        watch: sees how far all is.
        seed: of what is chosen and of every delay.
        say: told of each deed.
    """

    def __init__(
        self,
        fleet: Fleet,
        kafka: KillableServer,
        redis: KillableRedis,
        watch: Watch,
        seed: int,
        say: Callable[[str], None] = lambda _: None,
    ) -> None:
        self.deeds: list[Deed] = []
        self.losses = Losses()
        self.fsync = "everysec"
        self._fleet = fleet
        self._kafka = kafka
        self._redis = redis
        self._watch = watch
        self._chance = random.Random(seed)
        self._say = say
        self._began = time.monotonic()
        self._sizes = iter(())
        self._bag: list[str] = []
        self._file = _Growth(redis.directory)

    def close(self) -> None:
        """Stop looking at Redis's file."""
        self._file.close()

    def next_of(self, kinds: Sequence[str]) -> str:
        """One kind at random; each comes up before any comes up again."""
        self._bag = [kind for kind in self._bag if kind in kinds]
        if not self._bag:
            self._bag = self._chance.sample(kinds, len(kinds))
        return self._bag.pop()

    def do(self, kind: str) -> Deed:
        """Do it; returns when it is done, not when Rapport has recovered."""
        begun = time.monotonic() - self._began
        deed = Deed(begun, kind, EVERYTHING[kind](self))
        self.deeds.append(deed)
        self._say(f"{begun:7.1f} s  {kind}: {deed.what}")
        return deed

    def write_append_only_file(self, fsync: str) -> None:
        """Say how Redis is to write its append-only file from now on: everysec or always."""
        self.fsync = fsync
        self._configure()

    def _kill_worker(self) -> str:
        worker = self._chance.choice(self._fleet.workers)
        self._fleet.kill(worker)
        return f"SIGKILL for {worker.name}, replaced"

    def _kill_all_workers(self) -> str:
        workers = list(self._fleet.workers)
        for worker in workers:
            self._fleet.kill(worker)
        return f"SIGKILL for all {len(workers)} workers, replaced"

    def _restart_worker(self) -> str:
        worker = self._chance.choice(self._fleet.workers)
        self._fleet.workers.remove(worker)
        self._fleet.scale(len(self._fleet.workers) + 1)
        worker.stop(20)
        return f"SIGTERM for {worker.name}, replaced; {worker.ending()}"

    def _freeze_worker(self) -> str:
        """The zombie: paused past its session, it wakes up when others have its partitions."""
        if len(self._fleet.workers) < 2:
            self._fleet.scale(2)
            time.sleep(5)
        worker = self._chance.choice(self._fleet.workers)
        frozen = self._fleet.settings.session_timeout + self._chance.uniform(1, 4)
        worker.pause()
        time.sleep(frozen)
        worker.resume()
        return f"{worker.name} frozen for {frozen:.1f} s"

    def _rebalance(self) -> str:
        size = next(self._sizes, 0)
        if not size:
            self._sizes = iter(_SIZES)
            size = next(self._sizes)
        before = len(self._fleet.workers)
        self._fleet.scale(size)
        return f"from {before} workers to {size}"

    def _kill_collector(self) -> str:
        return self._kill_process(self._fleet.collector)

    def _kill_archive(self) -> str:
        assert self._fleet.archive is not None
        return self._kill_process(self._fleet.archive)

    def _kill_process(self, process: Any) -> str:
        process.kill()
        away = self._chance.uniform(0, 2)
        time.sleep(away)
        process.start()
        return f"SIGKILL, started again after {away:.1f} s"

    def _kill_redis(self) -> str:
        return self._away(self._redis, f"killed, {self.fsync}", lambda: "")

    def _tear_redis(self) -> str:
        """As if the machine had crashed: what the operating system had not yet put on the disk is gone."""
        age = self._chance.uniform(0.2, 2.0)

        def tear() -> str:
            cut = self._file.cut(age)
            kind = f"torn, {self.fsync}"
            self.losses.seconds[kind] = max(self.losses.seconds[kind], age)
            return f", the last {age:.1f} s ({cut:,} bytes) of its file cut off"

        return self._away(self._redis, f"torn, {self.fsync}", tear)

    def _away(self, redis: KillableRedis, kind: str, meanwhile: Callable[[], str]) -> str:
        before = self._watch.applied()
        redis.kill()
        cut = meanwhile()
        time.sleep(self._chance.uniform(0, 2))
        redis.start()
        redis.ready(_STARTS_WITHIN)
        self._configure()
        # What workers have written again since it came back counts as kept; so this is the least that was lost.
        after = self._watch.applied()
        lost = sum(max(count - after[unit], 0) for unit, count in before.items())
        self.losses.times[kind] += 1
        self.losses.records[kind] += lost
        self.losses.most[kind] = max(self.losses.most[kind], lost)
        return f"SIGKILL ({self.fsync}){cut}, started again: {lost:,} applied records gone"

    def _pause_redis(self) -> str:
        return self._pause(self._redis)

    def _pause_kafka(self) -> str:
        return self._pause(self._kafka)

    def _pause(self, server: KillableServer) -> str:
        seconds = self._chance.uniform(1, 6)
        server.pause()
        time.sleep(seconds)
        server.resume()
        return f"stood still for {seconds:.1f} s"

    def _kill_kafka(self) -> str:
        self._kafka.kill()
        away = self._chance.uniform(0, 3)
        time.sleep(away)
        self._kafka.start()
        self._kafka.ready(_STARTS_WITHIN)
        return f"SIGKILL, started again on the same disk after {away:.1f} s"

    def _configure(self) -> None:
        ask_redis(self._redis.url, ["CONFIG", "SET", "appendfsync", self.fsync], timeout=10)


EVERYTHING: dict[str, Callable[[Chaos], str]] = {
    "kill a worker": Chaos._kill_worker,
    "kill all workers": Chaos._kill_all_workers,
    "restart a worker": Chaos._restart_worker,
    "freeze a worker": Chaos._freeze_worker,
    "rebalance": Chaos._rebalance,
    "kill the collector": Chaos._kill_collector,
    "kill the archive": Chaos._kill_archive,
    "kill Redis": Chaos._kill_redis,
    "tear Redis's file": Chaos._tear_redis,
    "pause Redis": Chaos._pause_redis,
    "pause Kafka": Chaos._pause_kafka,
    "kill Kafka": Chaos._kill_kafka,
}
"""What can be done, by name."""


class _Growth:
    """Remembers how long Redis's append-only file was at each moment of the last seconds."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._sizes: list[tuple[float, Path, int]] = []
        self._lock = threading.Lock()
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._closed.set()
        self._thread.join()

    def cut(self, age: float) -> int:
        """Cut off what was written in the last seconds; answer how many bytes that was. Redis must not run."""
        file = newest_file(self._directory)
        if file is None:
            return 0
        now = time.monotonic()
        with self._lock:
            sizes = [size for at, path, size in self._sizes if path == file and at <= now - age]
            self._sizes.clear()
        length = file.stat().st_size
        keep = min(sizes[-1], length) if sizes else 0  # a file that has just been begun continues one that is whole
        with file.open("r+b") as out:
            out.truncate(keep)
        return length - keep

    def _look(self) -> None:
        while not self._closed.wait(0.1):
            file = newest_file(self._directory)
            if file is not None:
                with self._lock:
                    self._sizes.append((time.monotonic(), file, file.stat().st_size))
                    del self._sizes[:-60]


def newest_file(directory: Path) -> Path | None:
    """The file that Redis is appending to: Redis 7 has a folder of them, Redis 6.2 one."""
    try:
        found = [*directory.glob("appendonlydir/*.incr.aof"), *directory.glob("appendonly.aof")]
        return max(found, key=lambda file: file.stat().st_mtime, default=None)
    except FileNotFoundError:  # Redis has just replaced it
        return None
