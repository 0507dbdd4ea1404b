"""`capstan generate`: manifests from a parameter file, flags, or both; and the parameter file itself."""

from __future__ import annotations

import json
import sys
from io import StringIO
from pathlib import Path
from typing import Any

import click
import yaml

from capstan.generate import ParameterError, cluster_manifests, default_config, json_schema, read_parameters, render

#: Flag -> dotted key of the parameter file. Those of workers concern the first pool.
FLAGS: dict[str, tuple[str, str]] = {
    "namespace": ("namespace", "Namespace of the objects."),
    "kubernetes_version": ("kubernetesVersion", "Version of Kubernetes."),
    "talos_version": ("talos.version", "Version of Talos Linux."),
    "schematic": ("talos.schematic", "Image Factory schematic id."),
    "vip": ("network.vip", "Virtual IP of the control plane."),
    "gateway": ("network.gateway", "Default gateway."),
    "prefix": ("network.prefix", "Prefix length of the network."),
    "source_node": ("proxmox.sourceNode", "Node that holds the template."),
    "template_id": ("proxmox.templateID", "VMID of the template."),
    "storage": ("proxmox.storage", "Storage for the disks."),
    "pool": ("proxmox.pool", "Resource pool for the machines."),
    "bridge": ("proxmox.bridge", "Bridge of the network card."),
    "vlan": ("proxmox.vlan", "VLAN tag."),
    "credentials_secret": ("proxmox.credentialsSecret", "Secret with url, token and secret."),
    "control_plane_replicas": ("controlPlane.replicas", "Machines of the control plane."),
    "control_plane_cores": ("controlPlane.cores", "Cores of a control plane machine."),
    "control_plane_memory": ("controlPlane.memoryMiB", "Memory of a control plane machine, MiB."),
    "control_plane_disk": ("controlPlane.diskGiB", "Disk of a control plane machine, GiB."),
    "worker_replicas": ("workers.0.replicas", "Machines of the first pool of workers."),
    "worker_cores": ("workers.0.cores", "Cores of a worker."),
    "worker_memory": ("workers.0.memoryMiB", "Memory of a worker, MiB."),
    "worker_disk": ("workers.0.diskGiB", "Disk of a worker, GiB."),
}
LISTS: dict[str, tuple[str, str]] = {
    "addresses": ("network.addresses", "Addresses of the machines; may be repeated."),
    "dns": ("network.dns", "Name server; may be repeated."),
    "node": ("proxmox.nodes", "Proxmox VE node; may be repeated."),
    "template_tag": ("proxmox.templateTags", "Tag of the template; may be repeated."),
    "extension": ("talos.extensions", "System extension; may be repeated."),
    "kernel_arg": ("talos.kernelArgs", "Kernel argument; may be repeated."),
}


def _with_flags(command: Any) -> Any:
    for name, (_key, text) in reversed(LISTS.items()):
        command = click.option(f"--{name.replace('_', '-')}", name, multiple=True, help=text)(command)
    for name, (_key, text) in reversed(FLAGS.items()):
        command = click.option(f"--{name.replace('_', '-')}", name, default=None, help=text)(command)
    return command


@click.command()
@click.argument("name", required=False)
@click.option("--config", "-f", "config_file", type=click.Path(), help="Parameter file; - reads standard input.")
@click.option("--api", type=click.Choice(["v1beta1", "v1beta2"]), default="v1beta1", help="Style of the API versions.")
@click.option("--output", "-o", type=click.Path(dir_okay=False), help="Write to a file instead of standard output.")
@_with_flags
def cluster(name: str | None, config_file: str | None, api: str, output: str | None, **flags: Any) -> None:
    """Make the manifests of cluster NAME.

    Parameters come from --config, then from flags, which win. The result applies to Capstan and to upstream
    Cluster API as it is.
    """
    document = _read(config_file) if config_file else {}
    if name:
        document["name"] = name
    apply_flags(document, flags)
    try:
        parameters = read_parameters(document)
    except ParameterError as error:
        raise click.ClickException("the parameters cannot be used:\n" + _indented(error)) from None
    text = render(cluster_manifests(parameters, "v1beta2" if api == "v1beta2" else "v1beta1"))
    if output:
        Path(output).write_text(text)
    else:
        click.echo(text, nl=False)


@click.command()
@click.option("--schema", is_flag=True, help="Print the JSON schema of the parameter file.")
@click.option("--file", "-f", "file", type=click.Path(dir_okay=False), help="Write to, or change, this file.")
@click.option("--set", "changes", multiple=True, metavar="KEY=VALUE", help="Change a key of --file; comments stay.")
def config(schema: bool, file: str | None, changes: tuple[str, ...]) -> None:
    """Write a commented parameter file, or change one.

    Without --set a new file is written, never over an existing one. With --set the keys of the file change and its
    comments stay; values are YAML, keys are dotted (workers.0.replicas=5).
    """
    if schema:
        click.echo(json.dumps(json_schema(), indent=2))
        return
    if changes:
        _change(file, changes)
        return
    if file is None:
        click.echo(default_config(), nl=False)
        return
    path = Path(file)
    if path.exists():
        raise click.ClickException(f"{file} exists; change it with --set KEY=VALUE, or remove it first")
    path.write_text(default_config())


def apply_flags(document: dict[str, Any], flags: dict[str, Any]) -> None:
    """Put the flags that were given into the document, whatever it holds."""
    for flag, value in flags.items():
        if flag in FLAGS and value is not None:
            _put(document, FLAGS[flag][0], yaml.safe_load(value))
        elif flag in LISTS and value:
            _put(document, LISTS[flag][0], list(value))


def _put(document: Any, dotted: str, value: Any) -> None:
    *path, last = dotted.split(".")
    part = document
    for step in path:
        part = _step(part, step, dotted)
    if isinstance(part, list):
        _element(part, last, dotted)
        part[int(last)] = value
    else:
        part[last] = value


def _step(part: Any, step: str, dotted: str) -> Any:
    if isinstance(part, list):
        return _element(part, step, dotted)
    if not isinstance(part, dict):
        raise click.ClickException(f"{dotted}: {step} is not inside a mapping or a list")
    # A list is only made for workers: every other dotted key goes through mappings.
    missing: Any = [{}] if step == "workers" else {}
    return part.setdefault(step, missing)


def _element(part: list[Any], step: str, dotted: str) -> Any:
    if not step.isdigit() or int(step) >= len(part):
        raise click.ClickException(f"{dotted}: the list has {len(part)} elements, there is no {step}")
    return part[int(step)]


def _read(config_file: str) -> dict[str, Any]:
    text = sys.stdin.read() if config_file == "-" else Path(config_file).read_text()
    try:
        document = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise click.ClickException(f"{config_file} is not YAML: {error}") from None
    if not isinstance(document, dict):
        raise click.ClickException(f"{config_file} is not a mapping of keys to values")
    return document


def _change(file: str | None, changes: tuple[str, ...]) -> None:
    from ruamel.yaml import YAML

    if file is None:
        raise click.ClickException("--set needs --file: the file to change")
    editor = YAML()
    editor.preserve_quotes = True
    editor.width = 4096
    editor.indent(mapping=2, sequence=4, offset=2)
    document = editor.load(Path(file).read_text())
    for change in changes:
        key, equals, text = change.partition("=")
        if not equals:
            raise click.ClickException(f"--set {change}: expected KEY=VALUE")
        _put(document, key, yaml.safe_load(text))
    buffer = StringIO()
    editor.dump(document, buffer)
    try:
        read_parameters(yaml.safe_load(buffer.getvalue()))
    except ParameterError as error:
        raise click.ClickException(f"{file} was not changed:\n" + _indented(error)) from None
    Path(file).write_text(buffer.getvalue())


def _indented(error: ParameterError) -> str:
    return "\n".join(f"  {problem}" for problem in error.problems)
