"""The file of the audit log: lines, modes, rotation, what is lost and said to be lost."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from capstan.apiserver.audit.logfile import AuditFile, Line, LogOptions, encoded, expired_backups
from capstan.apiserver.audit.redaction import redacted

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)


class Time:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        self.now += timedelta(seconds=1)
        return self.now


def write(options: LogOptions, body: Callable[[AuditFile], Awaitable[None]]) -> AuditFile:
    async def main() -> AuditFile:
        file = AuditFile(options, Time())
        await body(file)
        await file.close()
        return file

    return asyncio.run(main())


def test_lines_in_their_order_for_the_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "audit" / "audit.log"

    async def body(file: AuditFile) -> None:
        for number in range(500):
            file.put(Line({"auditID": str(number)}))

    file = write(LogOptions(path), body)
    assert [json.loads(line)["auditID"] for line in path.read_text().splitlines()] == [str(n) for n in range(500)]
    assert path.stat().st_mode & 0o777 == 0o600 and path.parent.stat().st_mode & 0o777 == 0o700
    assert (file.written, file.lost) == (500, 0)
    write(LogOptions(path), body)
    assert len(path.read_text().splitlines()) == 1_000


def test_rotation_by_size_and_number(tmp_path: Path) -> None:
    path = tmp_path / "audit.log"

    async def body(file: AuditFile) -> None:
        for number in range(100):
            file.put(Line({"auditID": f"{number:03}", "x": "y" * 80}))

    file = write(LogOptions(path, max_bytes=1_100, max_backups=3), body)
    backups = file.backups()
    assert len(backups) == 3 and all(one.stat().st_size <= 1_100 for one in (path, *backups))
    assert all(one.stat().st_mode & 0o777 == 0o600 for one in backups)
    lines = "".join(one.read_text() for one in (*backups, path)).splitlines()
    numbers = [int(json.loads(line)["auditID"]) for line in lines]
    assert numbers == list(range(numbers[0], 100)) and len(numbers) > 30
    assert backups[0].name.startswith("audit-2026-01-31T12-00-")


def test_old_files_go(tmp_path: Path) -> None:
    options = LogOptions(tmp_path / "audit.log", max_backups=10, max_age=timedelta(days=30))
    names = [
        "audit-2025-12-01T00-00-00.000.log",
        "audit-2026-01-02T00-00-00.000.log",
        "audit-2026-01-30T00-00-00.000.log",
    ]
    backups = [tmp_path / name for name in names]
    assert expired_backups(backups, options, NOW) == backups[:1]
    few = LogOptions(tmp_path / "audit.log", max_backups=1, max_age=timedelta(0))
    assert expired_backups(backups, few, NOW) == backups[:2]
    forever = LogOptions(tmp_path / "audit.log", max_backups=0, max_age=timedelta(0))
    assert expired_backups(backups, forever, NOW) == []


def test_a_foreign_file_is_not_a_backup(tmp_path: Path) -> None:
    (tmp_path / "audit-notes.log").write_text("mine")

    async def body(file: AuditFile) -> None:
        for _ in range(50):
            file.put(Line({"x": "y" * 100}))

    write(LogOptions(tmp_path / "audit.log", max_bytes=200, max_backups=1), body)
    assert (tmp_path / "audit-notes.log").read_text() == "mine"


def test_a_full_queue_loses_events_and_counts_them(tmp_path: Path) -> None:
    async def body(file: AuditFile) -> None:
        for _ in range(25):
            file.put(Line({"x": 1}))

    file = write(LogOptions(tmp_path / "audit.log", queued=10), body)
    assert (file.written, file.lost) == (10, 15)


def test_a_disk_that_takes_nothing_is_said_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async def body(file: AuditFile) -> None:
        os.close(file._descriptor)
        file._descriptor = os.open("/dev/full", os.O_WRONLY)
        for _ in range(3):
            file.put(Line({"x": 1}))
            file._hand_over()

    file = write(LogOptions(tmp_path / "audit.log"), body)
    assert (file.written, file.lost) == (0, 3)
    assert [r.message for r in caplog.records] == ["the audit log cannot be written: No space left on device"]


KUBECONFIG = "apiVersion: v1\nkind: Config\ncurrent-context: x\nusers: []\n"


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ({"a": 1, "b": [True, None, "text"]}, {"a": 1, "b": [True, None, "text"]}),
        (
            {"password": "x", "adminPassword": "y", "password_": "z"},
            {"password": "REDACTED", "adminPassword": "REDACTED", "password_": "z"},
        ),
        ({"status": {"token": "abc"}}, {"status": {"token": "REDACTED"}}),
        ({"token": ""}, {"token": ""}),
        ({"tokenSecretRef": {"name": "a"}}, {"tokenSecretRef": {"name": "a"}}),
        ({"data": {"kubeconfig": "x"}}, {"data": {"kubeconfig": "REDACTED"}}),
        ({"value": KUBECONFIG}, {"value": "REDACTED"}),
        ({"x": "-----BEGIN EC PRIVATE KEY-----\nabc"}, {"x": "REDACTED"}),
        ({"x": "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhIn0.c2ln"}, {"x": "REDACTED"}),
        ({"x": "user_data: {password: hunter2}"}, {"x": "REDACTED"}),
        (
            {"items": [{"kind": "Secret", "metadata": {"name": "a"}, "data": {"x": "y"}}]},
            {"items": [{"kind": "Secret"}]},
        ),
    ],
)
def test_what_is_left_of_a_body(given: object, shown: object) -> None:
    before = json.dumps(given)
    assert redacted(given) == shown
    assert json.dumps(given) == before


def test_bodies_that_cannot_be_looked_through_are_left_out() -> None:
    line = json.loads(encoded(Line({"auditID": "1"}, b"{half", b"\xff", False)))
    assert line == {"auditID": "1"}
    managed = b'{"metadata":{"name":"a","managedFields":[{"manager":"x"}]},"items":[{"metadata":{"managedFields":[]}}]}'
    shown = json.loads(encoded(Line({}, managed, b"", True)))["requestObject"]
    assert shown == {"metadata": {"name": "a"}, "items": [{"metadata": {}}]}
