"""The log: a library that says the same thing many times a second is heard once in a while."""

from __future__ import annotations

import logging

from console.terminal.logs import EVERY, Repeats


def record(name: str, message: str, *values: object) -> logging.LogRecord:
    return logging.LogRecord(name, logging.ERROR, "", 0, message, values, None)


def test_a_library_says_the_same_at_most_every_thirty_seconds() -> None:
    now = [100.0]
    heard = Repeats(lambda: now[0])

    said = []
    for _ in range(90):
        said.append(heard.filter(record("aiokafka.client", "Unable connect to node with id %s", len(said))))
        now[0] += 1

    assert [at for at, passed in enumerate(said) if passed] == [0, EVERY, 2 * EVERY]


def test_other_messages_and_ours_always_pass() -> None:
    heard = Repeats(lambda: 0.0)

    assert heard.filter(record("kafka.conn", "connection lost"))
    assert heard.filter(record("kafka.conn", "connection refused"))
    assert heard.filter(record("kafka.conn", "%s: %s", "one", "thing"))
    assert heard.filter(record("kafka.conn", "%s: %s", "another", "thing"))
    assert all(heard.filter(record("streams.worker", "the same")) for _ in range(3))


def test_what_a_client_of_kafka_tries_again_is_no_error() -> None:
    tried = record("aiokafka.cluster", "Topic %s not found in cluster metadata", "alerts")
    ours = record("streams.worker", "cannot go on")

    assert Repeats(lambda: 0.0).filter(tried)
    assert Repeats(lambda: 0.0).filter(ours)
    assert (tried.levelname, ours.levelname) == ("WARNING", "ERROR")


def test_every_try_of_our_own_is_told_once_in_a_while() -> None:
    heard = Repeats(lambda: 0.0)
    tries = [record("streams.retry", "%s; next try in %.1f s", "Redis is away", wait) for wait in (0.1, 0.2, 0.4)]

    assert [heard.filter(one) for one in tries] == [True, False, False]
    assert heard.filter(record("streams.retry", "%s; next try in %.1f s", "Redis is full", 0.1))
