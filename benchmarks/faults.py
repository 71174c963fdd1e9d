"""Kill, freeze, tear and rebalance everything while events flow; count what is lost, doubled or with the wrong person.

    python -m benchmarks.faults --minutes 20 --events 200000 --seed 1

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
from tests.integration.faults.trial import Outcome, Trial
from tests.servers import ApacheKafka, first_that_runs, local_kafka

__all__ = ["SESSION_TIMEOUT", "own_servers", "run"]

SESSION_TIMEOUT = 6.0
ONLY_EVERYSEC = "tear Redis's file"  # with `always` nothing that was confirmed can be missing from the file


def run(
    minutes: Annotated[float, typer.Option(min=0.5, help="How long events flow and things are done.")] = 20.0,
    events: Annotated[int, typer.Option(min=1000, help="Messages, repeats and broken ones included.")] = 200_000,
    seed: Annotated[int, typer.Option(help="Of the load, and of what is done when.")] = 1,
    partitions: Partitions = 8,
    as_json: AsJson = False,
    keep: Keep = None,
) -> None:
    """Measure what faults cost: the counts must be zero, or the exit status is 1."""
    for clients in ("kafka", "aiokafka"):  # our own: that servers are away is the point
        logging.getLogger(clients).setLevel(logging.CRITICAL)
    say = Console(stderr=True)
    with own_servers(keep) as (kafka, redis, directory, reaper):
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
def own_servers(keep: Path | None) -> Iterator[tuple[ApacheKafka, Redis, Path, Reaper]]:
    """An Apache Kafka and a Redis, as processes of our own, with a directory and who ends all of it."""
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


def _recovery(deeds: list[Deed]) -> str:
    times = [deed.recovered for deed in deeds if deed.recovered is not None]
    return f"{median(times):.1f} | {max(times):.1f}" if times else "– | –"


if __name__ == "__main__":
    command(run)
