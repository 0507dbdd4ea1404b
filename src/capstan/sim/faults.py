"""Faults as data: which operation of which port goes wrong, when, and how.

A fault is struck before an operation reaches its model (`refuse`, `delay`), or after it (`lose_reply`: the effect
happened, the caller never learns of it). `fail_task` is for `proxmox`: the operation is accepted, and its task ends
with the message. Ports: `proxmox`, `talos`,
`workload`, and `boot` (a machine that hangs when it is switched on; the operation is its name).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Literal

FaultKind = Literal["refuse", "lose_reply", "delay", "fail_task"]


@dataclass(frozen=True, slots=True)
class Fault:
    """The matching operations numbered `after` (from 0) to `after + times - 1` go wrong.

    `operation` is a pattern as of a shell (`POST /nodes/*/clone`). `code` and `message` are what the port answers:
    an HTTP status for `proxmox` and `workload`, a gRPC status for `talos`; 0 means no answer at all.
    At `workload` every fault refuses.
    """

    port: str
    operation: str
    kind: FaultKind = "refuse"
    after: int = 0
    times: int = 1
    code: int = 0
    message: str = "simulated fault"
    delay_seconds: float = 0.0


@dataclass(slots=True)
class _Armed:
    fault: Fault
    seen: int = 0


class Faults:
    """Counts the operations that each fault waits for. Adding and clearing takes effect at once."""

    def __init__(self, faults: Iterable[Fault] = ()) -> None:
        self._armed = [_Armed(fault) for fault in faults]

    def add(self, fault: Fault) -> None:
        self._armed.append(_Armed(fault))

    def remove(self, fault: Fault) -> None:
        """The cause of this one is gone."""
        self._armed = [armed for armed in self._armed if armed.fault is not fault]

    def clear(self, port: str = "") -> None:
        """The cause is gone: of one port, or of all."""
        self._armed = [armed for armed in self._armed if port and armed.fault.port != port]

    def is_struck(self, port: str, operation: str) -> bool:
        """Whether a fault would strike this operation now; nothing is counted."""
        return any(
            armed.fault.port == port
            and armed.fault.after <= armed.seen < armed.fault.after + armed.fault.times
            and fnmatchcase(operation, armed.fault.operation)
            for armed in self._armed
        )

    def strike(self, port: str, operation: str) -> Fault | None:
        """The fault for this operation, if one is due. Every matching fault counts it."""
        due: Fault | None = None
        for armed in self._armed:
            fault = armed.fault
            if fault.port != port or not fnmatchcase(operation, fault.operation):
                continue
            if due is None and fault.after <= armed.seen < fault.after + fault.times:
                due = fault
            armed.seen += 1
        return due
