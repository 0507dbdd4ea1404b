"""Generates machine configurations: one v1alpha1 document, and from 1.12 on others beside it (talos.md 5.1)."""

from __future__ import annotations

import base64
from typing import Any
from urllib.parse import urlsplit

from capstan.providers.talos.config.generate_documents import (
    hostname_document,
    mirror_documents,
    small_v1alpha1,
    split_documents,
)
from capstan.providers.talos.config.inputs import GenerateInput, audit_policy, pod_security
from capstan.providers.talos.config.secrets import SecretsBundle, encoded_authority
from capstan.providers.talos.config.yamltext import Document


def generate_config(inputs: GenerateInput, secrets: SecretsBundle) -> list[Document]:
    """The documents of one machine in Talos' order, the v1alpha1 document first."""
    if inputs.contract.is_in_documents:
        return [small_v1alpha1(inputs, secrets), *split_documents(inputs, secrets)]
    documents = [{**_head(), "machine": _machine(inputs, secrets), "cluster": _cluster(inputs, secrets)}]
    if inputs.contract.has_network_documents:
        documents += [*mirror_documents(inputs), hostname_document()]
    return documents


def _head() -> Document:
    return {"version": "v1alpha1", "debug": False, "persist": True}


def _machine(inputs: GenerateInput, secrets: SecretsBundle) -> Document:
    machine: Document = {
        "type": inputs.machine_type,
        "token": secrets.trustd_token,
        "ca": encoded_authority(secrets.os, with_key=inputs.is_control_plane),
        "certSANs": list(inputs.additional_sans),
        "kubelet": {
            "image": inputs.image("kubelet"),
            "defaultRuntimeSeccompProfileEnabled": True,
            "disableManifestsDirectory": True,
        },
    }
    if inputs.contract.has_empty_network_section:
        machine["network"] = {}
    machine["install"] = _install(inputs)
    if inputs.sysctls:
        machine["sysctls"] = dict(inputs.sysctls)
    if inputs.registry_mirrors and not inputs.contract.has_network_documents:
        mirrors = {name: {"endpoints": list(urls)} for name, urls in inputs.registry_mirrors.items()}
        machine["registries"] = {"mirrors": mirrors}
    machine["features"] = _features(inputs)
    if inputs.is_control_plane and inputs.contract.has_host_dns_forwarding:
        machine["nodeLabels"] = {"node.kubernetes.io/exclude-from-external-load-balancers": ""}
    return machine


def _install(inputs: GenerateInput) -> Document:
    install: Document = {}
    if inputs.install_disk:
        install["disk"] = inputs.install_disk
    if inputs.install_kernel_args:
        install["extraKernelArgs"] = list(inputs.install_kernel_args)
    if inputs.install_image:
        install["image"] = inputs.install_image
    install["wipe"] = False
    if inputs.contract.has_network_documents:
        install["grubUseUKICmdline"] = True
    return install


def _features(inputs: GenerateInput) -> Document:
    contract = inputs.contract
    features: Document = {}
    if not contract.has_network_documents:
        features |= {"rbac": True, "stableHostname": True, "apidCheckExtKeyUsage": True}
    if contract.has_disk_quota:
        features["diskQuotaSupport"] = True
    if contract.has_kubeprism:
        features["kubePrism"] = {"enabled": True, "port": 7445}
    if contract.has_host_dns:
        features["hostDNS"] = {"enabled": True}
    if contract.has_host_dns_forwarding:
        features["hostDNS"]["forwardKubeDNSToHost"] = True
    return features


def _cluster(inputs: GenerateInput, secrets: SecretsBundle) -> Document:
    control_plane: Document = {"endpoint": inputs.endpoint}
    if inputs.local_api_server_port and inputs.is_control_plane:
        control_plane["localAPIServerPort"] = inputs.local_api_server_port
    cluster: Document = {
        "id": secrets.cluster_id,
        "secret": secrets.cluster_secret,
        "controlPlane": control_plane,
    }
    if inputs.is_control_plane or inputs.contract.has_host_dns_forwarding:
        cluster["clusterName"] = inputs.cluster_name
    cluster |= {"network": _cluster_network(inputs), "token": secrets.bootstrap_token}
    if inputs.is_control_plane:
        cluster |= _control_plane_sections(inputs, secrets)
    else:
        cluster["ca"] = encoded_authority(secrets.kubernetes, with_key=False)
    discovery_off = {"disabled": True}
    cluster["discovery"] = {"enabled": True, "registries": {"kubernetes": discovery_off, "service": {}}}
    if inputs.is_control_plane:
        cluster["etcd"] = {"ca": encoded_authority(secrets.etcd, with_key=True)}
        if inputs.allow_scheduling_on_control_planes:
            cluster["allowSchedulingOnControlPlanes"] = True
    return cluster


def _cluster_network(inputs: GenerateInput) -> Document:
    network: Document = {}
    if inputs.custom_cni is not None:
        network["cni"] = {"name": "custom", "urls": list(inputs.custom_cni.urls)}
    return network | {
        "dnsDomain": inputs.dns_domain,
        "podSubnets": list(inputs.pod_subnets),
        "serviceSubnets": list(inputs.service_subnets),
    }


def _control_plane_sections(inputs: GenerateInput, secrets: SecretsBundle) -> Document:
    sections: Document = {}
    if secrets.aescbc_secret:
        sections["aescbcEncryptionSecret"] = secrets.aescbc_secret
    if secrets.secretbox_secret:
        sections["secretboxEncryptionSecret"] = secrets.secretbox_secret
    return sections | {
        "ca": encoded_authority(secrets.kubernetes, with_key=True),
        "aggregatorCA": encoded_authority(secrets.aggregator, with_key=True),
        "serviceAccount": {"key": base64.b64encode(secrets.service_account_key_pem).decode()},
        "apiServer": _api_server(inputs),
        "controllerManager": {"image": inputs.image("kube-controller-manager")},
        "proxy": {"image": inputs.image("kube-proxy")},
        "scheduler": {"image": inputs.image("kube-scheduler")},
    }


def _api_server(inputs: GenerateInput) -> Document:
    server: Document = {"image": inputs.image("kube-apiserver")}
    sans = list(inputs.additional_sans)
    if not inputs.contract.has_network_documents:
        sans.insert(0, urlsplit(inputs.endpoint).hostname or "")
    if sans:
        server["certSANs"] = sans
    if not inputs.contract.has_network_documents:
        server["disablePodSecurityPolicy"] = True
    admission: list[Any] = [{"name": "PodSecurity", "configuration": pod_security()}]
    return server | {"admissionControl": admission, "auditPolicy": audit_policy()}
