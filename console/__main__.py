"""`python -m console` is `rapport`."""

from console.commands.main import main

main()
