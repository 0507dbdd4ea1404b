"""Schematics are registered with a factory; what it answers otherwise is said."""

from __future__ import annotations

import asyncio

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from capstan.api.errors import TerminalError, TransientError
from capstan.api.rules.schematics import schematic_id, schematic_text
from capstan.providers.proxmox.image.factory import register_schematic

AGENT = ("siderolabs/qemu-guest-agent",)


def asked(answer: web.Response | None) -> tuple[str, list[str]]:
    """The id from a factory that gives this answer, or the right one; and what it was sent."""
    seen: list[str] = []

    async def schematics(request: web.Request) -> web.Response:
        seen.append(await request.text())
        return answer or web.json_response({"id": schematic_id(AGENT)}, status=201)

    async def run() -> str:
        application = web.Application()
        application.router.add_post("/schematics", schematics)
        async with TestServer(application) as server:
            return await register_schematic(schematic_text(AGENT), str(server.make_url("/")))

    return asyncio.run(run()), seen


def test_the_factory_is_sent_the_text_that_the_id_is_of() -> None:
    assert asked(None) == (schematic_id(AGENT), [schematic_text(AGENT)])


def test_a_refusal_is_final() -> None:
    with pytest.raises(TerminalError, match="refused the schematic: no such extension"):
        asked(web.Response(status=400, text="no such extension"))


@pytest.mark.parametrize(
    "answer",
    [web.Response(status=502), web.Response(text="<html>"), web.json_response(["id"])],
    ids=["5xx", "no-json", "no-id"],
)
def test_other_answers_are_not(answer: web.Response) -> None:
    with pytest.raises(TransientError, match="/schematics"):
        asked(answer)


def test_a_factory_that_is_away_is_named() -> None:
    with pytest.raises(TransientError, match="cannot be reached"):
        asyncio.run(register_schematic(schematic_text(AGENT), "http://127.0.0.1:9"))
