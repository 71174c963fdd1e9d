"""Whose an event is, and what becomes of events of customers who were erased."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence

from aiokafka.structs import ConsumerRecord

from plan import load_plan
from profiles.identity.links import Claim
from profiles.stores.memory import MemoryLinkStore
from profiles.types import Identity
from profiles.units import LinkChanges
from streams.pipeline import ingest_pipeline
from streams.steps.identify import NOBODY
from streams.steps.intake import FORGOTTEN, Intake
from tests import REPOSITORY
from tests.build import erased, record

NOW = 1_800_000_000.0
PLAN = load_plan(REPOSITORY / "tracking_plan.yaml", {})
EVENT = {"type": "page", "name": "Home", "userId": "u", "anonymousId": "a", "messageId": "m"}


class Unlinked:
    """A store in which nobody is linked."""

    async def met(
        self, identities: Sequence[Identity], stated: Sequence[Identity]
    ) -> tuple[dict[Identity, str], set[Identity]]:
        return {}, set()


def taken(
    *gone: Identity, source: str = "web", at: float = 0.0, lifted: Mapping[Identity, float] = {}, **said: object
) -> Intake:
    """The event, where these were erased at a time."""
    value = json.dumps(EVENT | said).encode()
    intake = Intake(source, [ConsumerRecord("events", 0, 0, int(NOW * 1000), 0, b"k", value, None, 1, 1, ())], NOW)
    asyncio.run(ingest_pipeline(PLAN, Unlinked(), erased(PLAN, *gone, at=at, lifted=lifted)).run(intake))
    return intake


def test_an_event_goes_home_to_its_strongest_identity_and_asks_to_link_the_others() -> None:
    intake = taken()

    (request,), (item,) = intake.links, intake.items
    assert item.event is not None
    assert item.event.profile == PLAN.home(("user_id", "u"))
    assert item.event.identities == request.identities == [("user_id", "u"), ("anonymous_id", "a")]
    assert (request.time, request.source, request.event, request.signed) == (NOW, "web", "m", False)


def test_an_event_carries_what_the_plan_shows_of_it_and_nothing_else() -> None:
    more = {"price": 9.5, "currency": "USD", "brand": "Acme"}
    said = {"type": "track", "event": "Product Viewed", "properties": {"product_id": 7, "name": "Tea", **more}}
    (viewed,), (home,) = taken(**said).items, taken().items

    assert viewed.event is not None
    assert home.event is not None
    assert viewed.event.shown == {"name": "Tea", "price": [950, "USD"]}
    assert home.event.shown == {}


def test_of_an_erased_customer_nothing_is_kept() -> None:
    (rejection,) = taken(("user_id", "u")).rejected

    assert (rejection.reason, rejection.payload) == (FORGOTTEN, b"")


def test_a_weaker_identity_of_an_erased_customer_is_left_out() -> None:
    intake = taken(("anonymous_id", "a"))

    assert [item.identities for item in intake.items] == [[("user_id", "u")]]
    assert not intake.rejected
    assert not intake.links


def test_when_others_were_erased_nothing_changes() -> None:
    assert taken(("user_id", "x")).links == taken().links


def test_what_an_sdk_carries_along_of_an_erased_customer_is_left_out() -> None:
    """After a faulty logout: neither the event nor the question to the linker names them, though another is said."""
    address = PLAN.identity("email", "old@example.com")
    assert address is not None
    for source in ("purchase", "support", "web"):
        for said in ({"firstName": "New"}, {"email": "new@example.com"}):
            says = {"type": "identify", "traits": said, "context": {"traits": {"email": "old@example.com"}}}
            for gone, left in (((), [address]), ((address,), [])):
                intake = taken(*gone, source=source, **says)  # type: ignore[arg-type]
                (item,), (request,) = intake.items, intake.links
                assert item.event is not None
                assert item.event.remembered == request.remembered == left


def test_an_erased_customer_who_may_come_back_does_so_with_what_happens_from_then_on() -> None:
    """What happened before stays away, whenever it arrives."""
    assert not taken(lifted={("user_id", "u"): NOW}).rejected
    (rejection,) = taken(lifted={("user_id", "u"): NOW + 1}).rejected
    assert rejection.reason == FORGOTTEN
    assert [item.identities for item in taken(lifted={("anonymous_id", "a"): NOW + 1}).items] == [[("user_id", "u")]]


def test_an_erased_address_is_somebody_elses_whose_server_says_so_afterwards() -> None:
    """A family's: the linker is asked. Not by a page, nor by what an SDK sends along, nor by what was said before."""
    address = PLAN.identity("email", "family@example.com")
    assert address is not None
    says = {"type": "identify", "traits": {"email": "family@example.com"}, "anonymousId": None}

    def asked(**other: object) -> list[list[Identity]]:
        given = {"source": "purchase", "at": NOW - 1, **says, **other}
        return [request.identities for request in taken(address, **given).links]  # type: ignore[arg-type]

    assert asked() == [[("user_id", "u"), address]]
    assert asked(at=NOW + 1) == asked(source="web") == []
    assert asked(type="track", event="Product Viewed", traits=None, context={"traits": says["traits"]}) == []
    assert asked(traits={"first_name": "Ada"}, context={"traits": says["traits"]}) == []
    assert asked(context={"traits": says["traits"]}) == [[("user_id", "u"), address]]


def test_an_id_of_many_digits_from_another_producer_stays_what_it_was() -> None:
    """Two customers whose numbers a parser rounds to the same are not one."""
    homes = []
    for number in (b"1234567890123456789012", b"1234567890123456789013"):
        intake = Intake("web", [record(0, b'{"type":"page","name":"Home","userId":%b}' % number)], NOW)
        asyncio.run(ingest_pipeline(PLAN, Unlinked(), erased(PLAN)).run(intake))
        (item,) = intake.items
        assert item.identities == [("user_id", number.decode())]
        homes.append(item.home)

    assert homes[0] != homes[1]


def test_what_is_remembered_beside_an_id_of_many_digits_is_told_from_what_is_said() -> None:
    """By the digits that were sent, as the identities are; a number that was rounded would end the worker."""
    said = b'{"type":"identify","userId":"u","messageId":"m","traits":{"loyalty_number":%b},"context":{"traits":{%b}}}'
    number = b"18446744073709551616"
    for along, kinds in ((b'"x":1', []), (b'"loyalty_number":' + number, []), (b'"email":"a@b.example"', ["email"])):
        intake = Intake("purchase", [record(0, said % (number, along), topic="events.purchase")], NOW)
        asyncio.run(ingest_pipeline(PLAN, Unlinked(), erased(PLAN)).run(intake))
        (request,) = intake.links
        assert [kind for kind, _ in request.remembered] == kinds


def test_what_an_sdk_carries_along_is_no_claim() -> None:
    """After a faulty logout: the traits of the user before are not the new one's, nor do they bring his address."""
    address = PLAN.identity("email", "old@example.com")
    old = {"email": "old@example.com", "firstName": "Old"}
    identify = {"type": "identify", "source": "purchase"}

    intake = taken(**identify, traits={"firstName": "New"}, context={"traits": old})  # type: ignore[arg-type]
    (request,), (item,) = intake.links, intake.items
    assert item.event is not None
    assert item.event.traits == {"firstName": "New"}
    assert (request.stated, request.remembered) == (True, [address])
    assert item.event.remembered == [address]  # who reads the history is to know it, too
    (request,) = taken(**identify, context={"traits": old}).links  # type: ignore[arg-type]
    assert (request.stated, request.remembered) == (True, [])
    (request,) = taken(**identify, traits=old, context={"traits": old}).links  # type: ignore[arg-type]
    assert request.remembered == []
    (request,) = taken(source="web", context={"traits": old}).links
    assert (request.stated, request.remembered) == (False, [address])


def test_who_states_what_others_claim_is_heard_though_it_is_theirs() -> None:
    """Whether they still do decides to whom it has gone. What is only carried along, or theirs alone, is no news."""
    user, address, phone = (
        ("user_id", "u"),
        PLAN.identity("email", "a@example.com"),
        PLAN.identity("phone", "0612345678"),
    )
    store = MemoryLinkStore()
    held = dict.fromkeys([user, address, phone], PLAN.home(user))
    claims = {address: [Claim(user, 1.0, 1.0), Claim(("user_id", "other"), 2.0, 2.0)]}
    asyncio.run(store.commit(LinkChanges(0, 0, mapping={**held}, claims={**claims})))

    def asked(**said: object) -> list[list[Identity]]:
        value = json.dumps({"messageId": "m", "userId": "u"} | said).encode()
        intake = Intake("purchase", [record(0, value)], NOW)
        asyncio.run(ingest_pipeline(PLAN, store, NOBODY).run(intake))
        assert len(intake.items) == 1
        return [request.identities for request in intake.links]

    assert asked(type="identify", traits={"email": "a@example.com"}) == [[user, address]]
    assert asked(type="identify", traits={"phone": "0612345678"}) == []
    order = {"order_id": "1", "revenue": 1, "currency": "EUR"}
    along = {"traits": {"email": "a@example.com"}}
    assert asked(type="track", event="Order Completed", properties=order, context=along) == []


def test_an_alias_of_two_accounts_is_remarked() -> None:
    """It makes nobody one, so that somebody has to know; the alias of a browser is as ever."""
    (item,) = taken(type="alias", previousId="al-p1", anonymousId=None).items
    assert item.violations == [
        "previousId: seems to be an account; two accounts become one by `rapport identity join`, or where the plan "
        "says `alias: join`"
    ]
    (item,) = taken(type="alias", previousId="00af7d1c-7c1f-4f0e-9d3c-7f3b1f6b8a11", anonymousId=None).items
    assert item.violations == []


def test_of_where_somebody_is_only_the_country_is_kept() -> None:
    place = {"country": "NL", "city": "Utrecht", "latitude": 52.09, "longitude": 5.12}
    for location, kept in ((place, {"location": {"country": "NL"}}), ({"city": "Utrecht"}, {}), ("here", {})):
        (item,) = taken(context={"location": location, "locale": "nl-NL"}).items
        assert item.event is not None
        assert item.event.context == {"locale": "nl-NL", **kept}
