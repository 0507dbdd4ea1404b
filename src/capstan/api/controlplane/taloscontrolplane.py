"""TalosControlPlane, a control plane of Talos machines."""

from __future__ import annotations

from typing import Annotated

from capstan.api.bootstrap.v1alpha3.talosconfig import TalosConfigSpec
from capstan.api.core.reference import ObjectReference
from capstan.api.facts import Int32, Int64, Required, default, length, pattern
from capstan.api.meta import LegacyCondition, TypedObject
from capstan.api.struct import Struct


class ControlPlaneConfig(Struct, frozen=True, kw_only=True):
    """The machine configurations of the control plane.

    controlplane: the configuration of control plane machines.
    init: the configuration of the first machine; no longer used.
    """

    controlplane: Required[TalosConfigSpec] = TalosConfigSpec()
    init: TalosConfigSpec | None = None


class TalosRollingUpdate(Struct, frozen=True, kw_only=True):
    """How far replacing may go at one time.

    max_surge: how many Machines, or which part, there may be above the wanted number.
    """

    max_surge: int | str | None = None


class TalosRolloutStrategy(Struct, frozen=True, kw_only=True):
    """How Machines are replaced after a change.

    rolling_update: how far replacing may go at one time.
    type: RollingUpdate or OnDelete.
    """

    rolling_update: TalosRollingUpdate = TalosRollingUpdate()
    type: str = ""


class TalosControlPlaneSpec(Struct, frozen=True, kw_only=True):
    """What the control plane is to be.

    control_plane_config: the machine configurations.
    infrastructure_template: the template of the machines' infrastructure objects.
    replicas: how many control plane Machines; an odd number.
    rollout_strategy: how Machines are replaced after a change.
    version: the Kubernetes version, such as v1.33.1.
    """

    control_plane_config: Required[ControlPlaneConfig] = ControlPlaneConfig()
    infrastructure_template: Required[ObjectReference] = ObjectReference()
    replicas: Int32 | None = None
    rollout_strategy: Annotated[
        TalosRolloutStrategy, default({"rollingUpdate": {"maxSurge": 1}, "type": "RollingUpdate"})
    ] = TalosRolloutStrategy()
    version: Required[
        Annotated[str, length(2), pattern(r"^v(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)([-0-9a-zA-Z_\.+]*)?$")]
    ] = ""


class TalosControlPlaneStatus(Struct, frozen=True, kw_only=True):
    """What is observed of the control plane.

    bootstrapped: true once etcd has been bootstrapped, which happens once.
    conditions: how things stand, one by one.
    failure_message: no longer used: what cannot be repaired.
    failure_reason: no longer used: why it cannot be repaired.
    initialized: true once the control plane has taken requests.
    observed_generation: the metadata.generation that this status is about.
    ready: true when it can be used.
    ready_replicas: how many are Ready.
    replicas: how many Machines.
    selector: the selector as text, for the scale subresource.
    unavailable_replicas: how many are missing.
    version: the Kubernetes version, such as v1.33.1.
    """

    bootstrapped: bool | None = None
    conditions: tuple[LegacyCondition, ...] = ()
    failure_message: str = ""
    failure_reason: str = ""
    initialized: bool | None = None
    observed_generation: Int64 | None = None
    ready: bool | None = None
    ready_replicas: Int32 | None = None
    replicas: Int32 | None = None
    selector: str = ""
    unavailable_replicas: Int32 | None = None
    version: str = ""


class TalosControlPlane(TypedObject, frozen=True, kw_only=True):
    """A control plane of Talos machines: how many, of which version, and how they are configured.

    spec: what is wanted.
    status: what is observed.
    """

    spec: TalosControlPlaneSpec = TalosControlPlaneSpec()
    status: TalosControlPlaneStatus = TalosControlPlaneStatus()
