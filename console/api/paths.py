"""Identities in paths: `/v1/profiles/{type}:{value}`, where a value may hold colons, slashes and anything else."""

from __future__ import annotations

from urllib.parse import quote, unquote

from starlette.types import ASGIApp, Receive, Scope, Send

from console.api.error_answers import ApiError
from plan import Plan
from profiles.types import Identity

__all__ = ["PROFILE_ID", "IdentityPaths", "one_segment", "parse_identity"]

PROFILE_ID = "profile_id"
"""Stands before the id of a profile itself, as lists and alerts name it."""

_TAILS = {
    "/v1/profiles/": ("/events", "/figures", "/links", "/split", "/join", "/export", "/reveal"),
    "/v1/companies/": ("/events", "/members", "/join", "/unjoin", "/export", "/lift"),
    "/company/": ("/members.csv", "/erase"),
    "/live/company/": (),
}
"""What begins a path with an identity, or the name of a company, in it, and what may end it."""


class IdentityPaths:
    """Makes an identity one segment of the path, so that routes can match it.

    Servers hand over paths already decoded, where a slash of a value looks like one of the route. This goes back to
    the path as sent: only a literal `/events`, or another of `_TAILS`, at its end belongs to the route.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"].startswith(tuple(_TAILS)):
            scope = {**scope, "path": one_segment(scope.get("raw_path") or quote(scope["path"]).encode())}
        await self._app(scope, receive, send)


def one_segment(raw_path: bytes) -> str:
    """The path with its identity percent-encoded as one segment."""
    path = raw_path.decode("latin-1").partition("?")[0]
    prefix = next((prefix for prefix in _TAILS if path.startswith(prefix)), "/v1/profiles/")
    rest = path.removeprefix(prefix)
    tail = next((tail for tail in _TAILS[prefix] if rest.endswith(tail)), "")
    identity = unquote(rest.removesuffix(tail))
    return f"{prefix}{quote(identity, safe='')}{tail}"


def parse_identity(segment: str, plan: Plan) -> Identity:
    """`("user_id", "42")` of the percent-encoded segment `user_id%3A42`, as profiles hold it: spelt, perhaps hashed.

    Raises:
        ApiError: it is no identity, or one that nobody can have.
    """
    kind, colon, value = unquote(segment).partition(":")
    if not (kind and colon and value):
        raise ApiError(400, "invalid_identity", "write an identity as TYPE:VALUE, such as user_id:42")
    if kind == PROFILE_ID:
        return kind, value
    types = [rule.type for rule in plan.identities]
    if kind not in types:
        known = ", ".join([*types, PROFILE_ID])
        raise ApiError(404, "unknown_profile", f"the plan knows no identity {kind!r}; it knows {known}")
    identity = plan.identity(kind, value)
    if identity is None:
        raise ApiError(404, "unknown_profile", f"{value!r} identifies nobody as {kind}")
    return identity
