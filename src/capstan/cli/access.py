"""How commands reach a management plane: by --kubeconfig, KUBECONFIG or the data directory's own kubeconfig."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager
from functools import cached_property, wraps
from pathlib import Path
from typing import Any

import click

from capstan.cli.place import default_place
from capstan.runtime.client.http import HttpClient
from capstan.runtime.client.kubeconfig import Kubeconfig, parse_kubeconfig
from capstan.runtime.dialer import Dialer


class Access:
    """The management plane that a command is told of. Its kubeconfig is read when it is needed first."""

    def __init__(self, kubeconfig: str, context: str, namespace: str) -> None:
        self._path = kubeconfig
        self._context = context
        self._namespace = namespace

    @cached_property
    def _config(self) -> Kubeconfig:
        return _load_kubeconfig(self._path, self._context)

    @property
    def namespace(self) -> str:
        """That of the object which the command is about."""
        return self._namespace or self._config.namespace or "default"

    @asynccontextmanager
    async def client(self, program: str = "capstan") -> AsyncIterator[HttpClient]:
        """A client for the management plane, closed in the end. `program` is what the audit log calls it."""
        async with aclosing(HttpClient(self._config, Dialer.from_environment())) as client:
            client.call_itself(program)
            yield client


def connection_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """--kubeconfig, --context and --namespace, as kubectl has them; the command gets them as `access`."""

    @wraps(command)
    def accessing(*, kubeconfig: str, context: str, namespace: str, **given: Any) -> Any:
        return command(access=Access(kubeconfig, context, namespace), **given)

    for option in (
        click.option("--namespace", "-n", default="", help="Namespace of the object."),
        click.option("--context", "--kubeconfig-context", default="", help="Context of the kubeconfig to use."),
        click.option("--kubeconfig", default="", help="Kubeconfig of the management plane."),
    ):
        accessing = option(accessing)
    return accessing


def _load_kubeconfig(path: str, context: str) -> Kubeconfig:
    """The first of the named file, $KUBECONFIG and the default data directory's kubeconfig."""
    listed = (os.environ.get("KUBECONFIG") or "").split(os.pathsep)
    candidates = [path] if path else [name for name in listed if name] or [str(default_place().kubeconfig)]
    for candidate in candidates:
        file = Path(candidate).expanduser()
        if file.exists():
            return parse_kubeconfig(file.read_bytes(), context)
    raise click.ClickException(
        f"there is no kubeconfig at {' or '.join(candidates)}: start the management plane with `capstan up`, "
        "or name one with --kubeconfig"
    )
