"""Intercom's inbox: what its app asks when a teammate opens a conversation, and when they press a button.

Requests are signed with the app's client secret (`X-Body-Signature`: hex HMAC-SHA-256 of the body); they sign no time.
A canvas of ours says when it was made, and what it says is signed by us: a button that is pressed later than an hour
after shows the customer anew, and decides nothing.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import time
from collections.abc import Callable, Mapping
from typing import Any, Literal

import orjson
from fastapi import APIRouter, Request, Response

from console.access.auditing import row_of
from console.access.scopes import Viewer
from console.api.error_answers import ApiError
from console.api.matters.cases import CaseDecision, decide_case
from console.embeds.canvas import BUTTONS, canvas_of, nobody_known
from console.embeds.embed_tokens import seen_from_outside
from console.embeds.framed_customer import VIEWED
from console.embeds.gate import Limits
from console.embeds.naming import known_as, spelt
from console.embeds.setup import Intercom
from console.pages.frame import Frame
from console.services.ports import ApiDeps
from models.cases.following import profile_of_case
from profiles.bounds import excess
from profiles.types import Profile

__all__ = ["LATE", "intercom_router"]

LATE = 3600.0
"""Seconds after which a button of a canvas decides nothing."""

_LARGEST = 1024 * 1024  # bytes; a request holds the conversation
_KEYS = 100_000  # of its objects
_NAME = re.compile(r"[\w.@+-]{1,100}")


def intercom_router(
    deps: ApiDeps, app: Intercom, limits: Limits, frame: Frame, clock: Callable[[], float] = time.time
) -> APIRouter:
    """The routes /embed/intercom/initialize and /submit; `clock` says seconds since the epoch."""
    router = APIRouter(prefix="/embed/intercom", include_in_schema=False, max_body_size=_LARGEST)
    secret = app.secret.get_secret_value().encode()

    async def read(request: Request) -> tuple[dict[str, Any], Viewer]:
        """What is asked, and by whom.

        Raises:
            ApiError: 401, Intercom has not signed it; 400, it is not as Intercom asks; 429, too often.
        """
        raw = await request.body()
        given = request.headers.get("x-body-signature", "")
        right = hmac.compare_digest(given.encode(), hmac.new(secret, raw, hashlib.sha256).hexdigest().encode())
        await limits.count("tool" if right else "wrong", "intercom")
        if not right:
            raise ApiError(401, "unauthorized", "the signature is not of this body by the secret that is set here")
        try:
            body = orjson.loads(raw)
        except ValueError:
            body = None
        if not isinstance(body, dict) or excess(body, levels=64, keys=_KEYS):
            raise ApiError(400, "invalid_request", "this is not what Intercom asks")
        return body, seen_from_outside(f"intercom:{_teammate(body)}", app.role)

    async def shown(request: Request, body: Mapping[str, Any], viewer: Viewer, said: str = "") -> Response:
        found = await _customer(deps, body)
        _note(deps, request, viewer, VIEWED, found.id if found else "", result="ok" if found else "404")
        language = _language(body)
        if found is None:
            return _answered(nobody_known(language))
        address = deps.ways.public_url or str(request.base_url).rstrip("/")
        made = await canvas_of(deps, frame, found, viewer, language, address, said)
        stored = _stamp(secret, found, clock()) if viewer.may("alerts:write") else {}
        return _answered({**made, "stored_data": stored} if stored else made)

    @router.post("/initialize")
    async def initialize(request: Request) -> Response:
        body, viewer = await read(request)
        return await shown(request, body, viewer)

    @router.post("/submit")
    async def submit(request: Request) -> Response:
        body, viewer = await read(request)
        return await shown(request, body, viewer, await decided(request, body, viewer))

    async def decided(request: Request, body: Mapping[str, Any], viewer: Viewer) -> str:
        """What became of a button, in words; "" if it was none that decides."""
        order = BUTTONS.get(str(body.get("component_id")))
        if order is None:
            return ""
        if not viewer.may("alerts:write"):
            return "refused"
        found, case = await _customer(deps, body), _case(secret, body, clock())
        if case is None:
            return "late"
        if found is None or profile_of_case(case) != found.id:
            return "refused"
        action, outcome = order
        said = CaseDecision.model_validate({"by": viewer.name, "outcome": outcome})
        result = "ok"
        try:
            await decide_case(deps, case, action, said)
        except ApiError as error:
            result = str(error.status)
        _note(deps, request, viewer, "case.decide", found.id, fields=(action,), result=result)
        return "done" if result == "ok" else "over"

    return router


def _note(deps: ApiDeps, request: Request, viewer: Viewer, action: str, object_: str, **more: Any) -> None:
    deps.audit.note(row_of(request, viewer, action, object_, **more))


def _answered(canvas: Mapping[str, Any]) -> Response:
    body = orjson.dumps({"canvas": canvas})
    return Response(body, media_type="application/json", headers={"Cache-Control": "no-store"})


def _part(body: Mapping[str, Any], *path: str) -> Any:
    found: Any = body
    for name in path:
        found = found.get(name) if isinstance(found, dict) else None
    return found


def _teammate(body: Mapping[str, Any]) -> str:
    for name in ("email", "id"):
        said = str(_part(body, "admin", name) or "")
        if _NAME.fullmatch(said):
            return said
    return "somebody"


async def _customer(deps: ApiDeps, body: Mapping[str, Any]) -> Profile | None:
    """Of `contact`, or `customer` as it was called before."""
    one = _part(body, "contact") or _part(body, "customer") or {}
    if not isinstance(one, dict):
        return None
    id_ = one.get("external_id") or one.get("user_id")
    return await known_as(deps, spelt(user_id=id_, email=one.get("email"), phone=one.get("phone")))


def _language(body: Mapping[str, Any]) -> Literal["en", "zh_Hans"]:
    said = _part(body, "admin", "locale") or _part(body, "context", "locale")
    return "zh_Hans" if isinstance(said, str) and said.lower().startswith("zh") else "en"


def _stamp(secret: bytes, found: Profile, now: float) -> dict[str, Any]:
    """Which case the buttons of a canvas are of, and when it was made: Intercom hands it back as it is."""
    if found.case is None:
        return {}
    text = f"{found.case.id} {now:.0f}"
    return {"case": text, "mac": _mac(secret, text)}


def _case(secret: bytes, body: Mapping[str, Any], now: float) -> str | None:
    """The case of the canvas that a button stood in; None: it is none of ours, or one of long ago."""
    text, mac = (_part(body, "current_canvas", "stored_data", name) for name in ("case", "mac"))
    if not isinstance(text, str) or not isinstance(mac, str):
        return None
    if not hmac.compare_digest(mac.encode(), _mac(secret, text).encode()):
        return None
    case, _, made = text.rpartition(" ")
    return case if 0 <= now - float(made) + 60 <= LATE + 60 else None


def _mac(secret: bytes, text: str) -> str:
    return hmac.new(secret, f"rapport canvas {text}".encode(), hashlib.sha256).hexdigest()
