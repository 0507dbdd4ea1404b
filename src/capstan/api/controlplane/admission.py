"""Defaults and rules of TalosControlPlane (talos.md 1.2), and the warning for changes that need new machines.

As upstream, nothing of the spec is immutable and an even number of replicas is let in; it is warned about.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from capstan.api.errors import FieldCause
from capstan.api.kinds import Admission, AdmissionRequest
from capstan.api.objects import Obj
from capstan.api.rules.causes import invalid_value, shown
from capstan.api.rules.fields import mapping_at, text_at, value_at, with_value

_STRATEGY: Final = "spec.rolloutStrategy"
_STRATEGIES: Final = ("RollingUpdate", "OnDelete")
#: A change of these is a change of the machines themselves.
_OF_MACHINES: Final = (
    "spec.version",
    "spec.infrastructureTemplate",
    "spec.controlPlaneConfig.controlplane",
    "spec.controlPlaneConfig.init",
)


def admit_talos_control_plane(request: AdmissionRequest) -> Admission:
    """Applies the defaults, then the rules; warns about what will not happen by itself."""
    if request.new is None or request.subresource == "status":
        return Admission(request.new)
    if request.old is not None and request.old.get("spec") == request.new.get("spec"):
        return Admission(request.new)
    new = _defaulted(request.new)
    causes = tuple(_strategy_causes(new))
    if causes:
        return Admission(new, causes)
    return Admission(new, (), (*_replicas_warnings(request.old, new), *_rollout_warnings(request.old, new)))


def _defaulted(obj: Obj) -> Obj:
    if value_at(obj, "spec.replicas") is None:
        obj = with_value(obj, "spec.replicas", 1)
    version, namespace = text_at(obj, "spec.version"), text_at(obj, "metadata.namespace")
    if version and not version.startswith("v"):
        obj = with_value(obj, "spec.version", f"v{version}")
    if mapping_at(obj, "spec.infrastructureTemplate") and not text_at(obj, "spec.infrastructureTemplate.namespace"):
        obj = with_value(obj, "spec.infrastructureTemplate.namespace", namespace) if namespace else obj
    if not text_at(obj, f"{_STRATEGY}.type"):
        obj = with_value(obj, f"{_STRATEGY}.type", "RollingUpdate")
    surge = f"{_STRATEGY}.rollingUpdate.maxSurge"
    if text_at(obj, f"{_STRATEGY}.type") == "RollingUpdate" and value_at(obj, surge) is None:
        obj = with_value(obj, surge, 1)
    return obj


def _strategy_causes(obj: Obj) -> Iterator[FieldCause]:
    strategy = text_at(obj, f"{_STRATEGY}.type")
    if strategy not in _STRATEGIES:
        named = " ".join(f'"{name}"' for name in _STRATEGIES)
        yield invalid_value(_STRATEGY, strategy, f"valid values are: [{named}]")


def _replicas_warnings(old: Obj | None, new: Obj) -> Iterator[str]:
    replicas = value_at(new, "spec.replicas")
    if value_at(old, "spec.replicas") == replicas:
        return
    if isinstance(replicas, int) and replicas > 0 and replicas % 2 == 0:
        yield (
            f"spec.replicas is {replicas}: etcd with {replicas} members survives no more failures than with "
            f"{replicas - 1}; use an odd number"
        )


def _rollout_warnings(old: Obj | None, new: Obj) -> Iterator[str]:
    if old is None:
        return
    before_all = _defaulted(old)
    for field in _OF_MACHINES:
        before, after = value_at(before_all, field), value_at(new, field)
        if before != after:
            yield (
                f"{field} changed{_from_to(before, after)}: existing control plane machines are not replaced, because "
                "rolling updates are not built yet; machines that are added from now on follow the new value"
            )


def _from_to(before: object, after: object) -> str:
    """The two values, where they are short enough to be read."""
    if isinstance(before, dict) and isinstance(after, dict) and before.get("name") != after.get("name"):
        before, after = before.get("name"), after.get("name")
    if isinstance(before, str) and isinstance(after, str):
        return f" from {shown(before)} to {shown(after)}"
    return ""
