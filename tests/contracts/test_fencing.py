"""A store that was set back, as by a backup, counts its versions again: who slept meanwhile is fenced all the same."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from profiles.errors import Fenced
from profiles.store import Changes
from profiles.stores import Stores
from profiles.stores.keys import Keys
from profiles.stores.memory import MemoryStore
from profiles.types import Profile
from profiles.units import LinkChanges
from tests.contracts.fresh import Test


async def remember(stores: Stores, partition: int) -> Any:
    """How far a partition has come, as a backup holds it."""
    if isinstance(stores.profiles, MemoryStore):
        return copy.deepcopy(stores.profiles.partition(partition))
    return await stores.client.hgetall(Keys.of(partition).meta)


async def set_back(stores: Stores, partition: int, backup: Any) -> None:
    """Put that in the place of what there is now."""
    if isinstance(stores.profiles, MemoryStore):
        held = stores.profiles.partition(partition)
        for field in dataclasses.fields(held):
            setattr(held, field.name, getattr(backup, field.name))
    else:
        await stores.client.delete(Keys.of(partition).meta)
        await stores.client.hset(Keys.of(partition).meta, mapping=backup)


@pytest.mark.parametrize("many", [False, True])
def test_a_partition_tells_its_versions_from_others_of_the_same_number(run: Callable[[Test], None], many: bool) -> None:
    """Nothing of the one who slept is written; whoever has taken over goes on."""

    async def test(stores: Stores) -> None:
        store = stores.profiles
        awake, asleep = Profile("a" * 32, updated=1.0), Profile("b" * 32, updated=1.0)

        async def commit(changes: Changes) -> Any:
            return (await store.commit_many([(0, changes)]))[0] if many else await store.commit(0, changes)

        await commit(Changes(0, 10))
        backup = await remember(stores, 0)
        await commit(Changes(1, 11))
        slept = await store.load(0, [])
        await set_back(stores, 0, backup)

        (held,) = await store.load_many([(0, [], None)])
        await commit(Changes(held.version, 20, profiles=[awake], nonce=held.nonce))
        late = Changes(slept.version, 12, profiles=[asleep], nonce=slept.nonce)
        if many:
            assert isinstance(await commit(late), Fenced)
        else:
            with pytest.raises(Fenced):
                await commit(late)

        held = await store.load(0, [awake.id, asleep.id])
        assert (held.version, held.applied, list(held.profiles)) == (slept.version, 20, [awake.id])
        assert await commit(Changes(held.version, 21, nonce=held.nonce)) == 3

    run(test)


def test_a_partition_without_a_nonce_can_be_written(run: Callable[[Test], None]) -> None:
    """As a rebuild and earlier versions leave it."""

    async def test(stores: Stores) -> None:
        if not isinstance(stores.profiles, MemoryStore):
            await stores.client.hset(Keys.of(0).meta, "version", 0)
        held = await stores.profiles.load(0, [])
        assert held.nonce == ""
        assert await stores.profiles.commit(0, Changes(held.version, 1, nonce=held.nonce)) == 1
        assert (await stores.profiles.load(0, [])).nonce != ""

    run(test)


UNITS = {
    "identity": (Keys("{identity}").meta, lambda stores: stores.links),
    "learner": (Keys("{learner}").meta, lambda stores: stores.learner),
    "census": (Keys("{census}").meta, lambda stores: stores.census),
    "clock": (Keys("{clock}").meta, lambda stores: stores.clock),
}
"""Of each: where Redis keeps its version, and its store."""


async def read(unit: str, stores: Stores) -> Any:
    """Where a unit is, as its writer reads it."""
    return await (stores.learner.position() if unit == "learner" else UNITS[unit][1](stores).state())


async def write(unit: str, stores: Stores, at: Any, applied: int) -> None:
    """A commit on top of that."""
    if unit == "identity":
        await stores.links.commit(LinkChanges(at.version, applied, nonce=at.nonce))
    elif unit == "learner":
        await stores.learner.commit(at.version, applied, b"", {}, [], [], 0, nonce=at.nonce)
    elif unit == "census":
        await stores.census.commit(dataclasses.replace(at, round=applied), [])
    else:
        await stores.clock.commit(msgspec.structs.replace(at, gate=float(applied)))


@pytest.mark.parametrize("unit", list(UNITS))
def test_a_unit_tells_its_versions_from_others_of_the_same_number(run: Callable[[Test], None], unit: str) -> None:
    """Linker, learner, census and clock, too."""

    async def test(stores: Stores) -> None:
        meta, store_of = UNITS[unit]
        memory = stores.client is None
        await write(unit, stores, await read(unit, stores), 1)
        backup = copy.deepcopy(vars(store_of(stores))) if memory else await stores.client.hgetall(meta)
        await write(unit, stores, await read(unit, stores), 2)
        slept = await read(unit, stores)
        if memory:
            vars(store_of(stores)).update(backup)
        else:
            await stores.client.delete(meta)
            await stores.client.hset(meta, mapping=backup)

        await write(unit, stores, await read(unit, stores), 3)
        held = await read(unit, stores)
        assert (held.version, held.nonce != slept.nonce) == (slept.version, True)
        with pytest.raises(Fenced):
            await write(unit, stores, slept, 4)
        assert await read(unit, stores) == held
        await write(unit, stores, held, 5)

    run(test)
