"""kubectl of eight years of releases, every command of the table of what kubectl asks for, against one plane.

The rows of a version run side by side, several processes at once; each is a test of its own.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
import pytest

from tests.conformance.kubernetes.harness import Kube, credentials
from tests.e2e.clients import reading, writing
from tests.e2e.clients.binaries import VERSIONS, kubectl
from tests.e2e.clients.surroundings import Kubectl

Row = Callable[[Kubectl], Awaitable[None]]

ROWS: dict[str, Row] = {**reading.ROWS, **writing.ROWS}

#: These versions run every row in CI: JSON bodies, streaming lists, and the newest. The others run the short set, and
#: the rest as long runs.
CORE = ("1.30", "1.35", "1.37")
SHORT = ("version", "get", "create-kinds", "apply", "wait")

#: So many processes at once: more make them wait for each other only.
ABREAST = 2 * (os.cpu_count() or 2)


@dataclass
class Matrix:
    """Runs rows when the first of them is asked for, and remembers how each went."""

    kubeconfig: Path
    home: Path
    wanted: dict[str, list[str]]
    outcomes: dict[tuple[str, str], BaseException | None] = field(default_factory=dict)

    def outcome(self, version: str, row: str) -> BaseException | None:
        if (version, row) not in self.outcomes:
            binary = kubectl(version)
            asyncio.run(self._run(version, binary))
        return self.outcomes[version, row]

    async def _run(self, version: str, binary: Path) -> None:
        async with aiohttp.ClientSession() as session:
            kube = Kube(session, credentials(self.kubeconfig), self.kubeconfig)
            gate = asyncio.Semaphore(ABREAST)
            home = self.home / version
            home.mkdir(exist_ok=True)
            await asyncio.gather(*(self._row(kube, version, row, binary, home, gate) for row in self.wanted[version]))

    async def _row(self, kube: Kube, version: str, row: str, binary: Path, home: Path, gate: asyncio.Semaphore) -> None:
        namespace = f"{row}-{version.replace('.', '-')}"
        major, minor = (int(part) for part in version.split("."))
        try:
            await kube.create("/api/v1/namespaces", {"metadata": {"name": namespace}})
            await ROWS[row](Kubectl(binary, (major, minor), self.kubeconfig, home, namespace, gate))
            self.outcomes[version, row] = None
        except Exception as error:  # whatever it is, it is this row's outcome
            self.outcomes[version, row] = error


@pytest.fixture(scope="module")
def matrix(request: pytest.FixtureRequest, kubeconfig: Path, tmp_path_factory: pytest.TempPathFactory) -> Matrix:
    wanted: dict[str, list[str]] = {version: [] for version in VERSIONS}
    for item in request.session.items:
        if item.path == request.path and isinstance(item, pytest.Function) and hasattr(item, "callspec"):
            wanted[item.callspec.params["version"]].append(item.callspec.params["row"])
    return Matrix(kubeconfig, tmp_path_factory.mktemp("matrix"), wanted)


def _cells() -> Iterator[object]:
    for version in VERSIONS:
        for row in ROWS:
            marks = () if version in CORE or row in SHORT else (pytest.mark.full,)
            yield pytest.param(version, row, id=f"{version}-{row}", marks=marks)


@pytest.mark.parametrize(("version", "row"), list(_cells()))
def test_command(matrix: Matrix, version: str, row: str) -> None:
    outcome = matrix.outcome(version, row)
    if outcome is not None:
        raise outcome
