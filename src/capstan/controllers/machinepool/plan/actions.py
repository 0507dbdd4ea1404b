"""What a MachinePool asks of its workload cluster."""

from __future__ import annotations

from dataclasses import dataclass, field

from capstan.api.core.node import Node
from capstan.api.objects import Key
from capstan.runtime.plan import Action


@dataclass(frozen=True, slots=True, kw_only=True)
class PatchPoolNode(Action):
    """Send what differs between two states of a Node in a workload cluster."""

    cluster: Key
    before: Node
    after: Node
    kubeconfig: bytes = field(repr=False)

    @property
    def summary(self) -> str:
        return f"update Node {self.before.metadata.name} of cluster {self.cluster}"


@dataclass(frozen=True, slots=True, kw_only=True)
class DeletePoolNode(Action):
    """Remove a Node from a workload cluster; one that is gone counts as removed."""

    cluster: Key
    name: str
    uid: str = ""
    kubeconfig: bytes = field(repr=False)

    @property
    def summary(self) -> str:
        return f"delete Node {self.name} of cluster {self.cluster}"
