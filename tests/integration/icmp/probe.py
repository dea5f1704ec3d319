"""Run icmp probes, all at once, and print what they found: for a process in a network namespace of its own."""

import asyncio
import json
import sys
from typing import Any

import uvloop

from monitor.model import Reason
from monitor.probes.base import ProbeFailed, Trace
from monitor.probes.icmp import IcmpOptions, IcmpProber
from monitor.probes.network import Network


async def probe(network: Network, wanted: dict[str, Any]) -> dict[str, Any]:
    prober = IcmpProber(wanted["target"], IcmpOptions.model_validate(wanted["options"]), network=network)
    reason, detail, trace = Reason.OK, "", Trace()
    for _ in range(wanted.get("times", 1)):
        trace = Trace()
        try:
            async with asyncio.timeout(wanted.get("seconds", 1)):
                await prober.probe(trace)
        except ProbeFailed as failure:
            reason, detail = failure.reason, failure.detail
        except TimeoutError:
            reason = Reason.TIMEOUT
    phase = trace.phase
    trace.leave()
    return {"reason": reason, "detail": detail, "phase": phase, "phases": trace.phases, "facts": trace.facts}


async def main(probes: list[dict[str, Any]]) -> None:
    async with Network() as network:
        found = await asyncio.gather(*(probe(network, wanted) for wanted in probes))
        raw = sorted({echoes._raw for echoes in network._echoes.values()})
        assert all(len(echoes) == 0 for echoes in network._echoes.values())
    print(json.dumps([{**one, "raw": raw} for one in found]))


uvloop.run(main(json.loads(sys.argv[1])))
