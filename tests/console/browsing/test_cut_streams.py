"""An open page shows what it is told, however the network cuts that into pieces."""

from __future__ import annotations

import asyncio

import pytest
from playwright.sync_api import Browser, expect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tests.console.browsing.conftest import visitors
from tests.console.browsing.living import living
from tests.console.browsing.test_inbox import begin, names, resolved

pytestmark = pytest.mark.slow


def cut_within_a_line_end(app: ASGIApp) -> ASGIApp:
    """Sends each piece of a stream in two, of which the first lacks the last character of a line in the middle."""

    async def cutting(scope: Scope, receive: Receive, send: Send) -> None:
        async def send_cut(message: Message) -> None:
            body = message.get("body", b"")
            at = body.find(b"\n", len(body) // 2)
            if message["type"] == "http.response.body" and at > 0:
                await send({**message, "body": body[:at], "more_body": True})
                await asyncio.sleep(0.1)  # or the browser takes both at once
                message = {**message, "body": body[at:]}
            await send(message)

        live = scope["type"] == "http" and scope["path"].startswith("/live/")
        await app(scope, receive, send_cut if live else send)

    return cutting


def test_a_state_that_comes_in_two_pieces_is_shown_whole(chromium: Browser) -> None:
    with living(around=cut_within_a_line_end) as console, visitors(chromium, console) as signed_in:
        found = begin(console, 60)
        page = signed_in("agent")
        page.goto("/")
        expect(page.locator("#cases p.count")).to_have_text("1–50 of 60")
        console.keep(resolved(found[0]))
        expect(page.locator("#cases p.count")).to_have_text("1–50 of 59")
        assert names(page) == [f"Name{number}" for number in range(1, 51)]
        assert page.get_by_role("link", name="Next").count() == 1
