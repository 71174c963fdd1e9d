"""Segment's Profile API over a store in memory: as its documentation's requests ask, and what must not come through."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Iterator

import httpx
import pytest

from console.access.api_tokens import Tokens
from console.views.document import Money
from console.views.profile_api import events_of
from console.views.timeline import EventView, ShownView
from profiles.stores.memory import MemoryAccessStore
from profiles.types import Profile
from tests.console.people import customer, happened, keep, store
from tests.console.support_api import TOKEN, support_api

USERS = "/v1/spaces/lg8283283/collections/users/profiles"


def known() -> Profile:
    """A customer whose e-mail address holds a plus, and whose traits are not all for everybody."""
    found = customer()
    happened(
        found, 5, "", type="identify", source="support", traits={"email": "ada+1@example.com", "lastName": "Byron"}
    )
    return found


@pytest.fixture(scope="module")
def api() -> Iterator[httpx.Client]:
    held = store()
    keep(held, known(), customer(("user_id", "a/b:c d+e"), risk=None))
    with support_api(held) as http:
        del http.headers["authorization"]
        http.auth = (TOKEN, "")
        yield http


def test_traits_stand_beside_segments_and_figures_and_go_on_page_by_page(api: httpx.Client) -> None:
    answer = api.get(f"{USERS}/user_id:42/traits")
    assert answer.status_code == 200
    assert answer.headers["request-id"]
    document = answer.json()
    cursor = document["cursor"]
    assert (cursor["url"], cursor["has_more"], cursor["limit"]) == (f"{USERS}/user_id%3A42/traits", True, 10)
    assert document["traits"] == {
        "at_risk": True, "churn_band": "high", "churn_risk": 0.8, "email": "ada+1@example.com", "firstName": "Ada",
        "lastName": "Byron", "open_tickets": 1, "orders": 3, "repeat_buyer": True, "revenue_eur": 65.0,
    }  # fmt: skip
    names: list[str] = []
    following = ""
    for _ in range(20):
        page = api.get(f"{USERS}/user_id:42/traits", params={"limit": 3, "next": following}).json()
        names += page["traits"]
        following = page["cursor"]["next"]
        if not page["cursor"]["has_more"]:
            break
    assert names == sorted(set(names))
    assert {"at_risk", "churn_risk", "email", "orders", "revenue_eur", "stage"} <= {*names}


def test_classes_and_names_choose_and_verbose_says_when(api: httpx.Client) -> None:
    audiences = api.get(f"{USERS}/user_id:42/traits", params={"class": "audience"}).json()["traits"]
    assert audiences == {"at_risk": True, "repeat_buyer": True}
    computed = api.get(f"{USERS}/user_id:42/traits", params={"class": "computed_trait", "limit": 200}).json()["traits"]
    assert {"churn_risk", "stage", "orders"} <= computed.keys()
    assert not {"email", "at_risk"} & computed.keys()
    one = api.get(f"{USERS}/user_id:42/traits", params={"include": "firstName,gone", "verbose": "true"}).json()[
        "traits"
    ]
    assert one == {"firstName": {"value": "Ada", "source_id": None, "updated_at": "2025-10-03T00:00:00.000000Z"}}


def test_ids_events_metadata_and_links_have_segments_shapes(api: httpx.Client) -> None:
    ids = api.get(f"{USERS}/user_id:42/external_ids").json()
    assert [(one["type"], one["id"], one["collection"], one["encoding"]) for one in ids["data"]] == [
        ("user_id", "42", "users", "none")
    ]
    events = api.get(f"{USERS}/user_id:42/events", params={"limit": 2})
    assert "archive" in events.headers["warning"]
    assert [event.get("event") for event in events.json()["data"]] == [None, "CSAT Answered"]
    first = events.json()["data"][1]
    assert first.keys() == {
        "external_ids", "context", "type", "event", "message_id", "source_id", "timestamp", "properties", "related",
    }  # fmt: skip
    oldest = api.get(f"{USERS}/user_id:42/events", params={"sort": "asc", "include": "Order Completed"}).json()["data"]
    assert [event["properties"]["amount"] for event in oldest] == [19.99, 40.01, 5.0]
    none = api.get(f"{USERS}/user_id:42/events", params={"end": "2025-01-01T00:00:00Z"}).json()["data"]
    assert none == []
    metadata = api.get(f"{USERS}/user_id:42/metadata").json()["metadata"]
    assert metadata["created_at"] < metadata["updated_at"]
    assert metadata["expires_at"] is None
    assert api.get(f"{USERS}/user_id:42/links").json()["data"] == []


@pytest.mark.parametrize("external", ["user_id:a%2Fb:c%20d%2Be", "user_id%3Aa%2Fb%3Ac%20d%2Be"])
def test_an_id_may_hold_anything(api: httpx.Client, external: str) -> None:
    answer = api.get(f"{USERS}/{external}/external_ids")
    assert [one["id"] for one in answer.json()["data"]] == ["a/b:c d+e"]


def test_errors_have_segments_shape(api: httpx.Client) -> None:
    def error(path: str, **given: object) -> tuple[int, str]:
        answer = api.get(path, **given)  # type: ignore[arg-type]
        assert answer.headers["request-id"]
        return answer.status_code, answer.json()["error"]["code"]

    assert error(f"{USERS}/user_id:nobody/traits") == (404, "not_found")
    assert api.get(f"{USERS}/user_id:nobody/traits").json()["error"]["message"] == "Profile was not found."
    assert error(f"{USERS}/user_id:42/traits", params={"limit": 201}) == (400, "invalid_request_error")
    assert error(f"{USERS}/user_id:42/traits", params={"next": "é"}) == (400, "invalid_request_error")
    assert error(f"{USERS}/user_id:42/events", params={"start": "soon"}) == (400, "invalid_request_error")
    assert error(f"{USERS}/user_id:42/traits", auth=("wrong", "")) == (401, "authentication_error")
    assert error("/v1/spaces/x/collections/accounts/profiles/acme/traits") == (400, "invalid_request_error")


def test_who_may_not_see_personal_data_gets_none_and_without_profiling_there_is_no_risk() -> None:
    held = store()
    denied = customer(("user_id", "7"))
    happened(denied, 1, "", type="identify", source="support", traits={"consent.profiling": False})
    keep(held, known())
    access = MemoryAccessStore()
    token = asyncio.run(Tokens(access).add("crm", ["profiles:read"])).text
    with support_api(held, access=access) as http:
        basic = base64.b64encode(f"{token}:".encode()).decode()
        thin = httpx.get(
            f"{http.base_url}{USERS}/user_id:42/traits?limit=200", headers={"Authorization": f"Basic {basic}"}
        ).json()["traits"]
        assert thin["email"] != "ada+1@example.com"
        assert thin["at_risk"] is True
        refused = httpx.get(f"{http.base_url}{USERS}/user_id:42/events", auth=(token, ""))
        assert (refused.status_code, refused.json()["error"]["code"]) == (403, "authorization_error")


def test_amounts_of_money_are_numbers_as_their_senders_said_them() -> None:
    shown = ShownView(
        name="price", label="price", value=Money.of_minor(420, "EUR"), type="number", unit=None, description=None
    )
    event = EventView.model_construct(
        id="1", time=1.0, name="Product Viewed", source="web", about="", amount=None, claimed=None, shown=[shown]
    )
    [told] = events_of([event], "p", "/", limit=1, include=None, exclude=(), since=0, until=2, ascending=False)["data"]
    assert told["properties"] == {"price": 4.2}
