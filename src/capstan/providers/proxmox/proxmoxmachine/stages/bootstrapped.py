"""Stage `bootstrapped`: the NoCloud data is in the drive."""

from __future__ import annotations

from capstan.providers.proxmox.config import smbios_uuid
from capstan.providers.proxmox.proxmoxmachine.actions import SeedVm
from capstan.providers.proxmox.proxmoxmachine.hardware import macs, seed_drive, tags_text, wanted_tags
from capstan.providers.proxmox.proxmoxmachine.network import device_addresses
from capstan.providers.proxmox.proxmoxmachine.nocloud import Seed, has_default_route, seed_files
from capstan.providers.proxmox.proxmoxmachine.snapshot import Snapshot
from capstan.providers.proxmox.proxmoxmachine.stages.claims import known_claims
from capstan.providers.proxmox.proxmoxmachine.stages.step import (
    REFUSED_SECONDS,
    SETTLED_SECONDS,
    Step,
    is_settled,
    own_vm,
    target_of,
    waiting,
)
from capstan.runtime.plan import Emit

#: Seconds until what was written down is acted on.
WRITTEN_SECONDS = 0.1


def bootstrapped(s: Snapshot) -> Step | None:
    """The NoCloud data is in the drive. It is made anew before each first start, so that it is never a stale one."""
    vm = own_vm(s)
    if is_settled(s) or vm is None:
        return None
    if s.machine.status.bootstrap_data_provided is None:
        # A clone that nobody saw end. That there may be data is written down before there is any.
        return Step(waiting=waiting("WaitingForBootstrapData", "its VM is there"), requeue_after=WRITTEN_SECONDS)
    if s.bootstrap is None or s.infra is None:
        return Step(waiting=waiting("WaitingForBootstrapData", "the bootstrap data Secret is not there"))
    if s.bootstrap.format not in ("", "cloud-config", "talos"):
        message = f"bootstrap data of format {s.bootstrap.format} is not supported yet: use cloud-config or talos"
        told = Emit(reason=message, name="UnsupportedBootstrapFormat", type="Warning")
        return Step((told,), waiting("UnsupportedBootstrapFormat", message), SETTLED_SECONDS)
    config = dict(vm.config)
    nonce = s.identity.nonce if s.identity is not None else ""
    claims = known_claims(s)
    seed = Seed(
        machine=s.machine,
        uuid=smbios_uuid(config),
        user_data=s.bootstrap.value,
        claims=claims,
        addresses=s.addresses,
        macs=macs(s.machine, config, nonce),
        dns_servers=s.infra.spec.dns_servers,
        kubernetes_version=s.owner.spec.version if s.owner is not None else "",
    )
    if not has_default_route(seed):
        message = "no NIC has a default route: give the address pool a gateway, or a device a route to `default`"
        return Step(waiting=waiting("VMProvisionFailed", message), requeue_after=REFUSED_SECONDS)
    tags = wanted_tags(s.machine, config, device_addresses(claims, s.addresses, s.machine))
    action = SeedVm(
        reason="the machine needs its configuration before it starts",
        target=target_of(s),
        drive=seed_drive(config, vm.vmid),
        tags=tags_text(tags, seeded=True),
        files=seed_files(seed),
    )
    return Step((action,), goes_on=True)
