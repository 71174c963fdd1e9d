"""Texts as customers might write them, with what they think: pieces put together at random, some of which mislead.

Not the language of real customers, whose texts are nobody's to publish: it shows that what is learned is learned, and
that what cannot be told is not told. A third of the texts have pieces that both kinds write only; of the others some
have one that the other kind writes more often.
"""

from __future__ import annotations

from random import Random
from typing import NamedTuple

__all__ = ["Written", "written"]

_BOTH = {
    "en": ("I ordered it on Monday", "the parcel came on Friday", "it is for my sister", "my second order with you",
           "the box is blue", "I paid by credit card", "the manual is in English", "I called you in the morning",
           "it stands in the kitchen", "I have used it for {n} weeks", "order {n}", "my neighbour has one as well"),
    "zh": ("周一下的单", "周五到的货", "给姐姐买的", "第二次购买", "盒子是蓝色的", "用信用卡付款", "说明书是中文的",
           "上午打过电话", "放在厨房里", "用了{n}周", "订单{n}", "邻居也有一个"),
}  # fmt: skip
_SATISFIED = {
    "en": ("works well", "very good quality", "not bad at all", "arrived early", "the staff was friendly",
           "would buy again", "I recommend it", "cheap for what it is", "exactly as described", "I am happy with it",
           "fast delivery", "easy to return", "they solved it at once", "never broke so far"),
    "zh": ("很好用", "质量非常好", "物流很快", "客服很有耐心", "会再买", "推荐大家买", "性价比高", "和描述一样",
           "很满意", "一点也不差", "退货很方便", "马上就解决了", "包装很好", "一直没坏"),
}  # fmt: skip
_DISSATISFIED = {
    "en": ("does not work well", "not good quality", "arrived broken", "third time I write", "nobody answers",
           "would not buy again", "I do not recommend it", "too expensive for what it is", "not as described",
           "I want my money back", "came late again", "the refund takes weeks", "they never solved it",
           "broke after a day"),
    "zh": ("不好用", "质量不好", "收到就坏了", "第三次写信", "没人回复", "不会再买", "不推荐", "太贵了", "和描述不一样",
           "要求退款", "又晚到了", "退款要等几周", "一直没解决", "用了一天就坏了"),
}  # fmt: skip
_BETWEEN = {"en": (". ", ", ", " and "), "zh": ("。", "，", "！")}


class Written(NamedTuple):
    """A text and what its writer thinks."""

    text: str
    satisfied: bool


def written(dice: Random, language: str = "en", *, satisfied: float = 0.6, telling: bool = True) -> Written:
    """A text.

    Args:
        dice: of everything.
        language: en or zh.
        satisfied: the share of writers who are.
        telling: whether texts say anything of what their writers think.
    """
    is_satisfied = dice.random() < satisfied
    own, others = (_SATISFIED, _DISSATISFIED) if is_satisfied else (_DISSATISFIED, _SATISFIED)
    parts = dice.sample(_BOTH[language], dice.choice((1, 2, 3)))
    if telling and dice.random() < 0.67:
        parts += dice.sample(own[language], dice.choice((1, 1, 2)))
        if dice.random() < 0.15:
            parts.append(dice.choice(others[language]))
    dice.shuffle(parts)
    text = parts[0]
    for part in parts[1:]:
        text += dice.choice(_BETWEEN[language]) + part
    return Written(text.format(n=dice.randrange(2, 90)), is_satisfied)
