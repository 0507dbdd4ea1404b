"""The API that the Conformance tests run against: a plane that is started once, or somebody's cluster."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.conformance.kubernetes.harness import Body, run
from tests.e2e.programs import Plane


@pytest.fixture(scope="session")
def kubeconfig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    given = os.environ.get("CAPSTAN_CONFORMANCE_KUBECONFIG", "")
    if given:
        yield Path(given)
        return
    plane = Plane(tmp_path_factory.mktemp("conformance"))
    try:
        yield plane.kubeconfig
    finally:
        plane.end()


@pytest.fixture
def against(kubeconfig: Path) -> Callable[[Body], None]:
    """Runs a test's body with a client and a namespace."""
    return lambda body: run(kubeconfig, body)
