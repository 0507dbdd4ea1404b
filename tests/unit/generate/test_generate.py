"""The generator: strict parameters in, manifests out that apply as they are."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from capstan.generate import (
    Network,
    ParameterError,
    Parameters,
    Proxmox,
    Talos,
    Workers,
    cluster_manifests,
    default_config,
    json_schema,
    read_parameters,
    render,
)


def parameters(**changes: Any) -> dict[str, Any]:
    """The default file's content with some keys changed; a dotted name reaches into a part."""
    document: dict[str, Any] = yaml.safe_load(default_config())
    for dotted, value in changes.items():
        *path, last = dotted.split("__")
        part = document
        for name in path:
            part = part[name]
        part[last] = value
    return document


def test_the_commented_default_is_valid_and_every_key_has_its_comment() -> None:
    text = default_config()
    assert read_parameters(yaml.safe_load(text)).name == "homelab"
    lines = text.splitlines()
    for number, line in enumerate(lines):
        if ":" in line and not line.lstrip().startswith(("#", "-")):
            assert lines[number - 1].lstrip().startswith(("#", "- ")) or lines[number - 1].endswith(":"), line


REFUSED = [
    ({"netwrk": {}}, "netwrk", "did you mean network?"),
    ({"network__gatewy": "1.1.1.1"}, "network.gatewy", "did you mean gateway?"),
    ({"proxmox__templateId": 9000}, "proxmox.templateId", "did you mean templateID?"),
    ({"network__prefix": "24"}, "network.prefix", "expected `int`, got `str`"),
    ({"network__vip": "192.168.0.25"}, "network.addresses[0]", "the virtual IP 192.168.0.25 lies in"),
    ({"network__vip": "10.0.0.1"}, "network.vip", "is not inside 192.168.0.0/24"),
    ({"network__vip": "192.168.0.1"}, "network.vip", "is the gateway's address"),
    ({"network__addresses": ["192.168.0.20-192.168.0.22"]}, "network.addresses", "3 addresses are too few"),
    ({"network__addresses": ["192.168.1.20-192.168.1.29"]}, "network.addresses[0]", "not inside 192.168.0.0/24"),
    (
        {"network__addresses": ["192.168.0.20-192.168.0.29", "192.168.0.29"]},
        "network.addresses[1]",
        'overlaps with "192.168.0.20-192.168.0.29"',
    ),
    ({"network__addresses": ["192.168.0.29-192.168.0.20"]}, "network.addresses[0]", "behind the last one"),
    ({"network__addresses": ["all"]}, "network.addresses[0]", "all"),
    ({"controlPlane__replicas": 2}, "controlPlane.replicas", "use 1 or 3"),
    ({"proxmox__templateID": None}, "proxmox.templateID", "is required unless"),
    ({"proxmox__templateTags": ["talos"]}, "proxmox.templateTags", "not by both"),
    ({"proxmox__nodes": ["pve1", "pve1"]}, "proxmox.nodes", "named twice"),
    ({"proxmox__storage": "tank", "proxmox__fullClone": False}, "proxmox.storage", "linked clones"),
    ({"workers": [{"name": "a"}, {"name": "a"}]}, "workers[1].name", "name of another pool"),
    ({"kubernetesVersion": "1.33"}, "kubernetesVersion", "regex"),
]


@pytest.mark.parametrize(("changes", "path", "words"), REFUSED, ids=[f"{r[1]}-{n}" for n, r in enumerate(REFUSED)])
def test_bad_parameters_are_refused_with_path_and_reason(changes: dict[str, Any], path: str, words: str) -> None:
    with pytest.raises(ParameterError) as refused:
        read_parameters(parameters(**changes))
    assert any(p.path == path and words in p.message for p in refused.value.problems), str(refused.value)


def test_what_is_missing_is_named() -> None:
    with pytest.raises(ParameterError) as refused:
        read_parameters({"name": "x", "network": {"vip": "10.0.0.2"}})
    assert str(refused.value) == "network.addresses: is required"


def test_manifests_are_in_the_versions_of_today_or_in_the_newest() -> None:
    wanted = read_parameters(yaml.safe_load(default_config()))
    old = {(o["kind"], o["apiVersion"]) for o in cluster_manifests(wanted)}
    new = {(o["kind"], o["apiVersion"]) for o in cluster_manifests(wanted, "v1beta2")}
    assert ("Cluster", "cluster.x-k8s.io/v1beta1") in old
    assert ("ProxmoxMachineTemplate", "infrastructure.cluster.x-k8s.io/v1alpha1") in old
    assert ("TalosConfigTemplate", "bootstrap.cluster.x-k8s.io/v1alpha3") in old
    assert ("Cluster", "cluster.x-k8s.io/v1beta2") in new
    assert ("ProxmoxMachineTemplate", "infrastructure.cluster.x-k8s.io/v1alpha2") in new
    assert ("TalosConfigTemplate", "bootstrap.cluster.x-k8s.io/v1beta1") in new
    assert ("TalosControlPlane", "controlplane.cluster.x-k8s.io/v1alpha3") in old & new
    assert "annotations" not in str(cluster_manifests(wanted, "v1beta2"))


def test_a_changed_template_gets_another_name_and_is_referred_to() -> None:
    small = cluster_manifests(read_parameters(parameters()))
    large = cluster_manifests(read_parameters(parameters(controlPlane__memoryMiB=8192)))
    names = [
        next(o for o in objects if o["kind"] == "TalosControlPlane")["spec"]["infrastructureTemplate"]["name"]
        for objects in (small, large)
    ]
    assert names[0] != names[1]
    assert names[1] in {o["metadata"]["name"] for o in large}


def test_from_python_with_pools_tags_and_extensions() -> None:
    wanted = Parameters(
        name="edge",
        network=Network(vip="10.1.0.5", addresses=("10.1.0.64/27",), gateway="10.1.0.1"),
        proxmox=Proxmox(nodes=("a", "b"), template_tags=("talos", "v1.11")),
        talos=Talos(extensions=("siderolabs/qemu-guest-agent",)),
        workers=(Workers(name="small"), Workers(name="large", memory_mib=16384)),
    )
    objects = cluster_manifests(wanted)
    machines = [o for o in objects if o["kind"] == "ProxmoxMachineTemplate"]
    assert len(machines) == 3
    spec = machines[0]["spec"]["template"]["spec"]
    assert spec["templateSelector"] == {"matchTags": ["talos", "v1.11"]}
    assert "templateID" not in spec
    assert spec["checks"]["skipQemuGuestAgent"] is False
    text = render(objects)
    assert "ce4c980550dd2ab1b17bbf2b08801c7eb59418eafe8f279833297925d67c7515" in text
    assert list(yaml.safe_load_all(text)) == objects


def test_the_json_schema_names_every_key_of_the_default() -> None:
    schema = json_schema()
    definitions: Any = schema["$defs"]
    assert set(yaml.safe_load(default_config())) == set(definitions["Parameters"]["properties"])
    assert definitions["Parameters"]["additionalProperties"] is False


@given(st.integers(1, 40), st.integers(0, 40), st.integers(1, 120))
def test_room_for_replicas_and_surge_is_exactly_what_is_asked(control: int, workers: int, room: int) -> None:
    replicas = control * 2 - 1 if control <= 5 else 1
    document = parameters(
        controlPlane__replicas=min(replicas, 9),
        workers=[{"replicas": workers}],
        network__addresses=[f"192.168.0.100-192.168.0.{99 + room}"],
    )
    needed = min(replicas, 9) + workers + 2
    if room >= needed:
        assert read_parameters(document).workers[0].replicas == workers
    else:
        with pytest.raises(ParameterError, match="too few"):
            read_parameters(document)
