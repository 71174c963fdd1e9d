"""Companies as the API and the commands show them."""

from __future__ import annotations

import asyncio
import json
import re
from collections import deque
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, cast
from urllib.parse import quote

import httpx
import pytest
from typer.testing import CliRunner

from console.access.api_tokens import Tokens
from console.commands.main import create_cli
from models.cases.following import Cases
from plan import Plan
from plan.model import GroupSpec, Trait
from profiles.consent import Consent
from profiles.documents import decode_profile
from profiles.identity.secrets import suppression
from profiles.search.terms import members_of, terms_of
from profiles.store import Changes, Loaded
from profiles.stores.memory import MemoryAccessStore, MemoryLinkStore, MemoryStore
from profiles.types import Alert, Erase, Event, Grouping, Joined, Lift, Record, is_company, partition_of
from profiles.units import LinkChanges
from streams.identity.erasure import Eraser
from streams.kafka.topics import PROFILE_EVENTS
from streams.pipeline import limits_of
from streams.records.happened import read_record
from streams.records.links import EraseRequest, LiftRequest
from streams.settings import Settings
from streams.steps.update import update
from streams.steps.work import Work
from tests.build import event
from tests.console.people import DAY, NOW
from tests.console.support_api import PLAN, api_deps, support_api, where

ENDS = {
    "contract_ends": Trait(type="date-time", description="When the contract ends"),
    "name": Trait(type="string", description="How it is called"),
}
BUSINESS = Plan(PLAN.file.model_copy(update={"groups": {"company": GroupSpec(traits=ENDS)}}))
NAME = "Acme / West"


def visit(member: str, day: float, company: str = NAME, **traits: str) -> Event:
    identity = ("user_id", member)
    group = Grouping(company, traits=dict(traits))
    return event(
        "visit", day, profile=BUSINESS.home(identity), id=f"{member} {day}", identities=[identity], group=group
    )


def settle(held: Loaded, *records: Record, plan: Plan = BUSINESS) -> None:
    """Apply these, and all that is sent on because of them."""
    waiting, step = deque(records), update(plan.currency, limits_of(Settings(), plan))
    for offset in range(1000):
        if not waiting:
            break
        record = waiting.popleft()
        record.origin = ("profile.events", 0, offset << 16)
        work = Work(0, held, 1)
        work.begin(0.0, [record])
        step(work)
        waiting += (read_record(output.value) for output in work.outputs if output.topic == PROFILE_EVENTS)


async def put(store: MemoryStore, held: Loaded) -> None:
    for profile in held.profiles.values():
        partition = partition_of(profile.id, 4)
        loaded = await store.load(partition, ())
        found = members_of(profile.id, profile.terms)
        alerts = [(profile.id, each) for each in profile.alerts.values()]
        await store.commit(partition, Changes(loaded.version, profiles=[profile], alerts=alerts, found=found))


def stored(*records: Record, alert: str = "", plan: Plan = BUSINESS) -> MemoryStore:
    """What comes of these; with an alert of this rule of each company, and the case that follows."""
    held, store = Loaded(), MemoryStore(BUSINESS.namespace, 4)
    settle(held, *records, plan=plan)
    for profile in held.profiles.values() if alert else ():
        if is_company(profile.id):
            profile.alerts = {alert: Alert("a1", alert, "open", 5.0, 5.0, 0.0)}
            Cases(plan.alerts, plan.currency, 90 * DAY, 0.0, Consent()).follow(profile, NOW)
    asyncio.run(put(store, held))
    return store


class Worker:
    """Carries out at once what people decide."""

    def __init__(self, store: MemoryStore) -> None:
        self._store = store
        self.links = MemoryLinkStore()

    async def request(self, request: EraseRequest | LiftRequest) -> None:
        """What the linker would decide."""
        version = (await self.links.state()).version
        if isinstance(request, EraseRequest):
            erasure = request.erasure
            gone = {suppression(BUSINESS.pii_key, erasure.profile): erasure.time}
            await self.links.commit(LinkChanges(version, 0, suppressed=gone))
            await self.send(Erase(erasure.profile, erasure.time))
        else:
            lifted = request.lifted
            await self.links.commit(
                LinkChanges(version, 0, suppressed={lifted.subject: None}, lifted={lifted.id: lifted})
            )
            await self.send(Lift(request.company, lifted.since))

    async def send(self, command: Record) -> None:
        documents = [item for number in range(4) for item in self._store.partition(number).documents.items()]
        held = Loaded(profiles={id_: decode_profile(id_, document) for id_, document in documents})
        settle(held, command)
        await put(self._store, held)
        for id_ in dict(documents).keys() - held.profiles.keys():
            loaded = await self._store.load(partition_of(id_, 4), ())
            await self._store.commit(partition_of(id_, 4), Changes(loaded.version, removed=[id_]))


@pytest.fixture(scope="module")
def api() -> Iterator[httpx.Client]:
    members = [visit(f"m{number}", number, tier="team", name="Acme", contract_ends="2026-01-20") for number in range(3)]
    with support_api(
        stored(*members, visit("m0", 9), visit("m1", 5, "bolt", contract_ends="2026-09-01")), plan=BUSINESS
    ) as http:
        yield http


def test_a_company_is_what_its_members_come_to(api: httpx.Client) -> None:
    """By its name, whatever that holds, or by the id of its document; with who did what."""
    path = "/v1/companies/Acme%20%2F%20West"
    company = api.get(path).json()

    assert (company["company"], company["members"], company["activity"]["web"]["count"]) == (NAME, 3, 4)
    assert company["traits"]["tier"]["value"] == "team"
    assert api.get(f"/v1/companies/{company['id']}").json() == company
    members = api.get(f"{path}/members").json()["data"]
    assert (members[0]["profile"], members[0]["events"]) == (BUSINESS.home(("user_id", "m0")), 2)
    assert [one["until"] is None for one in members] == [True, True, False]  # m1 has moved
    events = api.get(f"{path}/events").json()["data"]
    assert (len(events), events[0]["member"]) == (4, BUSINESS.home(("user_id", "m0")))


def test_a_company_is_exported_as_such(api: httpx.Client, tmp_path: Path) -> None:
    """Document, traits with what they are for, memberships; of its people no name, address or other event."""
    path = "/v1/companies/Acme%20%2F%20West"
    document = api.get(f"{path}/export").json()

    assert document["company"] == api.get(path).json()
    ends = next(one for one in document["traits"] if one["name"] == "contract_ends")
    assert (ends["value"], ends["description"]) == ("2026-01-20", "When the contract ends")
    assert [one["until"] is None for one in document["memberships"]] == [True, False, True]
    assert [one["events"] for one in document["memberships"]] == [2, 1, 1]
    assert "bolt" not in api.get(f"{path}/export").text
    assert api.get("/v1/companies/nobody/export").status_code == 404

    file = tmp_path / "acme.json"
    run = CliRunner().invoke(create_cli(), ["export", f"company:{NAME}", "--output", str(file), *where(api)])
    assert (run.exit_code, file.stat().st_mode & 0o777) == (0, 0o600), run.output
    assert json.loads(file.read_text())["memberships"] == document["memberships"]


def test_a_customer_knows_their_companies_and_lists_of_customers_hold_none(api: httpx.Client) -> None:
    """Nor do their counts."""
    companies = api.get("/v1/profiles/user_id:m1").json()["companies"]

    assert [(one["company"], one["until"] is None) for one in companies] == [(NAME, False), ("bolt", True)]
    assert len(api.get("/v1/profiles", params={"order": "recent"}).json()["data"]) == 3
    assert [row["company"] for row in api.get("/v1/companies").json()["data"]] == [NAME, "bolt"]


def test_a_segment_of_companies_is_tried_on_them(api: httpx.Client) -> None:
    """By a date that lies ahead at the time of the workers; and on a terminal."""
    rule = {"grain": "company", "when": {"trait": "contract_ends", "within": "30d"}}
    found = api.post("/v1/segments/preview", json={"rule": rule}).raise_for_status().json()

    assert (found["words"], found["looked_at"], found["inside"]) == ("contract_ends is within 30 days", 2, 1)
    assert [row["identities"][0]["value"] for row in found["sample"]] == [NAME]
    told = CliRunner().invoke(
        create_cli(), ["segments", "preview", json.dumps(rule), *where(api)], env={"COLUMNS": "99"}
    )
    assert told.exit_code == 0, told.output
    assert "1 of 2" in told.output
    refused = api.post("/v1/segments/preview", json={"rule": {**rule, "when": {"trait": "country", "is": "NL"}}})
    assert refused.status_code == 400
    assert "there is no trait 'country'" in refused.text


def test_whoever_sees_one_customer_sees_no_personal_data_of_companies_by_segments_api_either() -> None:
    contact = Trait(type="string", description="Whom to call", pii="email")
    plan = Plan(PLAN.file.model_copy(update={"groups": {"company": GroupSpec(traits={**ENDS, "contact": contact})}}))
    access = MemoryAccessStore()
    token = asyncio.run(Tokens(access).add("crm", ["profiles:read", "pii:one"])).text
    ours = "/v1/companies/Acme%20%2F%20West"
    theirs = "/v1/spaces/x/collections/accounts/profiles/group_id:Acme%20%2F%20West/traits"
    with support_api(stored(visit("m0", 1, contact="ada@example.com")), plan=plan, access=access) as http:
        told = http.get(ours, headers={"Authorization": f"Bearer {token}"}).json()["traits"]["contact"]["value"]
        assert told == "a…@example.com"
        answer = http.get(theirs, headers={"Authorization": f"Bearer {token}"})
        assert answer.json()["traits"]["contact"] == told


def test_nobody_knows_a_company_that_no_event_has_named(api: httpx.Client) -> None:
    """Nor a part of one."""
    for name in ("else", "~~" + "x" * 22, BUSINESS.cell(NAME, 0)):
        answer = api.get(f"/v1/companies/{name}")
        assert (answer.status_code, answer.json()["code"]) == (404, "unknown_company")


@pytest.mark.parametrize("text", ["acm", "west", "Acme / West", "company:Acme / West", "ACME G", "group"])
def test_a_company_is_found_by_what_events_call_it_and_by_its_name_with_its_own_link(text: str) -> None:
    with support_api(stored(visit("m0", 1, name="Acme Group"), visit("m1", 2, "bolt")), plan=BUSINESS) as http:
        [row] = http.get("/v1/search", params={"q": text}).json()["data"]
        assert (row["company"], row["label"], row["matched"]["kind"]) == (NAME, "Acme Group", "company")
        assert row["matched"]["value_masked"] in (NAME, "Acme Group")
        assert http.get(f"/v1/companies/{quote(row['company'], safe='')}").status_code == 200
        assert row["exact"] == (NAME in text)
        shown = CliRunner().invoke(create_cli(), ["find", text, *where(http)])
        assert "company:Acme" in shown.output
        refused = CliRunner().invoke(create_cli(), ["profile", text, *where(http)])
        assert refused.exit_code != 0  # which is of customers


def test_who_sees_initials_finds_companies_by_what_is_nobodys_and_no_name_that_is_personal() -> None:
    access = MemoryAccessStore()
    thin = {"Authorization": f"Bearer {asyncio.run(Tokens(access).add('crm', ['profiles:read'])).text}"}
    with support_api(stored(visit("m0", 1, name="Acme Group")), plan=BUSINESS, access=access) as http:
        [row] = http.get("/v1/search", params={"q": "acme gr"}, headers=thin).json()["data"]
        assert (row["company"], row["label"]) == (NAME, "Acme Group")
    personal = Trait(type="string", description="Whose firm it is", pii="name")
    private = Plan(PLAN.file.model_copy(update={"groups": {"company": GroupSpec(traits={"name": personal})}}))
    with support_api(stored(visit("m0", 1, name="Ada Byron"), plan=private), plan=private, access=access) as http:
        for headers in (thin, None):
            assert http.get("/v1/search", params={"q": "byron"}, headers=headers).json()["data"] == []
            [row] = http.get("/v1/search", params={"q": "west"}, headers=headers).json()["data"]
            assert (row["label"], row["matched"]["value_masked"]) == (NAME, NAME)


def test_a_company_that_counts_for_another_and_its_cells_are_not_in_the_index() -> None:
    found = stored(visit("m0", 1, name="Acme Group"))
    id_ = BUSINESS.company(NAME)
    whole = decode_profile(id_, found.partition(partition_of(id_, 4)).documents[id_])
    assert terms_of(whole, BUSINESS.searchable)
    whole.company.joined = Joined(BUSINESS.company("bolt"), "bolt", 1.0)  # type: ignore[union-attr]
    assert terms_of(whole, BUSINESS.searchable) == ""
    whole.company.joined, whole.id = None, BUSINESS.cell(NAME, 0)  # type: ignore[union-attr]
    assert terms_of(whole, BUSINESS.searchable) == ""


def test_members_come_in_pages(api: httpx.Client) -> None:
    """Each once, whatever the size of the page; a cursor of another list is refused."""
    path = "/v1/companies/Acme%20%2F%20West/members"
    first = api.get(path, params={"limit": 2}).json()
    second = api.get(path, params={"limit": 2, "cursor": first["next"]}).json()

    assert [*first["data"], *second["data"]] == api.get(path).json()["data"]
    assert (len(first["data"]), len(second["data"]), second["next"]) == (2, 1, None)
    assert api.get(path, params={"cursor": "?"}).json()["code"] == "invalid_cursor"
    command = ["company", NAME, "--members", "2", "--cursor", first["next"], "--json", *where(api)]
    assert json.loads(CliRunner().invoke(create_cli(), command).stdout)["members"] == second["data"]


def test_a_company_says_what_is_measured_and_why_something_is_not_known(api: httpx.Client) -> None:
    """Nobody has looked at it yet: there is neither health nor risk, and the reason is in words."""
    company = api.get("/v1/companies/Acme%20%2F%20West").json()

    assert company["measures"]["members"] == 2  # the third has moved
    assert company["measures"]["seats"] is None
    assert company["health"]["value"] is None
    assert company["health"]["why"]
    assert (company["churn"], bool(company["no_churn"])) == (None, True)
    assert company["churn_means"] == "nobody works with it any more within 8 weeks"


def test_the_commands_show_the_same(api: httpx.Client) -> None:
    """For people and for tools."""
    run = CliRunner()
    said = run.invoke(create_cli(), ["company", NAME, *where(api)], env={"COLUMNS": "100"})
    assert said.exit_code == 0, said.output
    for part in ("Acme", "tier team", "Members", BUSINESS.home(("user_id", "m0"))):
        assert part in said.stdout
    listed = run.invoke(create_cli(), ["companies", *where(api)], env={"COLUMNS": "100"})
    assert "bolt" in listed.stdout
    told = json.loads(run.invoke(create_cli(), ["company", NAME, "--json", *where(api)]).stdout)
    assert told["company"] == api.get("/v1/companies/Acme%20%2F%20West").json()


def test_two_companies_are_made_one_by_hand_and_two_again() -> None:
    """What the one comes to counts for the other, with who said so and why, until somebody takes it back."""
    store = stored(visit("m0", 1, "acme", name="Acme"), visit("m1", 2, "acme-nl"), visit("m2", 3, "acme-nl"))
    with support_api(store, plan=BUSINESS, commands=Worker(store)) as http:
        run, there = CliRunner(), where(http)
        asked = ["company", "join", "acme", "acme-nl", "--by", "kim", "--reason", "one house", "--yes", *there]
        said = run.invoke(create_cli(), asked)
        assert said.exit_code == 0, said.output
        assert "unjoin acme-nl" in said.stdout

        one = http.get("/v1/companies/acme").json()
        assert (one["members"], one["activity"]["web"]["count"], one["measures"]["members"]) == (3, 3, 3)
        (joined,) = one["joined"]
        assert (joined["company"], joined["into"], joined["by"], joined["reason"]) == (
            "acme-nl", "acme", "kim", "one house",
        )  # fmt: skip
        assert {row["company"] for row in http.get("/v1/companies/acme/members").json()["data"]} == {"acme", "acme-nl"}
        assert [row["company"] for row in http.get("/v1/companies").json()["data"]] == ["acme"]
        assert http.get("/v1/companies/acme-nl").json()["joined"] == one["joined"]
        shown = run.invoke(create_cli(), ["company", "acme", *there], env={"COLUMNS": "120"}).stdout
        assert "acme-nl counts for acme" in shown

        for path, other in (("acme", "acme"), ("acme", "acme-nl"), ("acme-nl", "acme")):
            answer = http.post(f"/v1/companies/{path}/join", json={"other": other})
            assert (answer.status_code, answer.json()["code"]) == (409, "not_joined"), (path, other)

        assert run.invoke(create_cli(), ["company", "unjoin", "acme-nl", *there]).exit_code == 0
        assert http.get("/v1/companies/acme").json()["members"] == 1
        assert len(http.get("/v1/companies").json()["data"]) == 2
        assert http.post("/v1/companies/acme-nl/unjoin").json()["code"] == "not_joined"
        assert http.post("/v1/companies/acme/join", json={"other": "nobody"}).json()["code"] == "unknown_company"
        # A body says what events say; only paths are encoded.
        assert http.post("/v1/companies/acme/join", json={"other": "acme%2Dnl"}).json()["code"] == "unknown_company"


def test_a_company_is_erased_by_its_name_and_its_people_stay() -> None:
    """By the command, which wants the name; with a receipt without it, and lifted with a reason that is kept."""
    store = stored(visit("m0", 1, "acme", name="Acme Ltd", tier="team"), visit("m1", 2, "acme"), visit("m1", 3, "bolt"))
    worker = Worker(store)
    settings = Settings(partitions=4)
    eraser = Eraser(store, worker.links, cast(Any, worker), settings, BUSINESS)
    desk = replace(api_deps(store, plan=BUSINESS).desk, eraser=eraser)
    with support_api(store, plan=BUSINESS, desk=desk) as http:
        run, there = CliRunner(), where(http)
        wrong = run.invoke(create_cli(), ["company", "erase", "acme", *there], input="bolt\n")
        assert (wrong.exit_code, "nothing was erased" in wrong.output) == (2, True)
        assert http.get("/v1/companies/acme").status_code == 200
        done = run.invoke(create_cli(), ["company", "erase", "acme", "--by", "desk", *there], input="acme\n")
        assert done.exit_code == 0, done.output
        assert "2 customers, who forget" in done.output

        (name,) = re.findall(r"Erasure (\w+)", done.output)
        receipt = http.get(f"/v1/erasures/{name}").json()
        removed = {one["what"]: one["count"] for one in receipt["removed"]}
        assert (receipt["state"], removed["memberships of people"], removed["traits"]) == ("done", 2, 2)
        assert "acme" not in json.dumps(receipt)
        assert http.get("/v1/companies/acme").json()["code"] == "unknown_company"
        assert http.delete("/v1/companies/acme").json()["code"] == "unknown_company"
        assert [one["company"] for one in http.get("/v1/companies").json()["data"]] == ["bolt"]
        assert http.get("/v1/profiles/user_id:m0").json()["companies"] == []
        assert [one["company"] for one in http.get("/v1/profiles/user_id:m1").json()["companies"]] == ["bolt"]

        assert run.invoke(create_cli(), ["company", "lift", "acme", "--reason", "back", "--yes", *there]).exit_code == 0
        again = http.post("/v1/companies/acme/lift", json={"reason": "back"})
        assert (again.status_code, again.json()["code"]) == (409, "not_erased")
        (lifted,) = http.get("/v1/lifts").json()["data"]
        assert (lifted["subject"], lifted["reason"]) == (receipt["subject"], "back")
        asyncio.run(worker.send(visit("m0", 9, "acme")))
        assert http.get("/v1/companies/acme").json()["members"] == 1


def test_what_nobody_has_carried_out_yet_is_said_to_be_asked(api: httpx.Client) -> None:
    """The worker carries it out all the same."""
    store = stored(visit("m0", 1, "acme"), visit("m1", 2, "bolt"))
    with support_api(store, plan=BUSINESS, wait=0.0) as http:
        answer = http.post("/v1/companies/acme/join", json={"other": "bolt"})

    assert (answer.status_code, answer.json()) == (202, {"company": "bolt", "into": "acme", "state": "asked"})
