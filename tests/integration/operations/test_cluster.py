"""The same on a Redis Cluster of three masters: no command crosses a hash tag, and every profile is as on one node."""

from __future__ import annotations

import codecs
import contextlib
import os
import re
import socket
import sys
import threading
import time
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import httpx
import msgspec
import pytest
from pydantic import SecretStr
from redis.crc import key_slot

from console.local.embedded import Redis
from console.local.process import Process, Reaper, free_port
from console.local.resp import ask_redis
from profiles.documents import decode_profile
from profiles.types import Profile
from streams.settings import Settings
from tests.integration.rapport import PLAN, REPOSITORY, Rapport, environment, order, running, unranked, unranked_alerts
from tests.servers import RedisCluster

BUYERS = [f"buyer-{n}" for n in range(12)]
WEEKS = 26
START = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(weeks=WEEKS + 1)


def history() -> list[tuple[str, dict[str, Any]]]:
    """Half a year of a small shop: visits before and after logging in, orders, and half of the buyers fall silent."""
    events: list[tuple[datetime, str, dict[str, Any]]] = []
    for number, buyer in enumerate(BUYERS):
        came = START + timedelta(hours=number)
        browser = f"browser-{number}"
        for visit in range(3):
            at = came + timedelta(minutes=visit)
            event = {"type": "page", "name": "Home", "anonymousId": browser, "messageId": f"{browser}-{visit}"}
            events.append((at, "web", {**event, "properties": {}}))
        at = came + timedelta(minutes=10)
        login = {"type": "identify", "userId": buyer, "anonymousId": browser, "messageId": f"{buyer}-login"}
        events.append((at, "web", {**login, "traits": {"firstName": buyer.title()}}))
        for week in range(WEEKS if number % 2 else WEEKS // 3):
            at = came + timedelta(weeks=week, hours=1)
            events.append((at, "purchase", order(buyer, week, at.isoformat(), revenue=99.0)))
    events.sort(key=lambda event: event[0])
    return [
        (source, {**event, "timestamp": at.isoformat(), "receivedAt": at.isoformat()}) for at, source, event in events
    ]


def everybody(rapport: Rapport) -> dict[str, Profile]:
    """Every profile by its user_id, when all of history has been gone through."""
    found = {id_: decode_profile(id_, document) for id_, document in rapport.documents().items()}
    users = {user: p for p in found.values() if not p.redirect for user in p.identities.get("user_id", ())}
    assert sum(profile.purchases.orders for profile in users.values()) == ORDERS
    assert all("anonymous_id" in profile.identities for profile in users.values())
    return users


EVENTS = history()
ORDERS = sum(source == "purchase" for source, _ in EVENTS)


def play(rapport: Rapport) -> dict[str, Profile]:
    """Send the history as a load does, each source by itself, and wait until all of it is done."""

    def send() -> None:
        for source in ("web", "purchase"):
            rapport.send(source, [event for of, event in EVENTS if of == source])

    rapport.load("half a year", START.timestamp(), send)
    return everybody(rapport)


def essence(profile: Profile) -> dict[str, Any]:
    """What a profile says in the end: a function of the events and their times, but for what a census says when.

    And but for the risk of who is looked at once more at the very end, as of then: see `risk`.
    """
    told: dict[str, Any] = msgspec.to_builtins(
        {name: getattr(profile, name) for name in ("id", "created", "updated", "identities", "traits", "purchases")}
    )
    told["activity"] = msgspec.to_builtins(profile.activity)
    told["roles"] = msgspec.to_builtins(profile.roles)
    told["segments"] = sorted(unranked(profile))
    told["stages"] = [*profile.stages, (profile.stage, profile.stage_since)]
    told["alerts"] = {rule: (alert.state, alert.opened) for rule, alert in unranked_alerts(profile).items()}
    told["score"] = profile.score and profile.score.model
    rounded: dict[str, Any] = round_floats(told)
    return rounded


def risk(profile: Profile) -> float | None:
    """As of the last look."""
    return profile.score and profile.score.risk


def round_floats(value: Any) -> Any:
    """Nine digits: a decayed sum depends in its last ones on which events came together."""
    if isinstance(value, float):
        return float(f"{value:.9g}")
    if isinstance(value, dict):
        return {key: round_floats(held) for key, held in value.items()}
    if isinstance(value, list | tuple):
        return [round_floats(held) for held in value]
    return value


class OneNode(NamedTuple):
    """The history as one Redis has it, and all that this Redis was asked meanwhile."""

    url: str
    profiles: dict[str, Profile]
    commands: list[tuple[str, list[bytes]]]


@pytest.fixture(scope="module")
def one_node(kafka: str, reaper: Reaper, tmp_path_factory: pytest.TempPathFactory) -> Iterator[OneNode]:
    """Workers and the API on one Redis of their own."""
    place = tmp_path_factory.mktemp("one-node")
    server = Redis(place, reaper=reaper)
    server.start()
    server.ready(10)
    settings = settings_of(kafka, server.url)
    with monitored(server.url) as commands, running(settings, place) as rapport:
        profiles = play(rapport)
        see_through_the_api(settings, place, reaper, profiles)
    yield OneNode(server.url, profiles, commands)
    server.stop()


def settings_of(kafka: str, redis: str) -> Settings:
    """An installation of its own."""
    name = f"t{uuid.uuid4().hex[:10]}"
    return Settings(
        kafka=kafka, redis=SecretStr(redis), topic_prefix=f"{name}.", group=name, partitions=4, session_timeout=6.0,
        plan=PLAN, port=0, api_token=SecretStr("token-of-the-tests"),
    )  # fmt: skip


@pytest.mark.timeout(600)  # four minutes on a machine that does ten other things
def test_a_cluster_holds_the_same_profiles_as_one_node(
    one_node: OneNode, kafka: str, redis_cluster: RedisCluster, tmp_path: Path, reaper: Reaper
) -> None:
    """Events, merges, timers, segments and alerts on three masters and on one node; the API reads the cluster."""
    settings = settings_of(kafka, redis_cluster.url)
    with running(settings, tmp_path) as rapport:
        found = play(rapport)
        see_through_the_api(settings, tmp_path, reaper, found)
        assert "CROSSSLOT" not in rapport.logs()
        assert "same key slot" not in rapport.logs()

    assert found.keys() == one_node.profiles.keys() == set(BUYERS)
    for user, profile in found.items():
        assert essence(profile) == essence(one_node.profiles[user]), user
        assert risk(profile) == pytest.approx(risk(one_node.profiles[user]), rel=1e-3), user  # minutes lie between them
    assert any(alert.state == "open" for profile in found.values() for alert in unranked_alerts(profile).values())
    assert all(int(str(ask_redis(url, ["DBSIZE"])[0])) > 0 for url in redis_cluster.urls), "all masters hold some"


def see_through_the_api(settings: Settings, log_dir: Path, reaper: Reaper, found: dict[str, Profile]) -> None:
    """Every list and document that reads over all partitions."""
    with api_of(settings, log_dir, reaper) as api:
        customer = api.get("/v1/profiles/user_id:buyer-0").raise_for_status().json()
        assert customer["id"] == found["buyer-0"].id
        assert api.get("/v1/profiles/anonymous_id:browser-0").raise_for_status().json()["id"] == customer["id"]
        by_risk = api.get("/v1/profiles?order=risk&limit=50").raise_for_status().json()["data"]
        assert {row["id"] for row in by_risk} == {profile.id for profile in found.values()}
        sizes = {row["name"]: row["size"] for row in api.get("/v1/segments").raise_for_status().json()["data"]}
        name = next(name for profile in found.values() for name in unranked(profile))
        assert sizes[name] == sum(name in profile.segments for profile in found.values())
        members = api.get(f"/v1/profiles?segment={name}&order=risk").raise_for_status().json()["data"]
        assert len(members) == sizes[name]
        alerts = api.get("/v1/alerts").raise_for_status().json()["data"]
        assert {row["id"] for row in alerts} == {a.id for p in found.values() for a in p.alerts.values()}


def test_no_command_crosses_a_hash_tag(one_node: OneNode) -> None:
    """Every command that one node is sent, and that scripts issue there, keeps to one slot; and there are several."""
    crossing, several = check_slots(one_node.url, one_node.commands)

    assert crossing == []
    assert {"EVALSHA", "ZINTER"} <= several


def check_slots(url: str, commands: list[tuple[str, list[bytes]]]) -> tuple[list[str], set[str]]:
    """Commands that name keys of several slots, or leave their script's; and the names of all with several keys."""
    crossing, several = [], set()
    in_script: set[int] = set()
    for place, words in commands:
        name = words[0].decode().upper()
        keys = keys_of(url, name, words)
        slots = {key_slot(key) for key in keys}
        if len(keys) > 1:
            several.add(name)
        if len(slots) > 1 or (place == "lua" and not slots <= in_script):
            crossing.append(f"{place}: {name} {keys}")
        if place != "lua":
            in_script = slots
    return crossing, several


KEYLESS = set("AUTH HELLO CLIENT SELECT INFO TIME CONFIG PING SCRIPT MONITOR COMMAND ACL MULTI EXEC DBSIZE".split())
FIRST = set("HGET HSET HMGET HGETALL HSETNX HDEL HLEN HINCRBY HKEYS HSCAN HEXISTS HRANDFIELD".split())
FIRST |= set("ZADD ZREM ZCARD ZRANGE ZREVRANGE ZRANGEBYSCORE ZREVRANGEBYSCORE ZREMRANGEBYSCORE".split())
FIRST |= set("ZREMRANGEBYRANK ZSCORE ZCOUNT ZSCAN SADD SREM SMEMBERS SCARD SISMEMBER EXPIRE TYPE".split())


def keys_of(url: str, name: str, words: list[bytes]) -> list[bytes]:
    """The keys of a command. What is not known here is asked of the server, so that no new command goes unseen."""
    if name in KEYLESS:
        return []
    if name in FIRST:
        return [words[1]]
    if name in ("EVALSHA", "EVAL"):
        return words[3 : 3 + int(words[2])]
    if name in ("ZINTER", "ZUNION"):
        return words[2 : 2 + int(words[1])]
    return server_keys(url, words)


def server_keys(url: str, words: list[bytes]) -> list[bytes]:
    from redis import Redis as Client  # noqa: PLC0415  (for a command that this test does not know)

    with Client.from_url(url) as client:
        found: list[bytes | str] = client.execute_command("COMMAND GETKEYS", *words)
    return [key.encode() if isinstance(key, str) else key for key in found]


LINE = re.compile(rb'^\+\d+\.\d+ \[\d+ (\S+?)\] (".*")$', re.DOTALL)
WORD = re.compile(rb'"((?:[^"\\]|\\.)*)"', re.DOTALL)


@contextlib.contextmanager
def monitored(url: str) -> Iterator[list[tuple[str, list[bytes]]]]:
    """What a Redis is asked meanwhile: from where (`lua` for scripts), and the words. Complete after the block."""
    parts = urlsplit(url)
    said: list[tuple[str, list[bytes]]] = []
    connection = socket.create_connection((parts.hostname, parts.port), timeout=30)
    connection.sendall(f"AUTH {parts.password}\r\nMONITOR\r\n".encode())

    def read() -> None:
        with connection.makefile("rb") as lines:
            for line in lines:
                if found := LINE.match(line.rstrip(b"\r\n")):
                    words = [codecs.escape_decode(word)[0] for word in WORD.findall(found[2])]  # type: ignore[attr-defined]
                    said.append((found[1].decode().split(":")[0], words))
                    if words == [b"PING", b"the end"]:
                        return

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    try:
        yield said
    finally:
        ask_redis(url, ["PING", "the end"])
        reader.join(30)
        connection.close()
    assert not reader.is_alive()


@contextlib.contextmanager
def api_of(settings: Settings, log_dir: Path, reaper: Reaper) -> Iterator[httpx.Client]:
    """The support API as it really runs."""
    settings = settings.model_copy(update={"port": free_port()})
    env = {**os.environ, **environment(settings), "PYTHONPATH": str(REPOSITORY)}
    command = [sys.executable, "-P", "-m", "console", "console"]
    process = Process("support API", command, log_dir / "api.log", env=env, reaper=reaper)
    process.start()
    headers = {"Authorization": f"Bearer {settings.api_token.get_secret_value() if settings.api_token else ''}"}
    try:
        with httpx.Client(
            base_url=f"http://127.0.0.1:{settings.port}", headers=headers, timeout=30, trust_env=False
        ) as client:
            deadline = time.monotonic() + 120
            while not _ready(client):
                assert process.alive, process.tail()
                assert time.monotonic() < deadline, process.tail()
                time.sleep(0.2)
            yield client
    finally:
        process.stop()


def _ready(client: httpx.Client) -> bool:
    with contextlib.suppress(httpx.HTTPError):
        return client.get("/ready").status_code == 200
    return False
