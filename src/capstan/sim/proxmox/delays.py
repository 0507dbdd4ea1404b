"""How long things take in the simulated Proxmox VE, in seconds. Zero is allowed everywhere."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PveDelays:
    """`request` is added to every call; the others are how long the tasks run. A clone waits for its storage's lock,
    and fails when it waits longer than `lock_timeout`."""

    request: float = 0.0
    clone_full: float = 0.0
    clone_linked: float = 0.0
    create: float = 0.0
    configure: float = 0.0
    resize: float = 0.0
    start: float = 0.0
    stop: float = 0.0
    destroy: float = 0.0
    upload: float = 0.0
    download: float = 0.0
    lock_timeout: float = 60.0
    unauthorized: float = 0.0


#: About what a small host with SSDs takes; the lab and the demo use it.
BRISK = PveDelays(
    request=0.002,
    clone_full=0.6,
    clone_linked=0.2,
    create=0.2,
    configure=0.05,
    resize=0.05,
    start=0.2,
    stop=0.1,
    destroy=0.1,
    upload=0.05,
    download=1.0,
    unauthorized=0.2,
)
