"""What `rapport up` leaves in its data directory for other commands: where it listens, and its keys.

`rapport.json` is mode 600 from the first instant and replaced atomically: {"url", "write_keys": {source: key},
"api_token", "kafka", "redis", "plan", "archive"}.
"""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Iterator
from pathlib import Path

import msgspec

from profiles.errors import Misconfigured

__all__ = ["Connection", "claim", "has_ended", "kept_token", "read_connection", "write_connection"]


class Connection(msgspec.Struct, frozen=True, kw_only=True):
    """How to reach a running Rapport."""

    url: str
    write_keys: dict[str, str]
    api_token: str
    kafka: str
    redis: str
    plan: str = ""
    archive: str = ""


def read_connection(data_dir: Path) -> Connection:
    """The connection details of the last `rapport up` in this data directory.

    Raises:
        Misconfigured: there are none, or they cannot be read.
    """
    path = data_dir / "rapport.json"
    try:
        return msgspec.json.decode(path.read_bytes(), type=Connection)
    except FileNotFoundError as error:
        raise Misconfigured(f"{path} is not there: start `rapport up` first, or say --data-dir") from error
    except (OSError, msgspec.MsgspecError) as error:
        raise Misconfigured(f"{path} cannot be read ({error}): start `rapport up` again") from error


def write_connection(data_dir: Path, connection: Connection) -> Path:
    """Write `rapport.json`, readable by its owner only, and return its path."""
    path = data_dir / "rapport.json"
    _write_private(path, msgspec.json.format(msgspec.json.encode(connection), indent=2) + b"\n")
    return path


def kept_token(data_dir: Path) -> str:
    """The API token of this data directory, made at the first call and the same ever after."""
    path = data_dir / "api_token"
    with contextlib.suppress(FileNotFoundError):
        if token := path.read_text(encoding="ascii").strip():
            return token
    token = secrets.token_urlsafe(32)
    _write_private(path, token.encode() + b"\n")
    return token


@contextlib.contextmanager
def claim(data_dir: Path) -> Iterator[None]:
    """Make the data directory (mode 700) and hold it, so that two `rapport up` never share one.

    Raises:
        Misconfigured: another one holds it, or it cannot be written.
    """
    import fcntl  # noqa: PLC0415  (POSIX only, as `rapport up` is)

    try:
        data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        lock = os.open(data_dir / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise Misconfigured(f"cannot write to {data_dir} ({error.strerror}): say --data-dir DIRECTORY") from error
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise Misconfigured(
                f"another `rapport up` runs in {data_dir}: stop it first, or start this one with another "
                "--data-dir and --port"
            ) from error
        yield
    finally:
        os.close(lock)


def has_ended(data_dir: Path) -> bool:
    """Whether there was a `rapport up` in a data directory, and none runs there now."""
    import fcntl  # noqa: PLC0415  (POSIX only, as `rapport up` is)

    try:
        lock = os.open(data_dir / "lock", os.O_RDONLY)
    except OSError:
        return False
    try:
        fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return False
    finally:
        os.close(lock)
    return True


def _write_private(path: Path, content: bytes) -> None:
    part = path.with_name(f".{path.name}.{os.getpid()}")
    part.unlink(missing_ok=True)
    with open(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)
