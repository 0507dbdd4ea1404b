"""What of a change matters to who watches."""

from __future__ import annotations

import pytest

from capstan.api.objects import Obj
from capstan.runtime.significance import EVERYTHING, Interest, Weight


def machine(**changes: object) -> Obj:
    """A Machine; names of changes are dotted with double underscores."""
    obj: Obj = {
        "metadata": {"name": "m", "resourceVersion": "1", "annotations": {"example.com/revision": "1"}},
        "spec": {"paused": False, "replicas": 3},
        "status": {
            "replicas": 3,
            "conditions": [
                {"type": "Ready", "status": "False", "message": "no host"},
                {"type": "Up", "status": "True"},
            ],
        },
    }
    for path, value in changes.items():
        *way, last = path.split("__")
        part = obj
        for name in way:
            part = part[name]
        part[last] = value
    return obj


def said(message: str = "no host", ready: str = "False", up: str = "True") -> list[Obj]:
    return [{"type": "Ready", "status": ready, "message": message}, {"type": "Up", "status": up}]


@pytest.mark.parametrize(
    ("interest", "changed", "weight"),
    [
        (EVERYTHING, machine(metadata__resourceVersion="2"), Weight.NOTHING),
        (EVERYTHING, machine(spec__replicas=4), Weight.SOON),
        (EVERYTHING, machine(status__conditions=said("no node")), Weight.LATER),
        (EVERYTHING, machine(status__conditions=said(up="Unknown")), Weight.SOON),
        (EVERYTHING, machine(status__conditions=said("", "True")), Weight.HURRIED),
        (Interest(conditions=False), machine(status__conditions=said("", "True")), Weight.NOTHING),
        (Interest(conditions=False), machine(status__replicas=2), Weight.SOON),
        (Interest(("spec.paused",)), machine(spec__replicas=4), Weight.NOTHING),
        (Interest(("spec.paused",)), machine(spec__paused=True), Weight.SOON),
        (Interest(("spec.paused",), later=("spec.replicas",)), machine(spec__replicas=4), Weight.LATER),
        (Interest(("spec",), awaited=("status.replicas",)), machine(status__replicas=4), Weight.HURRIED),
        (Interest(("spec",), conditions=()), machine(status__conditions=said(up="False")), Weight.LATER),
        (Interest(("spec",), conditions=("Ready",)), machine(status__conditions=said(up="False")), Weight.LATER),
        (
            Interest(("spec",), conditions=("Ready",), worded=("Ready",)),
            machine(status__conditions=said(up="False")),
            Weight.NOTHING,
        ),
        (
            Interest(("spec",), conditions=("Ready",), worded=("Ready",)),
            machine(status__conditions=said("no node")),
            Weight.LATER,
        ),
        (Interest(("spec",), conditions=("Up",)), machine(status__conditions=said(up="False")), Weight.SOON),
        (Interest(("spec",), conditions=("Ready",)), machine(status__conditions=said("", "True")), Weight.HURRIED),
        (
            Interest(("metadata.annotations[example.com/revision]",)),
            machine(metadata__annotations={"example.com/revision": "2"}),
            Weight.SOON,
        ),
        (
            Interest(("metadata.annotations[example.com/revision]",)),
            machine(metadata__annotations={"example.com/revision": "1", "other": "2"}),
            Weight.NOTHING,
        ),
    ],
)
def test_weight(interest: Interest, changed: Obj, weight: Weight) -> None:
    assert interest.weigh(machine(), changed) is weight


def test_what_says_nothing_yet_is_not_ready() -> None:
    counted = Interest(("spec",), conditions=("Ready",))
    assert counted.weigh(machine(status__conditions=None), machine()) is Weight.LATER


def test_nothing_and_what_is_empty_are_the_same() -> None:
    assert Interest(("metadata.labels",)).weigh(machine(), machine(metadata__labels={})) is Weight.NOTHING
