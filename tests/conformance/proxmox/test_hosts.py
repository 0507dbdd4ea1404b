"""Every host passes the same suite: the client is checked against an independent server, and our model against it."""

from __future__ import annotations

import asyncio

import pytest

from capstan.sim import loop
from tests.conformance.proxmox.hosts import fakepve_host, served_host, simulated_host
from tests.conformance.proxmox.suite import CHECKS, Check, MakeHost, run_check


async def _story(make: MakeHost, check: Check) -> str:
    async with make() as host:
        if check.__name__ in host.lacks:
            return f"{host.name} does not model this"
        await run_check(host, check)
    return ""


@pytest.mark.parametrize("make", [fakepve_host, served_host], ids=["fakepve", "served"])
@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_over_tls(make: MakeHost, check: Check) -> None:
    missing = asyncio.run(_story(make, check))
    if missing:
        pytest.skip(missing)


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_in_memory(check: Check) -> None:
    assert loop.run(_story(simulated_host, check)) == ""
