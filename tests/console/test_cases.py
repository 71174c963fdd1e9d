"""Cases in the support API: the list with its filters and counts, one case, and what people decide."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
from msgspec.structs import replace

from models.cases.decisions import decide
from models.cases.following import Cases, case_id
from models.cases.routes import Route
from profiles.consent import Consent
from profiles.stores.access import Account
from profiles.stores.memory import MemoryAccessStore, MemoryStore
from profiles.types import Affiliation, AlertCommand, Member, Profile
from tests.console.people import DAY, NOW, customer, keep, store
from tests.console.support_api import PLAN, support_api
from tests.console.test_companies import BUSINESS, NAME, stored, visit

CASES = Cases(PLAN.alerts, "EUR", 90 * DAY, 0.0, Consent())


class Worker:
    """Carries out decisions on cases, as the profile's worker does; `idle` only takes them in."""

    def __init__(self, held: MemoryStore) -> None:
        self._held = held
        self.idle = False

    async def send(self, command: AlertCommand) -> None:
        profile = await self._held.profile(command.profile)
        assert profile is not None
        if not self.idle and (decided := decide(profile, command)) is not None:
            profile.case = decided.case
            profile.alerts |= {alert.rule: alert for alert in decided.alerts}
            await asyncio.to_thread(keep, self._held, profile)


@pytest.fixture
def api() -> Iterator[Any]:
    held = store()
    worker = Worker(held)
    access = MemoryAccessStore()
    for name, disabled in (("kim", False), ("Ada", True), ("lee@example.com", False)):
        asyncio.run(access.put_account(Account(name, "agent", disabled=disabled)))
    with support_api(held, commands=worker, access=access, wait=3.0) as client:
        client.held, client.worker = held, worker
        yield client


def with_case(number: int, risk: float, **changes: Any) -> Profile:
    """A customer of this number, whose case began three days ago."""
    found = customer(("user_id", str(number)), risk)
    for name, value in changes.items():
        setattr(found, name, value)
    CASES.follow(found, NOW)
    return found


def listed(api: Any, query: str = "") -> list[str]:
    answer = api.get(f"/v1/cases{query}")
    assert answer.status_code == 200, answer.text
    return [row["profile"] for row in answer.json()["data"]]


def test_the_list_is_sorted_filtered_and_counted(api: Any) -> None:
    low, high, gone = with_case(1, 0.5), with_case(2, 0.9), with_case(3, 0.99, stage="churned")
    keep(api.held, low, high, gone, customer(("user_id", "4"), None))
    assert listed(api, "?kind=retention") == [high.id, low.id]
    assert listed(api, "?kind=win_back") == [gone.id]
    assert listed(api, "?band=medium&segment=at_risk&rule=high_churn_risk") == [low.id]
    assert listed(api, "?assignee=kim") == listed(api, "?owner=nobody") == listed(api, "?state=done") == []
    first = api.get("/v1/cases?limit=2").json()
    assert [row["profile"] for row in first["data"]] == [gone.id, high.id]
    assert listed(api, f"?limit=2&cursor={first['next']}") == [low.id]
    assert (first["start"], first["total"], first["previous"]) == (0, 3, None)
    last = api.get(f"/v1/cases?limit=2&cursor={first['next']}").json()
    assert (last["start"], last["total"], last["previous"], last["next"]) == (2, 3, "", None)
    assert listed(api, f"?limit=2&cursor={last['previous']}") == [gone.id, high.id]
    counts = api.get("/v1/cases?kind=retention").json()["counts"]
    assert (counts["new"]["count"], counts["snoozed"]["count"], counts["done"]["count"]) == (2, 0, 0)
    worth = [row["value_at_risk"]["money"]["minor"] for row in api.get("/v1/cases?kind=retention").json()["data"]]
    assert counts["new"]["value_at_risk"]["minor"] == sum(worth) > 0
    assert first["data"][1]["label"] == "Ada"
    assert api.get("/v1/cases?nobody=1").status_code == 400


def test_pages_neither_repeat_nor_leave_out_cases_that_move_between_them(api: Any) -> None:
    """Each page is read after something has moved: up, down, away, or come."""
    found = [with_case(number, 0.1 + number / 20) for number in range(8)]
    keep(api.held, *found)

    def worth(one: Profile, value: int) -> None:
        assert one.case is not None
        one.case = replace(one.case, value=value, changed=NOW)
        keep(api.held, one)

    first = api.get("/v1/cases?limit=2").json()
    seen = [row["profile"] for row in first["data"]]
    assert first["as_of"] is None
    page = first
    for moves in range(3):
        worth(found[7 - moves], 1)  # which was seen, goes to the end
        worth(found[moves], 10**9 + moves)  # which was not, goes to the front
        keep(api.held, with_case(20 + moves, 0.2 + moves / 10))
        page = api.get(f"/v1/cases?limit=2&cursor={page['next']}").json()
        assert page["as_of"] is not None
        seen += [row["profile"] for row in page["data"]]
    assert page["next"] is None
    assert seen == [one.id for one in found[::-1]]
    assert page["start"] == 6
    back = api.get(f"/v1/cases?limit=2&cursor={page['previous']}").json()
    assert [row["profile"] for row in back["data"]] == seen[4:6]
    assert len(listed(api)) == 11


def test_a_page_whose_order_is_not_known_any_more_is_of_now(api: Any) -> None:
    keep(api.held, *(with_case(number, 0.1 + number / 20) for number in range(4)))
    first = api.get("/v1/cases?limit=2").json()
    _, _, place = first["next"].rpartition(".")
    page = api.get(f"/v1/cases?limit=2&cursor=gone.{place}").json()
    assert (len(page["data"]), page["as_of"], page["start"]) == (2, None, 2)
    assert api.get("/v1/cases?cursor=gone.x").status_code == 400


def test_cases_are_narrowed_by_whose_they_are_severity_company_and_worth(api: Any) -> None:
    routed = Cases(PLAN.alerts, "EUR", 90 * DAY, 0.0, Consent(), [Route(owner="kim")])
    low, high = with_case(1, 0.5), with_case(2, 0.9)
    kims = customer(("user_id", "3"), 0.4)
    kims.affiliation = Affiliation({"acme": Member(1.0, NOW, Profile(""))})
    routed.follow(kims, NOW)
    keep(api.held, low, high, kims)
    assert listed(api, "?owner=kim") == listed(api, "?assignee=kim") == listed(api, "?company=acme") == [kims.id]
    assert listed(api, "?assignee=") == listed(api, "?owner=CRM") == [high.id, low.id]  # a team is nobody
    assert low.case is not None
    assert api.post(f"/v1/cases/{low.case.id}/assign", json={"assignee": "kim"}).status_code == 200
    assert (set(listed(api, "?assignee=kim")), listed(api, "?assignee=")) == ({kims.id, low.id}, [high.id])
    assert len(listed(api, "?severity=warning")) == 3
    assert listed(api, "?severity=critical") == listed(api, "?company=zen") == []
    worth = {row["profile"]: row["value_at_risk"]["money"]["amount"] for row in api.get("/v1/cases").json()["data"]}
    assert listed(api, f"?worth={worth[high.id]}") == [high.id]
    assert api.get("/v1/cases?worth=-1").status_code == api.get("/v1/cases?worth=much").status_code == 400
    assert api.get(f"/v1/cases/{high.case.id}").json()["severity"] == "warning"  # type: ignore[union-attr]


def test_a_case_is_assigned_snoozed_and_resolved_with_its_alerts(api: Any) -> None:
    ada = with_case(42, 0.8)
    keep(api.held, ada)
    path = f"/v1/cases/{case_id(ada.id, NOW - 3 * DAY)}"
    assert api.get(path).json()["state"] == "new"
    assert api.post(f"{path}/assign", json={"by": "lee", "assignee": "kim"}).json()["assignee"] == "kim"
    assert listed(api, "?assignee=kim") == [ada.id]
    snoozed = api.post(f"{path}/snooze", json={"by": "kim", "until": "2126-01-01T00:00:00Z", "until_worse": True})
    assert (snoozed.status_code, snoozed.json()["state"], snoozed.json()["until_worse"]) == (200, "snoozed", True)
    resolved = api.post(f"{path}/resolve", json={"by": "kim", "outcome": "stayed", "note": "=cmd()"}).json()
    assert (resolved["state"], resolved["outcome"], resolved["notes"][0]["text"]) == ("resolved", "stayed", "=cmd()")
    assert {entry["action"] for entry in resolved["history"]} == {"opened", "assigned", "snoozed", "resolved"}
    assert listed(api, "?state=done") == [ada.id]
    assert listed(api) == []
    document = api.get("/v1/profiles/user_id:42").json()
    assert document["case"]["outcome"] == "stayed"
    assert {alert["state"] for alert in document["alerts"]} == {"resolved"}
    over = api.post(f"{path}/acknowledge")
    assert (over.status_code, over.json()["code"]) == (409, "case_over")


@pytest.mark.parametrize(
    ("action", "body"),
    [
        ("assign", {}), ("snooze", {}), ("snooze", {"until": "2020-01-01T00:00:00Z"}), ("resolve", {}),
        ("resolve", {"outcome": "happy"}), ("note", {"note": " "}), ("snooze", {"until": "2126-01-01"}),
        ("acknowledge", {"other": 1}),
    ],
)  # fmt: skip
def test_a_decision_that_lacks_something_is_refused(api: Any, action: str, body: dict[str, Any]) -> None:
    ada = with_case(42, 0.8)
    keep(api.held, ada)
    assert ada.case is not None
    assert api.post(f"/v1/cases/{ada.case.id}/{action}", json=body).status_code == 400


def test_a_case_is_given_to_people_and_teams_that_there_are(api: Any) -> None:
    known = {row["name"]: row["kind"] for row in api.get("/v1/people").json()["data"]}
    assert list(known)[:2] == ["kim", "lee@example.com"]
    assert {name for name, kind in known.items() if kind == "team"} == {
        *(rule.owner for rule in PLAN.alerts if rule.owner),
        *(route.owner for route in PLAN.file.routes),
    }
    ada = with_case(42, 0.8)
    keep(api.held, ada)
    assert ada.case is not None
    path = f"/v1/cases/{ada.case.id}/assign"
    refused = api.post(path, json={"assignee": "kimm"})
    assert (refused.status_code, refused.json()["code"]) == (400, "unknown_assignee")
    assert refused.json()["message"].startswith("nobody is called 'kimm'; did you mean 'kim'? There are kim, lee@")
    assert api.post(path, json={"assignee": "Ada"}).status_code == 400  # who may not sign in any more
    assert api.post(path, json={"assignee": "RAPPORT_API_TOKEN"}).status_code == 400  # a token is nobody
    assert api.post(path, json={"assignee": "KIM"}).json()["assignee"] == "kim"
    assert api.post(path, json={"assignee": "", "by": "kim"}).json()["assignee"] is None
    handed = api.post(path, json={"assignee": "crm", "by": "lee"}).json()
    assert (handed["assignee"], handed["owner"], handed["severity"]) == (None, "CRM", "warning")
    assert "CRM" in {entry["text"] for entry in handed["history"]}


def test_what_takes_longer_is_accepted_and_what_nobody_has_is_unknown(api: Any) -> None:
    ada = with_case(42, 0.8)
    keep(api.held, ada)
    assert ada.case is not None
    api.worker.idle = True
    assert api.post(f"/v1/cases/{ada.case.id}/acknowledge").status_code == 202
    for id_ in ("cs_", "x", f"cs_{ada.id}_1", "cs_nobody_1"):
        assert api.get(f"/v1/cases/{id_}").status_code == 404


def test_how_cases_ended_is_counted(api: Any) -> None:
    kept, lost, back = with_case(1, 0.8), with_case(2, 0.8), with_case(3, 0.8, stage="churned")
    keep(api.held, kept, lost, back)
    for one, outcome in ((kept, "stayed"), (lost, "left"), (back, "stayed")):
        assert one.case is not None
        assert api.post(f"/v1/cases/{one.case.id}/resolve", json={"outcome": outcome}).status_code == 200
    of_all = api.get("/v1/cases/outcomes").json()
    assert {name: each["count"] for name, each in of_all["outcomes"].items() if each["count"]} == {
        "stayed": 2,
        "left": 1,
    }
    to_keep = api.get("/v1/cases/outcomes?kind=retention").json()
    assert (to_keep["kept_share"], to_keep["hold_out"]["share"]) == (0.5, PLAN.churn.hold_out)
    assert to_keep["outcomes"]["left"]["value_at_risk"]["minor"] > 0


def test_a_companys_case_is_listed_and_decided_on_as_a_customers() -> None:
    held = stored(visit("m", 0), alert="high_churn_risk")
    member = with_case(1, 0.5)
    member.affiliation = Affiliation({NAME: Member(1.0, NOW, Profile(""))})
    keep(held, member)
    firm = BUSINESS.company(NAME)
    with support_api(held, plan=BUSINESS, commands=Worker(held), wait=3.0) as api:
        assert listed(api, "?grain=company") == [firm]
        assert listed(api, "?grain=customer") == [member.id]
        assert set(listed(api)) == {*listed(api, "?company=Acme%20/%20West")} == {firm, member.id}
        assert api.get("/v1/cases?grain=team").status_code == 400
        (row,) = api.get("/v1/cases?grain=company").json()["data"]
        assert (row["label"], row["company"], row["grain"], row["state"]) == (NAME, NAME, "company", "new")
        decided = api.post(f"/v1/cases/{row['id']}/resolve", json={"by": "kim", "outcome": "stayed"}).json()
        assert (decided["state"], decided["outcome"]) == ("resolved", "stayed")
        assert api.get(f"/v1/companies/{firm}").json()["case"]["outcome"] == "stayed"
        assert listed(api, "?grain=company&state=done") == [firm]
        assert api.get("/v1/cases/outcomes?grain=customer").json()["outcomes"]["stayed"]["count"] == 0
