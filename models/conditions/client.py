"""What an event says of the client that sent it: kind of device, browser, system, country. In plain words, lower case.

What the SDK of an app states comes first, else the user agent is read: browser and system by the package ua-parser,
whose list (uap-core) its keepers bring up to date; the kind of device as browsers' makers advise, by "Mobi" in it
(https://developer.mozilla.org/docs/Web/HTTP/Browser_detection_using_the_user_agent).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, NamedTuple

__all__ = ["DEVICES", "browser_of", "country_of", "device_of", "os_of", "plain", "stated_device"]

DEVICES = ("mobile", "tablet", "desktop", "tv")
"""Kinds of devices."""

_LOOKED_AT = 256  # characters of a user agent: a thousand patterns are tried, and no sender chooses for how long
_REMEMBERED = 20_000  # user agents that are not read again

_TV = re.compile("TV(?![A-Za-z])")  # not of a telephone's name
_TABLET = re.compile("Tablet(?! ?PC)")  # which Windows says of any computer that has its service for pens

_ON_PHONES = frozenset({"ios", "android", "windows phone"})
_COMPUTERS = ("Windows", "Macintosh", "X11", "CrOS", "Linux")
_STATED = {"ios": "mobile", "android": "mobile", "phone": "mobile", "smartphone": "mobile", "computer": "desktop"}
_SAME = {"mac os x": "macos", "mac os": "macos", "ipados": "ios"}
_VARIANTS = frozenset({"mobile", "webview", "ios", "ui/wkwebview"})  # "Chrome Mobile iOS" is Chrome


class _Agent(NamedTuple):
    device: str
    browser: str
    os: str


def plain(text: str) -> str:
    """A name of a browser, a system, a country… as names are compared."""
    words = text.strip().casefold()
    return _SAME.get(words, words)


def device_of(context: Mapping[str, Any]) -> str:
    """The kind of device, of DEVICES; "" if it cannot be told."""
    return _stated(context.get("device")) or _agent(context).device


def stated_device(device: Any, agent: Any) -> str:
    """The same of a context's `device` and `userAgent`, where a thousand patterns would take too long to try: what an
    agent says of the system is found by its usual names."""
    if device is not None and (found := _stated(device)):
        return found
    return _told(agent) if type(agent) is str and agent else ""


@lru_cache(maxsize=_REMEMBERED)
def _told(agent: str) -> str:
    seen = agent[:_LOOKED_AT]
    return _kind(seen, "android" if "Android" in seen else "other" if any(name in seen for name in _COMPUTERS) else "")


def _stated(device: Any) -> str:
    if type(device) is dict:
        if "ipad" in f"{device.get('model')} {device.get('name')}".lower():
            return "tablet"
        if type(stated := device.get("type")) is str:
            kind = stated.strip().lower()
            if (kind := _STATED.get(kind, kind)) in DEVICES:
                return kind
    return ""


def browser_of(context: Mapping[str, Any]) -> str:
    """The browser, without its variants; "" if it cannot be told."""
    return _agent(context).browser


def os_of(context: Mapping[str, Any]) -> str:
    """The system; "" if it cannot be told."""
    stated = context.get("os")
    if type(stated) is dict and type(name := stated.get("name")) is str and name:
        return plain(name)
    return _agent(context).os


def country_of(context: Mapping[str, Any]) -> str:
    """The country where the device says it is, else the one of its language, as in `nl-BE`; "" if neither is said."""
    location = context.get("location")
    if type(location) is dict and type(country := location.get("country")) is str and country:
        return plain(country)
    locale = context.get("locale")
    region = locale.replace("_", "-").partition(".")[0].rpartition("-")[2] if type(locale) is str else ""
    return plain(region) if len(region) == 2 and region.isalpha() and region != locale else ""


def _agent(context: Mapping[str, Any]) -> _Agent:
    agent = context.get("userAgent")
    return _read(agent[:_LOOKED_AT]) if type(agent) is str and agent else _Agent("", "", "")


@lru_cache(maxsize=_REMEMBERED)
def _read(agent: str) -> _Agent:
    from ua_parser import parse_os, parse_user_agent  # noqa: PLC0415  (takes a quarter of a second, and few plans ask)

    system, browser = parse_os(agent), parse_user_agent(agent)
    os = plain(system.family) if system is not None else ""
    name = plain(browser.family) if browser is not None else ""
    words = [word for word in name.split() if word not in _VARIANTS]
    return _Agent(_kind(agent, os), " ".join(words) or name, os)


def _kind(agent: str, os: str) -> str:
    if "TV" in agent and _TV.search(agent):
        return "tv"
    if "iPad" in agent or ("Tablet" in agent and _TABLET.search(agent)) or (os == "android" and "Mobi" not in agent):
        return "tablet"
    return "mobile" if "Mobi" in agent or os in _ON_PHONES else "desktop" if os else ""
