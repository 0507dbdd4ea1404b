"""`capstan describe cluster`: the tree as clusterctl draws it, and what everything that is not done waits for."""

from __future__ import annotations

import asyncio
import os
import sys

import click

from capstan.cli.access import Access, connection_options
from capstan.insight.drawing import draw, waiting
from capstan.insight.reading import read_cluster
from capstan.insight.tree import ClusterObjects, TreeOptions, cluster_tree
from capstan.runtime.clock import SystemClock


@click.command()
@click.argument("name")
@connection_options
@click.option(
    "--grouping",
    type=bool,
    is_flag=False,
    flag_value="true",
    default=True,
    help="Collapse machines that stand alike; --grouping=false shows each.",
)
@click.option("--no-grouping", is_flag=True, help="The same as --grouping=false.")
@click.option("--color", "-c", is_flag=True, help="Colours even where the output is no terminal.")
@click.option("--echo", is_flag=True, help="Show infrastructure and bootstrap objects that only repeat the Machine.")
@click.option("--show-machinesets", is_flag=True, help="Show MachineSets.")
@click.option("--show-templates", is_flag=True, help="Show the templates that machines are made from.")
@click.option("--show-resourcesets", is_flag=True, help="Show the ClusterResourceSets applied to the cluster.")
@click.option("--show-conditions", default="", help="all, kinds or kind/name, comma-separated; + shows only bad ones.")
@click.option(
    "--v1beta2",
    type=bool,
    is_flag=False,
    flag_value="true",
    default=True,
    help="--v1beta2=false shows the conditions as v1beta1 has them.",
)
def cluster(
    name: str,
    access: Access,
    grouping: bool,
    no_grouping: bool,
    color: bool,
    echo: bool,
    show_machinesets: bool,
    show_templates: bool,
    show_resourcesets: bool,
    show_conditions: str,
    v1beta2: bool,
) -> None:
    """Draw cluster NAME: how each part stands, and what it waits for."""
    if any(character.isspace() for character in show_conditions):
        raise click.BadParameter("must not hold white space", param_hint="--show-conditions")

    async def read() -> ClusterObjects:
        async with access.client() as client:
            return await read_cluster(client, access.namespace, name)

    found = asyncio.run(read())
    conditions = tuple(part for part in show_conditions.split(",") if part)
    options = TreeOptions(
        grouping and not no_grouping,
        echo,
        show_machinesets,
        conditions,
        show_templates,
        show_resourcesets,
        older=not v1beta2,
    )
    click.echo(describe(found, options, colour=color), nl=False, color=True if color else None)


def describe(found: ClusterObjects, options: TreeOptions, *, colour: bool = False) -> str:
    """The text of the command: the tree, then what is waited for. Coloured if asked, or on a terminal."""
    now = SystemClock().now()
    colour = colour or (sys.stdout.isatty() and not os.environ.get("NO_COLOR"))
    text = draw(cluster_tree(found, options), now, colour=colour, older=options.older)
    ungrouped = cluster_tree(found, TreeOptions(grouping=False, echo=True, show_machine_sets=True))
    lines = waiting(ungrouped, now)
    if lines:
        text += "\nNot done yet:\n" + "".join(f"  {line}\n" for line in lines)
    return text
