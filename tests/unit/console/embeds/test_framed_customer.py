"""The frame's routes: what lets in, what does not, what browsers are told, what is written down."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import replace

import msgspec
import pytest
from starlette.requests import Request

from console.access.people import People
from console.access.sessions import Sessions
from console.embeds.embed_tokens import EmbedTokens
from console.embeds.gate import Gate, Limits
from console.pages.headers import HEADERS
from profiles.stores.access import Account, Role
from tests.console.embedding import ADA, CHAT, OURS, World, run


def test_only_the_named_tools_may_hold_the_frame_and_nothing_else_changes() -> None:
    async def test(world: World) -> None:
        frame = await world.http.get("/embed/customer")
        assert frame.status_code == 200
        assert f"frame-ancestors {CHAT} http://localhost:3000" in frame.headers["content-security-policy"]
        assert "script-src 'self';" in frame.headers["content-security-policy"]
        assert "x-frame-options" not in frame.headers
        assert "cross-origin-opener-policy" not in frame.headers
        for path in ("/sign-in", f"/embed/allow?origin={CHAT}", "/embed/allow/done", "/embed/allow/in"):
            page = await world.http.get(path)
            assert page.headers["content-security-policy"] == HEADERS["Content-Security-Policy"], path
        window = await world.http.get(f"/embed/allow?origin={CHAT}")
        assert window.headers["cross-origin-opener-policy"] == "unsafe-none"
        assert (await world.http.get("/embed/allow?origin=https://evil.example.com")).status_code == 403

    run(test)


def test_who_looks_by_a_stream_of_a_frame_alone_is_written_down() -> None:
    async def test(world: World) -> None:
        given = (await world.token()).json()
        headers = {"X-Rapport-Embed": given["token"], "X-Rapport-Embed-Origin": CHAT, **OURS}
        for _ in range(2):
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(world.http.get(f"/embed/live/{ADA.id}", headers=headers), 0.3)
        assert world.rows()[1:] == [("kim", "embed", "profile.view", ADA.id)]

    run(test)


def test_without_a_tool_there_is_nothing() -> None:
    async def test(world: World) -> None:
        for path in ("/embed/customer", "/embed/allow", "/embed/live/x"):
            assert (await world.http.get(path)).status_code == 404
        assert (await world.token()).status_code == 404

    run(test, origins=())


def test_a_token_shows_one_customer_after_the_other_and_each_look_is_written_down() -> None:
    async def test(world: World) -> None:
        given = (await world.token()).json()
        assert given["seconds"] == 900
        page = await world.look(given["token"], CHAT, "loyalty_number:9", "user_id:7654321")
        assert page.status_code == 200
        assert "Ada Lovelace" in page.text
        assert f'hx-sse:connect="/embed/live/{ADA.id}"' in page.text
        unknown = await world.look(given["token"], CHAT, "user_id:1", "no identity", "x" * 600)
        assert "Nobody is known here" in unknown.text
        assert world.rows() == [
            ("kim", "page", "embed.token", "kim"),
            ("kim", "embed", "profile.view", ADA.id),
            ("kim", "embed", "profile.view", ""),
        ]

    run(test)


@pytest.mark.parametrize(
    ("token", "origin", "headers"),
    [
        ("", CHAT, {}),
        ("forged", CHAT, {}),
        ("RIGHT", "https://evil.example.com", {}),
        ("RIGHT", "http://localhost:3000", {}),  # a tool, but not the one it was given for
        ("RIGHT", CHAT, {"Sec-Fetch-Site": "cross-site"}),
        ("RIGHT", CHAT, {"Sec-Fetch-Site": "same-site"}),
        ("COOKIE", CHAT, {}),
    ],
    ids=["none", "forged", "other-origin", "other-tool", "cross-site", "same-site", "cookie"],
)
def test_nothing_else_lets_in(token: str, origin: str, headers: dict[str, str]) -> None:
    async def test(world: World) -> None:
        right = (await world.token()).json()["token"]
        cookie = {"Cookie": f"rapport={world.cookie}"} if token == "COOKIE" else {}
        answer = await world.look(
            {"RIGHT": right, "COOKIE": world.cookie}.get(token, token), origin, **headers, **cookie
        )
        assert answer.status_code == 401
        assert "Ada" not in answer.text

    run(test)


def test_a_token_opens_nothing_but_the_frame() -> None:
    async def test(world: World) -> None:
        right = (await world.token()).json()["token"]
        bearer = await world.http.get("/v1/profiles", headers={"Authorization": f"Bearer {right}"})
        assert bearer.status_code == 401
        page = await world.http.get("/customers", headers={"Cookie": f"rapport={right}"})
        assert page.headers["location"].startswith("/sign-in")

    run(test)


def test_a_token_is_made_by_a_page_of_ours_for_who_is_signed_in_and_for_a_tool() -> None:
    async def test(world: World) -> None:
        assert (await world.token("https://evil.example.com")).status_code == 403
        assert (await world.token(**{"Sec-Fetch-Site": "cross-site"})).status_code == 403
        assert (await world.token(Cookie="rapport=nobody")).status_code == 303

    run(test)


@pytest.mark.parametrize(
    ("role", "acts", "shown"), [("agent", True, "Ada Lovelace"), ("analyst", False, "A. L."), ("admin", True, "Ada L")]
)
def test_roles_and_masking_are_those_of_the_console(role: Role, acts: bool, shown: str) -> None:
    async def test(world: World) -> None:
        right = (await world.token()).json()["token"]
        page = await world.look(right)
        assert shown in page.text
        assert ("dialog" in page.text) is acts
        decided = await world.http.post(
            "/embed/cases/acknowledge",
            data={"case": "none"},
            headers={"X-Rapport-Embed": right, "X-Rapport-Embed-Origin": CHAT, **OURS},
        )
        assert decided.status_code == (200 if acts else 403)

    run(test, role)


def test_a_frame_renews_its_token_until_its_session_is_over() -> None:
    async def test(world: World) -> None:
        first = (await world.token()).json()["token"]
        headers = {"X-Rapport-Embed": first, "X-Rapport-Embed-Origin": CHAT, **OURS}
        second = (await world.http.post("/embed/renew", headers=headers)).json()["token"]
        assert second != first
        assert (await world.look(second)).status_code == 200
        await Sessions(world.deps.access).end(world.cookie)
        assert (await world.look(second)).status_code == 401
        again = await world.http.post("/embed/renew", headers=headers | {"X-Rapport-Embed": second})
        assert again.status_code == 401

    run(test)


def test_a_frame_that_is_made_anew_goes_on_by_a_cookie_of_one_route() -> None:
    async def test(world: World) -> None:
        first = (await world.token()).json()["token"]
        headers = {"X-Rapport-Embed": first, "X-Rapport-Embed-Origin": CHAT, **OURS}
        said = (await world.http.post("/embed/renew", headers=headers)).headers["set-cookie"]
        cookie, _, attributes = said.partition("; ")
        assert attributes == "Max-Age=900; Path=/embed/resume; Secure; HttpOnly; SameSite=None; Partitioned"
        world.http.cookies.clear()

        anew = {"X-Rapport-Embed-Origin": CHAT, "Cookie": cookie, **OURS}
        given = await world.http.post("/embed/resume", headers=anew)
        assert (await world.look(given.json()["token"])).status_code == 200
        world.http.cookies.clear()
        wrong: list[dict[str, str]] = [
            {"X-Rapport-Embed-Origin": "http://localhost:3000"},
            {"X-Rapport-Embed-Origin": ""},
            {"Sec-Fetch-Site": "cross-site"},
            {"Cookie": "__Secure-rapport-embed=forged"},
            {"Cookie": f"__Secure-rapport-embed={world.cookie}"},
            {"Cookie": f"rapport={world.cookie}"},
        ]
        for one in wrong:
            assert (await world.http.post("/embed/resume", headers=anew | one)).status_code == 401, one
        assert (await world.http.post("/embed/look", data={"identity": "user_id:1"}, headers=anew)).status_code == 401
        await Sessions(world.deps.access).end(world.cookie)
        assert (await world.http.post("/embed/resume", headers=anew)).status_code == 401

    run(test)


def test_a_session_lasts_longer_by_a_look_and_not_by_a_frame_that_is_open() -> None:
    async def test(world: World) -> None:
        right = (await world.token()).json()["token"]
        [(digest, session)] = (await world.deps.access.sessions("kim")).items()
        await world.deps.access.put_session(digest, msgspec.structs.replace(session, seen=session.seen - 100), 60.0)
        gate = Gate(EmbedTokens(world.deps.access, world.deps.embeds), world.audit, Limits())
        headers = [(b"x-rapport-embed", right.encode()), (b"x-rapport-embed-origin", CHAT.encode())]
        stream = Request({"type": "http", "headers": [*headers, (b"sec-fetch-site", b"same-origin")]})

        assert (await gate.may("profiles:read", what="look", asks=False)(stream)).name == "kim"
        held = await world.deps.access.session(digest)
        assert held is not None
        assert held.seen == session.seen - 100
        assert (await world.look(right)).status_code == 200
        held = await world.deps.access.session(digest)
        assert held is not None
        assert held.seen >= session.seen

    run(test)


def test_who_is_disabled_or_has_another_role_sees_so_at_once() -> None:
    async def test(world: World) -> None:
        right = (await world.token()).json()["token"]
        await world.deps.access.put_account(Account(name="root", role="admin"))
        await People(world.deps.access).give_role("kim", "analyst")
        assert "Lovelace" not in (await world.look(right)).text
        await People(world.deps.access).disable("kim")
        assert (await world.look(right)).status_code == 401

    run(test)


def test_a_token_lasts_fifteen_minutes_and_a_sign_in_twelve_hours() -> None:
    async def test(world: World) -> None:
        now = 1000.0
        tokens = EmbedTokens(world.deps.access, world.deps.embeds, lambda: now)
        await world.deps.access.put_account(Account(name="pat", role="agent"))
        text = (await tokens.of_session("pat", None, CHAT)).text
        now += 899
        assert await tokens.viewer(text, CHAT) is not None
        now += 2
        assert await tokens.viewer(text, CHAT) is None
        assert await tokens.renewed(text, CHAT) is None

        now = 1000.0
        given = await tokens.of_session("pat", None, CHAT)
        for _ in range(48):
            now += 890
            following = await tokens.renewed(given.text, CHAT)
            assert following is not None
            given = following
        assert given.seconds == pytest.approx(12 * 3600 - 48 * 890)
        now += given.seconds + 1
        assert await tokens.viewer(given.text, CHAT) is None

    run(test)


def test_an_origin_that_is_no_longer_a_tool_sees_nothing() -> None:
    async def test(world: World) -> None:
        text = (await world.token()).json()["token"]
        fewer = replace(world.deps.embeds, origins=("http://localhost:3000",))
        assert await EmbedTokens(world.deps.access, fewer).viewer(text, CHAT) is None

    run(test)


def test_it_is_not_asked_too_often() -> None:
    async def test(world: World) -> None:
        right = (await world.token()).json()["token"]
        answers = [await world.look(right) for _ in range(61)]
        assert [answer.status_code for answer in answers[-2:]] == [200, 429]
        assert answers[-1].headers["retry-after"]

    run(test)
