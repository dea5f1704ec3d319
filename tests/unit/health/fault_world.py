"""Faults whose truth is known, as probes show them: the generator behind the simulation of causes.

It knows nothing of how causes are found. A fault takes some wards at one moment (or, unrelated ones, each at its own);
every ward is probed each 15 s at a phase of its own, the first failure hastens most of the others; a failure is
confirmed by two re-probes. What is handed to the judgement at a moment is what was asked by then.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from random import Random

from monitor.config import load
from monitor.model import Fault, FaultKind

T0 = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)
LABELS = ("provider", "circuit", "exchange", "area")
INTERVAL = 15.0
HASTE_EVERY = 5.0
WINDOW = timedelta(seconds=30)
PROVIDERS = {"VNPT": 5, "Viettel": 4, "CMC": 3}
HOUR_AGO = -3600.0


@dataclass(frozen=True)
class Ward:
    id: str
    labels: Mapping[str, str]


@dataclass
class Story:
    """``truth`` is each failing ward's fault, ``fails_at`` when it is cut off, in seconds from T0."""

    kind: str
    wards: list[Ward]
    fails_at: dict[str, float] = field(default_factory=dict)
    truth: dict[str, Fault] = field(default_factory=dict)
    asked_at: dict[str, list[float]] = field(default_factory=dict)
    needs: dict[str, list[tuple[str, ...]]] = field(default_factory=dict)
    parents: dict[str, datetime] = field(default_factory=dict)
    confirmed_after: float = 3.0
    first_failures: dict[str, float | None] = field(default_factory=dict)

    @property
    def faults(self) -> set[Fault]:
        """What is to be named beside wards' own faults."""
        return {fault for ward, fault in self.truth.items() if fault != Fault(FaultKind.POINT, ward)}

    def first_failure(self, ward: str) -> float | None:
        """The begin of the first probe that failed."""
        if ward not in self.fails_at:
            return None
        return next((moment for moment in self.asked_at[ward] if moment >= self.fails_at[ward]), None)

    def decisions(self) -> Iterator[tuple[float, str]]:
        """When each failing ward's cause is decided, in order."""
        moments = [
            (since + self.confirmed_after, ward)
            for ward in self.fails_at
            if (since := self.first_failures[ward]) is not None and since > HOUR_AGO / 2
        ]
        yield from sorted(moments)


@cache
def shipped_wards() -> tuple[tuple[str, str], ...]:
    """Id and area of the 126 wards of the shipped file."""
    config = load(Path(__file__).parents[3] / "config" / "endpoints.yaml", placeholders=True)
    return tuple((point.id, point.area) for point in config.points if point.kind == "ward")


def inventory(random: Random) -> list[Ward]:
    """The shipped wards with their areas; provider and circuit as an operator might have labelled them: a provider's
    wards hang on circuits of 4 to 14 each, neighbours mostly together."""
    wards = []
    waiting: dict[str, list[str]] = {provider: [] for provider in PROVIDERS}
    circuits: dict[str, str] = {}
    providers = random.choices(list(PROVIDERS), weights=list(PROVIDERS.values()), k=len(shipped_wards()))
    for (ward, _), provider in zip(shipped_wards(), providers, strict=True):
        waiting[provider].append(ward)
    for provider, members in waiting.items():
        number = 0
        while members:
            size = random.randint(4, 14)
            number += 1
            circuits |= dict.fromkeys(members[:size], f"{provider}-{number}")
            del members[:size]
    for (ward, area), provider in zip(shipped_wards(), providers, strict=True):
        wards.append(Ward(ward, {"provider": provider, "circuit": circuits[ward], "area": area}))
    return wards


def one_ward(random: Random, story: Story) -> None:
    alone(story, random.choice(story.wards).id, 0.0)


def unrelated_wards(random: Random, story: Story) -> None:
    for ward in random.sample(story.wards, random.randint(2, 20)):
        alone(story, ward.id, random.uniform(0, 60))


def twenty_unrelated_wards(random: Random, story: Story) -> None:
    for ward in random.sample(story.wards, 20):
        alone(story, ward.id, random.uniform(0, 60))


def provider(random: Random, story: Story) -> None:
    """All its wards but at most every tenth, which has another way."""
    shared(random, story, "provider", spared=random.uniform(0, 0.1))


def area(random: Random, story: Story) -> None:
    shared(random, story, "area")


def circuit(random: Random, story: Story) -> None:
    shared(random, story, "circuit")


def network(random: Random, story: Story) -> None:
    """The hub's way out, and no parent is declared; a few wards have another way."""
    spared = random.uniform(0, 0.05)
    for ward in story.wards:
        if random.random() >= spared:
            take(story, ward.id, 0.0, Fault(FaultKind.NETWORK))


def hub(random: Random, story: Story) -> None:
    """The hub, which is declared; every ward needs it and one of two circuits."""
    declare(story)
    story.parents["hub"] = at(random.uniform(0, 2))
    for ward in story.wards:
        take(story, ward.id, 0.0, Fault(FaultKind.POINT, "hub"))


def both_circuits(random: Random, story: Story) -> None:
    """Both declared circuits; the earlier one names the incident."""
    declare(story)
    first, second = random.sample(["circuit-1", "circuit-2"], 2)
    story.parents |= {first: at(-random.uniform(60, 600)), second: at(random.uniform(0, 2))}
    for ward in story.wards:
        take(story, ward.id, 0.0, Fault(FaultKind.POINT, first))


Maker = Callable[[Random, Story], None]
MIX: dict[str, Maker] = {
    "one ward": one_ward,
    "unrelated wards": unrelated_wards,
    "provider": provider,
    "area": area,
    "circuit": circuit,
    "network": network,
    "hub": hub,
    "both circuits": both_circuits,
}


def tell(kind: str, seed: int) -> Story:
    """A story of that kind, with what happens beside it: wards that have been down for an hour, a ward in three
    stories that fails on its own within half a minute, and wards that are not asked in time."""
    random = Random(f"{kind}/{seed}")
    story = Story(kind, inventory(random))
    {**MIX, "20 unrelated wards": twenty_unrelated_wards}[kind](random, story)
    for ward in random.sample(story.wards, random.randint(0, 3)):
        take(story, ward.id, HOUR_AGO, Fault(FaultKind.POINT, ward.id))
    if random.random() < 1 / 3:
        ward = random.choice(story.wards)
        if ward.id not in story.fails_at:
            alone(story, ward.id, random.uniform(-15, 15))
    story.confirmed_after = random.choice([2.1, 3.0, 11.0, 14.0])
    ask(random, story)
    return story


def shared(random: Random, story: Story, label: str, *, spared: float = 0.0) -> None:
    """One value with at least three wards under it fails."""
    members: dict[str, list[Ward]] = {}
    for ward in story.wards:
        members.setdefault(ward.labels[label], []).append(ward)
    value = random.choice(sorted(value for value, inside in members.items() if len(inside) >= 3))
    for ward in members[value]:
        if random.random() >= spared:
            take(story, ward.id, 0.0, Fault(FaultKind.LABEL, f"{label}={value}"))


def declare(story: Story) -> None:
    story.needs |= {ward.id: [("circuit-1", "circuit-2"), ("hub",)] for ward in story.wards}


def alone(story: Story, ward: str, seconds: float) -> None:
    take(story, ward, seconds, Fault(FaultKind.POINT, ward))


def take(story: Story, ward: str, seconds: float, fault: Fault) -> None:
    story.fails_at[ward] = seconds
    story.truth[ward] = fault


def ask(random: Random, story: Story) -> None:
    """When each ward is probed: on its grid, and most of them once more within two seconds of a first failure, but not
    again within five seconds."""
    for ward in story.wards:
        phase = random.uniform(0, INTERVAL)
        story.asked_at[ward.id] = [HOUR_AGO, *(phase + INTERVAL * turn for turn in range(-4, 8))]
    hastened = HOUR_AGO
    while (failure := _next_failure(story, hastened + HASTE_EVERY)) is not None:
        for ward in story.wards:
            if random.random() < 0.9:
                story.asked_at[ward.id].append(failure + random.uniform(0, 2))
        for moments in story.asked_at.values():
            moments.sort()
        hastened = failure
    story.first_failures = {ward: story.first_failure(ward) for ward in story.fails_at}


def _next_failure(story: Story, after: float) -> float | None:
    failures = (story.first_failure(ward) for ward in story.fails_at)
    return min((since for since in failures if since is not None and since > after), default=None)


def at(seconds: float) -> datetime:
    return T0 + timedelta(seconds=seconds)
