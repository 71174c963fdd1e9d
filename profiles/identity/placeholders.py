"""Values that stand for nobody: what programs, forms and devices send where an identity is missing.

One of them would make strangers one customer, so it counts as absent, in every type of identity. All that are known are
in TABLE, each with its reason; a plan adds its own (`blocked`) and takes out what is somebody there (`unblocked`).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable
from typing import NamedTuple

__all__ = ["TABLE", "Placeholders", "Row"]


class Row(NamedTuple):
    """Placeholders of one kind."""

    reason: str
    words: str = ""  # letters and digits alone, in lower case: `notset` is also "(not set)" and "Not-Set"
    texts: tuple[str, ...] = ()  # as they are, in lower case, where what stands between matters
    shape: str = ""  # a regular expression of the whole text, in lower case
    inside: str = ""  # the same of a part of it


_NOTHING = "null none nil nan undefined void empty missing blank nsnull dbnull systemdbnull optionalnil novalue"
_NOBODY = (
    "anonymous anon anonymoususer anonym anonyme anonimo guest guestuser gast unknown unknownuser unbekannt onbekend "
    "inconnu desconocido nobody noone nouser nouserid noid noemail noname nophone notset unset notdefined notprovided "
    "notavailable notapplicable notfound na notauthenticated unauthenticated unauthorized notloggedin loggedout "
    "loggedoff loggedin signedout notsignedin unidentified unregistered deleted removed redacted"
)
_FIELDS = (
    "id uid uuid guid user userid username customer customerid clientid visitorid memberid accountid profileid "
    "contactid personid distinctid anonymousid deviceid sessionid externalid advertisingid androidid cookieid "
    "loyaltynumber email emailaddress emailid phonenumber"
)
_DIGESTED = (
    "", " ", "0", "-1", "null", "NULL", "None", "none", "nil", "NaN", "undefined", "unknown", "anonymous", "guest",
    "N/A", "n/a", "false", "true", "test",
)  # fmt: skip

TABLE: tuple[Row, ...] = (
    Row(
        "what a language or a database writes for nothing",
        f"{_NOTHING} true false yes no infinity inf",
        (r"\n", r"\0", "-infinity", "-inf"),
        r"(?:null|undefined|none|nil|nan)+|-0*1(?:\.0+)?|%!\w\(.*\)",
    ),
    Row("nobody is logged in, or nobody is known", _NOBODY),
    Row("zeros, of any length", shape=r"[-+{(]*(?:0x)?0[-0_.:+ ]*[)}]*"),
    Row("marks only: no letter, no figure", shape=r"[!-/:-@\[-`{-~\s\xa1-\xbf\u2010-\u205e]*"),
    Row(
        "the error of a spreadsheet",
        shape=r"#(?:n/?a|nv|ref|bezug|value|wert|null|name\?|div/0|num|error|spill|calc)[!?]?",
    ),
    Row(
        "a template that was not filled",
        shape=r"\{[a-z_. ]+\}|\[[a-z_. ]+\]|<[a-z_. ]+>|%[a-z_]+%|__[a-z_]+__|[$:][a-z_.]+"
        r"|@(?:user|customer|model|item|context)\.[a-z_.]+|%[sdv@]",
        inside=r"\{\{.*\}\}|[$#%]\{.*\}|<%.*%>|\*\|.*\|\*|%%.+%%|\[%.*%\]",
    ),
    Row(
        "the name of a field, or what is to be put there",
        _FIELDS,
        shape=r"(?:your|my|the|insert|enter|some|current)[\W_]*"
        rf"(?:{'|'.join(_FIELDS.split())}|user[\W_]id|name|phone|account)(?:[\W_]*here)?",
    ),
    Row(
        "an example, or a try",
        "test tester testuser default example sample dummy asdf qwerty",
        (
            "3fa85f64-5717-4562-b3fc-2c963f66afa6",  # of API descriptions
            "123e4567-e89b-12d3-a456-426614174000",
            "12345678-1234-1234-1234-123456789012",
            "12345678-1234-5678-1234-567812345678",
            "01234567-89ab-cdef-0123-456789abcdef",
        ),
    ),
    Row(
        "an object where a value belongs",
        "objectobject systemobject",
        shape=r"\[object .*\]|\[?l?(?:java|javax|kotlin|scala|com|org|net|io|android)(?:\.[\w$]+)+;?@[0-9a-f]+"
        r"|system\.(?:object|string|nullable|guid|byte|int[0-9]+|collections|linq|dynamic|threading)\b.*"
        r"|#?<.*\b(?:object|function|class|0x[0-9a-f]+)\b.*>|function\b.*\{.*|\(.*\) ?=>.*|promise ?\{.*"
        r"|\w*(?:error|exception):.*",
    ),
    Row("one character over and over", shape=r"x[-x]{2,}|f[-:f]{7,}|(?P<one>[a-z0-9])(?:[-_.: ]?(?P=one)){14,}"),
    Row("masked: who it was cannot be seen", inside=r"\*{2,}|\u2022{2,}"),
    Row(
        "a device that hides its id, or never had one of its own",
        texts=(
            "9774d56d682e549c",  # Android 2.2 gave it to every device
            "02:00:00:00:00:00",  # the network address that apps see since iOS 7 and Android 6
            "0123456789abcdef", "1234567890abcdef", "012345678912345", "123456789012345", "004999010640000",  # copies
        ),
    ),
    Row(
        "the limit of an integer, at which a database cuts",
        texts=(
            "2147483647", "-2147483648", "4294967295", "9007199254740991", "9223372036854775807",
            "-9223372036854775808", "18446744073709551615",
        ),
    ),
    Row(
        "the digest of a placeholder",
        " ".join(
            hashlib.new(kind, text.encode(), usedforsecurity=False).hexdigest()
            for kind in ("md5", "sha1", "sha256")
            for text in _DIGESTED
        ),
    ),
)  # fmt: skip
"""Every placeholder that is known without a plan."""

_WORDS = {word: row.reason for row in reversed(TABLE) for word in row.words.split()}
_TEXTS = {text: row.reason for row in TABLE for text in row.texts}
_SHAPE = re.compile("|".join(f"(?P<r{n}>{row.shape})" for n, row in enumerate(TABLE) if row.shape), re.DOTALL)
_INSIDE = re.compile("|".join(f"(?P<r{n}>{row.inside})" for n, row in enumerate(TABLE) if row.inside), re.DOTALL)
_OF_PIECES = "a placeholder more than once, or several"
_PLANS = "the plan says so"

_MARKS = re.compile(r"[\W_]+")
_BETWEEN = re.compile(r"[\s@,]+")
# As most values are; of what is below nothing could be one, but for one figure over and over, and an address.
_PLAIN = re.compile(r"(?=[^1-9]*[1-9])[a-z0-9]+(?:[_-][a-z0-9]+)*")
_MAIL = re.compile(r"[a-z0-9][a-z0-9._+-]*@[a-z0-9.-]+\.[a-z]{2,}")
_NO_PERSON = frozenset(f"{_NOTHING} {_NOBODY}".split())
_NO_MAILBOX = frozenset(("null", "undefined", "nan"))


class Placeholders:
    """Which values stand for nobody.

    Args:
        blocked: further ones.
        unblocked: values that are somebody after all; not if they are `blocked`, too.
        spell: from such a value to the spelling in which it is met, if it has one; as written it counts, too.
    """

    def __init__(
        self,
        blocked: Iterable[str] = (),
        unblocked: Iterable[str] = (),
        spell: Callable[[str], str | None] = lambda text: None,
    ) -> None:
        self._blocked = _keys(blocked, spell)
        self._unblocked = _keys(unblocked, spell) - self._blocked

    def reason(self, text: str) -> str | None:
        """Why a value stands for nobody, in words; None if it may be somebody."""
        key = text.strip().lower()
        if key in self._blocked:
            return _PLANS
        found = _reason(key)
        return None if found is None or key in self._unblocked else found


def _keys(values: Iterable[str], spell: Callable[[str], str | None]) -> frozenset[str]:
    written = list(values)
    spelt = [text for value in written if (text := spell(value)) is not None]
    return frozenset(text.strip().lower() for text in [*written, *spelt])


def _reason(key: str) -> str | None:
    if found := _WORDS.get(key) or _TEXTS.get(key):
        return found
    if _PLAIN.fullmatch(key) and (len(key) < 15 or len(set(key)) > 2):
        return None
    if _MAIL.fullmatch(key):
        return _of_address(key)
    if shaped := _SHAPE.fullmatch(key):
        return _reason_of(shaped)
    if key.isalnum():
        return None
    if ("{" in key or "%" in key or "*" in key or "\u2022" in key) and (inside := _INSIDE.search(key)):
        return _reason_of(inside)
    return _of_address(key) if "@" in key and "." in key else _of_words(key)


def _reason_of(found: re.Match[str]) -> str:
    group = next(name for name, text in found.groupdict().items() if text is not None and name != "one")
    return TABLE[int(group[1:])].reason


def _of_address(key: str) -> str | None:
    """Of an e-mail address: `undefined@…` and `noemail@noemail.…` are nobody's."""
    local, _, domain = key.partition("@")
    if local in _NO_MAILBOX:
        return _WORDS[local]
    site = domain.partition(".")[0]
    return _OF_PIECES if local in _WORDS and (site == local or site in _NO_PERSON) else None


def _of_words(key: str) -> str | None:
    """Of words with marks around or between: `(not set)`, `undefined undefined`, `None,None`, `null@null`."""
    pieces = [piece for piece in _MARKS.split(key) if piece]
    if found := _WORDS.get("".join(pieces)):
        return found
    if "@" in key or " " in key or "," in key:  # `n/a@n/a`: what stands between these are words
        pieces = [inner for piece in _BETWEEN.split(key) if (inner := _MARKS.sub("", piece))]
    return _OF_PIECES if pieces and all(piece in _WORDS for piece in pieces) else None
