"""`capstan audit`: is the running plane as safe as it can be? Each item with PASS or FAIL, why, and what to do."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import click

from capstan.cli.place import Place, place_option


@click.command()
@place_option
def audit(place: Place) -> None:
    """Check the management plane of a data directory by the items of the CIS Kubernetes benchmark that apply to it.

    It must run. Nothing is changed. The status is 1 when an item fails.
    """
    from capstan.cli.control import ask
    from capstan.cli.hardening.checks import audited
    from capstan.cli.hardening.facts import Facts, file_modes
    from capstan.cli.hardening.probe import probe

    settings = ask(place.control, {"command": "settings"})
    if settings.get("shared"):
        place = replace(place, shared=Path(str(settings["shared"])))
    log = (settings.get("audit") or {}).get("path")
    files = file_modes(place, [Path(log)] if log else [])
    findings = audited(Facts(files, int(settings["user"]), settings, probe(place, str(settings["url"]))))
    width = max(len(finding.check.number) for finding in findings)
    for finding in findings:
        word = click.style("PASS", fg="green") if finding.passed else click.style("FAIL", fg="red")
        click.echo(f"{word}  {finding.check.number:<{width}}  {finding.check.title}")
        if not finding.passed:
            click.echo(f"      {'':<{width}}  {finding.why}")
            click.echo(f"      {'':<{width}}  {finding.check.remedy}")
    failed = sum(not finding.passed for finding in findings)
    click.echo(f"{len(findings) - failed} of {len(findings)} passed")
    if failed:
        raise click.exceptions.Exit(1)
