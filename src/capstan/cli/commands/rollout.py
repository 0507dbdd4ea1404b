"""`capstan rollout`: restart, follow, look back, go back, pause; for MachineDeployments and control planes."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC
from typing import Any

import click

from capstan.api.cluster.kinds import MACHINE_DEPLOYMENT
from capstan.api.cluster.names import PAUSED_ANNOTATION
from capstan.api.cluster.rollouthistory import (
    CHANGE_CAUSE_ANNOTATION,
    ROLLOUT_AFTER_ANNOTATION,
    earlier,
    kept_template,
    read_history,
)
from capstan.api.controlplane.kinds import TALOS_CONTROL_PLANE
from capstan.api.errors import is_not_found
from capstan.api.objects import Obj, Resource
from capstan.cli.access import connect, connection_options, load_kubeconfig, namespace_of
from capstan.insight.rollout import history_table, progress
from capstan.runtime.client.protocol import Client
from capstan.runtime.clock import SystemClock

_DEPLOYMENT = MACHINE_DEPLOYMENT.resource()
_CONTROL_PLANE = TALOS_CONTROL_PLANE.resource()
_KINDS = {
    name: kind.resource()
    for kind in (MACHINE_DEPLOYMENT, TALOS_CONTROL_PLANE)
    for name in (kind.plural, kind.kind.lower(), *kind.short_names)
}
_TEMPLATE_FIELDS = ("version", "bootstrap", "infrastructureRef", "failureDomain")

Work = Callable[[Client, Resource, str, str], Awaitable[str]]


def _target(text: str) -> tuple[Resource, str]:
    kind, slash, name = text.partition("/")
    resource = _KINDS.get(kind.lower().split(".")[0])
    if not slash or not name or resource is None:
        raise click.BadParameter(
            f"{text!r} is not KIND/NAME with a KIND of machinedeployment (md) or taloscontrolplane (tcp), "
            "as in machinedeployment/workers",
            param_hint="KIND/NAME",
        )
    return resource, name


def _carry_out(work: Work, text: str, kubeconfig: str, context: str, namespace: str) -> None:
    resource, name = _target(text)
    config = load_kubeconfig(kubeconfig, context)
    where = namespace_of(namespace, config)

    async def run() -> str:
        client = connect(config)
        try:
            return await work(client, resource, where, name)
        except Exception as error:
            if is_not_found(error):
                raise click.ClickException(f'{resource.kind} "{name}" not found in namespace {where}') from None
            raise
        finally:
            await client.aclose()

    click.echo(asyncio.run(run()), nl=False)


def _said(resource: Resource, name: str, what: str) -> str:
    return f"{resource.kind.lower()}.{resource.group}/{name} {what}\n"


async def _merge(client: Client, resource: Resource, namespace: str, name: str, patch: Obj) -> None:
    await client.patch(resource, namespace, name, patch)


async def _restart(client: Client, resource: Resource, namespace: str, name: str) -> str:
    obj = await client.get(resource, namespace, name)
    now = SystemClock().now().astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    if _is_paused(resource, obj):
        raise click.ClickException(
            f'can\'t restart paused {resource.kind} "{name}": run `capstan rollout resume` first'
        )
    if resource.kind == _DEPLOYMENT.kind:
        after = ((obj.get("spec") or {}).get("rollout") or {}).get("after")
        if after and after > now:
            raise click.ClickException(f"a rollout is planned for {after} (spec.rollout.after): change that instead")
        await _merge(client, resource, namespace, name, {"spec": {"rollout": {"after": now}}})
    else:
        patch = {"metadata": {"annotations": {ROLLOUT_AFTER_ANNOTATION: now}}}
        await _merge(client, resource, namespace, name, patch)
    return _said(resource, name, "restarted")


async def _pause(client: Client, resource: Resource, namespace: str, name: str) -> str:
    obj = await client.get(resource, namespace, name)
    if _is_paused(resource, obj):
        raise click.ClickException(f'{resource.kind} "{name}" is already paused')
    await _merge(client, resource, namespace, name, _pausing(resource, True))
    return _said(resource, name, "paused")


async def _resume(client: Client, resource: Resource, namespace: str, name: str) -> str:
    obj = await client.get(resource, namespace, name)
    if not _is_paused(resource, obj):
        raise click.ClickException(f'{resource.kind} "{name}" is not paused')
    await _merge(client, resource, namespace, name, _pausing(resource, False))
    return _said(resource, name, "resumed")


def _is_paused(resource: Resource, obj: Obj) -> bool:
    if resource.kind == _DEPLOYMENT.kind:
        return (obj.get("spec") or {}).get("paused") is True
    return PAUSED_ANNOTATION in (obj["metadata"].get("annotations") or {})


def _pausing(resource: Resource, paused: bool) -> Obj:
    if resource.kind == _DEPLOYMENT.kind:
        return {"spec": {"paused": True if paused else None}}
    return {"metadata": {"annotations": {PAUSED_ANNOTATION: "true" if paused else None}}}


async def _history(client: Client, resource: Resource, namespace: str, name: str) -> str:
    _only_deployments(resource)
    return history_table(await client.get(resource, namespace, name))


def _only_deployments(resource: Resource) -> None:
    if resource.kind != _DEPLOYMENT.kind:
        raise click.ClickException(f"no history is kept of a {resource.kind}: a control plane does not go back")


@click.command()
@click.argument("target", metavar="KIND/NAME")
@connection_options
def restart(target: str, kubeconfig: str, context: str, namespace: str) -> None:
    """Replace all machines of KIND/NAME, as for a change."""
    _carry_out(_restart, target, kubeconfig, context, namespace)


@click.command()
@click.argument("target", metavar="KIND/NAME")
@connection_options
def pause(target: str, kubeconfig: str, context: str, namespace: str) -> None:
    """Begin nothing new for KIND/NAME until it is resumed."""
    _carry_out(_pause, target, kubeconfig, context, namespace)


@click.command()
@click.argument("target", metavar="KIND/NAME")
@connection_options
def resume(target: str, kubeconfig: str, context: str, namespace: str) -> None:
    """Go on with KIND/NAME."""
    _carry_out(_resume, target, kubeconfig, context, namespace)


@click.command()
@click.argument("target", metavar="KIND/NAME")
@connection_options
def history(target: str, kubeconfig: str, context: str, namespace: str) -> None:
    """List the templates that machinedeployment/NAME has had."""
    _carry_out(_history, target, kubeconfig, context, namespace)


@click.command()
@click.argument("target", metavar="KIND/NAME")
@click.option("--to-revision", type=click.IntRange(0), default=0, help="The revision to go back to; 0: the last one.")
@connection_options
def undo(target: str, to_revision: int, kubeconfig: str, context: str, namespace: str) -> None:
    """Give machinedeployment/NAME an earlier template again."""

    async def work(client: Client, resource: Resource, where: str, name: str) -> str:
        _only_deployments(resource)
        obj = await client.get(resource, where, name)
        if _is_paused(resource, obj):
            raise click.ClickException(f'can\'t undo paused {resource.kind} "{name}": resume it first')
        kept = read_history(obj["metadata"].get("annotations") or {})
        found = earlier(kept, to_revision)
        if found is None:
            known = ", ".join(str(revision.number) for revision in kept) or "none"
            what = f"revision {to_revision}" if to_revision else "no earlier revision"
            raise click.ClickException(f"{what} of {resource.kind} {name} is not kept; kept are: {known}")
        if kept_template(obj["spec"]["template"]["spec"]) == found.template:
            return _said(resource, name, f"skipped rollback (current template already matches revision {found.number})")
        spec: dict[str, Any] = {field: found.template.get(field) for field in _TEMPLATE_FIELDS}
        patch: Obj = {"spec": {"template": {"spec": spec}}}
        if found.cause:
            patch["metadata"] = {"annotations": {CHANGE_CAUSE_ANNOTATION: found.cause}}
        await _merge(client, resource, where, name, patch)
        return _said(resource, name, "rolled back")

    _carry_out(work, target, kubeconfig, context, namespace)


@click.command()
@click.argument("target", metavar="KIND/NAME")
@click.option("--watch/--no-watch", "-w", default=True, help="Follow it until it is done.")
@click.option("--timeout", type=click.FloatRange(0), default=0.0, help="Give up after so many seconds; 0: never.")
@connection_options
def status(target: str, watch: bool, timeout: float, kubeconfig: str, context: str, namespace: str) -> None:
    """Say how far the rollout of KIND/NAME is."""

    async def work(client: Client, resource: Resource, where: str, name: str) -> str:
        obj = await client.get(resource, where, name)
        found = progress(obj)
        if not watch or found.done:
            return f"{found.text}\n"
        click.echo(found.text)
        try:
            async with asyncio.timeout(timeout or None):
                return await _followed(client, resource, where, obj)
        except TimeoutError:
            raise click.ClickException("timed out waiting for the rollout to finish") from None

    _carry_out(work, target, kubeconfig, context, namespace)


async def _followed(client: Client, resource: Resource, namespace: str, obj: Obj) -> str:
    """A line whenever something moves, until it is done."""
    name, shown = obj["metadata"]["name"], progress(obj).text
    while True:
        version = obj["metadata"]["resourceVersion"]
        selector = f"metadata.name={name}"
        events = client.watch(resource, namespace, resource_version=version, field_selector=selector)
        async for event in events:
            if event.type == "DELETED":
                raise click.ClickException(f'{resource.kind} "{name}" has been deleted')
            if event.type not in ("ADDED", "MODIFIED"):
                continue
            obj = event.object
            found = progress(obj)
            if found.done:
                return f"{found.text}\n"
            if found.text != shown:
                click.echo(found.text)
                shown = found.text
        obj = await client.get(resource, namespace, name)
        if progress(obj).done:
            return f"{progress(obj).text}\n"
