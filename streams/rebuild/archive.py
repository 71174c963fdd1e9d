"""From the archive: every event again, in event time, where late history came or `profile.changes` is lost.

The events come from the archive and, behind it, from `profile.events`; whom they belong to from `identity.changes` or,
if that is lost as well, from the decisions in archive and log. All are put into the order of their times and played
(`streams/rebuild/player.py`), as if they had come so: stages, segments, labels, models and the census are those of
their times. Links are in effect from the beginning: a customer who was two for a while never was. Alerts of the past
are history; what people decided on alerts stays, as far as the `alerts` topic still tells, and of models, as far as
`training.examples` does, and so do nightly models. The whole log counts as applied afterwards, and workers arrive in
the present. Of a split that was under way, all profiles are whole.
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
from models.labels.examples import GrownModel, ModelCommand, Of
from models.learning.checkpoint import dump
from plan import Plan
from profiles.clock import ClockState
from profiles.identity.secrets import suppression
from profiles.merge import add_identities
from profiles.state import is_known
from profiles.store import Loaded
from profiles.stores.census import RedisCensusStore
from profiles.stores.connection import Client
from profiles.stores.keys import Keys
from profiles.stores.positions import EPOCH
from profiles.stores.redis import RedisStore
from profiles.stores.restoring import restore
from profiles.types import Alert, AlertCommand, Case, Event, Identity, Profile, is_company, partition_of, profile_id
from profiles.units import LearnerState, LinkChanges
from streams.clock import Clock
from streams.companies.erasing import unnaming
from streams.kafka.outbox import MARKER, Marker
from streams.kafka.output import BatchProducer, Row
from streams.kafka.reader import Extent
from streams.kafka.topics import IDENTITY_CHANGES, IDENTITY_LINKS, MODEL_SNAPSHOTS, PROFILE_CHANGES, topic_name
from streams.pipeline import limits_of
from streams.rebuild.alerts import Alerts, Told, cases_of_owners, of_owners, standing
from streams.rebuild.homes import Homes, Memories, by_home
from streams.rebuild.ownership import Ownership, identities_from
from streams.rebuild.player import Player
from streams.rebuild.spool import Spool, Timed
from streams.rebuild.tail import Erasures, Tail
from streams.settings import Settings
from streams.steps.work import SENT_BITS, Work
from streams.worker.census import SNAPSHOT

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
    alerts: Told  # by the profile that they were told of
    decisions: list[ModelCommand | GrownModel | Of]  # of people about the models, and models that were grown
    training: Extent  # `training.examples`
    versions: Mapping[int, int]  # the highest in each partition of `profile.changes`
    snapshots: int  # the highest version in `model.snapshots`


class FromArchive:
    """Writes everything anew into a Redis that is being rebuilt, and what a rebuild needs of it into Kafka.

    Args:
        client: of the Redis.
        producer: to Kafka.
        given: what the archive and Kafka hold.
        clock: the wall clock.
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
        self._store = RedisStore(client)
        self._producer = producer
        self._settings = settings
        self._plan = plan
        self._given = given
        self._clock = clock
        self._tell = tell
        suppressed = given.links.suppressed if given.links else {}
        self._erasures = Erasures(given.state, given.tail, partial(suppression, plan.pii_key), suppressed)
        self._owners = self._find_owners()
        self._named: dict[str, Identity] = {}  # home → identity, of homes that are linked
        self._linked = {*self._owners, *self._owners.values()}
        self._alerts = of_owners(self._alerts_that_count(), self._owners)
        self._cases = cases_of_owners(self._cases_that_count(), self._owners)
        self.links = given.links  # in the end who is who, whatever that comes from
        self.profiles = self.merged = 0
        self.learned = False

    async def run(self) -> LinkChanges:
        """Write all of it; answer who is who."""
        now = self._clock.now()
        with Spool() as spool, Memories(self._settings.partitions) as memories:
            self._gather(spool, memories, now)
            if self.links is None:
                self.links = identities_from(
                    self._given.ownership, self._named, self._erasures.away, self._erasures.back
                )
                await self._publish_identities(self.links)
            await restore.write_links(self._client, self.links)
            census = RedisCensusStore(self._client)
            player = Player(self._store, census, self._settings, self._plan, now, self._tell)
            clock = await player.play(spool.in_order(), self._given.decisions)
            together = _by_partition(self.links.graph, self._settings.partitions)
            elsewhere: defaultdict[int, list[str]] = defaultdict(list)
            for home in self._owners:
                elsewhere[partition_of(home, self._settings.partitions)].append(home)
            began = 0.0
            for extent in self._given.log:
                seen = memories.of(extent.partition)
                others = elsewhere[extent.partition]
                created = await self._finish(extent, seen, others, together.get(extent.partition, {}))
                began = min(filter(None, (began, created)), default=0.0)
        await self._finish_models(await player.learned(), await census.findings())
        await restore.write_clock(self._client, _going_on(clock, began))
        await restore.forget_late(self._client)
        return self.links

    def _gather(self, spool: Spool, memories: Memories, now: float) -> None:
        """Put all events, and when people dealt with alerts, into the order of their times."""
        tail = self._given.tail
        homes = Homes(
            spool, memories, self._owners, self._settings.partitions, self._settings.seen, self._plan.narrowed
        )
        archived = events_of(self._settings.archive, None, until=self._given.state.read)
        unname = unnaming(self._plan, self._erasures.drops)
        for home, events in by_home(self._counted(archived), tail.events, tail.erased):
            if not self._erasures.erased(home):
                homes.take(home, map(unname, events))
        self._gather_joins(spool, now)
        for told, times in self._given.alerts.decided.items():
            profile = self._owners.get(told, told)
            for time in times:
                if time <= now and self._erasures.counts(told, time):
                    command = _pack(AlertCommand(profile, "", "", time))
                    spool.add(Timed(time, partition_of(profile, self._settings.partitions), command))

    def _gather_joins(self, spool: Spool, now: float) -> None:
        """Put in order what people said of companies that are one."""
        for command in self._erasures.joins(self._given.ownership.joins.values()):
            if command.time <= now:
                partition = partition_of(command.profile, self._settings.partitions)
                spool.add(Timed(command.time, partition, _pack(command)))

    def _alerts_that_count(self) -> Alerts:
        return {
            home: {rule: alert for rule, alert in held.items() if self._erasures.counts(home, alert.changed)}
            for home, held in self._given.alerts.latest.items()
        }

    def _cases_that_count(self) -> list[tuple[str, Case]]:
        told = self._given.alerts.cases.values()
        return [(home, case) for home, case in told if self._erasures.counts(home, case.changed)]

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
        self,
        extent: Extent,
        seen: Mapping[str, bytes],
        others: Sequence[str],
        together: Mapping[str, Sequence[Identity]],
    ) -> float:
        """Make a partition's profiles whole, publish them, then say how far it goes; the time of the first event."""
        partition = extent.partition
        position = await self._position(extent)
        marker = Marker.of(position)
        headers = [("applied", str(marker.applied).encode()), ("version", str(marker.version).encode())]
        topic = topic_name(self._settings, PROFILE_CHANGES)
        keys = Keys.of(partition)
        found = {raw.decode() for key in (keys.profiles, keys.companies) for raw in await self._client.hkeys(key)}
        ids = iter(sorted({*found, *together, *seen, *others}))
        tombstones, began = 0, 0.0
        while batch := list(itertools.islice(ids, _AT_ONCE)):
            work = Work(partition, await self._store.load(partition, batch), self._settings.partitions)
            for id_ in batch:
                self._complete(work, id_, seen.get(id_, b""), together.get(id_, ()))
            work.index(self._plan.searchable)
            changes = work.changes(None, 0)
            changes.outputs = []
            await self._store.commit(partition, changes)
            await self._producer.produce(
                Row(topic, partition, id_.encode(), body, headers) for id_, body in changes.documents.items()
            )
            tombstones += work.new_tombstones
            self.profiles += sum(not is_company(id_) for id_ in batch) - work.new_tombstones
            began = min(filter(None, (began, *(one.created for one in changes.profiles))), default=0.0)
            self._tell(len(batch))
        await self._producer.produce([Row(topic, partition, MARKER, _pack(marker), headers)])
        await restore.write_position(self._client, partition, position, tombstones)
        self.merged += tombstones
        return began

    def _complete(self, work: Work, id_: str, seen: bytes, identities: Sequence[Identity]) -> None:
        """Give a profile what does not follow from playing its events."""
        if (owner := self._owners.get(id_)) is not None:
            work.replace(Profile(id_, redirect=owner, seen=seen))
            work.new_tombstones += 1
            return
        profile = work.profiles.setdefault(id_, Profile(id_))
        profile.seen = seen
        for identity in identities:
            since = self._given.ownership.since(profile_id(self._plan.namespace, identity))
            if since is not None:
                add_identities(profile, [(identity, since)])
        if profile.claims is not None:
            profile.claims.known = is_known(profile, limits_of(self._settings, self._plan))
        for rule, told in self._alerts.get(id_, {}).items():
            self._stand(work, profile, rule, told)
        if profile.terms is not None or identities:
            work.renamed[id_] = profile
        profile.case = self._cases.get(id_)  # whether it holds, workers find out
        work.touch(profile)

    def _stand(self, work: Work, profile: Profile, rule: str, told: Alert) -> None:
        played = profile.alerts.get(rule)
        stands = standing(played, told)
        if stands is None or stands is played:
            return
        if played is not None:
            work.drop_alert(played)
        profile.alerts[rule] = stands
        work.alerts[stands.id] = (profile.id, stands)

    async def _finish_models(self, learned: LearnerState, findings: bytes | None) -> None:
        """Write what was learned, and publish it with the findings: later than all that `model.snapshots` has."""
        topic = topic_name(self._settings, MODEL_SNAPSHOTS)
        version = (self._given.snapshots // EPOCH + 1) * EPOCH
        header = ("version", str(version).encode())
        rows = []
        if learned.panel is not None:
            self.learned = True
            applied = self._given.training.end - 1
            state = LearnerState(version, applied, learned.panel, learned.parts)
            await restore.write_learner(self._client, state)
            body = dump(learned.panel, dict(learned.parts))
            rows.append(Row(topic, 0, b"checkpoint", body, [("id", f"checkpoint:{applied}".encode()), header]))
        if findings is not None:
            await restore.write_census_version(self._client, version)
            rows.append(Row(topic, 0, SNAPSHOT, findings, [("id", f"findings:{version}".encode()), header]))
        await self._producer.produce(rows)

    async def _position(self, extent: Extent) -> Loaded:
        """All of the log counts as applied. What the linker sends again has not been decided as far as we know."""
        partition = extent.partition
        played = await self._store.load(partition, ())
        origins = dict(self._given.tail.origins.get(partition, {}))
        channel = f"{topic_name(self._settings, IDENTITY_LINKS)}/0"
        if self.links is not None and channel in origins:
            origins[channel] = min(origins[channel], ((self.links.applied + 1) << SENT_BITS) - 1)
        version = (self._given.versions.get(partition, 0) // EPOCH + 1) * EPOCH
        return Loaded(version, extent.end - 1, played.watermark, origins=origins, arrival_rates=played.arrival_rates)

    async def _publish_identities(self, links: LinkChanges) -> None:
        """Tell `identity.changes`, which is lost, what it would have to say."""
        told: list[tuple[str, object]] = []
        for identity, profile in links.mapping.items():
            name = f"{identity[0]}:{identity[1]}"
            history = links.links[identity] or []
            told.append((name, {"identity": identity, "profile": profile, "at": history[0].time}))
            told.append((f"@links:{name}", {"identity": identity, "links": history}))
        told += [(f"@suppressed:{digest}", {"at": at}) for digest, at in links.suppressed.items()]
        told += [(f"@lifted:{id_}", lifted) for id_, lifted in links.lifted.items()]
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


def _going_on(clock: ClockState, began: float) -> ClockState:
    """Where workers go on: the clock was live since the first event, so that no load turns it back."""
    return msgspec.structs.replace(clock, live_since=began)


def _by_partition(graph: Mapping[str, list[Identity] | None], partitions: int) -> dict[int, dict[str, list[Identity]]]:
    answer: defaultdict[int, dict[str, list[Identity]]] = defaultdict(dict)
    for profile, identities in graph.items():
        if identities is not None:
            answer[partition_of(profile, partitions)][profile] = identities
    return answer
