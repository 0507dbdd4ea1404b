"""Pools that give out the same addresses, and endpoints inside of pools: said once, on both sides, and taken back."""

from __future__ import annotations

from typing import Any

from capstan.api.ipam.inclusterippool import InClusterIPPool
from capstan.api.objects import Key
from tests.unit.providers.ipam.world import CONTROLLERS, World

NOTE = "capstan.dev/overlaps-with"


def told(world: World, name: str, kind: str = "InClusterIPPool", namespace: str = "lab") -> str:
    meta = world.objects[kind, Key(namespace, name)]["metadata"]
    return str((meta.get("annotations") or {}).get(NOTE, ""))


def pool(world: World, name: str, *addresses: str, kind: str = "InClusterIPPool", namespace: str = "lab") -> None:
    world.put(kind, name, namespace=namespace, spec={"addresses": list(addresses), "prefix": 24})


def edit(world: World, name: str, *addresses: str) -> None:
    place = ("InClusterIPPool", Key("lab", name))
    world.objects[place] = world.objects[place] | {"spec": {"addresses": list(addresses), "prefix": 24}}


def test_both_pools_name_the_other_and_say_so_once() -> None:
    world = World()
    pool(world, "one", "10.0.0.10-10.0.0.30")
    pool(world, "two", "10.0.0.20-10.0.0.40")
    pool(world, "far", "10.0.1.20-10.0.1.40")
    world.settle()
    assert told(world, "one") == "InClusterIPPool lab/two may give out 10.0.0.20 to 10.0.0.30 as well"
    assert told(world, "two") == "InClusterIPPool lab/one may give out 10.0.0.20 to 10.0.0.30 as well"
    assert told(world, "far") == ""
    assert sorted(world.events) == [
        "OverlappingAddresses: InClusterIPPool lab/one may give out 10.0.0.20 to 10.0.0.30 as well",
        "OverlappingAddresses: InClusterIPPool lab/two may give out 10.0.0.20 to 10.0.0.30 as well",
    ]
    edit(world, "two", "10.0.0.31-10.0.0.40")
    world.settle()
    assert told(world, "one") == told(world, "two") == ""
    assert len(world.events) == 2


def test_global_pools_and_other_namespaces_count() -> None:
    world = World()
    pool(world, "one", "10.0.0.0/8", kind="GlobalInClusterIPPool", namespace="")
    pool(world, "two", "10.9.9.9", namespace="other")
    world.settle()
    assert told(world, "one", "GlobalInClusterIPPool", "") == "InClusterIPPool other/two may give out 10.9.9.9 as well"
    assert told(world, "two", namespace="other") == "GlobalInClusterIPPool one may give out 10.9.9.9 as well"


def test_an_address_that_a_machine_has_by_itself_is_no_address_for_another() -> None:
    world = World()
    pool(world, "one", "10.0.0.10-10.0.0.30")
    pool(world, "wide", "10.0.0.0/8", kind="GlobalInClusterIPPool", namespace="")
    pool(world, "far", "10.0.1.20-10.0.1.40")
    interfaces = "[{interface: eth0, addresses: [10.0.0.12/24], vip: {ip: 10.0.0.13}}]"
    world.put(
        "TalosConfig",
        "m",
        spec={"generateType": "worker", "data": f"machine: {{network: {{interfaces: {interfaces}}}}}"},
    )
    world.put("Cluster", "homelab", spec={"controlPlaneEndpoint": {"host": "10.0.0.13", "port": 6443}})
    world.settle()
    expected = (
        "10.0.0.13 is the control plane endpoint of Cluster lab/homelab: leave it out of the pool",
        "10.0.0.12 is given to a machine by TalosConfig lab/m: leave it out of the pool",
    )

    def lines(*place: str) -> list[str]:
        return [line for line in told(world, *place).splitlines() if "may give out" not in line]

    assert lines("one") == lines("wide", "GlobalInClusterIPPool", "") == list(expected)
    assert lines("far") == []
    world.delete("TalosConfig", "m")
    world.settle()
    assert lines("one") == lines("wide", "GlobalInClusterIPPool", "") == [expected[0]]


def test_the_endpoint_of_a_cluster_is_no_address_for_a_machine() -> None:
    world = World()
    pool(world, "one", "10.0.0.10-10.0.0.30")
    spec: dict[str, Any] = {"controlPlaneEndpoint": {"host": "10.0.0.12", "port": 6443}}
    world.put("Cluster", "homelab", spec=spec)
    world.settle()
    expected = "10.0.0.12 is the control plane endpoint of Cluster lab/homelab: leave it out of the pool"
    assert told(world, "one") == expected
    place = ("InClusterIPPool", Key("lab", "one"))
    old = world.objects[place]["spec"]
    world.objects[place] = world.objects[place] | {"spec": old | {"excludedAddresses": ["10.0.0.12"]}}
    world.settle()
    assert told(world, "one") == ""


def test_neighbours_are_woken_when_a_pool_comes_changes_and_goes() -> None:
    world = World()
    pool(world, "one", "10.0.0.10-10.0.0.30")
    world.settle()
    (watch,) = (
        watch
        for controller in CONTROLLERS
        if controller.kind is InClusterIPPool
        for watch in controller.watches
        if watch.kind is InClusterIPPool
    )

    def woken(view: InClusterIPPool) -> list[str]:
        return [key.name for key in watch.wakes(world, view)]

    pool(world, "two", "10.0.0.20")
    two = world.get(InClusterIPPool, "lab", "two")
    assert woken(two) == ["one"]
    world.settle()
    assert woken(world.get(InClusterIPPool, "lab", "two")) == []
    del world.objects["InClusterIPPool", Key("lab", "two")]
    assert woken(two) == ["one"]
    pool(world, "far", "10.0.1.20")
    assert woken(world.get(InClusterIPPool, "lab", "far")) == []
