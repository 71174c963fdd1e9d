"""A store in memory with members of segments, and a plan whose audiences are written from it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import wraps
from typing import Any

import msgspec

from analysis.archive.folder import Folder
from plan import Plan, parse_plan
from profiles.store import Changes
from profiles.stores.memory import MemoryStore
from profiles.types import Profile, Stay
from streams.sinks.audiences.audience_writer import AudienceWriter
from streams.sinks.audiences.versions import Tables
from tests.build import T0
from tests.plans import BASE

SPEC = (
    "{segments: [dutch], identities: {user_id: plain}, traits: {country: plain, email: sha256}, every: 15m, keep: 1d}"
)


def awaited(test: Callable[..., Awaitable[None]]) -> Callable[..., None]:
    """A test that waits for what it asks for."""

    @wraps(test)
    def run(*given: Any, **named: Any) -> None:
        async def main() -> None:
            await test(*given, **named)

        asyncio.run(main())

    return run


def plan_with(spec: str = SPEC, *more: tuple[str, str]) -> Plan:
    """The small plan with audiences."""
    text = BASE.replace("segments:\n", f"audiences: {spec}\nsegments:\n", 1)
    for old, new in more:
        assert old in text
        text = text.replace(old, new, 1)
    return parse_plan(text, "plan.yaml", {})


def member(number: int, segment: str = "dutch", **traits: Any) -> Profile:
    """A customer who is in a segment."""
    profile = Profile(f"p{number:06d}")
    profile.updated = T0
    profile.identities = {"user_id": {f"u{number}": T0}}
    profile.traits = {name: (value, T0, b"12345678") for name, value in traits.items()}
    profile.segments = {segment: Stay(T0 + number)} if segment else {}
    return profile


class Shop:
    """Customers, and the folder that their tables are written to."""

    def __init__(self, root: str, plan: Plan | None = None) -> None:
        self.plan = plan or plan_with()
        self.store = MemoryStore(self.plan.namespace, 1)
        self.folder = Folder(root)
        self.now = T0 + 1e6
        self._version = 0

    @property
    def writer(self) -> AudienceWriter:
        return AudienceWriter(self.store, self.plan, self.folder, lambda: self.now)

    async def put(self, *profiles: Profile, left: tuple[str, ...] = (), indexed: bool = True) -> None:
        """Commit these documents, with what the index of members says of them."""
        entered = [(name, each.id, stay.since) for each in profiles for name, stay in each.segments.items()]
        changes = Changes(
            self._version,
            profiles=list(profiles),
            entered=entered if indexed else [],
            left=[("dutch", id_) for id_ in left],
        )
        self._version = await self.store.commit(0, changes)

    def table(self, segment: str = "dutch") -> dict[str, dict[str, Any]]:
        """The rows of the newest version, by profile id."""
        tables = Tables(self.folder, segment)
        newest = tables.newest()
        assert newest is not None
        return {row["profile"]: row for row in tables.read(newest).to_pylist()}

    def latest(self, segment: str = "dutch") -> dict[str, Any]:
        """What `latest.json` says."""
        return dict(msgspec.json.decode(self.folder.read(f"audiences/{segment}/latest.json")))

    def files(self, segment: str = "dutch") -> list[str]:
        """The names of all files of a segment, without the random part."""
        names = (name.rpartition("/")[2] for name in self.folder.names(f"audiences/{segment}"))
        return sorted(name if name.endswith(".json") else name.rpartition("-")[0] for name in names)
