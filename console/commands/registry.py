"""The commands by name, and the module of each, which is loaded once its command is run.

Loading all of them takes longer than most commands: they reach for Kafka, Redis, arrays and models, each its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from importlib import import_module
from typing import Any, NamedTuple

from typer.main import get_group

from console.terminal.frame import Command, CommandGroup, CommandLine

__all__ = ["COMMANDS", "Entry", "Later", "load"]


class Entry(NamedTuple):
    """A command that is not loaded yet.

    Args:
        module: of `console.commands`, with the command in its `register`, or the group of this name as its `app`.
        summary: the first paragraph of its help, which stands in the list of commands.
        hidden: whether it is left out there.
    """

    module: str
    summary: str
    hidden: bool = False


COMMANDS = {
    "up": Entry(
        "up", "Run everything here, in the foreground: Kafka and Redis (embedded unless given), collector, worker, API."
    ),
    "load": Entry(
        "load", "Load history: files of events, merged by time, so that Rapport lives through it and goes live warm."
    ),
    "send": Entry("send", "Send a file of events through the collector, keeping event times."),
    "profile": Entry(
        "profile",
        "Show a customer: who they are, their risk and why, segments, orders, support, what they come to, events.",
    ),
    "analyse": Entry("analyse", "What happened: analyses over the history that the archive keeps."),
    "today": Entry(
        "today",
        "Show what happened today and on the two days before, counted live: customers, orders, tickets, answers.",
    ),
    "find": Entry(
        "find",
        "Find customers by the beginning of a name, an e-mail address, an order, a ticket or an id; companies too.",
    ),
    "companies": Entry("company", "List the companies, those of the latest events first."),
    "erase": Entry("privacy", "Erase a customer for good, and print the receipt."),
    "export": Entry("privacy", "Write all that is known about a customer, as JSON, for that customer."),
    "backtest": Entry(
        "backtest",
        "Play a log of the past through our own code, in event time, and judge every churn score by what came after.",
    ),
    "mcp": Entry("mcp", "Let a language model read live profiles: an MCP server over stdio."),
    "audit": Entry("audit", "Show who looked at whom, and did what, the newest first. Needs the scope audit:read."),
    "doctor": Entry(
        "doctor",
        "Check plan, broker, topics, lag, Redis, workers, clocks, loads, late events and models; say what to do "
        "about it.",
    ),
    "adopt-kafka": Entry(
        "adopt",
        "Accept the Kafka that is there as the one to go on with, after it was replaced or restored from a backup.",
    ),
    "rebuild": Entry(
        "rebuild",
        "Write everything that Redis held anew, from Kafka: profiles, indexes, timers, identities, the model.",
    ),
    "replay": Entry(
        "replay",
        "Take a period of a source, as Kafka still has it, through the plan again: what was rejected then and passes\n"
        "now is put back on the source's topic, and counts once.",
    ),
    "demo": Entry("demo", "Send the simulated customers of a small business."),
    "collect": Entry("roles", "Run the collector: Segment's HTTP API, from SDKs into Kafka."),
    "work": Entry("roles", "Run stream workers: ingest, profiles, scores, segments, alerts, linker and learner."),
    "console": Entry("roles", "Run the support API: profiles, segments, alerts and the live feed."),
    "serve": Entry("roles", "Run collector and support API on one port, as `rapport up` does.", hidden=True),
    "deliver": Entry(
        "deliver",
        "Tell other tools of alerts, and of who enters and leaves segments: the sinks of the plan, by its routes.",
    ),
    "archive": Entry(
        "archive", "Write the event history to Parquet files, each event once; safe to kill at any moment."
    ),
    "alerts": Entry(
        "alerts",
        "Customers and companies that need somebody, one case each whichever alerts it came from: whose, "
        "what is at risk, why.",
    ),
    "company": Entry("company", "Companies: one (`rapport company acme`), which of them are one, and erasing one."),
    "identity": Entry("identity", "Who is who, why, and taking a wrong link back."),
    "models": Entry("models", "The models of the churn risk: what they are and how good they are."),
    "plan": Entry("plan", "The tracking plan: what is collected, why, and what it means."),
    "rejected": Entry(
        "rejected",
        "Events that were not accepted: list them, look at one, put them back after the plan is mended.",
    ),
    "audiences": Entry("audiences", "Segments as Parquet tables for other tools, by version, with what changed."),
    "segments": Entry(
        "segments",
        "Groups of customers, kept live: sizes, trends, what members have in common, and who would be in a new one.",
    ),
    "source": Entry(
        "source", "Sources that are paused, because too many of their senders would be rejected; resuming one."
    ),
    "tokens": Entry("tokens", "Tokens of the API: what each may do, until when, and who answers for it."),
    "users": Entry(
        "users", "People who may sign in to the console: their roles, passwords, and links that sign in once."
    ),
}
"""In the order of the help."""


class _Loading(Mapping[str, Any]):
    """The commands as Typer wants them, each loaded when it is asked for."""

    def __getitem__(self, name: str) -> Any:
        return load(COMMANDS[name].module)[name]

    def __iter__(self) -> Iterator[str]:
        return iter(COMMANDS)

    def __len__(self) -> int:
        return len(COMMANDS)

    def __contains__(self, name: object) -> bool:
        return name in COMMANDS


class Later(CommandGroup):
    """`rapport` itself, whose help tells of all commands and loads none."""

    def __init__(self, **given: Any) -> None:
        super().__init__(**given)
        self.commands: Any = _Loading()

    def list_commands(self, ctx: Any) -> list[str]:
        """The names of the commands."""
        return list(COMMANDS)

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Write the help."""
        with self._in_short():
            super().format_help(ctx, formatter)

    def shell_complete(self, ctx: Any, incomplete: str) -> Any:
        """What may follow on the command line."""
        with self._in_short():
            return super().shell_complete(ctx, incomplete)

    @contextmanager
    def _in_short(self) -> Iterator[None]:
        """Where the summaries of the commands will do."""
        loading = self.commands
        self.commands = {
            name: Command(name=name, help=entry.summary, hidden=entry.hidden) for name, entry in COMMANDS.items()
        }
        try:
            yield
        finally:
            self.commands = loading


@cache
def load(module: str) -> Mapping[str, Any]:
    """The commands of a module of `console.commands`."""
    loaded = import_module(f"console.commands.{module}")
    line = CommandLine()
    if hasattr(loaded, "register"):
        loaded.register(line)
    if hasattr(loaded, "app"):
        line.add_typer(loaded.app)
    return get_group(line).commands
