"""What timelines tell of an event's properties: the shown ones, short, whatever a sender sends."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from plan.checking.showing import LONGEST, Shown, compile_shown, described
from plan.model import EventSpec

PRODUCT = {"type": "object", "description": "d", "properties": {"name": {"type": "string", "description": "d"}}}
SPEC = EventSpec.model_validate(
    {
        "name": "Order Completed",
        "sources": ["web"],
        "owner": "o",
        "description": "d",
        "why": "w",
        "show": ["total", "products[].name", "ticket", "late"],
        "properties": {
            "total": {"type": "money", "description": "d"},
            "currency": {"type": "string", "description": "d"},
            "products": {"type": "array", "description": "d", "items": PRODUCT, "pii": "free_text"},
            "ticket": {"type": "id", "description": "The ticket"},
            "late": {"type": "number", "unit": "d", "description": "Days"},
        },
    }
)
shown = compile_shown(SPEC, "EUR")
assert shown is not None


def order(**properties: Any) -> dict[str, Any]:
    assert shown is not None
    return shown(properties)


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        ({"total": 65, "secret": "x"}, {"total": [6500, "EUR"]}),
        ({"total": 65, "currency": "jpy"}, {"total": [65, "JPY"]}),
        ({"total": 65, "currency": "points"}, {}),
        ({"total": "much"}, {}),
        ({"ticket": 118}, {"ticket": "118"}),  # no number with a thousands separator
        ({"ticket": " T-118 "}, {"ticket": "T-118"}),
        ({"ticket": ""}, {}),
        ({"late": 2.5}, {"late": 2.5}),
        ({"late": 10**30}, {}),
        ({"late": {"a": 1}}, {}),
        ({"products": [{"name": "Tea"}, {"name": "Cup"}, {"name": "Tea"}, 3]}, {"products[].name": "Tea, Cup"}),
        ({"products": []}, {}),
        ({"products": "Tea"}, {}),
    ],
)
def test_what_is_shown_is_what_the_plan_names_and_of_its_type(sent: dict[str, Any], expected: dict[str, Any]) -> None:
    assert order(**sent) == expected


def test_a_long_text_and_a_long_list_are_cut() -> None:
    told = order(ticket="x" * 10_000, products=[{"name": f"Product {number}"} for number in range(500)])

    assert told["ticket"] == "x" * (LONGEST - 1) + "…"
    assert len(told["products[].name"]) <= LONGEST


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=300, alphabet="aé漢😀 \0,"),
    lambda inner: st.lists(inner, max_size=12) | st.dictionaries(st.sampled_from(["name", "x"]), inner, max_size=2),
    max_leaves=20,
)


@given(st.dictionaries(st.sampled_from(["total", "currency", "products", "ticket", "late"]), ANYTHING))
def test_an_entry_grows_by_about_a_kilobyte_at_most(sent: dict[str, Any]) -> None:
    assert len(msgspec.msgpack.encode(order(**sent))) <= 1100


def test_who_shows_nothing_pays_for_nothing() -> None:
    assert compile_shown(SPEC.model_copy(update={"show": ()}), "EUR") is None


def test_a_value_is_as_personal_as_what_it_is_in() -> None:
    assert described(SPEC)["products[].name"] == Shown("d", "string", None, "free_text")
    assert described(SPEC)["late"] == Shown("Days", "number", "d", "none")
