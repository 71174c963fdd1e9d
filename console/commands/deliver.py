"""`rapport deliver`: telling other tools of alerts and audiences; what they were told, and what could not be."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
from collections.abc import Awaitable, Callable
from typing import Annotated, Any, TypeVar

import typer
from rich.console import Group, RenderableType
from rich.text import Text

from console.clients.noting import note, os_user
from console.clients.reach import PlanFile, reach
from console.clients.target import DEFAULT_DATA_DIR, DataDir
from console.terminal.figures import minute
from console.terminal.frame import CommandLine
from console.terminal.listing import Listing
from console.terminal.logs import log_to_stderr
from console.terminal.output import AsJson, out, print_json, show
from plan import Plan, load_plan
from profiles.errors import Misconfigured, WrongUse
from profiles.times import rfc3339
from streams.settings import Settings

__all__ = ["register"]

HELP = """Tell other tools of alerts, and of who enters and leaves segments: the sinks of the plan, by its routes.

Needs RAPPORT_KAFKA, RAPPORT_REDIS, and of each sink RAPPORT_SINK_<NAME>_URL and what else its kind asks for: see
docs/delivery.md. Run as many as you like: each sink is told by one of them, and another takes over from one that dies.
What is to be told is in Kafka before it is tried, so nothing is lost by a kill.

    rapport deliver                                 tell all sinks, until Ctrl-C
    rapport deliver test crm                        does the sink hear? What does it answer?
    rapport deliver list --sink crm                 what it was told, with each attempt
    rapport deliver list --state dead               what could not be delivered, and why
    rapport deliver replay crm                      put all of that back
    rapport deliver enable crm                      tell it again, after it was given up
    rapport deliver reconcile ads                   compare what it knows of segments with the store, now
"""

Answer = TypeVar("Answer")

_WAITS = 60.0  # seconds for what somebody asks of an owner
_STOPS = (
    10.0  # seconds, then it ends as by a kill: nothing is lost, and what hangs may be a thread, as a look-up of a name
)

commands = CommandLine(name="deliver", help=HELP, invoke_without_command=True)

SinkName = Annotated[str, typer.Argument(help="The sink, as the plan names it.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(commands)


@commands.callback()
def deliver(context: typer.Context, plan: PlanFile = None, data_dir: DataDir = DEFAULT_DATA_DIR) -> None:
    if context.invoked_subcommand is not None:
        return
    from console.pages.catalogues.phrases import phrase_of_plan  # noqa: PLC0415  (keeps `rapport --help` quick)
    from streams.sinks.environment import outlets  # noqa: PLC0415  (same)

    settings = reach(data_dir, plan)
    log_to_stderr(settings)
    loaded = load_plan(settings.plan)
    if not loaded.file.sinks:
        raise Misconfigured(f"{settings.plan} has no `sinks`, so there is nobody to be told: docs/delivery.md says how")
    asyncio.run(_run(settings, loaded, outlets(loaded, os.environ, phrase_of_plan)))


@commands.command("test")
def try_(sink: SinkName, plan: PlanFile = None, data_dir: DataDir = DEFAULT_DATA_DIR, as_json: AsJson = False) -> None:
    """Send a test to a sink and show what it answers; exits with 1 unless it was delivered."""
    from streams.sinks.environment import outlet  # noqa: PLC0415  (keeps `rapport --help` quick)
    from streams.sinks.trying_out import try_out  # noqa: PLC0415  (same)

    loaded = load_plan(reach(data_dir, plan).plan)
    tried = asyncio.run(try_out(outlet(loaded, sink, os.environ), loaded.currency))
    if as_json:
        print_json(tried._asdict(), indent=False)
    else:
        told = " ".join(filter(None, (str(tried.status or ""), tried.answer)))
        out.print(Text(f"{tried.sink} ({tried.type}): {tried.outcome}{f'; it says: {told}' if told else ''}"))
    if tried.outcome != "delivered":
        raise Misconfigured(f"{sink} was not told: {tried.outcome}")


@commands.command("list")
def list_(
    sink: Annotated[str | None, typer.Option(help="Only what this sink was told.")] = None,
    state: Annotated[str | None, typer.Option(help="Only due, trying, again, delivered, dead or dropped ones.")] = None,
    id: Annotated[str | None, typer.Option("--id", help="Only the message of this id.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="Messages at most.")] = 50,
    data_dir: DataDir = DEFAULT_DATA_DIR,
    as_json: AsJson = False,
) -> None:
    """List what sinks were and are to be told, the newest first, with each attempt and its answer; and how they are."""
    from streams.records.deliveries import STATES  # noqa: PLC0415  (keeps `rapport --help` quick)
    from streams.sinks.desk import Asked  # noqa: PLC0415  (same)

    if state is not None and state not in STATES:
        raise WrongUse(f"--state {state} is none; there are {', '.join(STATES)}")
    found = _ask(reach(data_dir), lambda desk: desk.look(Asked(sink, state, id), limit))
    letters = [_letter(one) for one in found.letters]
    states = [one._asdict() for one in found.sinks if sink is None or one.name == sink]
    show({"sinks": states, "messages": letters}, as_json, _page)


@commands.command("replay")
def replay(
    sink: SinkName,
    id: Annotated[str | None, typer.Option("--id", help="Only the message of this id.")] = None,
    data_dir: DataDir = DEFAULT_DATA_DIR,
    as_json: AsJson = False,
) -> None:
    """Put back what a sink could not be told: it is tried again under the same ids, in the order in which it was."""
    from streams.sinks.desk import Asked  # noqa: PLC0415  (keeps `rapport --help` quick)

    settings = reach(data_dir)
    done = _ask(settings, lambda desk: desk.replay(Asked(sink, id=id), os_user()))
    note(settings, "deliveries.replay", [sink])
    if as_json:
        print_json({"sink": sink, "replayed": done}, indent=False)
    else:
        out.print(f"{len(done):,} messages to {sink} are put back")


@commands.command("enable")
def enable(sink: SinkName, data_dir: DataDir = DEFAULT_DATA_DIR, as_json: AsJson = False) -> None:
    """Tell a sink again that asked to be told nothing (410), or failed for three days."""
    settings = reach(data_dir)
    _ask(settings, lambda desk: desk.enable(sink, os_user()))
    note(settings, "deliveries.enable", [sink])
    if as_json:
        print_json({"sink": sink, "enabled": True}, indent=False)
    else:
        out.print(f"{sink} is told again; `rapport deliver replay {sink}` puts back what it missed", soft_wrap=True)


@commands.command("reconcile")
def reconcile(
    sink: SinkName,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what would be told.")] = False,
    everybody: Annotated[
        bool, typer.Option("--everybody", help="Tell of those, too, who were members before the sink began.")
    ] = False,
    plan: PlanFile = None,
    data_dir: DataDir = DEFAULT_DATA_DIR,
    as_json: AsJson = False,
) -> None:
    """Compare what a sink knows of segments with the store, and tell it what differs; else that is done once a day.

    Who tells it is `rapport deliver`, so that has to run; a second comparison finds nothing. With --dry-run nobody is
    told.
    """
    from streams.sinks.comparing import compared, would_tell  # noqa: PLC0415  (keeps `rapport --help` quick)

    settings = reach(data_dir, plan)
    loaded = load_plan(settings.plan)
    spec = loaded.file.sinks.get(sink)
    if spec is None or not spec.keeps_audiences:
        known = ", ".join(name for name, each in loaded.file.sinks.items() if each.keeps_audiences) or "none"
        raise Misconfigured(f"'{sink}' is no sink that is told who enters and leaves segments; there are: {known}")
    if dry_run:
        found = asyncio.run(would_tell(settings, loaded, sink, everybody=everybody))
    else:
        found = _ask(settings, lambda desk: compared(desk, sink, os_user(), _WAITS, everybody=everybody))
        note(settings, "deliveries.reconcile", [sink])
    if as_json:
        print_json({"sink": sink, "dry_run": dry_run, **found}, indent=False)
        return
    what = "would be told" if dry_run else "is told"
    out.print(
        f"{sink} {what} that {found['entered']:,} entered and {found['exited']:,} left; {found['members']:,} members, "
        f"{found['unnamed']:,} of them without an identity by which it could be told",
        soft_wrap=True,
    )


def _ask(settings: Settings, ask: Callable[[Any], Awaitable[Answer]]) -> Answer:
    from streams.kafka.log import KafkaLog  # noqa: PLC0415  (keeps `rapport --help` quick)
    from streams.kafka.output import BatchProducer  # noqa: PLC0415  (same)
    from streams.sinks.desk import DeliveryDesk  # noqa: PLC0415  (same)

    async def main() -> Answer:
        producer = BatchProducer(settings, once=True)
        try:
            return await ask(DeliveryDesk(KafkaLog(settings), producer, settings))
        finally:
            await producer.stop()

    return asyncio.run(main())


async def _run(settings: Settings, plan: Plan, outlets: Any) -> None:
    from prometheus_client import start_http_server  # noqa: PLC0415  (keeps `rapport --help` quick)

    from streams.sinks.delivering import deliver as run  # noqa: PLC0415  (same)
    from streams.sinks.gauges import DeliveryMetrics  # noqa: PLC0415  (same)

    metrics = DeliveryMetrics()
    if settings.metrics_port:
        start_http_server(settings.metrics_port, addr=settings.host)
    stop = asyncio.Event()

    def asked() -> None:
        stop.set()
        late = threading.Timer(_STOPS, os._exit, (0,))
        late.daemon = True
        late.start()

    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, asked)
    await run(settings, plan, outlets, metrics, stop, adviser=lambda stores: _advice(stores, plan))


def _advice(stores: Any, plan: Plan) -> Any:
    """What would lower a customer's risk, as the console shows it."""
    from console.services.advice import Adviser  # noqa: PLC0415  (keeps `rapport --help` quick)
    from streams.sinks.messages import Lever  # noqa: PLC0415  (same)

    adviser = Adviser(stores.learner, plan.churn, plan.currency)

    async def advise(profile: Any) -> list[Any] | None:
        found = await adviser(profile)
        if found is None or found.counterfactuals is None:
            return None
        return [Lever(one.action, one.text, one.risk) for one in found.counterfactuals]

    return advise


def _letter(letter: Any) -> dict[str, Any]:
    """A message as the API has it."""
    return {
        "sink": letter.sink,
        "id": letter.id,
        "state": letter.state,
        "types": list(dict.fromkeys(entry.type for entry in letter.entries)),
        "profiles": list(dict.fromkeys(entry.profile for entry in letter.entries if entry.profile)),
        "formed": rfc3339(letter.formed),
        "next": rfc3339(letter.next) if letter.next else None,
        "reason": letter.reason or None,
        "replayed": letter.replayed,
        "attempts": [
            {"at": rfc3339(one.at), "seconds": one.seconds, "status": one.status or None, "answer": one.answer}
            for one in letter.attempts
        ],
    }


def _page(found: dict[str, Any]) -> RenderableType:
    sinks = [
        (
            one["name"],
            Text("told nothing", "red") if one["disabled"] else Text("fails", "red" if one["failing"] else ""),
            f"{one['pending']:,}", f"{one['waiting']:,}", f"{one['delivered']:,}", f"{one['dead']:,}", one["disabled"],
        )
        for one in found["sinks"]
    ]  # fmt: skip
    for row, one in zip(sinks, found["sinks"], strict=True):
        if not one["disabled"] and not one["failing"]:
            row[1].plain = "works"
    if not found["messages"] and not sinks:
        return Text("Nobody was told anything, or not this.")
    figures = ("to be sent", "waiting", "delivered", "dead")
    rows = []
    for one in found["messages"]:
        last = one["attempts"][-1] if one["attempts"] else None
        said = f"{last['status'] or ''} {last['answer']}".strip() if last else ""
        rows.append(
            (
                minute(one["formed"]), one["sink"], one["state"], ", ".join(one["types"]), one["id"],
                str(len(one["attempts"])), one["reason"] or said,
            )
        )  # fmt: skip
    return Group(
        Listing(("sink", "state", *figures, "why"), sinks, right=figures),
        Listing(("when", "sink", "state", "what", "id", "attempts", "answer"), rows, right=("attempts",)),
    )
