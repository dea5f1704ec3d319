"""The command line: what each command takes. What it does is in the module of its name."""

from __future__ import annotations

import argparse
import logging
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from monitor import __version__
from monitor.cli import alerts, db, demo, incident, inventory, maintenance, probe, run, token, validate

CONFIG = Path(os.environ.get("MONITOR_CONFIG") or "config/endpoints.yaml")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns its exit status: 0 good, 1 the answer is bad, 2 the call is."""
    parsed = _parser().parse_args(arguments)
    logging.basicConfig(
        format="%(asctime)s %(levelname)s %(name)s: %(message)s", level=parsed.log_level.upper(), stream=sys.stderr
    )
    for library in ("alembic", "apscheduler"):
        logging.getLogger(library).setLevel(max(logging.WARNING, logging.getLogger().level))
    try:
        return int(parsed.command(parsed))
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        sys.stderr.close()
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="monitor",
        description="Watches the interconnection points of the Hanoi Public Administrative Service Centre.",
        epilog="Start with `monitor demo`, then open http://127.0.0.1:8080/. `monitor COMMAND --help` tells more.",
    )
    parser.add_argument("--version", action="version", version=f"monitor {__version__}")
    parser.add_argument("--log-level", choices=["debug", "info", "warning", "error"], default="info")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    for module in (run, demo, probe, validate, inventory, incident, maintenance, alerts, token, db):
        module.add_to(commands, default_config=CONFIG)
    return parser
