"""`capstan image ensure`: the Talos template on Proxmox VE, so that a new host needs no manual step."""

from __future__ import annotations

import asyncio
import os

import click


@click.command()
@click.option("--node", "nodes", multiple=True, required=True, help="Proxmox VE node; may be repeated.")
@click.option("--talos-version", default="v1.11.6", show_default=True, help="Version of Talos Linux.")
@click.option("--schematic", default="", help="Image Factory schematic id; by default that of --extension.")
@click.option("--extension", "extensions", multiple=True, help="Official system extension; may be repeated.")
@click.option("--kernel-arg", "kernel_args", multiple=True, help="Kernel argument; may be repeated.")
@click.option("--factory", default="factory.talos.dev", show_default=True, help="Host of the Image Factory.")
@click.option("--url", default="", help="Take this image instead of the factory's: .qcow2, .raw or .vmdk.")
@click.option("--checksum", default="", help="Checksum of the image, in hexadecimal digits.")
@click.option("--checksum-algorithm", default="sha256", show_default=True, help="Its algorithm.")
@click.option("--vmid", default=0, help="VMID of the template on the first node; by default a free one.")
@click.option("--name", default="", help="Name of the template; by default talos-VERSION.")
@click.option("--image-storage", default="", help="Storage for the image (content import).")
@click.option("--disk-storage", default="", help="Storage for the template's disk.")
@click.option("--tag", "tags", multiple=True, help="Tag of the template, for templateTags; may be repeated.")
@click.option("--pool", default="", help="Resource pool of the template.")
@click.option("--disk-gib", default=0, help="Size of the template's disk, GiB.")
def ensure(nodes: tuple[str, ...], vmid: int, **wish: object) -> None:
    """Make the Talos template on Proxmox VE, or say that it is there.

    Reads PROXMOX_URL, PROXMOX_TOKEN and PROXMOX_SECRET. Can be run again at any time: it goes on where it was.
    """
    asyncio.run(_ensure(nodes, vmid, wish))


async def _ensure(nodes: tuple[str, ...], vmid: int, wish: dict[str, object]) -> None:
    from capstan.cli.environment import proxmox_from_environment
    from capstan.generate.parameters import Talos
    from capstan.generate.schematics import disk_image_url
    from capstan.providers.proxmox.client import ProxmoxClient
    from capstan.providers.proxmox.image.ensure import TemplateWish, ensure_template
    from capstan.providers.proxmox.transport_http import HttpTransports
    from capstan.runtime.clock import SystemClock
    from capstan.runtime.dialer import Dialer

    endpoint = proxmox_from_environment(os.environ)
    if endpoint is None:
        raise click.ClickException("set PROXMOX_URL, PROXMOX_TOKEN and PROXMOX_SECRET to reach Proxmox VE")
    talos = Talos(
        version=str(wish["talos_version"]),
        schematic=str(wish["schematic"]),
        extensions=tuple(wish["extensions"]),  # type: ignore[arg-type]
        kernel_args=tuple(wish["kernel_args"]),  # type: ignore[arg-type]
        factory=str(wish["factory"]),
    )
    transport = HttpTransports(Dialer.from_environment().proxy_for).connect(endpoint)
    client = ProxmoxClient(transport, SystemClock())
    try:
        for number, node in enumerate(nodes):
            ready = await ensure_template(
                client,
                TemplateWish(
                    node=node,
                    name=str(wish["name"]) or f"talos-{talos.version}",
                    url=str(wish["url"]) or disk_image_url(talos),
                    vmid=vmid if number == 0 else 0,
                    checksum=str(wish["checksum"]),
                    checksum_algorithm=str(wish["checksum_algorithm"]),
                    image_storage=str(wish["image_storage"]),
                    disk_storage=str(wish["disk_storage"]),
                    disk_gib=int(str(wish["disk_gib"])),
                    tags=tuple(wish["tags"]),  # type: ignore[arg-type]
                    pool=str(wish["pool"]),
                ),
                lambda line: click.echo(line, err=True),
            )
            click.echo(f"{ready.node} {ready.vmid}")
    finally:
        await client.aclose()
