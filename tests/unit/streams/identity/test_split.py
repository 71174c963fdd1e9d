"""Who completes splits: the linker alone, each split once, and nobody after the linker has gone elsewhere."""

from __future__ import annotations

import asyncio

import pytest

from plan import load_plan
from profiles.identity.links import PendingSplit
from profiles.stores.memory import MemoryLinkStore, MemoryStore
from profiles.units import LinkChanges
from streams.identity.history import History
from streams.identity.split import SplitCompleter
from streams.kafka.memory import MemoryLog
from streams.settings import Settings
from tests import REPOSITORY

NOTHING = History(MemoryLog({}), Settings(partitions=1))
PENDING = PendingSplit("one", "a" * 22, ("user_id", "ann"), [("email", "bob")], {"a" * 22: "a" * 22}, 0.0)


class Links(MemoryLinkStore):
    """Counts how often somebody looked for pending splits."""

    looks = 0

    async def splitting(self) -> dict[str, PendingSplit]:
        self.looks += 1
        return await super().splitting()


class Told:
    """Takes commands; none comes before the homes have moved, and here they never do."""

    async def send(self, command: object) -> None:
        raise AssertionError(command)

    async def request(self, request: object) -> None:
        raise AssertionError(request)


def under_way() -> list[str]:
    """The splits that somebody is at work on in this loop."""
    return sorted(task.get_name() for task in asyncio.all_tasks() if task.get_name().startswith("split "))


async def pending() -> tuple[SplitCompleter, Links]:
    links = Links()
    await links.commit(LinkChanges(0, 0, splitting={"one": PENDING}))
    plan = load_plan(REPOSITORY / "tracking_plan.yaml")
    completer = SplitCompleter(MemoryStore(plan.namespace, 1), links, Told(), NOTHING, Settings(partitions=1), plan)
    return completer, links


@pytest.mark.timeout(20)
def test_only_the_linker_completes_splits_and_each_once() -> None:
    async def story() -> None:
        completer, links = await pending()
        await completer.tick()
        assert (under_way(), links.looks) == ([], 0)
        completer.assigned(mine=True)
        await completer.tick()
        await asyncio.sleep(0)
        await completer.tick()
        assert under_way() == ["split one"]
        await completer.close()
        assert under_way() == []

    asyncio.run(story())


@pytest.mark.timeout(20)
def test_it_stops_when_another_worker_is_the_linker_and_begins_again_when_it_comes_back() -> None:
    async def story() -> None:
        completer, _ = await pending()
        completer.assigned(mine=True)
        await completer.tick()
        completer.assigned(mine=False)
        await asyncio.sleep(0.01)
        await completer.tick()
        assert under_way() == []
        completer.assigned(mine=True)
        await completer.tick()
        assert under_way() == ["split one"]
        await completer.close()

    asyncio.run(story())
