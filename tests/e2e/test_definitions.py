"""Definitions of users with the real kubectl: a server without kinds of its own, and one that keeps its own."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.programs import REPOSITORY, Plane, Shell

CRDS = REPOSITORY.parent / "shared" / "data" / "crds"

needs_crds = pytest.mark.skipif(not CRDS.is_dir(), reason=f"no definitions at {CRDS}")

#: A kind with what OpenAPI version 2 cannot say, and with an embedded object.
ODDS = """
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: odds.example.io}
spec:
  group: example.io
  scope: Namespaced
  names: {plural: odds, kind: Odd}
  versions:
  - name: v1
    served: true
    storage: true
    schema:
      openAPIV3Schema:
        type: object
        description: An odd thing.
        properties:
          spec:
            type: object
            description: What is odd about it.
            properties:
              port: {x-kubernetes-int-or-string: true, description: A number or a name.}
              maybe: {type: string, nullable: true, description: Perhaps nothing.}
              free: {type: object, x-kubernetes-preserve-unknown-fields: true}
              template: {type: object, x-kubernetes-embedded-resource: true, x-kubernetes-preserve-unknown-fields: true}
"""

LIST = """
apiVersion: v1
kind: List
items:
- apiVersion: v1
  kind: ConfigMap
  metadata: {name: listed}
- apiVersion: example.io/v1
  kind: Odd
  metadata: {name: listed}
  spec: {port: http, maybe: null, free: {a: {b: 1}}}
"""


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shell]:
    plane = Plane(tmp_path_factory.mktemp("bare"), None, "--api-only", "--service-account-key", "ecdsa-p256")
    yield Shell(plane.kubeconfig)
    assert plane.end() == 0


@needs_crds
def test_every_shipped_definition_installs_as_it_is(bare: Shell) -> None:
    names = {json.loads(file.read_bytes())["metadata"]["name"] for file in CRDS.glob("*.json")}
    assert "Machine" not in bare.kubectl("api-resources")
    created = bare.kubectl("create", "-f", str(CRDS))
    assert created.count(" created") == len(names)
    bare.kubectl("wait", "--for=condition=Established", "crd", "--all", "--timeout=30s")
    applied = bare.kubectl("apply", "--server-side", "-f", str(CRDS))
    assert applied.count(" serverside-applied") == len(names)
    assert "cluster.x-k8s.io/v1beta2" in bare.kubectl("api-resources")


def test_explain_and_validation_follow_a_definition(bare: Shell) -> None:
    bare.kubectl("create", "-f", "-", text=ODDS)
    bare.kubectl("wait", "--for=condition=Established", "crd/odds.example.io", "--timeout=30s")
    explained = bare.kubectl("explain", "odds.spec")
    assert "What is odd about it." in explained
    assert "A number or a name." in explained
    old = bare.kubectl("explain", "odds.spec", "--output=plaintext-openapiv2")
    assert "What is odd about it." in old
    assert "Perhaps nothing." in old
    assert "listed created" in bare.kubectl("create", "-f", "-", text=LIST)
    wrong = LIST.replace("name: listed", "name: wrong").replace("port: http", "prot: http")
    assert 'unknown field "prot"' in bare.kubectl_fails("create", "-f", "-", text=wrong)


def test_version_two_is_published_while_the_version_is_served(bare: Shell) -> None:
    bare.kubectl("apply", "-f", "-", text=ODDS.replace("odds", "evens").replace("kind: Odd}", "kind: Even}"))
    bare.kubectl("wait", "--for=condition=Established", "crd/evens.example.io", "--timeout=30s")
    assert "io.example.v1.Even" in json.loads(bare.kubectl("get", "--raw", "/openapi/v2"))["definitions"]
    bare.kubectl("delete", "crd", "evens.example.io")
    assert "io.example.v1.Even" not in json.loads(bare.kubectl("get", "--raw", "/openapi/v2"))["definitions"]


def test_refusals_in_the_words_of_kubernetes(bare: Shell) -> None:
    bad = ODDS.replace("odds", "bads").replace("kind: Odd}", "kind: Bad}").replace("type: string, nullable", "nullable")
    refused = bare.kubectl_fails("create", "-f", "-", text=bad)
    assert 'The CustomResourceDefinition "bads.example.io" is invalid' in refused
    field = "spec.validation.openAPIV3Schema.properties[spec].properties[maybe].type"
    assert f"{field}: Required value: must not be empty for specified object fields" in refused


@needs_crds
def test_a_foreign_copy_of_an_own_kind_changes_nothing(tmp_path: Path) -> None:
    plane = Plane(tmp_path, None, "--service-account-key", "ecdsa-p256")
    try:
        shell = Shell(plane.kubeconfig)
        name = "clusters.cluster.x-k8s.io"
        before = shell.kubectl("get", "crd", name, "-o", "json")
        for options in (("--server-side", "--force-conflicts"), ()):
            shell.kubectl("apply", *options, "-f", str(CRDS / f"{name}.json"))
        assert shell.kubectl("get", "crd", name, "-o", "json") == before
    finally:
        assert plane.end() == 0
