"""Names say what is inside: no rooms for leftovers, and every module opens with what it does."""

from __future__ import annotations

import ast
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "src" / "capstan"
MODULES = [*sorted(SOURCE.rglob("*.py")), *sorted((ROOT / "docs").rglob("*.py"))]

#: Words that say nothing about what is inside.
EMPTY_WORDS = {
    *("utils", "util", "common", "helpers", "helper", "misc", "base"),
    *("handle", "process", "do", "data", "info"),
}

ROOMS = {
    "api",
    "apiserver",
    "cli",
    "controllers",
    "generate",
    "insight",
    "providers",
    "runtime",
    "sim",
    "store",
    "web",
}


def test_rooms_are_those_of_the_design() -> None:
    folders = {path.name for path in SOURCE.iterdir() if path.is_dir() and path.name != "__pycache__"}
    assert folders - ROOMS == set()


def test_no_module_is_named_after_nothing() -> None:
    named = [
        str(path.relative_to(SOURCE))
        for path in MODULES
        if path.is_relative_to(SOURCE) and EMPTY_WORDS & {part.removesuffix(".py") for part in path.parts[-2:]}
    ]
    assert named == []


def test_every_module_says_what_it_does() -> None:
    silent = [str(path.relative_to(ROOT)) for path in MODULES if not _docstring(path)]
    assert silent == []


def _docstring(path: Path) -> str:
    return ast.get_docstring(ast.parse(path.read_text())) or ""


def test_behaviour_of_a_kind_lies_in_the_same_files() -> None:
    """Each folder with a controller has its snapshot, plan and status beside it, as module or package."""
    wanted = ("snapshot", "plan", "status")
    missing = [
        f"{folder.relative_to(SOURCE)}/{name}"
        for folder in (file.parent for file in SOURCE.rglob("controller.py") if file.parent.parent.name != "capstan")
        for name in wanted
        if not (folder / f"{name}.py").exists() and not (folder / name / "__init__.py").exists()
    ]
    assert missing == []
