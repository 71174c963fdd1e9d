"""What texts are about: topics with words that tell them, in English and Chinese."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

__all__ = ["SHIPPED", "Topics", "Words"]

Words = Mapping[str, Sequence[str]]
"""By language, the words that tell a topic: of English how words begin, of Chinese any part of the text."""

SHIPPED: Mapping[str, Words] = {
    "delivery": {
        "en": ("deliver", "shipping", "shipped", "shipment", "parcel", "courier", "arrive", "tracking", "postman",
               "came late", "too late", "still waiting for my order"),
        "zh": ("快递", "物流", "送货", "发货", "配送", "包裹", "到货", "运费", "送达", "收货", "没收到"),
    },
    "price": {
        "en": ("price", "pricing", "expensive", "cheap", "costs", "costly", "overpriced", "discount", "coupon",
               "value for money", "worth the money", "afford"),
        "zh": ("价格", "价钱", "太贵", "很贵", "便宜", "性价比", "优惠", "折扣", "涨价", "降价", "划算"),
    },
    "quality": {
        "en": ("quality", "broken", "broke", "defect", "damaged", "faulty", "fell apart", "stopped working",
               "does not work", "doesn't work", "not working", "scratch", "sturdy", "flimsy", "durable", "leak",
               "well made", "poorly made"),
        "zh": ("质量", "品质", "坏了", "坏的", "破损", "瑕疵", "做工", "故障", "损坏", "次品", "结实", "耐用", "掉色"),
    },
    "service": {
        "en": ("service", "support", "staff", "agent", "helpful", "unhelpful", "rude", "friendly", "no answer",
               "no reply", "nobody answer", "helpdesk", "customer care"),
        "zh": ("客服", "服务", "态度", "售后", "回复", "不理", "热情", "耐心", "敷衍"),
    },
    "payment": {
        "en": ("payment", "paying", "paid", "invoice", "credit card", "charged", "billing", "billed", "checkout",
               "paypal"),
        "zh": ("付款", "支付", "账单", "发票", "扣款", "扣费", "信用卡", "多收"),
    },
    "returns": {
        "en": ("return", "refund", "money back", "send back", "sent back", "send it back", "sent it back", "exchange"),
        "zh": ("退货", "退款", "换货", "退换", "退回", "退钱"),
    },
    "cancel": {
        "en": ("cancel", "unsubscribe", "terminate", "end my subscription", "close my account"),
        "zh": ("取消", "退订", "注销", "解约"),
    },
}  # fmt: skip
"""Topics that every plan has, unless it says otherwise."""


_NONE = ("other", "unknown", "none", "")


class Topics:
    """Finds the topics of texts.

    Args:
        said: by name of the topic, the words that tell it: further topics, or other words of a shipped one; one without
            words is none.
    """

    def __init__(self, said: Mapping[str, Words] | None = None) -> None:
        words = {**SHIPPED, **(said or {})}
        self.words = {name: words[name] for name in words if any(words[name].values())}
        self._tells = {name: _pattern(self.words[name]) for name in self.words}

    def of(self, text: str, stated: str = "") -> list[str]:
        """The topics of a text, that of its ticket first; [""] for none.

        Args:
            text: what was written.
            stated: the topic that the ticket, the complaint or the like names itself.
        """
        lower = text.lower().replace("’", "'")
        found = [own] if (own := self._named(stated.strip())) else []
        found += [name for name, tells in self._tells.items() if name not in found and tells.search(lower)]
        return found or [""]

    def _named(self, stated: str) -> str:
        """What an event names as a topic of these: also as one of them, as `return` of `returns`."""
        lower = stated.lower()
        if lower in _NONE:
            return ""
        return next((name for name in (lower, f"{lower}s") if name in self.words), stated)


def _pattern(words: Words) -> re.Pattern[str]:
    parts = []
    for language, given in words.items():
        each = "|".join(re.escape(word.strip().lower()) for word in given if word.strip())
        if each:
            parts.append(f"(?:{each})" if language == "zh" else rf"(?<!\w)(?:{each})")
    return re.compile("|".join(parts))
