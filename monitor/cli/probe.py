"""``monitor probe``: one probe, now, and what each of its phases took."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import uvloop
from rich.console import Console
from rich.tree import Tree

from monitor.cli.arguments import Commands, address
from monitor.config import ConfigError, load, load_modules
from monitor.config.model import Endpoint
from monitor.language import LANGUAGES
from monitor.language.reasons import explain
from monitor.language.words import Words
from monitor.metrics.single import text_of
from monitor.model import EndpointKey, Outcome, Reason, Result
from monitor.probes import find_probers
from monitor.probes.network import Network
from monitor.runner import Runner, Steady

TIMEOUT = timedelta(seconds=10)
"""For a target given by hand, when its module sets none."""
MARKS = {Outcome.UP: "[green]✔[/]", Outcome.DOWN: "[red]✘[/]", Outcome.UNKNOWN: "[yellow]?[/]"}


class Mistake(Exception):
    """What was asked cannot be done; the message says what to write instead."""


@dataclass(frozen=True, slots=True)
class Asked:
    """The endpoints to probe, and what their probes trust and ask."""

    endpoints: Sequence[Endpoint]
    servers: Sequence[tuple[str, int]]
    ca_file: Path | None


def add_to(commands: Commands, *, default_config: Path) -> None:
    """Add the command's arguments."""
    parser = commands.add_parser(
        "probe",
        help="probe a target or a point once, now",
        description="With --module, probes TARGET (a URL, host:port or host, as the module's protocol wants it). "
        "Without, TARGET is a point of FILE, or POINT/ENDPOINT, with the modules that FILE gives it. Exit status 0 if "
        "all are up, else 1.",
    )
    parser.add_argument("target", metavar="TARGET")
    parser.add_argument("--module", metavar="M", help="a module of FILE")
    parser.add_argument(
        "--config",
        type=Path,
        default=default_config,
        metavar="FILE",
        help="an inventory or a blackbox.yml; default: %(default)s",
    )
    parser.add_argument("--format", choices=["tree", "json", "metrics"], default="tree")
    parser.add_argument("--resolver", type=address, action="append", metavar="HOST:PORT", help="ask this DNS server")
    parser.add_argument("--ca-file", type=Path, metavar="FILE", help="trust this authority beside the system's")
    parser.add_argument("--language", choices=LANGUAGES, default=LANGUAGES[0])
    parser.set_defaults(command=command)


def command(arguments: argparse.Namespace) -> int:
    """Probe and print."""
    try:
        asked = _asked(arguments)
        results = uvloop.run(_probe(asked))
    except ConfigError as error:
        print(error, file=sys.stderr)
        return 2
    except Mistake as error:
        print(f"monitor probe: {error}", file=sys.stderr)
        return 2
    printers: dict[str, Callable[[], None]] = {
        "tree": lambda: _print_tree(asked.endpoints, results, Words(arguments.language)),
        "json": lambda: print(json.dumps([_document(each) for each in results], indent=2, ensure_ascii=False)),
        "metrics": lambda: _print_metrics(asked.endpoints, results),
    }
    printers[arguments.format]()
    return 0 if all(result.outcome is Outcome.UP for result in results) else 1


def _asked(arguments: argparse.Namespace) -> Asked:
    if arguments.module is not None:
        endpoint = _by_hand(arguments.target, arguments.module, arguments.config)
        return Asked([endpoint], arguments.resolver or (), arguments.ca_file)
    config = load(arguments.config, placeholders=True)
    wanted, _, name = arguments.target.partition("/")
    point = next((point for point in config.points if point.id == wanted), None)
    if point is None:
        raise Mistake(f"{arguments.config} has no point {wanted!r}; to probe a target, say which --module")
    endpoints = [endpoint for endpoint in point.endpoints if name in ("", endpoint.key.endpoint)]
    if not endpoints:
        known = ", ".join(endpoint.key.endpoint for endpoint in point.endpoints)
        raise Mistake(f"{wanted} has no endpoint {name!r}; it has {known}")
    if arguments.format == "metrics" and len(endpoints) > 1:
        raise Mistake(f"--format metrics is of one endpoint: write {wanted}/{endpoints[0].key.endpoint}")
    servers = arguments.resolver or config.resolution.servers
    return Asked(endpoints, servers, arguments.ca_file or config.ca_file)


def _by_hand(target: str, name: str, file: Path) -> Endpoint:
    modules = load_modules(file)
    module = modules.get(name)
    if module is None:
        raise Mistake(f"{file} has no module {name!r}; it has {', '.join(modules)}")
    timeout = module.timeout or TIMEOUT
    return Endpoint(
        key=EndpointKey(target, ""), name=target, target=target, module=module, interval=4 * timeout, timeout=timeout,
        retry_every=timedelta(seconds=1), down_after=1, up_after=1, link=True, critical=True, declared=True,
        fingerprint=target,
    )  # fmt: skip


async def _probe(asked: Asked) -> Sequence[Result]:
    probers = find_probers()
    async with Network(servers=asked.servers, ca_file=asked.ca_file) as network:
        for endpoint in asked.endpoints:
            try:
                probers[endpoint.module.prober](endpoint.target, endpoint.module.options, network=network)  # type: ignore[call-arg]  # the protocol has no constructor
            except ValueError as error:
                raise Mistake(f"module {endpoint.module.name}: {error}") from error
        runner = Runner(network=network, vantage="local", pulse=Steady(), clock=lambda: datetime.now(UTC))
        # One after the other, so that none is timed while the loop works for another.
        return [await runner.run(endpoint) for endpoint in asked.endpoints]


def _print_tree(endpoints: Iterable[Endpoint], results: Iterable[Result], words: Words) -> None:
    console = Console(highlight=False)
    for endpoint, result in zip(endpoints, results, strict=True):
        good = result.reason is Reason.OK
        sentence = (
            words.gettext("trả lời tốt") if good else explain(words, result.reason, result.failed_phase, result.detail)
        )
        milliseconds = f"{result.latency_seconds * 1000:.1f} ms"
        tree = Tree(
            f"{MARKS[result.outcome]} [bold]{endpoint.target}[/]  {endpoint.module.name}  {milliseconds}: {sentence}"
        )
        if result.address:
            tree.add(f"address {result.address}")
        for phase, seconds in result.phases.items():
            failed = "  [red]✘[/]" if phase == result.failed_phase else ""
            tree.add(f"{phase:<10} {seconds * 1000:9.2f} ms{failed}")
        if result.detail:
            tree.add(f"{result.reason.value}: {result.detail}")
        console.print(tree)


def _print_metrics(endpoints: Sequence[Endpoint], results: Sequence[Result]) -> None:
    prober = find_probers()[endpoints[0].module.prober]
    sys.stdout.write(text_of(results[0], prober))


def _document(result: Result) -> dict[str, object]:
    return {
        "point": result.key.point,
        "endpoint": result.key.endpoint,
        "begun": result.begun.isoformat(),
        "outcome": result.outcome.value,
        "reason": result.reason.value,
        "failed_phase": result.failed_phase,
        "detail": result.detail,
        "address": result.address,
        "latency_seconds": result.latency_seconds,
        "phases": dict(result.phases),
        "facts": dict(result.facts),
    }
