"""Repeats in the log, folded: a server that is away is told of when it goes, once a minute, and when it is back.

Every client of a server that is away says so with every try, in words of its own, a thousand times a second together.
All of that is one piece of news. What else a library says again and again is written once a minute, with how often it
was left out. What is said for the first time in a minute is written, and so is every error of ours, and a server that
refuses us, which does not pass by itself.
"""

from __future__ import annotations

import logging
import re
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass

__all__ = ["EVERY", "OURS", "QUIET", "Folding"]

EVERY = 60.0
"""Seconds in which the same is written once."""

QUIET = 5.0
"""Seconds without complaint before a server that answers is called back: one of several brokers may be away."""

OURS = ("console", "streams", "analysis", "plan", "models", "profiles")
"""The packages of Rapport."""

_MOST = 1000  # sayings remembered
_VARIES = re.compile(r"0x[0-9a-f]+|\d+")  # addresses, and numbers of connections, requests and nodes
_RETRYING = (
    "streams.retry",
    "streams.kafka.output",
    "streams.live",
    "streams.kafka.transport.membership",
)  # tell of every try
_SERVERS = {"aiokafka": "Kafka", "kafka": "Kafka", "redis": "Redis"}  # by the package that logs
_RAISED = _SERVERS | {"streams": "Kafka"}  # by the package whose error it is
_AWAY = {
    "OSError", "ConnectionError", "TimeoutError", "Unreachable", "Unavailable", "KafkaConnectionError",
    "KafkaTimeoutError", "NodeNotReadyError", "RequestTimedOutError", "NoBrokersAvailable", "BrokerNotAvailableError",
    "GroupCoordinatorNotAvailableError", "CoordinatorNotAvailableError", "Cancelled",
}  # fmt: skip
"""Errors that say that a server is away."""

_SAID = re.compile(
    r"Unable connect |Unable to (?:request|update) metadata|Heartbeat session expired|Heartbeat send request failed"
    r"|Marking the coordinator dead|Failed fetch|Error sending |Cannot send |Could not send |Connect attempt "
)
"""How aiokafka and kafka-python begin to say so where they pass no error on."""

_REFUSES = re.compile(
    r"Auth(?:entication|orization)(?:Failed|Error)|[Aa]uthentication (?:failed|required)"
    r"|[Nn]ot authorized|IllegalSaslState|UnsupportedSaslMechanism|ExternalAuthProvider|NoPermission"
    r"|NOAUTH|WRONGPASS|NOPERM|username-password|invalid password"
    r"|CertVerification|CERTIFICATE_|certificate (?:verify failed|required)|_ALERT_|WRONG_VERSION_NUMBER"
)
"""In the name or the words of an error: a server is there, and does not let us in."""


@dataclass(slots=True)
class _Outage:
    since: float
    last: float  # complaint
    told: float
    left_out: int = 0


@dataclass(slots=True)
class _Saying:
    logger: str
    level: int
    latest: str  # words; not the record, whose stack trace would keep all that it passed through
    told: float
    left_out: int = 0


class Folding(logging.Filter):
    """Lets through what is news. Safe to call from many threads; its memory is bounded.

    What aiokafka calls an error is a warning here: it tries again by itself, and raises what it cannot mend.

    Args:
        clock: monotonic seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._clock = clock
        self._lock = threading.Lock()
        self._said: OrderedDict[int, _Saying] = OrderedDict()  # by what makes it the same, the oldest first
        self._away: dict[str, _Outage] = {}  # by server

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether to write the record."""
        package = record.name.partition(".")[0]
        if package in OURS and record.levelno >= logging.ERROR:
            return True
        if package == "aiokafka" and record.levelno == logging.ERROR and not record.exc_info:
            record.levelno, record.levelname = logging.WARNING, "WARNING"
        if record.levelno < logging.WARNING:
            return True
        with self._lock:
            if (server := _away(record, package)) is not None:
                return self._complain(server, record)
            return (package in OURS and record.name not in _RETRYING) or self._is_new(record)

    def due(self, answers: Callable[[str], bool]) -> list[logging.LogRecord]:
        """What is to be written now although nobody says anything: to be asked about once a second.

        Args:
            answers: whether a server does.
        """
        now = self._clock()
        with self._lock:
            quiet = [server for server, outage in self._away.items() if now - outage.last >= QUIET]
        back = {server for server in quiet if answers(server)}  # without the lock: it may take seconds
        with self._lock:
            return [*self._outages_due(now, back), *self._sayings_due(now)]

    def _outages_due(self, now: float, back: set[str]) -> Iterator[logging.LogRecord]:
        for server, outage in list(self._away.items()):
            left_out = f"{outage.left_out:,} lines about it were left out"
            if server in back and now - outage.last >= QUIET:
                del self._away[server]
                yield _told("%s is back, after %.0f s; %s", server, now - outage.since, left_out)
            elif now - outage.told >= EVERY:
                outage.told = now
                yield _told("%s, or a node of it, has been away for %.0f s; %s", server, now - outage.since, left_out)

    def _sayings_due(self, now: float) -> Iterator[logging.LogRecord]:
        for key, saying in list(self._said.items()):
            if now - saying.told < EVERY:
                continue
            if saying.left_out:
                yield _again(saying, now)
                saying.told, saying.left_out = now, 0
            else:
                del self._said[key]

    @property
    def waits(self) -> bool:
        """Whether anything will be due."""
        with self._lock:
            return bool(self._away) or any(saying.left_out for saying in self._said.values())

    def _complain(self, server: str, record: logging.LogRecord) -> bool:
        now = self._clock()
        outage = self._away.get(server)
        if outage is None:
            self._away[server] = _Outage(now, now, now)
            said = record.getMessage()
            record.msg, record.args = "%s is away, told once a minute from now on: %s", (server, said)
            return True
        outage.last = now
        outage.left_out += 1
        return False

    def _is_new(self, record: logging.LogRecord) -> bool:
        now = self._clock()
        raised = record.exc_info[0] if record.exc_info else None
        said = record.getMessage()
        key = hash((record.name, record.levelno, raised, _VARIES.sub("", said)))
        saying = self._said.get(key)
        if saying is None or (now - saying.told >= EVERY and not saying.left_out):
            self._said.pop(key, None)
            while len(self._said) >= _MOST:
                self._said.popitem(last=False)
            self._said[key] = _Saying(record.name, record.levelno, said, now)
            return True
        saying.latest = said
        saying.left_out += 1
        return False


def _away(record: logging.LogRecord, package: str) -> str | None:
    """Which server a record says is away; None if it is about something else. One of ours may say so by `away`."""
    if (marked := getattr(record, "away", None)) is not None:
        return str(marked)
    if record.exc_info or _refuses(record):
        return None
    for arg in record.args if isinstance(record.args, tuple) else ():
        if isinstance(arg, BaseException) and not _AWAY.isdisjoint(kind.__name__ for kind in type(arg).__mro__):
            raised = type(arg).__module__.partition(".")[0]
            if (server := _RAISED.get(raised) or _SERVERS.get(package)) is not None:
                return server
    return _SERVERS.get(package) if _SAID.match(str(record.msg)) else None


def _refuses(record: logging.LogRecord) -> bool:
    kinds = [type(arg).__name__ for arg in record.args or () if isinstance(arg, BaseException)]
    return any(map(_REFUSES.search, [*kinds, record.getMessage()]))


def _told(message: str, *values: object) -> logging.LogRecord:
    return logging.LogRecord(__name__, logging.WARNING, "", 0, message, values, None)


def _again(saying: _Saying, now: float) -> logging.LogRecord:
    times = f"{saying.left_out:,} more like it in {now - saying.told:.0f} s"
    return logging.LogRecord(saying.logger, saying.level, "", 0, "%s (%s)", (saying.latest, times), None)
