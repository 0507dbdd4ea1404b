"""The fields that several core kinds move alike: conditions, failures, timeouts, a machine's spec."""

from __future__ import annotations

from typing import Any, Final

from capstan.api.cluster.conversion.durations import duration_of, seconds_of
from capstan.api.conversion import ABSENT, Move, find, move, replaced, stay, unless_empty
from capstan.api.objects import Obj

CONDITIONS: Final = (
    move("status.conditions", "status.deprecated.v1beta1.conditions"),
    move("status.v1beta2.conditions", "status.conditions"),
)
FAILURES: Final = (
    move("status.failureReason", "status.deprecated.v1beta1.failureReason"),
    move("status.failureMessage", "status.deprecated.v1beta1.failureMessage"),
)


def timeouts(at: str = "") -> tuple[Move, ...]:
    """The three timeouts of a machine's deletion, below the path `at` (with its trailing dot)."""
    names = ("nodeDrainTimeout", "nodeVolumeDetachTimeout", "nodeDeletionTimeout")
    return tuple(move(f"{at}{n}", f"{at}deletion.{n}Seconds", seconds_of, duration_of) for n in names)


def machine_spec(at: str) -> tuple[Move, ...]:
    """A machine's spec below the path `at` (with its trailing dot), without its references."""
    pointers = ("version", "providerID", "failureDomain", "bootstrap.dataSecretName")
    return (*timeouts(at), *(stay(f"{at}{name}", down=unless_empty) for name in pointers))


def counters(spoke: str, hub: str, names: tuple[str, ...]) -> tuple[Move, ...]:
    """Counters that move as they are from below `spoke` to below `hub`."""
    return tuple(move(f"{spoke}.{name}", f"{hub}.{name}") for name in names)


def with_defaults(obj: Obj, at: tuple[str, ...], values: dict[str, Any]) -> Obj:
    """`obj` with values below the path `at` where they are absent, if it has a status at all."""
    if not obj.get("status"):
        return obj
    for name, value in values.items():
        if find(obj, (*at, name)) is ABSENT:
            obj = replaced(obj, (*at, name), value)
    return obj
