"""`rapport mcp`: language models read the live profile, over stdio."""

from __future__ import annotations

from typing import Annotated

import typer

from console.clients.support import support
from console.clients.target import Target, with_target
from profiles.errors import Misconfigured

__all__ = ["register"]

HELP = """Let a language model read live profiles: an MCP server over stdio.

Twelve tools that read, from find_customer to pipeline_status; with --allow-write two that act on cases. What the token
may not see, the model does not. Texts of customers are marked as untrusted. The console has the same at /mcp.

Examples:

    rapport mcp
    rapport mcp --url https://cdp.example.com --token "$TOKEN"
    rapport mcp --allow-write
"""


def register(app: typer.Typer) -> None:
    """Add the command to the application."""

    @app.command(help=HELP)
    @with_target
    def mcp(
        target: Target,
        allow_write: Annotated[
            bool,
            typer.Option("--allow-write", help="Also acknowledge_case and add_note; the token needs alerts:write."),
        ] = False,
    ) -> None:
        try:
            from console.mcp.server import stdio_server  # noqa: PLC0415  (an extra)
        except ModuleNotFoundError as error:
            raise Misconfigured("the MCP server is an extra: pip install 'rapport-cdp[mcp]'") from error
        with support(target) as api:
            api.call("GET", "/health")  # said now rather than with the first question of the model
        found = target.find()
        stdio_server(found.url, found.token, write=allow_write).run("stdio")
