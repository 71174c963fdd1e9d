"""The ends of partitions: one connection, however many ask."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest
from aiokafka.structs import TopicPartition
from faust.types import TP

from streams.kafka import ends as module
from streams.kafka.ends import KafkaEnds
from streams.settings import Settings


class Driver:
    """What the library connects with; every partition ends at 7."""

    made = 0

    def __init__(self, settings: Settings, **options: Any) -> None:
        Driver.made += 1

    async def start(self) -> None:
        await asyncio.sleep(0)

    async def end_offsets(self, partitions: Sequence[TopicPartition]) -> dict[TopicPartition, int]:
        return dict.fromkeys(partitions, 7)


def test_who_ask_at_once_after_the_start_share_a_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    async def right(_: Settings) -> bool:
        return False

    monkeypatch.setattr(module, "async_consumer", Driver)
    monkeypatch.setattr(module, "tells_low_ends", right)

    async def ask() -> list[dict[TP, int]]:
        ends = KafkaEnds(Settings())
        return await asyncio.gather(*(ends([TP("events", partition)]) for partition in range(3)))

    assert asyncio.run(ask()) == [{TP("events", partition): 7} for partition in range(3)]
    assert Driver.made == 1
