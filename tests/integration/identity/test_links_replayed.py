"""`identity.links` is read again from its beginning: the same owners, and nobody's profile changes."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

from profiles.documents import decode_profile
from profiles.stores.keys import IDENTITY, IDENTITY_MAP
from streams.settings import Settings
from tests.integration.rapport import PLAN, order, recently, running
from tests.integration.rebuild.rebuilding import Content, everything, in_redis, until_quiet


def history() -> list[dict[str, Any]]:
    """Forty people who share twelve browsers and some addresses, so that many a link is refused by a limit."""
    chance = random.Random(4)
    events = []
    for number in range(400):
        who = f"user-{chance.randrange(40)}"
        event = order(who, number, recently(number, 400), anonymousId=f"browser-{chance.randrange(12)}")
        if chance.random() < 0.3:
            event["context"] = {"traits": {"email": f"{chance.randrange(30)}@example.com"}}
        if chance.random() < 0.2:
            del event["userId"]
        events.append(event)
    return events


def owners(content: Content) -> Content:
    """Whose each identity is. How that came about is told anew where an identity has moved: it is claimed again."""
    return content[IDENTITY_MAP]


def customers(content: Content) -> Content:
    """What events have made of every profile, also of those that were merged away."""
    found: Content = {}
    for key, documents in content.items():
        if key.endswith(":profiles") and not key.startswith(IDENTITY.tag):
            for id_, document in documents.items():
                held = decode_profile(id_.decode(), document)
                found[held.id] = held.redirect, held.identities, held.purchases, held.roles, held.seen
    return found


def test_replaying_the_requests_gives_the_same_links_and_changes_nobody(
    make_settings: Callable[..., Settings], tmp_path: Path
) -> None:
    """The linker's part of Redis is lost, and read again in batches of another size."""
    settings = make_settings(plan=PLAN, batch=100)
    with running(settings, tmp_path) as rapport:
        rapport.send("purchase", history())
        until_quiet(rapport)
        rapport.stop_workers()
        before = everything(settings)
        assert len(before[IDENTITY.profiles]) > 10
        assert len(before[f"{IDENTITY.tag}:refused"]) > 50
        assert before[f"{IDENTITY.tag}:claims"]
        assert not before.get(f"{IDENTITY.tag}:splitting")

        async def lose(client: Any) -> None:
            await client.delete(*[key async for key in client.scan_iter(match=f"{IDENTITY.tag}:*")])

        in_redis(settings, lose)
        rapport.settings = settings.model_copy(update={"batch": 7})
        rapport.start()
        until_quiet(rapport)
        rapport.stop_workers()
        after = everything(settings)

        assert not after.get(f"{IDENTITY.tag}:splitting")
        assert owners(after) == owners(before)
        assert customers(after) == customers(before)
