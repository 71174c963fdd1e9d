"""The support API as commands call it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import quote

import httpx

from console.client import Target, trust
from profiles.errors import Misconfigured, NotFound, RapportError

__all__ = ["Support", "customer", "support"]


class Support:
    """An open connection to the support API."""

    def __init__(self, http: httpx.Client) -> None:
        self._http = http

    def call(self, method: str, path: str, **arguments: Any) -> dict[str, Any]:
        """One request; answers the JSON document.

        Raises:
            NotFound: what is asked for does not exist.
            Misconfigured: nothing answers there, or the token is not accepted.
            RapportError: the API answers otherwise.
        """
        try:
            return _document(self._http.request(method, path, **arguments))
        except httpx.TransportError as error:
            raise Misconfigured(
                f"nothing answers at {self._http.base_url} ({error}). Start Rapport with `rapport up`, or give --url."
            ) from error


@contextmanager
def support(target: Target, timeout: float = 10.0) -> Iterator[Support]:
    """A connection to the support API; `timeout` is of one request, in seconds."""
    headers = {"Authorization": f"Bearer {target.token}"} if target.token else {}
    with httpx.Client(base_url=target.url, headers=headers, timeout=timeout, verify=trust(target.url)) as http:
        yield Support(http)


def customer(identity: str, tail: str = "") -> str:
    """The path of a customer.

    Raises:
        Misconfigured: this is no identity.
    """
    if ":" not in identity:
        raise Misconfigured(f"{identity!r} is no identity; write TYPE:VALUE, such as user_id:{identity}")
    return f"/v1/profiles/{quote(identity, safe='')}{tail}"


def _document(answer: httpx.Response) -> dict[str, Any]:
    try:
        found = answer.json()
        message = found.get("message", "")
    except (ValueError, AttributeError):
        raise RapportError(f"{answer.url} answered {answer.status_code}, and it was not Rapport that spoke") from None
    if answer.is_success:
        return dict(found)
    if answer.status_code == httpx.codes.NOT_FOUND:
        raise NotFound(message)
    if answer.status_code == httpx.codes.UNAUTHORIZED:
        raise Misconfigured(f"{message}: give --token or RAPPORT_API_TOKEN")
    raise RapportError(message or f"{answer.url} answered {answer.status_code}")
