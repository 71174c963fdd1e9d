"""What is written otherwise than planned is read where it leaves no doubt, and nothing else is touched."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plan.checking.checker import Checker
from plan.checking.reading import reader_of
from plan.model import Property
from tests.work import calls

ITEM = {"type": "object", "properties": {"price": {"type": "money"}, "quantity": {"type": "number"}}}
PLANNED = {
    "id": {"type": "id"},
    "total": {"type": "money"},
    "currency": {"type": "string", "format": "currency"},
    "tip": {"type": "money", "currency": "tipped_in"},
    "count": {"type": "integer"},
    "name": {"type": "string"},
    "products": {"type": "array", "items": ITEM},
    "address": {"type": "object", "properties": {"city": {"type": "string"}}},
    "more": {"type": "object"},
}


def described(spec: dict[str, Any]) -> dict[str, Any]:
    inner = {key: described(value) for key, value in spec.items() if key == "items"}
    more = {name: described(prop) for name, prop in spec.get("properties", {}).items()}
    return {"description": "d"} | spec | inner | ({"properties": more} if more else {})


PROPERTIES = {name: Property.model_validate(described(spec)) for name, spec in PLANNED.items()}
READER = reader_of(PROPERTIES, "EUR")
assert READER is not None
read = READER.read


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        ({"total": "12.50"}, {"total": 12.5}),
        ({"total": "\u20ac 12,50"}, {"total": 12.5, "currency": "EUR"}),
        ({"total": "$12", "currency": None}, {"total": 12, "currency": "USD"}),
        ({"total": "$12", "currency": "cad"}, {"total": 12, "currency": "CAD"}),  # what it says of itself counts
        ({"tip": "$1"}, {"tip": "$1"}),  # nothing can say of it that it is in dollars
        ({"tip": "\u20ac1"}, {"tip": 1}),
        ({"total": "1,234"}, {"total": "1,234"}),
        ({"total": "twelve"}, {"total": "twelve"}),
        ({"count": "3"}, {"count": 3}),
        ({"count": "3.5"}, {"count": "3.5"}),
        ({"count": "9007199254740991"}, {"count": 2**53 - 1}),
        *[
            ({name: text}, {name: text})  # no store has an integer of so many digits
            for name in ("count", "total")
            for text in ("9007199254740992", "-9007199254740992", "99999999999999999999", "1e30", "9" * 60)
        ],
        ({"products": [{"quantity": "1e30"}]}, {"products": [{"quantity": "1e30"}]}),
        ({"count": " "}, {"count": None}),
        ({"currency": ""}, {"currency": None}),
        ({"currency": "doubloons"}, {"currency": "doubloons"}),
        ({"id": 1001.5}, {"id": "1001.5"}),
        ({"name": "12.50"}, {"name": "12.50"}),
        ({"products": {"price": "5"}}, {"products": [{"price": 5}]}),
        ({"address": [], "more": []}, {"address": {}, "more": {}}),  # PHP's empty map
        ({"address": ["x"], "more": "", "products": []}, {"address": ["x"], "more": "", "products": []}),
        ({"products": {"0": {"price": 5}, "2": {"price": "6"}}}, {"products": [{"price": 5}, {"price": 6}]}),
        ({"products": [{"price": "5", "quantity": "2"}, 7]}, {"products": [{"price": 5, "quantity": 2}, 7]}),
        ([], []),
    ],
)
def test_what_leaves_no_doubt_is_read(sent: Any, expected: Any) -> None:
    before = repr(sent)

    assert read(sent) == expected
    assert repr(sent) == before
    assert read(read(sent)) == expected


@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(max_size=9),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(sorted(PLANNED)), inner),
    )
)
def test_anything_can_be_read(value: Any) -> None:
    """Whatever it is, and whatever is in it."""
    for enforce in ("flag", "reject", "drop_property"):
        Checker("properties", PROPERTIES, enforce, "allow", "EUR").enforce_on(value)


def test_reading_takes_work_in_proportion() -> None:
    """A cart of text, 28 KB, with a few calls a byte."""
    one, two = ([{"price": "1.234.567,8x"}] * lines for lines in (1_000, 2_000))

    assert calls(lambda: read({"products": one})) < 3 * 28_000
    assert calls(lambda: read({"products": two})) < 2.1 * calls(lambda: read({"products": one}))
