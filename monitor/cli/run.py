"""``monitor run``: watch the real network."""

from __future__ import annotations

import argparse
import resource
import sys
from functools import partial
from pathlib import Path

import uvloop

from monitor import app
from monitor.cli.arguments import Commands, address, at_address
from monitor.config import ConfigError, load
from monitor.config.model import Config


def add_to(commands: Commands, *, default_config: Path) -> None:
    """Add the command's arguments."""
    parser = commands.add_parser(
        "run",
        help="watch the network of a configuration",
        description="Probes every declared endpoint of FILE, records, exposes and shows what it finds. SIGHUP or "
        "POST /-/reload reads FILE again; SIGTERM or Ctrl-C stops.",
    )
    parser.add_argument("--config", type=Path, default=default_config, metavar="FILE", help="default: %(default)s")
    parser.add_argument("--listen", type=address, metavar="HOST:PORT", help="overrides the file's server.listen")
    parser.set_defaults(command=command)


def command(arguments: argparse.Namespace) -> int:
    """Run until told to stop."""

    def read() -> Config:
        return at_address(load(arguments.config), arguments.listen)

    return serve(partial(app.serve, load=read, announce=announce))


def serve(program: app.Program) -> int:
    """Run the program to its end; what keeps it from starting is said in a line each, not in a traceback."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))  # a probe under way holds a descriptor
    try:
        uvloop.run(program())
    except ConfigError as error:
        print(error, file=sys.stderr)
        return 1
    except app.CannotStart as error:
        print(f"monitor: {error}", file=sys.stderr)
        return 1
    return 0


def announce(config: Config, url: str) -> None:
    """Say where the wall is and what remains to be declared."""
    undeclared = [point.name for point in config.points if not point.declared]
    probed = sum(endpoint.declared for endpoint in config.endpoints())
    print(f"The wall is at {url}\nProbing {probed} endpoints of {len(config.points) - len(undeclared)} points.")
    if undeclared:
        print(
            f"{len(undeclared)} points still have placeholder hosts (*.example) and are not probed, "
            f"{undeclared[0]} the first: replace the hosts in the configuration, then reload."
        )
    sys.stdout.flush()
