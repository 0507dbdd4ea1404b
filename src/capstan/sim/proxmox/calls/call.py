"""One call as its handler sees it: the cluster, who asks, the path's and the other parameters as text."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from capstan.sim.proxmox import properties
from capstan.sim.proxmox.access import Token
from capstan.sim.proxmox.cluster import PveCluster
from capstan.sim.proxmox.errors import failed
from capstan.sim.proxmox.vm import Vm


@dataclass(frozen=True, slots=True)
class Call:
    """`upload` is the content of an uploaded file, `filename` its name, `failure` what its task ends with."""

    cluster: PveCluster
    token: Token
    params: dict[str, str] = field(default_factory=dict)
    upload: bytes | None = None
    filename: str = ""
    failure: str = ""

    def text(self, name: str, default: str = "") -> str:
        return self.params.get(name, default)

    def number(self, name: str) -> int | None:
        return int(self.params[name]) if name in self.params else None

    def flag(self, name: str, default: bool = False) -> bool:
        return properties.truth(self.params[name]) if name in self.params else default

    @property
    def node(self) -> str:
        return self.params["node"]

    @property
    def vmid(self) -> int:
        return int(self.params["vmid"])

    @property
    def vm(self) -> Vm:
        return self.cluster.vm(self.node, self.vmid)

    def task(
        self,
        kind: str,
        subject: str,
        duration: float,
        work: Callable[[], None],
        undo: Callable[[], None] | None = None,
        node: str = "",
    ) -> str:
        """Start a task in the token's name; gives its UPID."""
        task = self._fail if self.failure else work
        return self.cluster.tasks.start(node or self.node, kind, subject, self.token.id, duration, task, undo)

    def _fail(self) -> None:
        raise failed(self.failure)


Handler = Callable[[Call], object]
