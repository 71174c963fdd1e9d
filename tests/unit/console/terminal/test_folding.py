"""Repeats in the log: one piece of news is one line, and nothing that is new is left out."""

from __future__ import annotations

import logging
import ssl

import pytest
from aiokafka.errors import (
    KafkaConnectionError,
    NodeNotReadyError,
    SaslAuthenticationFailed,
    UnknownTopicOrPartitionError,
)
from redis.exceptions import AuthenticationError
from redis.exceptions import ConnectionError as RedisAway

from console.terminal.folding import EVERY, QUIET, Folding
from streams.kafka.admission import Unreachable


class Log:
    """What gets through a filter, second by second."""

    def __init__(self) -> None:
        self.now = 100.0
        self.lines: list[str] = []
        self.answering = {"Kafka", "Redis"}
        self.folding = Folding(lambda: self.now)

    def say(
        self, name: str, message: str, *values: object, level: int = logging.ERROR, raised: bool = False, away: str = ""
    ) -> bool:
        """Whether a record is written."""
        error = ValueError("x")
        record = logging.LogRecord(name, level, "", 0, message, values, (ValueError, error, None) if raised else None)
        if away:
            record.away = away
        written = self.folding.filter(record)
        if written:
            self.lines.append(f"{record.levelname} {record.getMessage()}")
        return written

    def pass_by(self, seconds: float) -> None:
        """Let time pass, second by second."""
        for _ in range(int(seconds)):
            self.now += 1
            self.lines += [record.getMessage() for record in self.folding.due(self.answering.__contains__)]


def complain(log: Log, number: int) -> None:
    """What one process says with every try while Kafka is away."""
    refused = OSError(111, "Connect call failed")
    log.say("aiokafka.client", "Unable connect to node with id %s: %s", number, refused)
    log.say("aiokafka", 'Unable connect to "%s:%s": %s', "127.0.0.1", number, KafkaConnectionError(str(number)))
    log.say("aiokafka.client", "Unable to update metadata from %s", [number])
    log.say("aiokafka.consumer.group_coordinator", "Group Coordinator Request failed: %s", NodeNotReadyError(number))
    log.say("kafka.conn", "Connect attempt to %s returned error %s. Disconnecting.", f"<conn {number:x}>", 111)
    log.say("streams.kafka.producer", "%s; trying on", Unreachable(f"try {number}"), level=logging.WARNING)
    log.say("streams.kafka.output", "%s (%r)", "bring it back", KafkaConnectionError(), level=logging.WARNING)
    log.say("streams.kafka.transport.consumer", "not confirmed", level=logging.WARNING, away="Kafka")


def test_a_server_that_is_away_is_a_line_then_one_a_minute_and_one_when_it_is_back() -> None:
    log = Log()
    log.answering = set()
    for second in range(150):
        for number in range(20):
            complain(log, second * 20 + number)
        log.pass_by(1)
    log.answering = {"Kafka"}
    log.pass_by(QUIET)

    went, one, two, back = log.lines
    assert went == (
        "WARNING Kafka is away, told once a minute from now on: "
        "Unable connect to node with id 0: [Errno 111] Connect call failed"
    )
    assert one == "Kafka, or a node of it, has been away for 60 s; 9,599 lines about it were left out"
    assert two == "Kafka, or a node of it, has been away for 120 s; 19,199 lines about it were left out"
    assert back == "Kafka is back, after 154 s; 23,999 lines about it were left out"
    assert not log.folding.waits


def test_a_server_that_is_silent_and_does_not_answer_is_still_away() -> None:
    log = Log()
    log.answering = set()
    complain(log, 1)
    log.pass_by(3 * EVERY)

    assert [line for line in log.lines if "back" in line] == []
    assert len(log.lines) == 4


def test_one_of_several_brokers_that_is_away_is_no_coming_and_going() -> None:
    """The others answer, and there is something to complain about all the same."""
    log = Log()
    for number in range(50):
        complain(log, number)
        log.pass_by(1)

    assert len(log.lines) == 1


def test_redis_is_another_server() -> None:
    log = Log()
    complain(log, 1)
    for wait in (0.1, 0.2, 0.4):
        log.say(
            "streams.retry", "%s (%s); next try in %.1f s", "away", RedisAway("refused"), wait, level=logging.WARNING
        )

    assert [line.partition(",")[0] for line in log.lines] == ["WARNING Kafka is away", "WARNING Redis is away"]


@pytest.mark.parametrize("level", [logging.ERROR, logging.CRITICAL])
def test_nothing_else_is_left_out_meanwhile(level: int) -> None:
    """Errors of ours, what libraries say for the first time, and stack traces."""
    log = Log()
    complain(log, 1)

    assert all(log.say("streams.worker", "cannot go on: %s", KafkaConnectionError(), level=level) for _ in range(3))
    assert log.say("aiokafka.consumer", "Got error produce response: %s", UnknownTopicOrPartitionError(), level=level)
    assert log.say("aiokafka.cluster", "Topic %s is not authorized for this client", "alerts", level=level)
    assert log.say("aiokafka.cluster", "Topic %s is not authorized for this client", "events", level=level)
    assert log.say("asyncio", "Task exception was never retrieved", level=level)
    assert log.say("asyncio", "Task exception was never retrieved", level=level, raised=True)


def test_what_a_library_repeats_is_written_once_a_minute_with_how_often() -> None:
    log = Log()
    for number in range(90):
        log.say("mode.worker", "task at 0x%x of %d is slow", 160 + number, number)
        log.pass_by(1)

    assert log.lines[0] == "ERROR task at 0xa0 of 0 is slow"
    assert log.lines[1] == "task at 0xdb of 59 is slow (59 more like it in 60 s)"
    log.pass_by(2 * EVERY)
    assert len(log.lines) == 3
    assert not log.folding.waits


def test_what_comes_again_after_a_silence_is_written_when_it_comes_with_its_stack_trace() -> None:
    """Nobody looks in between: a thread does only while there is something to tell."""
    log = Log()
    assert log.say("library", "it failed", raised=True)
    log.now += EVERY

    assert log.say("library", "it failed", raised=True)
    assert not log.say("library", "it failed", raised=True)
    log.pass_by(EVERY)
    assert log.lines[2:] == ["it failed (1 more like it in 60 s)"]


@pytest.mark.parametrize(
    ("name", "message", "error"),
    [
        ("aiokafka", 'Unable connect to "%s:%s": %s', SaslAuthenticationFailed("no")),
        ("aiokafka", 'Unable connect to "%s:%s": %s', ssl.SSLCertVerificationError("self-signed")),
        ("aiokafka", 'Unable connect to "%s:%s": %s', ssl.SSLError(1, "[SSL: TLSV13_ALERT_CERTIFICATE_REQUIRED]")),
        ("streams.retry", "%s:%s (%s); next try", AuthenticationError("no")),
        ("streams.retry", "%s:%s (%s); next try", RedisAway("Error 1: [SSL: CERTIFICATE_VERIFY_FAILED]")),
    ],
)
def test_a_server_that_comes_back_and_refuses_us_is_news(name: str, message: str, error: Exception) -> None:
    """Once a minute."""
    log = Log()
    complain(log, 1)
    log.say("streams.retry", "%s", RedisAway("refused"), level=logging.WARNING)

    assert [log.say(name, message, "host", 9092, error, level=logging.WARNING) for _ in range(3)] == [
        True,
        False,
        False,
    ]
    assert log.lines[-1].startswith("WARNING " + message % ("host", 9092, error))
    complain(log, 2)
    assert len(log.lines) == 3


def test_a_tls_connection_that_is_cut_off_is_no_refusal() -> None:
    log = Log()
    complain(log, 1)
    cut = ssl.SSLEOFError(8, "[SSL: UNEXPECTED_EOF_WHILE_READING] EOF occurred in violation of protocol")

    assert not log.say("aiokafka", 'Unable connect to "%s:%s": %s', "host", 9092, cut)


def test_ours_are_never_folded_and_tries_of_the_client_are_no_errors() -> None:
    log = Log()

    assert all(log.say("streams.worker", "the same", level=logging.WARNING) for _ in range(3))
    assert log.say("aiokafka.cluster", "Topic %s not found in cluster metadata", "alerts")
    assert log.lines[-1].startswith("WARNING")


def test_memory_is_bounded() -> None:
    log = Log()
    for number in range(5000):
        log.say("library", "%s", "abcdefghij"[number % 10] * (number // 10 + 1))

    assert len(log.folding._said) == 1000
