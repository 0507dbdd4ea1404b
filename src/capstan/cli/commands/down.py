"""`capstan down`: end the management plane of a data directory, and wait until it has ended."""

from __future__ import annotations

import os
import select
import signal
from pathlib import Path

import click

from capstan.cli.place import Place, default_place

WAIT_SECONDS = 30


@click.command()
@click.option("--data-dir", type=click.Path(file_okay=False), help="Directory of the state; by default XDG's.")
def down(data_dir: str | None) -> None:
    """Stop the management plane of a data directory. Machines go on running."""
    place = Place(Path(data_dir)) if data_dir else default_place()
    try:
        pid = int(place.pid_file.read_text())
        descriptor = os.pidfd_open(pid)
    except (FileNotFoundError, ProcessLookupError, ValueError):
        raise click.ClickException(f"no management plane runs on {place.root}") from None
    try:
        signal.pidfd_send_signal(descriptor, signal.SIGTERM)
        ended, _, _ = select.select([descriptor], [], [], WAIT_SECONDS)
    finally:
        os.close(descriptor)
    if not ended:
        raise click.ClickException(f"process {pid} has not ended after {WAIT_SECONDS} s")
    click.echo("Capstan has stopped; its state is in " + str(place.root))
