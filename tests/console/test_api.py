"""The support API over real HTTP: every route, every error, the live feed."""

from __future__ import annotations

import asyncio
import json
import re
import threading
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
from typer.testing import CliRunner

from console.api import create_api
from console.commands.main import create_cli
from models.segments.alerts import act
from profiles.clock import ClockState
from profiles.identity.secrets import hashed
from profiles.stores.memory import MemoryClockStore, MemoryStore
from profiles.types import AlertCommand, Identity
from streams.live import LiveEvent
from tests.console.people import DAY, NOW, customer, forget_all, happened, keep, store
from tests.console.serving import serving
from tests.console.support_api import PLAN, TOKEN, api_deps, support_api


def mail(address: str) -> Identity:
    """An e-mail address as profiles hold it."""
    return "email", hashed(PLAN.pii_key, "email", address)


class Worker:
    """Carries out decisions on alerts, as the profile's worker does; `idle` only takes them in."""

    def __init__(self, held: MemoryStore) -> None:
        self._held = held
        self.idle = False
        self.taken: list[AlertCommand] = []

    async def send(self, command: AlertCommand) -> None:
        """Take a decision."""
        self.taken.append(command)
        if self.idle:
            return
        profile = await self._held.profile(command.profile)
        assert profile is not None
        changed = act(profile, command)
        assert changed is not None
        profile.alerts[changed.rule] = changed
        await asyncio.to_thread(keep, self._held, profile)


class Feed:
    """What a test says is committed."""

    def __init__(self) -> None:
        self.subscribed = threading.Event()
        self.left = threading.Event()
        self.events = [LiveEvent("profile", "0-1", customer()), LiveEvent("alert", "a1", {"rule": "r"})]

    async def subscribe(self) -> AsyncIterator[LiveEvent]:
        """All events, then silence."""
        self.subscribed.set()
        try:
            for event in self.events:
                yield event
            await asyncio.Event().wait()
        finally:
            self.left.set()


class Rejected:
    """What a test says was not accepted."""

    async def tail(self, limit: int, source: str | None = None, reason: str | None = None) -> list[dict[str, Any]]:
        """The question, as its answer."""
        return [{"limit": limit, "source": source, "reason": reason}]


class Api:
    """A running support API and what is behind it."""

    def __init__(
        self, url: str, held: MemoryStore, worker: Worker, feed: Feed, broken: list[str], differ: list[str]
    ) -> None:
        self.url = url
        self.store = held
        self.worker = worker
        self.feed = feed
        self.broken = broken
        self.differ = differ
        self.headers = {"Authorization": f"Bearer {TOKEN}"}
        self.http = httpx.Client(base_url=url, timeout=60, verify=False)

    def get(self, path: str, **options: Any) -> httpx.Response:
        """With the token, unless other headers are given."""
        return self.http.get(path, **{"headers": self.headers, **options})

    def post(self, path: str, **options: Any) -> httpx.Response:
        """With the token."""
        return self.http.post(path, headers=self.headers, **options)


@pytest.fixture(scope="module")
def running() -> Iterator[Api]:
    """An API over a store in memory, for all tests here."""
    held, feed = store(), Feed()
    broken: list[str] = []
    differ: list[str] = []
    worker = Worker(held)

    async def plans() -> str:
        return "".join(differ)

    async def broker() -> None:
        if broken:
            raise ConnectionError(broken[0])

    deps = api_deps(
        held, commands=worker, feed=feed, rejected=Rejected(), checks={"redis": held.ping, "kafka": broker}, wait=3.0,
        plans=plans, open_operations=True, open_docs=True,
    )  # fmt: skip
    with serving(create_api(deps)) as url:
        api = Api(url, held, worker, feed, broken, differ)
        with api.http:
            yield api


@pytest.fixture
def api(running: Api) -> Iterator[Api]:
    """The API with nobody known."""
    yield running
    forget_all(running.store)
    running.worker.idle = False
    running.worker.taken.clear()
    running.broken.clear()
    running.differ.clear()


def assert_problem(response: httpx.Response, status: int, code: str) -> None:
    """An error as every client understands it."""
    document = response.json()
    if response.url.path.startswith("/v1/spaces/"):  # as Segment's Profile API says it
        document, code = document["error"], {"invalid_request": "invalid_request_error"}.get(code, code)
    assert (response.status_code, document.get("code")) == (status, code), response.text
    assert document["message"]


def test_what_would_lower_a_risk_is_told_with_the_model_that_says_so(api: Api) -> None:
    """By the model that scores now; of one customer, not in lists; and to nobody while the risk is withheld."""
    keep(api.store, customer())

    churn = api.get("/v1/profiles/user_id:42").json()["churn"]

    assert {counterfactual["action"] for counterfactual in churn["would_lower"]} == {"order", "solve_tickets"}
    assert "The open ticket solved" in {counterfactual["text"] for counterfactual in churn["would_lower"]}
    assert (churn["model"], churn["would_lower_model"]) == ("hazard-7", "rules-3")
    [row] = api.get("/v1/profiles").json()["data"]
    assert row["churn"]["would_lower"] is None

    keep(api.store, customer(risk=None))
    assert api.get("/v1/profiles/user_id:42").json()["churn"] is None


@pytest.mark.parametrize(("risk", "offered"), [(0.03, False), (0.49, False), (0.5, True)])
def test_what_would_lower_a_risk_is_told_where_the_band_calls_for_it(
    api: Api, risk: float, offered: bool, tmp_path: Path
) -> None:
    """From the medium band of the plan on; a customer who is hardly at risk is left alone."""
    keep(api.store, customer(risk=risk))

    churn = api.get("/v1/profiles/user_id:42").json()["churn"]

    assert (churn["would_lower"] is not None, churn["would_lower_model"] is not None) == (offered, offered)
    _, card = run("user_id:42", "--url", api.url, "--token", TOKEN, "--data-dir", str(tmp_path))
    assert ("would lower it" in card) is offered


def test_what_is_to_be_expected_is_told_of_one_customer_whatever_their_band(api: Api, tmp_path: Path) -> None:
    keep(api.store, customer(risk=0.03))

    found = api.get("/v1/profiles/user_id:42").json()["churn"]["outlook"]
    explained = api.get("/v1/models/explain?identity=user_id:42").json()["outlook"]

    assert found == explained
    assert found["model"] == "btyd-0"
    assert [point["weeks"] for point in found["curve"]] == [0, 1, 2, 4, 8, 13, 26, 52]
    assert 0 <= found["at_risk"] <= found["year"]["middle"] <= found["year"]["high"]
    [row] = api.get("/v1/profiles").json()["data"]
    assert row["churn"]["outlook"] is None
    _, card = run("user_id:42", "--url", api.url, "--token", TOKEN, "--data-dir", str(tmp_path))
    assert "to be expected, by btyd-0:" in card
    assert "52 weeks" in card
    assert "a year is worth" in card


def test_a_trend_says_since_when(api: Api) -> None:
    """The risk of a week before, and its time."""
    grown = customer()
    assert grown.score is not None
    grown.score.previous_at = grown.score.at - 8 * DAY
    keep(api.store, grown)

    churn = api.get("/v1/profiles/user_id:42").json()["churn"]

    assert (churn["trend"], churn["previous_at"]) == ("rising", "2025-12-23T00:00:00.000000Z")
    assert churn["previous"] == pytest.approx(0.7)


def test_a_customer_as_support_reads_them(api: Api) -> None:
    """Money exact, removed traits gone, the risk with its model, time and reasons in words."""
    keep(api.store, customer())

    document = api.get("/v1/profiles/user_id:42").json()

    assert document["identities"] == [
        {"type": "user_id", "value": "42", "hashed": False, "first_seen": "2025-10-03T00:00:00.000000Z"}
    ]
    assert set(document["traits"]) == {"firstName"}
    purchases = document["purchases"]
    assert (purchases["orders"], purchases["items"], purchases["refund_count"]) == (3, 6.0, 1)
    assert purchases["revenue"] == [{"amount": "65.00", "currency": "EUR", "minor": 6500}]
    assert purchases["refunds"] == [{"amount": "5.00", "currency": "EUR", "minor": 500}]
    assert (purchases["days_since_last"], purchases["usual_gap_days"]) == (20.0, 30.0)
    support = document["support"]
    assert (support["open_tickets"], support["opened"]) == (1, 1)
    assert support["opinions"]["csat"] == {"count": 1, "average": 2.0, "last": 2.0, "at": "2025-12-23T00:00:00.000000Z"}
    churn = document["churn"]
    assert {name: churn[name] for name in ("risk", "band", "trend", "model", "scored_at")} == {
        "risk": 0.8, "band": "high", "trend": "rising", "model": "hazard-7", "scored_at": "2025-12-31T00:00:00.000000Z",
    }  # fmt: skip
    assert [(reason["feature"], reason["effect"]) for reason in churn["reasons"]] == [
        ("open_tickets", "raises"), ("recency", "lowers"),
    ]  # fmt: skip
    assert [reason["text"] for reason in churn["reasons"]] == [
        "Waiting 9 days for an answer to a ticket", "Last order 19 days ago, usually every 30 days",
    ]  # fmt: skip
    assert [segment["name"] for segment in document["segments"]] == ["at_risk", "repeat_buyer"]
    assert document["segments"][0]["description"] == "Likely to be lost"
    assert document["lifecycle"]["stage"] == "at_risk"
    assert document["lifecycle"]["earlier"] == [{"stage": "active", "since": "2025-10-13T00:00:00.000000Z"}]
    assert document["alerts"][0]["state"] == "open"
    assert document["activity"]["purchase"]["count"] == 4


def test_no_score_is_null(api: Api) -> None:
    """Never a risk without its model."""
    keep(api.store, customer(risk=None))

    assert api.get("/v1/profiles/user_id:42").json()["churn"] is None


@pytest.mark.parametrize(
    ("identity", "path"),
    [
        (("user_id", "a:b"), "user_id:a:b"),
        (("user_id", "a/b"), "user_id:a%2Fb"),
        (("user_id", "a/b"), "user_id:a/b"),
        (("user_id", "x/events"), "user_id:x%2Fevents"),
        (("user_id", "é ü?#%"), "user_id%3A%C3%A9%20%C3%BC%3F%23%25"),
        (mail("ada@example.com"), "email:Ada%40Example.com"),
        (mail("ada+x@example.com"), "email:ada+x@example.com"),
        (mail("ada@example.com"), f"email:hashed:{mail('ada@example.com')[1]}"),
        (("phone", hashed(PLAN.pii_key, "phone", "+31612345678")), "phone:06%201234%205678"),
    ],
)
def test_identities_in_paths(api: Api, identity: Identity, path: str) -> None:
    """Whatever they hold, for the document and the events; in the spelling of profiles, and hashed as they are."""
    known = customer(identity)
    keep(api.store, known)

    assert api.get(f"/v1/profiles/{path}").json().get("id") == known.id
    assert len(api.get(f"/v1/profiles/{path}/events").json()["data"]) == 7


def test_a_hashed_identity_is_shown_as_such(api: Api) -> None:
    """The address stays a trait, for those who have to write to it; the identity does not tell it."""
    known = customer(mail("ada@example.com"))
    happened(known, 1, "", type="identify", identities=[("user_id", "42")], traits={"email": "ada@example.com"})
    keep(api.store, known)

    document = api.get("/v1/profiles/email:ada@example.com").json()

    assert [(held["type"], held["value"], held["hashed"]) for held in document["identities"]] == [
        ("user_id", "42", False),
        (*mail("ada@example.com"), True),
    ]
    assert document["traits"]["email"]["value"] == "ada@example.com"


def test_a_profile_by_its_own_id(api: Api) -> None:
    """As alerts and lists name it."""
    known = customer()
    keep(api.store, known)

    assert api.get(f"/v1/profiles/profile_id:{known.id}").json()["id"] == known.id


def test_events_newest_first(api: Api) -> None:
    """No more than asked for."""
    keep(api.store, customer())

    events = api.get("/v1/profiles/user_id:42/events", params={"limit": 3}).json()["data"]

    assert [event["name"] for event in events] == ["CSAT Answered", "Ticket Opened", "Order Refunded"]
    assert events[2]["amount"] == {"amount": "5.00", "currency": "EUR", "minor": 500}
    assert events[1]["about"] == "T1"


def test_lists_come_in_pages(api: Api) -> None:
    """By risk or recency, all of them once."""
    risks = [0.1, 0.9, 0.5, 0.7, 0.3]
    keep(api.store, *(customer(("user_id", str(number)), risk) for number, risk in enumerate(risks)))
    keep(api.store, customer(("user_id", "unscored"), None))

    def rows(path: str, **query: Any) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        while True:
            page = api.get(path, params={"limit": 2, **query}).json()
            assert set(page) == {"data", "next"}
            found += page["data"]
            if page["next"] is None:
                return found
            query["cursor"] = page["next"]

    assert [row["churn"]["risk"] for row in rows("/v1/profiles")] == sorted(risks, reverse=True)
    assert len(rows("/v1/profiles", segment="at_risk")) == 5
    assert len(rows("/v1/profiles", order="recent")) == 6
    members = rows("/v1/segments/repeat_buyer/members")
    assert {member["since"] for member in members} == {"2025-11-12T00:00:00.000000Z"}
    assert len(members) == 5
    assert len(rows("/v1/alerts", state="open")) == 5
    assert rows("/v1/alerts", state="resolved") == []


def test_segments_and_their_sizes(api: Api) -> None:
    """All of the plan, the empty ones too."""
    keep(api.store, customer())

    sizes = {row["name"]: row["size"] for row in api.get("/v1/segments").json()["data"]}

    assert set(sizes) == {rule.name for rule in PLAN.segments}
    assert (sizes["at_risk"], sizes["promoter"]) == (1, 0)
    assert api.get("/v1/segments/promoter/members").json() == {"data": [], "next": None}
    assert_problem(api.get("/v1/segments/nonsense/members"), 404, "unknown_segment")


def test_a_decision_on_an_alert(api: Api) -> None:
    """Goes through the worker; 200 with its effect, and again at no cost."""
    keep(api.store, customer())

    answer = api.post("/v1/alerts/alert-42/acknowledge", json={"by": "kim", "note": "calls today"})
    again = api.post("/v1/alerts/alert-42/acknowledge")
    resolved = api.post("/v1/alerts/alert-42/resolve", json={"by": "kim"})
    late = api.post("/v1/alerts/alert-42/acknowledge")

    assert (answer.status_code, answer.json()["state"], answer.json()["by"]) == (200, "acknowledged", "kim")
    assert (again.status_code, resolved.json()["state"]) == (200, "resolved")
    assert [command.action for command in api.worker.taken] == ["acknowledge", "resolve"]
    assert api.worker.taken[0].note == "calls today"
    assert_problem(late, 409, "alert_over")


def test_a_decision_that_takes_long(api: Api) -> None:
    """202 with the alert as it still is."""
    keep(api.store, customer())
    api.worker.idle = True

    answer = api.post("/v1/alerts/alert-42/resolve")

    assert (answer.status_code, answer.json()["state"]) == (202, "open")
    assert len(api.worker.taken) == 1


def test_the_live_feed(api: Api) -> None:
    """Events as they come, named; the subscription ends with the connection."""
    lines: list[str] = []
    with httpx.stream("GET", f"{api.url}/v1/live?kind=alert", headers=api.headers, timeout=60) as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        for line in answer.iter_lines():
            lines.append(line)
            if line.startswith("data:"):
                break

    assert "event: alert" in lines
    assert "id: a1" in lines
    assert json.loads(lines[-1].removeprefix("data:")) == {"rule": "r"}
    assert api.feed.left.wait(60)


def test_rejected_events(api: Api) -> None:
    """The question goes on as asked."""
    answer = api.get("/v1/rejected", params={"limit": 3, "source": "web", "reason": "unknown_event"}).json()

    assert answer == {"data": [{"limit": 3, "source": "web", "reason": "unknown_event"}], "next": None}


@pytest.mark.parametrize(
    "headers", [{}, {"Authorization": "Bearer wrong"}, {"Authorization": f"Basic {TOKEN}"}, {"Authorization": "Bearer"}]
)
@pytest.mark.parametrize(
    "path", ["/v1/profiles", "/v1/profiles/user_id:42", "/v1/segments", "/v1/alerts", "/v1/live", "/v1/rejected"]
)
def test_nothing_without_the_token(api: Api, path: str, headers: dict[str, str]) -> None:
    """401, and how to authenticate."""
    answer = api.get(path, headers=headers)

    assert_problem(answer, 401, "unauthorized")
    assert answer.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/v1/profiles/user_id:nobody", 404, "unknown_profile"),
        ("GET", "/v1/profiles/user_id:nobody/events", 404, "unknown_profile"),
        ("GET", "/v1/profiles/user_id:null", 404, "unknown_profile"),
        ("GET", "/v1/profiles/passport:1", 404, "unknown_profile"),
        ("GET", "/v1/profiles/42", 400, "invalid_identity"),
        ("GET", "/v1/profiles?order=size", 400, "invalid_request"),
        ("GET", "/v1/profiles?limit=0", 400, "invalid_request"),
        ("GET", "/v1/profiles?cursor=nonsense", 400, "invalid_cursor"),
        ("GET", "/v1/profiles?segment=nonsense", 404, "unknown_segment"),
        ("GET", "/v1/profiles?order=recent&segment=nonsense", 404, "unknown_segment"),
        ("GET", "/v1/profiles?order=recent&segment=loyal", 400, "invalid_request"),
        ("GET", "/v1/alerts?state=lost", 400, "invalid_request"),
        ("POST", "/v1/alerts/none/resolve", 404, "unknown_alert"),
        ("POST", "/v1/alerts/none/explode", 400, "invalid_request"),
        ("GET", "/v1/nothing", 404, "not_found"),
        ("GET", "/nothing", 404, "not_found"),
        ("DELETE", "/v1/segments", 405, "method_not_allowed"),
    ],
)
def test_errors_are_json(api: Api, method: str, path: str, status: int, code: str) -> None:
    """With a code for tools and a message for people."""
    assert_problem(api.http.request(method, path, headers=api.headers), status, code)


def test_unknown_query_parameters_are_refused_on_every_route(api: Api) -> None:
    """With the name of the parameter and those that there are, instead of the answer to another question."""
    document = api.get("/openapi.json", headers={}).json()
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            declared = [one["name"] for one in operation.get("parameters", []) if one["in"] == "query"]
            answer = api.http.request(method, re.sub(r"{\w+}", "x:y", path) + "?who=Daan", headers=api.headers)
            assert_problem(answer, 400, "invalid_request")
            told = f"there are {', '.join(sorted(declared))}" if declared else "this route has none"
            problem = answer.json().get("error", answer.json())
            assert problem["message"] == f"unknown query parameter 'who'; {told}", path
    assert_problem(api.get("/v1/profiles?limit=1&who=Daan", headers={}), 401, "unauthorized")


def test_what_goes_wrong_inside_stays_inside(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """500 without the reason."""

    async def fails(**_: Any) -> Any:
        raise RuntimeError("secret of the house")

    monkeypatch.setattr(api.store, "segment_sizes", fails)

    answer = api.get("/v1/segments")

    assert_problem(answer, 500, "internal_error")
    assert "secret" not in answer.text


def test_health_readiness_and_metrics(api: Api) -> None:
    """Open to probes; readiness says what does not answer."""
    assert api.get("/health", headers={}).json() == {"status": "ok"}
    assert api.get("/ready", headers={}).json()["checks"] == {"redis": "ok", "kafka": "ok"}
    api.broken.append("connection refused")
    answer = api.get("/ready", headers={})
    assert_problem(answer, 503, "not_ready")
    assert answer.json()["checks"] == {"redis": "ok", "kafka": "connection refused"}
    api.differ.append("version 8 (b): w-2; version 7 (a): w-1")
    api.broken.clear()
    answer = api.get("/ready", headers={})
    assert (answer.status_code, answer.json()["plans"]) == (200, api.differ[0])
    assert "different plans" in answer.json()["message"]
    metrics = api.get("/metrics", headers={})
    assert metrics.headers["content-type"].startswith("text/plain")
    assert "# TYPE" in metrics.text


def test_openapi_describes_every_route(api: Api) -> None:
    """With a summary, the errors and the token; which there are, `tests/docs/test_api_page.py` knows."""
    document = api.get("/openapi.json", headers={}).json()

    for path, methods in document["paths"].items():
        for operation in methods.values():
            assert operation["summary"]
            if path.startswith("/v1"):
                assert operation["security"] == [{"HTTPBearer": []}]
                assert "401" in operation["responses"]
                assert "422" not in operation["responses"], path
            assert "400" in operation["responses"], path


def run(*arguments: str) -> tuple[int, str]:
    """Run `profile`."""
    result = CliRunner().invoke(create_cli(), ["profile", *arguments], env={"COLUMNS": "120"})
    return result.exit_code, result.output


def test_the_profile_command(api: Api, tmp_path: Path) -> None:
    """Readable for people, the API's documents for tools."""
    keep(api.store, customer())
    where = ("--url", api.url, "--token", TOKEN, "--data-dir", str(tmp_path))

    code, text = run("user_id:42", *where)
    _, document = run("user_id:42", "--json", *where)

    assert code == 0
    for words in ("Ada", "80% high", "rising", "hazard-7", "at_risk", "3, 65.00 EUR", "Ticket Opened", "CSAT 2"):
        assert words in text, words
    figures = api.get("/v1/profiles/user_id:42/figures").json()
    assert json.loads(document) == api.get("/v1/profiles/user_id:42").json() | {"figures": figures}


def test_the_profile_command_says_what_is_wrong(api: Api, tmp_path: Path) -> None:
    """Nobody known, no identity, no token, nobody there, not started."""
    where = ("--url", api.url, "--token", TOKEN, "--data-dir", str(tmp_path))

    assert run("user_id:somebody", *where)[1].endswith("no customer is known as user_id:somebody\n")
    assert "write TYPE:VALUE, such as user_id:42" in run("42", *where)[1]
    assert "RAPPORT_API_TOKEN" in run("user_id:42", "--url", api.url, "--data-dir", str(tmp_path))[1]
    assert "rapport up" in run("user_id:42", "--url", "http://127.0.0.1:9", "--data-dir", str(tmp_path))[1]
    code, text = run("user_id:42", "--data-dir", str(tmp_path))
    assert (code, "rapport up" in text) == (1, True)


def test_customers_are_as_old_as_the_watermark_says() -> None:
    """While history is loaded, not as the wall clock says."""
    clocks = MemoryClockStore()
    deps = api_deps(store(), clocks=clocks)
    assert asyncio.run(deps.now()) == NOW
    steps = asyncio.run(clocks.commit(ClockState(phase="filling", watermark=NOW - 86400, gate=NOW)))
    assert asyncio.run(deps.now()) == NOW - 86400
    asyncio.run(clocks.commit(msgspec.structs.replace(steps, phase="live")))
    assert asyncio.run(deps.now()) == NOW


def test_the_clock_is_told() -> None:
    """Where it stands, what it waits for, the loads, what came late."""
    clocks = MemoryClockStore()
    steps = ClockState(phase="filling", watermark=NOW - 86400, gate=NOW, moved=NOW - 99, by="w1", waits_for="a load")
    asyncio.run(clocks.commit(steps))
    asyncio.run(clocks.note_late("web", [NOW - 9 * 86400], NOW))
    with support_api(store(), clocks=clocks) as http:
        found = http.get("/v1/clock").json()
    assert (found["phase"], found["behind"], found["stands"], found["waits_for"]) == ("filling", 86400, True, "a load")
    assert (found["loads"], found["late"][0]["source"], found["late"][0]["count"]) == ([], "web", 1)
