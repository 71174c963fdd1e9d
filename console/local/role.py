"""`python -m console.local.role NAME`: a child of `rapport up`. Imports only what the role needs: all start sooner."""

from __future__ import annotations

import sys
from importlib import import_module

from console.terminal.frame import CommandLine

__all__ = ["main"]


def main() -> None:
    """Run the role that the first argument names: serve, work, archive, deliver, refit or demo."""
    app = CommandLine()
    app.callback()(lambda: None)  # else a single command would lose its name
    module = {"archive": "archive", "deliver": "deliver", "demo": "demo", "refit": "refit"}.get(sys.argv[1], "roles")
    import_module(f"console.commands.{module}").register(app)
    app()


if __name__ == "__main__":
    main()
