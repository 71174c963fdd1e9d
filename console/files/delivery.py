"""Batches of events to the collector, with the patience that Segment's SDKs have."""

from __future__ import annotations

import gzip
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from types import TracebackType
from typing import Self

import httpx
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception_type, stop_after_delay, wait_random_exponential

from console.clients.target import trust
from profiles.errors import RapportError

__all__ = ["MAX_BYTES", "MAX_EVENT", "Collector", "DeliveryError"]

MAX_BYTES = 480_000
"""Bytes of a request before compression; below the collector's limit however badly they compress."""

MAX_EVENT = 32 * 1024
"""Bytes of one event, the collector's limit."""

_WAIT = wait_random_exponential(multiplier=0.2, max=15)
_RETRIED = frozenset({408, 425, 429, 500, 502, 503, 504})


class DeliveryError(RapportError):
    """The collector refused a request for good, or did not answer for too long; the message says what to do."""


class _Again(Exception):
    """To be tried again, after `after` seconds if the collector said so."""

    def __init__(self, why: str, after: float | None = None) -> None:
        super().__init__(why)
        self.after = after


class Collector:
    """A client of one collector. Use it as an asynchronous context manager.

    Args:
        url: the collector's origin, such as http://127.0.0.1:8000.
        patience: seconds for which a request is tried again.
        waiting: called with the reason whenever a request has to be tried again.
    """

    def __init__(self, url: str, *, patience: float = 300.0, waiting: Callable[[str], None] = lambda _: None) -> None:
        self._url = url
        self._patience = patience
        self._waiting = waiting
        self._http = httpx.AsyncClient(base_url=url, timeout=30.0, verify=trust(url))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._http.aclose()

    async def check(self) -> None:
        """See that something answers.

        Raises:
            DeliveryError: nothing does.
        """
        try:
            await self._http.get("/health", timeout=5.0)
        except httpx.TransportError as error:
            raise DeliveryError(
                f"nothing answers at {self._url} ({_why(error)}). Start Rapport with `rapport up`, or give --url."
            ) from error

    async def post(self, write_key: str, events: Iterable[bytes]) -> None:
        """Send one batch, if need be again and again, and return when the collector has it.

        Args:
            write_key: of the events' source.
            events: encoded as JSON, together at most MAX_BYTES. `sentAt` is stamped anew at each try, so that the
                collector's clock correction leaves each event's own time as it is.

        Raises:
            DeliveryError: refused for good, or not taken within the patience.
        """
        joined = b",".join(events)
        tries = AsyncRetrying(
            stop=stop_after_delay(self._patience),
            wait=_pause,
            retry=retry_if_exception_type(_Again),
            before_sleep=self._say,
            reraise=True,
        )
        try:
            async for attempt in tries:
                with attempt:
                    await self._try(write_key, joined)
        except _Again as error:
            raise DeliveryError(f"gave up after {self._patience:.0f} s: {error}") from error

    async def _try(self, write_key: str, joined: bytes) -> None:
        now = datetime.now(UTC).isoformat().replace("+00:00", "Z").encode()
        body = gzip.compress(b'{"sentAt":"' + now + b'","batch":[' + joined + b"]}", compresslevel=1, mtime=0)
        try:
            answer = await self._http.post(
                "/v1/batch",
                content=body,
                auth=(write_key, ""),
                headers={"Content-Type": "application/json", "Content-Encoding": "gzip"},
            )
        except httpx.TransportError as error:
            raise _Again(f"{self._url} does not answer ({_why(error)})") from error
        if answer.status_code == httpx.codes.OK:
            return
        said = f"{self._url} answered {answer.status_code}: {_message(answer)}"
        if answer.status_code in _RETRIED:
            raise _Again(said, _retry_after(answer))
        if answer.status_code == httpx.codes.UNAUTHORIZED:
            raise DeliveryError(f"{said}. Is this the write key of an enabled source of the plan?")
        raise DeliveryError(said)

    def _say(self, state: RetryCallState) -> None:
        if state.outcome is not None and state.next_action is not None:
            self._waiting(f"{state.outcome.exception()}; trying again in {state.next_action.sleep:.1f} s")


def _pause(state: RetryCallState) -> float:
    """As long as the collector asks for, else a growing random while."""
    error = state.outcome.exception() if state.outcome else None
    if isinstance(error, _Again) and error.after is not None:
        return error.after
    return _WAIT(state)


def _retry_after(answer: httpx.Response) -> float | None:
    try:
        return min(300.0, max(0.0, float(answer.headers["Retry-After"])))
    except (KeyError, ValueError):
        return None


def _message(answer: httpx.Response) -> str:
    try:
        return str(answer.json()["message"])
    except (ValueError, KeyError, TypeError):
        return answer.text[:200] or "no reason given"


def _why(error: httpx.TransportError) -> str:
    return str(error) or type(error).__name__
