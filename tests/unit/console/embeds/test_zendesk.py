"""Zendesk's first request: its token opens the page for one agent, once; any other token opens nothing."""

from __future__ import annotations

import base64
import hmac
import json
import re
import time
from functools import cache
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import RSAKey

from console.embeds.setup import Zendesk
from console.embeds.zendesk import SDK
from profiles.errors import WrongUse
from profiles.stores.access import Role
from tests import REPOSITORY
from tests.console.embedding import ADA, OURS, World, run

SHOP = "https://shop.zendesk.com"
AUDIENCE = f"{SHOP}/api/v2/apps/installations/123.json"


@cache
def key() -> RSAKey:
    return RSAKey.generate_key(2048, private=True)


@cache
def another() -> RSAKey:
    return RSAKey.generate_key(2048, private=True)


def public() -> str:
    return key().as_pem(private=False).decode()


def app(role: Role | None = "agent") -> dict[str, Any]:
    return {"origins": (), "zendesk": Zendesk(public(), AUDIENCE, role)}


def token(header: dict[str, Any] | None = None, signer: Any = None, **claims: Any) -> str:
    """As Zendesk makes them, with made-up values; None leaves a claim out."""
    now = int(time.time())
    said = {
        "iss": "shop.zendesk.com", "sub": f"{SHOP}/api/v2/users/900", "aud": AUDIENCE, "iat": now, "nbf": now - 5,
        "exp": now + 300, "jti": "0a1b", **claims,
    }  # fmt: skip
    said = {name: value for name, value in said.items() if value is not None}
    algorithm = (header or {}).get("alg", "RS256")
    return jwt.encode({"alg": algorithm}, said, signer or key(), algorithms=[algorithm])


def parts(algorithm: str) -> bytes:
    """Header and claims, as they are signed."""
    claims = {"sub": f"{SHOP}/api/v2/users/900", "aud": AUDIENCE, "exp": time.time() + 60}
    return b".".join(coded(json.dumps(one).encode()) for one in ({"alg": algorithm, "typ": "JWT"}, claims))


def coded(part: bytes) -> bytes:
    return base64.urlsafe_b64encode(part).rstrip(b"=")


def unsigned() -> str:
    return parts("none").decode() + "."


def by_the_public_key() -> str:
    """Signed with what anybody knows, as if it were a secret."""
    signed = parts("HS256")
    return b".".join((signed, coded(hmac.digest(public().encode(), signed, "sha256")))).decode()


async def look(world: World, given: str) -> str:
    answer = await world.look(given, SHOP)
    assert answer.status_code == 200
    return answer.text


def given_by(page: str) -> str:
    [found] = re.findall(r'data-token="([^"]+)"', page)
    return str(found)


@pytest.mark.parametrize(("role", "shown", "acts"), [("agent", "Ada Lovelace", True), (None, "A. L.", False)])
def test_an_agent_sees_as_the_setting_says(role: Role | None, shown: str, acts: bool) -> None:
    async def test(world: World) -> None:
        page = await world.http.post("/embed/zendesk?origin=x&app_guid=y", data={"token": token()})
        policy = page.headers["content-security-policy"]
        assert f"frame-ancestors {SHOP}" in policy
        assert f"script-src 'self' {SDK};" in policy
        assert "Ada" not in page.text
        seen = await look(world, given_by(page.text))
        assert shown in seen
        assert ("dialog" in seen) is acts
        assert world.rows() == [("zendesk:900", "embed", "profile.view", ADA.id)]
        decided = await world.http.post(
            "/embed/cases/acknowledge",
            data={"case": "none"},
            headers={"X-Rapport-Embed": given_by(page.text), "X-Rapport-Embed-Origin": SHOP, **OURS},
        )
        assert decided.status_code == (200 if acts else 403)

    run(test, **app(role))


HOUR = 3600
WRONG: dict[str, Any] = {
    "none": lambda: "",
    "no-token": lambda: "x.y.z",
    "another-key": lambda: token(signer=another()),
    "another-installation": lambda: token(aud=AUDIENCE.replace("123", "124")),
    "no-audience": lambda: token(aud=None),
    "expired": lambda: token(exp=time.time() - 61, nbf=None, iat=time.time() - HOUR),
    "not-yet": lambda: token(nbf=time.time() + 120),
    "endless": lambda: token(exp=time.time() + 2 * HOUR),
    "without-an-end": lambda: token(exp=None),
    "an-odd-end": lambda: token(exp="tomorrow"),
    "nobody": lambda: token(sub=None),
    "of-another-shop": lambda: token(sub="https://other.zendesk.com/api/v2/users/900"),
    "alg-none": unsigned,
    "by-the-public-key": by_the_public_key,
    "another-algorithm": lambda: token({"alg": "RS512"}),
    "tampered": lambda: ".".join([*token().split(".")[:1], token(sub=f"{SHOP}/api/v2/users/1").split(".")[1], "AA"]),
}


@pytest.mark.parametrize("way", WRONG)
def test_another_token_opens_nothing(way: str) -> None:
    async def test(world: World) -> None:
        page = await world.http.post("/embed/zendesk", data={"token": WRONG[way]()})
        assert page.status_code == 401
        assert "data-token" not in page.text

    run(test, **app())


def test_a_token_is_used_once_and_a_get_shows_nothing() -> None:
    async def test(world: World) -> None:
        given = token()
        assert (await world.http.post("/embed/zendesk", data={"token": given})).status_code == 200
        assert (await world.http.post("/embed/zendesk", data={"token": given})).status_code == 401
        assert (await world.http.get("/embed/zendesk")).status_code == 405

    run(test, **app())


def test_its_frame_is_no_page_for_other_tools() -> None:
    """Nobody gets a token of Zendesk's frame by a session, nor one of another tool by Zendesk."""

    async def test(world: World) -> None:
        assert (await world.token(SHOP)).status_code == 403
        assert (await world.http.get("/embed/customer")).status_code == 404
        page = await world.http.post("/embed/zendesk", data={"token": token()})
        assert (await world.look(given_by(page.text), "https://chat.example.com")).status_code == 401

    run(test, **app())


def test_a_key_that_is_none_is_named() -> None:
    async def test(_: World) -> None: ...

    with pytest.raises(WrongUse, match="RAPPORT_ZENDESK_KEY"):
        run(test, origins=(), zendesk=Zendesk("no key", AUDIENCE))


def test_the_manifest_asks_for_signed_pages_beside_tickets() -> None:
    folder = REPOSITORY / "docs" / "embeds" / "zendesk"
    manifest = json.loads((folder / "manifest.json").read_text())
    place = manifest["location"]["support"]["ticket_sidebar"]
    assert manifest["signedUrls"] is True
    assert place["url"].startswith("https://")
    assert place["url"].endswith("/embed/zendesk")
    assert (folder / "translations" / f"{manifest['defaultLocale']}.json").exists()
