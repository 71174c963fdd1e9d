"""Who of the workers' group lives: signs of life in Redis, and the end of members that give none.

Kafka learns of a member's death when its session ends, and a broker lets no session be shorter than six seconds unless
it is told to (`group.min.session.timeout.ms`). So every member counts up in Redis a few times a second, and looks at
the others' counts. Whose count stands still while it is looked at is removed from the group, as if it had left
(LeaveGroup), and the others share its partitions out at once.

Only looks count, not clocks: who was paused itself, or could not reach Redis, has seen nothing meanwhile and begins
anew, so neither a Redis that was away nor a frozen observer makes others look dead. A member that was only paused joins
again; what it commits in between is fenced. All of this runs in the thread and loop that send Kafka its heartbeats.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Mapping
from typing import Any

from aiokafka.errors import NoError, UnknownMemberIdError, for_code
from aiokafka.protocol.group import LeaveGroupRequest

from profiles.stores.connection import connect
from profiles.stores.setup import forget_member, show_sign
from streams.kafka.client import EMBEDDED, async_admin
from streams.retry import redis_is_away
from streams.settings import Settings

__all__ = ["LOOK", "SILENT", "Membership", "Silence"]

log = logging.getLogger(__name__)

LOOK = 0.4
"""Seconds between two signs, and looks at those of the others."""

SILENT = 2.0
"""Seconds of looking at a count that stands still after which its member is taken for dead."""

_ANSWER = 1.0  # seconds that Redis has for one look
_REMOVED = 5.0  # seconds that Kafka has to remove a member


class Silence:
    """For how long each member has been seen to give no sign."""

    def __init__(self) -> None:
        self._last: float | None = None  # look
        self._counts: dict[str, int] = {}
        self._silent: dict[str, float] = {}  # seconds

    def look(self, now: float, counts: Mapping[str, int]) -> list[str]:
        """Who is to be taken for dead, by the counts of all at a monotonic time; the same again after as long again.

        A look stands for two turns at most: what was between two that are further apart, nobody has seen.
        """
        passed = 0.0 if self._last is None else min(now - self._last, 2 * LOOK)
        self._last = now
        self._silent = {
            member: self._silent[member] + passed if self._counts.get(member) == count else 0.0
            for member, count in counts.items()
        }
        self._counts = dict(counts)
        dead = [member for member, seconds in self._silent.items() if seconds >= SILENT]
        self._silent |= dict.fromkeys(dead, 0.0)
        return dead


class Membership:
    """Shows that a member lives, and removes those that do not.

    Args:
        settings: where Kafka and Redis are, and which group it is.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._silence = Silence()
        self._removing: dict[str, asyncio.Task[None]] = {}

    async def run(self, own: Callable[[], str]) -> None:
        """Go on until cancelled.

        Args:
            own: the id of this member, "" while it has none.
        """
        client = connect(self._settings.redis.get_secret_value(), retrying=False)
        try:
            while True:
                await asyncio.sleep(LOOK)
                try:
                    await self._look(client, own())
                except Exception as error:
                    _tell(error)
        finally:
            for task in self._removing.values():
                task.cancel()
            await client.aclose()

    async def _look(self, client: Any, own: str) -> None:
        async with asyncio.timeout(_ANSWER):
            counts = await show_sign(client, self._settings.worker_group, own)
        counts.pop(own, None)
        for member in self._silence.look(time.monotonic(), counts):
            if member not in self._removing:  # beside the looks: else a slow Kafka would make us look dead, too
                self._removing[member] = asyncio.create_task(self._bury(client, member))

    async def _bury(self, client: Any, member: str) -> None:
        try:
            async with asyncio.timeout(_REMOVED):
                gone = await self._remove(member)
            if gone:  # else its count still stands, and is looked at again
                await forget_member(client, self._settings.worker_group, member)
        except Exception as error:
            _tell(error)
        finally:
            del self._removing[member]

    async def _remove(self, member: str) -> bool:
        """Whether Kafka has it no more, or takes nobody's word for it."""
        admin = async_admin(self._settings)
        try:
            await admin.start()
            if (await admin.describe_cluster()).get("cluster_id") == EMBEDDED:
                return True  # a group that it is to remove somebody from never gets together again; sessions do end
            node = await admin.find_coordinator(self._settings.worker_group)
            answer = await admin._send_request(LeaveGroupRequest(self._settings.worker_group, member), node)
        finally:
            await admin.close()
        error = for_code(answer.error_code)
        if error is NoError:
            log.warning("the worker %s has given no sign for %g s: the others take over", member, SILENT)
        elif error is UnknownMemberIdError:
            log.info("the worker %s has left", member)
        else:
            log.warning("the worker %s gives no sign, and Kafka does not remove it: %s", member, error.__name__)
        return error in (NoError, UnknownMemberIdError)


def _tell(error: Exception) -> None:
    """Say what keeps us from looking, or from removing somebody; the end of the session does it then, later."""
    known = redis_is_away(error) or isinstance(error, OSError)  # others tell that, and what to do
    log.log(logging.DEBUG if known else logging.WARNING, "cannot look who lives (%s: %s)", type(error).__name__, error)
