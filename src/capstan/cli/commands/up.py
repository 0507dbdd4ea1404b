"""`capstan up`: the management plane in the foreground, until a signal ends it."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from re import Pattern
from typing import TYPE_CHECKING, Any

import click

from capstan.api.cluster.conversion.durations import seconds_of
from capstan.api.errors import ApiError
from capstan.cli.auditing import AuditOptions, audit_options, audit_options_of
from capstan.cli.place import Place, place_option
from capstan.cli.running import run, stop_on_signals
from capstan.cli.services import Table, service_table
from capstan.cli.tuning import Tuning, tuning_of, tuning_options

if TYPE_CHECKING:
    from capstan.providers.talos.config.secrets import ServiceAccountAlgorithm

#: A connection that is dead is given up after 75 seconds at the latest; what was seen must hold for longer.
_LEAST_CONDITIONS_GRACE = 120.0


@click.command()
@place_option
@click.option("--address", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", default=7443, show_default=True, help="Port to listen on; 0 takes a free one.")
@click.option("--verbose", "-v", is_flag=True, help="Log every step.")
@click.option(
    "--service-account-key",
    type=click.Choice(["contract", "rsa-4096", "ecdsa-p256"]),
    default="contract",
    show_default=True,
    help="Key of new clusters' service accounts: what the Talos release makes (RSA-4096), or ECDSA P-256.",
)
@click.option(
    "--encrypt",
    type=click.Choice(["secrets", "all"]),
    default="secrets",
    show_default=True,
    help="Which objects are encrypted on the disk.",
)
@click.option("--api-only", is_flag=True, help="Serve Kubernetes' kinds only: no kinds of Capstan, no controllers.")
@click.option(
    "--webhook-service",
    "webhook_services",
    multiple=True,
    metavar="NAMESPACE/NAME[:PORT]=HOST:PORT",
    help="Where a webhook's Service can be reached; may be given several times.",
)
@click.option(
    "--store",
    metavar="etcd://HOST:PORT[,...][/PREFIX][?ca=..&cert=..&key=..]",
    help="Keep the state in an etcd cluster, for several replicas, instead of in the data directory.",
)
@click.option(
    "--pki-dir",
    type=click.Path(file_okay=False),
    help="Directory of the keys that replicas have in common: CA, ServiceAccounts, encryption.",
)
@click.option(
    "--leader-elect-lease-duration",
    "lease_seconds",
    type=click.FloatRange(min=1.5),
    default=15.0,
    show_default=True,
    metavar="SECONDS",
    help="How long replicas wait for a leader that is silent; only with --store.",
)
@click.option(
    "--additional-sync-machine-labels",
    "label_patterns",
    multiple=True,
    metavar="REGEX",
    help="Labels of Machines in whose keys this is found go on to their Nodes; may be given several times.",
)
@click.option(
    "--additional-sync-machine-annotations",
    "annotation_patterns",
    multiple=True,
    metavar="REGEX",
    help="The same for annotations.",
)
@click.option(
    "--remote-connection-grace-period",
    "connection_grace",
    default="50s",
    show_default=True,
    metavar="DURATION",
    help="How long a workload cluster may be silent before its Cluster says so.",
)
@click.option(
    "--remote-conditions-grace-period",
    "conditions_grace",
    default="5m",
    show_default=True,
    metavar="DURATION",
    help="How long what was seen of its nodes holds then; longer than the other, and at least 2m.",
)
@tuning_options
@audit_options
def up(
    place: Place,
    address: str,
    port: int,
    verbose: bool,
    service_account_key: ServiceAccountAlgorithm,
    encrypt: str,
    api_only: bool,
    webhook_services: tuple[str, ...],
    store: str | None,
    pki_dir: str | None,
    lease_seconds: float,
    label_patterns: tuple[str, ...],
    annotation_patterns: tuple[str, ...],
    connection_grace: str,
    conditions_grace: str,
    **others: Any,
) -> None:
    """Run the management plane.

    Reads PROXMOX_URL, PROXMOX_TOKEN and PROXMOX_SECRET for clusters that name no credentials, and HTTPS_PROXY.
    """
    from capstan.cli.logs import configure_logs

    configure_logs(verbose)
    place = replace(place, shared=Path(pki_dir) if pki_dir else None)
    services = service_table(webhook_services)
    chosen = Chosen(
        service_account_key,
        encrypt == "all",
        audit_options_of(others),
        services,
        api_only,
        store,
        lease_seconds,
        compiled(label_patterns),
        compiled(annotation_patterns),
        grace_seconds(connection_grace, conditions_grace),
        tuning_of(others),
    )
    run(_main(place, address, port, chosen))


@dataclass(frozen=True, slots=True)
class Chosen:
    """What the options say besides the place and the address."""

    service_account_key: ServiceAccountAlgorithm
    encrypt_all: bool
    audit: AuditOptions
    services: Table
    api_only: bool
    store: str | None
    lease_seconds: float
    synced_labels: tuple[Pattern[str], ...] = ()
    synced_annotations: tuple[Pattern[str], ...] = ()
    graces: tuple[float, float] = (50.0, 300.0)
    tuning: Tuning = field(default_factory=Tuning)


def compiled(texts: Sequence[str]) -> tuple[Pattern[str], ...]:
    """The regular expressions. Errors: click.BadParameter."""
    patterns = []
    for text in texts:
        try:
            patterns.append(re.compile(text))
        except re.error as error:
            raise click.BadParameter(f"{text!r} is not a regular expression: {error}") from None
    return tuple(patterns)


def grace_seconds(connection: str, conditions: str) -> tuple[float, float]:
    """Both graces. Errors: click.BadParameter."""
    try:
        short, long = float(seconds_of(connection)), float(seconds_of(conditions))
    except ApiError as error:
        raise click.BadParameter(error.message) from None
    if short <= 0 or long < _LEAST_CONDITIONS_GRACE or long <= short:
        text = "--remote-conditions-grace-period must be at least 2m and longer than --remote-connection-grace-period"
        raise click.BadParameter(f"{text}, which must be longer than 0s")
    return short, long


async def _main(place: Place, address: str, port: int, chosen: Chosen) -> None:
    from capstan.cli.environment import proxmox_from_environment
    from capstan.cli.plane import Plane, PlaneOptions
    from capstan.controllers.machine.snapshot import Synced
    from capstan.runtime.dialer import Dialer
    from capstan.runtime.election import Terms
    from capstan.runtime.nodes import Graces
    from capstan.store.etcd.address import EtcdAddress
    from capstan.store.sealing import EVERYTHING, SECRETS

    dialer = Dialer.from_environment()
    options = PlaneOptions(
        place,
        address,
        port,
        dialer,
        proxmox_from_environment(os.environ),
        proxy_url=dialer.proxy_url,
        service_account_key=chosen.service_account_key,
        encrypted=(EVERYTHING,) if chosen.encrypt_all else SECRETS,
        audit=chosen.audit,
        services=chosen.services,
        api_only=chosen.api_only,
        etcd=EtcdAddress.parse(chosen.store) if chosen.store else None,
        election=Terms.of(chosen.lease_seconds),
        synced=Synced(chosen.synced_labels, chosen.synced_annotations),
        graces=Graces(*chosen.graces),
        tuning=chosen.tuning,
    )
    plane = Plane(options)
    stopping = stop_on_signals()
    runs = False
    try:
        await plane.start()
        runs = True
        place.pid_file.write_text(f"{os.getpid()}\n")
        written = "written" if plane.kubeconfig_is_new else "unchanged"
        click.echo(f"Capstan is ready at {plane.url}")
        click.echo(f"kubeconfig ({written}): {place.kubeconfig}")
        click.echo(f"  export KUBECONFIG={place.kubeconfig}")
        if plane.trouble:
            click.echo(f"Controllers do not work: {plane.trouble}", err=True)
        await stopping.wait()
    finally:
        await plane.stop()
        if runs:  # else the file is that of the plane that runs on this directory already
            place.pid_file.unlink(missing_ok=True)
