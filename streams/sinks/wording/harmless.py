"""Text of strangers on its way into other people's chats and mailboxes: whatever it says, it is only text there.

A name may hold a mention that wakes a whole room (`@all`, `<!channel>`), markup, a link, an image that tells its owner
who looked, marks that turn a line round, and a hundred thousand letters. Each kind of sink escapes as its service
wants; what is done here holds in all of them, also where a service finds mentions and links by itself.
"""

from __future__ import annotations

import re

__all__ = ["flat", "harmless", "nameless"]

_UNSEEN = re.compile(
    r"[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\u00ad\u061c\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    r"\U000e0000-\U000e0fff]"
)
"""Controls, marks that turn text round, and what takes no room and hides words. Joiners stay: letters need them."""

_SPACE = re.compile(r"[\s\x85\u2028\u2029]+")
_BROKEN = re.compile(r"[\ud800-\udfff]")
_LINK = re.compile(r":(?=//)")
_HOST = re.compile(r"(?<=www)\.", re.IGNORECASE)

_MARKUP = str.maketrans("*_`#[]()<>!~|\\{}&$", "＊＿｀＃［］（）＜＞！～｜＼｛｝＆＄")

_ADDRESS = re.compile(r"[\w.+%-]{1,64}[@＠][\w-]+(?:\.[\w-]+)+")
_NUMBER = re.compile(
    r"(?<!\w)(?:\+|00?)[1-9](?:[ ()./-]{0,2}\d){6,14}(?!\w)"  # abroad, or with the prefix of a country's own calls
    r"|(?<!\w)\(?\d{3}\)?[ .-]\d{3}[ .-]\d{4}(?!\w)|(?<!\w)1[3-9]\d{9}(?!\w)"  # North America; China's mobiles
)


def harmless(text: str, most: int) -> str:
    """Text on one line of at most so many characters, which wakes nobody and leads nowhere."""
    text = _BROKEN.sub("\N{REPLACEMENT CHARACTER}", text[: 8 * most])
    text = _SPACE.sub(" ", _UNSEEN.sub("", text)).strip()
    text = _HOST.sub("．", _LINK.sub("：", text)).replace("@", "＠")
    return text if len(text) <= most else f"{text[: most - 1].rstrip()}…"


def flat(text: str, most: int) -> str:
    """The same for services that read Markdown: signs of markup become their wide forms, which no service reads.

    Escaping by backslashes would not do: services that show a part of Markdown show some of them.
    """
    return harmless(text, most).translate(_MARKUP)


def nameless(text: str, *, numbers: bool = True) -> str:
    """Text without what looks like a mail address, or like a telephone number.

    Args:
        text: of which the beginning is looked at.
        numbers: False where the text tells dates and amounts, which would be taken for numbers.
    """
    text = _ADDRESS.sub("…", text[:4096])
    return _NUMBER.sub("…", text) if numbers else text
