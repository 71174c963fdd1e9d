"""From the archive: every event again, where `profile.changes` is lost or does not have everybody.

The events come from the archive and, behind it, from `profile.events`; whom they belong to from `identity.changes` or,
if that is lost as well, from the decisions in archive and log. The whole log counts as applied afterwards. What follows
from a customer's state is computed as of now and told to nobody; alerts are as the `alerts` topic last told them. Of a
split that was under way, all profiles are whole.
"""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import msgspec

from analysis.archive.manifests import State
from analysis.archive.reader import events_of
from models.population.findings import Findings
from models.population.snapshot import PopulationSnapshot
from plan import Plan
from profiles.documents import encode_profile
from profiles.identity.secrets import suppression
from profiles.merge import add_identities
from profiles.store import Loaded
from profiles.stores import restore
from profiles.stores.census import RedisCensusStore
from profiles.stores.connection import Client
from profiles.stores.keys import Keys
from profiles.stores.learner import RedisLearnerStore
from profiles.stores.positions import EPOCH
from profiles.stores.redis import RedisStore
from profiles.types import Alert, Event, Identity, Profile, partition_of, profile_id
from profiles.units import LinkChanges
from streams.clock import Clock
from streams.kafka.outbox import MARKER, Marker
from streams.kafka.output import BatchProducer, Row
from streams.kafka.reader import Extent
from streams.kafka.topics import IDENTITY_CHANGES, IDENTITY_LINKS, PROFILE_CHANGES, topic_name
from streams.pipeline import Pipeline, derive_pipeline, limits_of
from streams.rebuild.alerts import Alerts, of_owners
from streams.rebuild.fold import Folding, by_home
from streams.rebuild.ownership import Ownership, identities_from
from streams.rebuild.tail import Tail
from streams.settings import Settings
from streams.steps.work import SENT_BITS, Work
from streams.worker.champion import champion_of

__all__ = ["FromArchive", "Given"]

_AT_ONCE = 1000  # profiles

_pack = msgspec.msgpack.Encoder().encode
_to_json = msgspec.json.Encoder().encode


@dataclass(frozen=True, slots=True)
class Given:
    """What was read before anything is written."""

    state: State  # of the archive
    log: list[Extent]  # `profile.events`
    tail: Tail
    ownership: Ownership
    links: LinkChanges | None  # of `identity.changes`; None if that is lost
    alerts: Alerts  # by the profile that they were told of
    versions: Mapping[int, int]  # the highest in each partition of `profile.changes`


class FromArchive:
    """Writes all profiles anew into a Redis that is being rebuilt, and their documents into `profile.changes`.

    Args:
        client: of the Redis.
        producer: to Kafka.
        given: what the archive and Kafka hold.
        clock: as of when scores and segments are.
        tell: hears how many events or profiles more have been done.
    """

    def __init__(
        self,
        client: Client,
        producer: BatchProducer,
        settings: Settings,
        plan: Plan,
        given: Given,
        clock: Clock,
        tell: Callable[[int], None],
    ) -> None:
        self._client = client
        self._producer = producer
        self._settings = settings
        self._plan = plan
        self._given = given
        self._clock = clock
        self._tell = tell
        self._owners = self._find_owners()
        self._named: dict[str, Identity] = {}  # home → identity, of homes that are linked
        self._linked = {*self._owners, *self._owners.values()}
        fetch, write = RedisStore(client).fetch, partial(restore.write_profiles, client)
        self._folding = Folding(fetch, write, plan, limits_of(settings, plan), settings.partitions, self._owners)
        self.links = given.links  # in the end who is who, whatever that comes from
        self.profiles = self.merged = 0

    async def run(self) -> LinkChanges:
        """Write all but the learner's state and the census's findings, which must be there; answer who is who."""
        state, tail = self._given.state, self._given.tail
        archived = events_of(self._settings.archive, None, until=state.read)
        homes = by_home(self._counted(archived), tail.events, tail.erased)
        await self._folding.fold((home, events) for home, events in homes if not self._erased(home))
        await self._folding.bury_others()
        if self.links is None:
            self.links = identities_from(self._given.ownership, self._named, state.erased)
            await self._publish_identities(self.links)
        await restore.write_links(self._client, self.links)
        champion = champion_of(RedisLearnerStore(self._client), self._plan.churn)
        await champion.refresh()
        population = await self._population()
        pipeline = derive_pipeline(self._plan, champion, lambda: population)
        alerts = of_owners(self._given.alerts, self._owners)
        together = _by_partition(self.links.graph, self._settings.partitions)
        for extent in self._given.log:
            await self._finish(extent, pipeline, alerts, together.get(extent.partition, {}))
        return self.links

    async def _population(self) -> PopulationSnapshot:
        """What customers are ranked by, as the census left it; without it nobody is until the next one."""
        findings = await RedisCensusStore(self._client).findings()
        return PopulationSnapshot.empty() if findings is None else Findings.from_json(findings).population

    def _find_owners(self) -> dict[str, str]:
        links = self._given.links
        if links is None:
            return self._given.ownership.owners()
        namespace = self._plan.namespace
        return {
            profile_id(namespace, identity): profile
            for identity, profile in links.mapping.items()
            if profile is not None
        }

    def _erased(self, home: str) -> bool:
        links, erased = self._given.links, self._given.state.erased
        if not erased and not (links and links.suppressed):
            return False
        digest = suppression(self._plan.pii_key, home)
        return digest in erased or bool(links and digest in links.suppressed)

    def _counted(self, events: Iterable[Event]) -> Iterator[Event]:
        for number, event in enumerate(events, 1):
            if number % _AT_ONCE == 0:
                self._tell(_AT_ONCE)
            if self.links is None:
                self._learn_names(event)
            yield event

    def _learn_names(self, event: Event) -> None:
        for identity in event.identities:
            if (home := profile_id(self._plan.namespace, identity)) in self._linked:
                self._named[home] = identity

    async def _finish(
        self, extent: Extent, pipeline: Pipeline[Work], alerts: Alerts, together: Mapping[str, Sequence[Identity]]
    ) -> None:
        """Derive what follows from a partition's profiles, write and publish it, then say how far it goes."""
        partition = extent.partition
        position = self._position(extent)
        marker = Marker.of(position)
        headers = [("applied", str(marker.applied).encode()), ("version", str(marker.version).encode())]
        topic = topic_name(self._settings, PROFILE_CHANGES)
        now = self._clock.now()
        found = {raw.decode() for raw in await self._client.hkeys(Keys.of(partition).profiles)} | together.keys()
        ids = iter(sorted(found))
        tombstones = 0
        while batch := list(itertools.islice(ids, _AT_ONCE)):
            profiles = await RedisStore(self._client).fetch(partition, batch)
            for id_ in batch:
                profile = profiles.setdefault(id_, Profile(id_))
                if not profile.redirect:
                    self._complete(profile, together.get(id_, ()), alerts.get(id_, {}))
            documents = await self._derive(partition, profiles, position.watermark, now, pipeline)
            await restore.write_profiles(self._client, partition, documents)
            rows = [Row(topic, partition, profile.id.encode(), body, headers) for profile, body in documents]
            await self._producer.produce(rows)
            tombstones += sum(bool(profile.redirect) for profile, _ in documents)
            self._tell(len(batch))
        await self._producer.produce([Row(topic, partition, MARKER, _pack(marker), headers)])
        await restore.write_position(self._client, partition, position, tombstones)
        self.profiles += len(found) - tombstones
        self.merged += tombstones

    def _complete(self, profile: Profile, identities: Sequence[Identity], alerts: Mapping[str, Alert]) -> None:
        for identity in identities:
            since = self._given.ownership.since(profile_id(self._plan.namespace, identity))
            if since is not None:
                add_identities(profile, [(identity, since)])
        profile.alerts.update(alerts)

    async def _derive(
        self, partition: int, profiles: dict[str, Profile], watermark: float, now: float, pipeline: Pipeline[Work]
    ) -> list[restore.Document]:
        work = Work(partition, Loaded(watermark=watermark, profiles=profiles), self._settings.partitions)
        work.begin(now, (), due=[profile for profile in profiles.values() if not profile.redirect])
        await pipeline.run(work)
        return [(profile, encode_profile(profile)) for profile in profiles.values()]

    def _position(self, extent: Extent) -> Loaded:
        """All of the log counts as applied. What the linker sends again has not been decided as far as we know."""
        partition = extent.partition
        origins = dict(self._given.tail.origins.get(partition, {}))
        channel = f"{topic_name(self._settings, IDENTITY_LINKS)}/0"
        if self.links is not None and channel in origins:
            origins[channel] = min(origins[channel], ((self.links.applied + 1) << SENT_BITS) - 1)
        version = (self._given.versions.get(partition, 0) // EPOCH + 1) * EPOCH
        return Loaded(version, extent.end - 1, self._folding.watermarks.get(partition, 0.0), origins=origins)

    async def _publish_identities(self, links: LinkChanges) -> None:
        """Tell `identity.changes`, which is lost, what it would have to say."""
        told: list[tuple[str, object]] = []
        for identity, profile in links.mapping.items():
            name = f"{identity[0]}:{identity[1]}"
            history = links.links[identity] or []
            told.append((name, {"identity": identity, "profile": profile, "at": history[0].time}))
            told.append((f"@links:{name}", {"identity": identity, "links": history}))
        told += [(f"@suppressed:{digest}", {"at": at}) for digest, at in links.suppressed.items()]
        marker = {"version": links.version, "applied": links.applied, "refusals": 0}
        told.append((MARKER.decode(), marker))
        topic = topic_name(self._settings, IDENTITY_CHANGES)
        version = ("version", str(links.version).encode())
        rows = (
            Row(topic, 0, key.encode(), _to_json(body), [("id", f"{key}:{links.applied}".encode()), version])
            for key, body in told
        )
        while batch := list(itertools.islice(rows, _AT_ONCE)):
            await self._producer.produce(batch)


def _by_partition(graph: Mapping[str, list[Identity] | None], partitions: int) -> dict[int, dict[str, list[Identity]]]:
    answer: defaultdict[int, dict[str, list[Identity]]] = defaultdict(dict)
    for profile, identities in graph.items():
        if identities is not None:
            answer[partition_of(profile, partitions)][profile] = identities
    return answer
