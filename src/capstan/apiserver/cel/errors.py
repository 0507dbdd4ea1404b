"""What can go wrong with an expression: it does not compile, it fails while it runs, or it costs too much."""

from __future__ import annotations

from dataclasses import dataclass

#: Longest line that an error shows again under its message.
_LONGEST_SNIPPET = 16384


@dataclass(frozen=True, slots=True)
class Issue:
    """One reason why an expression does not compile, and where: `position` is an offset in code points."""

    position: int
    message: str

    def render(self, text: str) -> str:
        """`ERROR: <input>:LINE:COLUMN: MESSAGE`, the line, and a mark under the column."""
        before = text[: max(self.position, 0)]
        line = before.count("\n") + 1
        column = len(before) - (before.rfind("\n") + 1)
        shown = f"ERROR: <input>:{line}:{column + 1}: {self.message}"
        source = text.split("\n")[line - 1].replace("\t", " ")
        if len(source) > _LONGEST_SNIPPET:
            return shown
        dots = "".join("．" if ord(char) > 127 else "." for char in source[:column])
        mark = "＾" if column < len(source) and ord(source[column]) > 127 else "^"
        return f"{shown}\n | {source}\n | {dots}{mark}"


class CelError(ValueError):
    """An expression does not parse or does not type-check. `str()` is what clients are shown."""

    def __init__(self, text: str, issues: list[Issue]) -> None:
        self.text = text
        self.issues = tuple(issues)
        super().__init__("\n".join(issue.render(text) for issue in issues))

    @property
    def messages(self) -> tuple[str, ...]:
        """The bare messages without places."""
        return tuple(issue.message for issue in self.issues)


class CelEvaluationError(Exception):
    """An expression failed while it ran: no such key, an overflow, a division by zero."""


class CostExceeded(CelEvaluationError):
    """An expression was stopped because it cost more than it may."""

    def __init__(self) -> None:
        super().__init__("operation cancelled: actual cost limit exceeded")


def no_such_key(key: object) -> CelEvaluationError:
    return CelEvaluationError(f"no such key: {key}")


def no_such_overload(function: str = "") -> CelEvaluationError:
    return CelEvaluationError(f"no such overload: {function}" if function else "no such overload")
