"""Group A: kubectl's view of the API's versions, and its proxy."""

from __future__ import annotations

import asyncio
import json
import os
import re
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp

from tests.conformance.kubernetes.harness import KUBECTL, PATIENCE, Kube


def test_api_versions(against: Any) -> None:
    """[sig-cli] Kubectl client Kubectl api-versions should check if v1 is in available api versions"""

    async def body(kube: Kube) -> None:
        status, out, err = await kube.kubectl("api-versions")
        assert status == 0, err
        assert "v1" in out.split()

    against(body)


def test_version(against: Any) -> None:
    """[sig-cli] Kubectl client Kubectl version should check is all data is printed"""

    async def body(kube: Kube) -> None:
        status, out, err = await kube.kubectl("version")
        assert status == 0, err
        assert "Client Version:" in out and "Server Version:" in out
        status, out, err = await kube.kubectl("version", "-o", "json")
        assert status == 0, err
        server = json.loads(out)["serverVersion"]
        assert [name for name in ("major", "minor", "gitVersion", "platform") if not server.get(name)] == []

    against(body)


@asynccontextmanager
async def _proxy(kube: Kube, *options: str) -> AsyncIterator[str]:
    """A running proxy: what it says first."""
    process = await asyncio.create_subprocess_exec(
        KUBECTL,
        f"--kubeconfig={kube.kubeconfig}",
        "proxy",
        *options,
        env={"PATH": os.environ["PATH"], "HOME": str(kube.kubeconfig.parent)},
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    try:
        yield (await asyncio.wait_for(process.stdout.readline(), PATIENCE)).decode()
    finally:
        process.terminate()
        await process.communicate()


def test_proxy_on_any_port(against: Any) -> None:
    """[sig-cli] Kubectl client Proxy server should support proxy with --port 0"""

    async def body(kube: Kube) -> None:
        async with _proxy(kube, "--port=0", "--disable-filter=true") as said:
            found = re.search(r"127\.0\.0\.1:(\d+)", said)
            assert found, said
            async with kube.session.get(f"http://127.0.0.1:{found[1]}/api/") as answer:
                assert "v1" in (await answer.json())["versions"]

    against(body)


def test_proxy_on_a_socket(against: Any) -> None:
    """[sig-cli] Kubectl client Proxy server should support --unix-socket=/path"""

    async def body(kube: Kube) -> None:
        with tempfile.TemporaryDirectory() as directory:
            path = Path(directory) / "test"
            async with _proxy(kube, f"--unix-socket={path}") as said:
                assert str(path) in said
                connector = aiohttp.UnixConnector(str(path))
                async with (
                    aiohttp.ClientSession(connector=connector) as session,
                    session.get("http://localhost/api/") as answer,
                ):
                    assert "v1" in (await answer.json())["versions"]

    against(body)
