"""ISO-4217: which currencies exist, and how many decimals each has."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal

__all__ = ["CURRENCIES", "exponent", "format_minor", "to_minor"]

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
