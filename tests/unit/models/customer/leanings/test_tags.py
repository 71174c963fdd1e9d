"""Tags that somebody leans to, against what all buy."""

from __future__ import annotations

import pytest

from models.customer.leanings.tags import BASE, Tag, Tagged, tags_of

TAGS = {"a": ("vegan", "gift"), "b": ("vegan",), "c": ("gift",), "plain": ()}
ALL = Tagged(1_000, {"": 1_000, "vegan": 200, "gift": 500, "rare": 1})


def test_a_tag_is_told_from_three_items_and_half_as_often_again() -> None:
    """Three of four are vegan, where one in five is: 3.75 times; two of four are gifts, as of all."""
    assert tags_of(["a", "b", "b", "c"], TAGS, ALL) == [Tag("vegan", 3, 4, pytest.approx(3.75))]
    assert tags_of(["a", "b", "c"], TAGS, ALL) == []  # of two items
    assert tags_of(["a", "b", "b", *["plain"] * 7, "unknown"], TAGS, ALL) == [Tag("vegan", 3, 10, pytest.approx(1.5))]
    assert tags_of(["a", "b", "b", *["plain"] * 8], TAGS, ALL) == []  # 1.36 times


def test_nothing_is_compared_with_few_items_or_a_tag_that_nobody_counted() -> None:
    assert tags_of(["b"] * 5, TAGS, Tagged(BASE - 1, {"vegan": 1})) == []
    assert tags_of(["b"] * 5, TAGS, Tagged(BASE, {})) == []
    assert tags_of(["b"] * 5, TAGS, Tagged()) == []
