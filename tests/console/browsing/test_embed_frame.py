"""A customer in a frame of another tool, in a real browser: a page on another port, of another site, plays the tool."""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import socket
from collections.abc import Callable, Iterator
from typing import NamedTuple

import pytest
from playwright.sync_api import Browser, FrameLocator, Page, ViewportSize, expect
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse
from starlette.routing import Route

from console.access.passwords import hash_password
from console.embeds import embed_tokens
from console.embeds.setup import Embeds, Zendesk
from console.embeds.zendesk import SDK
from profiles.stores.access import Account, Role
from profiles.types import Profile
from streams.audit.trail import AuditRow
from tests.console.browsing.living import Living, aside, living
from tests.console.browsing.test_case_actions import with_case
from tests.console.browsing.test_every_page import AXE, serious
from tests.console.embedding import Noted
from tests.console.people import happened, hostile
from tests.console.serving import serving
from tests.unit.console.embeds.test_zendesk import public, token

pytestmark = pytest.mark.slow

PASSWORD = "correct-horse-battery"
CHATWOOT = """<!doctype html><title>Chat</title><h1>Chat</h1>
<iframe id="app" title="Rapport" src="{console}/embed/customer" width="{width}" height="600"></iframe>
<script>
  const app = document.getElementById('app')
  let said = {said}
  const tell = data => app.contentWindow.postMessage(typeof data === 'string' ? data : structuredClone(data), '*')
  const say = about => { said = about; tell(said) }
  window.asked = []
  addEventListener('message', event => {
    window.asked.push(event.data)
    if (event.data === 'chatwoot-dashboard-app:fetch-info' && said) tell(said)
  })
</script>"""
"""As its dashboard apps do: a frame, a message as a JSON string to whoever is in it, and again when it asks."""


def context_of(**sender: object) -> str:
    """Chatwoot's message on the conversation that is open."""
    meta = {"sender": {"id": 7, "name": "Somebody", "type": "contact", **sender}}
    agent = {"id": 1, "name": "Kim", "email": "kim@chat.example.com"}
    return json.dumps(
        {"event": "appContext", "data": {"conversation": {"id": 3, "meta": meta}, "contact": {}, "currentAgent": agent}}
    )


class Tool(NamedTuple):
    """A page that shows a frame of ours, and the console behind it."""

    origin: str
    console: Living
    audit: list[AuditRow]


@contextlib.contextmanager
def tool(said: str | None, width: int = 320, *, allowed: bool = True) -> Iterator[Tool]:
    """Chat on `localhost`, the console on 127.0.0.1: for a browser two sites."""
    listener = socket.create_server(("127.0.0.1", 0))
    origin = f"http://localhost:{listener.getsockname()[1]}"
    noted, console_url = Noted(), ""

    async def page(_: Request) -> HTMLResponse:
        text = CHATWOOT.replace("{console}", console_url).replace("{width}", str(width))
        return HTMLResponse(text.replace("{said}", json.dumps(said)))

    embeds = Embeds(origins=(origin if allowed else "https://chat.example.com",))
    with serving(Starlette(routes=[Route("/", page)]), listener), living(embeds=embeds, audit=noted) as console:
        console_url = console.url
        yield Tool(origin, console, noted.rows)


@pytest.fixture
def browse(chromium: Browser) -> Iterator[Callable[..., Page]]:
    """Answers a page of a browser of its own."""
    with contextlib.ExitStack() as contexts:

        def new_page(language: str = "en-GB", dark: bool = False) -> Page:
            context = chromium.new_context(
                locale=language, color_scheme="dark" if dark else "light", viewport=ViewportSize(width=900, height=900)
            )
            contexts.callback(context.close)
            context.add_init_script(path=AXE)
            page = context.new_page()
            page.set_default_timeout(60_000)
            return page

        yield new_page


def add(console: Living, role: Role) -> None:
    """Somebody called by their role, with a password."""
    account = Account(name=role, role=role, password=aside(lambda: hash_password(PASSWORD)))

    async def put() -> None:
        await console.access.put_account(account)

    aside(lambda: asyncio.run(put()))


def sign_in(page: Page, frame: FrameLocator, role: Role = "agent") -> None:
    """By the window that the frame opens, and the one beside it."""
    with page.expect_popup() as opened:
        frame.get_by_role("button", name=re.compile("Sign in|登录")).click()
    window = opened.value
    with window.context.expect_page() as beside:
        window.get_by_role("link", name=re.compile("Sign in|登录")).click()
    form = beside.value
    form.locator("input[name=name]").fill(role)
    form.locator("input[name=password]").fill(PASSWORD)
    form.locator("button.main").click()
    form.wait_for_url("**/embed/allow/done")
    if not window.is_closed():
        window.wait_for_event("close")


def test_an_agent_signs_in_sees_the_customer_live_and_acknowledges(browse: Callable[..., Page]) -> None:
    with tool(context_of(identifier="42")) as chat:
        ada = with_case(42)
        chat.console.keep(ada)
        add(chat.console, "agent")
        page = browse()
        page.goto(chat.origin)
        frame = page.frame_locator("#app")
        expect(frame.get_by_role("button", name="Sign in")).to_be_visible()
        assert frame.locator("#main").inner_text() == ""  # a message without a token shows nothing
        assert page.evaluate("window.asked") == [{"type": "rapport.ready"}, "chatwoot-dashboard-app:fetch-info"]

        sign_in(page, frame)
        expect(frame.locator("#head")).to_contain_text("Ada")
        expect(frame.locator("#risk .reasons li")).to_have_count(2)
        expect(frame.locator("#value")).to_contain_text("€65.00")
        expect(frame.locator("#tickets")).to_contain_text("T1")
        expect(frame.locator("#events li")).to_have_count(5)

        happened(ada, 0, "Complaint Received", "complaint", source="support", subject="T77")
        chat.console.keep(ada)
        expect(frame.locator("#events")).to_contain_text("Complaint Received")

        frame.get_by_role("button", name="Acknowledge").click()
        expect(frame.locator("#decided")).to_contain_text("1 case acknowledged.")
        expect(frame.locator("#case")).to_contain_text("acknowledged")
        frame.get_by_role("button", name="Resolve…").click()
        frame.get_by_label("The customer stayed").check()
        frame.locator("dialog#resolve").get_by_role("button", name="Resolve").click()
        expect(frame.locator("#case")).to_contain_text("resolved")

        with page.expect_popup() as opened:
            frame.get_by_role("link", name="Open in the console").click()
        expect(opened.value).to_have_url(f"{chat.console.url}/c/{ada.id}")
        seen = [(row.actor, row.via, row.action, row.object) for row in chat.audit if row.via == "embed"]
        assert seen == [("agent", "embed", "profile.view", ada.id), *2 * [("agent", "embed", "case.decide", ada.id)]]


def test_who_is_signed_in_already_presses_one_button(browse: Callable[..., Page]) -> None:
    with tool(context_of(identifier="42")) as chat:
        chat.console.keep(with_case(42))
        page = browse()
        page.goto(f"{chat.console.url}/sign-in/{chat.console.link('agent')}")
        page.get_by_role("button").click()
        page.wait_for_url(f"{chat.console.url}/")
        page.goto(f"{chat.console.url}/embed/allow?origin={chat.origin}&state=1")
        expect(page.get_by_text("No frame waits for this window")).to_be_visible()
        page.goto(chat.origin)
        frame = page.frame_locator("#app")
        with page.expect_popup() as opened:
            frame.get_by_role("button", name="Sign in").click()
        expect(frame.locator("#head")).to_contain_text("Ada")
        if not opened.value.is_closed():
            opened.value.wait_for_event("close")
        assert [row.fields for row in chat.audit if row.action == "embed.token"] == [(chat.origin,)]


def test_the_next_conversation_is_the_next_customer(browse: Callable[..., Page]) -> None:
    with tool(context_of(identifier="42")) as chat:
        chat.console.keep(with_case(42))
        add(chat.console, "agent")
        page = browse()
        page.goto(chat.origin)
        frame = page.frame_locator("#app")
        sign_in(page, frame)
        expect(frame.locator("#head")).to_contain_text("Ada")

        page.evaluate(
            "say({type: 'rapport.customer', identity: ['email:nobody@example.com', 'user_id:43'], theme: 'dark'})"
        )
        expect(frame.locator("#main")).to_have_text("Nobody is known here by what the page around this says.")
        expect(frame.locator("html")).to_have_attribute("data-theme", "dark")
        page.evaluate("say({type: 'rapport.customer', identity: ['nothing:1', 'user_id:42']})")
        expect(frame.locator("#head")).to_contain_text("Ada")
        page.evaluate("say(JSON.stringify({event: 'appContext', data: {conversation: null}}))")
        expect(frame.locator("[data-state=nobody]")).to_be_visible()
        expect(frame.locator("#main")).to_be_empty()


def test_a_frame_that_is_made_anew_wants_no_further_sign_in(browse: Callable[..., Page]) -> None:
    """Chatwoot makes one for each conversation."""
    with tool(context_of(identifier="42")) as chat:
        chat.console.keep(with_case(42))
        chat.console.keep(renamed(43, "Grace"))
        add(chat.console, "agent")
        page = browse()
        page.goto(chat.origin)
        frame = page.frame_locator("#app")
        sign_in(page, frame)
        expect(frame.locator("#head")).to_contain_text("Ada")
        anew = """said => {
            window.before = document.getElementById('app')
            const next = before.cloneNode()
            before.remove()
            next.onload = () => next.contentWindow.postMessage(said, '*')
            document.body.append(next)
        }"""
        page.evaluate(anew, context_of(identifier="43"))
        expect(frame.locator("#head")).to_contain_text("Grace")
        seen = [row.object for row in chat.audit if row.action == "profile.view"]
        assert seen == [with_case(42).id, with_case(43).id]


def renamed(number: int, name: str) -> Profile:
    """A customer of another name."""
    found = with_case(number)
    happened(found, 0, "", type="identify", traits={"firstName": name})
    return found


def test_who_signs_out_sees_no_more(browse: Callable[..., Page]) -> None:
    with tool(context_of(identifier="42")) as chat:
        chat.console.keep(with_case(42))
        add(chat.console, "agent")
        page = browse()
        page.goto(chat.origin)
        frame = page.frame_locator("#app")
        sign_in(page, frame)
        expect(frame.locator("#head")).to_contain_text("Ada")

        other = page.context.new_page()
        other.goto(chat.console.url)
        other.locator("details.menu summary").click()
        other.get_by_role("button", name="Sign out").click()
        expect(other.get_by_role("status")).to_contain_text("signed out")
        page.bring_to_front()
        chat.console.keep(with_case(42))
        expect(frame.get_by_role("button", name="Sign in")).to_be_visible()
        expect(frame.locator("#main")).to_be_empty()


def test_no_other_page_may_hold_the_frame(browse: Callable[..., Page]) -> None:
    with tool(context_of(identifier="42"), allowed=False) as chat:
        page, said = browse(), []
        page.on("console", lambda message: said.append(message.text))
        page.goto(chat.origin)
        page.wait_for_timeout(300)
        assert any("frame-ancestors https://chat.example.com" in text for text in said)
        assert page.evaluate("window.asked") == []


def test_a_message_of_another_origin_is_not_heard(browse: Callable[..., Page]) -> None:
    with tool(None) as chat:
        page = browse()
        page.goto(chat.origin)
        frame = page.frame_locator("#app")
        expect(frame.locator("[data-state=waiting]")).to_be_visible()
        stranger = chat.origin.replace("localhost", "127.0.0.1")  # the same server by another name: another origin
        page.evaluate(
            """async address => {
                const frame = document.createElement('iframe')
                frame.src = address
                document.body.append(frame)
                await new Promise(done => { frame.onload = done })
            }""",
            stranger,
        )
        named = "parent.document"  # what a frame of another origin cannot reach
        other = next(one for one in page.frames if one.url.startswith(stranger))
        with pytest.raises(Exception, match="Blocked a frame"):
            other.evaluate(named)
        other.evaluate("parent.frames[0].postMessage({type: 'rapport.customer', identity: 'user_id:42'}, '*')")
        page.wait_for_timeout(300)
        expect(frame.locator("[data-state=waiting]")).to_be_visible()
        page.evaluate("say({type: 'rapport.customer', identity: 'user_id:42'})")
        expect(frame.get_by_role("button", name="Sign in")).to_be_visible()


@pytest.mark.parametrize(("language", "dark", "width"), [("en-GB", False, 280), ("zh-CN", True, 400)])
def test_the_frame_keeps_nobody_out(browse: Callable[..., Page], language: str, dark: bool, width: int) -> None:
    with tool(context_of(identifier="42"), width) as chat:
        chat.console.keep(with_case(42))
        add(chat.console, "agent")
        page = browse(language, dark)
        page.goto(chat.origin)
        frame = page.frame_locator("#app")
        inside = next(one for one in page.frames if "/embed/" in one.url)
        expect(frame.locator("[data-sign-in]")).to_be_visible()
        assert serious(inside) == []  # type: ignore[arg-type]
        sign_in(page, frame)
        expect(frame.locator("#risk")).to_contain_text("高" if language == "zh-CN" else "high")
        expect(frame.locator("#case")).to_contain_text("确认" if language == "zh-CN" else "Acknowledge")
        assert serious(inside) == []  # type: ignore[arg-type]
        assert inside.evaluate("document.documentElement.scrollWidth") <= width
        assert ("rgb(15, 19, 25)" in inside.evaluate("getComputedStyle(document.body).backgroundColor")) is dark


def test_a_hostile_customer_is_text(browse: Callable[..., Page]) -> None:
    with tool(context_of(identifier="42")) as chat:
        chat.console.keep(hostile(42))
        add(chat.console, "agent")
        page, wrong = browse(), []
        page.on("console", lambda message: wrong.append(message.text) if "Security Policy" in message.text else None)
        page.on("dialog", lambda dialog: wrong.append(dialog.message))
        page.goto(chat.origin)
        frame = page.frame_locator("#app")
        sign_in(page, frame)
        expect(frame.locator("#head h1")).to_contain_text("<img src=x onerror=alert(1)>")
        assert "\u202e" not in frame.locator("#main").inner_text()
        assert frame.locator("#main img, #main script, #main [hx-get]").count() == 0
        inside = next(one for one in page.frames if "/embed/" in one.url)
        assert len(inside.content()) < 60_000
        assert inside.evaluate("document.documentElement.scrollWidth") <= 320
        assert wrong == []


ZAF = """window.ZAFClient = {init: () => ({
    on: (event, call) => {
        window.told = {...window.told, [event]: call}
        if (event === 'app.registered') setTimeout(call)
    },
    get: async path => ({[path]: {id: 900, name: 'Ada', email: 'x@example.com', externalId: window.requester ?? '42'}}),
    invoke: (...said) => { window.invoked = said },
})}"""
"""Zendesk's own script, as far as an app uses it."""


def test_zendesks_sidebar_asks_it_for_the_requester(browse: Callable[..., Page]) -> None:
    listener, form = socket.create_server(("127.0.0.1", 0)), ""
    origin = f"http://localhost:{listener.getsockname()[1]}"
    audience = f"{origin}/api/v2/apps/installations/123.json"

    async def ticket(_: Request) -> HTMLResponse:
        return HTMLResponse(form)

    embeds = Embeds(zendesk=Zendesk(public(), audience, "agent"))
    with (
        serving(Starlette(routes=[Route("/agent/tickets/1", ticket)]), listener),
        living(embeds=embeds, audit=Noted()) as console,
    ):
        given = token(aud=audience, sub=f"{origin}/api/v2/users/900")
        form = f"""<!doctype html><form method="post" target="app" action="{console.url}/embed/zendesk">
            <input type="hidden" name="token" value="{given}"></form>
            <iframe name="app" title="Rapport" width="320" height="600"></iframe>"""
        console.keep(with_case(42))
        page, wrong = browse(), []
        page.on("console", lambda message: wrong.append(message.text) if "Security Policy" in message.text else None)
        page.route(SDK, lambda route: route.fulfill(body=ZAF, content_type="text/javascript"))
        page.goto(f"{origin}/agent/tickets/1")
        page.evaluate("document.forms[0].submit()")
        frame = page.frame_locator("iframe")
        expect(frame.locator("#head")).to_contain_text("Ada")
        frame.get_by_role("button", name="Acknowledge").click()
        expect(frame.locator("#case")).to_contain_text("acknowledged")
        inside = next(one for one in page.frames if "/embed/" in one.url)
        assert "data-token" not in inside.content()
        assert serious(inside) == []  # type: ignore[arg-type]
        inside.evaluate("window.requester = '1'; window.told['ticket.requester.id.changed']()")
        expect(frame.locator("#main")).to_contain_text("Nobody is known here")
        assert wrong == []


def test_a_frame_stays_alive_beyond_its_token(browse: Callable[..., Page], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embed_tokens, "LASTS", 4.0)
    with tool(context_of(identifier="42")) as chat:
        ada = with_case(42)
        chat.console.keep(ada)
        add(chat.console, "agent")
        page, asked = browse(), []
        page.on("request", lambda request: asked.append(request.url.removeprefix(chat.console.url)))
        page.goto(chat.origin)
        frame = page.frame_locator("#app")
        sign_in(page, frame)
        frame.get_by_role("button", name="Resolve…").click()
        frame.locator("dialog#resolve").get_by_label("Note").fill("half a sen")
        page.wait_for_timeout(9000)
        happened(ada, 0, "Complaint Received", "complaint", source="support", subject="T77")
        chat.console.keep(ada)
        expect(frame.locator("#events")).to_contain_text("Complaint Received")
        expect(frame.locator("dialog#resolve").get_by_label("Note")).to_have_value("half a sen")  # nothing was lost
        assert asked.count("/embed/look") == 1
        assert asked.count("/embed/renew") >= 2
        assert asked.count(f"/embed/live/{ada.id}") == asked.count("/embed/renew")  # the first comes before
        assert [row.action for row in chat.audit].count("profile.view") == 1
