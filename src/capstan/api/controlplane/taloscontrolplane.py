"""TODO controlplane/taloscontrolplane"""

from __future__ import annotations

from typing import Annotated

from capstan.api.bootstrap.v1alpha3.talosconfig import TalosConfigSpec
from capstan.api.core.reference import ObjectReference
from capstan.api.facts import Int32, Int64, Required, default, length, pattern
from capstan.api.meta import LegacyCondition, TypedObject
from capstan.api.struct import Struct


class ControlPlaneConfig(Struct, frozen=True, kw_only=True):
    """TODO ['TalosControlPlane/v1alpha3.spec.controlPlaneConfig']"""

    controlplane: Required[TalosConfigSpec] = TalosConfigSpec()
    init: TalosConfigSpec | None = None


class TalosRollingUpdate(Struct, frozen=True, kw_only=True):
    """TODO ['TalosControlPlane/v1alpha3.spec.rolloutStrategy.rollingUpdate']"""

    max_surge: int | str | None = None


class TalosRolloutStrategy(Struct, frozen=True, kw_only=True):
    """TODO ['TalosControlPlane/v1alpha3.spec.rolloutStrategy']"""

    rolling_update: TalosRollingUpdate = TalosRollingUpdate()
    type: str = ""


class TalosControlPlaneSpec(Struct, frozen=True, kw_only=True):
    """TODO ['TalosControlPlane/v1alpha3.spec']"""

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
    """TODO ['TalosControlPlane/v1alpha3.status']"""

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
    """TODO ['TalosControlPlane/v1alpha3']"""

    spec: TalosControlPlaneSpec = TalosControlPlaneSpec()
    status: TalosControlPlaneStatus = TalosControlPlaneStatus()
