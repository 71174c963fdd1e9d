"""From an event on a source topic to a profile, on real servers."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from profiles.documents import decode_profile, encode_profile
from profiles.store import Reader
from profiles.types import Profile
from streams.kafka.admin import Lag, lag
from streams.kafka.topics import topic_name
from streams.settings import Settings
from tests.integration.rapport import PATIENCE, PLAN, RANKED, Rapport, order, recently, running, totals, unranked

NOW = datetime.now(UTC)


def ago(days: float) -> str:
    return (NOW - timedelta(days=days)).isoformat()


@pytest.fixture
def rapport(make_settings: Callable[..., Settings], tmp_path: Path) -> Iterator[Rapport]:
    with running(make_settings(plan=PLAN), tmp_path) as instance:
        yield instance


def orders_of(user: str, count: int) -> Callable[[Reader], Any]:
    async def ask(reader: Reader) -> bool:
        profile = await reader.profile(await reader.resolve(("user_id", user)))
        return profile is not None and profile.purchases.orders >= count

    return ask


def test_events_become_scored_profiles_and_every_output(rapport: Rapport) -> None:
    """Orders make a profile with a score, its reasons and its model; documents and segments reach their topics.

    They are of the past, so on the way to now segments may have been left again: the latest change of each counts.
    """
    rapport.send("purchase", [order("ada", n, ago(112 - 20 * n), 12.34) for n in range(4)])
    rapport.until(orders_of("ada", 4), "ada's orders")
    rapport.until_live()

    async def ada(reader: Reader) -> Any:
        return await reader.profile(await reader.resolve(("user_id", "ada")))

    profile = rapport.read(ada)
    assert profile.purchases.revenue == {"EUR": 4 * 1234}
    assert profile.identities == {"user_id": {"ada": pytest.approx((NOW - timedelta(days=112)).timestamp(), abs=1)}}
    assert 0 < profile.score.risk < 1
    assert profile.score.model
    assert profile.score.reasons
    assert profile.scheduled_at > NOW.timestamp()
    assert profile.stage

    changes = [record for record in rapport.topic("profile.changes") if record.key == profile.id.encode()]
    assert decode_profile(profile.id, changes[-1].value) == profile
    told = [json.loads(record.value) for record in rapport.topic("segment.changes")]
    latest = {change["segment"]: change["change"] for change in told if change["segment"] not in RANKED}
    assert {name for name, change in latest.items() if change == "entered"} == unranked(profile)


def test_what_cannot_be_accepted_is_kept_with_bytes_step_and_reason(rapport: Rapport) -> None:
    """Poison, an unplanned event, a violation and nobody's event are rejected; the good one among them goes on."""
    good = order("bob", 1, recently())
    bad: list[tuple[Any, str, str]] = [
        (b"\xff\xfe not json", "decode", "invalid_json"),
        (b"[1, 2]", "decode", "invalid_event"),
        ({"type": "track", "event": "No Such Event", "userId": "bob"}, "check", "unplanned"),
        ({**order("bob", 2, recently()), "properties": {"revenue": "much"}}, "check", "plan_violation"),
        ({**order("bob", 3, recently()), "userId": "undefined"}, "identify", "no_identity"),
    ]
    rapport.send("purchase", [event for event, _, _ in bad] + [good])
    rapport.until(orders_of("bob", 1), "bob's order")

    kept = {}
    for record in rapport.topic("events.rejected"):
        rejection = json.loads(record.value)
        kept[base64.b64decode(rejection["payload"])] = (rejection["step"], rejection["reason"], rejection["offset"])
    for event, step, reason in bad:
        payload = event if isinstance(event, bytes) else json.dumps(event).encode()
        assert kept[payload][:2] == (step, reason)
        assert kept[payload][2] >= 0
    assert len(kept) == len(bad)
    assert totals(rapport, ["bob"]) == {"bob": (1, 1000)}


def test_what_is_done_is_committed(rapport: Rapport, apache_kafka: str) -> None:
    """Once all is applied the group's offsets are the ends of the source topics: a restart reads nothing again."""
    sent = rapport.send("purchase", [order(f"gus-{n % 7}", n, recently(n, 500)) for n in range(500)])
    name = topic_name(rapport.settings, "events.purchase")
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        [behind] = lag(rapport.settings, [name])
        if behind.read and behind.records == 0:
            break
        time.sleep(0.5)

    assert sent == 500
    assert behind == Lag(name, 0, True)


def test_repeats_count_once(rapport: Rapport) -> None:
    """The same messageId again, in the same and in a later batch, changes nothing."""
    events = [order("cleo", n, recently(n, 12)) for n in range(10)]
    rapport.send("purchase", events + events)
    rapport.until(orders_of("cleo", 10), "cleo's orders")
    rapport.send("purchase", [*events, order("cleo", 99, recently(11, 12))])
    rapport.until(orders_of("cleo", 11), "cleo's last order")

    assert totals(rapport, ["cleo"]) == {"cleo": (11, 11_000)}


def test_an_anonymous_visitor_who_logs_in_becomes_one_profile(rapport: Rapport) -> None:
    """What was done before logging in, and what still arrives for the visitor afterwards, is the customer's."""
    visit = {"type": "page", "name": "Home", "anonymousId": "browser-1", "properties": {}}

    def page(number: int) -> dict[str, Any]:
        return {**visit, "messageId": f"visit-{number}", "timestamp": recently(0, 2)}

    async def pages(reader: Reader) -> int:
        profile = await reader.profile(await reader.resolve(("anonymous_id", "browser-1")))
        return profile.activity["web"].count if profile and "web" in profile.activity else 0

    async def merged(reader: Reader) -> bool:
        same = await reader.resolve(("anonymous_id", "browser-1")) == await reader.resolve(("user_id", "dora"))
        return same and await pages(reader) == 6

    async def two(reader: Reader) -> bool:
        return await pages(reader) == 2

    rapport.send("web", [page(1), page(2)])
    rapport.until(two, "two anonymous pages")
    login = {
        "type": "identify",
        "userId": "dora",
        "anonymousId": "browser-1",
        "messageId": "login",
        "timestamp": recently(1, 2),
    }
    rapport.send("web", [{**login, "traits": {"firstName": "Dora"}}, page(3), page(4), page(1)])
    rapport.send("web", [{**page(5), "userId": "dora"}])
    rapport.until(merged, "the visitor to become dora")

    async def dora(reader: Reader) -> Any:
        return await reader.profile(await reader.resolve(("user_id", "dora")))

    profile = rapport.read(dora)
    assert profile.traits["firstName"][0] == "Dora"
    assert set(profile.identities) == {"user_id", "anonymous_id"}

    async def count(reader: Reader) -> int:
        return await reader.count()

    assert rapport.read(count) == 1
    mapping = [json.loads(record.value) for record in rapport.topic("identity.changes")]
    assert {(tuple(told["identity"]), told["profile"]) for told in mapping if "profile" in told} == {
        (("anonymous_id", "browser-1"), profile.id)
    }


def test_profile_documents_survive_a_round_trip() -> None:
    """The compacted topic carries what the store holds, byte for byte."""
    profile = Profile("a" * 32, created=1.0)
    assert decode_profile(profile.id, encode_profile(profile)) == profile
    tombstone = Profile("a" * 32, redirect="b" * 32)
    assert decode_profile(tombstone.id, encode_profile(tombstone)) == tombstone
