"""``monitor maintenance``: planned work."""

from __future__ import annotations

import argparse
from pathlib import Path
from urllib.parse import quote

from rich.console import Console

from monitor.cli.arguments import Commands
from monitor.cli.client import Answer, add_by, add_verb, ask, finish, length, moment, table, when

PATH = "/api/v1/maintenance"


def add_to(commands: Commands, *, default_config: Path) -> None:
    """Add the command's arguments."""
    parser = commands.add_parser(
        "maintenance",
        help="list, plan and cancel work on points",
        description="Talks to the running program. Exit status 0 when it did what was asked, 1 when it refused or "
        "isn't there, 2 when the call is wrong.",
        epilog='Example: monitor maintenance add "replace the cable" --begin 2026-11-23T22:00 --for 2h --point ba-vi',
    )
    verbs = parser.add_subparsers(metavar="VERB", required=True)
    some = add_verb(verbs, "list", list_, default_config, "monitor maintenance list --all")
    some.add_argument("--all", action="store_true", help="those that are cancelled or over, too")
    _add_planning(verbs, default_config)
    one = add_verb(verbs, "cancel", cancel, default_config, "monitor maintenance cancel 3f1c… --by Hà")
    one.add_argument("id", metavar="ID", help="as `list` shows it")
    add_by(one)


def _add_planning(verbs: Commands, default_config: Path) -> None:
    example = (
        'monitor maintenance add "weekly backup" --begin 2026-11-29T22:00 --for 2h --rule FREQ=WEEKLY --area ba-vi'
    )
    new = add_verb(verbs, "add", add, default_config, example)
    new.add_argument("name", metavar="NAME", help="what is done")
    new.add_argument("--begin", type=moment, required=True, metavar="TIME", help="such as 2026-11-23T22:00 (Hanoi)")
    how_long = new.add_mutually_exclusive_group(required=True)
    how_long.add_argument("--end", type=moment, metavar="TIME", help="of the first time")
    how_long.add_argument("--for", type=length, dest="duration", metavar="LENGTH", help="such as 30m or 2h")
    new.add_argument(
        "--rule", default="", metavar="RRULE", help="RFC 5545, such as FREQ=WEEKLY;BYDAY=SU; default: once"
    )
    new.add_argument("--point", action="append", default=[], metavar="ID", help="may be repeated, as the next two")
    new.add_argument("--area", action="append", default=[], metavar="ID")
    new.add_argument("--label", action="append", default=[], type=_label, metavar="NAME=VALUE")
    new.add_argument(
        "--id", default="", help="a name of your own: given again with the same plan, it plans nothing twice"
    )
    add_by(new)


def _label(text: str) -> tuple[str, str]:
    name, separator, value = text.partition("=")
    if not (name and separator and value):
        raise argparse.ArgumentTypeError(f"{text!r} is no label; write for example provider=VNPT")
    return name, value


def list_(arguments: argparse.Namespace) -> int:
    """List planned work, that of the configuration too."""
    answer = ask(arguments, "GET", PATH, state="all" if arguments.all else "current")
    return finish(arguments, answer, _show_list)


def add(arguments: argparse.Namespace) -> int:
    """Plan work. It covers the points named, those of the areas, and those that have all of the labels."""
    body = {
        "id": arguments.id,
        "name": arguments.name,
        "begin": arguments.begin,
        "end": arguments.end,
        "duration_seconds": arguments.duration and arguments.duration.total_seconds(),
        "rule": arguments.rule,
        "points": arguments.point,
        "areas": arguments.area,
        "labels": dict(arguments.label),
        "by": arguments.by,
    }
    return finish(arguments, ask(arguments, "POST", PATH, body=body), _show_planned)


def cancel(arguments: argparse.Namespace) -> int:
    """Cancel planned work. What is under way ends now."""
    answer = ask(arguments, "DELETE", f"{PATH}/{quote(arguments.id, safe='')}", by=arguments.by)
    said = "is cancelled" if answer["changed"] else "was cancelled before"
    return finish(arguments, answer, lambda console, _: print(f"{answer['window']['name']} {said}."))


def _show_planned(console: Console, answer: Answer) -> None:
    window = answer["window"]
    begin, end = _next(window)
    said = f"{begin} to {end}" if begin else _state(window)
    before = "" if answer["changed"] else " (planned before)"
    print(f"{window['name']}: {said}; its id is {window['id']}{before}.")


def _show_list(console: Console, answer: Answer) -> None:
    if not answer["windows"]:
        print("No work is planned.")
        return
    rows = [
        (each["id"], each["name"], _state(each), *_next(each), _covered(each), each["rule"], each["source"])
        for each in answer["windows"]
    ]
    console.print(table(("id", "name", "state", "next begin", "next end", "covers", "rule", "from"), rows))


def _state(window: Answer) -> str:
    if window["cancelled_at"]:
        return "cancelled"
    return "in force" if window["in_force"] else "over" if window["over"] else "planned"


def _next(window: Answer) -> tuple[str, str]:
    first = window["next"][0] if window["next"] else {"begin": None, "end": None}
    return when(first["begin"]), when(first["end"])


def _covered(window: Answer) -> str:
    areas = [f"area {area}" for area in window["areas"]]
    labels = [f"{name}={value}" for name, value in window["labels"].items()]
    return ", ".join((*window["points"], *areas, " and ".join(labels))).rstrip(", ")
