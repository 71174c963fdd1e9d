"""`rapport up`: everything in the foreground, in one command.

Starts the servers (embedded unless given), the topics, then collector and API, worker and, if wanted, the demo,
each as a child process; waits until all is ready, writes the connection details, and stops all of it together.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import site
import socket
import sys
import sysconfig
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import httpx
import typer
from pydantic import SecretStr
from rich.console import Console
from rich.panel import Panel

from console.access.sessions import Sessions
from console.clients.reach import default_plan, shipped_plan
from console.demo.businesses import BUSINESSES, BusinessName
from console.http.reach_of_others import is_loopback, require_own_keys
from console.local import embedded
from console.local.connection import Connection, claim, kept_token, write_connection
from console.local.process import Process, free_port
from console.local.resp import RedisRefused, ask_redis
from console.local.supervisor import StopAsked, Supervisor
from console.terminal.frame import CommandLine
from console.terminal.output import out as terminal
from plan import Plan, load_plan
from profiles.errors import Misconfigured, WrongUse
from profiles.stores.access import AccessStore, Account, with_access
from streams.settings import Settings

__all__ = ["Roles", "prepare_topics", "register", "up"]

DEMO_CENSUS = 20.0
"""Seconds between two counts of the demo's customers."""

_CORES_FOR_PARTS = 4
"""From so many cores on, ingest is a process of its own."""

OWNER = "owner"
"""Who has started `rapport up` on their own machine, in the console."""

PATIENCE = 60.0
"""Seconds until what is not ready is called broken. A usual start takes under ten."""


def _role(*arguments: str) -> list[str]:
    # -P: a folder named `console` or `profiles` where the user stands must not be taken for ours.
    return [sys.executable, "-P", "-m", "console.local.role", *arguments]


@dataclass(frozen=True)
class Roles:
    """The commands of the children; each reads its settings from RAPPORT_*."""

    serve: list[str] = field(default_factory=lambda: _role("serve"))
    work: list[str] = field(default_factory=lambda: _role("work", "--no-topics"))
    archive: list[str] = field(default_factory=lambda: _role("archive"))
    refit: list[str] = field(default_factory=lambda: _role("refit"))
    deliver: list[str] = field(default_factory=lambda: _role("deliver"))
    audiences: list[str] = field(default_factory=lambda: _role("audiences", "write"))
    demo: list[str] = field(default_factory=lambda: _role("demo"))
    ingest: list[str] | None = None  # beside a `work` that does all the rest; None: `work` does all

    @classmethod
    def for_cores(cls, cores: int) -> Roles:
        """The roles on a machine of so many cores.

        Ingest by itself takes a hop out of the way of every event's profile, where there is a core for it: on two,
        which Kafka, Redis and the collector need as well, one process answers as soon.
        """
        if cores < _CORES_FOR_PARTS:
            return cls()
        work = ("work", "--no-topics", "--only")
        return cls(work=_role(*work, "profile"), ingest=_role(*work, "ingest"))


def prepare_topics(settings: Settings) -> dict[str, str]:
    """Load the plan, create the topics, and return the write key of each enabled source."""
    from streams.kafka.admin import ensure_topics  # noqa: PLC0415  (slow to import, and wanted by `up` alone)

    plan = load_plan(settings.plan)
    ensure_topics(settings, plan)
    return {source.name: source.write_key.get_secret_value() for source in plan.sources.values() if source.enabled}


def up(
    *,
    data_dir: Path = Path(".rapport"),
    host: str = "127.0.0.1",
    port: int = 8000,
    kafka: str | None = None,
    redis: str | None = None,
    plan: Path | None = None,
    demo: BusinessName | None = None,
    archive: str | None = "",
    roles: Roles | None = None,
    prepare: Callable[[Settings], dict[str, str]] = prepare_topics,
    out: Console | None = None,
) -> None:
    """Run everything until Ctrl-C, SIGTERM or SIGHUP.

    Args:
        data_dir: logs, keys, connection details and the embedded Redis's data.
        host: address that HTTP listens on.
        port: port that HTTP listens on, 0 for a free one.
        kafka: bootstrap servers, None for the embedded broker.
        redis: URL, None for the embedded Redis.
        plan: the tracking plan, None for the settings' one, or ours when there is none.
        demo: send the simulated customers of this business too; of another than the shop, with the plan for it.
        archive: folder or URL of the event archive, "" for none, None for one in the data directory.
        roles: the children's commands.
        prepare: makes the topics and returns the write keys.
        out: where to print.

    Raises:
        WrongUse: a setting or the plan cannot be used; nothing was started.
        Misconfigured: something is wrong with a server; nothing is left running.
        ChildEnded: a role or a server ended by itself; nothing is left running.
    """
    out = out or terminal
    roles = roles or Roles.for_cores(os.cpu_count() or 1)
    began = time.monotonic()
    given = Settings()
    plan = (plan or _plan(given, demo)).absolute()
    _require_keys(host, load_plan(plan))  # what is wrong with it is said before anything is started
    data_dir = data_dir.absolute()
    if archive and "://" not in archive:
        archive = str(Path(archive).absolute())
    port = _listenable(host, port, data_dir)
    if kafka is None and given.kafka_security_protocol != "PLAINTEXT":
        raise Misconfigured(
            f"RAPPORT_KAFKA_SECURITY_PROTOCOL={given.kafka_security_protocol} is not what the embedded broker speaks: "
            "pass --kafka HOST:PORT too, or leave it out"
        )
    with claim(data_dir), Supervisor() as children:
        try:
            if archive is None:
                archive = str(_own_archive(data_dir, keep=kafka is not None))
            if kafka is None and redis is not None:
                _require_empty(redis)
            if kafka is None and archive:
                _require_new(archive)
            bootstrap = kafka or _start_broker(children, data_dir, out)
            redis_url = redis or _start_redis(children, data_dir, keep=kafka is not None, out=out)
            settings = given.model_copy(
                update={
                    "kafka": bootstrap,
                    "redis": SecretStr(redis_url),
                    "plan": plan,
                    "host": host,
                    "port": port,
                    "api_token": given.api_token or SecretStr(kept_token(data_dir)),
                    "archive": archive,
                }
            )
            if "open_operations" not in given.model_fields_set:  # who tries it looks at everything
                settings = settings.model_copy(update={"open_operations": is_loopback(host)})
            if demo and "census_every" not in given.model_fields_set:  # weeks of its customers pass in minutes
                settings = settings.model_copy(update={"census_every": DEMO_CENSUS})
            keys = children.patiently(lambda: prepare(settings))
            env = _environment(settings, data_dir)
            logs = data_dir / "logs"
            beside_worker = {"RAPPORT_OPERATIONS_PORT": "0"} if given.operations_port == given.metrics_port else {}
            children.run("collector and API", roles.serve, logs / "serve.log", env | beside_worker)
            children.run("worker", roles.work, logs / "worker.log", env)
            beside = env | {"RAPPORT_METRICS_PORT": "0"}  # their metrics are on the one port with all others
            _run_beside(children, roles, settings, logs, beside, out)
            url = f"http://{'127.0.0.1' if host in ('0.0.0.0', '::') else host}:{port}"
            _await_ready(children, url, _token(settings))
            connection = Connection(
                url=url,
                write_keys=keys,
                api_token=_token(settings),
                kafka=bootstrap,
                redis=redis_url,
                plan=str(settings.plan),
                archive=archive,
            )
            write_connection(data_dir, connection)
            playing = roles.demo if demo == "shop" else [*roles.demo, demo or ""]
            customers = children.run("demo", playing, logs / "demo.log", env) if demo else None
            _say_where(out, connection, data_dir, time.monotonic() - began, demo, embedded_broker=kafka is None)
            if is_loopback(host):
                _say_console(out, connection)
            _watch(children, customers, out)
        except StopAsked:
            out.print("Stopping…")


def _plan(given: Settings, demo: BusinessName | None) -> Path:
    """The plan where none is named: that of the demo, where it is not the usual one."""
    return default_plan(given) if demo in (None, "shop") or "plan" in given.model_fields_set else shipped_plan(demo)


def _run_beside(
    children: Supervisor, roles: Roles, settings: Settings, logs: Path, env: dict[str, str], out: Console
) -> None:
    """What runs beside the worker, as far as it is wanted."""
    if roles.ingest is not None:
        children.run("ingest worker", roles.ingest, logs / "ingest.log", env)
    if settings.archive:
        children.run("archive", roles.archive, logs / "archive.log", env)
    if settings.refit_every and _can_refit(out):
        children.run("nightly model", roles.refit, logs / "refit.log", env)
    if (settings.audiences or settings.archive) and load_plan(settings.plan).file.audiences:
        children.run("audiences", roles.audiences, logs / "audiences.log", env)
    if _can_deliver(settings, out):
        children.run("delivery", roles.deliver, logs / "deliver.log", env)


def _can_deliver(settings: Settings, out: Console) -> bool:
    """Whether the plan has sinks that can be told; says so if they cannot, as nothing else depends on it."""
    plan = load_plan(settings.plan)
    if not plan.file.sinks:
        return False
    from streams.sinks.environment import outlets  # noqa: PLC0415  (wanted by plans with sinks alone)

    try:
        outlets(plan, os.environ)
    except Misconfigured as error:
        out.print(f"The plan's sinks are told nothing: {error}", soft_wrap=True, markup=False)
        return False
    return True


def _can_refit(out: Console) -> bool:
    """Whether the nightly model can be grown here; says so if not, as nothing else depends on it."""
    if find_spec("sklearn") is not None:
        return True
    out.print("RAPPORT_REFIT_EVERY asks for a nightly model, which needs scikit-learn: pip install '.[nightly]'")
    return False


def _watch(children: Supervisor, customers: Process | None, out: Console) -> None:
    """Stay until a signal (StopAsked) or the end of a child (ChildEnded)."""
    while True:
        if customers and not customers.alive and customers.returncode == 0:
            children.release(customers)
            customers = None
            out.print("The demo has sent everything. Rapport goes on; Ctrl-C stops it.")
        children.check()
        time.sleep(0.1)


def _start_broker(children: Supervisor, data_dir: Path, out: Console) -> str:
    broker = embedded.Broker(data_dir, reaper=children.reaper)
    children.serve(broker, PATIENCE)
    whose = "for you alone" if broker.fenced else "for every user of this machine"
    out.print(
        f"Kafka   embedded on {broker.bootstrap}, {whose}. It is in memory: events in flight end with it.",
        soft_wrap=True,
    )
    return broker.bootstrap


def _start_redis(children: Supervisor, data_dir: Path, *, keep: bool, out: Console) -> str:
    # Beside a broker that begins empty, the offsets of an older Redis would point at events that are not there.
    name = "redis" if keep else "redis.scratch"
    server = embedded.Redis(data_dir, keep=keep, reaper=children.reaper, name=name)
    children.serve(server, PATIENCE)
    kept = f"its data stay in {server.directory}." if keep else "like the broker, it begins empty."
    out.print(f"Redis   embedded on 127.0.0.1:{server.port}, version {server.version}; {kept}", soft_wrap=True)
    return server.url


def _require_empty(redis: str) -> None:
    """The embedded broker begins empty, so a Redis beside it has to."""
    try:
        size = ask_redis(redis, ["DBSIZE"])[0]
    except (OSError, RedisRefused, ValueError) as error:
        raise Misconfigured(f"Redis of --redis does not answer: {error}") from error
    if size:
        raise Misconfigured(
            f"the Redis of --redis holds {size} keys already, but the embedded broker begins empty, so the offsets "
            "there would point at events that are gone. Pass --kafka HOST:PORT too, or another, empty database "
            "(the number at the end of the URL)."
        )


def _require_new(archive: str) -> None:
    """And an archive beside it, too."""
    from analysis.archive.folder import Folder  # noqa: PLC0415  (pyarrow takes half a second to import)
    from analysis.archive.manifests import load  # noqa: PLC0415  (same)

    if load(Folder(archive)).number:
        raise Misconfigured(
            f"the archive in {archive} continues a log that the embedded broker, which begins empty, does not have. "
            "Pass --kafka HOST:PORT too, or another folder to --archive."
        )


def _own_archive(data_dir: Path, *, keep: bool) -> Path:
    """The archive of whoever names none. Beside the embedded broker, which begins empty, it does too."""
    if keep:
        return data_dir / "archive"
    scratch = data_dir / "archive.scratch"
    shutil.rmtree(scratch, ignore_errors=True)
    return scratch


def _environment(settings: Settings, data_dir: Path) -> dict[str, str]:
    """The children's environment: ours, with these settings spelt out as RAPPORT_*."""
    env = dict(os.environ)
    env.update(
        RAPPORT_KAFKA=settings.kafka,
        RAPPORT_REDIS=settings.redis.get_secret_value(),
        RAPPORT_PLAN=str(settings.plan),
        RAPPORT_HOST=settings.host,
        RAPPORT_PORT=str(settings.port),
        RAPPORT_API_TOKEN=_token(settings),
        RAPPORT_OPEN_OPERATIONS=str(settings.open_operations).lower(),
        RAPPORT_ARCHIVE=settings.archive,
        RAPPORT_AUDIENCES=settings.audiences,
        RAPPORT_CENSUS_EVERY=str(settings.census_every),
        RAPPORT_REFIT_EVERY=str(settings.refit_every),
        RAPPORT_DATA_DIR=str(data_dir),
        PYTHONUNBUFFERED="1",
        PROMETHEUS_MULTIPROC_DIR=str(_metrics_dir(data_dir)),  # so that /metrics shows the worker's, too
    )
    root = str(Path(__file__).resolve().parents[2])
    if root not in (*site.getsitepackages(), sysconfig.get_path("purelib")):
        env["PYTHONPATH"] = os.pathsep.join(filter(None, (root, env.get("PYTHONPATH"))))  # run from a checkout
    return env


def _metrics_dir(data_dir: Path) -> Path:
    """An empty directory for the children's metrics; those of the last run count no more."""
    directory = data_dir / "metrics"
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir()
    return directory


def _token(settings: Settings) -> str:
    return settings.api_token.get_secret_value() if settings.api_token else ""


def _require_keys(host: str, plan: Plan) -> None:
    require_own_keys(host, plan, trial=True)
    plan.trust.require_key()


def _listenable(host: str, port: int, data_dir: Path) -> int:
    """The port to use, after a look whether it is free.

    Raises:
        Misconfigured: another one, with the same data directory, runs already.
        WrongUse: it is taken, or not ours to use.
    """
    if data_dir.exists():
        with claim(data_dir):  # a second start is told of the first, rather than of its port
            pass
    if port == 0:
        return free_port(host)
    try:
        with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host, port))
            probe.listen(1)
    except OSError as error:
        raise WrongUse(f"cannot listen on {host}:{port} ({error.strerror}): say another --port") from error
    return port


def _await_ready(children: Supervisor, url: str, token: str) -> None:
    """Wait for `/ready`.

    Raises:
        Misconfigured: it does not come in time; with its last answer.
    """
    last = "no answer"

    def ready() -> bool:
        nonlocal last
        try:
            answer = client.get("/ready")
        except httpx.HTTPError as error:
            last = str(error)
            return False
        last = f"{answer.status_code} {answer.text[:500]}"
        return answer.status_code == 200

    headers = {"Authorization": f"Bearer {token}"}  # for what exactly does not answer
    with httpx.Client(base_url=url, headers=headers, timeout=2.0, trust_env=False) as client:
        if not children.until(ready, PATIENCE):
            raise Misconfigured(f"not ready after {PATIENCE:g} s: {url}/ready says: {last}")


def _say_where(
    out: Console,
    connection: Connection,
    data_dir: Path,
    seconds: float,
    demo: BusinessName | None,
    *,
    embedded_broker: bool,
) -> None:
    url = connection.url
    shown = Path(os.path.relpath(data_dir)) if data_dir.is_relative_to(Path.cwd()) else data_dir
    lines = [
        f"Events     POST {url}/v1/batch (Segment's API)",
        f"Profiles   {url}/v1/profiles?order=risk",
        f"API        {url}/docs",
        f"Keys       {shown / 'rapport.json'}",
        f"Logs       {shown / 'logs'}",
    ]
    if embedded_broker:
        lines.append("Embedded   for trying it: the next start begins empty (else --kafka)")
    title = f"Rapport is ready ({seconds:.1f} s). Ctrl-C stops it."
    out.print(Panel.fit("\n".join(lines), title=title, title_align="left"))
    if demo:
        out.print(BUSINESSES[demo].arrive, soft_wrap=True)
        for command in BUSINESSES[demo].look:
            out.print(f"  {command}", soft_wrap=True)
    key = next(iter(connection.write_keys.values()), "WRITE_KEY")
    event = '"Signed In"' if demo == "b2b" else '"Product Viewed","properties":{"product_id":"P101"}'
    body = f'{{"userId":"42","event":{event}}}'
    when = " (best once the demo has reached the present: its clock is that of the events)" if demo else ""
    out.print(f"Send an event, and read who sent it{when}:")
    for line in (
        f"  curl -u {key}: -H 'Content-Type: application/json' -d '{body}' {url}/v1/track",
        "  rapport profile user_id:42",
    ):
        out.print(line, soft_wrap=True)


def _say_console(out: Console, connection: Connection) -> None:
    """Who has started it may see all of it: a link signs them in, once."""

    async def make(store: AccessStore) -> str:
        if await store.account(OWNER) is None:
            await store.put_account(Account(name=OWNER, role="admin", created=time.time()))
        return await Sessions(store).make_link(OWNER)

    secret = asyncio.run(with_access(connection.redis, make))
    out.print("Open the console (signs you in once, within 15 minutes; `rapport users link owner` makes another):")
    out.print(f"  {connection.url}/sign-in/{secret}", soft_wrap=True)


def register(app: CommandLine) -> None:
    """Add the command `up`."""

    @app.command("up", bare={"--demo": "shop"})
    def command(
        data_dir: Annotated[
            Path, typer.Option(envvar="RAPPORT_DATA_DIR", help="Where logs, keys and data go.", file_okay=False)
        ] = Path(".rapport"),
        host: Annotated[str, typer.Option(envvar="RAPPORT_HOST", help="Address to listen on.")] = "127.0.0.1",
        port: Annotated[
            int, typer.Option(envvar="RAPPORT_PORT", min=0, max=65535, help="Port of all HTTP; 0 for a free one.")
        ] = 8000,
        kafka: Annotated[
            str | None, typer.Option(envvar="RAPPORT_KAFKA", help="Your Kafka, HOST:PORT[,…]. [default: embedded]")
        ] = None,
        redis: Annotated[
            str | None, typer.Option(envvar="RAPPORT_REDIS", help="Your Redis, a URL. [default: embedded]")
        ] = None,
        plan: Annotated[
            Path | None,
            typer.Option(help="The tracking plan. [default: ./tracking_plan.yaml, else the shop's that we ship]"),
        ] = None,
        demo: Annotated[
            BusinessName | None,
            typer.Option(
                "--demo", metavar="[shop|b2b]", help="Also load the past of a simulated shop, or of companies (b2b)."
            ),
        ] = None,
        archive: Annotated[
            str | None,
            typer.Option(
                envvar="RAPPORT_ARCHIVE",
                help="Where events are archived, for analyses: a folder or an fsspec URL; '' for nowhere. [default: in "
                "the data directory; begins empty with the embedded broker]",
                show_default=False,
            ),
        ] = None,
    ) -> None:
        """Run everything here, in the foreground: Kafka and Redis (embedded unless given), collector, worker, API.

        Ready within seconds. Prints where things are and writes the keys to DATA_DIR/rapport.json, for your eyes
        only. Ctrl-C stops all of it. The embedded broker is in memory: without --kafka, each start begins empty.
        """
        up(
            data_dir=data_dir, host=host, port=port, kafka=kafka, redis=redis, plan=plan, demo=demo,
            archive=archive,
        )  # fmt: skip
