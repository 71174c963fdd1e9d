"""The plan as it ships and the web key that anybody can read: what a stranger sends over HTTP about a customer."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
from pydantic import SecretStr

from console.views.profile import profile_view
from console.views.timeline import timeline_view
from plan import load_plan
from profiles.identity.signatures import signature_of
from profiles.store import Reader
from profiles.types import Identity, Profile
from streams.settings import Settings
from tests.console.collecting import collecting, wait_until_ready
from tests.integration.rapport import SHIPPED, Rapport, order, recently, running

KEY = "for-tests-of-signatures"


def test_a_stranger_with_the_web_key_changes_nothing_that_counts(
    make_settings: Callable[..., Settings], tmp_path: Path
) -> None:
    """Orders, refunds, consent, marks and traits of a customer, and a link to somebody else's address: all of it is
    seen and none of it counts, until the order system confirms one; the customer's own signed word counts."""
    path = tmp_path / "tracking_plan.yaml"
    path.write_text(SHIPPED.read_text().replace("verify_user_ids: off", "verify_user_ids: optional"))
    settings = make_settings(plan=path, user_id_key=SecretStr(KEY))
    plan = load_plan(path, {"RAPPORT_USER_ID_KEY": KEY})
    with running(settings, tmp_path) as rapport, collecting(settings, plan) as collector:
        wait_until_ready(collector)

        def send(source: str, *events: dict[str, Any]) -> None:
            key = plan.sources[source].write_key.get_secret_value()
            body = {"batch": [{"timestamp": recently(), **event} for event in events]}
            answer = httpx.post(f"{collector.url}/v1/batch", json=body, auth=(key, ""), timeout=30.0)
            assert answer.json() == {"success": True}

        def track(name: str, **properties: Any) -> dict[str, Any]:
            return {"type": "track", "event": name, "userId": "ada", "anonymousId": "evil", "properties": properties}

        ada = {"type": "identify", "userId": "ada", "traits": {"email": "ada@x.org", "country": "NL"}}
        send("purchase", ada)
        send("support", {"type": "identify", "traits": {"email": "bob@x.org"}})
        send(
            "web",
            order("ada", 1, recently(), 9_999.0),
            order("ada", 2, recently(), 10.0),
            track("Consent Updated", purpose="outreach", granted=False),
            track("CSAT Answered", score=1),
            track("Unsubscribed"),
            {**ada, "anonymousId": "evil", "traits": {"email": "bob@x.org", "country": "BE"}},
            {"type": "page", "userId": "ada", "context": {"userIdSignature": "0" * 64}, "anonymousId": "evil"},
            track("Signed In"),
        )
        send("purchase", order("ada", 2, recently(), 10.0) | {"messageId": "ada-2-placed"})
        profile = settled(rapport, ("user_id", "ada"), {"web": 8, "purchase": 2})

        view = profile_view(profile, profile.updated, plan)
        assert (profile.purchases.orders, profile.purchases.revenue) == (1, {"EUR": 1000})
        assert profile.roles.keys() == {"purchase", "login", "visit"}
        assert {name: figure.value for name, figure in view.traits.items()} == {"email": "ada@x.org", "country": "NL"}
        assert view.consent["outreach"].source == "default"
        assert view.claims is not None
        assert {name: figure.value for name, figure in view.claims.traits.items()} == {
            "email": "bob@x.org", "country": "BE", "consent.outreach": False,
        }  # fmt: skip
        shown = {(event.source, event.name, event.about): event.claimed for event in timeline_view(profile, 24, plan)}
        assert shown["web", "Order Completed", "ada-1"] == shown["web", "CSAT Answered", None] == "unconfirmed"
        assert shown["web", "Order Completed", "ada-2"] == "confirmed"
        assert shown["purchase", "Order Completed", "ada-2"] is shown["web", "Signed In", None] is None
        assert resolved(rapport, ("email", "bob@x.org")) != profile.id

        said = track("Consent Updated", purpose="outreach", granted=False)
        send("web", {**said, "context": {"userIdSignature": signature_of(KEY.encode(), "ada")}})
        profile = settled(rapport, ("user_id", "ada"), {"web": 9, "purchase": 2})
        assert not plan.consent.allows(profile, "outreach")


def resolved(rapport: Rapport, identity: Identity) -> str:
    held = rapport.plan.identity(*identity)
    assert held is not None

    async def read(reader: Reader) -> str:
        return await reader.resolve(held)

    return rapport.read(read)


def settled(rapport: Rapport, identity: Identity, counts: dict[str, int]) -> Profile:
    """The customer, once so many events of each source have been applied."""

    async def read(reader: Reader) -> Profile | None:
        return await reader.profile(await reader.resolve(identity))

    async def there(reader: Reader) -> bool:
        profile = await read(reader)
        return profile is not None and {name: seen.count for name, seen in profile.activity.items()} == counts

    rapport.until(there, f"{identity} with {counts}")
    profile = rapport.read(read)
    assert profile is not None
    return profile
