"""The self-audit: a plane as it should be passes; each thing that is not as it should be fails one item."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from capstan.cli.hardening.checks import CHECKS, audited
from capstan.cli.hardening.facts import Answers, Facts, FileMode, file_modes
from capstan.cli.place import Place

HOME = "/srv/capstan"
FILES = (
    FileMode(HOME, 0o700, 7, True),
    FileMode(f"{HOME}/state.db", 0o600, 7),
    FileMode(f"{HOME}/state.db-wal", 0o600, 7),
    FileMode(f"{HOME}/kubeconfig", 0o600, 7),
    FileMode(f"{HOME}/audit.log", 0o600, 7),
    FileMode(f"{HOME}/capstan.pid", 0o644, 7),
    FileMode(f"{HOME}/pki", 0o700, 7, True),
    FileMode(f"{HOME}/pki/ca.crt", 0o644, 7),
    FileMode(f"{HOME}/pki/ca.key", 0o600, 7),
)
SETTINGS: dict[str, Any] = {
    "authorization": ["RBAC"],
    "request_seconds": 60.0,
    "events_per_second": 50.0,
    "tokens": {"lookup": True, "own_key": True},
    "admission": {"refuses_invalid": True, "namespaces": True, "service_accounts": True},
    "audit": {
        "path": f"{HOME}/audit.log",
        "max_age_days": 30,
        "max_backups": 10,
        "max_size_mib": 100,
        "secrets": ["Metadata"],
    },
    "store": "sqlite",
    "encrypted": ["/secrets"],
}
GOOD = Facts(FILES, 7, SETTINGS, Answers(401, 200, 401, (404, 404), (), (), True))


def failed(facts: Facts) -> dict[str, str]:
    return {finding.check.number: finding.why for finding in audited(facts) if not finding.passed}


def test_a_plane_as_it_should_be_passes_every_item() -> None:
    assert failed(GOOD) == {}
    assert len(CHECKS) == 29 and all(check.title and check.remedy for check in CHECKS)


def with_mode(path: str, mode: int) -> Facts:
    files = [replace(file, mode=mode) if file.path == f"{HOME}/{path}" else file for file in FILES]
    return replace(GOOD, files=files)


@pytest.mark.parametrize(
    ("path", "mode", "numbers"),
    [
        ("state.db", 0o640, {"1.1.1", "1.1.11"}),
        ("state.db-wal", 0o604, {"1.1.1", "1.1.11"}),
        ("kubeconfig", 0o644, {"1.1.1", "1.1.13"}),
        ("pki", 0o750, {"1.1.19"}),
        ("pki/ca.key", 0o640, {"1.1.1", "1.1.21"}),
        ("audit.log", 0o644, {"1.1.1", "1.2.19"}),
    ],
)
def test_modes(path: str, mode: int, numbers: set[str]) -> None:
    found = failed(with_mode(path, mode))
    assert found.keys() == numbers
    assert all(f"{HOME}/{path} has mode {mode:04o}" in why for why in found.values())


def test_an_audit_log_elsewhere_is_looked_at_too() -> None:
    audit = {**SETTINGS["audit"], "path": "/var/log/capstan.log"}
    elsewhere = replace(GOOD, settings={**SETTINGS, "audit": audit})
    assert failed(elsewhere) == {"1.2.19": "no such file was found"}
    files = (*FILES, FileMode("/var/log/capstan.log", 0o644, 7))
    assert "has mode 0644" in failed(replace(elsewhere, files=files))["1.2.19"]


def test_owners() -> None:
    files = (*FILES, FileMode(f"{HOME}/x", 0o600, 8))
    assert failed(replace(GOOD, files=files)) == {"1.1.2": f"{HOME}/x belongs to user 8"}


@pytest.mark.parametrize(
    ("path", "value", "number"),
    [
        ("authorization", ["AlwaysAllow"], "1.2.6"),
        ("authorization", [], "1.2.8"),
        ("request_seconds", 0, "1.2.20"),
        ("request_seconds", 3600, "1.2.20"),
        ("events_per_second", 0, "1.2.9"),
        ("tokens.lookup", False, "1.2.21"),
        ("tokens.own_key", False, "1.2.22"),
        ("admission.refuses_invalid", False, "1.2.10"),
        ("admission.namespaces", False, "1.2.14"),
        ("admission.service_accounts", False, "1.2.13"),
        ("audit.max_age_days", 29, "1.2.17"),
        ("audit.max_backups", 9, "1.2.18"),
        ("audit.max_size_mib", 99, "1.2.19"),
        ("audit.secrets", ["Metadata", "RequestResponse"], "3.2.2"),
        ("audit.secrets", ["None"], "3.2.2"),
        ("store", "etcd", "1.2.23"),
        ("encrypted", [], "1.2.27"),
        ("encrypted", None, "1.2.27"),
    ],
)
def test_settings(path: str, value: Any, number: str) -> None:
    outer, _, inner = path.partition(".")
    settings = {**SETTINGS, outer: {**SETTINGS[outer], inner: value} if inner else value}
    assert number in failed(replace(GOOD, settings=settings))


def test_limits_of_zero_keep_everything() -> None:
    audit = {**SETTINGS["audit"], "max_age_days": 0, "max_backups": 0, "max_size_mib": 500}
    assert failed(replace(GOOD, settings={**SETTINGS, "audit": audit})) == {}


def test_without_an_audit_log_everything_about_it_fails() -> None:
    assert failed(replace(GOOD, settings={**SETTINGS, "audit": {}})).keys() == {
        "1.2.16", "1.2.17", "1.2.18", "1.2.19", "3.2.2"
    }  # fmt: skip


def test_etcd_over_mutual_tls_passes() -> None:
    settings = {**SETTINGS, "store": "etcd", "store_mutual_tls": True}
    files = [file for file in FILES if "state.db" not in file.path]
    assert failed(replace(GOOD, files=files, settings=settings)) == {}
    assert failed(replace(GOOD, files=files)) == {"1.1.11": "no such file was found"}


@pytest.mark.parametrize(
    ("change", "number", "why"),
    [
        ({"anonymous": 200}, "1.2.1", "answered with 200"),
        ({"anonymous_health": 401}, "1.2.1", "a health check with 401"),
        ({"unknown_token": 200}, "1.2.2", "answered with 200"),
        ({"profiling": (404, 200)}, "1.2.15", "[404, 200]"),
        ({"profiling": ()}, "1.2.15", "nothing"),
        ({"protocols": ("TLS 1.1",)}, "1.2.24", "TLS 1.1"),
        ({"ciphers": ("AES128-SHA",)}, "1.2.29", "AES128-SHA"),
        ({"client_certificate": False}, "1.2.25", "not accepted"),
    ],
)
def test_answers(change: dict[str, Any], number: str, why: str) -> None:
    found = failed(replace(GOOD, answers=replace(GOOD.answers, **change)))
    assert found.keys() == {number} and why in found[number]


def test_modes_are_read_from_the_directory(tmp_path: Any) -> None:
    place = Place(tmp_path / "plane")
    place.make()
    place.pki.mkdir(mode=0o755)
    place.kubeconfig.touch(mode=0o640)
    (place.root / "link").symlink_to(place.kubeconfig)
    found = {file.path.removeprefix(str(place.root)): file for file in file_modes(place)}
    assert {path: (file.mode, file.is_directory) for path, file in found.items()} == {
        "": (0o700, True),
        "/pki": (0o755, True),
        "/kubeconfig": (0o640, False),
    }
