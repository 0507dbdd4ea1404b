"""The plane that real clients meet, the kind of a user that they work with, and kubectl in a namespace of its own."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Obj = dict[str, Any]
PATIENCE = 60

_SCHEMA: Obj = {
    "type": "object",
    "properties": {
        "spec": {
            "type": "object",
            "description": "What a widget should be.",
            "required": ["size"],
            "properties": {
                "size": {"type": "integer", "minimum": 1, "description": "How large it is."},
                "replicas": {"type": "integer", "default": 1},
                "parts": {
                    "type": "array",
                    "x-kubernetes-list-type": "map",
                    "x-kubernetes-list-map-keys": ["name"],
                    "items": {
                        "type": "object",
                        "required": ["name"],
                        "properties": {"name": {"type": "string"}, "count": {"type": "integer"}},
                    },
                },
            },
        },
        "status": {
            "type": "object",
            "properties": {
                "replicas": {"type": "integer"},
                "phase": {"type": "string"},
                "conditions": {
                    "type": "array",
                    "items": {"type": "object", "additionalProperties": {"type": "string"}},
                },
            },
        },
    },
}

#: A user's kind, served like any other.
WIDGETS: Obj = {
    "apiVersion": "apiextensions.k8s.io/v1",
    "kind": "CustomResourceDefinition",
    "metadata": {"name": "widgets.clients.example.io"},
    "spec": {
        "group": "clients.example.io",
        "scope": "Namespaced",
        "names": {"plural": "widgets", "singular": "widget", "kind": "Widget", "shortNames": ["wdg"]},
        "versions": [
            {
                "name": "v1",
                "served": True,
                "storage": True,
                "schema": {"openAPIV3Schema": _SCHEMA},
                "subresources": {
                    "status": {},
                    "scale": {"specReplicasPath": ".spec.replicas", "statusReplicasPath": ".status.replicas"},
                },
                "additionalPrinterColumns": [{"name": "Size", "type": "integer", "jsonPath": ".spec.size"}],
            }
        ],
    },
}


def widget(name: str, size: int = 1, **spec: Any) -> Obj:
    return {
        "apiVersion": "clients.example.io/v1",
        "kind": "Widget",
        "metadata": {"name": name, "labels": {"kind": "widget"}},
        "spec": {"size": size, **spec},
    }


class Failed(AssertionError):
    """A kubectl ended in another way than it should."""


@dataclass(frozen=True)
class Kubectl:
    """One kubectl in a namespace. `gate` bounds how many run at once; `home` keeps what it learned of the server."""

    binary: Path
    version: tuple[int, int]
    kubeconfig: Path
    home: Path
    namespace: str
    gate: asyncio.Semaphore

    def _command(self, arguments: tuple[str, ...]) -> tuple[list[str], dict[str, str]]:
        environment = {
            "PATH": os.environ.get("PATH", ""),
            "HOME": str(self.home),
            "KUBECONFIG": str(self.kubeconfig),
            "KUBE_EDITOR": "sed -i s/first/second/",
        }
        return [str(self.binary), f"--namespace={self.namespace}", *arguments], environment

    async def end(self, *arguments: str, stdin: Any = "") -> tuple[int, str, str]:
        """Exit status and both outputs."""
        command, environment = self._command(arguments)
        text = stdin if isinstance(stdin, str) else json.dumps(stdin)
        async with self.gate:
            process = await asyncio.create_subprocess_exec(
                *command,
                env=environment,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
            )
            out, err = await asyncio.wait_for(process.communicate(text.encode()), PATIENCE)
        return process.returncode or 0, out.decode(), err.decode()

    async def __call__(self, *arguments: str, stdin: Any = "") -> str:
        """What it printed; it must succeed. Raises Failed."""
        status, out, err = await self.end(*arguments, stdin=stdin)
        if status != 0:
            raise Failed(f"kubectl {' '.join(arguments)}: {status}\n{out}{err}")
        return out

    async def fails(self, *arguments: str, stdin: Any = "", status: int = 1) -> str:
        """Both outputs of one that must end with `status`. Raises Failed."""
        ended, out, err = await self.end(*arguments, stdin=stdin)
        if ended != status:
            raise Failed(f"kubectl {' '.join(arguments)}: {ended}, not {status}\n{out}{err}")
        return out + err

    async def json(self, *arguments: str) -> Any:
        return json.loads(await self(*arguments, "-o", "json"))

    @asynccontextmanager
    async def going(self, *arguments: str) -> AsyncIterator[asyncio.subprocess.Process]:
        """One that goes on, with its output as a stream; ended at the end."""
        command, environment = self._command(arguments)
        process = await asyncio.create_subprocess_exec(*command, env=environment, stdout=asyncio.subprocess.PIPE)
        try:
            yield process
        finally:
            if process.returncode is None:
                process.kill()
            await process.communicate()


async def line(process: asyncio.subprocess.Process) -> str:
    """Its next line."""
    assert process.stdout is not None
    read = await asyncio.wait_for(process.stdout.readline(), PATIENCE)
    assert read, "it ended"
    return read.decode().rstrip("\n")
