"""The support API as commands call it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from typing import Any
from urllib.parse import quote

import httpx

from console.clients.target import Target, trust
from profiles.errors import Misconfigured, NotFound, RapportError, WrongUse

_SILENT = 45.0
"""Seconds without a heartbeat, of which there is one every 15, after which a stream is given up."""

__all__ = ["Support", "company", "customer", "support"]


class Support:
    """The support API; it is looked for, and connected to, with the first request.

    Args:
        target: where it is.
        timeout: of one request, seconds.
    """

    def __init__(self, target: Target, timeout: float) -> None:
        self._target = target
        self._timeout = timeout
        self._opened: httpx.Client | None = None

    def call(self, method: str, path: str, **arguments: Any) -> dict[str, Any]:
        """One request; answers the JSON document.

        Raises:
            NotFound: what is asked for does not exist.
            WrongUse: it does not accept the token, or what it was asked.
            Misconfigured: nothing says where it is, or nothing answers there.
            RapportError: the API answers otherwise.
        """
        http = self._opened = self._opened or self._open()
        try:
            return _document(http.request(method, path, **arguments))
        except httpx.TransportError as error:
            raise Misconfigured(
                f"nothing answers at {http.base_url} ({error}). Start Rapport with `rapport up`, or give --url."
            ) from error

    def listen(self, path: str) -> Iterator[tuple[str, dict[str, Any]]]:
        """Server-sent events as they come, each with its kind; ("", {}) as it begins, until the connection ends.

        Raises:
            As `call`, before the first.
        """
        http = self._open()
        try:
            with http, http.stream("GET", path, timeout=_SILENT) as answer:
                if not answer.is_success:
                    answer.read()
                    _document(answer)
                yield "", {}
                kind = ""
                for line in answer.iter_lines():
                    if line.startswith("event:"):
                        kind = line.removeprefix("event:").strip()
                    elif line.startswith("data:"):
                        yield kind, json.loads(line.removeprefix("data:"))
        except httpx.TransportError as error:
            raise Misconfigured(f"nothing answers at {http.base_url} ({error})") from error

    def close(self) -> None:
        """Hang up."""
        if self._opened is not None:
            self._opened.close()

    def _open(self) -> httpx.Client:
        found = self._target.find()
        headers = {"Authorization": f"Bearer {found.token}"} if found.token else {}
        return httpx.Client(base_url=found.url, headers=headers, timeout=self._timeout, verify=trust(found.url))


def support(target: Target, timeout: float = 10.0) -> closing[Support]:
    """The support API, to be used in a `with`; `timeout` is of one request, in seconds."""
    return closing(Support(target, timeout))


def customer(identity: str, tail: str = "") -> str:
    """The path of a customer.

    Raises:
        WrongUse: this is no identity.
    """
    if ":" not in identity:
        raise WrongUse(f"{identity!r} is no identity; write TYPE:VALUE, such as user_id:{identity}")
    return f"/v1/profiles/{quote(identity, safe='')}{tail}"


def company(name: str) -> str:
    """The path of a company, by its name or the id of its document."""
    return f"/v1/companies/{quote(name, safe='')}"


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
    if answer.status_code == httpx.codes.FORBIDDEN:
        raise WrongUse(message)
    if answer.status_code == httpx.codes.UNAUTHORIZED:
        raise WrongUse(f"{message}: give --token or RAPPORT_API_TOKEN")
    if answer.status_code in (httpx.codes.BAD_REQUEST, httpx.codes.UNPROCESSABLE_ENTITY):
        raise WrongUse(message)
    raise RapportError(message or f"{answer.url} answered {answer.status_code}")
