"""The log of every role: one line a record on standard error, without personal data and without endless repeats."""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Callable

from streams.scrub import Scrubbing

__all__ = ["EVERY", "Repeats", "log_to_stderr"]

EVERY = 30.0
"""Seconds in which a library says the same thing once."""

_WORDS = 8  # characters of a format that says nothing, such as "%s: %s"
_OURS = ("console", "streams", "analysis", "plan", "models", "profiles")


class Repeats(logging.Filter):
    """Lets through what a library says for the first time, and the same again at most every 30 seconds.

    A client of a server that is away says so with every try, many times a second. The same is what has the same
    format: in what a client says of a server, numbers of connections and requests differ.

    Args:
        clock: monotonic seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._clock = clock
        self._said: dict[tuple[str, int, str], float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether to write the record."""
        if record.name.partition(".")[0] in _OURS:
            return True
        form = str(record.msg)
        what = record.name.partition(".")[0], record.levelno, form if len(form) > _WORDS else record.getMessage()
        now = self._clock()
        if now - self._said.get(what, -EVERY) < EVERY:
            return False
        self._said[what] = now
        return True


def log_to_stderr(level: str) -> None:
    """Set up logging of this process.

    Args:
        level: from which level our own packages are logged; libraries from `warning` on.
    """
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(Scrubbing("%(asctime)s %(levelname)-7s %(name)s: %(message)s"))
    handler.addFilter(Repeats())
    logging.basicConfig(level="WARNING", handlers=[handler])
    for package in _OURS:
        logging.getLogger(package).setLevel(level.upper())
