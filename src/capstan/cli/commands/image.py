"""`capstan image ensure`: the Talos template on Proxmox VE, so that a new host needs no manual step."""

from __future__ import annotations

import asyncio
import os
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from capstan.providers.proxmox.image import TemplateWish
    from capstan.runtime.dialer import Dialer


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
def ensure(nodes: tuple[str, ...], vmid: int, **wish: Any) -> None:
    """Make the Talos template on Proxmox VE, or say that it is there.

    Reads PROXMOX_URL, PROXMOX_TOKEN and PROXMOX_SECRET. Can be run again at any time: it goes on where it was.
    """
    asyncio.run(_ensure(nodes, vmid, wish))


async def _ensure(nodes: tuple[str, ...], vmid: int, wish: dict[str, Any]) -> None:
    from capstan.cli.environment import proxmox_from_environment
    from capstan.providers.proxmox.client import ProxmoxClient
    from capstan.providers.proxmox.image import ensure_template
    from capstan.providers.proxmox.transport_http import HttpTransports
    from capstan.runtime.clock import SystemClock
    from capstan.runtime.dialer import Dialer

    endpoint = proxmox_from_environment(os.environ)
    if endpoint is None:
        raise click.ClickException("set PROXMOX_URL, PROXMOX_TOKEN and PROXMOX_SECRET to reach Proxmox VE")
    dialer = Dialer.from_environment()
    template = _template(nodes[0], vmid, await _image_url(wish, dialer), wish)
    client = ProxmoxClient(HttpTransports(dialer.proxy_for).connect(endpoint), SystemClock())
    try:
        for number, node in enumerate(nodes):
            each = replace(template, node=node, vmid=vmid if number == 0 else 0)
            ready = await ensure_template(client, each, _say)
            click.echo(f"{ready.node} {ready.vmid}")
    finally:
        await client.aclose()


def _template(node: str, vmid: int, url: str, wish: dict[str, Any]) -> TemplateWish:
    from capstan.providers.proxmox.image import TemplateWish

    return TemplateWish(
        node=node,
        name=wish["name"] or f"talos-{wish['talos_version']}",
        url=url,
        vmid=vmid,
        checksum=wish["checksum"],
        checksum_algorithm=wish["checksum_algorithm"],
        image_storage=wish["image_storage"],
        disk_storage=wish["disk_storage"],
        disk_gib=wish["disk_gib"],
        tags=wish["tags"],
        pool=wish["pool"],
    )


async def _image_url(wish: dict[str, Any], dialer: Dialer) -> str:
    """The image to take: the given one, or the factory's, which is told of the schematic that it is to build."""
    from capstan.api.rules.schematics import FactoryImage, schematic_id

    if wish["url"]:
        return str(wish["url"])
    factory: str = wish["factory"]
    schematic = wish["schematic"] or schematic_id(wish["extensions"], wish["kernel_args"])
    if not wish["schematic"] and (wish["extensions"] or wish["kernel_args"]):
        schematic = await _registered(schematic, wish, dialer)
    return FactoryImage(version=wish["talos_version"], schematic=schematic, factory=factory).url


async def _registered(expected: str, wish: dict[str, Any], dialer: Dialer) -> str:
    from capstan.api.errors import TransientError
    from capstan.api.rules.schematics import factory_url, schematic_text
    from capstan.providers.proxmox.image.factory import register_schematic

    factory: str = wish["factory"]
    text = schematic_text(wish["extensions"], wish["kernel_args"])
    try:
        schematic = await register_schematic(text, factory, dialer.proxy_for(factory_url(factory, "")))
    except TransientError as error:
        # The node downloads the image, not this machine; most schematics are known to the factory already.
        _say(f"warning: the schematic {expected} could not be registered: {error}")
        return expected
    if schematic != expected:
        _say(f"warning: the factory calls the schematic {schematic}; write that into talos.schematic")
    return schematic


def _say(line: str) -> None:
    click.echo(line, err=True)
