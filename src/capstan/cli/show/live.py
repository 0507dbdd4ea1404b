"""A tree that is drawn again when something changes: in place on a terminal, as news elsewhere."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager

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
from capstan.runtime.clock import SystemClock

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
        self._told: set[str] = set()

    async def until(self, check: Check, timeout_seconds: float, goal: str) -> ClusterObjects:
        """Show the tree until `check` holds. Raises ClickException with what is still waited for."""
        found: ClusterObjects | None = None
        try:
            async with asyncio.timeout(timeout_seconds), self._watching():
                with self._screen() as show:
                    while True:
                        found = await read_cluster(self._client, self._namespace, self._name)
                        is_done = check(found)
                        show(found, is_done)
                        if is_done:
                            return found
                        await self._changed.wait()
                        self._changed.clear()
                        await asyncio.sleep(PAUSE_SECONDS)
        except TimeoutError:
            now = SystemClock().now()
            lines = waiting(cluster_tree(found, TreeOptions(False, True)), now) if found else []
            raise click.ClickException(
                f"{goal}: not so after {timeout_seconds:.0f} s\n" + "\n".join(f"  {line}" for line in lines)
            ) from None

    @contextmanager
    def _screen(self) -> Iterator[Callable[[ClusterObjects, bool], None]]:
        """How to show: the tree redrawn in place on a terminal; elsewhere news lines, and the whole tree at the end."""
        if not self._console.is_terminal:
            yield self._news
            return
        with Live(console=self._console, auto_refresh=False, transient=False) as live:
            yield lambda found, _done: live.update(
                Text.from_ansi(_drawn(found, colour=True), no_wrap=True), refresh=True
            )

    def _news(self, found: ClusterObjects, done: bool) -> None:
        if done:
            click.echo(_drawn(found, colour=False))
            return
        now = SystemClock().now()
        for line in waiting(cluster_tree(found, TreeOptions(False, False)), now):
            text = line.rpartition(" (for ")[0] or line
            if text not in self._told:
                self._told.add(text)
                click.echo(f"  {text}")

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


def _drawn(found: ClusterObjects, *, colour: bool) -> str:
    now = SystemClock().now()
    text = draw(cluster_tree(found, TreeOptions()), now, colour=colour)
    lines = waiting(cluster_tree(found, TreeOptions(False, False)), now)
    return text + "".join(f"\n  waits: {line}" for line in lines[:8])
