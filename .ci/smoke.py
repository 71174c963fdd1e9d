"""Starts `rapport up --demo` as a newcomer would, without Docker, Java or Redis, and looks at what comes out.

usage: smoke.py BIN_DIRECTORY DATA_DIRECTORY
"""

# ruff: noqa: T201  (what it prints is what it is for)

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import psutil


def main(bin_dir: str, data_dir: str) -> None:
    env = {name: value for name, value in os.environ.items() if not name.startswith(("RAPPORT_", "PYTHONPATH"))}
    env["PATH"] = bin_dir  # no redis-server, no java
    began = time.monotonic()
    command = [str(Path(bin_dir, "rapport")), "up", "--demo", "--port", "0", "--data-dir", data_dir]
    up = subprocess.Popen(command, env=env)
    try:
        details = wait_for(lambda: read(Path(data_dir, "rapport.json")), 60, up, "rapport.json")
        seconds = time.monotonic() - began
        print(f"ready after {seconds:.1f} s")
        assert seconds < 30, "fifteen seconds are promised, and twice that is allowed for a busy machine"
        mode = Path(data_dir, "rapport.json").stat().st_mode & 0o777
        assert mode == 0o600, f"rapport.json has mode {mode:o}"

        found = wait_for(lambda: scored(details), 120, up, "a scored profile with its reasons")
        print(f"a scored profile after {time.monotonic() - began:.1f} s:")
        print(json.dumps(found["churn"], indent=2)[:2000])
        refused = status(details["url"] + "/v1/profiles?order=risk", "wrong")
        assert refused == 401, f"a wrong token was answered with {refused}"

        family = psutil.Process(up.pid).children(recursive=True)
        programs = [Path(child.exe()) for child in family]
        ours = [path for path in programs if path.is_relative_to(Path(bin_dir).parent)]
        assert {path.name for path in ours} & {"redis-server", "valkey-server"}, f"not our own Redis: {programs}"
        began = time.monotonic()
        up.send_signal(signal.SIGTERM)
        code = up.wait(10)
        print(f"stopped after {time.monotonic() - began:.1f} s with exit status {code}")
        assert code == 0, f"exit status {code}"
        _, left = psutil.wait_procs(family, timeout=1)
        assert not left, f"left behind: {left}"
    except BaseException:
        for log in sorted(Path(data_dir, "logs").glob("*.log")):
            print(f"---- {log.name}\n{log.read_text(errors='replace')[-3000:]}")
        raise
    finally:
        up.kill()


def wait_for(look: Any, timeout: float, up: subprocess.Popen[bytes], what: str) -> Any:
    deadline = time.monotonic() + timeout
    while time.monotonic() < deadline:
        assert up.poll() is None, f"rapport up ended with {up.returncode} before {what}"
        if found := look():
            return found
        time.sleep(0.25)
    raise AssertionError(f"no {what} within {timeout:g} s")


def read(path: Path) -> Any:
    return json.loads(path.read_bytes()) if path.exists() else None


def scored(details: dict[str, Any]) -> Any:
    url = details["url"] + "/v1/profiles?order=risk&limit=20"
    request = urllib.request.Request(url, headers={"Authorization": f"Bearer {details['api_token']}"})
    with urllib.request.urlopen(request, timeout=10) as answer:
        profiles = json.load(answer)["data"]
    for profile in profiles:
        churn = profile.get("churn") or {}
        if churn.get("risk") is not None and churn.get("reasons"):
            return profile
    return None


def status(url: str, token: str) -> int:
    try:
        request = urllib.request.Request(url, headers={"Authorization": f"Bearer {token}"})
        with urllib.request.urlopen(request, timeout=10) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        with error:
            return error.code


if __name__ == "__main__":
    main(*sys.argv[1:])
