"""Own writes and news of others, told apart while a reconcile works."""

from __future__ import annotations

from typing import Any

from capstan.runtime.echo import Round
from capstan.runtime.informer import Entry
from capstan.runtime.significance import Interest, Weight


def state(revision: int, **status: Any) -> Entry:
    return Entry({"metadata": {"name": "m", "resourceVersion": str(revision)}, "status": status})


def name_of(entry: Entry) -> object:
    return entry.object["status"].get("nodeName")


def test_an_own_write_is_no_news_even_when_the_watch_tells_it_before_its_answer() -> None:
    this = Round(None, name_of)
    this.hear(state(1), state(2, replicas=1))
    assert this.news() is Weight.SOON
    this.wrote(state(2, replicas=1).object)
    assert this.news() is Weight.NOTHING


def test_what_others_write_meanwhile_is_news() -> None:
    this = Round(None, name_of)
    this.wrote(state(3).object)
    this.hear(state(1), state(2), Weight.LATER)
    this.hear(state(2), state(3))
    assert this.news() is Weight.LATER
    this.hear(state(3), state(4), Weight.HURRIED)
    assert this.news() is Weight.HURRIED


def test_what_the_next_plan_reads_of_an_own_write_is_news() -> None:
    for changed, news in (("replicas", Weight.SOON), ("phase", Weight.NOTHING)):
        this = Round(Interest(("status.replicas",), conditions=False), name_of)
        this.wrote(state(2).object)
        this.hear(state(1), state(2, **{changed: 1}))
        assert this.news() is news


def test_that_something_is_gone_is_always_news() -> None:
    this = Round(None, name_of)
    this.wrote(state(1).object)
    this.hear(state(1), None)
    assert this.news() is Weight.SOON


def test_an_own_write_by_which_others_find_the_subject_is_news() -> None:
    for interest in (None, Interest(("status.replicas",), conditions=False)):
        this = Round(interest, name_of)
        this.wrote(state(2).object)
        this.hear(state(1), state(2, nodeName="a"))
        assert this.news() is Weight.SOON
