"""Exact minor units."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from profiles.money import CURRENCIES, exponent, format_minor, to_minor


@pytest.mark.parametrize(
    ("amount", "currency", "minor"),
    [(11.77, "EUR", 1177), (0.1, "EUR", 10), (0.29, "EUR", 29), (1.005, "EUR", 101), (-1.005, "EUR", -101),
     (1234, "JPY", 1234), (1234.5, "JPY", 1235), (1.234, "KWD", 1234), (5, "KWD", 5000), (0.0, "USD", 0),
     (-0.0, "USD", 0), (1e12, "EUR", 10**14), (999_999_999_999.99, "EUR", 99_999_999_999_999), (19.9, "CLF", 199_000),
     (Decimal("2.675"), "EUR", 268)],
)  # fmt: skip
def test_amounts_become_exact_minor_units(amount, currency, minor):
    """Decimals follow the currency, and no cent is lost to binary floats."""
    assert to_minor(amount, currency) == minor


@given(st.integers(-(10**13), 10**13), st.sampled_from(CURRENCIES))
def test_every_amount_of_whole_minor_units_survives_the_wire(minor, currency):
    """What a sender writes as a decimal comes back as the same number of minor units."""
    sent = float(Decimal(minor).scaleb(-exponent(currency)))

    assert to_minor(sent, currency) == minor


@given(st.floats(-1e10, 1e10))
def test_the_quick_way_equals_the_exact_one(amount):
    """Rounding is half up on the decimal that people read."""
    exact = (Decimal(repr(amount)) * 100).quantize(Decimal(1), rounding="ROUND_HALF_UP")

    assert to_minor(amount, "EUR") == int(exact)


def test_amounts_are_written_for_people():
    """Thousands and the currency's own decimals."""
    assert format_minor(1_234_567, "EUR") == "12,345.67 EUR"
    assert format_minor(1_234, "JPY") == "1,234 JPY"
    assert format_minor(-5, "EUR") == "-0.05 EUR"
    assert format_minor(0, "") == "0.00"
