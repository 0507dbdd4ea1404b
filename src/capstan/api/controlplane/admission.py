"""Defaults and rules of TalosControlPlane (talos.md 1.2), and warnings of what a change brings with it.

As upstream, nothing of the spec is immutable, and an even number of replicas and none at all are let in; they are
warned about. Beyond upstream, fewer than none, a surge that nobody can keep and a version that cannot be reached in one
step are refused.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from capstan.api.controlplane.remediation import limit_causes
from capstan.api.errors import FieldCause
from capstan.api.kinds import Admission, AdmissionRequest
from capstan.api.objects import Obj
from capstan.api.rules.causes import invalid_value, shown
from capstan.api.rules.fields import mapping_at, text_at, value_at, with_value
from capstan.api.rules.versions import talos_problem, upgrade_problem

_STRATEGY: Final = "spec.rolloutStrategy"
_SURGE: Final = f"{_STRATEGY}.rollingUpdate.maxSurge"
_SURGES: Final = (0, 1, "0", "1")
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
    limits = tuple(limit_causes(request.old, request.new))
    if request.old is not None and request.old.get("spec") == request.new.get("spec"):
        return Admission(request.new, limits)
    new = _defaulted(request.new)
    causes = (*_replicas_causes(new), *_strategy_causes(new), *_version_causes(request.old, new), *limits)
    if causes:
        return Admission(new, causes)
    old = request.old
    warnings = (*_replicas_warnings(old, new), *_surge_warnings(new), *_talos_warnings(old, new))
    return Admission(new, (), (*warnings, *_rollout_warnings(old, new)))


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
    if text_at(obj, f"{_STRATEGY}.type") == "RollingUpdate" and value_at(obj, _SURGE) is None:
        obj = with_value(obj, _SURGE, 1)
    return obj


def _replicas_causes(obj: Obj) -> Iterator[FieldCause]:
    replicas = value_at(obj, "spec.replicas")
    if isinstance(replicas, int) and replicas < 0:
        yield invalid_value("spec.replicas", replicas, "must be greater than or equal to 0")


def _strategy_causes(obj: Obj) -> Iterator[FieldCause]:
    strategy = text_at(obj, f"{_STRATEGY}.type")
    if strategy not in _STRATEGIES:
        named = " ".join(f'"{name}"' for name in _STRATEGIES)
        yield invalid_value(_STRATEGY, strategy, f"valid values are: [{named}]")
    surge = value_at(obj, _SURGE)
    if surge is not None and surge not in _SURGES:
        yield invalid_value(_SURGE, surge, "must be 0 or 1")


def _version_causes(old: Obj | None, new: Obj) -> Iterator[FieldCause]:
    """From the oldest version that runs, one minor version up at most, and never down. While no Machine is there,
    and for a version that stays, everything is possible."""
    field = "spec.version"
    wished, running = text_at(new, field), text_at(old, "status.version") if old is not None else ""
    if not running or wished == text_at(old, field):
        return
    problem = upgrade_problem(running, wished)
    if problem:
        yield invalid_value(field, wished, problem)


def _replicas_warnings(old: Obj | None, new: Obj) -> Iterator[str]:
    replicas = value_at(new, "spec.replicas")
    if value_at(old, "spec.replicas") == replicas:
        return
    if replicas == 0:
        yield (
            "spec.replicas is 0: a control plane is not scaled below 1 Machine, so those that are there stay as they "
            "are; to remove it, delete the Cluster"
        )
    elif isinstance(replicas, int) and replicas % 2 == 0:
        yield (
            f"spec.replicas is {replicas}: etcd with {replicas} members survives no more failures than with "
            f"{replicas - 1}; use an odd number"
        )


def _surge_warnings(new: Obj) -> Iterator[str]:
    replicas = value_at(new, "spec.replicas")
    is_rolling = text_at(new, f"{_STRATEGY}.type") == "RollingUpdate"
    if is_rolling and value_at(new, _SURGE) in (0, "0") and isinstance(replicas, int) and 0 < replicas < 3:
        yield (
            f"{_SURGE} is 0 and spec.replicas is {replicas}: no Machine can go before its replacement comes, so "
            "changes are not rolled out; use maxSurge 1, or 3 replicas"
        )


def _talos_warnings(old: Obj | None, new: Obj) -> Iterator[str]:
    """Only the configuration's Talos version is known here; the machines may run a newer one."""
    field = "spec.controlPlaneConfig.controlplane.talosVersion"
    talos, kubernetes = text_at(new, field), text_at(new, "spec.version")
    if old is not None and (talos, kubernetes) == (text_at(old, field), text_at(old, "spec.version")):
        return
    problem = talos_problem(talos, kubernetes) if talos else ""
    if problem:
        yield f"{field}: {problem}"


def _rollout_warnings(old: Obj | None, new: Obj) -> Iterator[str]:
    if old is None:
        return
    before_all = _defaulted(old)
    on_delete = text_at(new, f"{_STRATEGY}.type") == "OnDelete"
    how = "each when it is deleted" if on_delete else "one at a time"
    for field in _OF_MACHINES:
        before, after = value_at(before_all, field), value_at(new, field)
        if before != after:
            yield (f"{field} changed{_from_to(before, after)}: control plane machines are replaced by new ones, {how}")


def _from_to(before: object, after: object) -> str:
    """The two values, where they are short enough to be read."""
    if isinstance(before, dict) and isinstance(after, dict) and before.get("name") != after.get("name"):
        before, after = before.get("name"), after.get("name")
    if isinstance(before, str) and isinstance(after, str):
        return f" from {shown(before)} to {shown(after)}"
    return ""
