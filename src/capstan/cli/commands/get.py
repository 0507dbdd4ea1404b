"""`capstan get`: access to workload clusters, from the Secrets that the providers keep."""

from __future__ import annotations

import asyncio
import base64

import click

from capstan.api.errors import is_not_found
from capstan.api.objects import Resource
from capstan.cli.access import Access, connection_options

SECRETS = Resource("", "v1", "secrets", "Secret")


@click.command()
@click.argument("name")
@connection_options
def kubeconfig(name: str, access: Access) -> None:
    """Print the kubeconfig of workload cluster NAME."""
    _print_secret(access, name, f"{name}-kubeconfig", "value")


@click.command()
@click.argument("name")
@connection_options
def talosconfig(name: str, access: Access) -> None:
    """Print the talosconfig of workload cluster NAME."""
    _print_secret(access, name, f"{name}-talosconfig", "talosconfig")


def _print_secret(access: Access, cluster: str, secret: str, key: str) -> None:
    async def read() -> bytes:
        try:
            async with access.client() as client:
                found = await client.get(SECRETS, access.namespace, secret)
        except Exception as error:
            if is_not_found(error):
                what = key if key != "value" else "kubeconfig"
                raise click.ClickException(
                    f'cluster "{cluster}" in namespace {access.namespace} has no {what} yet '
                    f"(Secret {secret}): it is made with the control plane; see `capstan describe cluster {cluster}`"
                ) from None
            raise
        return base64.b64decode((found.get("data") or {}).get(key, ""))

    click.echo(asyncio.run(read()), nl=False)
