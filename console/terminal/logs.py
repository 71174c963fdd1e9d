"""The log of every process on standard error: one line a record, no personal data, nothing forged, repeats folded."""

from __future__ import annotations

import asyncio
import logging
import sys
import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING

from console.terminal.folding import OURS, Folding
from streams.scrub import Scrubbing

if TYPE_CHECKING:  # a command without a log of a role needs neither Kafka nor settings
    from streams.settings import Settings

__all__ = ["log_of_command", "log_to_stderr"]

log = logging.getLogger(__name__)

_LINE = "%(asctime)s %(levelname)-7s %(name)s: %(message)s"


class _Handler(logging.StreamHandler):  # type: ignore[type-arg]  # of text
    """Writes what is news; from a thread of its own what is due while nobody says anything.

    Args:
        layout: of a line.
        answers: whether a server does, by its name.
    """

    def __init__(self, layout: str, answers: Callable[[str], bool]) -> None:
        super().__init__(sys.stderr)
        self.setFormatter(Scrubbing(layout))
        self._answers = answers
        self._folding = Folding()
        self.addFilter(self._folding)
        self._trouble = threading.Event()
        threading.Thread(target=self._follow, name="log", daemon=True).start()

    def emit(self, record: logging.LogRecord) -> None:
        """Write it, to what is standard error now."""
        self.stream = sys.stderr
        super().emit(record)

    def handle(self, record: logging.LogRecord) -> bool:
        """Write it, if it is news."""
        written = bool(super().handle(record))
        if record.levelno >= logging.WARNING:
            self._trouble.set()  # now that the filter has noted it: else the thread may look too early, and sleep on
        return written

    def _follow(self) -> None:
        while self._trouble.wait():
            self._trouble.clear()
            while self._folding.waits:
                time.sleep(1.0)
                for record in self._folding.due(self._answers):
                    self.acquire()
                    try:
                        self.emit(record)
                    finally:
                        self.release()


def log_to_stderr(settings: Settings) -> None:
    """Set up logging of a role: our own packages from `log_level` on, libraries from `warning` on.

    What ends the process or a thread of it unexpectedly is logged, too.
    """

    def raised(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        log.critical("ended by a mistake", exc_info=(kind, error, trace))

    def raised_in_thread(args: threading.ExceptHookArgs) -> None:
        if args.exc_value is not None:
            raised(args.exc_type, args.exc_value, args.exc_traceback)

    handler = _Handler(_LINE, lambda server: _answers(server, settings))
    if _set_up(handler, settings.log_level.upper()):
        sys.excepthook, threading.excepthook = raised, raised_in_thread


def log_of_command() -> None:
    """Set up logging of a command that does its work and ends: what goes wrong on the way."""
    _set_up(_Handler("%(message)s", lambda server: True), "WARNING")


def _set_up(handler: logging.Handler, level: str) -> bool:
    """Put it in the place of an earlier one of ours; answers False if somebody else's is there, whose process it is."""
    root = logging.getLogger()
    for ours in [known for known in root.handlers if isinstance(known, _Handler)]:
        root.removeHandler(ours)
    logging.basicConfig(level="WARNING", handlers=[handler])
    for package in OURS:
        logging.getLogger(package).setLevel(level)
    return handler in root.handlers


def _answers(server: str, settings: Settings) -> bool:
    """Whether it does; whatever keeps us from asking, as when no file can be opened, must not end the log's thread."""
    from streams.kafka.admission import Refused  # noqa: PLC0415  (only now that a server was away)

    try:
        with asyncio.Runner() as runner:
            runner.run(_ask(server, settings))
    except Refused:
        return True
    except Exception:
        return False
    return True


async def _ask(server: str, settings: Settings) -> None:
    from streams.kafka.admission import admit  # noqa: PLC0415  (same)

    if server == "Kafka":
        await admit(settings)
    else:
        await _ask_redis(settings.redis.get_secret_value())


async def _ask_redis(url: str) -> None:
    from profiles.stores.connection import connect  # noqa: PLC0415  (not every role has it)
    from profiles.stores.trouble import answering  # noqa: PLC0415  (same)

    with answering():
        client = connect(url, retrying=False)
        try:
            await client.ping()
        finally:
            await client.aclose()
