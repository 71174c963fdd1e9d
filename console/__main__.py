"""`rapport`, also as `python -m console`."""

import sys

__all__ = ["main"]


def main() -> None:
    """Run the command line. Ctrl-C while its libraries are still being loaded is no error, either."""
    try:
        from console.commands.main import main as run  # noqa: PLC0415  (what takes long is to be stopped, too)
    except KeyboardInterrupt:
        sys.stderr.write("Error: stopped\n")
        sys.exit(1)
    run()


if __name__ == "__main__":
    main()
