"""`python -m ftdata.cli`."""

from ftdata.cli import main

main()
