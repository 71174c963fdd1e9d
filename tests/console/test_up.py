"""`rapport up`: readiness, keys, and that nothing is ever left behind. Real servers, stand-in roles."""

from __future__ import annotations

import json
import os
import signal
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from analysis.archive.folder import Folder
from console.commands.up import up
from console.local.connection import claim, kept_token, read_connection
from console.local.embedded import Redis
from console.local.process import Reaper
from console.local.resp import ask_redis
from profiles.errors import Misconfigured, WrongUse
from streams.archive.manifest_log import ManifestLog
from tests import REPOSITORY
from tests.plans import BASE
from tests.telling import SECRET

SERVE = """
import http.server, os
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200); self.end_headers(); self.wfile.write(b"ready")
http.server.HTTPServer((os.environ["RAPPORT_HOST"], int(os.environ["RAPPORT_PORT"])), Handler).serve_forever()
"""
WAIT = "import time; time.sleep(600)"
# A worker that will not listen and has a child that will not either.
STUBBORN = """
import os, signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
os.fork()
time.sleep(600)
"""
UP = """
import os, sys
from pathlib import Path
from console.commands.up import Roles, up
data_dir, serve, work, demo, with_demo = sys.argv[1:]
played = "shop" if with_demo else None
def role(code): return [sys.executable, "-c", code]
sys.exit(up(data_dir=Path(data_dir), port=0, demo=played, prepare=lambda settings: {"web": "web_key"},
            roles=Roles(serve=role(serve), work=role(work), demo=role(demo),
                        deliver=role(os.environ.get("OWN_DELIVER", "")))))
"""

Start = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    running: list[subprocess.Popen[str]] = []

    def _start(work: str = WAIT, demo: str = "", **more: str) -> subprocess.Popen[str]:
        env = {key: value for key, value in os.environ.items() if not key.startswith("RAPPORT_")}
        env |= {"PYTHONPATH": str(REPOSITORY), **more}
        command = [sys.executable, "-c", UP, str(tmp_path / "data"), SERVE, work, demo, "yes" if demo else ""]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=env)
        running.append(process)
        return process

    yield _start
    for process in running:
        process.kill()
        process.wait()
        if process.stdout:
            process.stdout.close()


def read_until(process: subprocess.Popen[str], text: str) -> str:
    """Its output up to the line with the text; fails when it ends before."""
    seen = ""
    assert process.stdout
    for line in process.stdout:
        seen += line
        if text in line:
            return seen
    raise AssertionError(f"{text!r} never came:\n{seen}")


def family(process: subprocess.Popen[str]) -> list[psutil.Process]:
    return psutil.Process(process.pid).children(recursive=True)


def gone(processes: list[psutil.Process], timeout: float) -> bool:
    deadline = time.monotonic() + timeout
    while time.monotonic() < deadline:
        if not [p for p in processes if p.is_running() and p.status() != psutil.STATUS_ZOMBIE]:
            return True
        time.sleep(0.05)
    return False


def test_ready_with_private_keys_then_sigterm_stops_everything(start: Start, tmp_path: Path) -> None:
    began = time.monotonic()
    process = start()
    output = read_until(process, "rapport profile user_id:42")
    assert time.monotonic() - began < 120  # seconds; a busy machine is allowed for, the real start is timed by CI
    assert "in memory" in output

    path = tmp_path / "data" / "rapport.json"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    details = json.loads(path.read_text())
    assert set(details) == {"url", "write_keys", "api_token", "kafka", "redis", "plan", "archive"}
    assert details["write_keys"] == {"web": "web_key"}
    assert details["url"] in output
    assert details["api_token"] not in output
    assert ask_redis(details["redis"], ["PING"]) == ["PONG"]

    children = family(process)
    assert len(children) >= 5  # broker, Redis, two roles, the reaper
    began = time.monotonic()
    process.send_signal(signal.SIGTERM)
    assert process.wait(60) == 0
    assert time.monotonic() - began < 60
    assert gone(children, 20)


def test_a_worker_that_will_not_listen_is_killed_with_its_children(start: Start) -> None:
    process = start(STUBBORN)
    read_until(process, "user_id:42")
    children = family(process)
    process.send_signal(signal.SIGINT)
    assert process.wait(60) == 0
    assert gone(children, 20)


def test_a_second_ctrl_c_does_not_wait(start: Start) -> None:
    process = start(STUBBORN)
    read_until(process, "user_id:42")
    children = family(process)
    process.send_signal(signal.SIGINT)
    time.sleep(0.5)
    process.send_signal(signal.SIGINT)
    assert process.wait(30) == 0
    assert gone(children, 20)


def test_killing_up_itself_leaves_nothing_behind(start: Start) -> None:
    process = start(STUBBORN)
    read_until(process, "user_id:42")
    children = family(process)
    process.kill()
    assert gone(children, 8)


def test_says_which_child_died_and_why(start: Start) -> None:
    process = start("import sys, time; time.sleep(3); sys.exit('the reason')", demo="import time; time.sleep(600)")
    read_until(process, "user_id:42")
    children = family(process)
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "the worker ended (exit status 1)" in output
    assert "the reason" in output
    assert gone(children, 20)


def test_a_child_that_cannot_start_ends_up_before_it_is_ready(start: Start) -> None:
    process = start("raise SystemExit('no plan')")
    output, _ = process.communicate(timeout=20)
    assert process.returncode == 1
    assert "no plan" in output


def test_a_demo_that_has_finished_is_no_failure(start: Start) -> None:
    process = start(demo="pass")
    read_until(process, "The demo has sent everything")
    process.send_signal(signal.SIGTERM)
    assert process.wait(60) == 0


@pytest.mark.parametrize("told", [True, False])
def test_a_plan_with_sinks_is_delivered_as_far_as_they_can_be_told(start: Start, tmp_path: Path, told: bool) -> None:
    """Without their variables it says which are missing, and all the rest runs."""
    plan, mark = tmp_path / "plan.yaml", tmp_path / "delivers"
    plan.write_text(BASE.replace("alerts:\n", "sinks: {crm: {type: webhook}}\nalerts:\n"))
    secrets = {"RAPPORT_SINK_CRM_URL": "https://crm.example/", "RAPPORT_SINK_CRM_SECRET": SECRET} if told else {}
    own = f"import pathlib, time; pathlib.Path({str(mark)!r}).touch(); time.sleep(600)"
    process = start(RAPPORT_PLAN=str(plan), OWN_DELIVER=own, **secrets)
    output = read_until(process, "rapport profile user_id:42")
    assert ("told nothing: sinks.crm needs RAPPORT_SINK_CRM_URL" in output) is not told
    if told:
        deadline = time.monotonic() + 60
        while not mark.exists():
            assert time.monotonic() < deadline
            time.sleep(0.05)
    assert mark.exists() is told


def test_the_token_is_kept_and_the_scratch_redis_is_not(start: Start, tmp_path: Path) -> None:
    tokens = []
    for _ in range(2):
        process = start()
        read_until(process, "user_id:42")
        details = read_connection(tmp_path / "data")
        tokens.append(details.api_token)
        assert ask_redis(details.redis, ["EXISTS", "left"], ["SET", "left", "over"]) == [0, "OK"]
        process.send_signal(signal.SIGTERM)
        process.wait(60)
    assert tokens[0] == tokens[1]
    assert stat.S_IMODE((tmp_path / "data" / "api_token").stat().st_mode) == 0o600


def test_a_taken_port_is_said_before_anything_starts(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(Misconfigured, match=f"cannot listen on 127.0.0.1:{port} .* --port"):
            up(data_dir=tmp_path / "data", port=port)
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize("same_port", [False, True])
def test_two_do_not_share_a_data_directory(tmp_path: Path, same_port: bool) -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as taken,
        claim(tmp_path),
        pytest.raises(Misconfigured, match="another `rapport up` runs"),
    ):
        up(data_dir=tmp_path, port=taken.getsockname()[1] if same_port else 0)


def test_a_key_that_no_worker_could_do_without_is_asked_for_before_anything_starts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("RAPPORT_USER_ID_KEY", raising=False)
    plan = tmp_path / "plan.yaml"
    shipped = (REPOSITORY / "tracking_plan.yaml").read_text()
    plan.write_text(shipped.replace("verify_user_ids: off", "verify_user_ids: required"))
    with pytest.raises(WrongUse, match="RAPPORT_USER_ID_KEY is not set"):
        up(data_dir=tmp_path / "data", port=0, plan=plan)
    assert not (tmp_path / "data").exists()


def test_the_embedded_broker_wants_an_empty_redis(tmp_path: Path) -> None:
    with Reaper() as reaper:
        server = Redis(tmp_path, reaper=reaper)
        server.start()
        server.ready(10)
        ask_redis(server.url, ["SET", "profile", "old"])
        try:
            with pytest.raises(Misconfigured, match=r"holds 1 keys already.*--kafka"):
                up(data_dir=tmp_path / "data", port=0, redis=server.url, prepare=lambda settings: {})
            with pytest.raises(Misconfigured, match="does not answer"):
                up(data_dir=tmp_path / "data", port=0, redis="redis://127.0.0.1:1/0", prepare=lambda settings: {})
        finally:
            server.stop()


def test_the_embedded_broker_wants_a_new_archive(tmp_path: Path) -> None:
    ManifestLog(Folder(str(tmp_path / "archive")), "token", time.time, owner=True).start("profile.events", 16)
    with pytest.raises(Misconfigured, match="another folder to --archive"):
        up(data_dir=tmp_path / "data", port=0, archive=str(tmp_path / "archive"), prepare=lambda settings: {})


def test_a_wrong_setting_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAPPORT_PARTITIONS", "many")
    with pytest.raises(Misconfigured, match="RAPPORT_PARTITIONS"):
        up(data_dir=tmp_path, port=0)


def test_connection_details_say_what_to_do_when_missing(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match="start `rapport up` first"):
        read_connection(tmp_path)
    assert kept_token(tmp_path) == kept_token(tmp_path)
