"""Signing in with an OpenID provider: being sent there, coming back, and signing out there.

What an attempt must be known by again is kept here, by its state, for ten minutes and one return; and it counts only in
the browser in which it began, which has a cookie of its own: nobody is signed in by an answer that somebody else got.
"""

from __future__ import annotations

import hmac
import logging
import secrets
from hashlib import sha256
from typing import TYPE_CHECKING, Annotated
from urllib.parse import urlencode, urlsplit

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import RedirectResponse

from console.access.newcomers import Newcomers, NotLetIn
from console.access.oidc.refusals import NotAccepted, ProviderAway
from console.access.ways import OIDC_DONE
from console.pages.entry import Entry, inside
from console.pages.frame import Frame
from console.pages.headers import HEADERS
from profiles.stores.access import AccessStore, Account, SignInAttempt

if TYPE_CHECKING:
    from console.access.oidc.provider import Provider

__all__ = ["oidc_router"]

log = logging.getLogger(__name__)

_LASTS = 600.0  # seconds that somebody has to sign in there
_START = "/sign-in/oidc/start"

Text = Annotated[str, Query(max_length=4000)]


def oidc_router(provider: Provider, store: AccessStore, entry: Entry, frame: Frame) -> APIRouter:
    """The routes below /sign-in/oidc."""
    router = APIRouter(include_in_schema=False)
    newcomers = Newcomers(store)

    @router.get(_START)
    async def start(request: Request, to: Text = "/", moved: bool = False) -> Response:
        here = entry.ways.public_url
        # They come back there, and the cookie must, too. Once is enough: a proxy may not hand on which host was asked.
        if not moved and request.headers.get("host", "") != urlsplit(here).netloc:
            return RedirectResponse(f"{here}{_START}?{urlencode({'to': inside(to), 'moved': 'true'})}", 303, HEADERS)
        if await entry.is_slowed_down(request):
            return await problem(request, "often", 429)
        await entry.note_try(request)
        state, nonce, verifier, browser = (secrets.token_urlsafe(48) for _ in range(4))
        try:
            place = await provider.authorization_url(state, nonce, verifier)
        except (ProviderAway, NotAccepted) as error:
            log.warning("nobody can sign in by %s: %s", provider.issuer, error)
            return await problem(request, "away", 502)
        await store.put_attempt(_digest(state), SignInAttempt(nonce, verifier, _digest(browser), inside(to)), _LASTS)
        answer = RedirectResponse(place, 303, HEADERS)
        answer.set_cookie(
            _cookie(request), browser, max_age=round(_LASTS), path="/", httponly=True, samesite="lax",
            secure=request.url.scheme == "https",
        )  # fmt: skip
        return answer

    @router.get(OIDC_DONE)
    async def done(request: Request, code: Text = "", state: Text = "", error: Text = "") -> Response:
        if await entry.is_slowed_down(request):
            return await problem(request, "often", 429)
        attempt = await store.take_attempt(_digest(state)) if state else None
        browser = _digest(request.cookies.get(_cookie(request), ""))
        if attempt is None or not hmac.compare_digest(attempt.browser, browser):
            return await refused(request, "again", 401, "no attempt of this browser has this state")
        if error or not code:
            return await refused(request, "refused", 401, error or "it gives no code")
        try:
            account, sid = await who(request, code, attempt)
        except ProviderAway as away:
            return await refused(request, "away", 502, str(away))
        except NotAccepted as why:
            return await refused(request, "refused", 401, str(why))
        except NotLetIn as why:
            return await refused(request, "not-let-in", 403, str(why))
        answer = await entry.let_in(request, account, "oidc", attempt.to, sid)
        secure = request.url.scheme == "https"
        answer.delete_cookie(_cookie(request), path="/", secure=secure, httponly=True, samesite="lax")
        return answer

    @router.get("/sign-in/oidc/out")
    async def out(request: Request) -> Response:
        """Sign out at the provider, too; a link, since the policy lets no form lead to it."""
        try:
            place = await provider.sign_out_url(f"{entry.ways.public_url}/sign-in")
        except (ProviderAway, NotAccepted) as error:
            log.warning("nobody can sign out at %s: %s", provider.issuer, error)
            return await problem(request, "away", 502)
        return RedirectResponse(place or "/sign-in", 303, HEADERS)

    async def who(request: Request, code: str, attempt: SignInAttempt) -> tuple[Account, str]:
        sent_by = request.query_params.get("iss")
        person = await provider.person(code, attempt.nonce, attempt.verifier, sent_by)
        roles = entry.ways.roles
        role = roles.role(person.groups) if roles is not None else None
        return await newcomers.by_subject(person, role), person.sid

    async def refused(request: Request, what: str, status: int, why: str) -> Response:
        log.warning("somebody could not sign in by %s: %s", provider.issuer, why[:500])
        await entry.note_try(request)
        await entry.note_sign_in(request, "", str(status))
        return await problem(request, what, status)

    async def problem(request: Request, what: str, status: int) -> Response:
        values = {"to": "/", "problem": what, "name": "", "ways": entry.ways}
        return await frame.page(request, None, "sign_in", status=status, **values)

    return router


def _cookie(request: Request) -> str:
    return "__Host-rapport-attempt" if request.url.scheme == "https" else "rapport-attempt"


def _digest(text: str) -> str:
    return sha256(text.encode()).hexdigest()
