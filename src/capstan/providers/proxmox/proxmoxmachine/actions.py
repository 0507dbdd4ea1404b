"""The effects on Proxmox VE and on the workload cluster that the plan may ask for. Each can be asked for again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from capstan.api.objects import Key
from capstan.providers.proxmox.transport import Endpoint, Scalar
from capstan.runtime.plan import Action


@dataclass(frozen=True, slots=True)
class Target:
    """One VM, and how to make sure that it is the right one before it is touched."""

    endpoint: Endpoint
    node: str
    vmid: int
    nonce: str = ""
    provider_id: str = ""

    def __str__(self) -> str:
        return f"VM {self.vmid} on {self.node}"


@dataclass(frozen=True, slots=True, kw_only=True)
class VmAction(Action):
    """Something that is done to one VM."""

    target: Target


@dataclass(frozen=True, slots=True, kw_only=True)
class CloneVm(VmAction):
    """Start a clone; its result is the UPID. The VMID and the nonce are written down already, so that asking twice
    gives one VM. Waits for its turn at the storage (`gate`)."""

    source_node: str
    template_id: int
    gate: str
    params: Mapping[str, Scalar | None]

    @property
    def summary(self) -> str:
        return f"clone template {self.template_id} of {self.source_node} to {self.target}"


@dataclass(frozen=True, slots=True, kw_only=True)
class AwaitTask(Action):
    """Wait for a task, for a bounded time. Its result is the TaskEnd, or None while it still runs."""

    endpoint: Endpoint
    upid: str

    @property
    def summary(self) -> str:
        return f"await {self.upid}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigureVm(VmAction):
    """Set these keys and remove those, under the digest of the config that the difference was computed from."""

    params: Mapping[str, Scalar | None]
    digest: str = ""

    @property
    def summary(self) -> str:
        return f"configure {self.target}: {', '.join(sorted(self.params))}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ResizeDisk(VmAction):
    """Grow a disk to `size_gib`."""

    disk: str
    size_gib: int

    @property
    def summary(self) -> str:
        return f"grow {self.disk} of {self.target} to {self.size_gib} GiB"


@dataclass(frozen=True, slots=True, kw_only=True)
class SeedVm(VmAction):
    """Upload the NoCloud ISO and attach it to `drive`. `files` hold secrets and are never shown."""

    drive: str
    tags: str
    files: Mapping[str, bytes] = field(repr=False)

    @property
    def summary(self) -> str:
        return f"attach the NoCloud data of {self.target} as {self.drive}"


@dataclass(frozen=True, slots=True, kw_only=True)
class EjectSeed(VmAction):
    """Take the NoCloud ISO out of its drive and delete it. No drive: it is out already, and may not be deleted yet."""

    drive: str
    volume: str
    tags: str

    @property
    def summary(self) -> str:
        return f"eject {self.volume or 'the NoCloud data'} from {self.target}"


@dataclass(frozen=True, slots=True, kw_only=True)
class StartVm(VmAction):
    """Start the VM, or resume it when it is paused."""

    verb: str = "start"

    @property
    def summary(self) -> str:
        return f"{self.verb} {self.target}"


@dataclass(frozen=True, slots=True, kw_only=True)
class StopVm(VmAction):
    """Switch the VM off, now."""

    @property
    def summary(self) -> str:
        return f"stop {self.target}"


@dataclass(frozen=True, slots=True, kw_only=True)
class DestroyVm(VmAction):
    """Destroy the VM with its disks and its NoCloud ISO. Irreversible."""

    @property
    def summary(self) -> str:
        return f"destroy {self.target}"


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoveSeed(VmAction):
    """Delete a NoCloud ISO whose VM is gone."""

    @property
    def summary(self) -> str:
        return f"delete the NoCloud data of {self.target}"


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckCloudInit(VmAction):
    """Ask cloud-init in the guest how far it is: `done`, `running` or `error`."""

    @property
    def summary(self) -> str:
        return f"ask cloud-init of {self.target}"


@dataclass(frozen=True, slots=True, kw_only=True)
class FillProviderId(Action):
    """Set `spec.providerID` of a Node in the workload cluster, which nobody else does."""

    cluster: Key
    node: str
    node_uid: str
    provider_id: str
    kubeconfig: bytes = field(repr=False)

    @property
    def summary(self) -> str:
        return f"set providerID {self.provider_id} of Node {self.node}"
