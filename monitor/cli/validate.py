"""``monitor validate``: every mistake of a configuration at once."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from monitor.cli.arguments import Commands
from monitor.config import ConfigError, examine, schema


def add_to(commands: Commands, *, default_config: Path) -> None:
    """Add the command's arguments."""
    parser = commands.add_parser(
        "validate",
        help="list every mistake of a configuration",
        description="Prints `file:line: path: what is wrong; what to write instead` for every mistake, and exits with "
        "1 if there is one. Warnings (what is allowed but hardly meant) are listed apart and change nothing of that.",
    )
    parser.add_argument("file", type=Path, nargs="?", default=default_config, help="default: %(default)s")
    parser.add_argument("--schema", action="store_true", help="print the JSON Schema for editors instead")
    parser.set_defaults(command=command)


def command(arguments: argparse.Namespace) -> int:
    """Validate, or print the schema."""
    if arguments.schema:
        print(json.dumps(schema(), indent=2, ensure_ascii=False))
        return 0
    try:
        config, warnings = examine(arguments.file)
    except ConfigError as error:
        print(error)
        count = len(error.problems)
        print(f"{count} mistake{'s' if count > 1 else ''} in {arguments.file}", file=sys.stderr)
        return 1
    undeclared = sum(not point.declared for point in config.points)
    endpoints = sum(1 for _ in config.endpoints())
    print(
        f"{arguments.file} is good: {len(config.points)} points, {endpoints} endpoints, {len(config.modules)} modules."
    )
    if warnings:
        print("", *warnings, "", sep="\n")
        count = len(warnings)
        print(f"{count} warning{'s' if count > 1 else ''}: allowed, but hardly meant.")
    if undeclared:
        print(f"{undeclared} points still have placeholder hosts (*.example): `monitor run` does not probe them.")
    return 0
