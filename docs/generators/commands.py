"""Every command with its arguments and options, from the command tree."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import Any

import click

from capstan.cli.app import app
from docs.generators.markdown import code, notice, table


def commands_page() -> str:
    """A section for each command that does something."""
    parts = [notice("the command tree in `src/capstan/cli/`"), "# Commands\n"]
    for words, command in _commands(app, ("capstan",)):
        parts.append(_section(words, command))
    return "\n".join(parts)


def _commands(group: click.Command, words: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    if not isinstance(group, click.Group):
        yield words, group
        return
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if command is not None:
            yield from _commands(command, (*words, name))


def _section(words: tuple[str, ...], command: click.Command) -> str:
    context = click.Context(command, info_name=" ".join(words))
    usage = " ".join((*words, *command.collect_usage_pieces(context)))
    text = inspect.cleandoc(command.help or "").partition("\f")[0]
    parts = [f"## {' '.join(words)}\n", f"{text}\n", f"```\n{usage}\n```\n"]
    rows = [_row(option, context) for option in command.params if isinstance(option, click.Option)]
    if rows:
        parts.append(table(("Option", "Value", "Default", "Description"), rows))
    return "\n".join(parts)


def _row(option: click.Option, context: click.Context) -> tuple[str, str, str, str]:
    names = ", ".join(map(code, (*sorted(option.opts, key=len), *option.secondary_opts)))
    value = "" if option.is_flag else option.make_metavar(context)
    return names, value, _default(option), option.help or ""


def _default(option: click.Option) -> str:
    default: Any = option.default
    if option.required:
        return "required"
    shown = isinstance(default, str | int | float) and not isinstance(default, bool) and default not in ("", 0)
    return code(str(default)) if shown else ""
