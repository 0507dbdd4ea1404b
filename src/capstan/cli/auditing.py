"""The audit log of a management plane: its options, its policy file, and the file that it is written to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import click

from capstan.cli.place import Place

_MIB = 1024 * 1024
NOWHERE = "none"


@dataclass(frozen=True, slots=True)
class AuditOptions:
    """As `capstan up` takes them. Without a path the log lies in the data directory; `none` writes nothing."""

    policy_file: str = ""
    path: str = ""
    max_age_days: int = 30
    max_backups: int = 10
    max_size_mib: int = 100


def audit_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options of the audit log for a command, under the names that kube-apiserver gives them."""
    for option in (
        click.option(
            "--audit-log-maxsize", default=100, show_default=True, help="MiB of one file before it is rotated."
        ),
        click.option("--audit-log-maxbackup", default=10, show_default=True, help="Rotated files that are kept."),
        click.option("--audit-log-maxage", default=30, show_default=True, help="Days that rotated files are kept."),
        click.option("--audit-log-path", default="", help="File of the audit log; by default in the data directory."),
        click.option(
            "--audit-policy-file",
            type=click.Path(dir_okay=False),
            default="",
            help="Policy (audit.k8s.io/v1) of what is written; by default writes, and who reads Secrets.",
        ),
    ):
        command = option(command)
    return command


def audit_options_of(given: dict[str, Any]) -> AuditOptions:
    """From the parameters of a command."""
    return AuditOptions(
        policy_file=given["audit_policy_file"] or "",
        path=given["audit_log_path"] or "",
        max_age_days=given["audit_log_maxage"],
        max_backups=given["audit_log_maxbackup"],
        max_size_mib=given["audit_log_maxsize"],
    )


class Auditing:
    """The auditor of a running plane, and its file, which `close` finishes."""

    def __init__(self, options: AuditOptions, place: Place, clock: Callable[[], datetime]) -> None:
        """Raises ClickException for a policy that cannot be read."""
        from capstan.apiserver.audit.auditor import Auditor
        from capstan.apiserver.audit.logfile import AuditFile, LogOptions
        from capstan.apiserver.audit.policy import DEFAULT_POLICY

        policy = _read_policy(options.policy_file) if options.policy_file else DEFAULT_POLICY
        self._file: AuditFile | None = None
        self.auditor: Auditor | None = None
        if options.path == NOWHERE:
            return
        log = LogOptions(
            Path(options.path) if options.path else place.audit_log,
            max_bytes=options.max_size_mib * _MIB,
            max_backups=options.max_backups,
            max_age=timedelta(days=options.max_age_days),
        )
        try:
            self._file = AuditFile(log, clock)
        except OSError as error:
            raise click.ClickException(f"the audit log {log.path} cannot be opened: {error.strerror}") from None
        self.auditor = Auditor(self._file, policy)

    async def close(self) -> None:
        if self._file is not None:
            await self._file.close()


def _read_policy(name: str) -> Any:
    import yaml

    from capstan.apiserver.audit.policy import PolicyError, parse_policy

    try:
        return parse_policy(yaml.safe_load(Path(name).read_text()))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise click.ClickException(f"the audit policy {name} cannot be read: {error}") from None
    except PolicyError as error:
        raise click.ClickException(f"the audit policy {name}: {error}") from None
