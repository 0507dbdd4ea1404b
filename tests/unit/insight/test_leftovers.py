"""What a forced deletion takes away, in which order, and what it says it leaves."""

from __future__ import annotations

import json

from capstan.api.objects import Obj, Resource
from capstan.insight.leftovers import Held, left_behind, members

LABEL = {"cluster.x-k8s.io/cluster-name": "lab"}
INFRA, IPAM, CORE = "infrastructure.cluster.x-k8s.io", "ipam.cluster.x-k8s.io", "cluster.x-k8s.io"
CLUSTER: Obj = {"metadata": {"name": "lab", "uid": "c"}, "spec": {"controlPlaneRef": {"kind": "Own", "name": "cp"}}}


def held(group: str, kind: str, name: str, uid: str, *owners: str, labels: Obj | None = None, **parts: Obj) -> Held:
    metadata = {"name": name, "uid": uid, "labels": labels or {}, "ownerReferences": [{"uid": o} for o in owners]}
    metadata |= parts.pop("metadata", {})
    return Held(Resource(group, "v1", f"{kind.lower()}s", kind), {"metadata": metadata, **parts})


def test_makers_go_before_what_they_make_and_strangers_stay() -> None:
    found = [
        held(IPAM, "InClusterIPPool", "pool", "p", "i"),
        held(IPAM, "IPAddress", "a", "a", "k"),
        held(IPAM, "IPAddressClaim", "k", "k", "v"),
        held("", "Secret", "shared", "s1", "i", "somebody else's"),
        held("", "Secret", "own", "s2", "i"),
        held(INFRA, "ProxmoxCluster", "lab", "i", labels=LABEL),
        held(INFRA, "ProxmoxMachine", "m", "v", "m"),
        held(INFRA, "ProxmoxMachineTemplate", "t", "t", labels=LABEL),
        held(CORE, "Machine", "m", "m", labels=LABEL),
        held(CORE, "MachineSet", "set", "set", labels=LABEL),
        held(CORE, "MachineDeployment", "md", "md", labels=LABEL),
        held(CORE, "Machine", "other", "o", labels={"cluster.x-k8s.io/cluster-name": "other"}),
    ]
    assert [str(one) for one in members(CLUSTER, found)] == [
        "MachineDeployment md",
        "MachineSet set",
        "Machine m",
        "ProxmoxMachine m",
        "IPAddressClaim k",
        "IPAddress a",
        "InClusterIPPool pool",
        "ProxmoxCluster lab",
        "Secret own",
    ]


def test_what_is_left_is_named_as_far_as_the_objects_tell() -> None:
    identity = {"annotations": {"capstan.dev/vm-identity": json.dumps({"vmid": 101, "node": "pve1", "pve": "home"})}}
    gone = [
        held(INFRA, "ProxmoxMachine", "m", "1", metadata=identity, spec={"providerID": "proxmox://u"}),
        held(INFRA, "ProxmoxMachine", "never-made", "2"),
        held("x.example", "ForeignMachine", "f", "3", spec={"providerID": "foreign://f"}),
        held(INFRA, "ProxmoxMachine", "broken", "4", metadata={"annotations": {"capstan.dev/vm-identity": "{"}}),
        held(CORE, "Machine", "m", "5", spec={"providerID": "proxmox://u"}),
        held(IPAM, "IPAddress", "a", "6", spec={"address": "10.0.0.9", "poolRef": {"kind": "Pool", "name": "p"}}),
    ]
    assert left_behind(gone) == [
        "VM 101 on Proxmox node pve1 of home (proxmox://u) of ProxmoxMachine m, with its disks and its cloud-init ISO",
        "the machine (foreign://f) of ForeignMachine f",
        "address 10.0.0.9 of claim : Pool p gives it out again, while the machine that has it may still run",
    ]
