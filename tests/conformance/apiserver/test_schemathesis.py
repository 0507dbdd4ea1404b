"""schemathesis reads our own OpenAPI documents and asks for whatever they allow: no 500, and errors are Statuses."""

from __future__ import annotations

import asyncio
import json
import threading
import urllib.request
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from capstan.api.scheme import SCHEME
from capstan.api.verbs import User
from capstan.apiserver.listener import serve
from capstan.apiserver.server import ApiServer
from capstan.store.memory import MemoryStore

with warnings.catch_warnings():
    # What its own dependencies say of each other is not about us.
    warnings.simplefilter("ignore")
    import schemathesis

DOCUMENTS = (
    "api/v1",
    "apis/cluster.x-k8s.io/v1beta2",
    "apis/rbac.authorization.k8s.io/v1",
    "apis/apiextensions.k8s.io/v1",
    "apis/coordination.k8s.io/v1",
    "apis/admissionregistration.k8s.io/v1",
)
NOW = datetime(2026, 1, 1, tzinfo=UTC)
ADMIN = User("admin", ("system:masters",))


@contextmanager
def serving() -> Iterator[str]:
    """A server on a loopback port in a thread of its own, and its address."""
    ready, stop = threading.Event(), threading.Event()
    address: list[str] = []

    async def run() -> None:
        token = Random(1).randbytes
        server = ApiServer(MemoryStore(), scheme=SCHEME, clock=lambda: NOW, token=token, stored_kinds=True)
        await server.start()
        listener = await serve(server, "127.0.0.1", 0, None, trusted=ADMIN)
        address.append(f"http://127.0.0.1:{listener.port}")
        ready.set()
        await asyncio.get_running_loop().run_in_executor(None, stop.wait)
        await listener.close()
        await server.stop()

    thread = threading.Thread(target=asyncio.run, args=(run(),))
    thread.start()
    try:
        assert ready.wait(30)
        yield address[0]
    finally:
        stop.set()
        thread.join()


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with serving() as address:
        yield address


def _check(case: Any, base_url: str) -> None:
    query = dict(case.query or {})
    # A watch does not end by itself, and what it streams is tested elsewhere.
    query.pop("watch", None)
    case.query = query
    answer = case.call(base_url=base_url, timeout=10)
    assert answer.status_code < 500, (case.method, case.formatted_path, answer.text)
    if answer.status_code >= 400:
        body = json.loads(answer.text)
        assert (body["kind"], body["status"], body["code"]) == ("Status", "Failure", answer.status_code)
        assert body["message"]


def _walk(document: str, url: str, examples: int) -> int:
    """Asks for every operation of a document; how many there are."""
    with urllib.request.urlopen(f"{url}/openapi/v3/{document}", timeout=10) as answer:
        schema = schemathesis.openapi.from_dict(json.loads(answer.read()))
    count = 0
    for result in schema.get_all_operations():
        operation = result.ok()
        count += 1

        @given(case=operation.as_strategy())
        @settings(
            max_examples=examples,
            deadline=None,
            derandomize=True,
            database=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        def ask(case: Any) -> None:
            _check(case, url)

        ask()
    return count


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("document", DOCUMENTS)
def test_no_request_that_the_document_allows_fails_inside(document: str, url: str) -> None:
    assert _walk(document, url, 2) > 5


@pytest.mark.full
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("document", DOCUMENTS)
def test_many_requests_that_the_document_allows(document: str, url: str) -> None:
    assert _walk(document, url, 100) > 5
