"""`python -m console` is `rapport`."""

from console.cli import main

main()
