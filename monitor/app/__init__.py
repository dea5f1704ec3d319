"""The composition root: the only room that builds and wires. One task group owns every task of the program."""

from monitor.app.assembly import Assembly, Load
from monitor.app.main import serve
from monitor.app.serving import Announce, CannotStart, Program

__all__ = ["Announce", "Assembly", "CannotStart", "Load", "Program", "serve"]
