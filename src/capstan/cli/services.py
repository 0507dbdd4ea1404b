"""Where the Services of webhooks are, as the command line says it: there is no cluster network to ask."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence

import click

_FORM = re.compile(r"([a-z0-9][-a-z0-9]*)/([a-z0-9][-a-z0-9.]*)(?::(\d{1,5}))?=(\[[0-9a-fA-F:]+\]|[^:=\s]+):(\d{1,5})")

#: (namespace, name, port of the Service or 0 for any) -> host and port.
Table = Mapping[tuple[str, str, int], tuple[str, int]]


def service_table(texts: Sequence[str]) -> Table:
    """The table of `NAMESPACE/NAME[:PORT]=HOST:PORT`. Errors: click.BadParameter."""
    table: dict[tuple[str, str, int], tuple[str, int]] = {}
    for text in texts:
        found = _FORM.fullmatch(text)
        if found is None:
            raise click.BadParameter(f"{text!r} is not NAMESPACE/NAME[:PORT]=HOST:PORT")
        namespace, name, port, host, to = found.groups()
        table[(namespace, name, int(port or 0))] = (host.strip("[]"), int(to))
    return table


def looked_up(table: Table) -> Callable[[str, str, int], tuple[str, int] | None]:
    """Finds the place of a Service by namespace, name and port."""
    return lambda namespace, name, port: table.get((namespace, name, port)) or table.get((namespace, name, 0))
