"""Messages for tests of sinks that people read: alerts of customers harmless and hostile, as the engine tells them."""

from __future__ import annotations

from typing import Any

import msgspec

from streams.sinks import messages as m
from streams.sinks.kinds.kind import Told

__all__ = [
    "AT",
    "HOSTILE",
    "TYPES",
    "URL",
    "alert",
    "customer",
    "digest",
    "hostile",
    "notice",
    "opened",
    "text_of",
    "told",
]

AT = "2026-11-30T09:00:00.000000Z"
NOW = 1_796_029_200.0  # that time
URL = "https://cdp.example.com"

HOSTILE = (
    "<!channel> <!here> <@U024BE7LH> <!subteam^S1> @channel @everyone @all @所有人 <@all> <at id=all></at> "
    '<at user_id="all">x</at> *bold* _it_ ~st~ `code` **b** [text](https://evil.example/x) '
    "![i](https://evil.example/i.png) <https://evil.example|click> http://evil.example www.evil.example "
    "<script>alert(1)</script> <img src=x onerror=alert(1)> &amp; \"'`\r\nBcc: victim@evil.example\r\n\r\n"
    "# heading\n> quote\n- list\n\u202egnp.exe \u2066x\u2069 \u200f\u200e \x1b[31mred\x1b[0m \x07 \x00 \ud800 "
    "\U000e0041\U000e0042 {{7*7}} ${7*7} %(name)s %s"
)
"""Markup, mentions, links, controls, and marks that turn text, of every service at once."""


def alert(number: int = 1, worth: int = 65_804, **changed: Any) -> m.Alert:
    """An open alert of Daan Weber, worth `worth` cents."""
    held = m.Alert(
        id=f"al_{number}",
        case="cs_1",
        state="open",
        sequence=1,
        rule=m.Rule("valuable_at_risk", "A customer worth keeping is likely to be lost", "critical", 7),
        customer=customer(number),
        risk=m.Risk(0.81, "high", 0.64, AT, AT, "hazard-1"),
        reasons=[
            m.Reason("Last order 65 days ago, usually every 9 days", "raises", 1.9, "recency"),
            m.Reason("2 complaints, the last yesterday", "raises", 1.2, "complaint_8w"),
            m.Reason("Customer for 3 years", "lowers", -0.4, "tenure"),
        ],
        value=m.Value(m.money(81_240, "EUR"), m.money(worth, "EUR")),
        owner=m.Owner("success", None),
        opened=AT,
        changed=AT,
        by=None,
        note=None,
        outcome=None,
        snoozed_until=None,
        reminder=0,
    )
    return msgspec.structs.replace(held, **changed)


def customer(number: int = 1, label: str | None = None, **changed: Any) -> m.Customer:
    """Daan Weber, or by another name."""
    held = m.Customer(
        profile=f"XYlwaH{number}",
        label=f"Daan Weber {number}" if label is None else label,
        ids={"user_id": str(number)},
        language="nl",
        timezone="Europe/Amsterdam",
        url=f"{URL}/c/XYlwaH{number}",
        stage="at_risk",
        segments=["valuable"],
        consent=m.Consents("granted", "granted"),
    )
    return msgspec.structs.replace(held, **changed)


def hostile(number: int = 1, text: str = HOSTILE, **changed: Any) -> m.Alert:
    """One of which everything that others write is hostile."""
    return alert(
        number,
        customer=customer(number, text, stage=text),
        rule=m.Rule(text, text, "warning", 1),
        reasons=[m.Reason(text, "raises", 1.0, "recency")],
        owner=m.Owner(text, text),
        note=text,
        by=text,
        outcome=text,
        **changed,
    )


def opened(data: m.Alert, type_: Any = "alert.opened") -> m.AlertMessage:
    """What tells of it."""
    return m.AlertMessage(type=type_, timestamp=AT, data=data)


def digest(*alerts: m.Alert, total: int = 0, still_open: int = 5, ended: int = 2) -> m.DigestMessage:
    """Those of a day."""
    worth = sum(one.value.at_risk.minor for one in alerts if one.value and one.value.at_risk)
    data = m.DigestData(
        owner="success",
        alerts=list(alerts),
        total=total or len(alerts),
        value_at_risk=m.money(worth, "EUR"),
        ended=ended,
        still_open=still_open,
        url=f"{URL}/",
    )
    return m.DigestMessage(timestamp=AT, data=data)


def notice(type_: Any = "sink.test", text: str = "This is a test") -> m.NoticeMessage:
    """News of Rapport itself."""
    return m.NoticeMessage(type=type_, timestamp=AT, data=m.NoticeData(text, None, {}))


def told(*bodies: Any, **more: Any) -> Told:
    """What the engine hands to a kind; alerts are told as opened."""
    said = [opened(body) if isinstance(body, m.Alert) else body for body in bodies]
    return Told(**{"id": "al_1:open:1", "bodies": said, "now": NOW, "url": f"{URL}/", **more})


def text_of(value: Any) -> str:
    """All texts of a payload."""
    if isinstance(value, dict):
        return "\n".join(text_of(one) for one in value.values())
    if isinstance(value, list):
        return "\n".join(text_of(one) for one in value)
    return value if isinstance(value, str) else ""


TYPES = (
    "alert.opened", "alert.worsened", "alert.acknowledged", "alert.assigned", "alert.snoozed", "alert.woken",
    "alert.resolved", "alert.cleared", "alert.reopened", "alert.escalated", "alert.reminded",
)  # fmt: skip
"""Of messages about one alert."""
