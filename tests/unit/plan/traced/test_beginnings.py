"""How a day began: from where somebody came, through which channel, with what device."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from plan.traced.beginnings import begins
from profiles.traces.begun import begun_of, key_of, note_begun
from profiles.types import Event
from tests.build import T0

CHROME = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36"
PHONE = "Mozilla/5.0 (Linux; Android 15; Pixel 8) AppleWebKit/537.36 Chrome/130.0.0.0 Mobile Safari/537.36"
TABLET = "Mozilla/5.0 (Linux; Android 15; SM-X200) AppleWebKit/537.36 Chrome/130.0.0.0 Safari/537.36"
HERE = {"url": "https://www.shop.example/tea"}


def began(context: Any, *, role: str = "visit", type: str = "page", raw: bool = True) -> tuple[str, str, str]:
    sent: Any = msgspec.Raw(msgspec.msgpack.encode(context)) if raw else context
    event: Event = Event("p", "m", "web", type, "Tea", role, T0, T0, context=sent)
    (found,) = begun_of(note_begun(b"", key_of(1, T0), begins, event))
    return found.origin, found.channel, found.device


@pytest.mark.parametrize("raw", [True, False])
@pytest.mark.parametrize(
    ("context", "found"),
    [
        ({"page": HERE, "userAgent": CHROME}, ("direct", "web", "desktop")),
        ({"page": HERE | {"referrer": "https://shop.example/"}, "userAgent": TABLET}, ("direct", "web", "tablet")),
        ({"page": HERE | {"referrer": "https://www.google.co.uk/search?q=x"}}, ("search", "web", "")),
        ({"page": HERE | {"referrer": "https://blog.example"}, "userAgent": PHONE}, ("referral", "web", "mobile")),
        ({"page": HERE, "campaign": {"name": "spring", "medium": "cpc"}}, ("campaign", "web", "")),
        ({"page": HERE, "campaign": {"name": "spring", "medium": "Email"}}, ("contact", "web", "")),
        ({"page": {"search": "?utm_source=x&utm_medium=sms&utm_campaign=y"}}, ("contact", "web", "")),
        ({"page": {"url": "https://shop.example/?utm_source=x"}}, ("campaign", "web", "")),
        ({"page": HERE, "channel": " Store "}, ("direct", "store", "")),
        ({"page": 7, "campaign": "x", "userAgent": 5, "device": [], "referrer": {"url": 3}}, ("direct", "web", "")),
        ({"page": {"referrer": "http://[broken"}}, ("direct", "web", "")),
        ({}, ("direct", "web", "")),
    ],
)
def test_how_a_visit_began(context: dict[str, Any], found: tuple[str, str, str], raw: bool) -> None:
    assert began(context, raw=raw) == found


def test_what_is_no_page() -> None:
    app = {"app": {"name": "Shop"}, "device": {"type": "ios", "model": "iPad8,1"}}

    assert began(app, type="track") == ("direct", "app", "tablet")
    assert began({}, type="screen") == ("direct", "app", "")
    assert began({}, role="search", type="track") == ("search", "", "")
    assert began({}, role="contact_clicked", type="track") == ("contact", "", "")


def test_what_cannot_be_opened_says_nothing() -> None:
    event: Any = Event("p", "m", "web", "track", "x", "login", T0, T0, context=msgspec.Raw(b"\xc1"))  # type: ignore[arg-type]

    assert begins(event)
