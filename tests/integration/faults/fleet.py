"""The processes of one installation: workers, collector, archive; as many and as dead as a test wants."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import httpx

from console.local.process import Process, Reaper, free_port
from plan import Plan, load_plan
from streams.kafka.admin import ensure_topics
from streams.settings import Settings
from tests.integration.rapport import REPOSITORY, environment

__all__ = ["Fleet"]


class Fleet:
    """Starts the real commands as child processes.

    Args:
        settings: of the installation; its `port` is the collector's.
        directory: for logs.
        reaper: ends everything when this process is gone.
    """

    def __init__(self, settings: Settings, directory: Path, reaper: Reaper) -> None:
        self.settings = settings if settings.port else settings.model_copy(update={"port": free_port()})
        self.plan: Plan = load_plan(settings.plan)
        self.url = f"http://{self.settings.host}:{self.settings.port}"
        self.workers: list[Process] = []
        self.ended: list[str] = []  # workers that ended by themselves, with the end of their logs
        self._directory = directory
        self._reaper = reaper
        self._number = 0
        ensure_topics(self.settings, self.plan)
        self.collector = self._process("collector", "collect")
        self.archive = self._process("archive", "archive") if self.settings.archive else None

    def start(self, workers: int) -> None:
        """Start everything, and wait until the collector takes events."""
        self.collector.start()
        if self.archive is not None:
            self.archive.start()
        self.scale(workers)
        deadline = time.monotonic() + 120
        while not self._collects():
            assert self.collector.alive, self.collector.tail(30)
            assert time.monotonic() < deadline, self.collector.tail(30)
            time.sleep(0.1)

    def scale(self, workers: int) -> None:
        """Start workers until there are so many, or ask the oldest to leave."""
        while len(self.workers) < workers:
            self._number += 1
            worker = self._process(f"worker-{self._number}", "work", "--no-topics")
            worker.start()
            self.workers.append(worker)
        leaving = self.workers[: len(self.workers) - workers]
        for worker in leaving:
            worker.ask()
        for worker in leaving:
            worker.stop(15)
        self.workers = self.workers[len(leaving) :]

    def kill(self, worker: Process) -> None:
        """SIGKILL, with another in its place at once."""
        worker.kill()
        self.workers.remove(worker)
        self.scale(len(self.workers) + 1)

    def replace_the_ended(self) -> None:
        """Start anew what has ended by itself, as whoever supervises them would, and note it."""
        for worker in [worker for worker in self.workers if not worker.alive]:
            self.ended.append(f"{worker.name} {worker.ending()}\n{worker.tail(30)}")
            self.kill(worker)
        for process in (self.collector, self.archive):
            if process is not None and not process.alive:
                self.ended.append(f"{process.name} {process.ending()}\n{process.tail(30)}")
                process.start()

    def stop(self) -> list[str]:
        """Stop everything; answer who had to be killed because it did not leave when asked."""
        processes = [process for process in (*self.workers, self.collector, self.archive) if process is not None]
        for process in processes:
            process.ask()
        late = [process.name for process in processes if not process.wait(20)]
        for process in processes:
            process.kill()
        self.workers = []
        return late

    def archive_the_rest(self) -> None:
        """Archive what is there now, and end."""
        rest = self._process("archive-rest", "archive", "--once")
        rest.start()
        assert rest.wait(300), rest.tail(30)
        assert rest.returncode == 0, rest.tail(30)

    def logs(self) -> str:
        """The ends of the logs of those that run."""
        running = [*self.workers, self.collector, *([self.archive] if self.archive else [])]
        ends = [f"--- {process.name}\n{process.tail(25)}" for process in running]
        return "\n".join([*(f"--- ended by itself: {one}" for one in self.ended), *ends])

    def _collects(self) -> bool:
        try:
            return httpx.get(f"{self.url}/ready", timeout=2).status_code == 200
        except httpx.TransportError:
            return False

    def _process(self, name: str, *command: str) -> Process:
        return Process(
            name,
            [sys.executable, "-P", "-m", "console", *command],
            self._directory / f"{name}.log",
            env={**os.environ, **environment(self.settings), "PYTHONPATH": str(REPOSITORY)},
            reaper=self._reaper,
        )
