"""ProxmoxMachineTemplate, the form of ProxmoxMachines, as v1alpha1 has it."""

from __future__ import annotations

from typing import Annotated, ClassVar

import msgspec

from capstan.api.cluster.v1beta1.template import TemplateMetadata
from capstan.api.facts import (
    SET_LIST,
    Facts,
    Int32,
    Int64,
    Positive32,
    Required,
    cel,
    default,
    items,
    length,
    multiple_of,
    one_of,
    pattern,
)
from capstan.api.infrastructure.machineparts import ProvisioningChecks
from capstan.api.infrastructure.placement import TemplateSelector, VMIDRange
from capstan.api.infrastructure.v1alpha1.disks import Disks
from capstan.api.infrastructure.v1alpha1.machineparts import MetadataSettings
from capstan.api.infrastructure.v1alpha1.network import NetworkSpec
from capstan.api.meta import TypedObject
from capstan.api.struct import Struct


class ProxmoxMachineBlueprint(Struct, frozen=True, kw_only=True):
    """What ProxmoxMachines made from the template start with.

    allowed_nodes: the Proxmox nodes that machines may be on; all where empty.
    checks: which signs of life are not waited for.
    description: the description that the machine gets in Proxmox VE.
    disks: the machine's disks.
    format: the file format of the disks of a full clone: raw, qcow2 or vmdk.
    full: true copies the template, false links to its disks.
    memory_mib: memory in MiB.
    metadata_settings: what is added to the machine's metadata.
    network: the machine's network.
    num_cores: cores in each socket.
    num_sockets: processor sockets.
    pool: the resource pool that the machine is put in.
    provider_id: the machine's identity at its provider, as its node has it.
    snap_name: the snapshot of the template that is cloned.
    source_node: the Proxmox node that the template is on.
    storage: the storage that a full clone is put on.
    tags: tags that the machine gets.
    target: the Proxmox node that the machine is put on.
    template_id: the VMID of the template.
    template_selector: finds the template by its tags.
    virtual_machine_id: the machine's VMID.
    vm_id_range: the VMIDs that may be used.
    """

    schema_facts: ClassVar[Facts] = (
        cel("self.full || !has(self.format)", "Must set full=true when specifying format"),
        cel("self.full || !has(self.storage)", "Must set full=true when specifying storage"),
    )

    allowed_nodes: tuple[str, ...] = ()
    checks: ProvisioningChecks = ProvisioningChecks()
    description: str = ""
    disks: Disks = Disks()
    format: Annotated[str, one_of("raw", "qcow2", "vmdk")] = ""
    full: Annotated[bool, default(True)] | None = None
    memory_mib: Annotated[Int32, multiple_of(8)] | None = msgspec.field(default=None, name="memoryMiB")
    metadata_settings: MetadataSettings = MetadataSettings()
    network: NetworkSpec = NetworkSpec()
    num_cores: Positive32 | None = None
    num_sockets: Positive32 | None = None
    pool: str = ""
    provider_id: str = msgspec.field(default="", name="providerID")
    snap_name: str = ""
    source_node: Annotated[str, length(1)] = ""
    storage: str = ""
    tags: Annotated[tuple[Annotated[str, pattern(r"^(?i)[a-z0-9_][a-z0-9_\-\+\.]*$")], ...], items(1), SET_LIST] = ()
    target: str = ""
    template_id: Int32 | None = msgspec.field(default=None, name="templateID")
    template_selector: TemplateSelector | None = None
    virtual_machine_id: Int64 | None = msgspec.field(default=None, name="virtualMachineID")
    vm_id_range: VMIDRange | None = msgspec.field(default=None, name="vmIDRange")


class ProxmoxMachineTemplateResource(Struct, frozen=True, kw_only=True):
    """The form of the ProxmoxMachines.

    metadata: labels and annotations that are handed down.
    spec: what is wanted.
    """

    metadata: TemplateMetadata = TemplateMetadata()
    spec: Required[ProxmoxMachineBlueprint] = ProxmoxMachineBlueprint()


class ProxmoxMachineTemplateSpec(Struct, frozen=True, kw_only=True):
    """What the template holds.

    template: the form of what is made.
    """

    template: Required[ProxmoxMachineTemplateResource] = ProxmoxMachineTemplateResource()


class ProxmoxMachineTemplate(TypedObject, frozen=True, kw_only=True):
    """The form of ProxmoxMachines that are made for a set of Machines. It never changes; make a new one instead.

    spec: what is wanted.
    """

    spec: ProxmoxMachineTemplateSpec = ProxmoxMachineTemplateSpec()
