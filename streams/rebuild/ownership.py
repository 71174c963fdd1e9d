"""Whom each home belongs to by the decisions that `profile.events` and the archive hold, and since when it is known."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from msgspec import json

from analysis.archive.columns import Link as Decision
from analysis.archive.folder import Folder
from analysis.archive.manifests import load
from profiles.identity.links import Lifted, Link
from profiles.stores.restoring.restore import LEAP
from profiles.types import Identity, Join
from profiles.units import LinkChanges
from streams.archive.manifest_log import Changed
from streams.archive.write import read_table
from streams.steps.work import SENT_BITS

__all__ = ["Ownership", "archived_decisions", "identities_from"]


class _Row(NamedTuple):
    position: int  # of the decision in `identity.links`, with the number of the record sent because of it
    split: bool
    profile: str
    time: float


class Ownership:
    """The decisions about each home, in any order.

    Args:
        topic: real name of `identity.links`, whose offsets say which is the last.
    """

    def __init__(self, topic: str) -> None:
        self._topic = topic
        self._rows: defaultdict[str, set[_Row]] = defaultdict(set)
        self.joins: dict[tuple[str, float, str], Join] = {}  # what people said of companies that are one

    def take(self, decisions: Iterable[Decision]) -> None:
        """Add decisions; repeats do not matter."""
        for one in decisions:
            if one.kind == "company":
                said = Join(one.home, target=one.profile, time=one.time, **json.decode(one.note or "{}"))
                self.joins[said.profile, said.time, said.target] = said
            elif one.origin_topic == self._topic:
                row = _Row(one.origin_offset, one.kind == "split", one.profile, one.time)
                self._rows[one.home].add(row)

    def forget(self, home: str) -> None:
        """Forget what was decided about a home whose customer was erased."""
        self._rows.pop(home, None)

    @property
    def last(self) -> int:
        """Offset in `identity.links` of the last decision; -1 for none."""
        return max((row.position >> SENT_BITS for rows in self._rows.values() for row in rows), default=-1)

    def since(self, home: str) -> float | None:
        """When the identity of a home is first known to be its owner's, as far as decisions say."""
        since: float | None = None
        for row in sorted(self._rows.get(home, ())):
            since = row.time if row.split or since is None else min(since, row.time)
        return since

    def owners(self) -> dict[str, str]:
        """Home → the profile it belongs to at last, of those that are not their own."""
        newest = {home: max(rows).profile for home, rows in self._rows.items()}
        answer = {}
        for home in newest:
            owner, steps = home, 0
            while (following := newest.get(owner, owner)) != owner and steps < len(newest):
                owner, steps = following, steps + 1
            if owner != home:
                answer[home] = owner
        return answer

    def position(self, home: str) -> int:
        """Offset in `identity.links` of the last decision about a home."""
        return max(self._rows[home]).position >> SENT_BITS


def archived_decisions(url: str) -> list[Decision]:
    """All decisions in an archive."""
    folder = Folder(url)
    while True:
        try:
            tables = [read_table(folder, file, None) for file in load(folder).of("links")]
        except Changed:  # compacted or cleared of somebody meanwhile
            continue
        return [Decision(**{**row, "time": row["time"].timestamp()}) for table in tables for row in table.to_pylist()]


def identities_from(
    ownership: Ownership,
    named: Mapping[str, Identity],
    suppressed: Mapping[str, float],
    back: Mapping[str, float],
) -> LinkChanges:
    """Who is who by the decisions alone, where `identity.changes` is lost.

    Args:
        ownership: all decisions.
        named: the identity of each home that they speak of.
        suppressed: keyed hash of an erased home → when.
        back: keyed hash of one that may come back → since when; who said so, and why, is lost.
    """
    changes = LinkChanges(LEAP, ownership.last, suppressed=dict(suppressed))
    for digest, since in back.items():
        changes.lifted[digest] = Lifted(digest, digest, since, since, "rapport rebuild", "identity.changes was lost")
    together: defaultdict[str, set[Identity]] = defaultdict(set)
    for home, owner in ownership.owners().items():
        if (identity := named.get(home)) is None:
            continue
        own = named.get(owner)
        kept = [own, identity] if own else [identity]
        since = ownership.since(home) or 0.0
        changes.mapping[identity] = owner
        changes.links[identity] = [Link(kept, since, "", "", ownership.position(home), since)]
        together[owner].update(kept)
    changes.graph.update((owner, sorted(identities)) for owner, identities in together.items())
    return changes
