"""One plane per worker for the clients, with a user's kind on it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import aiohttp
import pytest

from tests.conformance.kubernetes.harness import Kube, credentials
from tests.e2e.clients.surroundings import WIDGETS
from tests.e2e.programs import Plane


@pytest.fixture(scope="session")
def kubeconfig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    plane = Plane(tmp_path_factory.mktemp("clients"))
    try:
        asyncio.run(_define(plane.kubeconfig))
        yield plane.kubeconfig
    finally:
        plane.end()


async def _define(kubeconfig: Path) -> None:
    async with aiohttp.ClientSession() as session:
        kube = Kube(session, credentials(kubeconfig), kubeconfig)
        path = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
        name = str((await kube.create(path, WIDGETS))["metadata"]["name"])
        await kube.until(path, name, lambda found: "Established" in str(found.get("status", {}).get("conditions")))
