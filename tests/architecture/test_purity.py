"""Time, randomness and copies come from where they are passed in, and from nowhere else."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

SOURCE = Path(__file__).resolve().parents[2] / "src" / "capstan"

#: Call -> the files (or folders) in which it may stand.
ALLOWED: dict[str, tuple[str, ...]] = {
    # The one clock; people at a terminal also want to know how long ago something was.
    "datetime.now": ("runtime/clock.py", "cli/"),
    "time.monotonic": ("runtime/clock.py", "cli/"),
    "datetime.utcnow": (),
    "datetime.today": (),
    "date.today": (),
    "time.time": (),
    "time.time_ns": (),
    "time.perf_counter": (),
    "time.sleep": (),
    # The one source of keys and nonces; the simulated one is seeded.
    "os.urandom": ("runtime/keys.py",),
    "random.Random": ("sim/",),
    "uuid.uuid1": (),
    "uuid.uuid4": (),
    "copy.deepcopy": (),
}
#: Modules of which no call is allowed besides those above.
WHOLLY = ("random", "secrets")


def calls(tree: ast.AST) -> Iterator[tuple[str, int]]:
    """Every call of something imported from outside, by its full name."""
    names: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names.update({alias.asname or alias.name: alias.name for alias in node.names})
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.update({alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names})
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            first, *rest = ast.unparse(node.func).split(".")
            if first in names:
                yield _shortened(".".join((names[first], *rest))), node.lineno


def _shortened(call: str) -> str:
    """datetime.now, whether the module or the class was imported."""
    return call.removeprefix("datetime.") if call.startswith("datetime.date") else call


def is_forbidden(call: str, file: str) -> bool:
    if call in ALLOWED:
        return not any(file == place or (place.endswith("/") and file.startswith(place)) for place in ALLOWED[call])
    return call.split(".")[0] in WHOLLY


def test_nothing_is_taken_from_the_process() -> None:
    found = [
        f"{file.relative_to(SOURCE)}:{line}: {call}"
        for file in sorted(SOURCE.rglob("*.py"))
        for call, line in calls(ast.parse(file.read_text()))
        if is_forbidden(call, file.relative_to(SOURCE).as_posix())
    ]
    assert found == []


@pytest.mark.parametrize(
    ("source", "file", "expected"),
    [
        ("from datetime import datetime\ndatetime.now()", "controllers/x.py", ["datetime.now"]),
        ("import datetime\ndatetime.datetime.now()", "controllers/x.py", ["datetime.now"]),
        ("from datetime import datetime\ndatetime.now()", "runtime/clock.py", []),
        ("from copy import deepcopy as dup\ndup({})", "store/x.py", ["copy.deepcopy"]),
        ("import random\nrandom.choice([])", "sim/x.py", ["random.choice"]),
        ("import random\nrandom.Random(1)", "sim/x.py", []),
        ("import secrets\nsecrets.token_hex()", "cli/x.py", ["secrets.token_hex"]),
    ],
)
def test_what_counts(source: str, file: str, expected: list[str]) -> None:
    assert [call for call, _ in calls(ast.parse(source)) if is_forbidden(call, file)] == expected
