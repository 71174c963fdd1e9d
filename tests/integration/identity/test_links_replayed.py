"""`identity.links` is read again from its beginning: the same links and refusals, and nobody's profile changes."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
from msgspec.structs import replace

from profiles.documents import decode_profile
from profiles.identity.links import Refusal, decode_linked
from profiles.stores.keys import IDENTITY
from streams.settings import Settings
from tests.integration.rapport import PLAN, order, recently, running
from tests.integration.rebuild.rebuilding import Content, everything, in_redis, until_quiet

_refusal = msgspec.msgpack.Decoder(Refusal).decode


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


def decisions(content: Content) -> Content:
    """Who is who and why, without when that was decided."""

    def undated(key: str, value: Any) -> Any:
        if key == IDENTITY.profiles:
            linked = {who: decode_linked(raw) for who, raw in value.items()}
            return {
                who: (
                    one.identities,
                    {joined: [replace(link, decided=0.0) for link in links] for joined, links in one.links.items()},
                )
                for who, one in linked.items()
            }
        if key.endswith(":refused"):
            return {slot: replace(_refusal(raw), decided=0.0) for slot, raw in value.items()}
        if key == IDENTITY.meta:
            return {name: held for name, held in value.items() if name != b"nonce"}  # every commit has its own
        return value

    return {key: undated(key, value) for key, value in content.items() if key.startswith(IDENTITY.tag)}


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

        async def lose(client: Any) -> None:
            await client.delete(*[key async for key in client.scan_iter(match=f"{IDENTITY.tag}:*")])

        in_redis(settings, lose)
        rapport.settings = settings.model_copy(update={"batch": 7})
        rapport.start()
        until_quiet(rapport)
        rapport.stop_workers()
        after = everything(settings)

        assert decisions(after) == decisions(before)
        assert customers(after) == customers(before)
