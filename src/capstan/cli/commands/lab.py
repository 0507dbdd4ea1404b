"""`capstan lab up`: the simulated Proxmox VE, and what boots on it, on real sockets of this machine alone."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import click

from capstan.cli.place import write_private
from capstan.cli.running import run, stop_on_signals

if TYPE_CHECKING:
    from capstan.sim.datacenter import DatacenterSettings


@click.command()
@click.option("--pve-port", default=8006, show_default=True, help="Port of the Proxmox VE API; 0 takes a free one.")
@click.option("--proxy-port", default=8007, show_default=True, help="Port of the proxy to the machines; 0 likewise.")
@click.option("--env-file", type=click.Path(dir_okay=False), help="Also write the exports to this file.")
@click.option("--instant", is_flag=True, help="Nothing takes time.")
@click.option("--without-template", is_flag=True, help="A new host: no Talos template on it yet.")
@click.option("--seed", default=0, help="Other keys and addresses.")
@click.option("--host-memory", default=64, show_default=True, help="Memory of each of the three hosts, in GiB.")
def up(
    pve_port: int,
    proxy_port: int,
    env_file: str | None,
    instant: bool,
    without_template: bool,
    seed: int,
    host_memory: int,
) -> None:
    """Run the simulated Proxmox VE, Talos machines and workload clusters.

    Prints what to export, so that `capstan up` and other clients work against it as against a real host. Machines
    have the addresses of the manifests; they are reached through the proxy. Nothing outlives the command.
    """
    run(_main(pve_port, proxy_port, env_file, _settings(instant, not without_template, seed, host_memory)))


def _settings(instant: bool, has_template: bool, seed: int, host_memory: int) -> DatacenterSettings:
    from dataclasses import replace

    from capstan.sim.lab.lab import INSTANT_SETTINGS, LAB_SETTINGS

    settings = INSTANT_SETTINGS if instant else LAB_SETTINGS
    return replace(settings, seed=seed, has_template=has_template, host_memory_gib=host_memory)


async def _main(pve_port: int, proxy_port: int, env_file: str | None, settings: DatacenterSettings) -> None:
    from capstan.sim.lab.lab import Lab

    lab = Lab(settings)
    stopping = stop_on_signals()
    try:
        access = await lab.start(pve_port=pve_port, proxy_port=proxy_port)
        exports = "".join(f"export {name}={shlex.quote(text)}\n" for name, text in access.environment.items())
        if env_file:
            write_private(Path(env_file), exports.encode())
        click.echo(f"Simulated Proxmox VE: {access.pve_url} (and {access.pve_name_url} through the proxy)")
        click.echo(f"Its certificate's fingerprint: {access.fingerprint}")
        click.echo(exports, nl=False)
        await stopping.wait()
    finally:
        await lab.stop()
