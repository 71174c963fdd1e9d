"""Telephone numbers in their one spelling, E.164. Apart from `profiles.identity.spelling`, because the library's tables
take a tenth of a second to import."""

from __future__ import annotations

from phonenumbers import (
    SUPPORTED_REGIONS,
    NumberParseException,
    PhoneNumberFormat,
    format_number,
    is_possible_number,
    parse,
)

__all__ = ["REGIONS", "e164"]

REGIONS: frozenset[str] = frozenset(SUPPORTED_REGIONS)
"""Where a national number may be from: ISO 3166 codes of two letters."""


def e164(text: str, region: str | None) -> str | None:
    """`+31612345678` of `06 1234 5678` in NL, or None for what is no telephone number.

    A number counts if it could exist; whether it was ever given out is not asked, because numbering plans change
    faster than libraries. An extension stays, `+31201234567;ext=12`: a switchboard must not make its people one.

    Args:
        text: as somebody wrote it.
        region: where numbers without a country code are from; without it they are no numbers.
    """
    if region is None and text.startswith("00"):
        text = f"+{text[2:]}"  # what most of the world dials for abroad; with a region the library knows what it dials
    try:
        number = parse(text, region)
    except NumberParseException:
        return None
    if not number.national_number or not is_possible_number(number):
        return None
    spelt = format_number(number, PhoneNumberFormat.E164)
    return f"{spelt};ext={number.extension}" if number.extension else spelt
