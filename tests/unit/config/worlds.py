"""Small files for the tests of the configuration."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

HEAD = """
modules:
  tcp: {prober: tcp}
  web: {prober: http, timeout: 2s, http: {method: GET, headers: {Accept: text/html}}, budgets: {latency: 1s}}
  name: {prober: dns, dns: {query_name: example.vn, query_type: A}}
variables: {port: 443}
kinds:
  hub:
    endpoints:
      link: {module: tcp, target: "{host}:1", link: true}
  ward:
    name: Phường, xã
    labels: {tier: edge, provider: a}
    hours: Mon-Fri 08:00-17:00
    depends_on: [hub]
    contact: {name: Kind's, provider: A}
    endpoints:
      portal: {module: web, target: "https://{host}:{port}/{code}", name: Cổng}
      link: {module: tcp, target: "{host}:{port}", link: true}
      dns: {module: name, target: 10.0.0.53, options: {query_name: "{host}"}, critical: false}
"""


def write(directory: Path, points: str, head: str = HEAD) -> Path:
    """A file with these points in ``directory``."""
    path = directory / "endpoints.yaml"
    hub = "  - {id: hub, kind: hub, name: Hub, host: hub.vn}\n"
    body = dedent(points).strip("\n")
    indented = "\n".join(f"  {line}" if line else "" for line in body.split("\n"))
    path.write_text(f"{head}points:\n{hub}{indented}\n", "utf-8")
    return path
