"""Pages of lists that are sorted sets, spread over the partitions: the highest score first, then the highest member."""

from __future__ import annotations

import base64
import math
from collections.abc import Sequence
from hashlib import sha1
from typing import NamedTuple

from redis.exceptions import NoScriptError

from profiles.errors import RapportError
from profiles.stores.connection import Client, on_each_master
from profiles.stores.unit import lua

__all__ = ["BadCursor", "Page", "Pager", "Row", "decode_cursor", "encode_cursor", "first_rows"]

Row = tuple[float, str]
"""(score, member) of a sorted set."""


class BadCursor(RapportError):
    """A cursor that no list of ours has answered."""


class Page(NamedTuple):
    """Some rows of a list."""

    rows: list[Row]
    following: str | None  # the cursor of the next page; None for none
    partitions: dict[str, int]  # member → the partition that it was found in


class Pager:
    """Reads a page in one round trip to each node: every partition answers as many rows as the page has at most."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._script = lua("page")
        self._sha = sha1(self._script.encode()).hexdigest()

    async def page(self, sets: Sequence[Sequence[str]], limit: int, cursor: str | None) -> Page:
        """The next rows.

        Args:
            sets: the key of each partition's sorted set; perhaps with that of a second one, to which members must
                belong as well.
            limit: most rows.
            cursor: of the page before.

        Raises:
            BadCursor: it is none of a list like this.
        """
        after = decode_cursor(cursor)
        place = ("", "") if after is None else (repr(after[0]), after[1])
        rows: list[Row] = []
        partitions: dict[str, int] = {}
        answers = await self._run([(len(keys), *keys, limit + 1, *place) for keys in sets])
        for partition, answer in enumerate(answers):
            for member, score in zip(answer[::2], answer[1::2], strict=True):
                name = member.decode()
                rows.append((float(score), name))
                partitions[name] = partition
        return Page(*first_rows(rows, limit, after), partitions)

    async def _run(self, calls: Sequence[tuple[object, ...]]) -> list[list[bytes]]:
        try:
            return await self._all(calls)
        except NoScriptError:  # the first time, and after a restart
            await on_each_master(self._client, "SCRIPT LOAD", self._script)
            return await self._all(calls)

    async def _all(self, calls: Sequence[tuple[object, ...]]) -> list[list[bytes]]:
        async with self._client.pipeline(transaction=False) as pipe:
            for call in calls:
                pipe.execute_command("EVALSHA", self._sha, *call)
            answers: list[list[bytes]] = await pipe.execute()
        return answers


def first_rows(rows: list[Row], limit: int, after: Row | None) -> tuple[list[Row], str | None]:
    """The first rows behind one, and the cursor of those that follow them."""
    ordered = sorted((row for row in rows if after is None or row < after), reverse=True)
    page = ordered[:limit]
    return page, encode_cursor(page[-1]) if len(ordered) > limit else None


def encode_cursor(row: Row) -> str:
    """The cursor of the page that follows a row."""
    return base64.urlsafe_b64encode(f"{row[0]!r} {row[1]}".encode()).decode().rstrip("=")


def decode_cursor(cursor: str | None) -> Row | None:
    """The row that a page follows; None for the first page.

    Raises:
        BadCursor: it names none.
    """
    if cursor is None:
        return None
    try:
        score, _, member = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode().partition(" ")
        row = float(score), member
    except ValueError:
        row = math.nan, ""
    if not math.isfinite(row[0]):
        raise BadCursor("this cursor is not one that a list has answered; leave it out to start again")
    return row
