"""``monitor inventory``: the points as a spreadsheet, and back."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from monitor.cli.arguments import Commands
from monitor.config import ConfigError


def add_to(commands: Commands, *, default_config: Path) -> None:
    """Add the command's arguments."""
    parser = commands.add_parser(
        "inventory",
        help="the points as a spreadsheet, and back",
        description="Exports the points of a configuration to CSV or XLSX, and imports such a table again.",
    )
    verbs = parser.add_subparsers(metavar="VERB", required=True)
    out = verbs.add_parser("export", help="write the points to a spreadsheet", description=export.__doc__)
    out.add_argument("table", type=Path, metavar="TABLE", help="a .csv or .xlsx file to write")
    out.set_defaults(command=export)
    back = verbs.add_parser("import", help="take a spreadsheet's changes over", description=import_.__doc__)
    back.add_argument("table", type=Path, metavar="TABLE", help="a .csv or .xlsx file, as export writes it")
    back.add_argument("--yes", action="store_true", help="do not ask")
    back.add_argument("--dry-run", action="store_true", help="show the difference and what is wrong, write nothing")
    back.set_defaults(command=import_)
    for verb in (out, back):
        verb.add_argument("--config", type=Path, default=default_config, metavar="FILE", help="default: %(default)s")


def export(arguments: argparse.Namespace) -> int:
    """Write one row a point: what the file itself says of it. An empty cell comes from its kind."""
    # Here, because what reads spreadsheets takes five megabytes that a program that only probes does without.
    from monitor.config import inventory

    try:
        inventory.write_table(arguments.config, arguments.table)
    except (ConfigError, OSError) as error:
        return _refuse(error)
    print(f"{arguments.table} is written.")
    return 0


def import_(arguments: argparse.Namespace) -> int:
    """Show what the table would change, validate the result, ask, and write the file; comments and order survive."""
    from monitor.config import inventory

    try:
        planned = inventory.plan_import(arguments.config, inventory.read_table(arguments.table))
        print(planned.difference)
        if planned.problems:
            return _refuse(ConfigError(planned.problems))
        if not planned.difference or arguments.dry_run:
            return 0
        if not arguments.yes and not _agreed(arguments.config):
            print("Nothing is written.")
            return 1
        inventory.apply(planned)
    except (ConfigError, OSError) as error:
        return _refuse(error)
    print(f"{arguments.config} is written. A running monitor takes it over on SIGHUP or POST /-/reload.")
    return 0


def _agreed(config: Path) -> bool:
    try:
        return input(f"Write {config}? [y/N] ").strip().lower() in ("y", "yes", "c", "có")
    except EOFError:
        print("\nThere is nobody to ask; say --yes to write without asking.", file=sys.stderr)
        return False


def _refuse(error: Exception) -> int:
    print(error, file=sys.stderr)
    return 1
