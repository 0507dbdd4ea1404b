"""The import contracts of `.importlinter` are kept."""

from __future__ import annotations

import configparser
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
CONFIG = ROOT / ".importlinter"
SOURCE = ROOT / "src" / "capstan"


def test_contracts_are_kept(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    linter = pytest.importorskip("importlinter.cli", reason="import-linter comes with `make check`, which runs it too")
    monkeypatch.chdir(ROOT)
    status = linter.lint_imports(config_filename=str(CONFIG), no_cache=True)
    assert status == 0, capsys.readouterr().out


def test_every_room_has_its_layer() -> None:
    """A new top-level folder has to be given its place first."""
    config = configparser.ConfigParser()
    config.read(CONFIG)
    layers = config["importlinter:contract:layers"]["layers"]
    declared = {room.strip() for line in layers.split("\n") for room in line.split("|")} - {""}
    rooms = {file.parent.name for file in SOURCE.glob("*/__init__.py")}
    assert rooms == declared
