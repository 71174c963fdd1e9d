"""What happens to cases, as it happens: the list is read again whenever the live feed says that something changed.

States are compared, not messages: whatever a connection that broke did not tell is in the state, too.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from console.clients.support import Support
from profiles.errors import Misconfigured, NotFound, RapportError, WrongUse

__all__ = ["MOST", "Changed", "follow", "standing"]

MOST = 1000
"""Cases that are followed, the newest."""

_PAGE = 200
_BETWEEN = 1.0  # seconds between two looks
_TOLD = frozenset({"alert", "case"})  # whatever is said of these may be about any case


class Changed(NamedTuple):
    """A case of which something is new."""

    before: dict[str, Any] | None  # as it was seen last; None: it was not among them
    now: dict[str, Any]


def standing(api: Support, asked: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """The newest cases that are not over, by id.

    Args:
        api: of Rapport.
        asked: filters, as of `/v1/cases`.
    """
    found: dict[str, dict[str, Any]] = {}
    cursor: str | None = None
    while True:
        page = api.call(
            "GET", "/v1/cases",
            params={**asked, "sort": "newest", "limit": _PAGE, **({"cursor": cursor} if cursor else {})},
        )  # fmt: skip
        found |= {row["id"]: row for row in page["data"]}
        cursor = page["next"]
        if cursor is None or len(found) >= MOST:
            return found


def follow(
    api: Support, asked: Mapping[str, Any], held: dict[str, dict[str, Any]], say: Callable[[str], None]
) -> Iterator[Changed]:
    """What becomes of these cases and of new ones, without end.

    Args:
        api: of Rapport.
        asked: filters, as of `/v1/cases`.
        held: the cases as they are known.
        say: told when the feed goes away and comes back.

    Raises:
        RapportError: the API refuses.
    """
    feed = _Feed(api, say)
    threading.Thread(target=feed.run, daemon=True).start()
    while True:
        feed.watch({row["profile"] for row in held.values()})
        feed.wait()
        try:
            now = standing(api, asked)
        except WrongUse:
            raise
        except Misconfigured:  # away; the feed tells when it is back
            continue
        for id_, case in now.items():
            if (before := held.get(id_)) is None or _differs(before, case):
                yield Changed(before, case)
        for id_, before in held.items():
            if id_ not in now and (after := _over(api, before)) is not None:
                yield Changed(before, after)
        held = now
        time.sleep(_BETWEEN)


def _differs(before: dict[str, Any], now: dict[str, Any]) -> bool:
    return any(before[part] != now[part] for part in ("history", "notes"))


def _over(api: Support, before: dict[str, Any]) -> dict[str, Any] | None:
    """The case as it is now, which is not among them any more; None if nobody has it."""
    try:
        return {**before, **api.call("GET", f"/v1/cases/{before['id']}")}
    except NotFound:
        return None


class _Feed:
    """Listens, in a thread of its own, for what may be about a case."""

    def __init__(self, api: Support, say: Callable[[str], None]) -> None:
        self._api, self._say = api, say
        self._news = threading.Event()
        self._profiles: frozenset[str] = frozenset()
        self._refused: RapportError | None = None

    def watch(self, profiles: set[str]) -> None:
        """Changes of these customers matter, too."""
        self._profiles = frozenset(profiles)

    def wait(self) -> None:
        """Until there is news.

        Raises:
            RapportError: the API refuses.
        """
        while not self._news.wait(60.0):  # for ever is not interrupted everywhere
            pass
        self._news.clear()
        if self._refused is not None:
            raise self._refused

    def run(self) -> None:
        """Listen until the API refuses; who is away is asked again."""
        away = False
        while self._refused is None:
            try:
                for kind, data in self._api.listen("/v1/live"):
                    if not kind and away:
                        away = False
                        self._say("the feed is back")
                    if not kind or kind in _TOLD or data.get("id") in self._profiles:
                        self._news.set()
            except WrongUse as error:
                self._refused = error
                self._news.set()
            except Misconfigured as error:
                if not away:
                    self._say(f"the feed is away, and is asked again: {error}")
                away = True
            except RapportError as error:
                self._refused = error
                self._news.set()
            time.sleep(_BETWEEN)
