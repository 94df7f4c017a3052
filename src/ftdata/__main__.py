"""`python -m ftdata`."""

from ftdata.cli import main

main()
