"""One plane per worker for the clients, with a user's kind on it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.clients.surroundings import WIDGETS
from tests.e2e.programs import Plane, Shell


@pytest.fixture(scope="session")
def kubeconfig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    plane = Plane(tmp_path_factory.mktemp("clients"))
    try:
        shell = Shell(plane.kubeconfig)
        shell.kubectl("create", "-f", "-", text=json.dumps(WIDGETS))
        shell.kubectl("wait", "--for=condition=Established", f"crd/{WIDGETS['metadata']['name']}", "--timeout=60s")
        yield plane.kubeconfig
    finally:
        plane.end()
