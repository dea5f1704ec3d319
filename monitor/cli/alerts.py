"""``monitor alerts test``: who would be told of a fault, by which routes and why, in which words."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time
from pathlib import Path

import uvloop

from monitor.alerts.drill import Delivered, Trial, deliver, parts_of, stand, trial
from monitor.alerts.rendering import Renderer
from monitor.alerts.telling import is_in_hours
from monitor.calendar import ZONE
from monitor.calendar.hours import next_opening
from monitor.cli.arguments import Commands
from monitor.config import ConfigError, load
from monitor.config.model import Config, Route
from monitor.incidents.model import MessageKind, Severity
from monitor.language import LANGUAGES
from monitor.language.words import Words
from monitor.model import Fault, FaultKind


class Mistake(Exception):
    """What was asked cannot be done; the message says what to write instead."""


def add_to(commands: Commands, *, default_config: Path) -> None:
    """Add the command's arguments."""
    parser = commands.add_parser("alerts", help="try out who would be told of what", description="Tries alerts out.")
    verbs = parser.add_subparsers(metavar="COMMAND", required=True)
    test = verbs.add_parser(
        "test",
        help="show who would be told of a fault, and why",
        description="Imagines a fault and shows each route, whether it is taken and why, whom it tells, and the "
        "message, long and short. Nothing is sent without --send. Exit status 0 if somebody would be told (with "
        "--send: if every channel took the message), 1 if not, 2 if the call makes no sense.",
        epilog="Examples: monitor alerts test --point ba-dinh --at 22:30; monitor alerts test --label provider=VNPT "
        "--send; monitor alerts test --fault vantage: --route duty",
    )
    test.add_argument("--config", type=Path, default=default_config, metavar="FILE", help="default: %(default)s")
    test.add_argument("--route", metavar="NAME", help="look at this route alone; with --send, tell its channels anyhow")
    what = test.add_mutually_exclusive_group()
    what.add_argument("--point", metavar="ID", help="this point is down (default: the first ward or branch)")
    what.add_argument("--area", metavar="ID", help="all points of this area are down together")
    what.add_argument("--label", metavar="LABEL=VALUE", help="all points with this value of a label are down together")
    what.add_argument(
        "--fault", metavar="KIND:SUBJECT", help=f"any fault: {', '.join(f'{kind.value}:' for kind in FaultKind)} ..."
    )
    test.add_argument("--severity", choices=list(Severity), default=Severity.CRITICAL, help="default: %(default)s")
    test.add_argument("--at", type=_moment, metavar="TIME", help="22:30, or 2026-11-23T22:30 (Hanoi); default: now")
    test.add_argument("--send", action="store_true", help="send a message marked as a test, and say what came of it")
    test.add_argument("--language", choices=LANGUAGES, default=LANGUAGES[0], help="of the message shown here")
    test.set_defaults(command=command)


def command(arguments: argparse.Namespace) -> int:
    """Show, and send if that is wanted."""
    try:
        config = load(arguments.config, placeholders=True)
        asked = _asked(arguments, config)
    except ConfigError as error:
        print(error, file=sys.stderr)
        return 2
    except Mistake as error:
        print(f"monitor alerts test: {error}", file=sys.stderr)
        return 2
    _print_situation(asked)
    _print_routes(asked)
    _print_message(asked, arguments.language)
    if not arguments.send:
        return 0 if asked.told and asked.open else 1
    channels = asked.chosen
    if not channels:
        print("\nNothing sent: no channel to send to.")
        return 1
    results = uvloop.run(deliver(config, asked.trial, channels))
    _print_results(results)
    return 0 if all(not each.why for each in results) else 1


@dataclass(frozen=True, kw_only=True)
class Asked:
    """A trial, and which of its routes to look at: ``route`` alone, or all of them (None)."""

    config: Config
    trial: Trial
    route: Route | None

    @property
    def open(self) -> bool:
        """Whether the monitor calls anybody at that hour."""
        return self.config.alerting == "monitor" and is_in_hours(self.trial.incident, stand(self.config), self.trial.at)

    @property
    def told(self) -> list[str]:
        """The channels that would be told."""
        taken = [each.route for each in self.trial.judgements if each.taken and self.route in (None, each.route)]
        return list(dict.fromkeys(channel for route in taken for channel in route.channels))

    @property
    def chosen(self) -> list[str]:
        """The channels for --send: those of the route that was named, else those that would be told."""
        return list(self.route.channels) if self.route is not None else self.told


def _asked(arguments: argparse.Namespace, config: Config) -> Asked:
    fault = _fault(arguments, config)
    at = arguments.at or datetime.now(UTC)
    route = _route(arguments.route, config.alerts.routes)
    judged = trial(config, fault, Severity(arguments.severity), at)
    if fault.kind in (FaultKind.POINT, FaultKind.LABEL) and not judged.incident.affected:
        raise Mistake(f"no point of {arguments.config} is touched by {fault}; see its points: and their labels:")
    return Asked(config=config, trial=judged, route=route)


def _route(name: str | None, routes: Sequence[Route]) -> Route | None:
    if name is None:
        return None
    found = next((route for route in routes if route.name == name), None)
    if found is None:
        known = ", ".join(route.name for route in routes) or "none"
        raise Mistake(f"there is no route {name!r}; there is {known}")
    return found


def _fault(arguments: argparse.Namespace, config: Config) -> Fault:
    if arguments.fault is not None:
        try:
            return Fault.parse(arguments.fault)
        except ValueError as error:
            kinds = ", ".join(f"{kind.value}:" for kind in FaultKind)
            raise Mistake(f"{arguments.fault!r} is no fault; write one of {kinds} and its subject") from error
    if arguments.area is not None:
        return Fault(FaultKind.LABEL, f"area={arguments.area}")
    if arguments.label is not None:
        if "=" not in arguments.label:
            raise Mistake(f"{arguments.label!r} is no label; write for example provider=VNPT")
        return Fault(FaultKind.LABEL, arguments.label)
    if arguments.point is not None:
        return Fault(FaultKind.POINT, arguments.point)
    first = next((point.id for point in config.points if point.kind in ("ward", "branch")), None)
    first = first or next((point.id for point in config.points), None)
    if first is None:
        raise Mistake("the file has no points; say --fault")
    return Fault(FaultKind.POINT, first)


def _moment(text: str) -> datetime:
    """A time of today or of a day, in Hanoi unless it says otherwise; raises ArgumentTypeError."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        try:
            clock = time.fromisoformat(text)
        except ValueError as error:
            raise argparse.ArgumentTypeError(f"{text!r} is no time; write 22:30 or 2026-11-23T22:30") from error
        return datetime.combine(datetime.now(ZONE).date(), clock, tzinfo=ZONE)
    return at if at.tzinfo else at.replace(tzinfo=ZONE)


def _print_situation(asked: Asked) -> None:
    incident, at = asked.trial.incident, asked.trial.at
    count = len(incident.affected)
    print(
        f"Imagine {incident.fault} ({incident.severity.value}), {count} point{'s' if count != 1 else ''}, "
        f"at {at.astimezone(ZONE):%Y-%m-%d %H:%M} in Hanoi."
    )
    if not asked.open and asked.config.alerting == "monitor":
        print(f"Nobody is called now: it is outside their hours. {_opening(asked)}")


def _opening(asked: Asked) -> str:
    points = {point.id: point for point in asked.config.points}
    hours = {points[each].hours for each in asked.trial.incident.affected if each in points}
    openings = [next_opening(each, asked.trial.at, asked.config.calendar) for each in hours]
    first = min((each for each in openings if each is not None), default=None)
    if first is None:
        return "They do not open again."
    return f"If it is still so, it is told at {first.astimezone(ZONE):%Y-%m-%d %H:%M}."


def _print_routes(asked: Asked) -> None:
    print()
    if asked.config.alerting == "prometheus":
        print("alerting is prometheus: its rules tell people, the monitor asks no route. What it would do else:")
    if not asked.config.alerts.routes:
        print("There are no routes: nobody is told of anything. Write alerts.routes in the configuration.")
    for each in asked.trial.judgements:
        if asked.route in (None, each.route):
            print(f"  {'TAKEN' if each.taken else '  -  '}  {each.route.name}: {each.why}")
            if each.taken:
                _print_route(asked.config, each.route)
    if asked.config.alerts.routes:
        names = ", ".join(asked.told) or "nobody"
        if asked.config.alerting == "prometheus":
            print("Told: nobody by the monitor")
        else:
            print(f"Told: {names}" if asked.open else f"Told: nobody now, at the opening: {names}")


def _print_route(config: Config, route: Route) -> None:
    duration = Words("en").duration
    for name in route.channels:
        settings = config.alerts.channels[name]
        print(f"           tells {name} ({settings.kind}, {settings.form}, {settings.language})")
    for step in route.escalate:
        print(f"           nobody on it after {duration(step.after)}: tells {', '.join(step.channels)}")
    if route.remind_every is not None:
        print(f"           reminds every {duration(route.remind_every)} until somebody is on it")


def _print_message(asked: Asked, language: str) -> None:
    renderer = Renderer(language, asked.config.alerts.url)
    parts = parts_of(asked.config, asked.trial, MessageKind.OPENED)
    envelope = renderer.envelope("test", parts, form="long", digest=False)
    print(f"\n{envelope.title}\n\n{envelope.text}\n\nshort: {envelope.short}")


def _print_results(results: Sequence[Delivered]) -> None:
    print()
    for each in results:
        print(f"  {'sent' if not each.why else 'FAILED'}  {each.channel}" + (f": {each.why}" if each.why else ""))
