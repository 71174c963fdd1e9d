"""Kill, freeze, tear and rebalance everything while events flow; count what is lost, doubled or with the wrong person.

    python -m benchmarks.faults --minutes 20 --events 200000 --seed 1
    python -m benchmarks.faults --storm      # 100,000 unknown browsers become 20,000 people at once, nothing is killed

Workers, collector and archive are the real commands, on an Apache Kafka and a Redis of the benchmark's own, which it
kills, too. At the end every profile is compared with what a plain, single-threaded computation over the accepted events
gives. What is done, and what it came to: docs/guarantees.md. The parts are those of tests/integration/faults.
"""

from __future__ import annotations

import contextlib
import json
import logging
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import Annotated, Any

import msgspec
import typer
from pydantic import SecretStr
from rich.console import Console

from benchmarks.command import AsJson, Keep, Partitions, command, machine
from benchmarks.servers import REPOSITORY
from console.local.embedded import Redis
from console.local.process import Reaper
from profiles.errors import Misconfigured
from streams.settings import Settings
from tests.integration.faults.chaos import EVERYTHING, Deed
from tests.integration.faults.load import history
from tests.integration.faults.storm import BROWSERS, StormOutcome, ride_out, storm_plan, weather
from tests.integration.faults.trial import Outcome, Trial
from tests.servers import ApacheKafka, first_that_runs, local_kafka

__all__ = ["run"]

SESSION_TIMEOUT = 6.0
ONLY_EVERYSEC = "tear Redis's file"  # with `always` nothing that was confirmed can be missing from the file


def run(
    minutes: Annotated[float, typer.Option(min=0.5, help="How long events flow and things are done.")] = 20.0,
    events: Annotated[int, typer.Option(min=1000, help="Messages, repeats and broken ones included.")] = 200_000,
    seed: Annotated[int, typer.Option(help="Of the load, and of what is done when.")] = 1,
    partitions: Partitions = 8,
    storm: Annotated[bool, typer.Option("--storm", help="The merge storm instead; see the next three.")] = False,
    browsers: Annotated[int, typer.Option(min=100, help="Storm: unknown browsers.")] = 100_000,
    people: Annotated[int, typer.Option(min=2, help="Storm: people they turn out to be.")] = 20_000,
    hot: Annotated[int, typer.Option(min=1, max=BROWSERS, help="Storm: browsers of the first of them.")] = 1000,
    as_json: AsJson = False,
    keep: Keep = None,
) -> None:
    """Measure what faults cost: the counts must be zero, or the exit status is 1."""
    for clients in ("kafka", "aiokafka"):  # our own: that servers are away is the point
        logging.getLogger(clients).setLevel(logging.CRITICAL)
    say = Console(stderr=True)
    with _servers(keep) as (kafka, redis, directory, reaper):
        settings = Settings(
            kafka=kafka.bootstrap, redis=SecretStr(redis.url), plan=REPOSITORY / "tracking_plan.yaml",
            topic_prefix=f"faults-{uuid.uuid4().hex[:8]}.", group="work", partitions=partitions, port=0, batch=500,
            seen=65_536, session_timeout=SESSION_TIMEOUT, archive=str(directory / "archive"), archive_every=15.0,
            log_level="info",
        )  # fmt: skip

        def tell(line: str) -> None:
            say.print(line, highlight=False, markup=False, soft_wrap=True)

        about = {
            "machine": machine(),
            "minutes": minutes, "events": events, "seed": seed, "partitions": partitions,
        }  # fmt: skip
        if storm:
            plan = storm_plan(settings.plan, directory)
            settings = settings.model_copy(update={"plan": plan, "archive": "", "batch": 1000})
            with Trial(settings, kafka, redis, directory / "logs", reaper, seed, tell) as trial:
                trial.fleet.start(1)
                came = ride_out(trial, weather(browsers, people, hot, seed))
            outcome, table = came.outcome, _storm_table(came, browsers, people, hot, about)
            body = {**about, **msgspec.to_builtins(came)}
        else:
            messages = history(events, seed)
            with Trial(settings, kafka, redis, directory / "logs", reaper, seed, tell) as trial:
                trial.fleet.start(1)
                _torment(trial, messages, minutes * 60, say)
                outcome = trial.finish(1800)
            table, body = _markdown(outcome, about), {**about, **_as_json(outcome)}
    sys.stdout.write(json.dumps(body, indent=2) + "\n" if as_json else table)
    for example in outcome.verdict.examples:
        say.print(example, style="red", markup=False, highlight=False)
    for one in outcome.ended:
        say.print(f"ended by itself: {one}", style="red", markup=False, highlight=False)
    if not outcome.verdict.clean:
        raise typer.Exit(1)


@contextlib.contextmanager
def _servers(keep: Path | None) -> Iterator[tuple[ApacheKafka, Redis, Path, Reaper]]:
    with contextlib.ExitStack() as stack:
        directory = keep or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="rapport-faults-")))
        reaper = stack.enter_context(Reaper())
        _, kafka, _ = first_that_runs(local_kafka(), directory / "kafka", reaper)
        stack.callback(kafka.stop)
        if not isinstance(kafka, ApacheKafka):
            raise Misconfigured("this needs Apache Kafka itself, as a process to kill: install Java 17 and Maven")
        redis = Redis(directory / "redis", reaper=reaper)
        redis.start()
        stack.callback(redis.stop)
        redis.ready(30)
        yield kafka, redis, directory, reaper


def _torment(trial: Trial, messages: list[Any], seconds: float, say: Console) -> None:
    """Send evenly, in bursts, and do one thing in each burst; the second half with Redis's file written at once."""
    began, sent = time.monotonic(), 0
    every = list(EVERYTHING)
    while (passed := time.monotonic() - began) < seconds:
        if passed > seconds / 2 and trial.chaos.fsync == "everysec":
            trial.chaos.write_append_only_file("always")
            every.remove(ONLY_EVERYSEC)
        due = min(round(len(messages) * (passed + 15) / (seconds + 15)), len(messages))
        trial.round(messages[sent:due], trial.chaos.next_of(every))
        sent = due
        look = trial.watch.look()
        if look is not None:
            say.print(f"          {sent:,} of {len(messages):,} sent, {look.waiting:,} records waiting", style="dim")
    trial.send(messages[sent:])


def _as_json(outcome: Outcome) -> dict[str, Any]:
    return {
        **msgspec.to_builtins(outcome.verdict),
        "deeds": msgspec.to_builtins(outcome.deeds),
        "redis": {
            kind: {"times": count, "records": outcome.losses.records[kind], "most": outcome.losses.most[kind]}
            for kind, count in outcome.losses.times.items()
        },
        "ended_by_themselves": outcome.ended,
        "killed_at_the_end": outcome.late,
        "sent_again": outcome.sent_again,
        "seconds": round(outcome.seconds, 1),
    }


def _markdown(outcome: Outcome, about: dict[str, Any]) -> str:
    verdict, losses = outcome.verdict, outcome.losses
    options = f"--minutes {about['minutes']:g} --events {about['events']} --seed {about['seed']}"
    lines = [
        f"`python -m benchmarks.faults {options}` on {about['machine']}:",
        "",
        "| accepted events | |",
        "|---|---:|",
        f"| records in the source topics | {verdict.records:,} |",
        f"| applied, each once | {verdict.applied:,} |",
        f"| known repeats | {verdict.repeats:,} |",
        f"| rejected, with bytes and reason | {verdict.rejected:,} |",
        f"| customers | {verdict.people:,} |",
        f"| merges | {verdict.merges:,} |",
        f"| links refused by a limit | {verdict.refused_links:,} |",
        f"| in the archive | {verdict.archived:,} |",
    ]
    lines += [f"| **{kind}** | **{count:,}** |" for kind, count in verdict.faults.items()]
    lines += ["", "| what was done | times | seconds until events were applied again: median | longest |"]
    lines += ["|---|---:|---:|---:|"]
    for kind in EVERYTHING:
        deeds = [deed for deed in outcome.deeds if deed.kind == kind]
        if deeds:
            lines.append(f"| {kind} | {len(deeds)} | {_recovery(deeds)} |")
    lines += [
        "",
        "| Redis's append-only file | times | applied records gone when it was back | most at once |",
    ]
    lines += ["|---|---:|---:|---:|"]
    lines += [
        f"| {kind} | {count} | {losses.records[kind]:,} | {losses.most[kind]:,} |"
        for kind, count in losses.times.items()
    ]
    return "\n".join(lines) + "\n"


def _storm_table(came: StormOutcome, browsers: int, people: int, hot: int, about: dict[str, Any]) -> str:
    verdict, latencies = came.outcome.verdict, {"before it": came.calm, "during it": came.storm}
    lines = [
        f"`python -m benchmarks.faults --storm --browsers {browsers} --people {people} --hot {hot}` on "
        f"{about['machine']}, one worker: {verdict.merges:,} merges in {came.seconds:,.0f} s "
        f"({verdict.merges / came.seconds:,.0f} a second); the largest profile has {verdict.largest:,} identities; "
        f"{came.over_limits} profiles are over a limit.",
        "",
        "| orders of others, from Kafka's having one until it can be read, s | orders | p50 | p99 | longest |",
        "|---|---:|---:|---:|---:|",
    ]
    lines += [
        f"| {when} | {one.count:,} | {one.p50:.2f} | {one.p99:.2f} | {one.longest:.2f} |"
        for when, one in latencies.items()
    ]
    lines += ["", "| | |", "|---|---:|"]
    lines += [f"| {kind} | {count:,} |" for kind, count in verdict.faults.items()]
    return "\n".join(lines) + "\n"


def _recovery(deeds: list[Deed]) -> str:
    times = [deed.recovered for deed in deeds if deed.recovered is not None]
    return f"{median(times):.1f} | {max(times):.1f}" if times else "– | –"


if __name__ == "__main__":
    command(run)
