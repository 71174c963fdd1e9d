"""Numbers as people and programs write them: with marks of thousands, currency signs, negatives in parentheses."""

from __future__ import annotations

import math
import re
import unicodedata
from typing import Literal

from profiles.money import CURRENCIES

__all__ = ["Decimal", "currencies_of", "read_integer", "read_number"]

Decimal = Literal["", "point", "comma"]
"""The decimal mark; "" is a point, and what may be meant otherwise is refused."""

_DOLLARS = "USD AUD CAD NZD SGD HKD MXN TWD ARS CLP COP BSD BBD BZD BMD FJD JMD NAD TTD XCD"
_SIGNS = {
    "€": "EUR", "£": "GBP EGP LBP", "$": _DOLLARS, "US$": "USD", "A$": "AUD", "AU$": "AUD", "C$": "CAD", "CA$": "CAD",
    "NZ$": "NZD", "S$": "SGD", "HK$": "HKD", "NT$": "TWD", "MX$": "MXN", "R$": "BRL", "¥": "JPY CNY", "CN¥": "CNY",
    "元": "CNY", "円": "JPY", "₹": "INR", "RS": "INR PKR LKR", "₩": "KRW", "₽": "RUB", "₺": "TRY", "₴": "UAH",
    "₫": "VND", "₪": "ILS", "฿": "THB", "₱": "PHP", "₦": "NGN", "ZŁ": "PLN", "KČ": "CZK", "FT": "HUF", "LEI": "RON",
    "KR": "SEK NOK DKK ISK", "FR": "CHF", "SFR": "CHF", "EURO": "EUR", "TL": "TRY", "RMB": "CNY",
}  # fmt: skip
"""What stands beside an amount → the currencies that it may mean."""

_PLAIN = re.compile(r"-?[0-9]+(?:\.[0-9]+)?")
_WORD = r"[^\W\d_]{0,4}[^\w\s.,+()'’-]?[^\W\d_]{0,4}(?:(?<=[^\W\d_])\.)?"
_NUMBER = re.compile(
    rf"(?P<open>\()? ?(?P<sign>[+-])? ?(?P<before>{_WORD}) ?(?P<inner>[+-])? ?"
    rf"(?P<figures>[0-9.,][0-9., '’_]*?)(?P<power>[eE][+-]?[0-9]{{1,3}})? ?"
    rf"(?P<behind>-)? ?(?P<after>{_WORD}) ?(?P<end>-)? ?(?P<close>\))?"
)
_LONGEST = 64  # characters of a number
_GROUPS = r"[1-9][0-9]{{0,2}}(?:{0}[0-9]{{3}})+"
_INDIAN = r"[1-9][0-9]?(?:{0}[0-9]{{2}})+{0}[0-9]{{3}}"
_WHOLE = {
    mark: re.compile("|".join(["[0-9]*", *(form.format(one) for one in marks for form in (_GROUPS, _INDIAN))]))
    for mark, marks in {".": (",", " ", "['’]", "_"), ",": (r"\.", " ", "['’]", "_")}.items()
}
_GROUPED = re.compile(r"[\s'’_,.]")
_IN_DOUBT = re.compile(r"[1-9][0-9]{0,2}[.,][0-9]{3}")


def read_number(text: str, decimal: Decimal = "", *, money: bool = False) -> tuple[float, str]:
    """The number that a text is, and how it names a currency: `read_number("(€ 1,020.50)") == (-1020.5, "€")`.

    Args:
        text: without space around it.
        decimal: the decimal mark of all numbers of the file.
        money: whether it is an amount: then a point before three figures is in doubt as well, for hardly any amount has
            three decimals.

    Raises:
        ValueError: it is none, or may be two; the message says which option decides.
    """
    doubtful = money and not decimal
    if decimal != "comma" and _PLAIN.fullmatch(text) and not (doubtful and _IN_DOUBT.fullmatch(text.lstrip("-"))):
        return float(text), ""
    folded = unicodedata.normalize("NFKC", text[: _LONGEST + 1]).replace("\N{MINUS SIGN}", "-")
    found = _NUMBER.fullmatch(" ".join(folded.split()))
    if found is None or len(text) > _LONGEST or (found["open"] is None) != (found["close"] is None):
        raise ValueError(_why_none(text))
    figures, behind = found["figures"].rstrip(), found["behind"]
    if behind and figures[-1] in ",.":  # 12,- is 12 without cents
        figures, behind = figures[:-1], None
    signs = [sign for sign in (found["open"], found["sign"], found["inner"], behind, found["end"]) if sign]
    if len(signs) > 1:
        raise ValueError("it has several signs")
    named = [word for word in (found["before"], found["after"]) if word]
    if len(named) > 1 or not all(currencies_of(word) for word in named):
        raise ValueError(f"{' and '.join(named)}: no currency that is known")
    if (doubtful or (not decimal and "," in figures)) and _IN_DOUBT.fullmatch(figures):
        mark = "comma" if "," in figures else "point"
        raise ValueError(f"does the {mark} mark thousands or decimals? Say --decimal point or --decimal comma")
    value = float(_in_figures(figures, decimal) + (found["power"] or ""))
    if not math.isfinite(value):
        raise ValueError("not finite")
    return (-value if signs and signs[0] != "+" else value), "".join(named)


def read_integer(text: str, decimal: Decimal = "") -> int:
    """The whole number that a text is.

    Raises:
        ValueError: it is none.
    """
    if text.isdecimal() and text.isascii():
        return int(text)
    value, _ = read_number(text, decimal)
    if value != int(value) or abs(value) > 2**53:
        raise ValueError("no whole number, or too large for one with marks")
    return int(value)


def currencies_of(word: str) -> frozenset[str]:
    """The codes that a currency's sign, abbreviation or code may mean; none of what is no currency."""
    upper = word.strip(" .").upper()
    return frozenset([upper] if upper in CURRENCIES else _SIGNS.get(upper, "").split())


def _why_none(text: str) -> str:
    """What of a text no number has."""
    if len(text) > _LONGEST:
        return f"it has over {_LONGEST} characters"
    return "it has marks or words that no number has" if any(map(str.isdigit, text)) else "there is no figure in it"


def _in_figures(figures: str, decimal: Decimal) -> str:
    """Figures alone, with a point; what marks thousands must stand where it does."""
    mark = "," if decimal == "comma" else "."
    whole, _, rest = figures.partition(mark)
    if _WHOLE[mark].fullmatch(whole) and (rest.isdecimal() or not rest) and (whole or rest):
        return f"{_GROUPED.sub('', whole)}.{rest or 0}"
    if not decimal and _has_comma(figures):
        raise ValueError("with a decimal comma? Then say --decimal comma, or `decimal: comma` in the mapping file")
    raise ValueError(f"its marks are not those of a number with a decimal {decimal or 'point'}")


def _has_comma(figures: str) -> bool:
    """Whether figures would be a number with a decimal comma."""
    try:
        return bool(_in_figures(figures, "comma"))
    except ValueError:
        return False
