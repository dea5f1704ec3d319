"""Trace the path to each address given, in the namespace that this runs in; print what was found as JSON."""

import json
import sys
from typing import Any

import uvloop

from monitor.evidence.path import trace_path


async def main() -> list[dict[str, Any]]:
    return [(await trace_path(address, seconds=1.0)).as_json() for address in sys.argv[1:]]


print(json.dumps(uvloop.run(main())))
