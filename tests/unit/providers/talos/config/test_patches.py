"""Patches as users write them: what merges, what appends, what is refused, and where."""

from __future__ import annotations

from typing import Any

import pytest

from capstan.providers.talos.config.checks import find_errors
from capstan.providers.talos.config.contract import NEWEST, Contract, parse_contract
from capstan.providers.talos.config.errors import ConfigError
from capstan.providers.talos.config.inputs import GenerateInput
from capstan.providers.talos.config.merge import identity, merge_documents
from capstan.providers.talos.config.patches import apply_config_patches, apply_hostname, apply_strategic_patches
from capstan.providers.talos.config.render import RenderInput, find_problem
from capstan.providers.talos.config.yamltext import Document, dump_documents, load_documents

BASE: Document = {
    "version": "v1alpha1",
    "machine": {
        "type": "controlplane",
        "certSANs": ["a"],
        "kubelet": {"image": "k:1", "extraArgs": {"v": ["1", "2"]}},
        "network": {"interfaces": [{"interface": "eth0", "dhcp": True, "vlans": [{"vlanId": 4, "mtu": 1400}]}]},
        "install": {"wipe": True},
    },
    "cluster": {
        "network": {"podSubnets": ["10.244.0.0/16"]},
        "apiServer": {"admissionControl": [{"name": "PodSecurity", "configuration": {"a": 1}}]},
    },
}


def merged(text: str, *more: Document) -> list[Document]:
    return apply_strategic_patches([BASE, *more], [text])


@pytest.mark.parametrize(
    ("patch", "path", "expected"),
    [
        ("machine: {certSANs: [b]}", "machine.certSANs", ["a", "b"]),
        ("machine: {kubelet: {image: ''}}", "machine.kubelet.image", "k:1"),
        ("machine: {install: {wipe: false}}", "machine.install.wipe", False),
        ("machine: {kubelet: {extraArgs: {v: ['9']}}}", "machine.kubelet.extraArgs.v", ["9"]),
        ("cluster: {network: {podSubnets: [10.0.0.0/16]}}", "cluster.network.podSubnets", ["10.0.0.0/16"]),
        (
            "machine: {network: {interfaces: [{interface: eth0, vip: {ip: 10.0.0.2}}]}}",
            "machine.network.interfaces",
            [{"interface": "eth0", "dhcp": True, "vlans": [{"vlanId": 4, "mtu": 1400}], "vip": {"ip": "10.0.0.2"}}],
        ),
        (
            "machine: {network: {interfaces: [{interface: eth0, vlans: [{vlanId: 4, dhcp: true}, {vlanId: 5}]}]}}",
            "machine.network.interfaces",
            [
                {
                    "interface": "eth0",
                    "dhcp": True,
                    "vlans": [{"vlanId": 4, "mtu": 1400, "dhcp": True}, {"vlanId": 5}],
                }
            ],
        ),
        (
            "cluster: {apiServer: {admissionControl: [{name: PodSecurity, configuration: {b: 2}}]}}",
            "cluster.apiServer.admissionControl",
            [{"name": "PodSecurity", "configuration": {"a": 1, "b": 2}}],
        ),
        (
            "cluster: {apiServer: {admissionControl: [{name: PodSecurity, $patch: delete}]}}",
            "cluster.apiServer.admissionControl",
            [],
        ),
        ("- {op: add, path: /machine/install/disk, value: /dev/sda}", "machine.install.disk", "/dev/sda"),
        ("machine: {network: {hostname: off}}", "machine.network.hostname", "off"),
    ],
)
def test_a_patch_of_the_v1alpha1_document(patch: str, path: str, expected: Any) -> None:
    before = dump_documents([BASE])
    value: Any = merged(patch)[0]
    for name in path.split("."):
        value = value[name]
    assert value == expected
    assert dump_documents([BASE]) == before, "the argument was changed"


def test_documents_are_matched_by_kind_and_name_or_appended() -> None:
    known = {"apiVersion": "v1alpha1", "kind": "VolumeConfig", "name": "EPHEMERAL", "mount": {"secure": True}}
    text = dump_documents([{**known, "mount": {"secure": False}}, {**known, "name": "OTHER"}])
    documents = merged(text, known)
    assert [identity(d)[2] for d in documents] == ["", "EPHEMERAL", "OTHER"]
    assert documents[1]["mount"] == {"secure": False}
    gone = merged("apiVersion: v1alpha1\nkind: VolumeConfig\nname: EPHEMERAL\n$patch: delete", known)
    assert gone == [BASE]


@pytest.mark.parametrize(
    ("patch", "message"),
    [
        ("machine: {nothing: {$patch: delete}}", "strategicPatches[0]: machine.nothing: there is nothing here"),
        ("machine: {kubelet: [1]}", "strategicPatches[0]: machine.kubelet: a list cannot be merged into a mapping"),
        ("version: v1alpha1\n$patch: delete", "strategicPatches[0]: $patch: the v1alpha1 document cannot be deleted"),
        ("- {op: remove, path: /machine/disks}", "strategicPatches[0]: operation 0: /machine/disks: there is no"),
        ("a: b: c", "strategicPatches[0]: not valid YAML"),
        ("machine: {}\nmachine: {}", "strategicPatches[0]: the key 'machine' appears twice (line 2)"),
        ("just text", "strategicPatches[0]: a patch is a mapping"),
        ("{op: add, path: /machine}", "strategicPatches[0]: an operation stands in a list"),
    ],
)
def test_what_is_refused_says_where(patch: str, message: str) -> None:
    with pytest.raises(ConfigError) as raised:
        merged(patch)
    assert str(raised.value).startswith(message)


def test_operations_apply_to_the_v1alpha1_document_beside_others() -> None:
    """Upstream refuses them as soon as there is a second document."""
    other = {"apiVersion": "v1alpha1", "kind": "HostnameConfig", "auto": "stable"}
    documents = apply_config_patches([BASE, other], [{"op": "replace", "path": "/machine/type", "value": "worker"}])
    assert documents[0]["machine"]["type"] == "worker"
    assert documents[1] == other
    documents = apply_config_patches([BASE, other], [{"op": "replace", "path": "/auto", "value": "off"}])
    assert documents[1]["auto"] == "off"


def test_the_hostname_has_one_form() -> None:
    stable = {"apiVersion": "v1alpha1", "kind": "HostnameConfig", "auto": "stable"}
    new = apply_hostname([BASE, stable], "n1", Contract(1, 12))
    assert new[1:] == [{"apiVersion": "v1alpha1", "kind": "HostnameConfig", "auto": "off", "hostname": "n1"}]
    old = apply_hostname([BASE], "n1", Contract(1, 11))
    assert old[0]["machine"]["network"]["hostname"] == "n1"
    assert apply_hostname([BASE], "", NEWEST) == [BASE]


@pytest.mark.parametrize(
    ("text", "expected"),
    [("v1.11", (1, 11)), ("1.13.2", (1, 13)), ("v1.12.0-beta.0", (1, 12)), ("", (1, 14)), ("v1.20", (1, 14))],
)
def test_contracts(text: str, expected: tuple[int, int]) -> None:
    assert parse_contract(text) == Contract(*expected)


@pytest.mark.parametrize("text", ["latest", "v1", "0.14"])
def test_versions_that_are_none(text: str) -> None:
    with pytest.raises(ConfigError):
        parse_contract(text)


def rendered(role: str, *patches: str, version: str = "v1.11") -> ConfigError | None:
    inputs = GenerateInput(
        machine_type=role,  # type: ignore[arg-type]
        cluster_name="c",
        endpoint="https://10.0.0.2:6443",
        kubernetes_version="1.33.0",
        contract=parse_contract(version),
    )
    return find_problem(RenderInput(generate=inputs, strategic_patches=patches, contract=parse_contract(version)))


@pytest.mark.parametrize(
    ("role", "patch", "message"),
    [
        ("controlplane", "machine: {netwrok: {}}", "machine.netwrok: unknown field; did you mean network?"),
        ("controlplane", "apiVersion: v1alpha1\nkind: HostnamConfig", "v1alpha1/HostnamConfig: Talos has no such kind"),
        ("controlplane", "machine: {network: {interfaces: {}}}", "machine.network.interfaces: must be a list"),
        ("controlplane", "cluster: {network: {podSubnets: [ten]}}", "cluster.network.podSubnets[0]: must be a subnet"),
        ("controlplane", "persist: false", "persist: must not be false"),
        ("worker", "cluster: {etcd: {image: x}}", "cluster.etcd: a worker has no etcd"),
        (
            "worker",
            "machine: {network: {interfaces: [{interface: e, vip: {ip: 1.2.3.4}}]}}",
            "machine.network.interfaces[0].vip: virtual IPs are for control planes",
        ),
        ("worker", "apiVersion: v1alpha1\nkind: KubeCoreDNSConfig\nenabled: true", "KubeCoreDNSConfig: is for control"),
    ],
)
def test_what_talos_would_refuse(role: str, patch: str, message: str) -> None:
    assert str(rendered(role, patch)).startswith(message)


def test_hostname_in_both_forms_is_refused() -> None:
    found = rendered("worker", "machine: {network: {hostname: n1}}", version="v1.12")
    assert str(found) == "machine.network.hostname: is also set by HostnameConfig; keep one of them"


def test_the_patches_of_the_home_lab_are_fine() -> None:
    vip = "machine:\n  network:\n    interfaces:\n      - interface: eth0\n        vip:\n          ip: 10.0.0.2\n"
    disk = "- op: add\n  path: /machine/install/disk\n  value: /dev/sda\n"
    for version in ("v1.7", "v1.11", "v1.13"):
        assert rendered("controlplane", vip, disk, version=version) is None
    assert rendered("controlplane", vip) is None


def test_a_given_configuration() -> None:
    assert str(find_problem(RenderInput(given=""))) == "data: is required when generateType is none"
    assert str(find_problem(RenderInput(given="machine: {type: worker}"))) != ""
    problems = [str(e) for e in find_errors(load_documents("machine: {type: robot}"))]
    assert problems == ["machine.type: must be controlplane or worker"]


def test_yaml_words_stay_words() -> None:
    text = "a: off\nb: yes\nc: true\nd: 0o17\ne: 017\nf: 2026-01-01\ng: 1e3\n"
    assert load_documents(text) == [
        {"a": "off", "b": "yes", "c": True, "d": 15, "e": 15, "f": "2026-01-01", "g": "1e3"}
    ]
    assert load_documents(dump_documents([{"a": "off", "b": "x\ny\n"}])) == [{"a": "off", "b": "x\ny\n"}]
    assert merge_documents([BASE], load_documents("---\n---\n")) == [BASE]
