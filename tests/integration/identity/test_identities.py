"""Who is who, through workers and the support API: explaining links, taking a wrong one back, erasing a customer."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
from pydantic import SecretStr

from console.http.serve import create_http
from profiles.store import Reader
from profiles.types import Profile
from streams.settings import Settings
from tests.console.serving import serving
from tests.integration.rapport import PLAN, Rapport, order, recently, running
from tests.properties.test_order_free import same

TOKEN = "for-tests-of-identities"


def at(number: float) -> str:
    return (_start() + timedelta(seconds=20 * number)).isoformat()


@cache
def _start() -> datetime:
    return datetime.fromisoformat(recently())


def visit(number: int, **who: Any) -> dict[str, Any]:
    return {"type": "page", "name": "Home", "messageId": f"visit-{number}", "timestamp": at(number), **who}


def says(number: int, email: str, **who: Any) -> dict[str, Any]:
    return {
        "type": "identify",
        "messageId": f"says-{number}",
        "timestamp": at(number),
        "traits": {"email": email},
        **who,
    }


@pytest.fixture
def installation(make_settings: Callable[..., Settings], tmp_path: Path) -> Iterator[tuple[Rapport, httpx.Client]]:
    settings = make_settings(plan=PLAN, api_token=SecretStr(TOKEN))
    with (
        running(settings, tmp_path) as rapport,
        serving(create_http(settings, rapport.plan, collect=False, api=True)) as url,
        httpx.Client(base_url=url, headers={"Authorization": f"Bearer {TOKEN}"}, timeout=30) as http,
    ):
        yield rapport, http


def settled(rapport: Rapport, identity: tuple[str, str], events: int, what: str) -> Profile:
    """The customer, once this many events have been applied."""
    held = rapport.plan.identity(*identity)
    assert held is not None

    async def there(reader: Reader) -> bool:
        profile = await reader.profile(await reader.resolve(held))
        return profile is not None and sum(activity.count for activity in profile.activity.values()) >= events

    rapport.until(there, what)

    async def read(reader: Reader) -> Profile:
        profile = await reader.profile(await reader.resolve(held))
        assert profile is not None
        return profile

    return rapport.read(read)


def plain(profile: Profile) -> dict[str, Any]:
    """What the events of a customer say, without what time and the way there add."""
    state = msgspec.to_builtins(profile)
    names = ("id", "created", "updated", "traits", "activity", "roles", "purchases", "tickets", "opinions")
    held = dict(zip(Profile.__struct_fields__, state, strict=True))
    return {name: held[name] for name in names} | {"identities": {k: set(v) for k, v in held["identities"].items()}}


def test_a_wrong_link_is_explained_and_taken_back(installation: tuple[Rapport, httpx.Client]) -> None:
    """Ann types Bob's address. Taken out, both are what they would have been, with what came before, in between and
    after; and the same wrong event later does not bring the link back."""
    rapport, http = installation
    events = [
        visit(1, anonymousId="ann-phone"),
        visit(2, userId="ann", anonymousId="ann-phone"),
        says(3, "bob@example.com", anonymousId="bob-laptop"),
        visit(4, anonymousId="bob-laptop"),
    ]
    rapport.send("web", events)
    rapport.send("purchase", [order("ann", 1, at(5), 30.0)])
    settled(rapport, ("user_id", "ann"), 3, "Ann")
    settled(rapport, ("email", "bob@example.com"), 2, "Bob")
    rapport.send("web", [says(6, "bob@example.com", userId="ann")])
    settled(rapport, ("user_id", "ann"), 6, "Ann and Bob as one")
    rapport.send("web", [visit(7, anonymousId="bob-laptop"), visit(8, anonymousId="ann-phone")])
    both = settled(rapport, ("user_id", "ann"), 8, "what came in between")
    assert http.get("/v1/profiles/email:bob@example.com").json()["id"] == both.id

    told = http.get("/v1/profiles/user_id:ann/links").json()
    joined = {one["type"]: [link["event"] for link in one["links"]] for one in told["identities"]}
    assert joined["user_id"] == []
    assert joined["email"] == ["says-6"]

    answer = http.post("/v1/profiles/email:bob@example.com/split", json={"apart_from": ["user_id:ann"], "by": "test"})
    assert answer.status_code in (200, 202), answer.text  # as long as it takes
    rapport.send("web", [visit(9, anonymousId="bob-laptop"), visit(10, anonymousId="ann-phone")])
    rapport.send("web", [says(11, "bob@example.com", userId="ann", anonymousId="ann-phone")])
    until = time.monotonic() + 120
    while http.get("/v1/splits").json()["data"]:
        assert time.monotonic() < until, rapport.logs()
        time.sleep(0.2)

    ann = settled(rapport, ("user_id", "ann"), 7, "Ann alone")
    bob = settled(rapport, ("email", "bob@example.com"), 4, "Bob alone")
    assert ann.id != bob.id
    # Had the link never been: the same events under other names, where Ann's typing says nothing of an address.
    rapport.send("web", [{**event, "messageId": f"again-{event['messageId']}", **who} for event, who in (
        (visit(1), {"anonymousId": "ann-phone-2"}), (visit(2), {"userId": "ann-2", "anonymousId": "ann-phone-2"}),
        (says(6, "bob@example.com"), {"userId": "ann-2", "traits": {}}), (visit(8), {"anonymousId": "ann-phone-2"}),
        (visit(10), {"anonymousId": "ann-phone-2"}), (says(11, ""), {"userId": "ann-2", "traits": {}}),
    )])  # fmt: skip
    rapport.send("purchase", [order("ann-2", 1, at(5), 30.0)])
    never = settled(rapport, ("user_id", "ann-2"), 7, "Ann as she would have been")
    ours, theirs = plain(ann), plain(never)
    for name in ("created", "updated", "activity", "roles", "purchases"):
        assert same(ours[name], theirs[name]), name
    assert plain(bob)["identities"].keys() == {"email", "anonymous_id"}
    assert plain(bob)["activity"]["web"][0] == 4
    assert set(ann.identities) == {"user_id", "anonymous_id"}
    rapport.send("web", [says(12, "bob@example.com", userId="ann", anonymousId="ann-tablet")])
    until = time.monotonic() + 30
    while not (refused := http.get("/v1/refusals").json()["data"]) or refused[0]["event"] != "says-12":
        assert time.monotonic() < until, refused
        time.sleep(0.2)
    assert (refused[0]["reason"], [one["type"] for one in refused[0]["refused"]]) == ("kept apart", ["email"])


def test_an_erased_customer_stays_erased(installation: tuple[Rapport, httpx.Client]) -> None:
    """Every identity's events are dropped afterwards, at ingest and at the tombstone; nothing of them is kept."""
    rapport, http = installation
    rapport.send(
        "web",
        [visit(20, anonymousId="evangeline-phone"), visit(21, userId="evangeline", anonymousId="evangeline-phone")],
    )
    rapport.send("web", [says(22, "evangeline@example.com", userId="evangeline")])
    rapport.send("purchase", [order("evangeline", 1, at(23), 12.0)])
    eve = settled(rapport, ("user_id", "evangeline"), 4, "Eve")

    exported = http.get("/v1/profiles/user_id:evangeline/export").json()
    assert len(exported["events"]) == 4
    assert all(event["purpose"] and event["owner"] for event in exported["events"])
    assert {trait["name"]: trait["value"] for trait in exported["traits"]}["email"] == "evangeline@example.com"

    answer = http.delete("/v1/profiles/email:evangeline@example.com", params={"by": "privacy desk"})
    receipt = answer.json()
    assert (answer.status_code, receipt["state"]) == (200, "done")
    assert {one["what"]: one["count"] for one in receipt["removed"]}["events counted in the profile"] == 4
    assert any("profile.events" in one["where"] and one["until"] for one in receipt["remains"])
    assert "evangeline" not in answer.text
    assert http.get(f"/v1/erasures/{receipt['id']}").json()["state"] == "done"

    for identity in (
        "user_id:evangeline",
        "email:evangeline@example.com",
        "anonymous_id:evangeline-phone",
        f"profile_id:{eve.id}",
    ):
        assert http.get(f"/v1/profiles/{identity}").status_code == 404, identity
    time.sleep(1.5)  # ingest looks for new suppression entries once a second
    late = [visit(24, anonymousId="evangeline-phone"), visit(25, userId="evangeline"), visit(21, userId="evangeline"),
            visit(26, userId="zoe", anonymousId="evangeline-phone")]  # fmt: skip
    rapport.send("web", late)
    zoe = settled(rapport, ("user_id", "zoe"), 1, "Zoe, on Eve's phone")
    assert set(zoe.identities) == {"user_id"}
    for identity in ("user_id:evangeline", "anonymous_id:evangeline-phone"):
        assert http.get(f"/v1/profiles/{identity}").status_code == 404, identity
    rejected = [msgspec.json.decode(record.value) for record in rapport.topic("events.rejected")]
    dropped = [one for one in rejected if one["reason"] == "erased"]
    assert len(dropped) == 3
    assert {one["payload"] for one in dropped} == {""}
    newest = {record.key.decode(): record.value for record in rapport.topic("profile.changes")}
    assert newest[eve.id] is None
