"""MachineDeployment, workers declared as one thing."""

from __future__ import annotations

from typing import Annotated, ClassVar

from capstan.api.cluster.deletion import MachineSetDeletion
from capstan.api.cluster.legacy import MachineDeploymentDeprecatedStatus
from capstan.api.cluster.replicas import VersionCount
from capstan.api.cluster.rollout import RemediationLimit, Rollout
from capstan.api.cluster.template import MachineNaming, MachineTemplate
from capstan.api.facts import Facts, Int32, Int64, Required, Text63, between, entries, items, keyed_by, length, one_of
from capstan.api.meta import Condition, LabelSelector, TypedObject
from capstan.api.struct import Struct


class MachineDeploymentSpec(Struct, frozen=True, kw_only=True):
    """Which Machines there are to be, how many, and how changes roll out.

    cluster_name: the Cluster that it belongs to.
    deletion: how Machines are deleted.
    machine_naming: how new Machines are called.
    paused: true while nothing is to be done.
    remediation: what is done with unhealthy Machines.
    replicas: how many Machines.
    rollout: how Machines are replaced after a change.
    selector: which Machines are counted; it must match the template's labels.
    template: the form of what is made.
    """

    cluster_name: Required[Text63] = ""
    deletion: MachineSetDeletion = MachineSetDeletion()
    machine_naming: MachineNaming = MachineNaming()
    paused: bool | None = None
    remediation: RemediationLimit = RemediationLimit()
    replicas: Int32 | None = None
    rollout: Rollout = Rollout()
    selector: Required[LabelSelector] = LabelSelector()
    template: Required[MachineTemplate] = MachineTemplate()


class MachineDeploymentStatus(Struct, frozen=True, kw_only=True):
    """What is observed of the deployment.

    available_replicas: how many are Available.
    conditions: how things stand, one by one.
    deprecated: what only older contracts ask for.
    observed_generation: the metadata.generation that this status is about.
    phase: where in its life it is, in one word.
    ready_replicas: how many are Ready.
    replicas: how many Machines.
    selector: the selector as text, for the scale subresource.
    up_to_date_replicas: how many are as the template wants them.
    versions: how many have which version.
    """

    schema_facts: ClassVar[Facts] = (entries(1),)

    available_replicas: Int32 | None = None
    conditions: Annotated[tuple[Condition, ...], items(None, 32), keyed_by("type")] = ()
    deprecated: MachineDeploymentDeprecatedStatus = MachineDeploymentDeprecatedStatus()
    observed_generation: Annotated[Int64, between(1)] | None = None
    phase: Annotated[str, one_of("ScalingUp", "ScalingDown", "Running", "Failed", "Unknown")] = ""
    ready_replicas: Int32 | None = None
    replicas: Int32 | None = None
    selector: Annotated[str, length(1, 4096)] = ""
    up_to_date_replicas: Int32 | None = None
    versions: Annotated[tuple[VersionCount, ...], items(1, 100), keyed_by("version")] = ()


class MachineDeployment(TypedObject, frozen=True, kw_only=True):
    """Worker Machines declared as one thing: how many, of which kind, and how changes roll out.

    spec: what is wanted.
    status: what is observed.
    """

    spec: Required[MachineDeploymentSpec] = MachineDeploymentSpec()
    status: MachineDeploymentStatus = MachineDeploymentStatus()
