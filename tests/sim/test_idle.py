"""A world that is ready is looked at and not touched, whatever kinds are in it; what is stripped comes back."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from capstan.api.objects import Obj, Resource
from capstan.api.scheme import SCHEME
from tests.sim import foreign
from tests.sim.atrest import CLUSTER_LABEL, CORE, MINUTES, differences, parts, rest, strip, uids, values
from tests.sim.foreignpool import ForeignPools, pool
from tests.sim.homelab import HomeLab, document, documents, small, state

V1BETA2, IPAM = f"{CORE}/v1beta2", f"ipam.{CORE}"
ADDONS, RUNTIME, INFRA = (f"{group}.{CORE}" for group in ("addons", "runtime", "infrastructure"))
POOLS = ("InClusterIPPool", "GlobalInClusterIPPool", "InClusterPrefixPool", "GlobalInClusterPrefixPool")
CONFIG_MAPS = Resource("", "v1", "configmaps", "ConfigMap")
#: Kinds of somebody else's that Capstan writes owners and labels to.
FOREIGN = tuple(foreign.resource(kind) for kind in foreign.GROUPS if not kind.endswith("Template"))


def named(api_version: str, kind: str, name: str, spec: Obj, **meta: Any) -> Obj:
    place = {} if kind in ("ExtensionConfig", *POOLS[1::2]) else {"namespace": "default"}
    return {"apiVersion": api_version, "kind": kind, "metadata": {"name": name, **place, **meta}, "spec": spec}


def address_pools() -> list[Obj]:
    """One of each kind, and a claim on each."""
    specs: dict[str, Obj] = {
        POOLS[0]: {"addresses": ["10.50.0.10-10.50.0.19"], "prefix": 24, "gateway": "10.50.0.1"},
        POOLS[1]: {"addresses": ["10.51.0.0/24"], "prefix": 24, "gateway": "10.51.0.1"},
        POOLS[2]: {"prefixes": ["2001:db8::/62"], "allocationPrefix": 64},
        POOLS[3]: {"prefixes": ["2001:db9::/62"], "allocationPrefix": 64},
    }
    found = [named(f"{IPAM}/v1alpha2", kind, "by-hand", spec) for kind, spec in specs.items()]
    for kind in POOLS:
        ref = {"apiGroup": IPAM, "kind": kind, "name": "by-hand"}
        found.append(named(f"{IPAM}/v1beta2", "IPAddressClaim", f"by-hand-{kind.lower()}", {"poolRef": ref}))
    return found


def of_workers(name: str) -> Obj:
    checks = {"unhealthyNodeConditions": [{"type": "Ready", "status": "Unknown", "timeoutSeconds": 300}]}
    selector = {"matchLabels": {f"{CORE}/deployment-name": "homelab-workers"}}
    spec = {"clusterName": "homelab", "selector": selector, "checks": checks}
    return named(V1BETA2, "MachineHealthCheck", name, spec)


def resource_set() -> list[Obj]:
    """What a Secret and a ConfigMap bring into the cluster."""
    made = "apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {0}, namespace: default}}\ndata: {{a: b}}\n"
    brought = {"a.yaml": made.format("brought-by-a-map")}
    listed = [{"kind": "ConfigMap", "name": "addons"}, {"kind": "Secret", "name": "addons"}]
    selector = {"matchLabels": {"addons": "yes"}}
    spec = {"clusterSelector": selector, "resources": listed, "strategy": "Reconcile"}
    meta = {"name": "addons", "namespace": "default"}
    secret = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": meta,
        "type": f"{ADDONS}/resource-set",
        "stringData": {"b.yaml": made.format("brought-by-a-secret")},
    }
    return [
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": brought},
        secret,
        named(f"{ADDONS}/v1beta2", "ClusterResourceSet", "addons", spec),
    ]


def class_of_clusters() -> Obj:
    """Kept and checked; nothing is made from it."""

    def ref(group: str, kind: str, version: str = "v1alpha2") -> Obj:
        return {"templateRef": {"apiVersion": f"{group}.{CORE}/{version}", "kind": kind, "name": "by-hand"}}

    machines = ref("infrastructure", "ProxmoxMachineTemplate")
    control_plane = {**ref("controlplane", "TalosControlPlaneTemplate", "v1beta1"), "machineInfrastructure": machines}
    spec = {"infrastructure": ref("infrastructure", "ProxmoxClusterTemplate"), "controlPlane": control_plane}
    return named(V1BETA2, "ClusterClass", "by-hand", spec)


def everything() -> list[Obj]:
    """The home lab, and beside it one of every kind that users declare."""
    found = small(documents())
    document(found, "Cluster")["metadata"].setdefault("labels", {})["addons"] = "yes"
    template = {"template": {"spec": document(found, "ProxmoxCluster")["spec"]}}
    return [
        *found,
        *address_pools(),
        *resource_set(),
        of_workers("workers"),
        class_of_clusters(),
        named(V1BETA2, "MachineDrainRule", "jobs", {"drain": {"behavior": "WaitCompleted"}}),
        named(f"{INFRA}/v1alpha2", "ProxmoxClusterTemplate", "by-hand", template),
        named(f"{RUNTIME}/v1beta2", "ExtensionConfig", "hooks", {"clientConfig": {"url": "https://hooks.example.org"}}),
    ]


async def settle(lab: HomeLab) -> None:
    """Until all that can be is ready."""
    await lab.apply()
    client = lab.world.plane.client
    for kind in foreign.GROUPS:
        await client.create(foreign.CRDS, foreign.definition(kind, "v1beta2"))
    await asyncio.sleep(5)
    kinds = {kind.kind: kind.resource() for kind in SCHEME.kinds}
    for obj in [*foreign.manifests(1), *pool(1)]:
        await client.create(kinds.get(obj["kind"]) or foreign.resource(obj["kind"]), obj)

    async def all_ready() -> bool:
        clusters = [state(c, "Available") for c in await lab.all("Cluster")]
        machines = [state(m, "Ready") for m in await lab.all("Machine")]
        pools = [p.get("status", {}).get("phase") for p in await lab.all("MachinePool")]
        claims = [state(c, "Ready") for c in await lab.all("IPAddressClaim")]
        applied = [state(s, "ResourcesApplied") for s in await lab.all("ClusterResourceSet")]
        # A control plane and a worker of the home lab, a worker of the foreign cluster, and the machine of its pool.
        counted = (len(clusters), len(machines), pools) == (2, 4, ["Running"])
        return counted and {*clusters, *machines, *claims, *applied} == {"True"}

    await lab.until(all_ready, 1800)
    await asyncio.sleep(120)


def play(story: Callable[[HomeLab], Awaitable[None]]) -> None:
    async def with_foreigners(lab: HomeLab) -> None:
        providers = ForeignPools(lab.world, "v1beta2", shows=True)
        await providers.start()
        try:
            await settle(lab)
            providers.every = 30.0
            await story(lab)
        finally:
            await providers.stop()

    HomeLab(manifests=everything()).run(with_foreigners)


def test_half_an_hour_without_a_write() -> None:
    async def story(lab: HomeLab) -> None:
        await lab.apply()
        await lab.ready(1, 2)
        await asyncio.sleep(300)
        revision, lines = lab.world.store.revision, len(lab.world.trace.lines)
        reads, asked = lab.pve_reads(), len(lab.world.datacenter.pve_api.calls)
        await asyncio.sleep(MINUTES * 60)
        assert lab.world.store.revision == revision
        assert lab.world.trace.lines[lines:] == []
        reads = lab.pve_reads() - reads
        assert len(lab.world.datacenter.pve_api.calls) - asked == reads, "Proxmox VE was written to"
        # One list of VMs for all machines each half minute, and a look whether the token still holds.
        assert 0 < reads <= 4 * MINUTES
        assert lab.world.datacenter.workload_clients.made == 1, "one connection for the whole life of the cluster"

    HomeLab().run(story)


def of_foreigners(name: str, obj: Obj) -> bool:
    """What only the foreign provider keeps up: its Secrets, and whose pool a machine that it shows is of."""
    labels = obj["metadata"].get("labels") or {}
    return labels.get(CLUSTER_LABEL) == "foo" and (obj["kind"] == "Secret" or name == "ForeignMachine pool-0")


@pytest.mark.parametrize("what", [("ownerReferences",), ("finalizers", "labels")], ids="-".join)
def test_what_is_stripped_of_any_kind_comes_back_and_then_every_kind_rests(what: tuple[str, ...]) -> None:
    async def story(lab: HomeLab) -> None:
        further = (CONFIG_MAPS, *FOREIGN)
        found = await parts(lab, *further)
        there = {obj["kind"] for obj in found.values()}
        expected = {kind.kind for kind in SCHEME.kinds if kind.group.endswith(CORE)} | {"Secret", "ConfigMap"}
        assert expected <= there, f"not here: {sorted(expected - there)}"
        before = {name: obj for name, obj in found.items() if not of_foreigners(name, obj)}
        vms = list(lab.world.datacenter.pve.vms.values())
        for field in what:
            stripped = await strip(lab, before, field, further)
            assert len({name.split()[0] for name in stripped}) > 10, stripped
        await asyncio.sleep(300)
        after = await parts(lab, *further)
        assert uids(after) == uids(found), "something was made anew"
        assert differences(before, after) == {}
        assert values(after) == values(found)
        assert list(lab.world.datacenter.pve.vms.values()) == vms
        await rest(lab, *further)

    play(story)
