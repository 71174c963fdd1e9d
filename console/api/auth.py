"""The bearer token of the support API."""

from __future__ import annotations

import hmac
from collections.abc import Awaitable, Callable
from typing import Annotated

from fastapi import Depends
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from pydantic import SecretStr

from console.api.error_answers import ApiError

__all__ = ["bearer"]

_scheme = HTTPBearer(auto_error=False, description="`api_token` of rapport.json, or RAPPORT_API_TOKEN.")


def bearer(token: SecretStr) -> Callable[..., Awaitable[None]]:
    """A dependency that lets only this token pass; comparing takes the same time whatever is given."""
    expected = token.get_secret_value().encode()

    async def check(given: Annotated[HTTPAuthorizationCredentials | None, Depends(_scheme)]) -> None:
        if given is None:
            message = "send the support API's token: Authorization: Bearer TOKEN"
        elif not expected or not hmac.compare_digest(given.credentials.encode(), expected):
            message = "this is not the token of the support API"
        else:
            return
        raise ApiError(401, "unauthorized", message, {"WWW-Authenticate": "Bearer"})

    return check
