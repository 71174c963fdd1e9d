"""`python -m console.local.role NAME`: a child of `rapport up`. Imports only what the role needs: all start sooner."""

from __future__ import annotations

import sys
from importlib import import_module

from console.terminal.frame import CommandLine

__all__ = ["main"]


def main() -> None:
    """Run the role that the first argument names: serve, work, archive, deliver, audiences, refit or demo."""
    app = CommandLine()
    app.callback()(lambda: None)  # else a single command would lose its name
    named = {"archive", "audiences", "deliver", "demo", "refit"}
    module = import_module(f"console.commands.{sys.argv[1] if sys.argv[1] in named else 'roles'}")
    if hasattr(module, "register"):
        module.register(app)
    else:
        app.add_typer(module.app)
    app()


if __name__ == "__main__":
    main()
