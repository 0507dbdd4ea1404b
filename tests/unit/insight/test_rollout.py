"""How far a rollout is, in kubectl's words, and the table of what there was."""

from __future__ import annotations

import pytest

from capstan.api.objects import Obj
from capstan.insight.rollout import history_table, progress


def deployment(wanted: int, generation: int = 2, **status: int) -> Obj:
    metadata = {"name": "workers", "generation": generation}
    told = {"observedGeneration": 2, **status}
    return {"kind": "MachineDeployment", "metadata": metadata, "spec": {"replicas": wanted}, "status": told}


@pytest.mark.parametrize(
    ("obj", "text", "done"),
    [
        (deployment(3, generation=3), "spec update to be observed...", False),
        (deployment(3, replicas=4, upToDateReplicas=1), "1 out of 3 new replicas have been updated...", False),
        (deployment(3, replicas=4, upToDateReplicas=3), "1 old replicas are pending termination...", False),
        (
            deployment(3, replicas=3, upToDateReplicas=3, availableReplicas=2),
            "2 of 3 updated replicas are available...",
            False,
        ),
        (deployment(3, replicas=3, upToDateReplicas=3, availableReplicas=3), "successfully rolled out", True),
        (deployment(0), "successfully rolled out", True),
    ],
)
def test_progress(obj: Obj, text: str, done: bool) -> None:
    found = progress(obj)
    assert (found.text.endswith(text), found.done) == (True, done)
    assert 'machinedeployment "workers"' in found.text


def test_history_table() -> None:
    history = (
        '[{"revision":1,"template":{"version":"v1.34.1","infrastructureRef":{"name":"small"},'
        '"bootstrap":{"configRef":{"name":"workers"}}}},{"revision":2,"template":{},"cause":"why not"}]'
    )
    obj = {"metadata": {"annotations": {"capstan.dev/rollout-history": history}}}
    assert history_table(obj) == (
        "REVISION   VERSION   INFRASTRUCTURE   BOOTSTRAP   CHANGE-CAUSE\n"
        "1          v1.34.1   small            workers     <none>\n"
        "2          <none>    <none>           <none>      why not\n"
    )
    assert history_table({"metadata": {}}).count("\n") == 1
