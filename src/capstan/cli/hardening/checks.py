"""The items of the CIS Kubernetes benchmark, translated to a management plane. Pure: facts to findings."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from capstan.cli.hardening.facts import Facts, FileMode

#: Gives why the check fails; nothing when it passes.
Test = Callable[[Facts], str]


@dataclass(frozen=True, slots=True)
class Check:
    """One item: its number in the benchmark, what should be, how that is found out, and what to do otherwise."""

    number: str
    title: str
    test: Test
    remedy: str


@dataclass(frozen=True, slots=True)
class Finding:
    check: Check
    why: str

    @property
    def passed(self) -> bool:
        return not self.why


def audited(facts: Facts) -> list[Finding]:
    """Every check against the facts, in the order of the benchmark."""
    return [Finding(check, check.test(facts)) for check in CHECKS]


def _files(chosen: Callable[[FileMode], bool], allowed: int) -> Test:
    def test(facts: Facts) -> str:
        files = [file for file in facts.files if chosen(file)]
        if not files:
            return "no such file was found"
        wide = [f"{file.path} has mode {file.mode:04o}" for file in files if file.mode & ~allowed]
        return "; ".join(wide[:5])

    return test


def _owned(facts: Facts) -> str:
    others = [f"{file.path} belongs to user {file.owner}" for file in facts.files if file.owner != facts.owner]
    return "; ".join(others[:5])


def _setting(name: str, wanted: Callable[[Any], bool], said: str) -> Test:
    """A test of one setting; `said` tells what is wrong, with the value as `{}`."""

    def test(facts: Facts) -> str:
        value: Any = facts.settings
        for part in name.split("."):
            value = value.get(part) if isinstance(value, Mapping) else None
        return "" if value is not None and wanted(value) else said.format("nothing" if value is None else value)

    return test


def _answer(test: Callable[[Facts], bool], said: Callable[[Facts], str]) -> Test:
    return lambda facts: "" if test(facts) else said(facts)


def _kept(limit: int) -> Callable[[Any], bool]:
    """Whether a limit of what is kept is at least this; 0 keeps everything."""
    return lambda value: value == 0 or value >= limit


def _is_key(file: FileMode) -> bool:
    return not file.is_directory and file.path.endswith(".key")


def _in_pki(file: FileMode) -> bool:
    return file.is_directory and file.path.endswith("/pki")


def _is_database(file: FileMode) -> bool:
    return not file.is_directory and "/state.db" in file.path


def _database(facts: Facts) -> str:
    return "" if facts.settings.get("store") == "etcd" else _files(_is_database, 0o600)(facts)


def _is_kubeconfig(file: FileMode) -> bool:
    return file.path.endswith("/kubeconfig")


def _audit_log_mode(facts: Facts) -> str:
    path = (facts.settings.get("audit") or {}).get("path")
    if not path:
        return "there is no audit log"
    stem = str(path).removesuffix(".log")
    return _files(lambda file: not file.is_directory and file.path.startswith(stem), 0o600)(facts)


def _is_anything_else(file: FileMode) -> bool:
    return not file.is_directory and not file.path.endswith((".crt", ".pid", ".sock"))


def _etcd(facts: Facts) -> str:
    store = facts.settings.get("store")
    if store == "sqlite":
        return ""
    return "" if facts.settings.get("store_mutual_tls") else f"the store is {store or 'not known'}, without mutual TLS"


_CHMOD = "chmod {} the files named: Capstan makes them so, something has changed them"
_RESTART = "start the plane with this version's `capstan up`, without options that switch it off"
_AUDIT = "start the plane with {} (the default)"


def _checks() -> Iterator[Check]:
    yield Check(
        "1.1.1", "files of the plane are read by its user only", _files(_is_anything_else, 0o600), _CHMOD.format("600")
    )
    yield Check("1.1.2", "everything belongs to the plane's user", _owned, "chown the files named to the plane's user")
    yield Check("1.1.11", "the database has mode 600 or less", _database, _CHMOD.format("600"))
    yield Check(
        "1.1.13",
        "the administrator's kubeconfig has mode 600 or less",
        _files(_is_kubeconfig, 0o600),
        _CHMOD.format("600"),
    )
    yield Check("1.1.19", "the PKI directory has mode 700 or less", _files(_in_pki, 0o700), "chmod 700 the directory")
    yield Check("1.1.21", "private keys have mode 600 or less", _files(_is_key, 0o600), _CHMOD.format("600"))
    yield from _access()
    yield from _admission()
    yield from _audit_log()
    yield from _connections()
    yield Check(
        "3.2.2",
        "the audit policy covers Secrets at level Metadata",
        _setting("audit.secrets", lambda levels: set(levels) == {"Metadata"}, "requests to Secrets are at {}"),
        "put a rule for secrets at level Metadata first in the file of --audit-policy-file",
    )


def _access() -> Iterator[Check]:
    yield Check(
        "1.2.1",
        "nobody gets in without credentials, but for health checks",
        _answer(
            lambda facts: facts.answers.anonymous == 401 and facts.answers.anonymous_health in (200, 500),
            lambda facts: (
                f"a request without credentials was answered with {facts.answers.anonymous}, "
                f"a health check with {facts.answers.anonymous_health}"
            ),
        ),
        _RESTART,
    )
    yield Check(
        "1.2.2",
        "there is no file of static tokens",
        _answer(
            lambda facts: facts.answers.unknown_token == 401,
            lambda facts: f"a token that nobody issued was answered with {facts.answers.unknown_token}",
        ),
        _RESTART,
    )
    yield Check(
        "1.2.6",
        "the authorization mode is not AlwaysAllow",
        _setting("authorization", lambda modes: "AlwaysAllow" not in modes, "the mode is {}"),
        _RESTART,
    )
    yield Check(
        "1.2.8",
        "the authorization mode includes RBAC",
        _setting("authorization", lambda modes: "RBAC" in modes, "the mode is {}"),
        _RESTART,
    )


def _admission() -> Iterator[Check]:
    yield Check(
        "1.2.9",
        "events are limited in number",
        _setting("events_per_second", lambda rate: 0 < rate < 10_000, "the limit is {} per second and user"),
        _RESTART,
    )
    yield Check(
        "1.2.10",
        "objects are not admitted without a look at them (AlwaysAdmit)",
        _setting("admission.refuses_invalid", bool, "an invalid object was taken in a dry run"),
        _RESTART,
    )
    yield Check(
        "1.2.13",
        "every namespace has its ServiceAccount",
        _setting("admission.service_accounts", bool, "the namespace default has no ServiceAccount default"),
        "wait until the plane has started; `kubectl create serviceaccount default` otherwise",
    )
    yield Check(
        "1.2.14",
        "nothing is created in namespaces that do not exist (NamespaceLifecycle)",
        _setting("admission.namespaces", bool, "an object was taken in a namespace that does not exist"),
        _RESTART,
    )


def _audit_log() -> Iterator[Check]:
    yield Check(
        "1.2.15",
        "profiling is off",
        _answer(
            lambda facts: bool(facts.answers.profiling) and set(facts.answers.profiling) == {404},
            lambda facts: f"/debug/pprof was answered with {list(facts.answers.profiling) or 'nothing'}",
        ),
        _RESTART,
    )
    yield Check(
        "1.2.16",
        "there is an audit log",
        _setting("audit.path", bool, "it is written to {}"),
        _AUDIT.format("--audit-log-path other than none"),
    )
    yield Check(
        "1.2.17",
        "audit logs are kept for 30 days or more",
        _setting("audit.max_age_days", _kept(30), "they are kept for {} days"),
        _AUDIT.format("--audit-log-maxage 30"),
    )
    yield Check(
        "1.2.18",
        "10 old audit logs or more are kept",
        _setting("audit.max_backups", _kept(10), "{} are kept"),
        _AUDIT.format("--audit-log-maxbackup 10"),
    )
    yield Check(
        "1.2.19",
        "audit logs are rotated at 100 MB or more",
        _setting("audit.max_size_mib", _kept(100), "they are rotated at {} MiB"),
        _AUDIT.format("--audit-log-maxsize 100"),
    )
    yield Check("1.2.19", "audit logs have mode 600 or less", _audit_log_mode, _CHMOD.format("600"))
    yield Check(
        "1.2.20",
        "requests end after a time",
        _setting("request_seconds", lambda seconds: 0 < seconds <= 300, "they end after {} s"),
        _RESTART,
    )


def _connections() -> Iterator[Check]:
    yield Check(
        "1.2.21",
        "tokens of ServiceAccounts that are gone are refused",
        _setting("tokens.lookup", bool, "a token of an account that does not exist was taken"),
        _RESTART,
    )
    yield Check(
        "1.2.22",
        "tokens of ServiceAccounts are signed with a key of their own",
        _setting("tokens.own_key", bool, "the key is that of another certificate, or of no file"),
        "stop the plane, remove pki/sa.key, and start it again: all tokens end",
    )
    yield Check(
        "1.2.23",
        "etcd, where it is used, is reached over mutual TLS",
        _etcd,
        "start the plane with --store etcd://...?ca=FILE&cert=FILE&key=FILE",
    )
    yield Check(
        "1.2.25",
        "clients are known by certificates of the plane's own CA",
        _answer(
            lambda facts: facts.answers.client_certificate,
            lambda facts: "the administrator's certificate was not accepted",
        ),
        _RESTART,
    )
    yield Check(
        "1.2.24",
        "no TLS version below 1.2 is accepted",
        _answer(
            lambda facts: not facts.answers.protocols, lambda facts: "accepted: " + ", ".join(facts.answers.protocols)
        ),
        _RESTART,
    )
    yield Check(
        "1.2.27",
        "values of Secrets are encrypted at rest, with AES-GCM",
        _setting("encrypted", lambda prefixes: "/secrets" in prefixes, "what is encrypted is {}"),
        _RESTART,
    )
    yield Check(
        "1.2.29",
        "only strong ciphers are accepted",
        _answer(lambda facts: not facts.answers.ciphers, lambda facts: "accepted: " + ", ".join(facts.answers.ciphers)),
        _RESTART,
    )


CHECKS: Sequence[Check] = tuple(_checks())
