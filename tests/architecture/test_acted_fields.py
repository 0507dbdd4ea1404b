"""The list of fields that nothing acts on yet is what the code says."""

from __future__ import annotations

import ast
import importlib.util
from pathlib import Path
from types import ModuleType


def _tool() -> ModuleType:
    file = Path(__file__).with_name("acted_fields.py")
    spec = importlib.util.spec_from_file_location("acted_fields", file)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


TOOL = _tool()


def test_the_list_is_current() -> None:
    assert TOOL.LISTED.read_text() == TOOL.as_text(), "run: python tests/architecture/acted_fields.py"


def test_only_code_and_paths_count_as_acting() -> None:
    tree = ast.parse('"""paused"""\nx = y.replicas\nf(taints=1)\ng("spec.version", "the topology", "a/topology")\n')
    assert set(TOOL._mentioned(tree)) == {"replicas", "taints", "spec", "version"}


def test_a_line_stands_for_everything_below_it() -> None:
    listed = TOOL.unacted_fields()["Cluster"]
    assert "spec.topology" in listed
    assert not [field for field in listed if field.startswith("spec.topology.")]


def test_kinds_that_are_listed_as_a_whole_are_known_to_no_controller() -> None:
    rooms = ("controllers", "providers", "runtime")
    code = "".join(file.read_text() for room in rooms for file in sorted((TOOL.SOURCE / room).rglob("*.py")))
    assert {kind for kind in TOOL.UNTOUCHED if f"import {kind}" in code} == set()
    assert "import MachineDrainRule" in code
