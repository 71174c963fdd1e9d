"""How an event began a customer's day: from where they came, through which channel, with what device.

Asked of the first event of a day only. A campaign that is sent by e-mail, text or push is a contact of ours.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import msgspec

from models.conditions.client import stated_device
from profiles.traces.begun import CHANNELS, code_of
from profiles.types import Event

__all__ = ["begins"]

_OURS = frozenset({"email", "e-mail", "sms", "push", "newsletter"})
"""Media of campaigns by which we come to customers."""

_ENGINES = frozenset(
    {"google", "bing", "duckduckgo", "yahoo", "baidu", "yandex", "ecosia", "qwant", "startpage", "sogou", "naver", "so"}
)
"""Search engines, by the part of their names before the country's or `com`."""

_SECOND = frozenset({"co", "com"})  # as in google.co.uk
_LONGEST = 2048  # characters of an address that are looked at


class _Context(msgspec.Struct):
    """What is looked at of a context; the rest is not even opened."""

    app: Any = None
    device: Any = None
    userAgent: Any = None  # noqa: N815  (as senders write it)
    page: Any = None
    campaign: Any = None
    channel: Any = None
    referrer: Any = None


_NOTHING: Mapping[str, Any] = {}
_open = msgspec.msgpack.Decoder(_Context).decode


def begins(event: Event) -> bytes:
    """How it began a day, as a row says it."""
    sent: Any = event.context
    try:
        context = msgspec.convert(sent, _Context) if type(sent) is dict else _open(sent) if sent else _Context()
    except (msgspec.DecodeError, msgspec.ValidationError):
        context = _Context()
    device = stated_device(context.device, context.userAgent)
    return code_of(_origin(event, context), _channel(event, context), device)


def _channel(event: Event, context: _Context) -> str:
    said = context.channel
    if type(said) is str and said.strip().casefold() in CHANNELS:
        return said.strip().casefold()
    if event.type == "screen" or (context.app is not None and context.userAgent is None):
        return "app"
    return "web" if event.type == "page" or context.page is not None else ""


def _origin(event: Event, context: _Context) -> str:
    page = context.page if type(context.page) is dict else _NOTHING
    if event.role == "contact_clicked":
        return "contact"
    campaign = context.campaign
    if type(campaign) is dict and campaign:
        return "contact" if _is_ours(campaign.get("medium")) else "campaign"
    query, before = page.get("search") or page.get("url"), page.get("referrer") or context.referrer
    if type(query) is str and "utm_" in query:
        medium = query[:_LONGEST].partition("utm_medium=")[2].partition("&")[0].partition("#")[0]
        return "contact" if _is_ours(medium) else "campaign"
    if event.role == "search":
        return "search"
    if not before:
        return "direct"
    host = _host(before.get("url") if type(before) is dict else before)
    if not host or host == _host(page.get("url")):
        return "direct"
    return "search" if _name(host) in _ENGINES else "referral"


def _is_ours(medium: Any) -> bool:
    return type(medium) is str and medium.strip().casefold() in _OURS


def _host(address: Any) -> str:
    """Of an address, without `www.`; "" of what is none."""
    if type(address) is not str or not address:
        return ""
    try:
        return (urlsplit(address[:_LONGEST]).hostname or "").removeprefix("www.")
    except ValueError:
        return ""


def _name(host: str) -> str:
    parts = host.split(".")
    if len(parts) > 2 and parts[-2] in _SECOND:
        return parts[-3]
    return parts[-2] if len(parts) > 1 else host
