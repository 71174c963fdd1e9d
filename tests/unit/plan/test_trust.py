"""How far senders are believed: every role is classed, and what the keys of a plan let pass."""

from __future__ import annotations

from typing import Any

import pytest

from plan import ROLES, Standing, parse_plan
from plan.trust import BUSINESS, PERSONAL, Trust
from profiles.errors import Unacceptable
from profiles.identity.signatures import signature_of
from profiles.types import Identity
from tests.plans import BASE

KEY = "0123456789abcdef"
TRUTH = signature_of(KEY.encode(), "42")
USER, OTHER, BROWSER = ("user_id", "42"), ("user_id", "43"), ("anonymous_id", "b")
CARD, MAIL = ("card", "c"), ("email", "a@x.nl")
BEHAVIOUR = {
    "visit", "view", "search", "cart", "checkout", "signup", "login", "feature_use", "contact_opened",
    "contact_clicked", "coupon_denied", "uninstalled", "goal", "stock_alert", "survey_asked",
}  # fmt: skip


def trust(verify: str = "off") -> Trust:
    """Of a plan with a public web site, where four types of identities say who somebody is, or what they use."""
    text = (
        BASE.replace("version: 1", f"version: 1\nverify_user_ids: {verify}")
        .replace("key-of-web, public: false", "key-of-web, public: true")
        .replace(
            "traits:\n",
            "  - {type: card, priority: 3, fields: [context.externalIds]}\n"
            "  - {type: email, priority: 4, fields: [traits.email], pii: email, held: plain}\n"
            "  - {type: device, priority: 5, fields: [context.device.id]}\n"
            "traits:\n",
        )
    )
    return parse_plan(text, "plan.yaml", {"RAPPORT_USER_ID_KEY": KEY}).trust


def weighed(verify: str, identities: list[Identity], **context: Any) -> tuple[list[Identity], Standing]:
    return trust(verify).weigh({"userId": "42", "context": context}, identities)


def test_every_role_is_classed() -> None:
    """A new role is behaviour, a fact of the business, or a person's word: nobody forgets to ask which."""
    assert {*BUSINESS, *PERSONAL} | BEHAVIOUR == set(ROLES)
    assert not BUSINESS & PERSONAL


def test_what_says_who_somebody_is_follows_from_where_it_is_found() -> None:
    assert trust().persons == {"user_id", "card", "email"}
    assert trust().public == {"web"}


@pytest.mark.parametrize("verify", ["off", "optional"])
def test_unsigned_it_speaks_of_one_person(verify: str) -> None:
    """The strongest that is named, with the browser: neither alias nor identify makes two people one."""
    identities, standing = weighed(verify, [USER, CARD, MAIL, BROWSER])

    assert identities == [USER, BROWSER]
    assert standing == Standing(named=True, unlinked=[CARD, MAIL])
    assert weighed(verify, [USER, OTHER])[1].unlinked == [OTHER]
    assert weighed(verify, [MAIL, BROWSER]) == ([MAIL, BROWSER], Standing(named=True))


def test_a_visitor_names_nobody() -> None:
    for verify in ("off", "optional", "required"):
        assert weighed(verify, [BROWSER]) == ([BROWSER], Standing(named=False))
    assert Standing(named=False).claimed == BUSINESS | PERSONAL


@pytest.mark.parametrize("verify", ["optional", "required"])
@pytest.mark.parametrize("signature", [TRUTH, TRUTH.upper()])
def test_signed_it_speaks_of_its_user(verify: str, signature: str) -> None:
    """For them alone: an address is somebody else's until another source says otherwise."""
    identities, standing = weighed(verify, [USER, OTHER, MAIL, BROWSER], userIdSignature=signature)

    assert identities == [USER, BROWSER]
    assert standing == Standing(named=True, signed=True, claimed=BUSINESS, unlinked=[OTHER, MAIL])


@pytest.mark.parametrize("verify", ["optional", "required"])
@pytest.mark.parametrize("signature", [TRUTH[::-1], signature_of(KEY.encode(), "43"), "", 7, ["x"]])
def test_forged_it_speaks_of_its_browser(verify: str, signature: object) -> None:
    identities, standing = weighed(verify, [USER, MAIL, BROWSER], userIdSignature=signature)

    assert identities == [BROWSER]
    remark = "context.userIdSignature: is not the signature of this userId"
    assert standing == Standing(named=True, unlinked=[USER, MAIL], remark=remark)
    with pytest.raises(Unacceptable) as raised:
        weighed(verify, [USER, MAIL], userIdSignature=signature)
    assert raised.value.reason == "unverified_user"


def test_where_it_must_be_signed_an_unsigned_one_speaks_of_its_browser() -> None:
    identities, standing = weighed("required", [USER, BROWSER])

    assert (identities, standing.unlinked) == ([BROWSER], [USER])
    assert standing.remark.startswith("userId: is not signed")
    assert weighed("required", [MAIL, BROWSER])[0] == [BROWSER]
    with pytest.raises(Unacceptable, match="not signed"):
        weighed("required", [MAIL])


def test_where_nothing_is_verified_signatures_say_nothing() -> None:
    for signature in (TRUTH, "forged"):
        assert weighed("off", [USER, BROWSER], userIdSignature=signature) == ([USER, BROWSER], Standing(named=True))


def test_numbers_are_signed_as_they_are_written() -> None:
    _, standing = trust("required").weigh({"userId": 42, "context": {"userIdSignature": TRUTH}}, [USER])

    assert standing.signed


def test_a_signature_of_nobody_is_no_signature() -> None:
    """Of no user id, or of one that identifies nobody. The context may be anything, too."""
    with pytest.raises(Unacceptable):
        trust("required").weigh({"context": {"userIdSignature": TRUTH}}, [MAIL])
    with pytest.raises(Unacceptable):
        trust("required").weigh({"userId": "42", "context": {"userIdSignature": TRUTH}}, [MAIL])
    with pytest.raises(Unacceptable):
        trust("required").weigh({"userId": "42", "context": "x"}, [USER])
    assert not trust("optional").weigh({"userId": "42", "context": {"userIdSignature": TRUTH}}, [MAIL])[1].signed
