"""Every rule of admission with a change that breaks it: what the user reads says field, rule and what is allowed."""

from __future__ import annotations

import asyncio

import pytest

from capstan.api.errors import ApiError
from tests.golden.refusing import Counter, Refusal, as_kubectl_prints, chapters, refusals, shown_change
from tests.golden.text import assert_golden

_WIDTH = 160


@pytest.mark.parametrize("chapter", chapters())
def test_refusals_say_field_rule_and_way_out(chapter: str) -> None:
    asked = refusals(chapter)
    answers = asyncio.run(_answers(asked))
    let_in = [one.title for one, error in zip(asked, answers, strict=True) if error is None]
    assert not let_in, let_in
    assert_golden(f"refusals/{chapter}.txt", "\n".join(map(_told, asked, answers)))


@pytest.mark.parametrize("chapter", chapters())
def test_refusals_point_to_the_field(chapter: str) -> None:
    asked = refusals(chapter)
    for one, error in zip(asked, asyncio.run(_answers(asked)), strict=True):
        assert error is not None
        told = tuple(cause.field for cause in error.causes)
        if told:
            assert told == one.fields, one.title
        else:
            assert all(field in error.message for field in one.fields), (one.title, error.message)


async def _answers(asked: list[Refusal]) -> list[ApiError | None]:
    return [await Counter().answer(one) for one in asked]


def _told(asked: Refusal, error: ApiError | None) -> str:
    assert error is not None
    change = shown_change(asked)
    if len(change) > _WIDTH:
        change = f"{change[:_WIDTH]}..."
    return f"# {asked.title}\n{asked.verb} {change}".rstrip() + f"\n{as_kubectl_prints(error)}\n"
