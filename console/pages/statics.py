"""Scripts and styles, each under a name that holds its digest: browsers keep it for ever, a new one has a new name."""

from __future__ import annotations

from functools import cache
from hashlib import sha256
from importlib.resources import files
from typing import NamedTuple

from fastapi import APIRouter, Request, Response

from console.api.error_answers import ApiError

__all__ = ["static_url", "statics_router"]

_PLACES = ("static", "vendor")
_TYPES = {"js": "text/javascript", "css": "text/css", "svg": "image/svg+xml"}
_FOR_EVER = "public, max-age=31536000, immutable"


class _File(NamedTuple):
    body: bytes
    type: str
    digest: str


@cache
def _all() -> dict[str, _File]:
    found = {}
    for place in _PLACES:
        for path in files("console.pages").joinpath(place).iterdir():
            stem, _, ending = path.name.rpartition(".")
            if ending in _TYPES:
                body = path.read_bytes()
                digest = sha256(body).hexdigest()[:12]
                found[f"{stem}.{digest}.{ending}"] = _File(body, _TYPES[ending], digest)
    return found


@cache
def static_url(name: str) -> str:
    """Where a file such as `rapport.css` is.

    Raises:
        KeyError: there is no such file.
    """
    stem, _, ending = name.rpartition(".")
    for hashed, file in _all().items():
        if hashed == f"{stem}.{file.digest}.{ending}":
            return f"/static/{hashed}"
    raise KeyError(name)


def statics_router() -> APIRouter:
    """The route /static. It wants no sign-in: nothing in it is about anybody."""
    router = APIRouter(include_in_schema=False)

    @router.get("/static/{name}")
    async def static(name: str, request: Request) -> Response:
        file = _all().get(name)
        if file is None:
            raise ApiError(404, "not_found", f"there is nothing at {request.url.path}")
        headers = {"Cache-Control": _FOR_EVER, "X-Content-Type-Options": "nosniff"}
        return Response(file.body, media_type=file.type, headers=headers)

    return router
