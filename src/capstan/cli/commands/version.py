"""`capstan version`."""

from __future__ import annotations

from importlib.metadata import version as distribution_version

import click


@click.command()
def version() -> None:
    """Print the version."""
    click.echo(f"capstan {distribution_version('capstan-k8s')}")
