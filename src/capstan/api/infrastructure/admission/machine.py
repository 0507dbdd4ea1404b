"""Defaults and rules of ProxmoxMachine and ProxmoxMachineTemplate."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from capstan.api.cluster.names import TOPOLOGY_DRY_RUN_ANNOTATION
from capstan.api.errors import FieldCause
from capstan.api.infrastructure.admission.network import network_causes
from capstan.api.kinds import Admission, AdmissionRequest
from capstan.api.objects import Obj
from capstan.api.rules.causes import forbidden_value
from capstan.api.rules.fields import mapping_at, text_at, value_at, with_value

_DEVICES: Final = "spec.network.networkDevices"
_TEMPLATE_SPEC: Final = "spec.template.spec"


def admit_proxmox_machine(request: AdmissionRequest) -> Admission:
    """The first device is the default one unless another is; networks make sense; tags never change."""
    old, new = request.old, request.new
    if new is None or request.subresource == "status":
        return Admission(new)
    if old is not None and old.get("spec") == new.get("spec"):
        return Admission(new)
    new = _defaulted(new)
    return Admission(new, (*_tags_causes(old, new), *network_causes(new, "spec.network")))


def admit_proxmox_machine_template(request: AdmissionRequest) -> Admission:
    """A template names no machine and never changes, but for the topology's trial runs.

    Networks are checked when machines are made from it; what would be refused then is warned about here.
    """
    old, new = request.old, request.new
    if new is None:
        return Admission(None)
    if request.operation == "UPDATE":
        return Admission(new, tuple(_immutable(request, old, new)))
    causes = []
    if text_at(new, f"{_TEMPLATE_SPEC}.providerID"):
        causes.append(
            forbidden_value(
                f"{_TEMPLATE_SPEC}.providerID", "cannot be set in templates: every machine gets one of its own"
            )
        )
    warnings = (
        f"machines made from this template will be refused: {cause.field}: {cause.message}"
        for cause in network_causes(new, f"{_TEMPLATE_SPEC}.network")
    )
    return Admission(new, tuple(causes), tuple(warnings))


def _defaulted(machine: Obj) -> Obj:
    devices = value_at(machine, _DEVICES)
    if not devices:
        return machine
    first = dict(devices[0])
    for flag in ("defaultIPv4", "defaultIPv6"):
        if not any(device.get(flag) for device in devices):
            first[flag] = True
    return machine if first == devices[0] else with_value(machine, _DEVICES, [first, *devices[1:]])


def _tags_causes(old: Mapping[str, Any] | None, new: Obj) -> Iterator[FieldCause]:
    if old is not None and (value_at(old, "spec.tags") or []) != (value_at(new, "spec.tags") or []):
        yield forbidden_value("spec.tags", "tags are immutable: make a new machine with the other tags")


def _immutable(request: AdmissionRequest, old: Obj | None, new: Obj) -> Iterator[FieldCause]:
    is_trial = request.dry_run and TOPOLOGY_DRY_RUN_ANNOTATION in mapping_at(new, "metadata.annotations")
    if old is not None and not is_trial and old.get("spec") != new.get("spec"):
        why = "ProxmoxMachineTemplate is immutable: make a template of another name and refer to that"
        yield forbidden_value("spec", why)
