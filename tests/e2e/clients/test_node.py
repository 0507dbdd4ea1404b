"""The client for Node.js: a watch of a built-in kind, and an informer of a user's."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.e2e.clients.binaries import node_modules
from tests.e2e.clients.surroundings import widget
from tests.e2e.programs import KUBECTL, Program, run

SCRIPT = Path(__file__).parent / "informer.mjs"


@pytest.mark.parametrize("version", ["1.3.0"])
def test_watch_and_informer(kubeconfig: Path, tmp_path: Path, version: str) -> None:
    modules = node_modules(f"@kubernetes/client-node@{version}")
    surroundings = {"KUBECONFIG": str(kubeconfig), "HOME": str(tmp_path), "NODE_MODULES": str(modules)}

    def kubectl(*arguments: str, text: str = "") -> None:
        done = run(KUBECTL, "-n", "node", *arguments, environment=surroundings, text=text)
        assert done.returncode == 0, done.stderr

    kubectl("create", "namespace", "node")
    kubectl("create", "-f", "-", text=json.dumps(widget("old", 1)))
    program = Program("node", str(SCRIPT), "node", environment=surroundings)
    try:
        program.wait_for("^ready$")
        kubectl("create", "-f", "-", text=json.dumps(widget("new", 2)))
        program.wait_for("^informer add new 2$")
        kubectl("patch", "widget", "new", "--type=merge", "-p", '{"spec":{"size":3}}')
        program.wait_for("^informer update new 3$")
        kubectl("delete", "widget", "new")
        program.wait_for("^informer delete new 3$")
        lines = program.output.splitlines()
        assert "informer add old 1" in lines
        assert [line for line in lines if line.startswith("watch")] == [
            'watch ADDED {"a":"b"}',
            'watch DELETED {"a":"b"}',
        ]
        assert [line for line in lines if "error" in line] == []
    finally:
        program.end()
