"""What the clients' libraries log is passed on when somebody could act upon it."""

from __future__ import annotations

import logging

import pytest
from aiokafka.errors import GroupCoordinatorNotAvailableError, KafkaConnectionError, NotLeaderForPartitionError

import streams.kafka.client  # noqa: F401  (sets it up)


@pytest.mark.parametrize(
    ("module", "form", "error"),
    [
        ("group_coordinator", "Group Coordinator Request failed: %s", GroupCoordinatorNotAvailableError()),
        ("fetcher", "Failed fetch offsets: %s", NotLeaderForPartitionError()),
    ],
)
def test_elections_of_a_new_kafka_are_no_errors(
    module: str, form: str, error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    log = logging.getLogger(f"aiokafka.consumer.{module}")
    log.error(form, error)
    assert not caplog.records
    log.error(form, KafkaConnectionError())
    assert len(caplog.records) == 1
