"""``monitor inventory``: the points as a spreadsheet, and back; the endpoints as targets of blackbox_exporter."""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

from monitor.cli.arguments import Commands
from monitor.config import ConfigError, load
from monitor.config.exported import blackbox_modules, target_groups
from monitor.config.model import Config


def _as_targets(config: Config) -> str:
    return json.dumps(target_groups(config), indent=1, ensure_ascii=False) + "\n"


def _as_modules(config: Config) -> str:
    made: Any = blackbox_modules(config)
    return str(yaml.safe_dump(made, allow_unicode=True, sort_keys=False))


FORMATS: dict[str, Callable[[Config], str]] = {"file_sd": _as_targets, "blackbox": _as_modules}
"""Those beside the spreadsheet: what the text is made of."""


def add_to(commands: Commands, *, default_config: Path) -> None:
    """Add the command's arguments."""
    parser = commands.add_parser(
        "inventory",
        help="the points as a spreadsheet, and back; for blackbox_exporter",
        description="Exports the points of a configuration to CSV or XLSX, and imports such a table again; exports the "
        "endpoints and their modules for Prometheus and blackbox_exporter.",
    )
    verbs = parser.add_subparsers(metavar="VERB", required=True)
    out = verbs.add_parser("export", help="write the points to a spreadsheet", description=export.__doc__)
    out.add_argument(
        "table", type=Path, metavar="FILE", help="what to write: a .csv or .xlsx file, or as --format says"
    )
    out.add_argument(
        "--format",
        choices=("table", *FORMATS),
        default="table",
        help="table (the default): the points; file_sd: the endpoints as Prometheus' file_sd_configs takes them (a "
        ".json file); blackbox: the modules as blackbox_exporter's file, with their secrets",
    )
    out.set_defaults(command=export)
    back = verbs.add_parser("import", help="take a spreadsheet's changes over", description=import_.__doc__)
    back.add_argument("table", type=Path, metavar="TABLE", help="a .csv or .xlsx file, as export writes it")
    back.add_argument("--yes", action="store_true", help="do not ask")
    back.add_argument("--dry-run", action="store_true", help="show the difference and what is wrong, write nothing")
    back.set_defaults(command=import_)
    for verb in (out, back):
        verb.add_argument("--config", type=Path, default=default_config, metavar="FILE", help="default: %(default)s")


def export(arguments: argparse.Namespace) -> int:
    """Write one row a point: what the file itself says of it. An empty cell comes from its kind. With --format: the
    declared endpoints, or their modules, for Prometheus and blackbox_exporter."""
    if arguments.format != "table":
        return _export_text(arguments.config, arguments.table, FORMATS[arguments.format])
    # Here, because what reads spreadsheets takes five megabytes that a program that only probes does without.
    from monitor.config import inventory

    try:
        inventory.write_table(arguments.config, arguments.table)
    except (ConfigError, OSError) as error:
        return _refuse(error)
    print(f"{arguments.table} is written.")
    return 0


def _export_text(config: Path, path: Path, text: Callable[[Config], str]) -> int:
    try:
        _replace(path, text(load(config)))
    except (ConfigError, OSError) as error:
        return _refuse(error)
    print(f"{path} is written.")
    return 0


def _replace(path: Path, text: str) -> None:
    """Write the whole new file in the old one's place, or nothing: whoever watches it never reads half of it."""
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            os.fchmod(file.fileno(), path.stat().st_mode & 0o7777 if path.exists() else 0o640)
            file.write(text)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


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
