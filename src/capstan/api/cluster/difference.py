"""What makes a machine another one: the template fields that cannot change in place (cluster-api-core.md 4.3)."""

from __future__ import annotations

from capstan.api.cluster.machine import MachineSpec


def template_differences(current: MachineSpec, wanted: MachineSpec) -> list[str]:
    """One bullet for each field that differs; empty when the machines of both are the same."""
    lines = []
    if current.version != wanted.version:
        lines.append(f"* Version {current.version or 'none'}, {wanted.version or 'none'} required")
    old, new = current.bootstrap.config_ref, wanted.bootstrap.config_ref
    if old != new:
        kind = new.kind if new else old.kind if old else ""
        lines.append(f"* {kind.removesuffix('Template')} is not up-to-date")
    elif current.bootstrap.data_secret_name != wanted.bootstrap.data_secret_name:
        have, need = current.bootstrap.data_secret_name, wanted.bootstrap.data_secret_name
        lines.append(f"* spec.bootstrap.dataSecretName {have or 'none'}, {need or 'none'} required")
    if current.infrastructure_ref != wanted.infrastructure_ref:
        lines.append(f"* {wanted.infrastructure_ref.kind.removesuffix('Template')} is not up-to-date")
    if current.failure_domain != wanted.failure_domain:
        have, need = current.failure_domain, wanted.failure_domain
        lines.append(f"* Failure domain {have or 'none'}, {need or 'none'} required")
    return lines
