"""A tree that is drawn again when something changes: in place on a terminal, as news elsewhere."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import click
from rich.console import Console
from rich.live import Live
from rich.text import Text

from capstan.api.errors import ApiError, TransientError
from capstan.api.objects import Resource
from capstan.insight.drawing import draw, waiting
from capstan.insight.reading import core_resource, read_cluster
from capstan.insight.tree import ClusterObjects, TreeOptions, cluster_tree
from capstan.runtime.client.protocol import Client

#: Never drawn more often than this.
PAUSE_SECONDS = 0.15

Check = Callable[[ClusterObjects], bool]


class LiveTree:
    """Watches one cluster and shows it until something holds of it."""

    def __init__(self, client: Client, namespace: str, name: str) -> None:
        self._client = client
        self._namespace = namespace
        self._name = name
        self._console = Console(highlight=False)
        self._changed = asyncio.Event()

    async def until(self, check: Check, timeout_seconds: float, goal: str) -> ClusterObjects:
        """Show the tree until `check` holds. Raises ClickException with what is still waited for."""
        found: ClusterObjects | None = None
        try:
            async with asyncio.timeout(timeout_seconds), self._watching():
                with Live(console=self._console, auto_refresh=False, transient=False) as live:
                    while True:
                        found = await read_cluster(self._client, self._namespace, self._name)
                        self._show(live, found)
                        if check(found):
                            return found
                        await self._changed.wait()
                        self._changed.clear()
                        await asyncio.sleep(PAUSE_SECONDS)
        except TimeoutError:
            now = datetime.now(UTC)
            lines = waiting(cluster_tree(found, TreeOptions(False, True)), now) if found else []
            raise click.ClickException(
                f"{goal}: not so after {timeout_seconds:.0f} s\n" + "\n".join(f"  {line}" for line in lines)
            ) from None

    def _show(self, live: Live, found: ClusterObjects) -> None:
        now = datetime.now(UTC)
        text = draw(cluster_tree(found, TreeOptions()), now, colour=self._console.is_terminal)
        lines = waiting(cluster_tree(found, TreeOptions(False, False)), now)
        if lines:
            text += "\n" + "\n".join(f"  waits: {line}" for line in lines[:8])
        live.update(Text.from_ansi(text, no_wrap=True), refresh=self._console.is_terminal)

    @asynccontextmanager
    async def _watching(self) -> AsyncIterator[None]:
        kinds = ("Cluster", "Machine", "MachineDeployment")
        tasks = [asyncio.ensure_future(self._watch(core_resource(kind))) for kind in kinds]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _watch(self, resource: Resource) -> None:
        while True:
            try:
                async for _event in self._client.watch(resource, self._namespace):
                    self._changed.set()
            except (ApiError, TransientError):
                await asyncio.sleep(PAUSE_SECONDS)
