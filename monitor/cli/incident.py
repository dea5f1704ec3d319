"""``monitor incident``: what is amiss, and what is done about it."""

from __future__ import annotations

import argparse
from pathlib import Path

from rich.console import Console

from monitor.cli.arguments import Commands
from monitor.cli.client import Answer, add_by, add_verb, ask, finish, table, until, when
from monitor.evidence.sentence import sentence
from monitor.incidents.model import RESOLUTIONS
from monitor.language import LANGUAGES
from monitor.language.words import Words

PATH = "/api/v1/incidents"
FAULTS = {
    "network": "the whole network",
    "vantage": "the monitor's own network",
    "monitor": "the monitor cannot ask",
    "never": "never connected",
}


def add_to(commands: Commands, *, default_config: Path) -> None:
    """Add the command's arguments."""
    parser = commands.add_parser(
        "incident",
        help="list incidents, acknowledge, note, close, silence",
        description="Talks to the running program. Exit status 0 when it did what was asked, 1 when it refused or "
        "isn't there, 2 when the call is wrong.",
        epilog="Example: monitor incident ack 12 --ticket VNPT-7781 --by Hà",
    )
    verbs = parser.add_subparsers(metavar="VERB", required=True)
    _add_reading(verbs, default_config)
    _add_acts(verbs, default_config)


def _add_reading(verbs: Commands, default_config: Path) -> None:
    some = add_verb(verbs, "list", list_, default_config, "monitor incident list --state closed --point ba-vi")
    some.add_argument("--state", choices=["open", "closed", "all"], default="open", help="default: %(default)s")
    some.add_argument("--point", metavar="ID", help="only those that ever touched this point")
    some.add_argument("--limit", type=int, default=50, metavar="N", help="default: %(default)s")
    one = add_verb(verbs, "show", show, default_config, "monitor incident show 12")
    _add_number(one)
    one.add_argument("--language", choices=LANGUAGES, default=LANGUAGES[0], help="of the evidence in a sentence")


def _add_acts(verbs: Commands, default_config: Path) -> None:
    ack = add_verb(verbs, "ack", acknowledge, default_config, "monitor incident ack 12 --ticket VNPT-7781 --by Hà")
    _add_number(ack)
    ack.add_argument("--ticket", default="", metavar="T", help="the provider's ticket number")
    remark = add_verb(verbs, "note", note, default_config, 'monitor incident note 12 "the provider is on its way"')
    _add_number(remark)
    remark.add_argument("text", metavar="TEXT")
    end = add_verb(verbs, "close", close, default_config, 'monitor incident close 12 cable --text "cut at km 7"')
    _add_number(end)
    end.add_argument("resolution", choices=RESOLUTIONS, metavar="RESOLUTION", help=", ".join(RESOLUTIONS))
    end.add_argument("--text", default="", metavar="TEXT")
    quiet = add_verb(verbs, "silence", silence, default_config, "monitor incident silence 12 --until 2h")
    _add_number(quiet)
    how = quiet.add_mutually_exclusive_group(required=True)
    how.add_argument("--until", type=until, metavar="TIME", help="2h, 30m, or a time such as 2026-11-23T22:00 (Hanoi)")
    how.add_argument("--until-recovery", action="store_true", help="no messages until it is over")
    how.add_argument("--lift", action="store_true", help="send messages again")
    for act in (ack, remark, end, quiet):
        add_by(act)


def _add_number(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("number", type=int, metavar="NUMBER", help="the incident's number, as `list` shows it")


def list_(arguments: argparse.Namespace) -> int:
    """List incidents, newest first."""
    query = {"state": arguments.state, "point": arguments.point, "limit": arguments.limit}
    return finish(arguments, ask(arguments, "GET", PATH, **query), _show_list)


def show(arguments: argparse.Namespace) -> int:
    """Show one incident: its points, what happened, evidence, who was told."""
    words = Words(arguments.language)
    answer = ask(arguments, "GET", f"{PATH}/{arguments.number}")
    return finish(arguments, answer, lambda console, incident: _show_one(console, incident, words))


def acknowledge(arguments: argparse.Namespace) -> int:
    """Say that you are on it. Escalation stops."""
    return _act(arguments, "acknowledge", {"ticket": arguments.ticket})


def note(arguments: argparse.Namespace) -> int:
    """Leave a remark."""
    return _act(arguments, "note", {"text": arguments.text})


def close(arguments: argparse.Namespace) -> int:
    """Say what it was. The incident itself ends when its points recover."""
    return _act(arguments, "close", {"resolution": arguments.resolution, "text": arguments.text})


def silence(arguments: argparse.Namespace) -> int:
    """Send no messages for a while, or send them again."""
    body = {
        "until": arguments.until,
        "until_recovery": arguments.until_recovery or None,
        "lift": arguments.lift or None,
    }
    return _act(arguments, "silence", body)


def _act(arguments: argparse.Namespace, name: str, body: Answer) -> int:
    path = f"{PATH}/{arguments.number}/{name}"
    answer = ask(arguments, "POST", path, body={**body, "by": arguments.by})
    return finish(arguments, answer, lambda console, _: print(f"Incident {arguments.number}: {answer['detail']}."))


def _what(incident: Answer) -> str:
    fault = incident["fault"]
    return fault["name"] or fault["subject"] or FAULTS[fault["kind"]]


def _show_list(console: Console, answer: Answer) -> None:
    if not answer["incidents"]:
        print("No incidents.")
        return
    rows = [
        (
            each["number"], each["severity"], _what(each), when(each["began"]), when(each["closed"]) or "open",
            f"{each['troubled']}/{each['affected']}", (each["acknowledged"] or {}).get("actor", ""),
        )
        for each in answer["incidents"]
    ]  # fmt: skip
    console.print(table(("No.", "severity", "where", "began", "closed", "points", "taken by"), rows))
    if answer["next"]:
        print("There are older ones: raise --limit.")


def _show_one(console: Console, incident: Answer, words: Words) -> None:
    taken, quiet = incident["acknowledged"], incident["silenced"]
    rows = [
        ("where", _what(incident)),
        ("fault", f"{incident['fault']['kind']}:{incident['fault']['subject']}"),
        ("severity", incident["severity"]),
        ("began", when(incident["began"])),
        ("closed", f"{when(incident['closed'])} ({incident['closed_why']})" if incident["closed"] else "open"),
        ("taken by", f"{taken['actor']} at {when(taken['at'])} {taken['ticket']}".rstrip() if taken else "nobody"),
        ("silenced", "" if not quiet else when(quiet["until"]) or "until recovery"),
        ("it was", incident["resolution"]),
        ("evidence", sentence(words, incident["evidence"]) if incident["evidence"] else ""),
    ]
    console.print(table(("No.", str(incident["number"])), [row for row in rows if row[1]]))
    _show_parts(console, incident)


def _show_parts(console: Console, incident: Answer) -> None:
    points = [
        (each["point"], each["name"], each["status"], each["reason"], when(each["since"]), when(each["until"]))
        for each in incident["points_affected"]
    ]
    console.print("\n", table(("point", "name", "status", "reason", "since", "until"), points), sep="")
    happened = [
        (when(each["at"]), each["kind"], each["point"], each["actor"], each["text"]) for each in incident["events"]
    ]
    console.print("\n", table(("at", "event", "point", "by", "text"), happened), sep="")
    told = [
        (when(each["created_at"]), each["kind"], each["channel"], each["outcome"] or "waits")
        for each in incident["messages"]
    ]
    if told:
        console.print("\n", table(("at", "message", "channel", "outcome"), told), sep="")
