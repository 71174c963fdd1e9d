"""`rapport doctor`: is everything there, is it set up as it must be, is it keeping up?"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Literal, NamedTuple

import msgspec
import typer
from rich.console import RenderableType
from rich.text import Text

from console.clients.reach import PlanFile, is_trial, reach
from console.clients.target import DEFAULT_DATA_DIR, DataDir
from console.http.reach_of_others import advise_own_keys
from console.local.connection import has_ended
from console.terminal.figures import second
from console.terminal.listing import Listing
from console.terminal.models import LATE
from console.terminal.output import AsJson, show
from console.views.clock import ClockView, read_clock
from models.learning.checkpoint import HEAD, discarded
from plan import Plan, load_plan
from plan.agreement import agree
from plan.fingerprint import fingerprint as fingerprint_of_plan
from profiles.errors import Misconfigured, WrongUse
from profiles.identity.secrets import fingerprint
from profiles.identity.spelling import is_address
from profiles.stores import AWAY, explain, open_stores
from profiles.stores.clock import with_clock
from profiles.stores.learner import RedisLearnerStore
from profiles.stores.redis import connect
from profiles.stores.setup import OTHER_FORMAT, OTHER_KEY, PII_KEY, inspect_redis, is_other_format
from profiles.stores.sources import with_sources
from profiles.types import Profile
from profiles.units import PlansInUse
from streams.kafka.admin import lag, topic_problems
from streams.kafka.continuity import Difference, compare_kafka
from streams.kafka.security import describe_security
from streams.kafka.topics import topics
from streams.settings import Settings

__all__ = ["addresses_as_ids", "examine", "missing_part", "register"]

LARGE_LAG = 10_000  # records waiting, above which it is worth a look
_LOOKED_AT = 200  # customers who were seen last

LARGE_SKEW = 2.0  # seconds between this machine's clock and Redis's

_COLOURS = {"ok": "green", "warning": "yellow", "error": "red"}


class Finding(NamedTuple):
    """One thing that was looked at."""

    what: str
    verdict: Literal["ok", "warning", "error"]
    message: str


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("doctor")(doctor)


def doctor(
    plan: PlanFile = None,
    data_dir: DataDir = DEFAULT_DATA_DIR,
    as_json: AsJson = False,
) -> None:
    """Check plan, broker, topics, lag, Redis, workers, clocks, loads, late events and models; say what to do about it.

    Looks where RAPPORT_KAFKA and RAPPORT_REDIS point, else at the `rapport up` of the data directory. With --plan, a
    plan that is not in use yet: what is wrong with it here, and what a worker that starts with it would discard. Exits
    with 1 if anything is an error.
    """
    settings = reach(data_dir, plan)
    trial = is_trial(data_dir)
    ended = trial and has_ended(data_dir)
    findings = list(examine(settings, trial=trial, ended=f"`rapport up` of {data_dir}" if ended else ""))
    show([finding._asdict() for finding in findings], as_json, _page)
    if any(finding.verdict == "error" for finding in findings):
        raise typer.Exit(1)


def _page(findings: list[dict[str, Any]]) -> RenderableType:
    rows = [(Text(it["verdict"], _COLOURS[it["verdict"]]), it["what"], it["message"]) for it in findings]
    return Listing(("", "checked", "found"), rows, prose=True)


def examine(settings: Settings, *, trial: bool = False, ended: str = "") -> Iterator[Finding]:
    """Look at everything, one thing after the other; what does not answer is a finding, not an exception.

    Args:
        settings: where everything is.
        trial: whether it is a `rapport up`, which keys that everybody knows are meant for.
        ended: what has brought the servers along and runs no more; "" if nothing has.
    """
    try:
        plan = load_plan(settings.plan)
    except Misconfigured as error:
        yield Finding("tracking plan", "error", str(error))
        return
    yield Finding("tracking plan", "ok", f"{settings.plan}: {len(plan.rules)} events, {len(plan.segments)} segments")
    if settings.pii_key is None and any(rule.hashed for rule in plan.identities):
        yield Finding(
            "key of identities",
            "warning",
            "RAPPORT_PII_KEY is not set, so whoever has the plan can find out whose hash an identity is; set it, for "
            "example to the output of `openssl rand -hex 32`, before the first event: it can never be changed",
        )
    yield from _trust(plan)
    if not trial and (advice := advise_own_keys(plan)):
        yield Finding("write keys", "warning", f"{advice}, also where this command runs")
    yield from _sources(settings, plan)
    again = f"the {ended} has ended: start `rapport up` again. " if ended else ""
    try:
        yield from _kafka(settings, plan)
    except Misconfigured as error:
        yield Finding("Kafka", "error", f"{again}{error}")
    try:
        yield from _redis(settings, plan)
        yield from addresses_as_ids(plan, asyncio.run(_recent(settings, plan)))
        yield from _clock(settings)
        yield from _models(settings, plan)
    except Misconfigured as error:
        yield Finding("Redis", "error", f"{again}{error}")
    with contextlib.suppress(Misconfigured):  # one of them does not answer, which has been said
        difference = asyncio.run(_difference(settings, plan))
        message = str(difference) if difference else "this is the Kafka that Redis has read"
        yield Finding("Kafka and Redis", "error" if difference else "ok", message)


def _span(seconds: float) -> str:
    """A span of time, in its largest unit."""
    for unit, length in (("d", 86_400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * length:
            return f"{seconds / length:.0f} {unit}"
    return f"{max(seconds, 0):.0f} s"


def _kafka(settings: Settings, plan: Plan) -> Iterator[Finding]:
    problems = topic_problems(settings, plan)
    yield Finding("Kafka", "ok", f"answers at {settings.kafka} by {describe_security(settings)}")
    for problem in problems:
        yield Finding("topics", "error", problem)
    if problems:
        return
    wanted = topics(settings, plan)
    yield Finding("topics", "ok", f"all {len(wanted)} there, {settings.partitions} partitions")
    read = [
        spec.name for spec in wanted if "cleanup.policy" in spec.config and spec.config["cleanup.policy"] != "compact"
    ]
    for behind in lag(settings, read):
        if behind.read:
            slow = behind.records > LARGE_LAG
            yield Finding(
                f"lag of {behind.topic}",
                "warning" if slow else "ok",
                f"{behind.records} records wait" + ("; start more `rapport work`?" if slow else ""),
            )


def _trust(plan: Plan) -> Iterator[Finding]:
    """Whether it is known whose keys others have, and whether signatures can be checked."""
    if plan.trust.undecided:
        yield Finding(
            "public keys",
            "warning",
            f"the plan says not whether {', '.join(plan.trust.undecided)} are `public`: whoever has such a key is "
            "believed, of everybody",
        )
    try:
        plan.trust.require_key()
    except WrongUse as error:
        yield Finding("signed user ids", "error", str(error))


def _sources(settings: Settings, plan: Plan) -> Iterator[Finding]:
    try:
        states = asyncio.run(with_sources(settings.redis.get_secret_value(), lambda store: store.states()))
        asides = asyncio.run(with_sources(settings.redis.get_secret_value(), lambda store: store.asides(time.time())))
    except Misconfigured:
        return  # told where Redis is looked at
    for source in plan.sources:
        if (pause := states.get(source)) is not None and pause.paused:
            yield Finding(
                f"source {source}",
                "error",
                f"paused since {second(pause.since)}: {pause.why}; for example: {pause.example}. Its events wait "
                "in Kafka. Mend the sender or the plan and restart the workers with it; or let what waits through "
                f"with `rapport source resume {source}`. Its newest events are tried at {second(pause.retry)}",
            )
        if aside := [each for each in asides if each.source == source]:
            yield Finding(
                f"senders of {source}",
                "warning",
                f"{len(aside)} put aside: {sum(each.rejected for each in aside)} of their events were rejected, and of "
                f"{sum(each.rejected - each.kept for each in aside)} only position and reason are kept; who: "
                "`rapport source list`. If it is the address of a proxy, see docs/operations.md",
            )


def _redis(settings: Settings, plan: Plan) -> Iterator[Finding]:
    facts = asyncio.run(inspect_redis(settings.redis.get_secret_value(), require_aof=settings.require_aof))
    yield Finding("Redis", "ok", f"version {facts.version}; {facts.reached}")
    for verdict, message in facts.problems:
        yield Finding("Redis", verdict, message)
    if is_other_format(facts.profiles_written_with):
        yield Finding("format", "error", OTHER_FORMAT)
    held = facts.profiles_written_with.get("partitions")
    if held is not None and held != str(settings.partitions):
        yield Finding(
            "partitions",
            "error",
            f"the profiles were written with {held}, but RAPPORT_PARTITIONS={settings.partitions}",
        )
    if facts.profiles_written_with.get(PII_KEY, fingerprint(plan.pii_key)) != fingerprint(plan.pii_key):
        yield Finding("key of identities", "error", OTHER_KEY)
    if facts.workers:
        missing = missing_part(facts.workers)
        yield Finding(
            "workers",
            "error" if missing else "ok",
            f"{len(facts.workers)} alive: {', '.join(sorted(facts.workers))}"
            + (f"; start `rapport work --only {missing}`, too: none of them does that" if missing else ""),
        )
    else:
        yield Finding("workers", "error", "none has shown a sign of life; start `rapport work`")
    yield from _plans(facts.plans, plan)
    skewed = abs(facts.skew) > LARGE_SKEW
    yield Finding(
        "clock",
        "warning" if skewed else "ok",
        f"{abs(facts.skew):.1f} s from Redis's" + ("; set both by NTP, timers run on them" if skewed else ""),
    )


def addresses_as_ids(plan: Plan, profiles: Iterable[Profile]) -> Iterator[Finding]:
    """Whether customers are known by e-mail addresses that are not spelt as such: each spelling is another customer."""
    for rule in plan.identities:
        if rule.pii == "email" or rule.hashed:
            continue
        held = [value for profile in profiles for value in profile.identities.get(rule.type, ())]
        if found := sum(map(is_address, held)):
            yield Finding(
                f"identity {rule.type}",
                "warning",
                f"{found} of the latest {len(held)} look like e-mail addresses, and each spelling of one is another "
                'customer. See "User ids that are e-mail addresses" in docs/tracking-plan.md',
            )


async def _recent(settings: Settings, plan: Plan) -> list[Profile]:
    stores = open_stores(settings.redis.get_secret_value(), plan.namespace, settings.partitions, retrying=False)
    try:
        profiles, _ = await stores.reader.recent(limit=_LOOKED_AT)
    except AWAY as error:
        raise Misconfigured(explain(error)) from error
    finally:
        await stores.close()
    return profiles


def _plans(found: PlansInUse, plan: Plan) -> Iterator[Finding]:
    """Whether all workers have the same plan."""
    agreement = agree(found)
    if agreement.differ:
        since = f"workers have different ones since {second(agreement.since)}: {agreement.in_words()}"
        mend = ". Restart those with an old plan with the first one" if agreement.overdue else ""
        yield Finding("plans in use", "error" if agreement.overdue else "warning", since + mend)
    elif agreement.plans:
        other = "" if fingerprint_of_plan(plan) in agreement.plans else "; the one checked here is another"
        yield Finding("plans in use", "ok", agreement.in_words() + other)


def missing_part(workers: Iterable[str]) -> str | None:
    """The part (`rapport work --only`) that none of these workers does, by their names; None if all is done."""
    parts = {name.rpartition("-")[2] for name in workers}
    return {"ingest": "profile", "profile": "ingest"}.get(*parts) if len(parts) == 1 else None


def _clock(settings: Settings) -> Iterator[Finding]:
    """How far time has come, the loads that have not ended well, and what came late."""
    url, now = settings.redis.get_secret_value(), time.time()
    view = asyncio.run(with_clock(url, lambda clocks: read_clock(clocks, now)))
    yield Finding("watermark", "warning" if view.stands else "ok", _stands(view, now))
    for load in view.loads:
        if load.state == "done":
            continue
        sent = f"{load.done:,} of {load.events:,} events sent" + (f", up to {second(load.sent)}" if load.sent else "")
        if load.state == "running":
            yield Finding(f"load {load.id}", "ok", f"{load.name}: {sent}; the clock waits for it")
            continue
        ago = _span(now - load.seen)
        waits = "the clock still waits for it" if load.state == "silent" else "the clock has gone on without it"
        yield Finding(
            f"load {load.id}",
            "warning",
            f"{load.name}: {sent}; it stopped {ago} ago, and {waits}. `rapport load` with the same files goes on",
        )
    for late in view.late:
        yield Finding(
            f"late events of {late.source}",
            "warning",
            f"{late.count:,} came behind the watermark, the oldest of {second(late.oldest)}, the last at "
            f"{second(late.last)}: they count in profiles, but not in what was concluded before. "
            "`rapport rebuild --from archive` makes stages, alerts, labels and models as if they had come in order",
        )


def _stands(view: ClockView, now: float) -> str:
    if view.watermark is None:
        return view.waits_for or "no event has come yet"
    if view.phase == "live":
        return "live"
    where = f"{view.phase}: everybody was looked at up to {second(view.watermark)}, {_span(view.behind)} behind"
    if view.moved is None:
        return f"{where}; no worker has moved it yet"
    if not view.stands:
        return f"{where}; moved {_span(now - view.moved)} ago by {view.by}"
    why = view.waits_for or "whether a worker is there to move it is told above"
    return f"{where}. It stands still since {second(view.moved)}, when {view.by} moved it: {why}"


def _models(settings: Settings, plan: Plan) -> Iterator[Finding]:
    """What was learned, and whether the next worker that starts with this plan discards it."""
    parts, panel = asyncio.run(_parts(settings, [HEAD, "notices"]))
    yield from learned(parts, plan)
    yield from nightly(panel, settings.refit_every, time.time())


def nightly(panel: bytes | None, every: float, now: float) -> Iterator[Finding]:
    """Whether the nightly model is still grown.

    Args:
        panel: JSON of the models that score; None before there are any.
        every: seconds between two growings, as set; 0 if nobody asked for it here.
        now: the time.
    """
    try:
        model = msgspec.json.decode(panel)["models"].get("survival") if panel else None
        made = None if model is None else float(model["made"])
    except (KeyError, TypeError, AttributeError, ValueError, msgspec.MsgspecError):
        return  # what is damaged is told already
    if made is None:
        if every:
            yield Finding("nightly model", "ok", "not grown yet: it takes labels that are final, and the learner")
        return
    late = now - made > max(LATE, 3 * every)
    age = f"grown {_span(now - made)} ago"
    mend = "; nobody has grown it since: start `rapport models refit`, or see what it logs" if late else ""
    yield Finding("nightly model", "warning" if late else "ok", f"{age}{mend}")


def learned(parts: Mapping[str, bytes], plan: Plan) -> Iterator[Finding]:
    """What the parts of the learner's checkpoint say.

    Args:
        parts: the head and the notices.
        plan: that a worker would start with.
    """
    try:
        head = msgspec.json.decode(parts[HEAD])
        lost = discarded(parts[HEAD], plan.churn)
        notices = msgspec.json.decode(parts["notices"])["notices"]
        began = next((notice for notice in reversed(notices) if notice["kind"] == "anew"), None)
        refused = next((notice for notice in reversed(notices) if notice["kind"] == "refused"), None)
    except (KeyError, TypeError, AttributeError, msgspec.MsgspecError, Misconfigured):
        if parts:
            yield Finding("models", "error", "what was learned cannot be read; see what the workers log")
        return
    if lost is not None and lost.records:
        what = "everything that was learned" if lost.everything else "what was learned of the whole horizon"
        yield Finding(
            "models",
            "warning",
            f"{lost.reason}: a worker that starts with this plan discards {what} ({lost.records:,} training records)",
        )
    if refused and (began is None or refused["at"] >= began["at"]):
        yield Finding("models", "warning", f"{second(refused['at'])}: {refused['text']}")
    since = f"; {second(began['at'])}: {began['text']}" if began else ""
    yield Finding("models", "ok", f"learned from {head['counts']['records']:,} training records{since}")


async def _parts(settings: Settings, names: list[str]) -> tuple[dict[str, bytes], bytes | None]:
    """Parts of what was learned, and the panel."""
    client = connect(settings.redis.get_secret_value(), retrying=False)
    try:
        store = RedisLearnerStore(client)
        return await store.parts(names), await store.panel()
    finally:
        await client.aclose()


async def _difference(settings: Settings, plan: Plan) -> Difference:
    client = connect(settings.redis.get_secret_value(), retrying=False)
    try:
        return await compare_kafka(client, settings, plan)
    finally:
        await client.aclose()
