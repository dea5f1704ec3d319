"""Causes found in simulated faults whose truth is known: how often the right one, how often a wrong one.

``python -m tests.unit.health.test_fate_simulation`` prints the table of docs/decisions/causes.md.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

from monitor.health.fate import Seen, common_fate
from monitor.health.topology import root
from monitor.model import Fault, FaultKind
from tests.unit.health.fault_world import LABELS, MIX, T0, WINDOW, Story, at, tell

RUNS = 1000


class Verdict(NamedTuple):
    """What came of a story: whether every ward was put down to its true fault, which shared faults were named at any
    time that there weren't, and how many wards were put down to a wrong one."""

    right: bool
    false: frozenset[Fault]
    misplaced: int


def judge(story: Story) -> Verdict:
    """Decide each failing ward's cause as its probes come in, as the board does."""
    named: dict[str, Fault] = {}
    blamed: set[Fault] = set()
    for seconds, ward in story.decisions():
        if ward in named:
            continue
        parent = root(ward, story.needs, story.parents)
        fates = {Fault(FaultKind.POINT, parent): {ward}} if parent else {}
        if not parent:
            seen = list(asked(story, seconds, ward))
            found = common_fate(seen, labels=LABELS, window=WINDOW, around=since(story, ward, seconds))
            fates = {fate.fault: fate.points for fate in found if ward in fate.points}
        for fault, points in fates.items():
            named |= dict.fromkeys(points, fault)
            blamed.add(fault)
    decided = {ward for _, ward in story.decisions()}
    wrong = sum(named.get(ward, Fault(FaultKind.POINT, ward)) != story.truth[ward] for ward in decided)
    return Verdict(blamed == story.faults and not wrong, frozenset(blamed - story.faults), wrong)


def asked(story: Story, seconds: float, ward: str) -> Iterable[Seen]:
    """What is known by then of each ward that was asked since the first of the failures began."""
    answered_by = seconds - story.confirmed_after / 4
    around = since(story, ward, seconds)
    known = {each: moment for each in story.first_failures if (moment := since(story, each, answered_by))}
    began = [moment for moment in known.values() if around - WINDOW <= moment <= around]
    first = (min(began, default=around) - T0).total_seconds()
    for each in story.wards:
        failing_since = known.get(each.id)
        if failing_since or any(first <= moment <= answered_by for moment in story.asked_at[each.id]):
            yield Seen(each.id, each.labels, failing_since)


def since(story: Story, ward: str, seconds: float) -> datetime | None:
    moment = story.first_failures.get(ward)
    return at(moment) if moment is not None and moment <= seconds else None


def measure(kind: str, runs: int) -> list[Verdict]:
    return [judge(tell(kind, seed)) for seed in range(runs)]


def test_twenty_unrelated_wards_within_a_minute_never_blame_a_provider_or_an_area() -> None:
    verdicts = measure("20 unrelated wards", RUNS)
    assert [verdict.false for verdict in verdicts if verdict.false] == []


def test_the_right_cause_is_named_in_a_random_mix_and_no_wrong_one() -> None:
    verdicts = [verdict for kind in MIX for verdict in measure(kind, RUNS // len(MIX))]
    assert [verdict.false for verdict in verdicts if verdict.false] == []
    assert sum(verdict.right for verdict in verdicts) >= 0.95 * len(verdicts)


def main() -> None:
    """Print the table."""
    print("| what failed | runs | right | wrong cause named | wards put down to a wrong one |")
    print("|---|---|---|---|---|")
    for kind in ("20 unrelated wards", *MIX):
        runs = RUNS if kind not in MIX else RUNS // len(MIX)
        verdicts = measure(kind, runs)
        right = sum(verdict.right for verdict in verdicts)
        false = sum(bool(verdict.false) for verdict in verdicts)
        print(f"| {kind} | {runs} | {right / runs:.1%} | {false} | {sum(verdict.misplaced for verdict in verdicts)} |")


if __name__ == "__main__":
    main()
