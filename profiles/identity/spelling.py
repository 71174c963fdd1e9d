"""The one spelling of an identity's value, so that one customer is not two because of a capital or a space."""

from __future__ import annotations

import math
import re
import unicodedata
from decimal import Decimal
from typing import Literal
from urllib.parse import unquote

import idna

from profiles.identity.placeholders import Placeholders

__all__ = ["EXACT", "MAX_LENGTH", "PII", "as_text", "clean", "is_address", "normalise"]

PII = Literal["email", "phone", "name", "address", "ip", "id", "free_text", "none"]
"""What kind of personal data a value is."""

MAX_LENGTH = 500
"""Characters; a longer value is an accident, not an identity."""

EXACT = 2.0**53
"""From here on a floating-point number stands for several whole ones, and so for several customers."""

# Unicode's Default_Ignorable_Code_Point, controls but white space, annotations, and the blank of Braille.
_INVISIBLE = re.compile(
    "[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f"
    "\u202a-\u202e\u2060-\u206f\u2800\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\U000e0000-\U000e0fff]+"
)
_WHOLE = re.compile(r"[-+]?[0-9]+(?=\.0+$)")  # of `55520.0`, as a number in floating point is written
_JAVA = re.compile(r"-?[0-9]\.[0-9]+[eE](?:[7-9]|[1-9][0-9]{1,2})")  # 1.2345678E7, from there on; all digits are there
_ROUNDED = re.compile(r"-?[0-9](?:\.[0-9]+)?[eE]\+[0-9]{1,3}")  # as spreadsheets show ids, and JavaScript from 1e21 on

_QUOTES = "\"'`\u2018\u2019\u201a\u201b\u201c\u201d\u201e\u00ab\u00bb\u2039\u203a"
_AROUND_ADDRESS = f" \t\r\n{_QUOTES}<>()[]{{}},;:!?."
_NAMED = re.compile(r"<([^<>]*@[^<>]*)>")  # Ada Lovelace <ada@example.com>
_NEVER = r"@\s<>()\[\],;:\\"
_LABEL = rf"[^{_NEVER}{_QUOTES}.!?{{}}/|*=&%#$~^+]+"
_EMAIL = re.compile(rf"[^{_NEVER}{_QUOTES}.][^{_NEVER}\"]*@{_LABEL}(?:\.{_LABEL})+")
_AT = re.compile(r"\s*@\s*")


def normalise(value: object, pii: PII, placeholders: Placeholders, region: str | None = None) -> str | None:
    """The one spelling of an identity value, or None for what identifies nobody.

    Text is spelt as `clean` says, and numbers are written out (42.0 and `42.0` as `42`). E-mail addresses are taken out
    of what stands around them (`mailto:`, `Ada <…>`, quotes, a full stop), lower-cased, and their domains written in
    ASCII (IDNA); `ada+shop@example.com` stays another address than `ada@example.com`, since only its provider knows
    whether they are one box. Telephone numbers become E.164.

    None for booleans, objects, lists, placeholders, values over MAX_LENGTH characters, what no store can encode,
    numbers in floating point from EXACT on, and what is no e-mail address or telephone number where one is expected. An
    address has a domain with a dot: `no@no` is what people write who will not say.

    Args:
        value: as found in the event.
        pii: the rule's class; `email` and `phone` decide the spelling.
        placeholders: values that count as absent.
        region: where telephone numbers without a country code are from.
    """
    text = as_text(value)
    text = _number(_unquoted(clean(text))) if text is not None else None
    if text is None or len(text) > MAX_LENGTH or placeholders.reason(text):
        return None
    spelt: str | None = text
    if pii == "email":
        spelt = _address(text)
    elif pii == "phone":
        from profiles.identity.phone import e164  # noqa: PLC0415  (only plans with telephone numbers wait for its tables)

        spelt = e164(text, region)
    return None if spelt is None or (spelt is not text and placeholders.reason(spelt)) else spelt


def as_text(value: object) -> str | None:
    """A string trimmed, a number written out; None for anything else, what is too long, and what is not exact."""
    if type(value) is str:
        text = value.strip()
    elif type(value) is int:
        if not -_BEYOND < value < _BEYOND:
            return None
        text = str(value)
    elif type(value) is float and math.isfinite(value):
        if not value.is_integer():
            text = repr(value)
        elif abs(value) < EXACT:
            text = str(int(value))
        else:
            return None
    else:
        return None
    return text if len(text) <= MAX_LENGTH else None


_BEYOND = 10**MAX_LENGTH


def clean(text: str) -> str | None:
    """A text without what nobody sees: trimmed, without invisible characters, in Unicode's compatibility form.

    In that (NFKC) full-width letters are letters, and a non-breaking space is a space. None for what no store can
    encode.
    """
    if text.isascii():
        return text if text.isprintable() else _INVISIBLE.sub("", text).strip()
    if not _is_encodable(text):
        return None
    while True:  # what was apart because of an invisible character may now be composed, and the other way round
        cleaned = unicodedata.normalize("NFKC", _INVISIBLE.sub("", text)).strip()
        if cleaned == text:
            return text
        text = cleaned


def _unquoted(text: str | None) -> str | None:
    """A text without the quotes that a JSON string in a JSON string keeps."""
    while text and len(text) > 2 and text[0] in "\"'" and text[-1] == text[0]:
        text = text[1:-1].strip()
    return text


def _number(text: str | None) -> str | None:
    """A text; if it is a whole number in floating point, without its mark. None if digits are lost."""
    if text is None or ("." not in text and "+" not in text):
        return text
    if whole := _WHOLE.match(text):
        return whole[0]
    if _ROUNDED.fullmatch(text):
        return None
    if _JAVA.fullmatch(text):
        number = Decimal(text)
        if abs(number) >= EXACT:
            return None
        return str(int(number)) if number == int(number) else text
    return text


def is_address(text: str) -> bool:
    """Whether a text is an e-mail address, and nothing else."""
    return "@" in text and _EMAIL.fullmatch(text) is not None


def _address(text: str) -> str | None:
    """An e-mail address in its one spelling, without what stands around it; None for what is none."""
    text = text.lower()
    if not _EMAIL.fullmatch(text) and not _EMAIL.fullmatch(text := _freed(text)):
        return None
    if text.isascii():
        return text
    local, _, domain = unicodedata.normalize("NFKC", text).rpartition("@")
    try:
        return f"{local}@{domain if domain.isascii() else idna.encode(domain, uts46=True).decode()}"
    except idna.IDNAError:
        return None


def _freed(text: str) -> str:
    """An address without its display name, the scheme and parameters of a link, quotes, brackets and punctuation.

    "" where another address stands beside it.
    """
    while True:  # each may stand around the others
        freed = text.strip(_AROUND_ADDRESS)
        if found := _NAMED.findall(text):
            if len(set(_EMAIL.findall(_AT.sub("@", text)))) > 1:
                return ""  # of two people, or of one by another's name: nobody can say
            freed = found[0]
        elif freed.startswith("mailto:"):
            freed = freed.removeprefix("mailto:").partition("?")[0]
        elif "@" not in freed and "%40" in freed:
            freed = unquote(freed)
        if freed == text:
            return _AT.sub("@", text.replace("\u3002", "."))  # an ideographic full stop
        text = freed


def _is_encodable(text: str) -> bool:
    """False for lone surrogates."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
