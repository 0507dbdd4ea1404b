"""The journey of one cluster through a world, as scenarios share it: create, scale, delete, and what must hold."""

from __future__ import annotations

import yaml

from capstan.api.cluster.cluster import Cluster
from capstan.api.cluster.machine import Machine
from capstan.api.cluster.machinedeployment import MachineDeployment
from capstan.api.controlplane.taloscontrolplane import TalosControlPlane
from capstan.api.objects import Obj
from capstan.sim.world import World


class Journey:
    """`manifests` hold one Cluster with a TalosControlPlane and one MachineDeployment, in namespace default."""

    def __init__(self, world: World, manifests: str) -> None:
        self._world = world
        self._manifests = manifests
        documents: list[Obj] = [document for document in yaml.safe_load_all(manifests) if document]
        self.cluster = _name(documents, "Cluster")
        self._control_plane = _name(documents, "TalosControlPlane")
        self._deployment = _name(documents, "MachineDeployment")
        self._replicas = (
            _replicas(documents, "TalosControlPlane"),
            _replicas(documents, "MachineDeployment"),
        )

    async def create(self, timeout_seconds: float = 3600.0) -> None:
        """Apply the manifests, and wait until the cluster is Available with all its machines Running."""
        await self._world.apply(self._manifests)
        await self._world.until(self._is_settled, timeout_seconds)

    async def scale(self, *, control_planes: int, workers: int, timeout_seconds: float = 3600.0) -> None:
        """Edit the replicas, and wait until it is so."""
        await self._world.patch(TalosControlPlane, self._control_plane, {"spec": {"replicas": control_planes}})
        await self._world.patch(MachineDeployment, self._deployment, {"spec": {"replicas": workers}})
        self._replicas = (control_planes, workers)
        await self._world.until(self._is_settled, timeout_seconds)

    async def delete(self, timeout_seconds: float = 3600.0) -> None:
        """Delete all of the manifests at once, credentials included, and wait until the cluster is gone."""
        await self._world.delete(self._manifests)
        await self._world.until(self._is_gone, timeout_seconds)

    async def all(self) -> None:
        await self.create()
        await self.scale(control_planes=3, workers=4)
        await self.delete()

    def check_history(self) -> None:
        """What may not have happened on the way: a second etcd, an address twice, a VM that nobody asked for."""
        lines = self._world.trace.lines
        bootstraps = [line for line in lines if " bootstraps" in line]
        if len(bootstraps) > 1:
            raise AssertionError("etcd was bootstrapped more than once:\n" + "\n".join(bootstraps))
        clones = [line for line in lines if line.endswith("/clone")]
        made = (" api      create proxmoxmachines ", " api      apply proxmoxmachines ")
        machines = {line.split()[-1] for line in lines if any(words in line for words in made)}
        if len(clones) > len(machines):
            raise AssertionError(f"{len(clones)} VMs were cloned for {len(machines)} machines:\n" + "\n".join(clones))
        conflicts = [line for line in lines if "is in use by another machine" in line]
        if conflicts:
            raise AssertionError("addresses were given twice:\n" + "\n".join(conflicts))

    async def _is_settled(self) -> bool:
        machines = await self._world.list(Machine)
        control_planes = [m for m in machines if "cluster.x-k8s.io/control-plane" in m.metadata.labels]
        if (len(control_planes), len(machines) - len(control_planes)) != self._replicas:
            return False
        if any(machine.status.phase != "Running" for machine in machines):
            return False
        conditions = (await self._world.get(Cluster, self.cluster)).status.conditions
        return any(c.type == "Available" and c.status == "True" for c in conditions)

    async def _is_gone(self) -> bool:
        return not await self._world.list(Cluster) and not self._world.datacenter.leftovers()


def _name(documents: list[Obj], kind: str) -> str:
    return next(str(d["metadata"]["name"]) for d in documents if d["kind"] == kind)


def _replicas(documents: list[Obj], kind: str) -> int:
    return next(int(d["spec"].get("replicas", 1)) for d in documents if d["kind"] == kind)
