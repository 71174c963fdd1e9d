"""Text of strangers made safe to show: control characters are written out, so none forges a line or steers a terminal.

A newline begins a line that looks like one of ours. An escape sequence (ECMA-48: ESC, or a C1 control alone) colours,
deletes and retitles. The marks of Unicode's bidirectional algorithm (UAX #9: embeddings, overrides, isolates) show text
in another order than it is stored in. A lone surrogate cannot be written at all. Marks of one letter, which Arabic and
Hebrew need, stay.
"""

from __future__ import annotations

import re

__all__ = ["visible", "visible_json", "visible_lines"]

_UNSEEN = r"\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ufff9-\ufffb\ud800-\udfff"
_ALL = re.compile(f"[{_UNSEEN}\\t\\n]")
_BUT_LAYOUT = re.compile(f"[{_UNSEEN}]")
_SHORT = {"\t": "\\t", "\n": "\\n", "\r": "\\r"}


def visible(text: str) -> str:
    """The text on one line: control characters as Python writes them, such as `\\n` and `\\x1b`."""
    return _ALL.sub(_written, text)


def visible_lines(text: str) -> str:
    """The same for text with a layout of our own: newlines and tabs stay."""
    return _BUT_LAYOUT.sub(_written, text)


def visible_json(text: str) -> str:
    """JSON without raw control characters, which its strings may hold from U+007F on; it says the same."""
    return _BUT_LAYOUT.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def _written(found: re.Match[str]) -> str:
    code = ord(found[0])
    return _SHORT.get(found[0]) or (f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}")
