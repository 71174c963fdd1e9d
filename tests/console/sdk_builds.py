"""What tests need to run released SDKs: fetched and built once in the versions of their locks, kept between runs."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

__all__ = ["SDKS", "go_program", "java_classes", "node_modules"]

SDKS = Path(__file__).parent / "sdks"

Command = Sequence[str | Path]


def node_modules() -> Path:
    """The SDKs for Node.js and for browsers, installed by npm."""
    needs = [SDKS / "package.json", SDKS / "package-lock.json"]
    commands = [["npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts"]]
    return _built("node", ["node", "npm"], needs, commands) / "node_modules"


def go_program() -> Path:
    """The program that sends by the SDKs for Go."""
    needs = [SDKS / "go" / name for name in ("go.mod", "go.sum", "main.go")]
    return _built("go", ["go"], needs, [["go", "build", "-mod=readonly", "-o", "send", "."]]) / "send"


def java_classes() -> str:
    """The class path of the program that sends by the SDKs for Java."""
    needs = [SDKS / "java" / name for name in ("pom.xml", "Send.java")]
    commands: list[Command] = [
        ["mvn", "-q", "-B", "dependency:copy-dependencies", "-DoutputDirectory=lib"],
        ["javac", "-cp", "lib/*", "-d", "classes", "Send.java"],
    ]
    directory = _built("java", ["java", "javac", "mvn"], needs, commands)
    return f"{directory / 'classes'}:{directory / 'lib'}/*"


def _built(name: str, tools: Sequence[str], needs: Sequence[Path], commands: Sequence[Command]) -> Path:
    """The directory in which commands have made something of some files; each version of these has its own."""
    missing = [tool for tool in tools if not shutil.which(tool)]
    if missing:
        _give_up(f"needs {' and '.join(missing)} on PATH")
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "rapport-tests"
    version = hashlib.sha256(b"".join(need.read_bytes() for need in needs)).hexdigest()[:12]
    directory = home / f"{name}-{version}"
    directory.mkdir(parents=True, exist_ok=True)
    with (directory / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # another test run may be building
        if not (directory / "complete").exists():
            for need in needs:
                (directory / need.name).write_bytes(need.read_bytes())
            for command in commands:
                done = subprocess.run(command, cwd=directory, capture_output=True, text=True, check=False, timeout=240)
                if done.returncode:
                    _give_up(f"{command[0]} failed: {done.stdout[-500:]}{done.stderr[-500:]}")
            (directory / "complete").touch()
    return directory


def _give_up(reason: str) -> None:
    if os.environ.get("RAPPORT_TEST_REQUIRE") == "apache":
        pytest.fail(reason)
    pytest.skip(reason)
