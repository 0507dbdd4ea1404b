"""How commands reach a management plane: by --kubeconfig, KUBECONFIG or the data directory's own kubeconfig."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from capstan.cli.place import default_place
from capstan.runtime.client.http import HttpClient
from capstan.runtime.client.kubeconfig import Kubeconfig, parse_kubeconfig
from capstan.runtime.dialer import Dialer


def connection_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """--kubeconfig, --context and --namespace, as kubectl has them."""
    command = click.option("--namespace", "-n", default="", help="Namespace of the object.")(command)
    command = click.option("--context", default="", help="Context of the kubeconfig to use.")(command)
    return click.option("--kubeconfig", default="", help="Kubeconfig of the management plane.")(command)


def load_kubeconfig(path: str, context: str) -> Kubeconfig:
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


def connect(config: Kubeconfig) -> HttpClient:
    """A client for the management plane; inside a running event loop."""
    return HttpClient(config, Dialer.from_environment())


def namespace_of(given: str, config: Kubeconfig) -> str:
    return given or config.namespace or "default"
