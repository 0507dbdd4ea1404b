"""Commands: argument parsing and the composition root."""

from __future__ import annotations


def main() -> None:
    """The `capstan` command."""
    from capstan.cli.app import app

    app(prog_name="capstan")
