"""What people have open in the console, and tools that read profiles beside them, over HTTP as browsers do it.

Each open page of a customer waits for a name that is sent again and again, with a number that goes up. A page is sent
states, so it may jump over numbers; it must come to the last one.
"""

from __future__ import annotations

import asyncio
import re
import time
from abc import ABC, abstractmethod
from collections.abc import Sequence

import aiohttp

__all__ = ["OpenPages", "Reads", "Visits", "name_of", "signed_in"]

_READ = 10.0  # seconds that an answer may take
_NAME = re.compile(rb"Watched (\d+) v(\d+)")


def name_of(number: int, version: int) -> str:
    """What a watched customer is called by now."""
    return f"Watched {number} v{version}"


async def signed_in(url: str, name: str, password: str) -> aiohttp.ClientSession:
    """A session of somebody who has an account.

    Raises:
        RuntimeError: they are not let in.
    """
    session = aiohttp.ClientSession(
        url, connector=aiohttp.TCPConnector(limit=0), timeout=aiohttp.ClientTimeout(total=None, sock_read=60),
        cookie_jar=aiohttp.CookieJar(unsafe=True),  # of an address that has no name
    )  # fmt: skip
    form = {"name": name, "password": password}
    async with session.post(
        "/sign-in", data=form, headers={"Sec-Fetch-Site": "same-origin"}, allow_redirects=False
    ) as answer:
        if answer.status != 303:
            await session.close()
            raise RuntimeError(f"the console answers {answer.status} to a sign-in")
    return session


class OpenPages:
    """Streams of pages, each with the newest name that it has shown, if it is of a customer.

    Args:
        session: of who has them open.
        customers: profile ids, by the number in their names.
        others: addresses of streams of other pages.
    """

    def __init__(self, session: aiohttp.ClientSession, customers: Sequence[str], others: Sequence[str]) -> None:
        self._session = session
        self._streams: list[tuple[str, int | None]] = [
            (f"/live/c/{id_}", number) for number, id_ in enumerate(customers)
        ]
        self._streams += [(path, None) for path in others]
        self._tasks: list[asyncio.Task[None]] = []
        self._sent: dict[tuple[int, int], float] = {}  # number and version → when its event was accepted
        self.shown = dict.fromkeys(range(len(customers)), -1)
        self.wanted = dict(self.shown)
        self.seconds: list[float] = []  # from the answer to an event to the page that shows it
        self.states = self.bytes = self.broken = 0

    def open(self) -> None:
        """Open all of them."""
        self._tasks = [asyncio.create_task(self._follow(path, number)) for path, number in self._streams]

    async def close(self) -> None:
        """Close all of them."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def accepted(self, number: int, version: int, at: float) -> None:
        """The event with this name of a customer was accepted."""
        self.wanted[number] = max(version, self.wanted[number])
        if version > self.shown[number]:
            self._sent[number, version] = at

    def behind(self) -> list[int]:
        """Customers whose page does not show the last name that was accepted."""
        return [number for number, version in self.wanted.items() if self.shown[number] < version]

    async def _follow(self, path: str, number: int | None) -> None:
        async with self._session.get(path) as answer:
            if answer.status != 200:
                raise RuntimeError(f"{path} answers {answer.status}")
            rest = b""
            async for piece in answer.content.iter_any():
                self.bytes += len(piece)
                *events, rest = (rest + piece).split(b"\r\n\r\n")
                self.states += sum(b"data:" in event for event in events)
                if number is not None:
                    self._note(number, events)
        self.broken += 1  # nobody has closed it

    def _note(self, number: int, events: Sequence[bytes]) -> None:
        versions = [int(found[2]) for event in events for found in _NAME.finditer(event) if int(found[1]) == number]
        now = time.monotonic()
        for version in range(self.shown[number] + 1, max(versions, default=-1) + 1):
            # What nobody has counted as accepted yet: the answer is still on its way to the sender.
            self.seconds.append(now - self._sent.pop((number, version), now))
        self.shown[number] = max([self.shown[number], *versions])


class _Steadily(ABC):
    """Asks for something at a rate, whatever the answers take, and keeps what each took from when it was due."""

    def __init__(self, rate: float) -> None:
        self._rate = rate
        self.count = False
        self.seconds: list[float] = []
        self.failed = 0

    async def run(self, seconds: float) -> None:
        """Ask for so long; returns when all answers are there."""
        began = time.monotonic()
        async with asyncio.TaskGroup() as tasks:
            for number in range(round(seconds * self._rate)):
                due = began + number / self._rate
                if (wait := due - time.monotonic()) > 0:
                    await asyncio.sleep(wait)
                tasks.create_task(self._one(number, due))

    async def _one(self, number: int, due: float) -> None:
        try:
            status = await self._ask(number)
        except (aiohttp.ClientError, TimeoutError):
            status = 0
        if self.count:
            self.seconds.append(time.monotonic() - due)
            self.failed += status != 200

    @abstractmethod
    async def _ask(self, number: int) -> int:
        """Ask for the n-th; answers its status."""


class Reads(_Steadily):
    """Reads of profiles over the API, by as many tokens in turn as the limit of each wants.

    Args:
        session: with no cookie.
        tokens: of the API.
        ids: of profiles.
        rate: reads a second.
    """

    def __init__(self, session: aiohttp.ClientSession, tokens: Sequence[str], ids: Sequence[str], rate: float) -> None:
        super().__init__(rate)
        self._session, self._ids = session, ids
        self._headers = [{"Authorization": f"Bearer {token}"} for token in tokens]

    async def _ask(self, number: int) -> int:
        path = f"/v1/profiles/profile_id:{self._ids[number * 7919 % len(self._ids)]}"
        headers = self._headers[number % len(self._headers)]
        async with asyncio.timeout(_READ), self._session.get(path, headers=headers) as answer:
            await answer.read()
            return answer.status


class Visits(_Steadily):
    """Whole pages, one after the other.

    Args:
        session: of who is signed in.
        paths: of the pages.
        rate: pages a second.
    """

    def __init__(self, session: aiohttp.ClientSession, paths: Sequence[str], rate: float) -> None:
        super().__init__(rate)
        self._session, self._paths = session, paths

    async def _ask(self, number: int) -> int:
        path = self._paths[number % len(self._paths)]
        async with asyncio.timeout(_READ), self._session.get(path) as answer:
            await answer.read()
            return answer.status
