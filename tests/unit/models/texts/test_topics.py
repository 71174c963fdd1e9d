"""What texts are about, by their words."""

from __future__ import annotations

import pytest

from models.texts.topics import SHIPPED, Topics


@pytest.mark.parametrize(
    ("text", "topics"),
    [
        ("My parcel has not been delivered", ["delivery"]),
        ("Too expensive, and the refund takes weeks", ["price", "returns"]),
        ("It doesn’t work", ["quality"]),
        ("物流太慢，客服也不理人", ["delivery", "service"]),
        ("我要退款", ["returns"]),
        ("Hello there", [""]),
        ("unpaid overpricing", [""]),  # words that begin so, not that end so
    ],
)
def test_the_shipped_words_tell(text: str, topics: list[str]) -> None:
    assert sorted(Topics().of(text)) == sorted(topics)


@pytest.mark.parametrize(
    ("stated", "topics"),
    [
        ("Delivery", ["delivery", "quality"]), ("return", ["returns", "quality"]), ("Login", ["Login", "quality"]),
        ("other", ["quality"]), (" ", ["quality"]), ("quality", ["quality"]),
    ],
)  # fmt: skip
def test_what_the_ticket_names_comes_first(stated: str, topics: list[str]) -> None:
    assert Topics().of("it is broken", stated) == topics


def test_a_plan_adds_changes_and_takes_away() -> None:
    topics = Topics({"hygiene": {"en": ["dirty"], "zh": ["脏"]}, "price": {"en": ["fee"]}, "cancel": {"en": []}})
    assert topics.of("Dirty, expensive, a fee, cancel it") == ["price", "hygiene"]
    assert topics.of("有点脏") == ["hygiene"]
    assert set(topics.words) == set(SHIPPED) - {"cancel"} | {"hygiene"}
