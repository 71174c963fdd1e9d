"""What each role sees of personal data, in every way in which it could get out."""

from __future__ import annotations

import asyncio
import json
from typing import Any, cast

import httpx
import pytest
from msgspec.structs import replace

from console.access.api_tokens import Tokens
from console.access.masking import masked, sight_of
from console.access.scopes import ROLES, Viewer
from console.access.sessions import Sessions
from console.api import create_api
from console.pages.site import add_pages
from console.views.companies import summary_of_company
from console.views.figures.customer_figures import NeedsView, SearchedView, WishView
from console.views.label import label
from console.views.profile import profile_view, summary_view
from console.views.timeline import timeline_view
from plan import Plan
from plan.model import GroupSpec, Trait
from profiles.stores.access import Account, Role
from profiles.stores.memory import MemoryAccessStore
from profiles.types import Company, Profile
from tests.console.people import NOW, customer, happened, keep, store
from tests.console.support_api import PLAN, api_deps

TRAITS: dict[str, Any] = {
    "firstName": "Daan", "lastName": "Weber", "email": "daan.weber@example.com", "phone": "+31612345642",
    "address": {"street": "Lindenlaan 7", "city": "Utrecht", "country": "NL"}, "nobody_planned": "Daan was here",
}  # fmt: skip
WHOSE = ("Daan", "Weber", "daan.weber", "3161234", "Lindenlaan", "daan@other.example", "7654321")
NAMES = frozenset({"Daan", "Weber", "7654321"})
"""Of these, what agents see in lists: names, and numbers by which a shop knows somebody."""


def daan() -> Profile:
    """Somebody with something of every class, also where nobody expects it."""
    profile = customer(("user_id", "7654321"))
    profile.alerts = {rule: replace(alert, id="a1") for rule, alert in profile.alerts.items()}
    happened(profile, 1, "", type="identify", traits=TRAITS)
    happened(profile, 1, "Mail to daan@other.example", subject="daan@other.example")
    told = {"subject": "Lindenlaan 7: Daan's parcel", "type": "delivery", "nobody_planned": "daan.weber@example.com"}
    happened(profile, 1, "Ticket Opened", source="support", shown=told)
    return profile


def viewer(role: Role) -> Viewer:
    return Viewer(role, role, ROLES[role], "page")


def told(shown: object) -> frozenset[str]:
    """Which parts of personal data a text has."""
    return frozenset(part for part in WHOSE if part in str(shown))


@pytest.mark.parametrize(
    ("pii", "role", "shown"),
    [("none", "analyst", True), ("name", "analyst", False), ("name", "agent", True), (None, "agent", False)],
)
def test_a_company_in_a_list_has_the_name_that_a_role_may_see(pii: Any, role: Role, shown: bool) -> None:
    traits = {} if pii is None else {"name": Trait(type="string", pii=pii, description="What it is called")}
    plan = Plan(PLAN.file.model_copy(update={"groups": {"company": GroupSpec(traits=traits)}}))
    firm = Profile(plan.company("acme"), company=Company("company", "acme"), traits={"name": ("Weber & Son", 1.0)})
    (row,) = masked([summary_of_company(firm)], sight_of(viewer(role), plan))
    assert row.name == ("Weber & Son" if shown else None)
    assert row.company == "acme"


@pytest.mark.parametrize(
    ("role", "one", "sees"),
    [
        ("admin", False, frozenset(WHOSE)),
        ("agent", True, frozenset(WHOSE)),
        ("agent", False, NAMES),
        ("analyst", True, frozenset()),
        ("analyst", False, frozenset()),
        ("operator", True, frozenset()),
    ],
)
def test_documents_show_what_a_role_may_see(role: Role, one: bool, sees: frozenset[str]) -> None:
    profile, sight = daan(), sight_of(viewer(role), PLAN, one=one)
    whole = profile_view(profile, NOW, PLAN), timeline_view(profile, 40, PLAN), summary_view(profile, PLAN)
    shown = masked({"customer": whole[0], "rows": [("", whole[2])], "events": whole[1]}, sight)

    traits = {**shown["customer"].traits}
    unplanned = traits.pop("nobody_planned").value  # never a name, whatever it says
    assert ("Daan" in unplanned) == (sight.of == "all")
    assert told([traits, shown["customer"].identities, shown["rows"], shown["events"]]) == sees


def test_what_an_event_tells_is_masked_by_what_the_plan_says_of_it() -> None:
    events = timeline_view(daan(), 40, PLAN)
    ticket = next(event for event in events if event.shown)
    for role in ("analyst", "operator"):
        (shown,) = masked([ticket], sight_of(viewer(role), PLAN, one=True))
        values = {one.name: one.value for one in shown.shown}
        assert values["type"] == "delivery"
        assert told(values) == frozenset()
    (shown,) = masked([ticket], sight_of(viewer("agent"), PLAN, one=True))
    assert {one.name: one.value for one in shown.shown}["subject"] == "Lindenlaan 7: Daan's parcel"


def test_masked_values_are_recognised_by_who_knows_them() -> None:
    traits = masked(profile_view(daan(), NOW, PLAN), sight_of(viewer("analyst"), PLAN, one=True)).traits

    assert traits["email"].value == "d…@example.com"
    assert traits["phone"].value == "+31 … 42"
    assert (traits["firstName"].value, traits["lastName"].value) == ("D.", "W.")


def test_an_address_is_no_label_of_anybody() -> None:
    """In a plan that holds addresses plainly, a customer without a name would be called by theirs, in every list."""
    rules = [rule.model_copy(update={"held": "plain"}) for rule in PLAN.file.identities]
    plan = type(PLAN)(PLAN.file.model_copy(update={"identities": rules}))
    profile = Profile(id="p", identities={"email": {"daan.weber@example.com": NOW}})

    assert label(profile, plan) == "email d…@example.com"


def test_no_answer_and_no_page_shows_a_role_more() -> None:
    """Through the application itself: lists and the customer, as JSON and as pages, to each role."""

    async def ask() -> dict[tuple[str, str], frozenset[str]]:
        held, access = store(), MemoryAccessStore()
        profile = daan()
        await asyncio.to_thread(keep, held, profile)
        deps = api_deps(held, access=access)
        app = create_api(deps)
        add_pages(app, deps)
        found = {}
        for role in cast(list[Role], ["agent", "analyst"]):
            text = (await Tokens(access).add(role, ROLES[role])).text
            account = Account(name=role, role=role)
            await access.put_account(account)
            cookie = await Sessions(access).begin(account, "link")
            async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as http:
                for path in ("/v1/profiles", "/v1/segments/at_risk/members", f"/v1/profiles/profile_id:{profile.id}",
                             f"/v1/profiles/profile_id:{profile.id}/events"):  # fmt: skip
                    answer = await http.get(path, headers={"Authorization": f"Bearer {text}"})
                    assert answer.status_code == 200, (path, answer.text)
                    found[role, path.replace(profile.id, "")] = told(json.loads(answer.text))
                http.cookies.set("rapport", cookie)
                for path in ("/", "/customers", "/segments/at_risk", f"/c/{profile.id}"):
                    answer = await http.get(path, headers={"Accept": "text/html"})
                    assert answer.status_code == 200, (path, answer.text)
                    found[role, path.replace(profile.id, "")] = told(answer.text)
        return found

    found = asyncio.run(ask())
    assert {asked for asked, parts in found.items() if asked[0] == "analyst" and parts} == set()
    lists = {path: parts for (role, path), parts in found.items() if role == "agent" and ":" not in path}
    lists.pop("/c/")
    assert {path for path, parts in lists.items() if parts - NAMES} == set()
    assert found["agent", "/v1/profiles/profile_id:"] == frozenset(WHOSE) - {"daan@other.example"}
    assert found["agent", "/v1/profiles/profile_id:/events"] == {
        "daan@other.example",
        "daan.weber",
        "Daan",
        "Lindenlaan",
    }


@pytest.mark.parametrize(
    ("pii", "seen"),
    [("none", (True, True)), ("name", (True, False)), ("id", (True, False)), ("email", (False, False)),
     (None, (False, False))],
)  # fmt: skip
def test_a_list_says_a_companys_name_only_as_far_as_the_plan_lets_it(pii: Any, seen: tuple[bool, bool]) -> None:
    """To who sees names, and to who does not; else what events call it, as of one whose name is personal or unknown."""
    traits = {} if pii is None else {"name": Trait(type="string", pii=pii, description="What it is called")}
    plan = Plan(PLAN.file.model_copy(update={"groups": {"company": GroupSpec(traits=traits)}}))
    firm = Profile("~c", company=Company("company", "acme"), traits={"name": ("Weber Trading", 1.0, b"")})
    told = tuple(label(firm, plan, masked=masked) == "Weber Trading" for masked in (False, True))
    assert told == seen
    assert {label(firm, plan, masked=masked) for masked in (False, True)} <= {"Weber Trading", "acme"}


@pytest.mark.parametrize(("role", "shown"), [("agent", True), ("admin", True), ("analyst", False), ("operator", False)])
def test_what_somebody_searched_for_is_for_who_sees_personal_data_of_one(role: Role, shown: bool) -> None:
    needs = NeedsView(
        searched=[SearchedView(what="gift for daan weber", days=1)],
        waits=[WishView(what="daan@other.example", days=1)],
        viewed=[WishView(what="daan@other.example", days=1)],
    )
    seen = masked(needs, sight_of(Viewer(role, role, ROLES[role], "page"), PLAN, one=True))

    assert (seen.searched[0].what == "gift for daan weber") is shown
    assert ("daan" in seen.waits[0].what) is shown
    assert ("daan" in seen.viewed[0].what) is shown
