"""What all machines of one world share: network, clock, keys, delays, trace, and how a new cluster gets its API."""

from __future__ import annotations

from dataclasses import dataclass, field

from capstan.runtime.clock import Clock
from capstan.sim.certificates import Issuer
from capstan.sim.faults import Faults
from capstan.sim.keys import SeededKeys
from capstan.sim.network import Network
from capstan.sim.talos.delays import MachineDelays
from capstan.sim.trace import Trace
from capstan.sim.workload.cluster import KubernetesFactory


@dataclass(slots=True)
class Environment:
    """`delays` may be exchanged while the world runs; the next step takes the new ones."""

    network: Network
    clock: Clock
    keys: SeededKeys
    trace: Trace
    kubernetes: KubernetesFactory
    delays: MachineDelays
    #: Port `boot`, operation the VM's name: that boot hangs before anything answers.
    faults: Faults = field(default_factory=Faults)

    @property
    def issuer(self) -> Issuer:
        return Issuer(self.keys, self.clock)
