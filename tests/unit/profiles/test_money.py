"""Exact minor units."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from profiles.money import CURRENCIES, exponent, format_minor, read_amount, read_currency, to_minor


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


@pytest.mark.parametrize(
    ("written", "value", "currency"),
    [("49.99", 49.99, ""), ("49,99", 49.99, ""), ("1,234.56", 1234.56, ""), ("1.234,56", 1234.56, ""),
     ("1 234,56 €", 1234.56, "EUR"), ("1\u00a0234,50\u00a0€", 1234.5, "EUR"), ("1'234.50 CHF", 1234.5, "CHF"),
     ("1,23,456.78", 123456.78, ""), ("1.234.567", 1234567, ""), ("1234.567", 1234.567, ""), ("0.125", 0.125, ""),
     ("US$ 5", 5, "USD"), ("$-5", -5, "USD"), ("-$5", -5, "USD"), ("(12.00 EUR)", -12, "EUR"), ("5-", -5, ""),
     ("\uffe5500", 500, "JPY"), ("\u200b7 ", 7, ""), ("1e3", 1000, ""), ("eur49.99", 49.99, "EUR")],
)  # fmt: skip
def test_amounts_as_people_write_them(written, value, currency):
    """With the marks of their country."""
    assert read_amount(written, "EUR") == (value, currency)


@pytest.mark.parametrize(
    "written",
    ["", "abc", "NaN", "Infinity", "1,234", "1.234", "1.2.3", "1,2,3", "--5", "-$-5", "5 USD €", "kr 100", "5²",
     "12 apples", "1" * 99, "1,234,56", "0x10"],
)  # fmt: skip
def test_what_leaves_a_doubt_is_not_read(written):
    """A thousand in one country is a one in another."""
    assert read_amount(written, "EUR") is None


def test_the_own_currency_decides_what_a_sign_means_and_where_decimals_end():
    assert read_amount("$5", "CAD") == (5, "CAD")
    assert read_amount("100 kr", "SEK") == (100, "SEK")
    assert read_amount("1.234", "KWD") == (1.234, "")


@given(st.integers(-(10**9), 10**9), st.sampled_from(CURRENCIES))
def test_what_we_write_ourselves_is_read_as_it_was(minor, currency):
    """Ours has commas at thousands, and the code behind."""
    text = format_minor(minor, currency)
    found = read_amount(text, currency)

    if found is None:  # no decimals, and one comma: nobody can know
        assert exponent(currency) == 0
        assert text.count(",") == 1
    else:
        assert (to_minor(found.value, currency), found.currency) == (minor, currency)


@pytest.mark.parametrize(
    ("written", "code"),
    [(" eur ", "EUR"), ("usd", "USD"), ("EURO", "EUR"), ("€", "EUR"), ("RMB", "CNY"), (978, "EUR"), ("978", "EUR"),
     (8, "ALL"), ("E\u200bUR", "EUR"), ("\uff25\uff35\uff32", "EUR"), ("", None), ("BTC", None), ("kr", None),
     (None, None), (1.5, None)],
)  # fmt: skip
def test_currencies_as_people_write_them(written, code):
    """In any case, with spaces, by sign, by number."""
    assert read_currency(written, "EUR") == code
