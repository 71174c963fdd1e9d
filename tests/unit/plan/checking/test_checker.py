"""What a check costs, however much of an event is wrong: nobody buys time with long lists, and long carts pass."""

from __future__ import annotations

from typing import Any

import pytest

from plan.checking.checker import Checker
from plan.model import Enforce, Extra, Property
from tests.work import calls

ITEM = {
    "type": "object", "description": "d",
    "properties": {"price": {"type": "number", "description": "d"},
                   "tags": {"type": "array", "description": "d", "items": {"type": "string", "description": "d"}}},
}  # fmt: skip
PROPERTIES = {
    "total": Property.model_validate({"type": "number", "description": "d"}),
    "products": Property.model_validate({"type": "array", "description": "d", "min_items": 1, "items": ITEM}),
}
MANY = "has many items that are not as planned"


def checker(enforce: Enforce = "flag", extra: Extra = "allow") -> Checker:
    return Checker("properties", PROPERTIES, enforce, extra)


def told(value: Any, **how: Any) -> list[str]:
    return [str(violation) for violation in checker(**how).check(value)]


@pytest.mark.parametrize("enforce", ["flag", "reject", "drop_property"])
@pytest.mark.parametrize(
    "products",
    [[1] * 14_000, [{"tags": [1] * 14_000}], [{"tags": 1}] * 2_500, [{"tags": [1] * 100}] * 90, [{"b": 1}] * 3_000],
    ids=["numbers", "numbers inside", "objects", "lists in objects", "not planned"],
)
def test_a_long_wrong_list_costs_little(products: list[Any], enforce: Enforce) -> None:
    """28 KB each, with a call a byte, four where the rest is copied: telling of every item took fifteen, and forty."""
    one = checker(enforce, "flag")
    one.enforce_on({"total": "x"})

    assert calls(lambda: one.enforce_on({"products": products})) < 28_000 * (5 if enforce == "drop_property" else 2)
    assert 0 < len(one.enforce_on({"products": products}).violations) < 200


def test_a_few_wrong_items_are_told_of_one_by_one_and_many_as_one() -> None:
    assert told({"products": [1] * 20}) == [
        f"properties.products[{n}]: must be an object, not a number" for n in range(20)
    ]
    assert told({"total": "x", "products": [1] * 21}) == [
        "properties.total: must be a number, not a string", f"properties.products: {MANY}",
    ]  # fmt: skip
    assert told({"products": [{"price": 1}, {"tags": [1] * 21}]}) == [f"properties.products[1].tags: {MANY}"]


def test_a_long_cart_is_told_of_line_by_line() -> None:
    """One release of a shop makes the same mistake in each."""
    cart = [{"price": "one", "tags": ["a"]} for _ in range(400)]

    assert len(told({"products": cart})) == 400
    assert told({"products": [{"price": 1}] * 5_000}) == []
    kept = checker("drop_property").enforce_on({"products": cart})
    assert kept.properties == {"products": [{"tags": ["a"]}] * 400}


def test_such_a_list_is_dropped_whole() -> None:
    outcome = checker("drop_property").enforce_on({"total": 1, "products": [1] * 21})

    assert outcome == ({"total": 1}, outcome.violations, True)
    assert [str(violation) for violation in outcome.violations] == [f"properties.products: {MANY}"]


@pytest.mark.parametrize("product", [1, {"secret": 1}])
def test_what_is_not_planned_does_not_get_in_with_many_others(product: Any) -> None:
    """A list that was not gone through may hold anything."""
    value = {"products": [product] * 21}

    assert not checker("flag", "reject").enforce_on(value).accepted
    assert checker("flag", "drop").enforce_on(value).properties == {}
    assert checker("flag", "allow").enforce_on(value).properties == value
