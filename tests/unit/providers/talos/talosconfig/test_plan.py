"""What a TalosConfig does next, what it says, and what it writes."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from capstan.api.bootstrap.talosconfig import TalosConfig
from capstan.api.cluster.cluster import Cluster
from capstan.api.cluster.machine import Machine
from capstan.api.errors import TerminalError, TransientError, already_exists, not_found
from capstan.api.objects import Obj, Resource
from capstan.api.rules.certificates import PrivateKey, is_issued_by, is_key_of, subject_of
from capstan.api.rules.conditions import find_condition
from capstan.api.struct import decode
from capstan.providers.talos.config.secrets import decode_bundle
from capstan.providers.talos.config.yamltext import load_document, load_documents
from capstan.providers.talos.names import secret_values
from capstan.providers.talos.secrets_store import SecretsStore
from capstan.providers.talos.talosconfig.act import TalosConfigActor
from capstan.providers.talos.talosconfig.plan import EnsureClusterSecrets, WriteBootstrapData, WriteTalosconfig, plan
from capstan.providers.talos.talosconfig.snapshot import TalosConfigSnapshot
from capstan.providers.talos.talosconfig.status import compute_status
from capstan.providers.talos.talosconfig_file import decode_talosconfig
from capstan.runtime.plan import Emit, Outcome, Outcomes, Plan

NOW = datetime(2026, 1, 1, tzinfo=UTC)
META = {"name": "m1", "namespace": "default", "uid": "config", "generation": 1}


class Keys:
    """Fixed bytes; one RSA size that is quick."""

    def __init__(self) -> None:
        self.made: list[str] = []

    def token(self, size_bytes: int) -> bytes:
        return bytes(range(size_bytes))

    def ed25519(self) -> PrivateKey:
        return ed25519.Ed25519PrivateKey.generate()

    def ecdsa_p256(self) -> PrivateKey:
        return ec.generate_private_key(ec.SECP256R1())

    async def rsa(self, bits: int) -> PrivateKey:
        self.made.append(f"rsa-{bits}")
        return rsa.generate_private_key(65537, 2048)


class Secrets:
    """The part of an API that Secrets need."""

    def __init__(self) -> None:
        self.objects: dict[str, Obj] = {}
        self.writes = 0

    async def get(self, resource: Resource, namespace: str, name: str) -> Obj:
        if name not in self.objects:
            raise not_found("secrets", name)
        return self.objects[name]

    async def create(self, resource: Resource, obj: Obj, *, dry_run: bool = False) -> Obj:
        name = obj["metadata"]["name"]
        if name in self.objects:
            raise already_exists("secrets", name)
        self.writes += 1
        self.objects[name] = obj
        return obj

    async def commit(self, resource: Resource, before: Obj, after: Obj, *, guarded: bool = True) -> Obj:
        if before != after:
            self.writes += 1
            self.objects[after["metadata"]["name"]] = after
        return after


def snapshot(spec: dict[str, Any] | None = None, *, ready: bool = True, **more: Any) -> TalosConfigSnapshot:
    owners = [{"apiVersion": "cluster.x-k8s.io/v1beta2", "kind": "Machine", "name": "m1", "uid": "machine"}]
    config = {"metadata": {**META, "ownerReferences": owners}, "spec": spec or {"generateType": "controlplane"}}
    machine = {
        "metadata": {"name": "m1", "namespace": "default", "uid": "machine"},
        "spec": {
            "clusterName": "c",
            "version": "v1.33.4",
            "bootstrap": {"configRef": {"apiGroup": "bootstrap.cluster.x-k8s.io", "kind": "TalosConfig", "name": "m1"}},
            "infrastructureRef": {"apiGroup": "x", "kind": "ProxmoxMachine", "name": "vm1"},
        },
    }
    cluster = {
        "metadata": {"name": "c", "namespace": "default", "uid": "cluster"},
        "spec": {
            "controlPlaneEndpoint": {"host": "10.0.0.100", "port": 6443},
            "clusterNetwork": {
                "pods": {"cidrBlocks": ["10.99.0.0/16"]},
                "serviceDomain": "lab.local",
                "apiServerPort": 7443,
            },
        },
        "status": {"initialization": {"infrastructureProvisioned": ready}},
    }
    return TalosConfigSnapshot(
        config=decode(config, TalosConfig),
        now=NOW,
        cluster_name="c",
        cluster=decode(cluster, Cluster),
        machine=decode(machine, Machine),
        **more,
    )


def carry_out(made: Plan, secrets: Secrets, keys: Keys | None = None) -> Outcomes:
    actor = TalosConfigActor(SecretsStore(secrets, keys or Keys(), "ecdsa-p256"))  # type: ignore[arg-type]
    outcomes = []
    for action in made.actions:
        if type(action) is Emit:
            continue
        outcomes.append(Outcome(action, asyncio.run(actor.handlers()[type(action)](action))))  # type: ignore[arg-type]
    return Outcomes(tuple(outcomes))


def test_the_data_is_written_with_the_clusters_secrets() -> None:
    found, secrets = snapshot(), Secrets()
    made = plan(found)
    assert [type(a) for a in made.actions] == [EnsureClusterSecrets, WriteBootstrapData]
    after = compute_status(found, carry_out(made, secrets))
    assert sorted(secrets.objects) == ["c-ca", "c-talos", "m1-bootstrap-data"]
    bundle = decode_bundle(secret_values(secrets.objects["c-talos"]))
    assert secret_values(secrets.objects["c-ca"])["tls.crt"] == bundle.kubernetes.certificate_pem
    config = load_documents(secret_values(secrets.objects["m1-bootstrap-data"])["value"])
    legacy = config[0] if config else {}
    assert legacy["machine"]["type"] == "controlplane"
    network = next(d for d in config if d.get("kind") == "KubeNetworkConfig")
    assert (network["podSubnets"], network["dnsDomain"]) == (["10.99.0.0/16"], "lab.local")
    assert "7443" in secret_values(secrets.objects["m1-bootstrap-data"])["value"].decode()
    owners = {name: obj["metadata"]["ownerReferences"][0]["uid"] for name, obj in secrets.objects.items()}
    assert owners == {"c-ca": "cluster", "c-talos": "cluster", "m1-bootstrap-data": "config"}
    assert after is not None
    assert after.status.initialization.data_secret_created is True
    assert after.status.data_secret_name == "m1-bootstrap-data"
    assert after.status.observed_generation == 1
    ready = find_condition(after.status.conditions, "Ready")
    assert ready is not None and ready.status == "True"
    assert [c.type for c in after.status.deprecated.v1beta.conditions] == ["Ready", "DataSecretAvailable"]


def test_no_secret_shows_in_a_plan() -> None:
    spec = {"generateType": "worker", "strategicPatches": ["machine: {env: {TOKEN: very-secret}}"]}
    made = plan(snapshot(spec))
    assert "very-secret" not in repr(made)


def test_repeating_changes_nothing() -> None:
    found, secrets = snapshot(), Secrets()
    carry_out(plan(found), secrets)
    writes = secrets.writes
    carry_out(plan(found), secrets)
    assert secrets.writes == writes


def test_a_secret_of_something_else_is_not_taken() -> None:
    found, secrets = snapshot(), Secrets()
    stranger = {"metadata": {"name": "m1-bootstrap-data", "ownerReferences": [{"uid": "older"}]}, "data": {}}
    secrets.objects["m1-bootstrap-data"] = stranger
    with pytest.raises(TransientError, match="belongs to something else"):
        carry_out(plan(found), secrets)


def test_it_waits_for_the_infrastructure_and_the_endpoint() -> None:
    early = snapshot(ready=False)
    assert plan(early).actions == ()
    after = compute_status(early, Outcomes())
    condition = find_condition(after.status.conditions, "DataSecretAvailable") if after else None
    assert condition is not None and (condition.status, condition.reason) == ("False", "NotAvailable")
    assert after is not None
    assert after.status.deprecated.v1beta.conditions[0].reason == "WaitingForClusterInfrastructure"
    assert early.cluster is not None
    spec = msgspec.structs.replace(
        early.cluster.spec, control_plane_endpoint=type(early.cluster.spec)().control_plane_endpoint
    )
    no_endpoint = replace(snapshot(), cluster=msgspec.structs.replace(snapshot().cluster, spec=spec))  # type: ignore[type-var]
    assert "spec.controlPlaneEndpoint" in plan(no_endpoint).waiting_on[0].message


def test_data_of_a_moved_machine_is_adopted() -> None:
    found = snapshot()
    assert found.machine is not None
    bootstrap = msgspec.structs.replace(found.machine.spec.bootstrap, data_secret_name="old-data")
    machine = msgspec.structs.replace(
        found.machine, spec=msgspec.structs.replace(found.machine.spec, bootstrap=bootstrap)
    )
    moved = replace(found, machine=machine)
    assert plan(moved).actions == ()
    after = compute_status(moved, Outcomes())
    assert after is not None and after.status.data_secret_name == "old-data"
    assert after.status.initialization.data_secret_created is True


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ({"generateType": "join"}, "generateType: must be controlplane, worker, init or none"),
        ({"generateType": "worker", "talosVersion": "newest"}, "talosVersion: not a Talos version"),
        ({"generateType": "none"}, "data: is required when generateType is none"),
        (
            {"generateType": "worker", "configPatches": [{"op": "remove", "path": "/machine/nothing"}]},
            "configPatches: operation 0: /machine/nothing: there is no 'nothing'",
        ),
        ({"generateType": "worker", "hostname": {"source": "Magic"}}, "hostname.source: must be MachineName"),
    ],
)
def test_a_spec_that_cannot_be_followed_is_told_once(spec: dict[str, Any], message: str) -> None:
    found = snapshot(spec)
    made = plan(found)
    assert [type(a) for a in made.actions] == [Emit]
    assert made.waiting_on[0].message.startswith(message)
    after = compute_status(found, Outcomes())
    assert after is not None
    condition = find_condition(after.status.conditions, "DataSecretAvailable")
    assert condition is not None and condition.reason == "InternalError"
    assert condition.message.startswith(message)
    assert plan(replace(found, config=after)).actions == ()


def test_given_data_brings_its_own_authority() -> None:
    donor = Secrets()
    carry_out(plan(snapshot({"generateType": "controlplane", "talosVersion": "v1.11"})), donor)
    config = secret_values(donor.objects["m1-bootstrap-data"])["value"].decode()
    secrets = Secrets()
    carry_out(plan(snapshot({"generateType": "none", "data": config})), secrets)
    assert sorted(secrets.objects) == ["c-ca", "m1-bootstrap-data"]
    assert secrets.objects["c-ca"]["data"] == donor.objects["c-ca"]["data"]


def test_a_broken_bundle_is_not_replaced() -> None:
    secrets = Secrets()
    secrets.objects["c-talos"] = {"metadata": {"name": "c-talos"}, "data": {"bundle": "e30="}}
    with pytest.raises(TerminalError, match="restore it from a backup"):
        carry_out(plan(snapshot()), secrets)


def written() -> tuple[TalosConfigSnapshot, Secrets]:
    found, secrets = snapshot(), Secrets()
    after = compute_status(found, carry_out(plan(found), secrets))
    assert after is not None
    return replace(found, config=after, endpoints=("10.0.0.1",)), secrets


def test_the_talosconfig_is_written_and_renewed_only_when_it_has_to_be() -> None:
    found, secrets = written()
    made = plan(found)
    assert [type(a) for a in made.actions] == [WriteTalosconfig]
    carry_out(made, secrets)
    first = decode_talosconfig(secret_values(secrets.objects["c-talosconfig"])["talosconfig"])
    assert (first.context, first.endpoints) == ("c", ("10.0.0.1",))
    bundle = decode_bundle(secret_values(secrets.objects["c-talos"]))
    assert is_issued_by(first.credentials.certificate_pem, bundle.os.certificate_pem)
    assert is_key_of(first.credentials.certificate_pem, first.credentials.key_pem)
    assert subject_of(first.credentials.certificate_pem).organizations == ("os:admin",)
    assert plan(replace(found, client_config=first)).actions == ()
    grown = replace(found, client_config=first, endpoints=("10.0.0.1", "10.0.0.2"))
    carry_out(plan(grown), secrets)
    second = decode_talosconfig(secret_values(secrets.objects["c-talosconfig"])["talosconfig"])
    assert second.endpoints == ("10.0.0.1", "10.0.0.2")
    assert second.credentials == first.credentials, "the certificate is kept"
    later = replace(grown, client_config=second, now=NOW + timedelta(days=200))
    carry_out(plan(later), secrets)
    third = decode_talosconfig(secret_values(secrets.objects["c-talosconfig"])["talosconfig"])
    assert third.credentials != second.credentials


def test_workers_write_no_talosconfig() -> None:
    found, _secrets = written()
    spec = msgspec.structs.replace(found.config.spec, generate_type="worker")
    worker = replace(found, config=msgspec.structs.replace(found.config, spec=spec))
    assert plan(worker).actions == ()


@pytest.mark.parametrize(("source", "expected"), [("MachineName", "m1"), ("InfrastructureName", "vm1")])
def test_hostnames(source: str, expected: str) -> None:
    secrets = Secrets()
    spec = {"generateType": "worker", "talosVersion": "v1.11", "hostname": {"source": source}}
    carry_out(plan(snapshot(spec)), secrets)
    config = load_document(secret_values(secrets.objects["m1-bootstrap-data"])["value"])
    assert config["machine"]["network"]["hostname"] == expected


def test_the_service_account_key_follows_the_contract() -> None:
    from capstan.providers.talos.config.contract import Contract
    from capstan.providers.talos.config.secrets import generate_bundle

    for contract, made in ((Contract(1, 6), []), (Contract(1, 7), ["rsa-4096"]), (Contract(1, 14), ["rsa-4096"])):
        keys = Keys()
        bundle = asyncio.run(generate_bundle(keys, NOW, contract))
        assert keys.made == made
        assert bundle.secretbox_secret and not bundle.aescbc_secret
    assert len(bundle.bootstrap_token) == 23
    assert bundle.bootstrap_token[6] == "."
