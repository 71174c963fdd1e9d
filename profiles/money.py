"""ISO-4217: which currencies exist, how many decimals each has, and how people write both money and currency."""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_right
from collections.abc import Mapping
from decimal import ROUND_HALF_UP, Decimal
from typing import NamedTuple

__all__ = ["CURRENCIES", "Amount", "Rates", "exponent", "format_minor", "read_amount", "read_currency", "to_minor"]

_NO_DECIMALS = frozenset("BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF".split())
_THREE_DECIMALS = frozenset("BHD IQD JOD KWD LYD OMR TND".split())
_FOUR_DECIMALS = frozenset("CLF UYW".split())
_TWO_DECIMALS = frozenset(
    """
    AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BGN BMD BND BOB BOV BRL BSD BTN BWP BYN BZD CAD CDF CHE CHF CHW
    CNY COP COU CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL HTG HUF IDR
    ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MXV
    MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD
    SSP STN SVC SYP SZL THB TJS TMT TOP TRY TTD TWD TZS UAH USD USN UYU UZS VED VES WST XCD XCG YER ZAR ZMW ZWG
    """.split()
)

_EXPONENT: dict[str, int] = {
    **dict.fromkeys(_NO_DECIMALS, 0),
    **dict.fromkeys(_TWO_DECIMALS, 2),
    **dict.fromkeys(_THREE_DECIMALS, 3),
    **dict.fromkeys(_FOUR_DECIMALS, 4),
}
_SCALE: dict[str, int] = {code: 10**decimals for code, decimals in _EXPONENT.items()}

CURRENCIES: tuple[str, ...] = tuple(sorted(_EXPONENT))
"""The active ISO-4217 codes of money in use (no metals, no test codes), sorted."""


_NUMBERS = {
    entry[3:]: entry[:3]
    for entry in """
    AED784 AFN971 ALL008 AMD051 AOA973 ARS032 AUD036 AWG533 AZN944 BAM977 BBD052 BDT050 BGN975 BHD048 BIF108
    BMD060 BND096 BOB068 BOV984 BRL986 BSD044 BTN064 BWP072 BYN933 BZD084 CAD124 CDF976 CHE947 CHF756 CHW948
    CLF990 CLP152 CNY156 COP170 COU970 CRC188 CUP192 CVE132 CZK203 DJF262 DKK208 DOP214 DZD012 EGP818 ERN232
    ETB230 EUR978 FJD242 FKP238 GBP826 GEL981 GHS936 GIP292 GMD270 GNF324 GTQ320 GYD328 HKD344 HNL340 HTG332
    HUF348 IDR360 ILS376 INR356 IQD368 IRR364 ISK352 JMD388 JOD400 JPY392 KES404 KGS417 KHR116 KMF174 KPW408
    KRW410 KWD414 KYD136 KZT398 LAK418 LBP422 LKR144 LRD430 LSL426 LYD434 MAD504 MDL498 MGA969 MKD807 MMK104
    MNT496 MOP446 MRU929 MUR480 MVR462 MWK454 MXN484 MXV979 MYR458 MZN943 NAD516 NGN566 NIO558 NOK578 NPR524
    NZD554 OMR512 PAB590 PEN604 PGK598 PHP608 PKR586 PLN985 PYG600 QAR634 RON946 RSD941 RUB643 RWF646 SAR682
    SBD090 SCR690 SDG938 SEK752 SGD702 SHP654 SLE925 SOS706 SRD968 SSP728 STN930 SVC222 SYP760 SZL748 THB764
    TJS972 TMT934 TND788 TOP776 TRY949 TTD780 TWD901 TZS834 UAH980 UGX800 USD840 USN997 UYI940 UYU858 UYW927
    UZS860 VED926 VES928 VND704 VUV548 WST882 XAF950 XCD951 XCG532 XOF952 XPF953 YER886 ZAR710 ZMW967 ZWG924
    """.split()
}

_SIGNS: dict[str, tuple[str, ...]] = {
    "$": ("USD", "CAD", "AUD", "NZD", "SGD", "HKD", "TWD", "MXN", "ARS", "CLP", "COP", "UYU"),
    "US$": ("USD",), "CA$": ("CAD",), "C$": ("CAD",), "AU$": ("AUD",), "A$": ("AUD",), "NZ$": ("NZD",),
    "HK$": ("HKD",), "S$": ("SGD",), "NT$": ("TWD",), "MX$": ("MXN",), "R$": ("BRL",),
    "€": ("EUR",), "EURO": ("EUR",), "EUROS": ("EUR",), "£": ("GBP", "EGP", "GIP", "FKP", "SHP"), "STG": ("GBP",),
    "¥": ("JPY", "CNY"), "円": ("JPY",), "元": ("CNY",), "RMB": ("CNY",), "YEN": ("JPY",), "CNH": ("CNY",),
    "₹": ("INR",), "RS": ("INR", "PKR", "LKR", "NPR", "MUR"), "₽": ("RUB",), "₺": ("TRY",), "TL": ("TRY",),
    "₩": ("KRW",), "₪": ("ILS",), "NIS": ("ILS",), "₫": ("VND",), "฿": ("THB",), "₴": ("UAH",), "₦": ("NGN",),
    "ZŁ": ("PLN",), "KČ": ("CZK",), "FT": ("HUF",), "SFR": ("CHF",), "FR.": ("CHF",),
}  # fmt: skip
"""Signs and names that are no codes, in upper case: the currencies that are written so, the most used first."""

_CROWNS = frozenset({"SEK", "NOK", "DKK", "ISK"})  # "kr" says nothing unless it is one's own
_LONGEST = 60  # characters of an amount as text
_WRITTEN = re.compile(
    r"(?P<before>[^\d\s.,'()+-]{0,5}\.?)\s*(?P<minus>-?)(?P<number>\d[\d.,' ]*|[.,]\d+)\s*"
    r"(?P<after>[^\d\s.,'()+-]{0,5}\.?)"
)
_SCIENTIFIC = re.compile(r"\d+(?:\.\d+)?[eE][+-]?\d{1,2}")
_GROUPED = {mark: re.compile(rf"\d{{1,3}}(?:{re.escape(mark)}\d{{2,3}})*{re.escape(mark)}\d{{3}}") for mark in ".,' "}
_INVISIBLE = re.compile("[\u00ad\u200b-\u200f\u202a-\u202e\u2060\u2066-\u2069\ufeff]")


class Amount(NamedTuple):
    """An amount as text, read."""

    value: float | int  # major units
    currency: str  # that is written with it; "" for none


class Rates:
    """What other currencies are worth, from when on.

    Args:
        currency: in which that is told, the plan's.
        table: by the time from which it holds, the worth of one unit of each currency.
    """

    def __init__(self, currency: str, table: Mapping[float, Mapping[str, float]]) -> None:
        self._scale = _SCALE.get(currency, 100)
        self._since: dict[str, list[float]] = {}
        self._worth: dict[str, list[float]] = {}
        for since in sorted(table):
            for code, worth in table[since].items():
                self._since.setdefault(code, []).append(since)
                self._worth.setdefault(code, []).append(worth)

    def worth(self, amount: int, currency: str, time: float) -> int:
        """Minor units of the plan's currency, by the rate of the time; 0 for a currency without one then."""
        at = bisect_right(self._since.get(currency, ()), time)
        return round(amount * self._worth[currency][at - 1] * self._scale / _SCALE[currency]) if at else 0


def read_currency(written: object, own: str) -> str | None:
    """The code of a currency as people write it: ` eur `, `€`, `978`. None for what is none, or not one without doubt.

    Args:
        written: a code in any case, a sign, a number of ISO-4217.
        own: the currency that a sign of several currencies stands for if it is among them, such as CAD for `$`.
    """
    if type(written) is int:
        return _NUMBERS.get(f"{written:03d}")
    if type(written) is not str or len(written) > _LONGEST:
        return None
    text = _tidied(written).upper()
    if text in _EXPONENT:
        return text
    if text.isdigit():
        return _NUMBERS.get(text.zfill(3))
    if text in ("KR", "KR."):
        return own if own in _CROWNS else None
    known = _SIGNS.get(text, ())
    return own if own in known else known[0] if known else None


def read_amount(written: str, own: str) -> Amount | None:
    """An amount as text, with or without a currency: `49,99`, `$1,234.50`, `(12.00 EUR)`. None if it leaves a doubt.

    `1,234` does, for it is a thousand in one country and one in another.

    Args:
        written: by a person or a program.
        own: see `read_currency`; and whether three decimals are usual.
    """
    if len(written) > _LONGEST or any(sign.isdigit() and not sign.isdecimal() for sign in written):  # such as 5²
        return None
    text = _tidied(written)
    if _SCIENTIFIC.fullmatch(text):
        return Amount(float(text), "")
    text, negative = _unsigned(text)
    found = _WRITTEN.fullmatch(text)
    if found is None or (negative and found["minus"]):
        return None
    currencies = {read_currency(mark, own) for mark in (found["before"], found["after"]) if mark}
    if None in currencies or len(currencies) > 1:
        return None
    currency = next(iter(currencies), "") or ""
    number = _plain(found["number"].strip(), exponent(currency or own))
    if number is None:
        return None
    value = -Decimal(number) if negative or found["minus"] else Decimal(number)
    return Amount(float(value) if "." in number else int(value), currency)


def _tidied(text: str) -> str:
    text = unicodedata.normalize("NFKC", _INVISIBLE.sub("", text)).strip()
    return text.replace("\u2212", "-").replace("\u2019", "'")


def _unsigned(text: str) -> tuple[str, bool]:
    """Without its sign, and whether it is below zero: a minus before or behind, or accountants' parentheses."""
    if text.startswith("(") and text.endswith(")"):
        return text[1:-1].strip(), True
    if text.startswith(("-", "+")):
        return text[1:].strip(), text[0] == "-"
    if text.endswith("-"):
        return text[:-1].strip(), True
    return text, False


def _plain(number: str, decimals: int) -> str | None:
    """Digits and marks as Python writes a number; None if a mark may be either of decimals or of thousands."""
    points = [mark for mark in ".," if mark in number]
    decimal = max(points, key=number.rfind, default="")
    if len(points) == 1:
        before, _, after = number.partition(decimal)
        if number.count(decimal) > 1:
            decimal = ""
        elif len(after) == 3 and decimals != 3 and before.isdigit() and len(before) <= 3 and before[0] != "0":
            return None
    whole, _, fraction = number.rpartition(decimal) if decimal else (number, "", "")
    if decimal and (not fraction.isdigit() or decimal in whole):
        return None
    if not whole.isdigit() and whole:
        mark = next(each for each in whole if not each.isdigit())
        if not _GROUPED[mark].fullmatch(whole):
            return None
        whole = whole.replace(mark, "")
    return f"{whole or 0}.{fraction}" if fraction else whole or None


def exponent(currency: str) -> int:
    """Decimals of a currency: 2 for EUR, 0 for JPY, 3 for KWD; 2 for a code that is not in the table."""
    return _EXPONENT.get(currency, 2)


def to_minor(amount: float | int | Decimal, currency: str) -> int:
    """The exact minor units of an amount as people write it: `to_minor(11.77, "EUR") == 1177`.

    More decimals than the currency has are rounded half up, on the shortest decimal that reads back as this float.
    """
    scale = _SCALE.get(currency, 100)
    if type(amount) is int:
        return amount * scale
    if type(amount) is float:
        scaled = amount * scale
        # Far from a half and well below 2^53 the float product cannot round to a wrong integer.
        if -1e13 < scaled < 1e13:
            nearest = round(scaled)
            if -0.49 < scaled - nearest < 0.49:
                return nearest
    exact = (amount if isinstance(amount, Decimal) else Decimal(repr(amount))) * scale
    return int(exact.quantize(Decimal(1), rounding=ROUND_HALF_UP))


def format_minor(amount: int, currency: str) -> str:
    """`format_minor(1177, "EUR") == "11.77 EUR"`; for people and messages."""
    decimals = exponent(currency)
    text = f"{Decimal(amount).scaleb(-decimals):,.{decimals}f}"
    return f"{text} {currency}" if currency else text
