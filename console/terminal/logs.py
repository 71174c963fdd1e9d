"""The log of every role: one line a record on standard error, without personal data and without endless repeats."""

from __future__ import annotations

import logging
import re
import sys
import time
from collections.abc import Callable

from streams.scrub import Scrubbing

__all__ = ["EVERY", "Repeats", "log_to_stderr"]

EVERY = 30.0
"""Seconds in which a library says the same thing once."""

_MOST = 1000  # sayings remembered
_NUMBER = re.compile(r"\d+")
_RETRYING = ("streams.retry",)  # tells of every try, too
_OURS = ("console", "streams", "analysis", "plan", "models", "profiles")


class Repeats(logging.Filter):
    """Lets through what is said for the first time, and the same again at most every 30 seconds.

    A client of a server that is away says so with every try, many times a second. The same is what a logger says in the
    same words: numbers of connections and requests differ with every try. What aiokafka calls an error is a warning
    here: it tries again by itself, and raises what it cannot mend.

    Args:
        clock: monotonic seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._clock = clock
        self._said: dict[tuple[str, str], float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether to write the record."""
        package = record.name.partition(".")[0]
        if package in _OURS and record.name not in _RETRYING:
            return True
        if package == "aiokafka" and record.levelno == logging.ERROR and not record.exc_info:
            record.levelno, record.levelname = logging.WARNING, "WARNING"
        now, words = self._clock(), _NUMBER.sub("", record.getMessage())
        if now - self._said.get((record.name, words), -EVERY) < EVERY:
            return False
        if len(self._said) >= _MOST:
            self._said.clear()
        self._said[record.name, words] = now
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
