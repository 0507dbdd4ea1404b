"""The command tree. Each command's module is imported when the command is used, so that help and completion are
fast."""

from __future__ import annotations

import importlib
from typing import Any

import click

from capstan.cli.failure import reported

#: Command -> module (under capstan.cli.commands), attribute, short help.
TREE: dict[str, dict[str, tuple[str, str, str]]] = {
    "": {
        "up": ("up", "up", "Run the management plane."),
        "audit": ("audit", "audit", "Check the security of the running management plane."),
        "down": ("down", "down", "Stop the management plane of a data directory."),
        "demo": ("demo", "demo", "Build, scale and delete a cluster in the simulated lab."),
        "backup": ("backup", "backup", "Write the state of the management plane to one file."),
        "restore": ("backup", "restore", "Put a backup in place of a data directory."),
        "version": ("version", "version", "Print the version."),
    },
    "get": {
        "kubeconfig": ("get", "kubeconfig", "Print the kubeconfig of a workload cluster."),
        "talosconfig": ("get", "talosconfig", "Print the talosconfig of a workload cluster."),
    },
    "describe": {"cluster": ("describe", "cluster", "Draw a cluster's tree and what it waits for.")},
    "delete": {"cluster": ("delete", "cluster", "Delete a cluster; by force where that cannot go on.")},
    "rollout": {
        "restart": ("rollout", "restart", "Replace all machines, as for a change."),
        "status": ("rollout", "status", "Say how far a rollout is, until it is done."),
        "history": ("rollout", "history", "List the templates that there have been."),
        "undo": ("rollout", "undo", "Go back to an earlier template."),
        "pause": ("rollout", "pause", "Begin nothing new."),
        "resume": ("rollout", "resume", "Go on."),
    },
    "generate": {
        "cluster": ("generate", "cluster", "Make the manifests of a cluster from parameters."),
        "config": ("generate", "config", "Write a commented parameter file, or change one."),
    },
    "lab": {"up": ("lab", "up", "Run the simulated Proxmox VE and what boots on it.")},
    "secrets": {"rotate-key": ("secrets", "rotate_key", "Encrypt everything with a new key while it is used.")},
    "image": {"ensure": ("image", "ensure", "Make the Talos template on Proxmox VE.")},
}

GROUPS = {
    "get": "Get access to workload clusters.",
    "describe": "Say how things stand.",
    "delete": "Delete clusters.",
    "rollout": "Replace machines, step by step.",
    "generate": "Make manifests and parameter files.",
    "lab": "The simulated world, on real sockets.",
    "secrets": "How Secrets are encrypted on the disk.",
    "image": "Images and templates on Proxmox VE.",
}


class LazyGroup(click.Group):
    """A group whose commands are known by name and imported when they are called."""

    def __init__(self, *args: Any, prefix: str = "", **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._prefix = prefix

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted([*TREE.get(self._prefix, {}), *(GROUPS if not self._prefix else ())])

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if not self._prefix and cmd_name in GROUPS:
            return LazyGroup(cmd_name, prefix=cmd_name, help=GROUPS[cmd_name])
        entry = TREE.get(self._prefix, {}).get(cmd_name)
        if entry is None:
            return None
        module = importlib.import_module(f"capstan.cli.commands.{entry[0]}")
        command: click.Command = getattr(module, entry[1])
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        rows = [(name, GROUPS.get(name) or TREE[self._prefix][name][2]) for name in self.list_commands(ctx)]
        with formatter.section("Commands"):
            formatter.write_dl(rows)

    def invoke(self, ctx: click.Context) -> Any:
        if self._prefix:
            return super().invoke(ctx)
        with reported():
            return super().invoke(ctx)


@click.command(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
def app() -> None:
    """Declare, build, heal, scale and upgrade Kubernetes clusters: Cluster API in Python."""
