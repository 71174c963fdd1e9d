"""The app beside Zendesk's tickets: a page that Zendesk asks for with a token that it signs for one installation.

With `signedUrls` in its manifest an app's first page is asked for by POST, with a JWT in the form field `token`: RS256,
`aud` the installation, some minutes long (Zendesk, "Authenticating Zendesk in your server-side app").
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Mapping
from hashlib import sha256
from typing import Annotated, Any

from fastapi import APIRouter, Form, Request, Response
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import RSAKey
from joserfc.jws import JWSRegistry

from console.api.error_answers import ApiError
from console.embeds.frame_headers import framed
from console.embeds.gate import Gate
from console.embeds.setup import Zendesk
from console.pages.frame import Frame
from console.services.ports import ApiDeps
from profiles.errors import WrongUse

__all__ = ["SDK", "ZendeskTokens", "zendesk_router"]

SDK = "https://static.zdassets.com/zendesk_app_framework_sdk/2.0/zaf_sdk.min.js"
"""By which an app asks Zendesk about the ticket; Zendesk has it from nowhere else."""

_LEEWAY = 60.0  # seconds that its clock may be off
_LONGEST = 3600.0  # seconds that one may last; Zendesk's last minutes


class ZendeskTokens:
    """Knows which agent a token is of.

    Args:
        app: by whose key it has to be signed, and for which installation.
        clock: seconds since the epoch.

    Raises:
        WrongUse: the key is none.
    """

    def __init__(self, app: Zendesk, clock: Callable[[], float] = time.time) -> None:
        try:
            self._key = RSAKey.import_key(app.key)
        except (JoseError, ValueError, TypeError) as error:
            raise WrongUse("RAPPORT_ZENDESK_KEY is not the PEM of a public RSA key") from error
        self._agent = re.compile(re.escape(app.origin) + r"/api/v2/users/(\d+)(?:\.json)?", re.ASCII)
        self._app = app
        self._clock = clock

    def agent(self, token: str) -> tuple[str, float]:
        """Who it is of, as `zendesk:123`, and for how many seconds the token may not be used again.

        Raises:
            ApiError: 401, it is not signed by the app's key, of another installation or of another time.
        """
        try:
            decoded = jwt.decode(token, self._key, registry=JWSRegistry(algorithms=["RS256"]))
            claims: Mapping[str, Any] = decoded.claims
        except (JoseError, ValueError, TypeError) as error:
            raise _refused("it is not signed by the key that is set here") from error
        audience = claims.get("aud")
        if self._app.audience not in (audience if isinstance(audience, list) else [audience]):
            raise _refused("it is for another installation")
        now, ends, begins = self._clock(), claims.get("exp"), claims.get("nbf", claims.get("iat", 0))
        if not isinstance(ends, int | float) or not isinstance(begins, int | float):
            raise _refused("its time cannot be read")
        if not begins - _LEEWAY <= now <= ends + _LEEWAY or ends - now > _LONGEST:
            raise _refused("it is of another time; load the page again")
        found = self._agent.fullmatch(str(claims.get("sub", "")))
        if found is None:
            raise _refused("it does not say which agent asks")
        return f"zendesk:{found[1]}", ends + _LEEWAY - now + 1


def zendesk_router(
    deps: ApiDeps, app: Zendesk, gate: Gate, frame: Frame, clock: Callable[[], float] = time.time
) -> APIRouter:
    """The route /embed/zendesk.

    Raises:
        WrongUse: the key is none.
    """
    router = APIRouter(include_in_schema=False, max_body_size=16 * 1024)
    tokens = ZendeskTokens(app, clock)

    @router.post("/embed/zendesk")
    async def sidebar(request: Request, token: Annotated[str, Form(max_length=8000)] = "") -> Response:
        address = request.client.host if request.client else ""
        try:
            agent, lasts = tokens.agent(token)
            if not await deps.access.first_use(sha256(f"zendesk {token}".encode()).hexdigest(), lasts):
                raise _refused("it was used already; load the page again")
        except ApiError:
            await gate.limits.count("wrong", address)
            raise
        await gate.limits.count("token", agent)
        given = await gate.tokens.of_zendesk(agent, app.origin)
        page = await frame.page(
            request, None, "embed_frame", origins=json.dumps([app.origin]), given=given, script=SDK
        )  # fmt: skip
        return framed(page, [app.origin], [SDK])

    return router


def _refused(why: str) -> ApiError:
    return ApiError(401, "unauthorized", f"this is no token of Zendesk for us: {why}")
