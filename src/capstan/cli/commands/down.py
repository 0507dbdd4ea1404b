"""`capstan down`: end the management plane of a data directory, and wait until it has ended."""

from __future__ import annotations

import os
import select
import signal

import click

from capstan.cli.place import Place, place_option

WAIT_SECONDS = 30


@click.command()
@place_option
def down(place: Place) -> None:
    """Stop the management plane of a data directory. Machines go on running."""
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
