"""Makes schematics known to the Talos Image Factory: it makes no image of an id that it has never seen."""

from __future__ import annotations

import aiohttp

from capstan.api.errors import TerminalError, TransientError
from capstan.api.rules.schematics import FACTORY, factory_url
from capstan.runtime.client.silence import why_silent

_TIMEOUT_SECONDS = 30


async def register_schematic(text: str, factory: str = FACTORY, proxy: str = "") -> str:
    """The id of a schematic. The same text always has the same id, so asking again changes nothing.

    Errors: TerminalError when the factory refuses the schematic, TransientError when it does not answer.
    """
    url = factory_url(factory, "schematics")
    try:
        async with (
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=_TIMEOUT_SECONDS)) as session,
            session.post(url, data=text.encode(), proxy=proxy or None) as response,
        ):
            if response.status >= 500:
                raise TransientError(f"{url} answered {response.status}", reason="FactoryUnreachable")
            if response.status >= 400:
                raise TerminalError(f"{url} refused the schematic: {await response.text()}", "InvalidSchematic")
            answer = await response.json(content_type=None)
    except (aiohttp.ClientError, TimeoutError) as error:
        raise TransientError(f"{url} cannot be reached: {why_silent(error)}", reason="FactoryUnreachable") from error
    except ValueError as error:
        raise TransientError(f"{url} did not answer with JSON", reason="FactoryUnreachable") from error
    if not isinstance(answer, dict) or "id" not in answer:
        raise TransientError(f"{url} answered without an id", reason="FactoryUnreachable")
    return str(answer["id"])
