"""What older versions call the fields of the stored one, and what a version has for a field of another."""

from __future__ import annotations

import pytest

from capstan.api.cluster.conversion import (
    convert_cluster,
    convert_clusterclass,
    convert_machine,
    convert_machinedeployment,
    convert_machinehealthcheck,
)
from capstan.api.conversion import Converter
from capstan.api.infrastructure.conversion import convert_proxmoxmachine


@pytest.mark.parametrize(
    ("convert", "hub", "spoke"),
    [
        (convert_machine, "spec.version", "spec.version"),
        (convert_machine, "spec.deletion.nodeDrainTimeoutSeconds", "spec.nodeDrainTimeout"),
        (convert_machine, "spec.taints[0].key", "spec.taints[0].key"),
        (convert_machinedeployment, "spec.rollout.strategy.rollingUpdate", "spec.strategy.rollingUpdate"),
        (
            convert_machinedeployment,
            "spec.rollout.strategy.rollingUpdate.maxSurge",
            "spec.strategy.rollingUpdate.maxSurge",
        ),
        (convert_machinedeployment, "spec.rollout", "spec.rollout"),
        (convert_machinedeployment, "spec.template.spec.taints[2].key", "spec.template.spec.taints[2].key"),
        (convert_machinedeployment, "metadata.annotations[a.b/c]", "metadata.annotations[a.b/c]"),
        (
            convert_machinehealthcheck,
            "spec.checks.unhealthyNodeConditions[1].type",
            "spec.unhealthyConditions[1].type",
        ),
        (convert_cluster, "spec.clusterNetwork.pods.cidrBlocks[0]", "spec.clusterNetwork.pods.cidrBlocks[0]"),
        (convert_cluster, "status.conditions[0].reason", "status.v1beta2.conditions[0].reason"),
        (
            convert_clusterclass,
            "spec.workers.machineDeployments[a.b].rollout.strategy.rollingUpdate.maxSurge",
            "spec.workers.machineDeployments[a.b].strategy.rollingUpdate.maxSurge",
        ),
        (
            convert_clusterclass,
            "spec.workers.machineDeployments[0].bootstrap.templateRef.kind",
            "spec.workers.machineDeployments[0].template.bootstrap.ref.kind",
        ),
        (convert_clusterclass, "spec.infrastructure.templateRef.kind", "spec.infrastructure.ref.kind"),
    ],
)
def test_a_field_in_the_older_version(convert: Converter, hub: str, spoke: str) -> None:
    assert convert.field_in(hub, "v1beta1") == spoke
    assert convert.field_in(hub, convert.hub) == hub


@pytest.mark.parametrize(
    ("hub", "spoke"),
    [
        ("spec.network.networkDevices[0].mtu", "spec.network.default.mtu"),
        ("spec.network.networkDevices[2].name", "spec.network.additionalDevices[1].name"),
        ("spec.network.networkDevices", "spec.network.networkDevices"),
    ],
)
def test_a_device_of_a_machine(hub: str, spoke: str) -> None:
    assert convert_proxmoxmachine.field_in(hub, "v1alpha1") == spoke


def test_what_another_version_calls_otherwise() -> None:
    assert convert_machine.meant("spec.nodeDrainTimeout", "v1beta2") == ("spec.deletion.nodeDrainTimeoutSeconds",)
    assert convert_machinedeployment.meant("spec.strategy", "v1beta2") == ("spec.rollout.strategy",)
    assert convert_machinedeployment.meant("spec.machineNaming", "v1beta1") == ("spec.machineNamingStrategy",)
    assert convert_machine.meant("spec.deletion", "v1beta1") == (
        "spec.nodeDrainTimeout",
        "spec.nodeVolumeDetachTimeout",
        "spec.nodeDeletionTimeout",
    )
    assert convert_machine.meant("spec.versoin", "v1beta2") == ()
    assert convert_machine.meant("spec.versoin", "v1beta1") == ()
