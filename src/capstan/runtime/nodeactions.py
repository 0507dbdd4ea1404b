"""What controllers ask of the Nodes of workload clusters."""

from __future__ import annotations

from dataclasses import dataclass, field

from capstan.api.core.node import Node
from capstan.api.objects import Key
from capstan.runtime.plan import Action


@dataclass(frozen=True, slots=True, kw_only=True)
class PatchNode(Action):
    """Send what differs between two states of a Node in a workload cluster."""

    cluster: Key
    before: Node
    after: Node
    kubeconfig: bytes = field(repr=False)

    @property
    def summary(self) -> str:
        return f"update Node {self.before.metadata.name} of cluster {self.cluster}"


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteNode(Action):
    """Remove a Node from a workload cluster. Gone already counts as done."""

    cluster: Key
    name: str
    uid: str
    kubeconfig: bytes = field(repr=False)

    @property
    def summary(self) -> str:
        return f"delete Node {self.name} of cluster {self.cluster}"
