"""`python -m salesdash` is the command line."""

from salesdash.cli import app

app()
