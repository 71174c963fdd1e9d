"""Personal data in free text: e-mail addresses, telephone numbers and IP addresses are masked wherever text leaves us.

The second net. The first is that no message quotes a value of an event; this one catches what a library's error, a
property's name or a sender's unplanned event name carries all the same. A person's name has no form that could be
recognised, so only the first net holds for names.
"""

from __future__ import annotations

import logging
import re
from textwrap import indent
from types import TracebackType

from streams.visible import visible, visible_lines

__all__ = ["HIDDEN", "Scrubbing", "mask_email", "scrub"]

HIDDEN = "•••"
"""Stands for what is not shown."""

# Outsiders choose the text, so each of these takes time in proportion to it: no run of characters is gone through from
# each of its places, or in several ways. A run without an address is therefore matched, too, and left as it is.
_LOCAL = r"[^\s@<>\"'(),:;\[\]{}=]"  # in any script; what stands before it is left to the mask rather than to a reader
_EMAIL = re.compile(rf"({_LOCAL}+(?:@|%40)[\w-]+(?:\.[\w-]+)*)|{_LOCAL}+", re.IGNORECASE)
_IPV4 = re.compile(r"(?<![\w.])(?:\d{1,3}\.){3}\d{1,3}(?![\w.]*\w)(?!:\d)")  # one with a port is a server's
_IPV6 = re.compile(r"(?<![\w:])[0-9a-f]{1,4}:[0-9a-f:]*(?:(?<=:)|(?!\w))", re.IGNORECASE)
_PHONE = re.compile(
    r"(?<![\w./-])(?<!\d:)"
    r"(?:\+\(?\d|00?[1-9]|\(\+?\d{1,5}\))"
    r"(?:[ ./()-]{0,3}\d){3,16}(?![\w:])"
    r"|(?<![\w./-])(?<!\d:)[2-9]\d{2}[ .-]\d{3}[ .-]\d{4}(?![\w-])"
)
_Raised = tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]
_LOOPBACK = ("127.", "0.0.0.0")
_FEWEST_DIGITS = 7


def scrub(text: str) -> str:
    """Text without e-mail addresses, telephone numbers and IP addresses. Idempotent.

    Kept are addresses of servers (with a port, or of this machine), times, numbers without a telephone number's form.
    """
    if "@" in text or "%40" in text:
        text = _EMAIL.sub(lambda found: mask_email(found[1]) if found[1] else found[0], text)
    if "." in text:
        text = _IPV4.sub(lambda found: found[0] if found[0].startswith(_LOOPBACK) else HIDDEN, text)
    if ":" in text:
        text = _IPV6.sub(lambda found: HIDDEN if _is_ipv6(found[0]) else found[0], text)
    return _PHONE.sub(lambda found: HIDDEN if _digits(found[0]) >= _FEWEST_DIGITS else found[0], text)


def mask_email(address: str) -> str:
    """An e-mail address without whose it is."""
    domain = re.split(r"@|%40", address)[-1]
    return f"{HIDDEN}@{domain}"


class Scrubbing(logging.Formatter):
    """A log format that scrubs each whole line, its stack trace too.

    One record is one line, below which a stack trace is indented: whatever a message quotes, it looks like no other
    record, and steers no terminal.
    """

    def format(self, record: logging.LogRecord) -> str:
        return scrub(super().format(record))

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802  (logging's name)
        return visible(super().formatMessage(record))

    def formatException(self, ei: _Raised) -> str:  # noqa: N802  (same)
        return _below(super().formatException(ei))

    def formatStack(self, stack_info: str) -> str:  # noqa: N802  (same)
        return _below(super().formatStack(stack_info))


def _below(text: str) -> str:
    return indent(visible_lines(text), "    ")


def _digits(text: str) -> int:
    return sum(character.isdigit() for character in text)


def _is_ipv6(text: str) -> bool:
    """Not a time of day: those have two colons, two digits each, and no letter."""
    return text.count(":") >= 4 or "::" in text.rstrip(":")
