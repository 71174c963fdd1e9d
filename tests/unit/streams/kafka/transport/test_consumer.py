"""The transport: what it hangs on in Faust and aiokafka is there."""

from __future__ import annotations

import ast
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

from streams.kafka.transport import consumer as transport

OURS = {"_in_sequence", "_as_message", "seek_here", "behind", "done_up_to", "is_current", "rewind", "hold", "release"}
OURS |= {"reached", "_expected", "_refused", "_epochs", "_delivered", "_held", "leave_alone", "_accept", "_skip"}
OURS |= {"_start_reading", "_halt_rounds", "_assign_rounds", "_by_topic", "_reading", "_take_back", "_alive"}
OURS |= {"_seeking", "_seeks", "_seek_assigned", "_seek_in_turn", "_note_seek", "_revocations"}
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
