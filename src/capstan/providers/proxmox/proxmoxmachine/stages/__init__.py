"""The table of stages: what has to hold for a machine, in order, read from the top on each reconcile.

A stage looks at the snapshot and says None (it holds) or what to do about it. Which stage is the first that does not
hold follows from the world alone, so a crash between any two lines changes nothing.
"""

from __future__ import annotations

from capstan.providers.proxmox.proxmoxmachine.stages.addressed import addressed
from capstan.providers.proxmox.proxmoxmachine.stages.bootstrapped import bootstrapped
from capstan.providers.proxmox.proxmoxmachine.stages.claims import known_claims
from capstan.providers.proxmox.proxmoxmachine.stages.cloned import cloned
from capstan.providers.proxmox.proxmoxmachine.stages.configured import configured
from capstan.providers.proxmox.proxmoxmachine.stages.joined import joined, missed_node, wait_for_node
from capstan.providers.proxmox.proxmoxmachine.stages.ownership import is_remains, is_taken_by_other
from capstan.providers.proxmox.proxmoxmachine.stages.reserved import reserved
from capstan.providers.proxmox.proxmoxmachine.stages.started import answering, started
from capstan.providers.proxmox.proxmoxmachine.stages.step import (
    JOINED,
    PROVISIONED,
    SETTLED_SECONDS,
    Stage,
    Step,
    endpoint_of,
    is_provisioned,
    is_settled,
    own_vm,
    target_of,
    waiting,
)
from capstan.providers.proxmox.proxmoxmachine.stages.update import update_machine

__all__ = [
    "JOINED",
    "JOINED_STAGE",
    "PROVISIONED",
    "SETTLED_SECONDS",
    "STAGES",
    "Stage",
    "Step",
    "endpoint_of",
    "is_provisioned",
    "is_remains",
    "is_settled",
    "is_taken_by_other",
    "known_claims",
    "missed_node",
    "own_vm",
    "target_of",
    "update_machine",
    "wait_for_node",
    "waiting",
]

#: Up to and with `answering` the machine is being provisioned; `joined` is what follows.
STAGES: tuple[Stage, ...] = (
    Stage("reserved", "Cloning", reserved),
    Stage("cloned", "Cloning", cloned),
    Stage("configured", "WaitingForDiskReconciliation", configured),
    Stage("addressed", "WaitingForStaticIPAllocation", addressed),
    Stage("bootstrapped", "WaitingForBootstrapDataReconciliation", bootstrapped),
    Stage("started", "WaitingForVMPowerUp", started),
    Stage("answering", "WaitingForCloudInit", answering),
    Stage("joined", "WaitingForNode", joined),
)

JOINED_STAGE = STAGES[-1]
