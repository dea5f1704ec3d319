"""The web room: the wall, a point's page, the JSON interface, the live stream, /metrics."""

from monitor.web.server import build

__all__ = ["build"]
