"""`capstan get`: access to workload clusters, from the Secrets that the providers keep."""

from __future__ import annotations

import asyncio
import base64

import click

from capstan.api.errors import is_not_found
from capstan.api.objects import Resource
from capstan.cli.access import connect, connection_options, load_kubeconfig, namespace_of

SECRETS = Resource("", "v1", "secrets", "Secret")


@click.command()
@click.argument("name")
@connection_options
def kubeconfig(name: str, kubeconfig: str, context: str, namespace: str) -> None:
    """Print the kubeconfig of workload cluster NAME."""
    _print_secret(name, f"{name}-kubeconfig", "value", kubeconfig, context, namespace)


@click.command()
@click.argument("name")
@connection_options
def talosconfig(name: str, kubeconfig: str, context: str, namespace: str) -> None:
    """Print the talosconfig of workload cluster NAME."""
    _print_secret(name, f"{name}-talosconfig", "talosconfig", kubeconfig, context, namespace)


def _print_secret(cluster: str, secret: str, key: str, kubeconfig: str, context: str, namespace: str) -> None:
    config = load_kubeconfig(kubeconfig, context)
    where = namespace_of(namespace, config)

    async def read() -> bytes:
        client = connect(config)
        try:
            found = await client.get(SECRETS, where, secret)
        except Exception as error:
            if is_not_found(error):
                raise click.ClickException(
                    f'cluster "{cluster}" in namespace {where} has no {key if key != "value" else "kubeconfig"} yet '
                    f"(Secret {secret}): it is made with the control plane; see `capstan describe cluster {cluster}`"
                ) from None
            raise
        finally:
            await client.aclose()
        return base64.b64decode((found.get("data") or {}).get(key, ""))

    click.echo(asyncio.run(read()), nl=False)
