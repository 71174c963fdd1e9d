"""A change of mind takes effect on the next event and on what is stored: documents, indexes, topics, API, timers."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import msgspec

from console.api import create_api
from models.durations import WEEK
from models.labels.examples import Example, OrderSummary, TrainingRecord
from profiles.consent import OUTREACH, PROFILING, trait_of
from profiles.documents import decode_profile
from profiles.store import Reader
from profiles.stores import open_stores
from profiles.types import Event, Profile, partition_of, profile_id
from streams.settings import Settings
from tests.console.support_api import TOKEN, api_deps
from tests.integration.learning.test_silence import START, Stepped, bought
from tests.integration.rapport import PLAN, Rapport, order, running

NOW = datetime.now(UTC)


def ago(days: float) -> str:
    return (NOW - timedelta(days=days)).isoformat()


def lost(user: str) -> list[dict[str, Any]]:
    """Twelve weekly orders, the last thirty weeks ago: nearly certainly lost."""
    return [order(user, n, ago(210 + 7 * (11 - n)), 99.0) for n in range(12)]


def says(user: str, name: str, days_ago: float, **said: bool) -> dict[str, Any]:
    """A page seen in a browser whose consent manager has these preferences."""
    return {
        "type": "page", "name": "Home", "userId": user, "messageId": f"{user}-{name}", "timestamp": ago(days_ago),
        "context": {"consent": {"categoryPreferences": said}},
    }  # fmt: skip


def identifies(user: str, name: str, days_ago: float, **traits: bool) -> dict[str, Any]:
    return {
        "type": "identify", "userId": user, "messageId": f"{user}-{name}", "timestamp": ago(days_ago), "traits": traits,
    }  # fmt: skip


class Seen:
    """What everybody sees of a few customers."""

    def __init__(self, rapport: Rapport) -> None:
        self.rapport = rapport

    def profile(self, user: str) -> Profile:
        async def ask(reader: Reader) -> Profile | None:
            return await reader.profile(await reader.resolve(("user_id", user)))

        found = self.rapport.read(ask)
        assert found is not None
        return found

    def until(self, user: str, holds: Callable[[Profile], bool], what: str) -> Profile:
        async def ask(reader: Reader) -> bool:
            found = await reader.profile(await reader.resolve(("user_id", user)))
            return found is not None and holds(found)

        self.rapport.until(ask, what)
        return self.profile(user)

    def ranked(self) -> set[str]:
        """Profile ids of the index of risk."""

        async def ask(reader: Reader) -> set[str]:
            return {profile.id for profile in (await reader.by_risk(limit=200))[0]}

        return self.rapport.read(ask)

    def api(self, *paths: str) -> list[Any]:
        """Answers of the API's routes over the real store."""
        return asyncio.run(self._ask(paths))

    async def _ask(self, paths: Sequence[str]) -> list[Any]:
        settings, plan = self.rapport.settings, self.rapport.plan
        reader = open_stores(settings.redis.get_secret_value(), plan.namespace, settings.partitions).reader
        transport = httpx.ASGITransport(create_api(api_deps(reader, plan=plan)))
        headers = {"Authorization": f"Bearer {TOKEN}"}
        async with httpx.AsyncClient(transport=transport, base_url="http://api", headers=headers) as http:
            answers = [(await http.get(path)).json() for path in paths]
        await reader.close()
        return answers

    def told(self, user: str) -> list[dict[str, Any]]:
        """What the topic of alerts said about a customer, each once, in order."""
        id_ = self.profile(user).id
        records = [json.loads(record.value) for record in self.rapport.topic("alerts")]
        return list(
            {each["id"]: each["alert"] for each in records if each.get("profile") == id_ and "alert" in each}.values()
        )


def test_a_change_of_mind_reaches_everything(make_settings: Callable[..., Settings], tmp_path: Path) -> None:
    """Profiling and outreach withdrawn and granted again, through the source topics, seen everywhere."""
    with running(make_settings(plan=PLAN), tmp_path) as rapport:
        seen = Seen(rapport)
        rapport.send("web", [identifies("nora", "no", 400, profiling_consent=False)])
        seen.until("nora", lambda profile: bool(profile.traits), "nora's word")
        rapport.until_live()  # what is older comes late from now on, and is looked at, and told, at once
        rapport.send("purchase", [*lost("eve"), *lost("otto"), *lost("nora")])
        for user in ("eve", "otto"):
            seen.until(user, lambda profile: len(profile.alerts) == 1, f"{user}'s alerts")
        nora = seen.until("nora", lambda profile: profile.purchases.orders == 12, "nora's orders")
        assert (nora.score, nora.alerts, nora.stage) == (None, {}, "churned")
        assert {"repeat_buyer"} <= nora.segments.keys()
        assert not {"at_risk", "watch"} & nora.segments.keys()
        assert {"at_risk", "watch"} <= seen.profile("eve").segments.keys()
        assert seen.ranked() == {seen.profile("eve").id, seen.profile("otto").id}

        rapport.send("web", [says("eve", "no", 2, personalisation=False)])
        rapport.send("web", [identifies("otto", "no", 2, outreach_consent=False)])
        eve = seen.until("eve", lambda profile: profile.score is None, "eve's score to go")
        otto = seen.until("otto", lambda profile: trait_of(OUTREACH) in profile.traits, "otto's word")

        assert (eve.rescore_at, eve.snapshot_at, eve.snapshots) == (0, 0, [])
        assert {"repeat_buyer"} <= eve.segments.keys()
        assert not {"at_risk", "watch"} & eve.segments.keys()
        assert otto.score is not None
        assert {"at_risk", "watch"} <= otto.segments.keys()
        for profile, purpose in ((eve, PROFILING), (otto, OUTREACH)):
            for alert in profile.alerts.values():
                assert (alert.state, alert.note) == ("cleared", f"consent withdrawn: {purpose}")
        assert all((alert.risk, alert.reasons, alert.model) == (0.0, [], "") for alert in eve.alerts.values())

        assert seen.ranked() == {otto.id}
        hers, his, ranked, alerts = seen.api(
            "/v1/profiles/user_id:eve", "/v1/profiles/user_id:otto", "/v1/profiles?order=risk", "/v1/alerts"
        )
        assert (hers["churn"], hers["withheld"], hers["consent"]["profiling"]["status"]) == (
            None, "profiling", "denied"
        )  # fmt: skip
        assert (his["withheld"], his["consent"]["outreach"]["status"]) == (None, "denied")
        assert his["churn"]["risk"] == otto.score.risk
        assert [row["id"] for row in ranked["data"]] == [otto.id]
        assert [alert["risk"] for alert in alerts["data"] if alert["profile"] == eve.id] == [None]

        [*_, newest] = [record for record in rapport.topic("profile.changes") if record.key == eve.id.encode()]
        assert decode_profile(eve.id, newest.value) == eve
        for user, purpose in (("eve", PROFILING), ("otto", OUTREACH)):
            told = seen.told(user)
            assert [alert["state"] for alert in told] == ["open", "cleared"]
            assert {alert["note"] for alert in told[1:]} == {f"consent withdrawn: {purpose}"}
        assert [(alert["risk"], alert["reasons"], alert["model"]) for alert in seen.told("eve")[1:]] == [
            (None, [], None)
        ]
        assert seen.told("nora") == []

        # An older yes that comes late changes nothing; neither does an event that says nothing.
        rapport.send("web", [says("eve", "late", 3, personalisation=True), says("eve", "mute", 1)])
        rapport.send("purchase", [order("otto", 99, ago(205), 99.0)])
        late = seen.until("eve", lambda profile: profile.roles["visit"].count == 3, "eve's visits")
        more = seen.until("otto", lambda profile: profile.purchases.orders == 13, "otto's order")
        assert late.score is None
        assert {alert.state for alert in more.alerts.values()} == {"cleared"}

        rapport.send("web", [identifies("eve", "yes", 0.5, profiling_consent=True)])
        again = seen.until("eve", lambda profile: profile.score is not None, "eve's score to come back")
        assert again.score is not None
        assert again.score.previous is None
        assert again.snapshot_at > 0
        assert seen.ranked() == {again.id, otto.id}
        [hers] = seen.api("/v1/profiles/user_id:eve")
        assert (hers["withheld"], hers["churn"]["risk"]) == (None, again.score.risk)

        # A browser that says no, and then turns out to be hers: the later word counts for all of it.
        browser = {**says("", "no", 0.2, personalisation=False), "anonymousId": "browser-1", "messageId": "b-no"}
        del browser["userId"]
        login = {**identifies("eve", "login", 0.1), "anonymousId": "browser-1"}
        rapport.send("web", [browser])
        rapport.send("web", [login])
        merged = seen.until("eve", lambda profile: profile.roles["visit"].count == 4, "the browser to become eve's")
        assert merged.traits[trait_of(PROFILING)][0] is False
        assert merged.score is None
        assert seen.ranked() == {otto.id}


def test_no_timer_brings_a_score_back_and_no_example_leaves(
    make_settings: Callable[..., Settings], tmp_path: Path
) -> None:
    """What waited for its label is dropped at once; timers that fire later find nobody to score."""
    settings = make_settings(plan=PLAN)
    rapport = Rapport(settings, tmp_path)  # topics

    async def story() -> tuple[Profile, Profile, Profile, Profile, str]:
        stepped = Stepped(settings)
        events = [bought(stepped, "eve", n, START - (12 - n) * WEEK) for n in range(12)]
        eve = events[0].profile
        partition = partition_of(eve, settings.partitions)
        names = (f"other-{n}" for n in range(1000))
        other = next(
            name
            for name in names
            if partition_of(profile_id(stepped.plan.namespace, ("user_id", name)), settings.partitions) == partition
        )
        control = [bought(stepped, other, n, START - (12 - n) * WEEK) for n in range(12)]
        await stepped.apply(*events, *control)
        await stepped.wait(3 * WEEK)
        before = await stepped.profile(eve)
        await stepped.apply(word(stepped, eve, granted=False))
        withdrawn = await stepped.profile(eve)
        await stepped.wait(8 * WEEK)
        # Labels go by the time of events: another customer's order says that it has passed.
        await stepped.apply(bought(stepped, other, 99, stepped.clock.now()))
        await stepped.wait(8 * WEEK)
        later = await stepped.profile(eve)
        await stepped.apply(word(stepped, eve, granted=True))
        granted = await stepped.profile(eve)
        await stepped.close()
        return before, withdrawn, later, granted, control[0].profile

    before, withdrawn, later, granted, control = asyncio.run(story())
    rapport.stop()

    assert before.score is not None
    assert before.snapshots
    assert (withdrawn.score, withdrawn.snapshots, withdrawn.rescore_at, withdrawn.snapshot_at) == (None, [], 0, 0)
    assert withdrawn.stage == "loyal"
    assert later.stage == "churned"  # a timer has fired
    assert (later.score, later.snapshots) == (None, [])
    # An alert that was open ended with the word, and says nothing any more of what she was like.
    assert all((alert.state, alert.risk, alert.reasons) == ("cleared", 0.0, []) for alert in later.alerts.values())
    assert granted.score is not None
    assert granted.score.at == START + 19 * WEEK
    assert granted.snapshot_at > granted.score.at
    decode = msgspec.msgpack.Decoder(TrainingRecord).decode
    records = [decode(record.value) for record in rapport.topic("training.examples")]
    assert {record.profile for record in records if type(record) is Example} == {control}
    seen = [record.at for record in records if type(record) is OrderSummary and record.profile == withdrawn.id]
    assert seen
    assert max(seen) <= START + 3 * WEEK


def word(stepped: Stepped, profile: str, *, granted: bool) -> Event:
    """Ingest's event of a customer who changes their mind now."""
    now = stepped.clock.now()
    return Event(
        profile, f"word-{granted}", "web", "identify", "identify", "", now, now,
        [("user_id", "eve")], traits={trait_of(PROFILING): granted},
    )  # fmt: skip
