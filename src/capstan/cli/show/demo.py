"""The demo's steps: build, scale, use, delete, and look whether anything is left."""

from __future__ import annotations

import asyncio
import base64
import time
from pathlib import Path

import click

from capstan.api.objects import Resource
from capstan.cli.place import Place, write_private
from capstan.cli.plane import Plane, PlaneOptions
from capstan.cli.running import stop_on_signals
from capstan.cli.show.kubectl import Kubectl, find_kubectl
from capstan.cli.show.live import LiveTree
from capstan.insight.standing import conditions_of
from capstan.insight.tree import ClusterObjects
from capstan.runtime.client.http import HttpClient
from capstan.runtime.client.kubeconfig import parse_kubeconfig
from capstan.runtime.dialer import Dialer
from capstan.sim.lab.lab import Lab

NAMESPACE, NAME = "default", "homelab"
SECRETS = Resource("", "v1", "secrets", "Secret")


class Demo:
    """One run. `run` ends normally when every step worked; else it raises ClickException that says which did not."""

    def __init__(self, directory: Path, manifests: Path, keep: bool, step_seconds: float) -> None:
        self._place = Place(directory)
        self._manifests = manifests
        self._keep = keep
        self._step_seconds = step_seconds
        self._lab = Lab()
        self._began = time.monotonic()

    async def run(self) -> None:
        stopping = stop_on_signals()
        binary = find_kubectl()
        access = await self._lab.start()
        dialer = Dialer(access.proxy_url, ("127.0.0.1", "localhost"))
        plane = Plane(
            PlaneOptions(
                self._place, port=0, dialer=dialer, proxy_url=access.proxy_url, service_account_key="ecdsa-p256"
            )
        )
        try:
            await plane.start()
            self._say(f"management plane and lab are up: {plane.url}")
            steps = asyncio.ensure_future(self._steps(Kubectl(binary, self._place.kubeconfig)))
            stop = asyncio.ensure_future(stopping.wait())
            await asyncio.wait((steps, stop), return_when=asyncio.FIRST_COMPLETED)
            stop.cancel()
            if not steps.done():
                steps.cancel()
                await asyncio.gather(steps, return_exceptions=True)
                raise click.Abort
            await steps
            if self._keep:
                await self._stay(stopping)
        finally:
            await plane.stop()
            await self._lab.stop()

    async def _steps(self, kubectl: Kubectl) -> None:
        client = HttpClient(parse_kubeconfig(self._place.kubeconfig.read_bytes()))
        tree = LiveTree(client, NAMESPACE, NAME)
        try:
            self._say(f"kubectl apply -f {self._manifests}")
            click.echo(await kubectl.run("apply", "-f", str(self._manifests)), nl=False)
            await tree.until(lambda found: _is_whole(found, 1, 2), self._step_seconds, "the cluster is Ready")
            self._say("scale: control plane 1 -> 3, workers 2 -> 4")
            click.echo(await kubectl.run("scale", f"taloscontrolplane/{NAME}-control-plane", "--replicas=3"), nl=False)
            click.echo(await kubectl.run("scale", f"machinedeployment/{NAME}-workers", "--replicas=4"), nl=False)
            await tree.until(lambda found: _is_whole(found, 3, 4), self._step_seconds, "the cluster is scaled")
            await self._show_nodes(client, kubectl)
            if not self._keep:
                await self._delete(kubectl)
        finally:
            await client.aclose()

    async def _show_nodes(self, client: HttpClient, kubectl: Kubectl) -> None:
        secret = await client.get(SECRETS, NAMESPACE, f"{NAME}-kubeconfig")
        path = self._place.root / f"{NAME}.kubeconfig"
        write_private(path, base64.b64decode(secret["data"]["value"]))
        self._say(f"kubectl --kubeconfig {path} get nodes -o wide")
        workload = Kubectl(kubectl.binary, path)
        text = await workload.run("get", "nodes", "-o", "wide")
        click.echo(text, nl=False)
        if len(text.splitlines()) != 8 or "NotReady" in text:
            raise click.ClickException("the workload cluster does not show seven Ready nodes")

    async def _delete(self, kubectl: Kubectl) -> None:
        self._say(f"kubectl delete -f {self._manifests}")
        click.echo(
            await kubectl.run("delete", "-f", str(self._manifests), timeout_seconds=self._step_seconds), nl=False
        )
        left = self._lab.datacenter.leftovers()
        if left:
            raise click.ClickException("Proxmox VE is left with: " + ", ".join(left))
        self._say("Proxmox VE is left with no VM, disk, ISO or address of the cluster")
        click.echo(f"The demo took {time.monotonic() - self._began:.1f} s.")

    async def _stay(self, stopping: asyncio.Event) -> None:
        root = self._place.root
        click.echo(
            "\nThe cluster goes on running until you press Ctrl-C. Try:\n"
            f"  export KUBECONFIG={self._place.kubeconfig}\n"
            "  kubectl get clusters,machines,proxmoxmachines\n"
            f"  capstan describe cluster {NAME}\n"
            f"  kubectl scale machinedeployment/{NAME}-workers --replicas=5\n"
            f"  kubectl --kubeconfig {root / (NAME + '.kubeconfig')} get nodes\n"
            f"  kubectl delete -f {self._manifests}"
        )
        await stopping.wait()

    def _say(self, what: str) -> None:
        click.secho(f"[{time.monotonic() - self._began:5.1f} s] {what}", bold=True)


def _is_whole(found: ClusterObjects, control_plane: int, workers: int) -> bool:
    """The Cluster is Available, and every wanted machine is Ready."""
    available = conditions_of(found.cluster).get("Available")
    if available is None or available.status != "True":
        return False
    ready = [m for m in found.machines if (c := conditions_of(m).get("Ready")) is not None and c.status == "True"]
    return len(ready) == len(found.machines) == control_plane + workers
