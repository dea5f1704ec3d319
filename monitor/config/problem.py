"""What is wrong with a file of ours, with its place and its remedy."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One mistake: ``text`` says what is wrong and, after a semicolon, what to write instead. Lines count from 1."""

    file: str
    line: int
    path: str
    text: str

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}: "
        return f"{place}{self.path}: {self.text}" if self.path else f"{place}{self.text}"


class ConfigError(Exception):
    """The file can't be used. ``problems`` are all of its mistakes, in the order of their lines."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = list(problems)
