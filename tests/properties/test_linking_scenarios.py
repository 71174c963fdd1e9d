"""Who is who in the cases that go wrong elsewhere: events of the shop's plan, and all profiles that come of them."""

from __future__ import annotations

from typing import Any

from plan import load_plan
from profiles.identity.linking import Decision
from profiles.types import Identity
from tests import REPOSITORY
from tests.unit.profiles.identity.one_reader import Graph

PLAN = load_plan(REPOSITORY / "tracking_plan.yaml", {})


def browser(name: str) -> Identity:
    return "anonymous_id", name


def user(name: str) -> Identity:
    return "user_id", name


def mail(address: str) -> Identity:
    identity = PLAN.identity("email", address)
    assert identity is not None
    return identity


class Shop:
    """Takes events as senders send them; knows whose each of them is in the end."""

    def __init__(self) -> None:
        self._graph = Graph({rule.type: rule.limit for rule in PLAN.identities}, PLAN.most_identities)
        self._events: list[tuple[str, list[Identity]]] = []

    def send(self, name: str, **event: Any) -> Decision:
        """One event, called by a name."""
        identities = PLAN.extract(event)
        self._events.append((name, identities))
        return self._graph.take(identities)

    def profiles(self) -> dict[frozenset[Identity], list[str]]:
        """All profiles: their identities, and the events that are theirs, in the order of sending."""
        found: dict[frozenset[Identity], list[str]] = {}
        profiles = self._graph.profiles({identity for _, identities in self._events for identity in identities})
        for profile in profiles:
            found[profile] = [name for name, identities in self._events if identities[0] in profile]
        return found


def profile(*identities: Identity) -> frozenset[Identity]:
    return frozenset(identities)


def test_two_people_on_one_laptop() -> None:
    """Two customers; the laptop stays with the first, and so does what is done on it after logging out."""
    shop = Shop()
    shop.send("ann looks", anonymousId="laptop")
    shop.send("ann logs in", userId="ann", anonymousId="laptop", traits={"email": "ann@example.com"})
    refused = shop.send("bob logs in", userId="bob", anonymousId="laptop", traits={"email": "bob@example.com"})
    shop.send("bob buys", userId="bob", anonymousId="laptop")
    shop.send("somebody looks", anonymousId="laptop")

    assert (refused.refused, refused.reason) == ([browser("laptop")], "limit of user_id")
    assert shop.profiles() == {
        profile(user("ann"), mail("ann@example.com"), browser("laptop")): [
            "ann looks", "ann logs in", "somebody looks",
        ],
        profile(user("bob"), mail("bob@example.com")): ["bob logs in", "bob buys"],
    }  # fmt: skip


def test_a_typo_in_an_address_of_somebody_with_an_account() -> None:
    """Eve writes Ann's address: both stay whom they are, and Eve's right address is hers a moment later."""
    shop = Shop()
    shop.send("ann signs up", userId="ann", anonymousId="ann's", traits={"email": "ann@example.com"})
    refused = shop.send("eve signs up", userId="eve", anonymousId="eve's", traits={"email": "ann@example.com"})
    shop.send("eve mends it", userId="eve", anonymousId="eve's", traits={"email": "eve@example.com"})

    assert refused.refused == [mail("ann@example.com")]
    assert shop.profiles() == {
        profile(user("ann"), mail("ann@example.com"), browser("ann's")): ["ann signs up"],
        profile(user("eve"), mail("eve@example.com"), browser("eve's")): ["eve signs up", "eve mends it"],
    }


def test_a_typo_in_an_address_of_a_visitor() -> None:
    """Nothing contradicts that the visitor is Ann, so they become her; their account does not. A split mends it."""
    shop = Shop()
    shop.send("ann signs up", userId="ann", traits={"email": "ann@example.com"})
    shop.send("eve subscribes to the newsletter", anonymousId="eve's", traits={"email": "ann@example.com"})
    refused = shop.send("eve signs up", userId="eve", anonymousId="eve's")

    assert refused.reason == "limit of user_id"
    assert shop.profiles() == {
        profile(user("ann"), mail("ann@example.com"), browser("eve's")): [
            "ann signs up", "eve subscribes to the newsletter",
        ],
        profile(user("eve")): ["eve signs up"],
    }  # fmt: skip


def test_a_kiosk_with_many_people() -> None:
    """One customer each, however many; only the first has the kiosk."""
    shop = Shop()
    people = [f"customer {number}" for number in range(50)]
    for name in people:
        shop.send(f"{name} orders", userId=name, anonymousId="kiosk")

    assert shop.profiles() == {
        profile(user(people[0]), browser("kiosk")): ["customer 0 orders"],
        **{profile(user(name)): [f"{name} orders"] for name in people[1:]},
    }


def test_a_kiosk_without_accounts() -> None:
    """Addresses alone may be one person's, up to the limit; then they are not linked any more."""
    shop = Shop()
    addresses = [f"visitor-{number}@example.com" for number in range(7)]
    reasons = [
        shop.send(f"receipt {number}", anonymousId="kiosk", traits={"email": address}).reason
        for number, address in enumerate(addresses)
    ]

    assert reasons == [""] * 5 + ["limit of email"] * 2
    assert shop.profiles() == {
        profile(browser("kiosk"), *map(mail, addresses[:5])): [f"receipt {number}" for number in range(5)],
        profile(mail(addresses[5])): ["receipt 5"],
        profile(mail(addresses[6])): ["receipt 6"],
    }


def test_a_support_agent_logged_in_as_the_customer() -> None:
    """What the agent does counts for the customer; the agent's browser and account stay the agent's."""
    shop = Shop()
    shop.send("agent logs in", userId="agent", anonymousId="desk")
    shop.send("ann logs in", userId="ann", anonymousId="phone")
    refused = shop.send("agent changes ann's address", userId="ann", anonymousId="desk")
    shop.send("agent reads the news", userId="agent", anonymousId="desk")

    assert refused.refused == [browser("desk")]
    assert shop.profiles() == {
        profile(user("agent"), browser("desk")): ["agent logs in", "agent reads the news"],
        profile(user("ann"), browser("phone")): ["ann logs in", "agent changes ann's address"],
    }


def test_a_support_agent_without_an_account_of_their_own() -> None:
    """The browser joins the first customer it was used for, and no other."""
    shop = Shop()
    shop.send("agent helps ann", userId="ann", anonymousId="desk")
    shop.send("agent helps bob", userId="bob", anonymousId="desk")

    assert shop.profiles() == {
        profile(user("ann"), browser("desk")): ["agent helps ann"],
        profile(user("bob")): ["agent helps bob"],
    }


def test_a_family_shares_a_tablet() -> None:
    """The tablet is the first one's; each app login has its own installation id."""
    shop = Shop()
    tablet = {"device": {"id": "tablet"}}
    shop.send("mother logs in", userId="mother", anonymousId="app-1", context=tablet)
    refused = shop.send("child logs in", userId="child", anonymousId="app-2", context=tablet)
    shop.send("child plays", userId="child", anonymousId="app-2", context=tablet)
    shop.send("somebody looks", context=tablet)

    assert refused.refused == [("device_id", "tablet")]
    assert shop.profiles() == {
        profile(user("mother"), browser("app-1"), ("device_id", "tablet")): ["mother logs in", "somebody looks"],
        profile(user("child"), browser("app-2")): ["child logs in", "child plays"],
    }


def test_a_changed_address() -> None:
    """Old and new are one customer's, so that what is sent for either finds them; the sixth is one too many."""
    shop = Shop()
    addresses = [f"ann-{number}@example.com" for number in range(6)]
    for number, address in enumerate(addresses):
        shop.send(f"address {number}", userId="ann", traits={"email": address})
    shop.send("a ticket by the first address", context={"traits": {"email": addresses[0].upper()}})

    assert shop.profiles() == {
        profile(user("ann"), *map(mail, addresses[:5])): [
            *(f"address {number}" for number in range(6)), "a ticket by the first address",
        ],
        profile(mail(addresses[5])): [],
    }  # fmt: skip


def test_alias_after_sign_up() -> None:
    """What was done before counts for the account, by whatever name it was done."""
    shop = Shop()
    shop.send("looks", anonymousId="before")
    shop.send("leaves an address", anonymousId="before", traits={"email": "ann@example.com"})
    shop.send("signs up elsewhere", userId="ann", anonymousId="phone")
    shop.send("alias", type="alias", userId="ann", previousId="before")

    assert shop.profiles() == {
        profile(user("ann"), mail("ann@example.com"), browser("before"), browser("phone")): [
            "looks", "leaves an address", "signs up elsewhere", "alias",
        ],
    }  # fmt: skip


def test_the_loyalty_card_brings_shop_and_web_together() -> None:
    """A custom identity, from the traits and from `context.externalIds`."""
    shop = Shop()
    card = {"externalIds": [{"id": 7001, "type": "loyalty_number", "collection": "users", "encoding": "none"}]}
    shop.send("buys at the counter", context=card)
    shop.send("registers the card", userId="ann", traits={"loyalty_number": "7001"})

    assert shop.profiles() == {
        profile(user("ann"), ("loyalty_number", "7001")): ["buys at the counter", "registers the card"]
    }


def test_segments_worked_case() -> None:
    """From their documentation: the address ranks below the user id, so it is left out and a new profile is made."""
    shop = Shop()
    shop.send("first", userId="abc123", traits={"email": "jane@example1.com"})
    decision = shop.send("second", userId="abc456", traits={"email": "jane@example1.com"})

    assert (decision.refused, decision.reason) == ([mail("jane@example1.com")], "limit of user_id")
    assert shop.profiles() == {
        profile(user("abc123"), mail("jane@example1.com")): ["first"],
        profile(user("abc456")): ["second"],
    }


def test_no_address_is_in_any_profile() -> None:
    """Identities of personal data are hashes from the first step on."""
    shop = Shop()
    shop.send("signs up", userId="ann", traits={"email": "ann@example.com", "phone": "06 1234 5678"})

    (held,) = shop.profiles()
    assert {kind for kind, _ in held} == {"user_id", "email", "phone"}
    assert not any("@" in value or "12345678" in value for _, value in held)
