"""`capstan delete cluster`: the usual way, or by force where that cannot go on."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import click

from capstan.api.cluster.kinds import CLUSTER
from capstan.api.errors import is_not_found
from capstan.api.objects import Obj
from capstan.cli.access import Access, connection_options
from capstan.cli.forcing import force as force_deletion
from capstan.cli.forcing import note_down, read_members
from capstan.insight.leftovers import Held, left_behind
from capstan.runtime.client.protocol import Client
from capstan.runtime.clock import SystemClock

_CLUSTER = CLUSTER.resource()
#: What the audit log calls the program that forces a deletion: every request of it can be found by this.
_FORCING = "capstan delete cluster --force"


@click.command()
@click.argument("name")
@connection_options
@click.option("--force", is_flag=True, help="Remove all finalizers, whatever that leaves behind outside.")
@click.option("--yes", is_flag=True, help="Do not ask before forcing.")
def cluster(name: str, access: Access, force: bool, yes: bool) -> None:
    """Delete cluster NAME: workers, control plane and infrastructure, in this order, in the background.

    Where that cannot go on (`capstan describe cluster NAME` says what holds it), --force deletes the objects and
    removes their finalizers, so that nobody waits for anything; it says first what may be left behind. The audit log
    has each of its requests under the program's name `capstan delete cluster --force`, an Event the list.
    """
    if yes and not force:
        raise click.UsageError("--yes answers the question of --force; without --force nothing is asked")
    if not force:
        asyncio.run(_delete(access, name))
        click.echo(f"cluster.cluster.x-k8s.io/{name} deletion has begun; `capstan describe cluster {name}` follows it")
        return
    found, gone = asyncio.run(_read(access, name))
    click.echo(_announcement(name, gone))
    if not yes:
        click.confirm(f"Remove cluster {name} and forget all of this?", abort=True)
    left = asyncio.run(_force(access, found, left_behind(gone)))
    if left:
        raise click.ClickException(f"still there: {', '.join(left)}; run the command again")
    click.echo(f"cluster.cluster.x-k8s.io/{name} force deleted")


def _announcement(name: str, gone: Sequence[Held]) -> str:
    """What goes, what holds it now, and what stays outside."""
    lines = [f"These objects of cluster {name} are deleted without waiting for anyone:"]
    for held in gone:
        reason = f" (held by {', '.join(held.finalizers)})" if held.finalizers else ""
        lines.append(f"  {held}{reason}")
    outside = left_behind(gone)
    lines.append("May be left behind, and has to be removed by hand:" if outside else "Nothing outside is known of.")
    return "\n".join([*lines, *(f"  {line}" for line in outside)])


async def _delete(access: Access, name: str) -> None:
    async with access.client() as client:
        found = await _get(client, access.namespace, name)
        await client.delete(_CLUSTER, access.namespace, name, uid=found["metadata"]["uid"])


async def _read(access: Access, name: str) -> tuple[Obj, list[Held]]:
    async with access.client() as client:
        found = await _get(client, access.namespace, name)
        return found, await read_members(client, found)


async def _force(access: Access, found: Obj, outside: Sequence[str]) -> list[str]:
    async with access.client(_FORCING) as client:
        await note_down(client, found, outside, SystemClock().now())
        return await force_deletion(client, found, click.echo)


async def _get(client: Client, namespace: str, name: str) -> Obj:
    try:
        return await client.get(_CLUSTER, namespace, name)
    except Exception as error:
        if is_not_found(error):
            raise click.ClickException(f'Cluster "{name}" not found in namespace {namespace}') from None
        raise
