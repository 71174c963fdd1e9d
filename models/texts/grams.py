"""The language of a text, and the pieces of it that are learned: words and pairs of them; of Chinese, characters.

Chinese and Japanese put no space between words. Single characters and pairs of neighbours stand for them, so no
dictionary is needed.
"""

from __future__ import annotations

import re
from itertools import pairwise

__all__ = ["OTHER", "grams", "language_of"]

OTHER = "en"
"""The language of a text that says nothing of it, and has no Chinese characters."""

_WITHOUT_SPACES = ("zh", "ja")
_RANGES = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff"
_CHARACTERS = re.compile(f"[{_RANGES}]")
_STATED = re.compile(r"([a-z]{2,3})(?![a-z])")
_WORD = re.compile(rf"[{_RANGES}]|[^\W\d_{_RANGES}]+(?:'[^\W\d_{_RANGES}]+)?")
_MOST = 400  # words or characters of a text that are looked at
_SHARE = 0.25  # of letters that are Chinese characters, from which a text is Chinese
_MOSTLY = 0.5  # from which it is so whatever is stated


def language_of(text: str, stated: str = "") -> str:
    """The language of a text: as it is stated, if its script is of that; else by the share of Chinese characters.

    Args:
        text: what was written.
        stated: a code such as `en` or `zh-CN`; of a client's settings, it may be that of another text.
    """
    letters = sum(map(str.isalpha, text))
    share = len(_CHARACTERS.findall(text)) / letters if letters else 0.0
    found = _STATED.match(stated.lower())
    language = found[1] if found else ""
    if language in _WITHOUT_SPACES:
        return language if share else OTHER
    if share >= (_MOSTLY if language else _SHARE):
        return "zh"
    return language or OTHER


def grams(text: str) -> list[str]:
    """Words (characters, where there is no space between words) and pairs of neighbours, each once, as they come."""
    words = _WORD.findall(text.lower().replace("’", "'"))[:_MOST]
    found = dict.fromkeys(words)
    found.update(dict.fromkeys(f"{one} {other}" for one, other in pairwise(words)))
    return list(found)
