"""The outbox: several commits go out as if they had been one."""

from __future__ import annotations

import asyncio

from profiles.store import Changes, Output
from profiles.types import Profile
from streams.kafka.memory import MemoryLog
from streams.kafka.outbox import MARKER, Marker, Outbox
from streams.settings import Settings

CHANGES = "profile.changes"


def commit(version: int, partition: int, *ids: str, alert: str = "") -> tuple[Changes, Marker]:
    """A commit of some profiles, whose age in the document is the version."""
    outputs = [Output(CHANGES, b"", "\n".join(ids).encode(), partition=partition)]
    if alert:
        outputs.append(Output("alerts", b"k", alert.encode(), alert, partition))
    profiles = [Profile(id_, updated=float(version)) for id_ in ids]
    return Changes(version - 1, version, profiles=profiles, outputs=outputs), Marker(version, version)


def test_of_several_commits_each_document_goes_out_once_behind_all_that_was_caused() -> None:
    """The newest, and behind those of a partition the marker of its last commit; another partition has its own."""

    async def story() -> None:
        log = MemoryLog({CHANGES: 2, "alerts": 2})
        first, second, other = commit(1, 0, "a", "b", alert="x"), commit(2, 0, "b", "c", alert="y"), commit(7, 1, "d")
        await Outbox(log, Settings()).deliver_commits([first, second, other])

        found = {}
        for topic in (CHANGES, "alerts"):
            async for part in log.read(await log.extents(topic)):
                for at in part.records:
                    found.setdefault((topic, at.partition), []).append((at.key, dict(at.headers)))
        keys = [(key, headers["version"]) for key, headers in found[CHANGES, 0]]
        assert keys == [(b"a", b"2"), (b"b", b"2"), (b"c", b"2"), (MARKER, b"2")]
        assert [key for key, _ in found[CHANGES, 1]] == [b"d", MARKER]
        assert [headers["id"] for _, headers in found["alerts", 0]] == [b"x", b"y"]

    asyncio.run(story())
