"""Group A: Events in both of their groups."""

from __future__ import annotations

from typing import Any

from tests.conformance.kubernetes.harness import MERGE, STRATEGIC, Kube, Obj

NEWER = "events.k8s.io/v1"


def _newer(kube: Kube, name: str, **labels: str) -> Obj:
    return {
        "metadata": {"name": name, "labels": {"testevent-set": "true", **labels}},
        "eventTime": "2026-01-01T00:00:00.000001Z",
        "note": f"This is {name}",
        "action": "Do",
        "reason": "Test",
        "type": "Normal",
        "reportingController": "test-controller",
        "reportingInstance": "test-node",
        "regarding": {"namespace": kube.namespace},
    }


def _older(kube: Kube, name: str, **labels: str) -> Obj:
    return {
        "metadata": {"name": name, "labels": labels},
        "message": f"This is {name}",
        "reason": "Test",
        "type": "Normal",
        "count": 1,
        "involvedObject": {"namespace": kube.namespace},
    }


def test_newer(against: Any) -> None:
    """[sig-instrumentation] Events API should ensure that an event can be fetched, patched, deleted, and listed"""

    async def body(kube: Kube) -> None:
        events, name = kube.path(NEWER, "events"), "event-test"
        made = await kube.create(events, _newer(kube, name))
        for place in (events, kube.path(NEWER, "events", namespace="")):
            listed = await kube.get(place, labelSelector="testevent-set=true")
            mine = [one for one in listed["items"] if one["metadata"]["namespace"] == kube.namespace]
            assert [one["metadata"]["uid"] for one in mine] == [made["metadata"]["uid"]]
        by_field = await kube.get(events, fieldSelector="reportingController=test-controller")
        assert len(by_field["items"]) == 1
        assert (await kube.get(events, fieldSelector="reportingController=other"))["items"] == []
        series = {"count": 2, "lastObservedTime": "2026-01-01T00:00:01.500000Z"}
        await kube.patch(f"{events}/{name}", {"series": series}, STRATEGIC)
        found = await kube.get(f"{events}/{name}")
        assert found["series"] == series
        found["series"]["count"] = 100
        await kube.replace(f"{events}/{name}", found)
        assert (await kube.get(f"{events}/{name}"))["series"]["count"] == 100
        await kube.delete(f"{events}/{name}")
        assert await kube.is_gone(f"{events}/{name}")

    against(body)


def test_newer_collection(against: Any) -> None:
    """[sig-instrumentation] Events API should delete a collection of events"""

    async def body(kube: Kube) -> None:
        events = kube.path(NEWER, "events")
        for number in (1, 2, 3):
            await kube.create(events, _newer(kube, f"test-event-{number}"))
        assert len((await kube.get(events, labelSelector="testevent-set=true"))["items"]) == 3
        await kube.delete(events, labelSelector="testevent-set=true")
        assert (await kube.get(events, labelSelector="testevent-set=true"))["items"] == []

    against(body)


def test_older(against: Any) -> None:
    """[sig-instrumentation] Events should manage the lifecycle of an event"""

    async def body(kube: Kube) -> None:
        events, name = kube.path("v1", "events"), "event-test"
        made = await kube.create(events, _older(kube, name, **{"testevent-constant": "true"}))
        everywhere = await kube.get(kube.path("v1", "events", namespace=""), labelSelector="testevent-constant=true")
        assert made["metadata"]["uid"] in [one["metadata"]["uid"] for one in everywhere["items"]]
        await kube.patch(f"{events}/{name}", {"message": "This is a test event - patched"}, MERGE)
        found = await kube.get(f"{events}/{name}")
        assert found["message"] == "This is a test event - patched"
        found["series"] = {"count": 100, "lastObservedTime": "2026-01-01T00:00:00.505050Z"}
        await kube.replace(f"{events}/{name}", found)
        assert (await kube.get(f"{events}/{name}"))["series"]["count"] == 100
        await kube.delete(f"{events}/{name}")
        left = await kube.get(kube.path("v1", "events", namespace=""), labelSelector="testevent-constant=true")
        assert made["metadata"]["uid"] not in [one["metadata"]["uid"] for one in left["items"]]

    against(body)


def test_older_collection(against: Any) -> None:
    """[sig-instrumentation] Events should delete a collection of events"""

    async def body(kube: Kube) -> None:
        events = kube.path("v1", "events")
        for number in (1, 2, 3):
            await kube.create(events, _older(kube, f"test-event-{number}", **{"testevent-set": "true"}))
        listed = await kube.get(events, labelSelector="testevent-set=true")
        assert [one["metadata"]["name"] for one in listed["items"]] == [f"test-event-{n}" for n in (1, 2, 3)]
        await kube.delete(events, labelSelector="testevent-set=true")
        assert (await kube.get(events, labelSelector="testevent-set=true"))["items"] == []

    against(body)
