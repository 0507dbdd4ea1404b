"""What the real kubectl prints of a refusal is what the golden texts of refusals have (tests/golden/refusals)."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

from tests.e2e.programs import Plane, Shell
from tests.golden.refusing import Counter, as_kubectl_prints, chapters, merged, refusals


def test_refusals_as_kubectl_prints_them(tmp_path: Path) -> None:
    plane = Plane(tmp_path / "data")
    shell = Shell(plane.kubeconfig)
    compared = 0
    for chapter in chapters():
        creates = [one for one in refusals(chapter) if one.verb == "create" and not one.beside]
        # A few of each chapter, and those that tell several things at once.
        for asked in [*creates[::40], *(one for one in creates if len(one.fields) > 2)]:
            error = asyncio.run(Counter().answer(asked))
            assert error is not None
            if error.reason != "Invalid":
                continue
            said = shell.kubectl_fails("create", "-f", "-", text=json.dumps(merged(asked.base, asked.change)))
            assert said.rstrip() == as_kubectl_prints(error), asked.title
            compared += 1
    assert compared > 8
    assert plane.end() == 0
