"""Generated configurations against what Talos itself generates, document by document, key by key."""

from __future__ import annotations

from pathlib import Path

import pytest

from capstan.providers.talos.config.checks import find_errors
from capstan.providers.talos.config.contract import Contract, parse_contract
from capstan.providers.talos.config.generate import generate_config
from capstan.providers.talos.config.inputs import CustomCni, GenerateInput
from capstan.providers.talos.config.merge import identity
from capstan.providers.talos.config.patches import apply_patch_text
from capstan.providers.talos.config.secrets import SecretsBundle, decode_bundle, encode_bundle
from capstan.providers.talos.config.yamltext import Document, dump_documents, load_documents

GOLDEN = Path(__file__).parents[6] / "shared" / "data" / "talos-golden"
CONTRACTS = ("v1.7", "v1.8", "v1.9", "v1.10", "v1.11", "v1.12", "v1.13", "v1.14")
#: What Talos generates for these is byte for byte what it generates for the other.
SAME_AS = {"v1.8": "v1.9", "v1.10": "v1.9", "v1.11": "v1.9"}


def golden(contract: str, flavour: str, role: str) -> list[Document]:
    if not GOLDEN.is_dir():
        pytest.skip(f"{GOLDEN.name} is not there")
    path = GOLDEN / SAME_AS.get(contract, contract) / f"{flavour}-{role}.yaml"
    if not path.is_file():
        pytest.skip(f"there is no {contract}/{flavour}-{role}")
    return load_documents(path.read_bytes())


def bundle() -> SecretsBundle:
    return decode_bundle({"bundle": (GOLDEN / "secrets.yaml").read_bytes()})


def inputs(contract: Contract, flavour: str, role: str) -> GenerateInput:
    base = {
        "machine_type": role,
        "cluster_name": "base",
        "endpoint": "https://base:6443",
        "kubernetes_version": "1.28.0",
        "contract": contract,
    }
    if flavour == "base":
        return GenerateInput(**base)  # type: ignore[arg-type]
    return GenerateInput(
        **base,  # type: ignore[arg-type]
        additional_sans=("foo", "bar"),
        allow_scheduling_on_control_planes=True,
        dns_domain="example.com",
        install_disk="/dev/vda",
        install_kernel_args=("foo=bar", "bar=baz"),
        local_api_server_port=5443,
        sysctls={"foo": "bar"},
        custom_cni=CustomCni(urls=("https://example.com/cni.yaml",)),
        registry_mirrors={"ghcr.io": ("https://ghcr.io.my-mirror.com",)},
    )


@pytest.mark.parametrize("role", ["controlplane", "worker"])
@pytest.mark.parametrize("flavour", ["base", "overrides"])
@pytest.mark.parametrize("contract", CONTRACTS)
def test_generated_as_talos_does(contract: str, flavour: str, role: str) -> None:
    wanted = golden(contract, flavour, role)
    version = parse_contract(contract)
    documents = generate_config(inputs(version, flavour, role), bundle())
    if flavour == "overrides":
        name = "patch.yaml" if version.is_in_documents else "patch-pre14.yaml"
        documents = apply_patch_text(documents, (GOLDEN / name).read_text())
    assert [identity(d) for d in documents] == [identity(d) for d in wanted]
    for made, known in zip(documents, wanted, strict=True):
        assert made == known
    assert load_documents(dump_documents(documents)) == wanted


@pytest.mark.parametrize("role", ["controlplane", "worker"])
@pytest.mark.parametrize("contract", CONTRACTS)
def test_what_talos_generates_passes_the_checks(contract: str, role: str) -> None:
    assert list(find_errors(golden(contract, "base", role))) == []


def test_overrides_in_documents() -> None:
    """For 1.14 there is no published file: the documents that the overrides turn into."""
    if not GOLDEN.is_dir():
        pytest.skip(f"{GOLDEN.name} is not there")
    documents = generate_config(inputs(Contract(1, 14), "overrides", "controlplane"), bundle())
    kinds = {identity(d)[1]: d for d in documents}
    assert kinds["UnattendedInstallConfig"]["provisioning"]["diskSelector"] == {"match": 'disk.dev_path == "/dev/vda"'}
    assert kinds["KubeAPIServerConfig"]["apiPort"] == 5443
    assert "taints" not in kinds["KubeNodeConfig"]
    assert "KubeFlannelCNIConfig" not in kinds
    assert kinds["KubeExternalManifestConfig"]["url"] == "https://example.com/cni.yaml"
    assert list(find_errors(documents)) == []


def test_a_bundle_survives_being_written_and_read() -> None:
    if not GOLDEN.is_dir():
        pytest.skip(f"{GOLDEN.name} is not there")
    read = bundle()
    assert decode_bundle({"bundle": encode_bundle(read)}) == read
    assert "placeholder" not in repr(read)
