"""`capstan rollout`: restart, follow, look back, go back, pause; for MachineDeployments and control planes."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC
from functools import partial, wraps
from typing import Any

import click

from capstan.api.cluster.kinds import MACHINE, MACHINE_DEPLOYMENT
from capstan.api.cluster.names import CONTROL_PLANE_LABEL, PAUSED_ANNOTATION
from capstan.api.cluster.rollouthistory import (
    CHANGE_CAUSE_ANNOTATION,
    ROLLOUT_AFTER_ANNOTATION,
    Revision,
    earlier,
    kept_template,
    read_history,
)
from capstan.api.controlplane.kinds import TALOS_CONTROL_PLANE
from capstan.api.errors import is_not_found
from capstan.api.objects import Obj, Resource
from capstan.api.rules.owners import controller_uid
from capstan.cli.access import Access, connection_options
from capstan.insight.rollout import Progress, asked_restart, history_detail, history_table, progress
from capstan.runtime.client.protocol import Client
from capstan.runtime.clock import SystemClock

_DEPLOYMENT = MACHINE_DEPLOYMENT.resource()
_MACHINE = MACHINE.resource()
_KINDS = {
    name: kind.resource()
    for kind in (MACHINE_DEPLOYMENT, TALOS_CONTROL_PLANE)
    for name in (kind.plural, kind.kind.lower(), *kind.short_names)
}
_Target = tuple[Resource, str]
_TEMPLATE_FIELDS = ("version", "bootstrap", "infrastructureRef", "failureDomain")


@dataclass(frozen=True, slots=True)
class _Subject:
    """The object that a command is about, and who reads and writes it."""

    client: Client
    resource: Resource
    namespace: str
    name: str

    @property
    def is_deployment(self) -> bool:
        return self.resource.kind == _DEPLOYMENT.kind

    def said(self, what: str) -> str:
        return f"{self.resource.kind.lower()}.{self.resource.group}/{self.name} {what}\n"

    async def get(self) -> Obj:
        return await self.client.get(self.resource, self.namespace, self.name)

    async def merge(self, patch: Obj) -> None:
        await self.client.patch(self.resource, self.namespace, self.name, patch)

    async def progress(self, obj: Obj) -> Progress:
        """How far its rollout is. Whether a restart was seen is told by the Machines, when nothing was to be done."""
        if self.is_deployment or not asked_restart(obj):
            return progress(obj)
        uid = obj["metadata"]["uid"]
        machines = (await self.client.list(_MACHINE, self.namespace, label_selector=CONTROL_PLANE_LABEL)).items
        mine = [m["metadata"] for m in machines if controller_uid(m) == uid]
        return progress(obj, min((str(meta["creationTimestamp"]) for meta in mine), default=""))

    def is_paused(self, obj: Obj) -> bool:
        if self.is_deployment:
            return (obj.get("spec") or {}).get("paused") is True
        return PAUSED_ANNOTATION in (obj["metadata"].get("annotations") or {})

    async def pause(self, paused: bool) -> None:
        if self.is_deployment:
            await self.merge({"spec": {"paused": True if paused else None}})
        else:
            await self.merge({"metadata": {"annotations": {PAUSED_ANNOTATION: "true" if paused else None}}})


def _command(*options: Callable[..., Any]) -> Callable[[Callable[..., Awaitable[str]]], click.Command]:
    """Makes a command about each KIND/NAME of what is done with it; prints what that gives. Its options are
    arguments."""

    def made(work: Callable[..., Awaitable[str]]) -> click.Command:
        @wraps(work)
        def run(targets: tuple[str, ...], access: Access, **given: Any) -> None:
            asyncio.run(_carried_out(partial(work, **given), _targets(targets), access))

        command: Any = connection_options(run)
        argument = click.argument("targets", metavar="KIND/NAME...", nargs=-1, required=True)
        for parameter in (*reversed(options), argument):
            command = parameter(command)
        return click.command()(command)

    return made


async def _carried_out(work: Callable[[_Subject], Awaitable[str]], targets: list[_Target], access: Access) -> None:
    """One after the other. One that fails is told and does not stop the next ones; then the command has failed."""
    failed: list[click.ClickException] = []
    async with access.client() as client:
        for resource, name in targets:
            try:
                click.echo(await work(_Subject(client, resource, access.namespace, name)), nl=False)
            except click.ClickException as error:
                failed.append(error)
            except Exception as error:
                if not is_not_found(error):
                    raise
                text = f'{resource.kind} "{name}" not found in namespace {access.namespace}'
                failed.append(click.ClickException(text))
    for told in failed[:-1]:
        told.show()
    if failed:
        raise failed[-1]


def _targets(texts: tuple[str, ...]) -> list[_Target]:
    """All of them, before anything is done: `KIND/NAME KIND/NAME`, or `KIND NAME NAME` as kubectl has it too."""
    kind, *names = texts
    if names and "/" not in kind and not any("/" in name for name in names):
        texts = tuple(f"{kind}/{name}" for name in names)
    return [_target(text) for text in texts]


def _target(text: str) -> _Target:
    kind, slash, name = text.partition("/")
    resource = _KINDS.get(kind.lower().split(".")[0])
    if not slash or not name or "/" in name or resource is None:
        raise click.BadParameter(
            f"{text!r} is not KIND/NAME with a KIND of machinedeployment (md) or taloscontrolplane (tcp), "
            "as in machinedeployment/workers",
            param_hint="KIND/NAME",
        )
    return resource, name


@_command()
async def restart(subject: _Subject) -> str:
    """Replace all machines of each KIND/NAME, as for a change."""
    obj = await subject.get()
    now = SystemClock().now().astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    if subject.is_paused(obj):
        raise click.ClickException(
            f'can\'t restart paused {subject.resource.kind} "{subject.name}": run `capstan rollout resume` first'
        )
    where, after = _planned(subject, obj)
    if after > now:
        raise click.ClickException(f"a rollout is planned for {after} ({where}): change that instead")
    if subject.is_deployment:
        await subject.merge({"spec": {"rollout": {"after": now}}})
    else:
        await subject.merge({"metadata": {"annotations": {ROLLOUT_AFTER_ANNOTATION: now}}})
    return subject.said("restarted")


def _planned(subject: _Subject, obj: Obj) -> tuple[str, str]:
    """The place for the moment of a restart, and the moment; empty when there is none."""
    if subject.is_deployment:
        return "spec.rollout.after", str(((obj.get("spec") or {}).get("rollout") or {}).get("after") or "")
    where = ROLLOUT_AFTER_ANNOTATION
    return f"annotation {where}", str((obj["metadata"].get("annotations") or {}).get(where, ""))


@_command()
async def pause(subject: _Subject) -> str:
    """Begin nothing new for each KIND/NAME until it is resumed."""
    if subject.is_paused(await subject.get()):
        raise click.ClickException(f'{subject.resource.kind} "{subject.name}" is already paused')
    await subject.pause(True)
    return subject.said("paused")


@_command()
async def resume(subject: _Subject) -> str:
    """Go on with each KIND/NAME."""
    if not subject.is_paused(await subject.get()):
        raise click.ClickException(f'{subject.resource.kind} "{subject.name}" is not paused')
    await subject.pause(False)
    return subject.said("resumed")


@_command(click.option("--revision", type=click.IntRange(0), default=0, help="Show this revision; 0: list them all."))
async def history(subject: _Subject, revision: int) -> str:
    """List the templates that machinedeployment/NAME has had."""
    _only_deployments(subject)
    obj = await subject.get()
    if not revision:
        return history_table(obj)
    detail = history_detail(obj, revision)
    if not detail:
        raise _not_kept(subject, read_history(obj["metadata"].get("annotations") or {}), revision)
    return detail


@_command(
    click.option(
        "--to-revision", type=click.IntRange(0), default=0, help="The revision to go back to; 0: the last one."
    )
)
async def undo(subject: _Subject, to_revision: int) -> str:
    """Give machinedeployment/NAME an earlier template again."""
    _only_deployments(subject)
    obj = await subject.get()
    kind, name = subject.resource.kind, subject.name
    if subject.is_paused(obj):
        raise click.ClickException(f'can\'t undo paused {kind} "{name}": resume it first')
    kept = read_history(obj["metadata"].get("annotations") or {})
    found = earlier(kept, to_revision)
    if found is None:
        raise _not_kept(subject, kept, to_revision)
    if kept_template(obj["spec"]["template"]["spec"]) == found.template:
        return subject.said(f"skipped rollback (current template already matches revision {found.number})")
    spec: dict[str, Any] = {field: found.template.get(field) for field in _TEMPLATE_FIELDS}
    patch: Obj = {"spec": {"template": {"spec": spec}}}
    if found.cause:
        patch["metadata"] = {"annotations": {CHANGE_CAUSE_ANNOTATION: found.cause}}
    await subject.merge(patch)
    return subject.said("rolled back")


def _not_kept(subject: _Subject, kept: Sequence[Revision], number: int) -> click.ClickException:
    known = ", ".join(str(revision.number) for revision in kept) or "none"
    of = f"of {subject.resource.kind} {subject.name}"
    what = f"revision {number} {of} is not kept" if number else f"no earlier revision {of} is kept"
    return click.ClickException(f"{what}; kept are: {known}")


def _only_deployments(subject: _Subject) -> None:
    if not subject.is_deployment:
        kind = subject.resource.kind
        raise click.ClickException(f"no history is kept of a {kind}: a control plane does not go back")


@_command(
    click.option("--watch/--no-watch", "-w", default=True, help="Follow it until it is done."),
    click.option("--timeout", type=click.FloatRange(0), default=0.0, help="Give up after so many seconds; 0: never."),
)
async def status(subject: _Subject, watch: bool, timeout: float) -> str:
    """Say how far the rollout of each KIND/NAME is."""
    obj = await subject.get()
    found = await subject.progress(obj)
    if not watch or found.done:
        return f"{found.text}\n"
    click.echo(found.text)
    try:
        async with asyncio.timeout(timeout or None):
            return await _followed(subject, obj)
    except TimeoutError:
        raise click.ClickException("timed out waiting for the rollout to finish") from None


async def _followed(subject: _Subject, obj: Obj) -> str:
    """A line whenever something moves, until it is done."""
    shown = (await subject.progress(obj)).text
    while True:
        events = subject.client.watch(
            subject.resource,
            subject.namespace,
            resource_version=obj["metadata"]["resourceVersion"],
            field_selector=f"metadata.name={subject.name}",
        )
        async for event in events:
            if event.type == "DELETED":
                raise click.ClickException(f'{subject.resource.kind} "{subject.name}" has been deleted')
            if event.type not in ("ADDED", "MODIFIED"):
                continue
            obj = event.object
            found = await subject.progress(obj)
            if found.done:
                return f"{found.text}\n"
            if found.text != shown:
                click.echo(found.text)
                shown = found.text
        obj = await subject.get()
        found = await subject.progress(obj)
        if found.done:
            return f"{found.text}\n"
