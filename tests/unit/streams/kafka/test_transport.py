"""Batches: what continues what, what runs side by side, and what time a batch ends at."""

from __future__ import annotations

import ast
import asyncio
import contextlib
import inspect
import textwrap

import faust
import pytest
from aiokafka import AIOKafkaConsumer
from aiokafka.client import AIOKafkaClient
from aiokafka.consumer.fetcher import Fetcher
from aiokafka.consumer.group_coordinator import GroupCoordinator
from faust.transport.drivers import aiokafka as driver
from faust.types import TP

from profiles.types import Event
from streams.kafka import transport
from streams.kafka.lanes import Lanes
from streams.kafka.transport import Batch, joined
from streams.steps.decode import decode
from streams.steps.intake import Intake
from streams.worker.ticks import latest_event
from tests.build import record

TP0, TP1 = TP("topic", 0), TP("topic", 1)
NOW = 1_790_000_000.0


def batch(first: int, last: int, follows: int | None = None, epoch: int = 0, tp: TP = TP0) -> Batch:
    return Batch(tp, [record(n) for n in range(first, last)], first if follows is None else follows, epoch)


def test_only_what_continues_in_one_epoch_is_joined() -> None:
    """A batch from before a rewind never merges with the one that was read again."""
    whole = joined([batch(0, 5), batch(5, 8), batch(8, 9, epoch=1), batch(20, 22, follows=20)])

    assert [(part.follows, part.next, part.epoch) for part in whole] == [(0, 8, 0), (8, 9, 1), (20, 22, 0)]


class Delivery:
    """What a stream hands out: a batch that notes when it is acknowledged."""

    def __init__(self, value: Batch, acked: list[Batch]) -> None:
        self.value = value
        self._acked = acked

    def ack(self) -> None:
        self._acked.append(self.value)


def test_lanes_keep_order_within_and_run_beside_each_other() -> None:
    """While one partition waits the other goes on, and what came meanwhile is handled as one."""

    async def story() -> tuple[list[list[tuple[int, int]]], int]:
        handled: list[list[tuple[int, int]]] = []
        acked: list[Batch] = []
        breaker = asyncio.Event()

        async def handle(batches: list[Batch]) -> None:
            if batches[0].tp == TP0 and batches[0].records[0].offset == 0:
                await breaker.wait()
            handled.append([(part.tp.partition, part.records[0].offset) for part in batches])

        lanes = Lanes(handle, lambda part: part.tp.partition, most=10, behind=lambda: False)
        for part in (batch(0, 2), batch(2, 4), batch(0, 2, tp=TP1), batch(4, 6)):
            await lanes.put(Delivery(part, acked))
            await asyncio.sleep(0)
        await asyncio.sleep(0.01)
        assert [part.tp.partition for part in acked] == [1]
        breaker.set()
        await asyncio.sleep(0.01)
        return handled, len(acked)

    handled, acked = asyncio.run(story())

    assert handled == [[(1, 0)], [(0, 0)], [(0, 2), (0, 4)]]
    assert acked == 4


def test_lanes_take_turns_while_much_waits() -> None:
    """One partition at a time, and what came meanwhile for the next is handled as one."""

    async def story() -> tuple[list[list[tuple[int, int]]], list[list[tuple[int, int]]]]:
        handled: list[list[tuple[int, int]]] = []
        breaker = asyncio.Event()

        async def handle(batches: list[Batch]) -> None:
            await breaker.wait()
            handled.append([(part.tp.partition, part.records[0].offset) for part in batches])

        lanes = Lanes(handle, lambda part: part.tp.partition, most=10, behind=lambda: True)
        for part in (batch(0, 2), batch(0, 2, tp=TP1), batch(2, 4, tp=TP1)):
            await lanes.put(Delivery(part, []))
            await asyncio.sleep(0)
        before = handled.copy()
        breaker.set()
        await asyncio.sleep(0.01)
        return before, handled

    before, handled = asyncio.run(story())

    assert before == []
    assert handled == [[(0, 0)], [(1, 0), (1, 2)]]


def test_late_events_do_not_turn_the_watermark_back() -> None:
    """The watermark is the latest event time ever seen."""
    late = Event("p", "m", "web", "track", "e", "", 5.0, 5.0)

    assert latest_event([late], 10.0) == 10.0
    assert latest_event([late], 1.0) == 5.0


@pytest.mark.parametrize("levels", [33, 900, 100_000])
def test_what_is_nested_too_deeply_is_rejected(levels: int) -> None:
    """However deep: it is kept as rejected and stops nothing."""
    nested = b'{"type":"track","event":"e","userId":"u","properties":' + b"[" * levels + b"]" * levels + b"}"
    intake = Intake("web", [record(0, nested[: 60 * 1024]), record(1, b'{"type":"track","event":"e"}')], NOW)

    decode()(intake)

    assert [rejection.reason in ("nested_too_deeply", "invalid_json") for rejection in intake.rejected] == [True]
    assert [item.record.offset for item in intake.items] == [1]


def test_nothing_happens_in_the_future() -> None:
    """A producer whose clock is wrong cannot make a customer active for ever."""
    value = b'{"type":"track","event":"e","timestamp":"2099-01-01T00:00:00Z","receivedAt":"2099-01-01T00:00:00Z"}'
    intake = Intake("web", [record(0, value, at=NOW + 1e9)], NOW)

    decode()(intake)

    assert (intake.items[0].time, intake.items[0].received) == (NOW, NOW)


OURS = {"_in_sequence", "_as_message", "seek_here", "behind", "done_up_to", "is_current", "rewind", "hold", "release"}
OURS |= {"_expected", "_refused", "_epochs", "_delivered", "_held"}
THEIRS = (driver.Consumer, driver.AIOKafkaConsumerThread, AIOKafkaConsumer, GroupCoordinator, Fetcher, AIOKafkaClient)


def known() -> set[str]:
    """Every name of the classes that the transport hangs on: what they define, and what they set on themselves."""
    names: set[str] = set()
    for cls in {base for one in THEIRS for base in one.__mro__ if base is not object}:
        names |= vars(cls).keys() | getattr(cls, "__annotations__", {}).keys()
        with contextlib.suppress(OSError, TypeError):  # compiled, or typing's
            names |= {
                node.attr
                for node in ast.walk(ast.parse(textwrap.dedent(inspect.getsource(cls))))
                if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store)
            }
    return names


def test_every_private_of_faust_and_aiokafka_that_is_used_exists() -> None:
    """A new version that calls one of them otherwise is found here, not by a worker that stands still."""
    tree = ast.parse(inspect.getsource(transport))
    used = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute) and node.attr[0] == "_"}
    used = {name for name in used if not name.startswith("__")} - OURS - {"_exit"}
    assert used >= {"_coordinator", "_coordination_task", "_fetcher", "_fetch_task", "_client", "_sync_task"}
    assert not used - known()


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (transport.BatchConsumer, driver.Consumer),
        (transport.BatchConsumerThread, driver.AIOKafkaConsumerThread),
        (transport.BatchSchema, faust.Schema),
    ],
)
def test_what_is_overridden_is_still_called_like_this(ours: type, theirs: type) -> None:
    for name, function in vars(ours).items():
        if inspect.isfunction(function) and name not in OURS | {"__init__"}:
            assert hasattr(theirs, name), f"{theirs.__name__} has no {name} any more"
            wanted = inspect.signature(getattr(theirs, name)).parameters
            got = inspect.signature(function).parameters
            takes_all = any(one.kind is one.VAR_KEYWORD for one in got.values())
            assert takes_all or list(got) == list(wanted), name
