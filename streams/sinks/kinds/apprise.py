"""`type: apprise`: the many services that have no kind of their own here, by the library Apprise, which is an extra.

Apprise has a client of its own, which works in threads and tells of each service no more than whether it took the
message. What we hold it to: no redirect is followed, a host that an address names is looked at before (`http.py`),
though not held to, one that took a message is not asked again when another is, and nothing but plain text is sent.
"""

from __future__ import annotations

import asyncio
import re
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from pydantic import SecretStr

from plan.sinks.kinds import AppriseSink
from plan.sinks.sink import variable
from profiles.errors import WrongUse
from streams.sinks.http import Caller, NoAnswer, Refused
from streams.sinks.kinds.kind import Kind, Pace, Told, Verdict
from streams.sinks.wording.cards import card_of
from streams.sinks.wording.harmless import flat
from streams.sinks.wording.plain import plain_text

if TYPE_CHECKING:
    from apprise import NotifyBase

__all__ = ["Apprise"]

_MOST = 10  # alerts that are named
_SERVICES = 10  # of a sink
_REMEMBERED = 1000  # messages of which it is known who took them


class Apprise(Kind[AppriseSink]):
    """One or several of Apprise's services: `URL` has their addresses as Apprise writes them, apart by spaces."""

    PACE = Pace(1, 6.0, 1)

    def __init__(self, name: str, spec: AppriseSink, secrets: Mapping[str, SecretStr], plan: str = "") -> None:
        super().__init__(name, spec, secrets, plan)
        self._services = _services(name, self.secret("URL"))
        self._took: OrderedDict[str, set[int]] = OrderedDict()

    @property
    def hidden(self) -> list[str]:
        parts = re.split(r"[/:@?&=\s]+", self.secret("URL"))
        return [*super().hidden, *self.secret("URL").split(), *(part for part in parts if len(part) >= 8)]

    async def send(self, told: Told, caller: Caller) -> Verdict:
        took = self._took.setdefault(told.id, set())
        self._took.move_to_end(told.id)
        while len(self._took) > _REMEMBERED:
            self._took.popitem(last=False)
        waiting = [place for place in range(len(self._services)) if place not in took]
        failed: list[str | NoAnswer | Refused] = []
        for place, answer in zip(
            waiting, await asyncio.gather(*(self._one(self._services[at], told, caller) for at in waiting)), strict=True
        ):
            if answer:
                failed.append(answer)
            else:
                took.add(place)
        if not failed:
            self._took.pop(told.id, None)
            return Verdict("delivered", 0, f"{len(self._services)} took it")
        if not took and isinstance(failed[0], NoAnswer | Refused) and len(failed) == 1:
            raise failed[0]
        return Verdict("again", 0, "; ".join(map(str, failed)))

    async def _one(self, service: NotifyBase, told: Told, caller: Caller) -> str | NoAnswer | Refused:
        """What went wrong; "" if it took the message."""
        try:
            await _look(service, caller)
        except (NoAnswer, Refused) as error:
            return error
        title, body = self._words(service, told)
        return await _notify(service, title, body, caller.timeout)

    def _words(self, service: NotifyBase, told: Told) -> tuple[str, str]:
        """As many alerts as the service has room for."""
        title = body = ""
        for most in range(_MOST, -1, -1):
            card = card_of(told, most, zone=self.spec.timezone, clean=flat)
            title, body = card.title, plain_text(card)
            if len(title) + len(body) + 2 <= service.body_maxlen:
                break
        return title, body


def _services(name: str, urls: str) -> list[NotifyBase]:
    """The services of a sink.

    Raises:
        WrongUse: Apprise is not installed, or knows no such service.
    """
    try:
        import apprise  # noqa: PLC0415  (an extra, which takes a second to load)
    except ImportError:
        raise WrongUse(f"sink {name} is of type apprise: pip install 'rapport-cdp[apprise]'") from None
    asset = apprise.AppriseAsset(
        app_id="Rapport",
        app_desc="Rapport",
        http_redirects=False,
        secure_logging=True,
        storage_mode="memory",
        allow_templates=False,
        result_log_disk_size=0,
    )
    found: list[NotifyBase] = []
    for number, url in enumerate(urls.split(), 1):
        service = apprise.Apprise.instantiate(url, asset=asset)
        if service is None:
            raise WrongUse(f"{variable(name, 'URL')}: Apprise knows no service of address {number}")
        service.redirects = False  # whatever the address says
        service.overflow_mode = apprise.OverflowMode.TRUNCATE
        found.append(service)
    if not 1 <= len(found) <= _SERVICES:
        raise WrongUse(f"{variable(name, 'URL')} has {len(found)} addresses; write 1 to {_SERVICES}")
    return found


async def _look(service: NotifyBase, caller: Caller) -> None:
    """A service that stands at an address of somebody's choice is looked at; the others have their own."""
    templates: Sequence[str] = service.templates
    if not any("{host}" in template for template in templates) or not service.host:
        return
    secure = bool(service.secure)
    _, allowed = await caller.look(service.host, service.port or (443 if secure else 80))
    if not allowed and not secure:
        raise Refused("would be called without TLS: take the service's address for HTTPS")


async def _notify(service: NotifyBase, title: str, body: str, timeout: float) -> str:
    import apprise  # noqa: PLC0415  (an extra)

    one = apprise.Apprise()
    one.add(service)
    try:
        async with asyncio.timeout(timeout + 5.0):
            result: Any = await one.async_notify(
                body=body, title=title, body_format=apprise.NotifyFormat.TEXT, timeout=timeout
            )
    except TimeoutError:
        return f"{service.service_name}: no answer within {timeout:g} s"
    if result:
        return ""
    said = " ".join(entry.message for entry in result.logs())
    return f"{service.service_name}: {result.status.name.lower()} {said}".strip()
