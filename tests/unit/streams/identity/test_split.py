"""Who completes splits: the linker alone, each split once, and nobody after the linker has gone elsewhere."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from plan import load_plan
from profiles.identity.links import PendingSplit
from profiles.store import Changes
from profiles.stores.memory import MemoryLinkStore, MemoryStore
from profiles.types import Event, Profile, Splitting
from profiles.units import LinkChanges
from streams.identity.history import History
from streams.identity.split import SplitCompleter, claims_in
from streams.kafka.memory import MemoryLog
from streams.kafka.output import Row
from streams.records.links import SplitDone
from streams.settings import Settings
from tests import REPOSITORY

NOTHING = History(MemoryLog({"profile.events": 1, "identity.links": 1}), Settings(partitions=1))
PENDING = PendingSplit("one", "a" * 22, ("user_id", "ann"), [("email", "bob")], {"a" * 22: "a" * 22}, 0.0)


class Links(MemoryLinkStore):
    """Counts how often somebody looked for pending splits."""

    looks = 0

    async def splitting(self) -> dict[str, PendingSplit]:
        self.looks += 1
        return await super().splitting()


class Asked:
    """Keeps what was asked for."""

    def __init__(self) -> None:
        self.requests: list[object] = []
        self.told = asyncio.Event()

    async def send(self, command: object) -> None:
        raise AssertionError(command)

    async def request(self, request: object) -> None:
        self.requests.append(request)
        self.told.set()


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


def test_what_met_as_one_customers_is_asked_about_when_it_is_not_any_more() -> None:
    """Each pair once, by the earliest event of a source; what is still together, or was never theirs, is not."""
    plan = load_plan(REPOSITORY / "tracking_plan.yaml")
    ann, first, phone, other = ("user_id", "ann"), ("email", "first"), ("phone", "1"), ("user_id", "other")
    homes = [plan.home(one) for one in (ann, first, phone)]
    winners = dict(zip(homes, [homes[0], homes[1], homes[0]], strict=True))
    split = PendingSplit("one", homes[0], phone, [], winners, 0.0, moving=[first])

    def event(number: int, *identities: tuple[str, str]) -> Event:
        home = plan.home(identities[0])
        return Event(home, f"m{number}", "web", "page", "Home", "visit", 9.0 - number, 1e9, list(identities))

    events = [event(1, first, phone), event(2, first, phone), event(3, ann, phone), event(4, other, phone)]
    assert [(one.event, one.identities) for one in claims_in(split, events, plan.home, {"web"})] == [
        ("m2", [first, phone])
    ]
    by_hand = PendingSplit("one", homes[0], phone, [first], winners, 0.0)
    assert claims_in(by_hand, events, plan.home, {"web"}) == []


def test_a_history_tells_what_was_said_from_what_was_only_carried_along() -> None:
    """Of each who says so, and whether it is believed: the first and the last time that they did."""
    plan = load_plan(REPOSITORY / "tracking_plan.yaml")
    ann, first = ("user_id", "ann"), ("email", "first")
    home = plan.home(ann)
    split = PendingSplit("one", home, first, [], dict.fromkeys([home, plan.home(first)], home), 0.0, moving=[first])

    def event(time: float, source: str, **more: Any) -> Event:
        return Event(home, f"{time}", source, "identify", "", "", time, time, [ann, first], **more)

    events = [
        event(1.0, "purchase", remembered=[first]),
        *(event(time, "purchase") for time in (2.0, 3.0, 4.0)),
        *(event(time, "web") for time in (0.5, 5.0)),
        event(6.0, "web", signed=True),
    ]
    asked = claims_in(split, events, plan.home, {"web"})

    assert sorted((one.time, one.signed, one.stated, one.remembered) for one in asked) == [
        (0.5, False, True, []), (2.0, False, True, []), (5.0, False, True, []), (6.0, True, True, []),
    ]  # fmt: skip


@pytest.mark.timeout(120)
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


@pytest.mark.timeout(120)
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


@pytest.mark.timeout(120)
def test_what_the_log_says_is_done_is_not_done_again() -> None:
    """A linker that reads again comes by splits of before; nobody begins with one before it has come to the end."""

    async def story() -> None:
        log = MemoryLog({"profile.events": 1, "identity.links": 1})
        await log.produce([Row("identity.links", 0, b"", b"") for _ in range(3)])
        links = MemoryLinkStore()
        await links.commit(LinkChanges(0, 1, splitting={"one": PENDING}))
        plan, history = load_plan(REPOSITORY / "tracking_plan.yaml"), History(log, Settings(partitions=1))
        completer = SplitCompleter(MemoryStore(plan.namespace, 1), links, Told(), history, Settings(partitions=1), plan)
        completer.assigned(mine=True)
        await completer.tick()
        assert under_way() == []
        await log.produce([Row("identity.links", 0, b"", b"")])  # what comes later is not waited for
        await links.commit(LinkChanges(1, 2))
        await completer.tick()
        assert under_way() == ["split one"]
        await completer.close()

    asyncio.run(story())


@pytest.mark.timeout(120)
def test_it_leaves_a_split_that_somebody_else_has_completed() -> None:
    async def story() -> None:
        completer, links = await pending()
        completer.assigned(mine=True)
        await completer.tick()
        await links.commit(LinkChanges(1, 1, splitting={"one": None}))
        await completer.tick()
        await asyncio.sleep(0.01)
        assert under_way() == []
        await completer.close()

    asyncio.run(story())


@pytest.mark.timeout(120)
def test_a_share_that_its_profile_has_is_not_sent_again() -> None:
    """The one who sent it was killed before the linker heard that all is done; and that may have heard meanwhile."""

    async def story() -> None:
        plan, id_ = load_plan(REPOSITORY / "tracking_plan.yaml"), PENDING.profile
        links, store, asked = MemoryLinkStore(), MemoryStore(plan.namespace, 1), Asked()
        await links.commit(LinkChanges(0, 0, splitting={"one": PENDING}))
        done = Splitting("one", {}, {}, cutovers={id_: (0, 0)}, done=True)
        await store.commit(0, Changes(0, profiles=[Profile(id_, splits=[f"one:{id_}"], splitting=done)]))
        log = MemoryLog({"profile.events": 1, "identity.links": 1})
        completer = SplitCompleter(store, links, asked, History(log, Settings()), Settings(partitions=1), plan)
        completer.assigned(mine=True)
        await completer.tick()
        await asked.told.wait()
        assert asked.requests == [SplitDone("one")]
        await completer.close()

    asyncio.run(story())
