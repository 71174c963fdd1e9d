"""Values that stand for nobody."""

from __future__ import annotations

import re

import pytest

from profiles.identity.extract import IdentityRule, compile_extractor, compile_spellings
from profiles.identity.placeholders import TABLE, Placeholders

TYPES = {"user_id": "id", "email": "email", "phone": "phone", "device_id": "none", "name": "name"}
RULES = [
    IdentityRule(type=kind, priority=number, fields=(f"properties.{kind}",), pii=pii)
    for number, (kind, pii) in enumerate(TYPES.items(), start=1)
]

NOBODY = [
    "undefined", "null", "NULL", "None", "NaN", "nil", "0", "-1", "N/A", "na", "guest", "anonymous",
    "[object Object]", "true", " ", "", "{}", "-", "(null)", "<null>", "<nil>", "[object Undefined]", "[object Null]",
    "\\N", "#N/A", "#REF!", "'null'", '"undefined"', '""', "''", "n.a.", "none ", "not set", "(not set)", "(none)",
    "unknown", "--", "000", "00000000", "0000-0000", "000000000000000", "00000000-0000-0000-0000-000000000000",
    "{00000000-0000-0000-0000-000000000000}", "0" * 400, "00:00:00:00:00:00", "0.0", "+0", "-1.0", "0x0",
    "{{user_id}}", "{{ user.id }}", "${user.id}", "user-${id}", "%%USER_ID%%", "%USER_ID%", "<%= user.id %>",
    "#{user.id}", "*|EMAIL|*", "{user_id}", "[USER_ID]", "__USER_ID__", "$user_id", "%s", "@user.id", "YOUR_USER_ID",
    "USER_ID", "your user id here", "<your email>", "distinct_id", "distinctid", "device-id", "E-Mail",
    "not_authenticated", "undefined undefined", "null null", "nullnull", "undefined-undefined", "null_null",
    "None,None", "undefined|null", "test", "default", "anon", "user", "customer", "no user", "logged_out", "loggedout",
    "nobody", "#VALUE!", "#DIV/0!", "%!s(<nil>)", "Optional(nil)", "System.Object", "java.lang.Object@1b2c3d",
    "[Ljava.lang.String;@1b2c3d", "[]", "[object HTMLElement]", "[object Promise]", "<function me at 0x7f10>",
    "#<User:0x00007f8b>", "TypeError: id is undefined", "function () { return 1 }", "() => id", "9774d56d682e549c",
    "02:00:00:00:00:00", "0123456789ABCDEF", "111111111111111", "ffffffff-ffff-ffff-ffff-ffffffffffff",
    "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx", "xxx", "***", "j***@example.com", "\ufeff", "\u200b", "\u00a0", "\u2014",
    "\u2026", "nu\u200bll", "\uff4e\uff55\uff4c\uff4c", "null@null", "none@none.example", "n/a@n/a",
    "d41d8cd98f00b204e9800998ecf8427e", "37a6259cc0c1dae299a7866489dff0bd", "9223372036854775807", "2147483647",
    "3fa85f64-5717-4562-b3fc-2c963f66afa6",
]  # fmt: skip

SOMEBODY = [
    "@ada.lovelace", "customer 0", "user-0", "phone", "visitor",
    "42", "1", "10", "00042", "-5", "55520", "u", "n", "x", "ada", "test1", "tester-7", "guest_12345", "user-1",
    "anon-3f2a", "id-0001", "a-0", "1111", "11111111", "3b8f4c1e-90d7-5a5b-8a3e-6f1f2c7d9e10",
    "{3b8f4c1e-90d7-5a5b-8a3e-6f1f2c7d9e10}", "nilsson", "nancy", "trueman", "mythe", "sam.sung@example.com",
    "o'brien", "customer@example.com", "first.last@corp", "\u674e", "\U0001f642", "https://example.com/u/1", "f",
    "ff00ff00ff", "0a", "1e5", "xx", "x-", "1.5E3",
]  # fmt: skip


@pytest.mark.parametrize("value", NOBODY, ids=lambda value: ascii(value[:40]))
def test_a_placeholder_identifies_nobody_in_any_type(value: str) -> None:
    """It would make strangers one customer."""
    extract = compile_extractor(RULES, compile_spellings(RULES, key=b"key", region="NL"))

    for written in (value, f" {value}\n", value.upper()):
        assert extract({"properties": dict.fromkeys(TYPES, written)}) == []


@pytest.mark.parametrize("value", SOMEBODY, ids=lambda value: ascii(value[:40]))
def test_what_may_be_somebody_is(value: str) -> None:
    assert Placeholders().reason(value) is None


def test_the_plan_adds_and_takes_out() -> None:
    """In any case, and in every spelling; what is on both of its lists is nobody."""
    rules = RULES[:3]
    blocked, unblocked = ["Kiosk ", "06 0000 0001", "no-reply@Example.com"], ["TEST", "0000", "kiosk"]
    extract = compile_extractor(rules, compile_spellings(rules, blocked, unblocked, key=b"key", region="NL"))

    for nobody in ("KIOSK", "kiosk", "Guest"):
        assert extract({"properties": {"user_id": nobody}}) == []
    for somebody in ("test", "Test", "0000"):
        assert extract({"properties": {"user_id": somebody}}) == [("user_id", somebody)]
    assert extract({"properties": {"phone": "+31600000001", "email": "mailto:NO-REPLY@example.com"}}) == []


def test_each_kind_says_why_and_has_what_it_is_about() -> None:
    for row in TABLE:
        assert row.reason
        assert row.words or row.texts or row.shape or row.inside
        assert all(re.fullmatch(r"[a-z0-9]+", word) for word in row.words.split())
        assert all(text == text.lower() for text in row.texts)
