"""Coming in and going out: the sign-in page, links that sign in once, and who may see which page."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import RedirectResponse
from limits import parse
from limits.aio.storage import MemoryStorage
from limits.aio.strategies import MovingWindowRateLimiter

from console.access.auditing import Audit, row_of
from console.access.limiting import Limiter
from console.access.scopes import Scope, Viewer
from console.access.sessions import ABSOLUTE, Sessions, cookie_name
from console.access.ways import Ways
from console.api.entrance.proxied import Proxied
from console.api.error_answers import ApiError
from console.api.guard import slow_down
from console.pages.frame import Frame
from console.pages.headers import HEADERS, require_own_page
from console.pages.languages import COOKIE as LANGUAGE
from console.pages.languages import LANGUAGES
from profiles.stores.access import Account

__all__ = ["Entry", "SignInNeeded", "entry_router", "inside", "to_sign_in"]

Let = Callable[[Request], Awaitable[Viewer]]

_PER_ADDRESS = parse("20/minute")
_PER_ACCOUNT = parse("60/minute")  # from all addresses together: no single one can keep somebody out
_PER_BOTH = parse("5/minute")
_CAME = 10_000  # people and addresses
_YEAR = 365 * 86400


class SignInNeeded(Exception):
    """Nobody is signed in."""


class Entry:
    """Lets in who is signed in.

    Args:
        sessions: who is in.
        audit: where it is written down who came in, and what they looked at.
        ways: in which people come in.
        proxied: who is in by the word of a proxy.
        limits: how often somebody may take a table as a file.
    """

    def __init__(self, sessions: Sessions, audit: Audit, ways: Ways, proxied: Proxied, limits: Limiter) -> None:
        self._limits = limits
        self.sessions = sessions
        self.ways = ways
        self._proxied = proxied
        self._came: dict[tuple[str, str], float] = {}
        self._audit = audit
        self._limiter = MovingWindowRateLimiter(MemoryStorage())

    async def viewer(self, request: Request, *, asks: bool = True) -> Viewer | None:
        """Who asks, by the proxy's word, else by their cookie; without `asks` their session lasts no longer by it.

        Raises:
            ApiError: 400, somebody pretends to be the proxy; 403, whom it says may not come in.
        """
        proxied = await self._proxied.viewer(request)
        if proxied is not None:
            await self._note_first(request, proxied.name)
            return proxied
        return await self.sessions.viewer(request.cookies.get(_cookie_name(request)), asks=asks)

    def may(self, scope: Scope, *, asks: bool = True) -> Let:
        """A dependency of routes: answers who asks; without `asks` their session lasts no longer by it.

        Raises, when it is called:
            SignInNeeded: nobody is signed in.
            ApiError: 403, they may not do this, or did not ask from a page of ours; 429, they take tables as files too
                often.
        """

        async def let(request: Request) -> Viewer:
            found = await self.viewer(request, asks=asks)
            if found is None:
                raise SignInNeeded
            if not found.may(scope):
                raise ApiError(403, "forbidden", f"this wants the scope {scope}, which the role {found.role} has not")
            if request.method not in {"GET", "HEAD"}:
                require_own_page(request)
            if request.scope["route"].path.endswith(".csv"):
                await slow_down(self._limits, found, "table.csv")
            return found

        return let

    def still(self, request: Request, viewer: Viewer) -> Callable[[], Awaitable[bool]]:
        """Whether who opened a stream is in, and may see what they saw then: every state is made for them."""

        async def same() -> bool:
            try:
                return await self.viewer(request, asks=False) == viewer
            except ApiError:  # out by the proxy's word
                return False

        return same

    def note(self, request: Request, viewer: Viewer, action: str, object_: str = "", **more: Any) -> None:
        """Write down what somebody did (`row_of`)."""
        self._audit.note(row_of(request, viewer, action, object_, **more))

    async def note_sign_in(self, request: Request, name: str, result: str = "ok") -> None:
        """Write down that somebody came in, or tried to; by name only if there is an account: what is typed in its
        place may be a password."""
        known = name if await self.sessions.is_known(name) else ""
        self.note(request, Viewer(known, "token", frozenset(), "page"), "sign-in", known, result=result)

    async def _note_first(self, request: Request, name: str) -> None:
        """Write down that somebody came in by the proxy, once in the time that a session lasts."""
        now, who = time.time(), (name, request.client.host if request.client else "")
        if now - self._came.get(who, 0.0) >= ABSOLUTE:
            if len(self._came) >= _CAME:
                self._came.clear()
            self._came[who] = now
            await self.note_sign_in(request, name)

    async def is_slowed_down(self, request: Request) -> bool:
        """Whether an address has tried too often to come in without a password; a look does not count."""
        return not await self._limiter.test(_PER_ADDRESS, "address", _address(request))

    async def note_try(self, request: Request) -> None:
        """Count a try of an address to come in without a password, which nobody can guess."""
        await self._limiter.hit(_PER_ADDRESS, "address", _address(request))

    async def slow_down(self, request: Request, name: str) -> bool:
        """Whether somebody has tried to sign in with a password too often; each look counts.

        Args:
            request: from which address.
            name: of the account, as it is looked up: no two spellings of one.
        """
        address = _address(request)
        for limit, *about in (
            (_PER_ADDRESS, "address", address), (_PER_BOTH, "both", address, name), (_PER_ACCOUNT, "account", name)
        ):  # fmt: skip
            if not await self._limiter.hit(limit, *about):
                return True  # what an address tries in vain counts against nobody
        return False

    async def let_in(self, request: Request, account: Account, via: str, to: str, sid: str = "") -> Response:
        """Begin a session, and lead to where somebody wanted to go. The browser's session before, if any, ends: nobody
        can have it who gave it to them."""
        await self.note_sign_in(request, account.name)
        await self.sessions.end(request.cookies.get(_cookie_name(request)))
        secret = await self.sessions.begin(account, via, request.headers.get("user-agent", ""), sid)
        answer = RedirectResponse(inside(to), 303, HEADERS)
        answer.set_cookie(
            _cookie_name(request), secret, max_age=round(ABSOLUTE), path="/", httponly=True, samesite="lax",
            secure=request.url.scheme == "https",
        )  # fmt: skip
        return answer


def _address(request: Request) -> str:
    return request.client.host if request.client else ""


def _cookie_name(request: Request) -> str:
    return cookie_name(secure=request.url.scheme == "https")


def entry_router(entry: Entry, frame: Frame) -> APIRouter:
    """The routes /sign-in, /sign-out and /language."""
    router = APIRouter(include_in_schema=False)

    async def page(
        request: Request, problem: str = "", to: str = "/", *, status: int = 200, name: str = ""
    ) -> Response:
        values = {"to": inside(to), "problem": problem, "name": name, "ways": entry.ways}
        return await frame.page(request, None, "sign_in", status=status, **values)

    @router.get("/sign-in")
    async def sign_in(request: Request, to: str = "/") -> Response:
        if await entry.viewer(request) is not None:
            return RedirectResponse(inside(to), 303, HEADERS)
        return await page(request, "out" if "out" in request.query_params else "", to)

    @router.post("/sign-in")
    async def with_password(
        request: Request,
        name: Annotated[str, Form(max_length=200)] = "",
        password: Annotated[str, Form(max_length=1000)] = "",
        to: Annotated[str, Form(max_length=2000)] = "/",
    ) -> Response:
        require_own_page(request)
        problem, status, name = "wrong", 401, name.strip()
        if not entry.ways.passwords:
            problem, status = "passwords", 403
        elif await entry.slow_down(request, name):
            problem, status = "often", 429
        elif (account := await entry.sessions.by_password(name, password)) is not None:
            return await entry.let_in(request, account, "password", to)
        await entry.note_sign_in(request, name.strip(), str(status))
        return await page(request, problem, to, status=status, name=name)

    @router.get("/sign-in/{secret}")
    async def link(request: Request, secret: str) -> Response:
        """A page with one button: mail scanners and previews open links, and must not use them up."""
        return await frame.page(request, None, "sign_in_link", secret=secret[:100])

    @router.post("/sign-in/{secret}")
    async def use_link(request: Request, secret: str, to: Annotated[str, Form(max_length=2000)] = "/") -> Response:
        require_own_page(request)
        if await entry.is_slowed_down(request):
            return await page(request, "often", status=429)
        account = await entry.sessions.by_link(secret)  # 256 random bits: nobody guesses one
        if account is None:
            await entry.note_try(request)
            await entry.note_sign_in(request, "", "401")
            return await page(request, "link", status=401)
        return await entry.let_in(request, account, "link", to)

    @router.post("/sign-out")
    async def sign_out(request: Request) -> Response:
        require_own_page(request)
        await entry.sessions.end(request.cookies.get(_cookie_name(request)))
        answer = RedirectResponse("/sign-in?out=1", 303, {**HEADERS, "Clear-Site-Data": '"cache"'})
        secure = request.url.scheme == "https"  # without it browsers take no word on a `__Host-` cookie
        answer.delete_cookie(_cookie_name(request), path="/", secure=secure, httponly=True, samesite="lax")
        return answer

    @router.post("/language")
    async def language(
        request: Request,
        chosen: Annotated[str, Form(max_length=20)],
        to: Annotated[str, Form(max_length=2000)] = "/",
    ) -> Response:
        require_own_page(request)
        answer = RedirectResponse(inside(to), 303, HEADERS)
        if chosen in LANGUAGES:
            answer.set_cookie(LANGUAGE, chosen, max_age=_YEAR, path="/", samesite="lax")
        return answer

    return router


def to_sign_in(request: Request) -> Response:
    """Sends somebody to the sign-in page, and from there back to what they wanted."""
    wanted = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    place = f"/sign-in?to={quote(inside(wanted), safe='/')}" if request.method == "GET" else "/sign-in"
    if request.headers.get("hx-request"):
        return Response(status_code=401, headers={**HEADERS, "HX-Redirect": "/sign-in"})
    return RedirectResponse(place, 303, HEADERS)


def inside(to: str) -> str:
    """A place of ours, whatever was asked for: never another host."""
    return to if to.startswith("/") and not to.startswith(("//", "/\\", "/sign-", "/live")) and "\n" not in to else "/"
