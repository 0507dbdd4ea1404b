"""Backups, restores and new keys of a running plane, by the commands that users type; and what lies on the disk."""

from __future__ import annotations

import base64
import json
import os
import re
import shutil
import ssl
import tarfile
import threading
import urllib.error
import urllib.request
from pathlib import Path

import apsw
import pytest

from tests.e2e.programs import CAPSTAN, KUBECTL, Plane, Shell, run

CANARY = "canary-3b9e47d1c2"
SHOWN = (CANARY.encode(), base64.b64encode(CANARY.encode()))
SECRETS = 30


def leaks(directory: Path) -> list[str]:
    files = [path for path in directory.rglob("*") if path.is_file()]
    return [str(path) for path in files if any(shown in path.read_bytes() for shown in SHOWN)]


def manifests(count: int) -> str:
    """Secrets and ConfigMaps."""
    items: list[dict[str, object]] = [
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": f"s{i:03}", "labels": {"part": str(i % 3)}},
            "stringData": {"password": f"{CANARY}-{i}"},
        }
        for i in range(count)
    ]
    items += [
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": f"c{i:03}"}, "data": {"i": str(i)}}
        for i in range(10)
    ]
    return "\n---\n".join(json.dumps(item) for item in items)


def objects(shell: Shell) -> dict[str, object]:
    """What a user sees of all that was made, without what restores may change."""
    found = json.loads(shell.kubectl("get", "secrets,configmaps,namespaces,serviceaccounts", "-A", "-o", "json"))
    return {f"{o['kind']} {o['metadata'].get('namespace')}/{o['metadata']['name']}": o for o in found["items"]}


def capstan(*arguments: str, fails: bool = False) -> str:
    done = run(CAPSTAN, *arguments)
    assert (done.returncode != 0) == fails, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    return done.stdout + done.stderr


def readyz(plane: Plane) -> tuple[int, str]:
    context = ssl.create_default_context(cafile=str(plane.directory / "pki" / "ca.crt"))
    try:
        with urllib.request.urlopen(f"{plane.url}/readyz", context=context) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


def test_a_backup_that_is_made_during_writes_brings_everything_back(tmp_path: Path) -> None:
    plane = Plane(tmp_path / "data")
    shell = Shell(plane.kubeconfig)
    shell.kubectl("create", "-f", "-", text=manifests(SECRETS))
    kept = objects(shell)
    done = threading.Event()

    def write() -> None:
        n = 0
        while not done.is_set():
            n += 1
            shell.kubectl("create", "configmap", f"during-{n}")

    writer = threading.Thread(target=write)
    writer.start()
    try:
        out = capstan("backup", str(tmp_path / "backup.tar"), "--data-dir", str(plane.directory))
        assert "keep a copy of it elsewhere" in out
    finally:
        done.set()
        writer.join()
    assert (tmp_path / "backup.tar").stat().st_mode & 0o777 == 0o600
    assert "exists" in capstan("backup", str(tmp_path / "backup.tar"), "--data-dir", str(plane.directory), fails=True)
    with tarfile.open(tmp_path / "backup.tar") as tar:
        assert tar.getnames() == ["capstan-backup.json", "state.db", "identity.sealed"]
    assert leaks(tmp_path) == []
    assert b"PRIVATE KEY" not in (tmp_path / "backup.tar").read_bytes()
    # What is made and deleted after it is not in it.
    shell.kubectl("delete", "secret", "s000")
    shell.kubectl("create", "configmap", "later")
    lost = int(shell.kubectl("get", "configmap", "later", "-o", "jsonpath={.metadata.resourceVersion}"))
    refused = capstan("restore", str(tmp_path / "backup.tar"), "--data-dir", str(plane.directory), fails=True)
    assert "end it first: capstan down" in refused
    assert plane.end() == 0
    key = tmp_path / "kept.key"
    shutil.copy(plane.directory / "encryption.key", key)
    said = capstan("restore", str(tmp_path / "backup.tar"), "--data-dir", str(plane.directory))
    aside = Path(re.search(r"What was there before is in (\S+)", said)[1])  # type: ignore[index]
    assert (aside / "state.db").exists()
    again = Plane(plane.directory)
    back = objects(Shell(again.kubeconfig))
    assert {name: back.get(name) for name in kept} == kept
    assert "ConfigMap default/later" not in back
    # The counter is beyond all that clients may know.
    shell = Shell(again.kubeconfig)
    shell.kubectl("create", "configmap", "new")
    assert (
        int(shell.kubectl("get", "configmap", "new", "-o", "jsonpath={.metadata.resourceVersion}")) > lost + 1_000_000
    )
    path = f"/api/v1/namespaces/default/configmaps?watch=true&resourceVersion={lost}&timeoutSeconds=1"
    assert '"code":410' in (shell.kubectl("get", "--raw", path) if _answers(shell, path) else '"code":410')
    assert again.end() == 0
    # Another machine has nothing but the file and the key.
    elsewhere = tmp_path / "elsewhere" / "data"
    missing = capstan("restore", str(tmp_path / "backup.tar"), "--data-dir", str(elsewhere), fails=True)
    assert "was made without its key" in missing and "--key-file" in missing and not elsewhere.exists()
    capstan("restore", str(tmp_path / "backup.tar"), "--data-dir", str(elsewhere), "--key-file", str(key))
    moved = Plane(elsewhere)
    found = objects(Shell(moved.kubeconfig))
    assert {name: found.get(name) for name in kept} == kept
    assert (elsewhere / "pki" / "ca.crt").read_bytes() == (plane.directory / "pki" / "ca.crt").read_bytes()
    assert moved.end() == 0
    assert leaks(tmp_path) == []


def _answers(shell: Shell, path: str) -> bool:
    """A watch that is too old is refused with 410, or is one event that says so."""
    done = run(KUBECTL, "get", "--raw", path, environment=shell.environment)
    if done.returncode != 0:
        assert "too old resource version" in done.stderr, done.stderr
    return done.returncode == 0


def test_a_damaged_backup_changes_nothing(tmp_path: Path) -> None:
    plane = Plane(tmp_path / "data")
    Shell(plane.kubeconfig).kubectl("create", "secret", "generic", "x", f"--from-literal=a={CANARY}")
    good = tmp_path / "good.tar"
    capstan("backup", str(good), "--with-keys", "--data-dir", str(plane.directory))
    assert plane.end() == 0
    before = {path: path.read_bytes() for path in plane.directory.rglob("*") if path.is_file()}
    content = good.read_bytes()
    middle = content.index(b"SQLite format 3") + 9_000
    cases = {
        "cut": (content[: len(content) // 2], "not a whole backup|unexpected end|checksum"),
        "flipped": (content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :], "checksum of state.db"),
        "newer": (content.replace(b'"format": 1', b'"format": 9', 1), "has format 9"),
        "other": (b"hello" * 1000, "not a whole backup"),
    }
    for name, (broken, message) in cases.items():
        file = tmp_path / f"{name}.tar"
        file.write_bytes(broken)
        said = capstan("restore", str(file), "--data-dir", str(plane.directory), fails=True)
        assert re.search(message, said), said
    assert {path: path.read_bytes() for path in plane.directory.rglob("*") if path.is_file()} == before
    assert [path.name for path in tmp_path.iterdir() if path.is_dir()] == ["data"]
    # At rest, too, and with its key inside it needs nothing else.
    capstan("backup", str(tmp_path / "rest.tar"), "--with-keys", "--data-dir", str(plane.directory))
    shutil.rmtree(plane.directory)
    capstan("restore", str(tmp_path / "rest.tar"), "--data-dir", str(plane.directory))
    again = Plane(plane.directory)
    assert "x" in Shell(again.kubeconfig).kubectl("get", "secrets")
    assert again.end() == 0


def test_keys_change_while_the_plane_works(tmp_path: Path) -> None:
    plane = Plane(tmp_path / "data")
    shell = Shell(plane.kubeconfig)
    shell.kubectl("create", "-f", "-", text=manifests(SECRETS))
    key = (plane.directory / "encryption.key").read_bytes()
    first = capstan("secrets", "rotate-key", "--data-dir", str(plane.directory))
    assert int(re.search(r"written again: (\d+) records", first)[1]) >= SECRETS  # type: ignore[index]
    assert "Dropped: " in first and (plane.directory / "encryption.key").read_bytes() == key
    second = capstan("secrets", "rotate-key", "--key-file-too", "--data-dir", str(plane.directory))
    assert "The key file has changed" in second and (plane.directory / "encryption.key").read_bytes() != key
    assert len(objects(shell)) > SECRETS
    assert plane.end() == 0
    again = Plane(plane.directory)
    shell = Shell(again.kubeconfig)
    shown = shell.kubectl("get", "secret", "s007", "-o", "jsonpath={.data.password}")
    assert base64.b64decode(shown).decode() == f"{CANARY}-7"
    assert again.end() == 0
    assert CANARY not in plane.output + again.output and leaks(tmp_path) == []
    refused = capstan("secrets", "rotate-key", "--data-dir", str(plane.directory), fails=True)
    assert "no management plane runs" in refused
    (plane.directory / "encryption.key").unlink()
    said = capstan("up", "--port", "0", "--data-dir", str(plane.directory), fails=True)
    assert "put the key file back" in said
    assert not (plane.directory / "encryption.key").exists()


def test_one_secret_that_does_not_decrypt_fails_alone_and_readyz_says_so(tmp_path: Path) -> None:
    plane = Plane(tmp_path / "data")
    shell = Shell(plane.kubeconfig)
    shell.kubectl("create", "namespace", "other")
    for name, namespace in (("one", "default"), ("two", "default"), ("three", "other")):
        shell.kubectl("create", "secret", "generic", name, f"--from-literal=a={CANARY}-{name}", "-n", namespace)
    assert plane.end() == 0
    database = apsw.Connection(str(plane.directory / "state.db"))
    row = 'UPDATE revisions SET (value, "check") = (SELECT value, "check" FROM revisions WHERE name = ?) WHERE name = ?'
    database.execute(row, ("two", "one"))
    database.close()
    again = Plane(plane.directory)
    code, said = readyz(again)
    assert code == 500 and "[-]store failed" in said
    shell = Shell(again.kubeconfig)
    for arguments in (("get", "secret", "one"), ("get", "secrets"), ("delete", "secret", "one")):
        refused = shell.kubectl_fails(*arguments)
        assert "/secrets default/one cannot be decrypted" in refused and CANARY not in refused
    assert "AlreadyExists" not in shell.kubectl_fails("create", "secret", "generic", "one")
    assert "two" in shell.kubectl("get", "secret", "two")
    assert "three" in shell.kubectl("get", "secrets", "-n", "other")
    shell.kubectl("create", "configmap", "works")
    shell.kubectl("delete", "secret", "two")
    assert again.end() == 0
    assert "Controllers do not work: 1 object cannot be decrypted: /secrets default/one" in again.output
    assert CANARY not in again.output


@pytest.mark.parametrize("command", [("backup", "file.tar"), ("secrets", "rotate-key"), ("restore", "missing.tar")])
def test_commands_without_a_plane_say_so(tmp_path: Path, command: tuple[str, ...]) -> None:
    arguments = [str(tmp_path / part) if part.endswith(".tar") else part for part in command]
    said = capstan(*arguments, "--data-dir", str(tmp_path / "none"), fails=True)
    assert "no management plane runs" in said or "no state" in said or "does not exist" in said
    assert os.listdir(tmp_path) == []
