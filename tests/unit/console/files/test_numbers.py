"""Numbers are read as they are written, and refused where they may be two."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.files.numbers import Decimal, currencies_of, read_integer, read_number


@pytest.mark.parametrize(
    ("text", "decimal", "value", "named"),
    [
        ("12.50", "", 12.5, ""),
        ("€ 12.50", "", 12.5, "€"),
        ("$12.50", "", 12.5, "$"),
        ("US$ 5", "", 5, "US$"),
        ("12.50 EUR", "", 12.5, "EUR"),
        ("12,50 Kč", "comma", 12.5, "Kč"),
        ("kr. 5", "", 5, "kr."),
        ("(12.50)", "", -12.5, ""),
        ("($ 1,020.50)", "", -1020.5, "$"),
        ("12.50-", "", -12.5, ""),
        ("- 5.00", "", -5, ""),
        ("€-5", "", -5, "€"),
        ("-€5", "", -5, "€"),
        ("−5", "", -5, ""),
        ("5,- €", "comma", 5, "€"),
        ("12.-", "", 12, ""),
        ("1 234.56", "", 1234.56, ""),
        ("1\xa0234.56", "", 1234.56, ""),
        ("1\u202f234,56 €", "comma", 1234.56, "€"),
        ("1'234.50", "", 1234.5, ""),
        ("1,234.56", "", 1234.56, ""),
        ("1,234,567", "", 1234567, ""),
        ("1,00,000.50", "", 100000.5, ""),
        ("1.234,56", "comma", 1234.56, ""),
        ("1.234", "comma", 1234, ""),
        ("1,234", "comma", 1.234, ""),
        ("1,234", "point", 1234, ""),
        ("0,123", "comma", 0.123, ""),
        ("12,50", "comma", 12.5, ""),
        ("-0,5", "comma", -0.5, ""),
        ("1_000", "", 1000, ""),
        ("1E+3", "", 1000, ""),
        ("１２", "", 12, ""),
        (".5", "", 0.5, ""),
        ("+7.", "", 7, ""),
    ],
)
def test_numbers(text: str, decimal: Decimal, value: float, named: str) -> None:
    """As spreadsheets, shops and accounting write them."""
    assert read_number(text, decimal) == (value, named)


@pytest.mark.parametrize(
    ("text", "decimal", "words"),
    [
        ("1,234", "", "does the comma mark thousands or decimals[?] Say --decimal point or --decimal comma"),
        ("12,50", "", "with a decimal comma[?] Then say --decimal comma"),
        ("1.234,56", "", "Then say --decimal comma"),
        ("0,123", "", "Then say --decimal comma"),
        ("12,50", "point", "not those of a number with a decimal point"),
        ("12.50", "comma", "not those of a number with a decimal comma"),
        ("1,2,3", "", "not those"),
        ("1,23,4", "point", "not those"),
        ("(5", "", "marks or words that no number has"),
        ("--5", "", "several signs"),
        ("(5)-", "", "marks or words that no number has"),
        ("5%", "", "no currency"),
        ("12abc", "", "no currency"),
        ("€5 EUR", "", "no currency"),
        ("nan", "", "no figure in it"),
        ("inf", "", "no figure in it"),
        ("1e400", "", "not finite"),
        ("-", "", "no figure in it"),
        ("9" * 65 + " ", "", "over 64 characters"),
    ],
)
def test_what_is_none_or_may_be_two(text: str, decimal: Decimal, words: str) -> None:
    """The message says which option decides."""
    with pytest.raises(ValueError, match=words):
        read_number(text, decimal)


@pytest.mark.parametrize("text", ["1.234", "-12.500", "€ 1.234", "1.234 EUR", "(1.234)"])
def test_an_amount_with_three_figures_behind_a_point_is_in_doubt(text: str) -> None:
    """In most of Europe it is in thousands; of other numbers, such as a rating, three decimals are usual."""
    with pytest.raises(ValueError, match="does the point mark thousands or decimals"):
        read_number(text, money=True)
    assert abs(read_number(text)[0]) == abs(read_number(text, "point", money=True)[0]) < 13
    assert abs(read_number(text, "comma", money=True)[0]) >= 1234
    for clear in ("0.123", "12.50", "1.2345", "1234.567", "1234"):
        assert read_number(clear, money=True)[0] == float(clear)


@given(
    st.decimals(-(10**9), 10**9, allow_nan=False, places=2), st.sampled_from([("point", ",", "."), ("comma", ".", ",")])
)
def test_what_is_written_with_marks_is_read_back(number: object, marks: tuple[Decimal, str, str]) -> None:
    """In both ways of the world."""
    decimal, thousands, point = marks
    text = f"{number:,.2f}".translate(str.maketrans({",": thousands, ".": point}))

    assert read_number(text, decimal) == (float(str(number)), "")


def test_whole_numbers() -> None:
    """Exact at any length where they are figures alone."""
    assert read_integer("9" * 30) == int("9" * 30)
    assert read_integer("3.0") == 3
    assert read_integer("1,234", "point") == 1234
    for text in ("3.5", "1e300", "x"):
        with pytest.raises(ValueError, match=r"no "):
            read_integer(text)


def test_what_a_sign_may_mean() -> None:
    """Codes of ISO 4217 in any case, and the signs of common ones."""
    assert currencies_of("eur") == {"EUR"} == currencies_of("€")
    assert {"USD", "CAD"} < currencies_of("$")
    assert not currencies_of("pcs")
