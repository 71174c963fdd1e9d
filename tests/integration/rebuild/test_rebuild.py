"""Redis is lost, and all of it comes back from Kafka: identical, and what follows counts once (invariant 5)."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from kafka import KafkaProducer, TopicPartition
from kafka.admin import KafkaAdminClient

from models.features.matrix import pack
from models.features.table import SCHEMA
from models.labels.examples import Example
from plan import load_plan
from profiles.documents import decode_profile, encode_profile
from profiles.errors import Misconfigured
from profiles.identity.links import Erasure, Lifted, Link, Linked, decode_linked
from profiles.identity.secrets import suppression
from profiles.state import Limits, apply, remember
from profiles.store import Reader
from profiles.stores.keys import CLOCK, IDENTITY, IDENTITY_MAP, LEARNER, LEARNER_STATE, SETUP, Keys
from profiles.stores.links import RedisLinkStore
from profiles.stores.redis import RedisStore
from profiles.stores.restoring.contents import held_by_partition
from profiles.stores.setup import REBUILDING
from profiles.times import parse_time
from profiles.types import ERASED, Alert, AlertCommand, Event, Identity, Profile, Score, Stay, partition_of, profile_id
from profiles.units import LinkState
from streams.kafka.admin import ensure_topics
from streams.kafka.outbox import MARKER, Marker
from streams.kafka.topics import TOLD, topic_name
from streams.records.links import EraseRequest, LiftRequest
from streams.settings import Settings
from tests.build import T0, buyer, row
from tests.integration.rapport import (
    PLAN,
    Rapport,
    order,
    running,
    totals,
    unranked,
    unranked_alerts,
)
from tests.integration.rebuild.rebuilding import (
    archive,
    clock,
    everything,
    in_redis,
    lose_redis,
    make_live,
    rebuild,
    until_quiet,
    versions,
)

START = datetime.now(UTC) - timedelta(days=60)
USERS = [f"user-{n}" for n in range(24)]
ERASED_USER, MARRIED, SHARED = "user-23", "user-1", "browser-2"

pytestmark = [pytest.mark.usefixtures("apache_kafka"), pytest.mark.timeout(900)]


def at(hours: float) -> str:
    return (START + timedelta(hours=hours)).isoformat()


def visit(browser: str, number: int) -> dict[str, Any]:
    return {
        "type": "page", "name": "Home", "anonymousId": browser, "messageId": f"{browser}-visit-{number}",
        "timestamp": at(number), "properties": {},
    }  # fmt: skip


def login(number: int, **who: Any) -> dict[str, Any]:
    return {"type": "identify", "messageId": f"login-{number}", "timestamp": at(number), "traits": {}, **who}


def mark(user: str, score: int) -> dict[str, Any]:
    return {
        "type": "track", "event": "CSAT Answered", "userId": user, "messageId": f"{user}-csat-{score}",
        "timestamp": at(900), "properties": {"score": score},
    }  # fmt: skip


def visits(first: int, last: int) -> list[dict[str, Any]]:
    return [visit(f"browser-{n}", number) for n in range(12) for number in range(first, last)]


def logins() -> list[dict[str, Any]]:
    """Every browser's user; a chain of three; and a second user on one laptop, who is refused."""
    return [
        *(login(n, userId=f"user-{n}", anonymousId=f"browser-{n}") for n in range(8)),
        login(20, anonymousId="browser-8", traits={"email": "eight@example.com"}),
        login(21, anonymousId="browser-9", traits={"email": "eight@example.com"}),
        login(22, userId="user-8", traits={"email": "eight@example.com"}),
        login(23, userId="user-9", anonymousId=SHARED),
    ]


def orders(first: int, last: int) -> list[dict[str, Any]]:
    return [order(USERS[n % 24], n, at(n % 1200), 12.5) for n in range(first, last)]


def records(rapport: Rapport, count: int) -> list[Example]:
    x = pack(row(buyer(0, 12, 30), 40))
    horizon = rapport.plan.churn.label_horizon
    return [Example(f"p{n}", T0 + n, T0 + n + horizon, SCHEMA, x, n % 3 == 0) for n in range(count)]


def held(rapport: Rapport, kind: str, value: str) -> Identity:
    """An identity as the profiles hold it."""
    identity = rapport.plan.identity(kind, value)
    assert identity is not None
    return identity


def produce(rapport: Rapport, topic: str, partition: int, *values: Any, key: bytes | None = None) -> None:
    producer = KafkaProducer(bootstrap_servers=rapport.settings.kafka, enable_idempotence=False)
    for value in values:
        producer.send(topic_name(rapport.settings, topic), msgspec.msgpack.encode(value), key, partition=partition)
    producer.flush()
    producer.close()


def live_through_much(rapport: Rapport) -> None:
    """Merges, a chain, a laptop that goes to whose it was first, a refusal, segments, alerts and a decision on one,
    timers, a training record learned, an erasure."""
    rapport.send("web", visits(0, 4))
    rapport.send("purchase", orders(0, 300))
    until_quiet(rapport)
    rapport.send("web", [login(23, userId="user-9", anonymousId=SHARED)])
    until_quiet(rapport)
    rapport.send("web", logins())
    rapport.send("support", [mark("user-3", 1), mark("user-4", 2)])
    until_quiet(rapport)

    async def alert(reader: Reader) -> tuple[str, str]:
        (id_, found), *_ = (await reader.alerts())[0]
        return id_, found.id

    id_, found = rapport.read(alert)
    command = AlertCommand(id_, found, "acknowledge", time.time(), "kim", "calls today")
    produce(rapport, "profile.events", partition_of(id_, rapport.settings.partitions), command)
    produce(rapport, "training.examples", 0, *records(rapport, 30))
    erased = held(rapport, "user_id", ERASED_USER)
    request = EraseRequest(
        Erasure("erasure", profile_id(rapport.plan.namespace, erased), erased, datetime.now(UTC).timestamp())
    )
    produce(rapport, "identity.links", 0, request)
    until_quiet(rapport)
    rapport.send("web", visits(4, 6))
    until_quiet(rapport)


def come_back(rapport: Rapport, since: str) -> None:
    """Lift the erasure."""
    erased = held(rapport, "user_id", ERASED_USER)
    subject = suppression(rapport.plan.pii_key, profile_id(rapport.plan.namespace, erased))
    lifted = Lifted("lift", subject, parse_time(since), time.time(), "kim", "has asked to")
    produce(rapport, "identity.links", 0, LiftRequest(erased, lifted))
    until_quiet(rapport)


def test_all_that_redis_held_comes_back_the_same(make_settings: Callable[..., Settings], tmp_path: Path) -> None:
    """Documents, indexes, timers, who is who, refusals, tombstones, the model, offsets; then repeats change nothing."""
    settings = make_settings(plan=PLAN)
    make_live(settings)
    with running(settings, tmp_path) as rapport:
        live_through_much(rapport)
        rapport.stop_workers()
        before, old = everything(rapport.settings), versions(rapport.settings)
        expected = totals(rapport, USERS)
        assert rebuild(rapport.settings, "--check")["same"]
        lose_redis(rapport.settings)
        summary = rebuild(rapport.settings, "--wait")
        after = everything(rapport.settings)

        learner, learned = before.pop(LEARNER.meta), before.pop(LEARNER_STATE)
        after.pop(LEARNER_STATE)
        assert int(after.pop(LEARNER.meta)[b"applied"]) <= int(learner[b"applied"]) == 29  # it learns the rest again
        for key in sorted(before.keys() | after.keys()):
            assert after.get(key) == before.get(key), key
        assert all(version > old[unit] for unit, version in versions(rapport.settings).items() if unit != CLOCK.meta)
        assert clock(rapport.settings).phase == "new"
        assert 0 < clock(rapport.settings).live_since < clock(rapport.settings).watermark < time.time()
        assert old.keys() == versions(rapport.settings).keys()
        assert (summary["erased"], summary["learner"], summary["ahead"], summary["warnings"]) == (1, True, 0, [])
        assert summary["merged"] >= 11
        kinds = {key.partition(":")[2] for key in before}
        assert {"alerts", "alerts:time", "alerts:open", "cases", "timers", "risk", "recent"} <= kinds
        assert {"map", "refused", "suppressed"} <= kinds
        assert any(kind.startswith("segment:") for kind in kinds)
        rapport.start()
        rapport.send("web", [*visits(0, 6), *logins()])
        rapport.send("purchase", [*orders(0, 300), *orders(300, 324)])
        until_quiet(rapport)
        rapport.stop_workers()

        assert expected[ERASED_USER] == (0, 0)
        grown = {user: (count + 1, revenue + 1250) for user, (count, revenue) in expected.items()}
        assert totals(rapport, USERS) == {**grown, ERASED_USER: (0, 0)}
        assert pages(rapport) == dict.fromkeys(range(12), 6) | {8: 12, 9: 12}
        assert everything(rapport.settings)[LEARNER.meta] == learner
        assert everything(rapport.settings)[LEARNER_STATE] == learned
        assert rebuild(rapport.settings, "--check")["same"]


def pages(rapport: Rapport) -> dict[int, int]:
    """Pages that the owner of each browser has seen."""

    async def read(reader: Reader) -> dict[int, int]:
        found = {}
        for n in range(12):
            profile = await reader.profile(await reader.resolve(("anonymous_id", f"browser-{n}")))
            found[n] = profile.roles["visit"].count if profile and "visit" in profile.roles else 0
        return found

    return rapport.read(read)


def test_redis_lost_in_mid_stream_loses_and_doubles_nothing(
    make_settings: Callable[..., Settings], tmp_path: Path
) -> None:
    """A worker is killed and Redis with it, twice, outboxes undelivered: in the end every event counts once."""
    events = orders(0, 6000)
    settings = make_settings(plan=PLAN, batch=50)
    make_live(settings)
    with running(settings, tmp_path) as rapport:
        rapport.send("web", visits(0, 4))
        rapport.send("purchase", events[:2000])
        for number in range(2):
            rapport.send("web", logins())
            rapport.send("purchase", events[2000 * (number + 1) : 2000 * (number + 2)])
            rapport.until(applied(2000 * number + 1000), "the worker to be in mid-stream")
            rapport.kill(number)
            lose_redis(rapport.settings)
            rebuild(rapport.settings, "--wait")
            make_live(rapport.settings)
            rapport.start()
        rapport.send("purchase", events[:500])
        until_quiet(rapport)
        rapport.stop_workers()

        assert totals(rapport, USERS) == dict.fromkeys(USERS, (250, 250 * 1250))
        assert pages(rapport) == dict.fromkeys(range(12), 4) | {8: 8, 9: 8}
        assert rebuild(rapport.settings, "--check")["same"]


def applied(count: int) -> Callable[[Reader], Any]:
    async def ask(reader: Reader) -> bool:
        found = [await reader.profile(await reader.resolve(("user_id", user))) for user in USERS]
        return sum(profile.purchases.orders for profile in found if profile) >= count

    return ask


class Topic:
    """One partition of `profile.changes` and `profile.events`, written by hand."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.plan = load_plan(settings.plan)
        ensure_topics(settings, self.plan)
        self._producer = KafkaProducer(bootstrap_servers=settings.kafka, enable_idempotence=False)

    def id(self, user: str) -> str:
        return profile_id(self.plan.namespace, ("user_id", user))

    def document(self, user: str, *events: Event, **fields: Any) -> tuple[bytes, bytes]:
        profile = Profile(self.id(user), **fields)
        for event in events:
            remember(profile, msgspec.msgpack.encode(event.id)[-8:].rjust(8), 512)
            apply(profile, event, "EUR", Limits())
        return profile.id.encode(), encode_profile(profile)

    def event(self, user: str, number: int) -> Event:
        time = START.timestamp() + number
        return Event(
            self.id(user), f"{user}-{number}", "purchase", "track", "Order Completed", "purchase", time, time,
            [("user_id", user)], amount=1000, currency="EUR", quantity=1.0, origin=("events.purchase", 0, number),
        )  # fmt: skip

    def log(self, events: Sequence[Event]) -> None:
        for event in events:
            self._send("profile.events", event.profile.encode(), msgspec.msgpack.encode(event), [])

    def told(self, applied: int, version: int, *documents: tuple[bytes, bytes | None], marked: bool = True) -> None:
        """What a commit leaves in the topic."""
        headers = [("applied", str(applied).encode()), ("version", str(version).encode())]
        marker = Marker(version, applied, 7.0, {"events.purchase/0": applied}, {})
        rows = [*documents, (MARKER, msgspec.msgpack.encode(marker))] if marked else documents
        for key, value in rows:
            self._send("profile.changes", key, value, headers)

    def linked(self, version: int, offset: int, news: dict[str, Any]) -> None:
        """What the linker told of one request."""
        for key, value in news.items():
            headers = [("id", f"{key}:{offset}".encode()), ("version", str(version).encode())]
            self._send("identity.changes", key.encode(), value and msgspec.json.encode(value), headers)

    def _send(self, topic: str, key: bytes, value: bytes | None, headers: list[tuple[str, bytes]]) -> None:
        self._producer.send(topic_name(self.settings, topic), value, key, headers, 0).get(30)

    def close(self) -> None:
        self._producer.close()


@pytest.fixture
def topic(make_settings: Callable[..., Settings]) -> Any:
    written = Topic(make_settings(plan=PLAN, partitions=1))
    yield written
    written.close()


def profiles_of(settings: Settings, *ids: str) -> dict[str, Profile]:
    return in_redis(settings, lambda client: RedisStore(client).fetch(0, ids))


def test_the_later_commit_wins_whatever_the_topic_ends_with(topic: Topic) -> None:
    """A worker that was paused has put its document and its marker behind those of its successor."""
    ann = [topic.event("ann", n) for n in range(4)]
    topic.told(1, 7, topic.document("ann", *ann[:2]), topic.document("bob", topic.event("bob", 9)))
    topic.told(3, 9, topic.document("ann", *ann))
    topic.told(1, 7, topic.document("ann", *ann[:2]))
    summary = rebuild(topic.settings)

    found = profiles_of(topic.settings, topic.id("ann"), topic.id("bob"))
    assert found[topic.id("ann")].purchases.orders == 4
    assert found[topic.id("bob")].purchases.orders == 1
    loaded = in_redis(topic.settings, lambda client: RedisStore(client).load(0, ()))
    assert (loaded.applied, loaded.watermark, loaded.origins, loaded.ahead) == (3, 7.0, {"events.purchase/0": 3}, {})
    assert loaded.version > 9
    assert (summary["profiles"], summary["ahead"]) == (2, 0)


def test_a_store_that_came_back_older_is_known_by_its_offsets(topic: Topic) -> None:
    """It numbers its commits anew; the document that has more of the log in it is the newer one."""
    ann = [topic.event("ann", n) for n in range(6)]
    topic.told(3, 9, topic.document("ann", *ann[:4]))
    topic.told(5, 8, topic.document("ann", *ann))
    rebuild(topic.settings)

    assert profiles_of(topic.settings, topic.id("ann"))[topic.id("ann")].purchases.orders == 6


def test_documents_ahead_of_their_partition_are_not_applied_twice(topic: Topic, tmp_path: Path) -> None:
    """A commit reached the topic in part: ann's document, not bob's, no marker. Both end with all their orders."""
    events = [topic.event(user, n) for n, user in enumerate(("ann", "bob", "ann", "bob"))]
    topic.log(events)
    ann, bob = events[::2], events[1::2]
    topic.told(1, 4, topic.document("ann", *ann[:1]), topic.document("bob", *bob[:1]))
    topic.told(3, 5, topic.document("ann", *ann), marked=False)
    summary = rebuild(topic.settings)
    loaded = in_redis(topic.settings, lambda client: RedisStore(client).load(0, ()))
    assert summary["warnings"] == []
    assert (summary["ahead"], loaded.applied, loaded.ahead) == (1, 1, {topic.id("ann"): 3})

    with running(topic.settings, tmp_path) as rapport:
        until_quiet(rapport)
        assert totals(rapport, ["ann", "bob"]) == {"ann": (2, 2000), "bob": (2, 2000)}


def test_what_the_log_no_longer_has_is_said(topic: Topic) -> None:
    """The documents go to offset 1, and the log begins at 3."""
    topic.log([topic.event("ann", n) for n in range(4)])
    topic.told(1, 4, topic.document("ann", topic.event("ann", 0)))
    admin = KafkaAdminClient(bootstrap_servers=topic.settings.kafka)
    admin.delete_records({TopicPartition(topic_name(topic.settings, "profile.events"), 0): 3})
    admin.close()

    (warning,) = rebuild(topic.settings)["warnings"]
    assert "begins at offset 3, the documents go to 1" in warning


def test_what_the_linker_told_in_part_is_decided_again(topic: Topic) -> None:
    """News behind its last marker is left out, so that the requests it came from are not half done for ever."""
    topic.told(1, 4, rich(topic, "ann", 1))
    ann, zoe = ("user_id", "ann"), ("anonymous_id", "zoe's")
    whole = Link([ann, ("anonymous_id", "ann's")], 5.0, "web", "login", 3, 6.0)
    topic.linked(1, 3, {"anonymous_id:ann's": {"identity": whole.identities[1], "profile": topic.id("ann"), "at": 5.0}})
    topic.linked(1, 3, {"@links:anonymous_id:ann's": {"identity": whole.identities[1], "links": [whole]}})
    topic.linked(1, 3, {"@commit": {"version": 1, "applied": 3}})
    topic.linked(2, 4, {"anonymous_id:zoe's": {"identity": zoe, "profile": topic.id("ann"), "at": 5.0}})
    topic.linked(1, 2, {"anonymous_id:ann's": None})  # of a linker that was paused
    rebuild(topic.settings)

    async def ask(client: Any) -> tuple[dict[bytes, bytes], LinkState, dict[str, Linked]]:
        links = RedisLinkStore(client)
        return await client.hgetall(IDENTITY_MAP), await links.state(), await links.linked_to([topic.id("ann")])

    mapping, state, graph = in_redis(topic.settings, ask)
    assert mapping == {b"anonymous_id\0ann's": topic.id("ann").encode()}
    assert graph == {topic.id("ann"): Linked([("anonymous_id", "ann's"), ann], {("anonymous_id", "ann's"): [whole]})}
    assert (state.applied, state.version > 2) == (3, True)


def rich(topic: Topic, user: str, number: int) -> tuple[bytes, bytes]:
    """A document that is in every index."""
    alert = Alert(f"alert-{user}", "very_unhappy", "open", 50.0 + number, 50.0 + number, 0.5)
    return topic.document(
        user, topic.event(user, number), score=Score(0.25, "low", 5.0, "m1"), segments={"vip": Stay(9.0)},
        alerts={"very_unhappy": alert}, scheduled_at=1e12 + number,
    )  # fmt: skip


def test_a_cluster_is_rebuilt_too(make_settings: Callable[..., Settings], redis_cluster: Any) -> None:
    """Clearing, writing and comparing on three masters; what is somebody else's stays."""
    topic = Topic(make_settings(plan=PLAN, partitions=1, redis=redis_cluster.url))
    topic.told(1, 4, *(rich(topic, f"user-{n}", n) for n in range(120)))
    topic.close()
    in_redis(topic.settings, lambda client: client.set("other:key", "stays"))
    in_redis(topic.settings, lambda client: client.hset("{p009}:profiles", "old", "goes"))
    rebuild(topic.settings, "--replace", "--yes")

    contents = in_redis(topic.settings, lambda client: held_by_partition(client, 0))
    counted = [kind for kind, _ in contents]
    assert {kind: counted.count(kind) for kind in set(counted)} == {
        "document": 120, "timer": 120, "risk": 120, "segment vip": 120, "alert": 120, "alert time": 120,
        "alerts open": 120, "recent": 100, "tombstones": 1,
    }  # fmt: skip
    assert in_redis(topic.settings, lambda client: client.get("other:key")) == b"stays"
    assert not in_redis(topic.settings, lambda client: client.exists("{p009}:profiles"))
    assert rebuild(topic.settings, "--check")["same"]


def test_check_finds_what_kafka_and_redis_do_not_agree_about(topic: Topic) -> None:
    """A document changed, one missing, one too many, a timer moved, an alert left over: each is named; exit code 1."""
    topic.told(1, 4, *(rich(topic, user, n) for n, user in enumerate(("ann", "bob", "cleo"))))
    rebuild(topic.settings)
    assert rebuild(topic.settings, "--check")["same"]
    keys = Keys.of(0)
    ann, bob, cleo = (topic.id(user) for user in ("ann", "bob", "cleo"))

    async def damage(client: Any) -> None:
        await client.hset(keys.profiles, ann, encode_profile(Profile(ann, created=1.0)))
        await client.hdel(keys.profiles, bob)
        await client.hset(keys.profiles, "nobody", encode_profile(Profile("nobody")))
        await client.zadd(keys.timers, {cleo: 5.0})
        await client.hset(keys.alerts, "left-over", b"x")
        await client.hset(IDENTITY_MAP, "user_id\0zoe", "somebody")

    in_redis(topic.settings, damage)
    found = rebuild(topic.settings, "--check", code=1)
    assert "differences" in found, found
    assert {(one["unit"], one["what"], one["name"]) for one in found["differences"]} == {
        ("partition 0", "document", ann),
        ("partition 0", "document", bob),
        ("partition 0", "document", "nobody"),
        ("partition 0", "timer", cleo),
        ("partition 0", "alert", "left-over"),
        ("identities", "map", "user_id\0zoe"),
    }


def test_what_is_there_is_not_overwritten_by_mistake(topic: Topic, tmp_path: Path) -> None:
    """Refused: over profiles, beside a worker, from an empty topic. One that was broken off keeps workers away."""
    assert "is empty" in rebuild(topic.settings, code=1)["error"]
    topic.log([topic.event("ann", n) for n in range(2)])
    topic.told(1, 4, rich(topic, "ann", 1))
    rebuild(topic.settings)
    before = everything(topic.settings)
    assert "--replace" in rebuild(topic.settings, code=1)["error"]
    with running(topic.settings, tmp_path) as rapport:
        rapport.until(working, "the worker")
        assert "workers are running" in rebuild(topic.settings, "--replace", "--yes", code=1)["error"]
        lose_redis(topic.settings)  # the sign in Redis is gone; Kafka still knows
        assert "workers are running" in rebuild(topic.settings, code=1)["error"]
    rebuild(topic.settings, "--replace", "--yes", "--wait")
    in_redis(topic.settings, lambda client: client.hset(SETUP, REBUILDING, 1))
    with pytest.raises(AssertionError, match="a rebuild of this Redis"), running(topic.settings, tmp_path) as rapport:
        rapport.until(working, "the worker")
    rebuild(topic.settings, "--replace", "--yes", "--wait")
    assert everything(topic.settings) == before


def test_a_redis_of_an_earlier_version_keeps_workers_away_and_is_written_anew(topic: Topic, tmp_path: Path) -> None:
    """Format 1 kept links in a hash of their own, and noted no format."""
    topic.log([topic.event("ann", n) for n in range(2)])
    topic.told(1, 4, rich(topic, "ann", 1))
    rebuild(topic.settings)
    before = everything(topic.settings)
    in_redis(topic.settings, lambda client: client.hdel(SETUP, "format"))
    in_redis(topic.settings, lambda client: client.hset("{identity}:links", "user_id\0ann", b"\x90"))
    with pytest.raises(AssertionError, match="in another format"), running(topic.settings, tmp_path) as rapport:
        rapport.until(working, "the worker")
    rebuild(topic.settings, "--replace", "--yes", "--wait")
    assert everything(topic.settings) == before


async def working(reader: Reader) -> bool:
    return bool(await reader.workers())


def state_of(profile: Profile) -> dict[str, Any]:
    """What events and links say of a customer; not what time and model make of it."""
    names = (
        "id", "created", "updated", "redirect", "identities", "traits", "activity", "roles", "purchases", "tickets",
        "opinions", "seen", "stage", "timeline_count",
    )  # fmt: skip
    alerts = {rule: (alert.id, alert.state, alert.by, alert.note) for rule, alert in unranked_alerts(profile).items()}
    case = profile.case and (profile.case.id, profile.case.kind, profile.case.state, profile.case.notes)
    of_ranks = {"segments": sorted(unranked(profile)), "alerts": alerts}
    return {name: getattr(profile, name) for name in names} | of_ranks | {"case": case}


def close_to(ours: Any, theirs: Any) -> bool:
    """The same, floats to 1e-9."""
    if isinstance(ours, float) or isinstance(theirs, float):
        return ours == pytest.approx(theirs, rel=1e-9, abs=1e-9)
    if isinstance(ours, msgspec.Struct):
        return type(ours) is type(theirs) and close_to(msgspec.structs.astuple(ours), msgspec.structs.astuple(theirs))
    if isinstance(ours, dict):
        return ours.keys() == theirs.keys() and all(close_to(ours[key], theirs[key]) for key in ours)
    if isinstance(ours, list | tuple):
        return len(ours) == len(theirs) and all(map(close_to, ours, theirs))
    return bool(ours == theirs)


def decoded(rapport: Rapport) -> dict[str, Profile]:
    """Everybody but tombstones."""
    found = {id_: decode_profile(id_, document) for id_, document in rapport.documents().items()}
    return {id_: profile for id_, profile in found.items() if profile.redirect != ERASED}


@pytest.mark.parametrize("lost", [("profile.changes",), ("profile.changes", "identity.changes")], ids=["docs", "both"])
def test_the_archive_brings_back_what_kafka_cannot(
    make_settings: Callable[..., Settings], tmp_path: Path, lost: Sequence[str]
) -> None:
    """Redis and compacted topics are lost, the first half is archived only: same customers, nothing told twice."""
    settings = make_settings(plan=PLAN, archive=str(tmp_path / "archive"))
    make_live(settings)
    with running(settings, tmp_path) as rapport:
        live_through_much(rapport)
        archive(rapport)
        forget_events(rapport)
        come_back(rapport, at(500))
        rapport.send("purchase", [*orders(300, 420), order(ERASED_USER, 2, at(501), 33.0)])
        rapport.send("web", [login(30, userId="user-10", anonymousId="browser-10")])
        until_quiet(rapport)
        rapport.stop_workers()
        before, told = decoded(rapport), [len(rapport.topic(name)) for name in TOLD]
        assert {one.case.state for one in before.values() if one.case is not None} >= {"new", "acknowledged"}
        mapping = in_redis(rapport.settings, lambda client: client.hgetall(IDENTITY_MAP))
        graph = linked(rapport.settings, events="identity.changes" not in lost)
        lose_redis(rapport.settings)
        lose_topics(rapport, *lost)
        summary = rebuild(rapport.settings, "--from", "archive", "--wait")
        after = decoded(rapport)

        assert summary["warnings"] == []
        assert before.keys() == after.keys()
        for id_, profile in before.items():
            ours, theirs = state_of(after[id_]), state_of(profile)
            assert {name: (ours[name], theirs[name]) for name in ours if not close_to(ours[name], theirs[name])} == {}
        assert in_redis(rapport.settings, lambda client: client.hgetall(IDENTITY_MAP)) == mapping
        assert linked(rapport.settings, events="identity.changes" not in lost) == graph
        assert [len(rapport.topic(name)) for name in TOLD] == told
        assert rebuild(rapport.settings, "--check")["same"]
        state = clock(rapport.settings)
        assert (state.phase, state.by) == ("filling", "rapport rebuild")
        assert state.live_since < time.time() - 50 * 86400.0

        expected = totals(rapport, USERS)
        rapport.start()
        rapport.send("web", [*visits(0, 6), *logins()])
        rapport.send("purchase", [*orders(0, 420), order("user-5", 9000, at(1), 12.5), order(ERASED_USER, 1, at(1))])
        until_quiet(rapport)
        count, revenue = expected["user-5"]
        assert expected[ERASED_USER] == (1, 3300)  # what came after the lift, which the archive has not heard of
        assert totals(rapport, USERS) == {**expected, "user-5": (count + 1, revenue + 1250)}


def linked(settings: Settings, *, events: bool) -> dict[bytes, object]:
    """What is linked to each profile; without the events, which nothing knows once `identity.changes` is lost."""
    held = in_redis(settings, lambda client: client.hgetall(IDENTITY.profiles))
    found = {id_: decode_linked(raw) for id_, raw in held.items()}
    return {id_: one if events else (one.identities, set(one.links)) for id_, one in found.items()}


def forget_events(rapport: Rapport) -> None:
    """As retention does: `profile.events` up to its present ends."""
    name = topic_name(rapport.settings, "profile.events")
    admin = KafkaAdminClient(bootstrap_servers=rapport.settings.kafka)
    admin.delete_records({TopicPartition(name, number): -1 for number in range(rapport.settings.partitions)})
    admin.close()


def lose_topics(rapport: Rapport, *names: str) -> None:
    """Delete topics and make them anew, empty."""
    admin = KafkaAdminClient(bootstrap_servers=rapport.settings.kafka)
    admin.delete_topics([topic_name(rapport.settings, name) for name in names])
    admin.close()
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        with contextlib.suppress(Misconfigured):
            ensure_topics(rapport.settings, rapport.plan)
            if not any(rapport.topic(name) for name in names):
                return
        time.sleep(0.5)
    raise AssertionError("the topics are still there")
