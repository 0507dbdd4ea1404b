"""The documents beside the v1alpha1 document: two kinds from 1.12 on, nearly everything from 1.14 on."""

from __future__ import annotations

from typing import Any

from capstan.api.rules.certificates import Authority
from capstan.providers.talos.config.inputs import DISCOVERY_ENDPOINT, GenerateInput, audit_policy, pod_security
from capstan.providers.talos.config.secrets import SecretsBundle, encoded_authority
from capstan.providers.talos.config.yamltext import Document

_CONTROL_PLANE_ROLE = "node-role.kubernetes.io/control-plane"
_EXCLUDE_LABEL = "node.kubernetes.io/exclude-from-external-load-balancers"


def document(kind: str, **fields: Any) -> Document:
    """A document of a kind other than v1alpha1's own."""
    return {"apiVersion": "v1alpha1", "kind": kind, **fields}


def hostname_document(hostname: str = "") -> Document:
    """The stable automatic name, or a fixed one."""
    return (
        document("HostnameConfig", auto="off", hostname=hostname)
        if hostname
        else document("HostnameConfig", auto="stable")
    )


def mirror_documents(inputs: GenerateInput) -> list[Document]:
    return [
        document("RegistryMirrorConfig", name=name, endpoints=[{"url": url} for url in urls])
        for name, urls in inputs.registry_mirrors.items()
    ]


def small_v1alpha1(inputs: GenerateInput, secrets: SecretsBundle) -> Document:
    """What is left of the v1alpha1 document from 1.14 on."""
    cluster: Document = {"token": secrets.bootstrap_token}
    if inputs.is_control_plane:
        cluster["etcd"] = {"ca": encoded_authority(secrets.etcd, with_key=True)}
    return {
        "version": "v1alpha1",
        "debug": False,
        "persist": True,
        "machine": {
            "type": inputs.machine_type,
            "token": secrets.trustd_token,
            "ca": encoded_authority(secrets.os, with_key=inputs.is_control_plane),
            "certSANs": list(inputs.additional_sans),
            "features": {"diskQuotaSupport": True},
        },
        "cluster": cluster,
    }


def split_documents(inputs: GenerateInput, secrets: SecretsBundle) -> list[Document]:
    """All other documents from 1.14 on, in Talos' order."""
    documents = [*_machine_documents(inputs, secrets), *_kubernetes_documents(inputs, secrets)]
    if inputs.is_control_plane:
        documents += [*_api_server_documents(inputs, secrets), *_component_documents(inputs)]
    if inputs.custom_cni is not None:
        documents += [
            document("KubeExternalManifestConfig", name="custom-cni" if n == 0 else f"custom-cni-{n}", url=url)
            for n, url in enumerate(inputs.custom_cni.urls)
        ]
    return documents


def _machine_documents(inputs: GenerateInput, secrets: SecretsBundle) -> list[Document]:
    documents = [
        document("DiscoveryServiceConfig", name="default", endpoint=DISCOVERY_ENDPOINT),
        document("DiscoveryIdentityConfig", clusterID=secrets.cluster_id, clusterSecret=secrets.cluster_secret),
    ]
    if inputs.install_disk:
        documents.append(_install_document(inputs))
    documents.append(document("ResolverConfig", hostDNS={"enabled": True, "forwardKubeDNSToHost": True}))
    if inputs.sysctls:
        documents.append(document("SysctlConfig", params=dict(inputs.sysctls)))
    documents += [
        document("VolumeConfig", name="EPHEMERAL", mount={"secure": True}),
        document("FilesystemTrimConfig", interval="168h0m0s"),
        document("SecurityProfileConfig", workloadIsolation=True),
    ]
    return [*documents, *mirror_documents(inputs), hostname_document()]


def _install_document(inputs: GenerateInput) -> Document:
    installer = {"installer": {"image": inputs.install_image}} if inputs.install_image else {}
    selector = {"match": f'disk.dev_path == "{inputs.install_disk}"'}
    return document("UnattendedInstallConfig", **installer, provisioning={"diskSelector": selector, "wipe": False})


def _kubernetes_documents(inputs: GenerateInput, secrets: SecretsBundle) -> list[Document]:
    ca_config = (
        document("KubeAPIServerCAConfig", issuingCA=_issuer(secrets.kubernetes))
        if inputs.is_control_plane
        else document("KubeAPIServerCAConfig", acceptedCAs=[secrets.kubernetes.certificate_pem.decode()])
    )
    return [
        document("KubeClusterConfig", clusterName=inputs.cluster_name, endpoint=inputs.endpoint),
        document("KubeNodeConfig", nodeIP={}, **_node_role(inputs)),
        document("KubeletConfig", image=inputs.image("kubelet"), config={}, defaultRuntimeSeccompProfileEnabled=True),
        document(
            "KubeNetworkConfig",
            dnsDomain=inputs.dns_domain,
            podSubnets=list(inputs.pod_subnets),
            serviceSubnets=list(inputs.service_subnets),
        ),
        ca_config,
        document("KubePrismConfig", port=7445),
    ]


def _node_role(inputs: GenerateInput) -> Document:
    if not inputs.is_control_plane:
        return {}
    role: Document = {"labels": {_CONTROL_PLANE_ROLE: "", _EXCLUDE_LABEL: ""}}
    if not inputs.allow_scheduling_on_control_planes:
        role["taints"] = {_CONTROL_PLANE_ROLE: "NoSchedule"}
    return role


def _api_server_documents(inputs: GenerateInput, secrets: SecretsBundle) -> list[Document]:
    anonymous = {"conditions": [{"path": p} for p in ("/livez", "/readyz", "/healthz")], "enabled": True}
    server: Document = {"image": inputs.image("kube-apiserver")}
    if inputs.local_api_server_port:
        server["apiPort"] = inputs.local_api_server_port
    if inputs.additional_sans:
        server["certExtraSANs"] = list(inputs.additional_sans)
    documents = [
        document("KubeAggregatorCAConfig", issuingCA=_issuer(secrets.aggregator)),
        document("KubeAdmissionControlConfig", name="PodSecurity", configuration=pod_security()),
        document("KubeAuditPolicyConfig", configuration=audit_policy()),
        document("KubeAuthenticationConfig", configuration={"anonymous": anonymous, "jwt": []}),
        document("KubeAuthorizerConfig", name="node", type="Node"),
        document("KubeAuthorizerConfig", name="rbac", type="RBAC"),
    ]
    if secrets.secretbox_secret or secrets.aescbc_secret:
        documents.append(_encryption_document(secrets))
    issuer = {"privateKey": secrets.service_account_key_pem.decode(), "issuerURL": inputs.endpoint}
    return [*documents, document("KubeServiceAccountConfig", issuer=issuer), document("KubeAPIServerConfig", **server)]


def _encryption_document(secrets: SecretsBundle) -> Document:
    """An old AES-CBC secret is written under `secretbox` too, as `key1`: what Talos itself does."""
    keys = []
    if secrets.aescbc_secret:
        keys.append({"name": "key1", "secret": secrets.aescbc_secret})
    if secrets.secretbox_secret:
        keys.append({"name": "key2", "secret": secrets.secretbox_secret})
    resource = {"providers": [{"secretbox": {"keys": keys}}], "resources": ["secrets"]}
    return document("KubeEtcdEncryptionConfig", config={"resources": [resource]})


def _component_documents(inputs: GenerateInput) -> list[Document]:
    documents = [
        document("KubeControllerManagerConfig", image=inputs.image("kube-controller-manager")),
        document("KubeSchedulerConfig", image=inputs.image("kube-scheduler"), config={}),
        document("KubeProxyConfig", image=inputs.image("kube-proxy"), config={}),
    ]
    if inputs.custom_cni is None:
        documents.append(document("KubeFlannelCNIConfig", backendType="vxlan", backendPort=4789))
    return [*documents, document("KubeCoreDNSConfig", enabled=True)]


def _issuer(authority: Authority) -> Document:
    """PEM as it is, not base64."""
    return {"cert": authority.certificate_pem.decode(), "key": authority.key_pem.decode()}
