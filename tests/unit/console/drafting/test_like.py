"""A plan like a shipped one: a few lines are one's own, all others are the shipped ones."""

from __future__ import annotations

import uuid

import pytest

from console.clients.reach import shipped_plan
from console.drafting.like import Particulars, currency_of, name_of, plan_like, region_of
from plan import parse_plan
from profiles.errors import WrongUse

OWN = ("name: ", "namespace: ", "currency: ", "region: ")


@pytest.mark.parametrize("business", ["shop", "b2b"])
@pytest.mark.parametrize("name", ["Acme", "no", "Böse: #1 'x' \\ {}", "€"])
def test_all_but_a_few_lines_stay(business, name):
    """Comments included; Norway is no Boolean."""
    text = shipped_plan(business).read_text()
    made = plan_like(text, Particulars(name, "NOK", "NO"), uuid.UUID(int=5))
    differing = [(old, new) for old, new in zip(text.split("\n"), made.split("\n"), strict=True) if old != new]
    plan = parse_plan(made, "plan.yaml", {})

    assert [old.startswith(begins) for (old, _), begins in zip(differing, OWN, strict=True)] == [True] * 4
    assert [new.partition("  #")[2] for _, new in differing] == [old.partition("  #")[2] for old, _ in differing]
    assert (plan.name, plan.currency, plan.file.region, plan.version) == (name, "NOK", "NO", 1)
    assert plan.file.namespace == uuid.UUID(int=5)
    assert [warning.path for warning in plan.warnings] == ["sources"]


@pytest.mark.parametrize(
    ("checked", "good", "bad"),
    [
        (name_of, (" Acme ", "Acme"), ["", " ", "a\nb", "x" * 201, "\udc80"]),
        (currency_of, (" usd", "USD"), ["", "EURO", "$"]),
        (region_of, ("us ", "US"), ["", "XX", "Holland"]),
    ],
)
def test_what_cannot_be_is_told(checked, good, bad):
    """Before anything is written."""
    assert checked(good[0]) == good[1]
    for text in bad:
        with pytest.raises(WrongUse):
            checked(text)
