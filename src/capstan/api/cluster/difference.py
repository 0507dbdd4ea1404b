"""What makes a machine another one: the template fields that cannot change in place (cluster-api-core.md 4.3)."""

from __future__ import annotations

from capstan.api.cluster.machine import MachineBootstrap, MachineSpec


def template_differences(current: MachineSpec, wanted: MachineSpec) -> list[str]:
    """One bullet for each field that differs; empty when the machines of both are the same."""
    lines = []
    if current.version != wanted.version:
        lines.append(f"* Version {current.version or 'none'}, {wanted.version or 'none'} required")
    lines.extend(_bootstrap(current.bootstrap, wanted.bootstrap))
    if current.infrastructure_ref != wanted.infrastructure_ref:
        lines.append(f"* {current.infrastructure_ref.kind.removesuffix('Template')} is not up-to-date")
    if current.failure_domain != wanted.failure_domain:
        have, need = current.failure_domain, wanted.failure_domain
        lines.append(f"* Failure domain {have or 'none'}, {need or 'none'} required")
    return lines


def _bootstrap(current: MachineBootstrap, wanted: MachineBootstrap) -> list[str]:
    """What the machines have now is what is named."""
    if current == wanted:
        return []
    if current.config_ref is not None:
        return [f"* {current.config_ref.kind.removesuffix('Template')} is not up-to-date"]
    have, need = (
        secret if secret is not None else "nil" for secret in (current.data_secret_name, wanted.data_secret_name)
    )
    return [f"* spec.bootstrap.dataSecretName {have}, {need} required"]
