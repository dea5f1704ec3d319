"""One bounded attempt of a prober, as JSON: what evidence is made of."""

from __future__ import annotations

import asyncio
from time import perf_counter
from typing import Any

from monitor.model import Reason
from monitor.probes.base import ProbeFailed, Prober, Trace


async def attempt(prober: Prober, *, seconds: float) -> tuple[dict[str, Any], Trace]:
    """Let ``prober`` ask once, for at most ``seconds``.

    Returns ``{ok, seconds, reason, detail}`` (``reason`` is the model's word, ``detail`` in English) and the trace.
    """
    trace = Trace()
    begun = perf_counter()
    reason, detail = Reason.OK, ""
    try:
        async with asyncio.timeout(seconds):
            await prober.probe(trace)
    except ProbeFailed as error:
        reason, detail = error.reason, error.detail
    except TimeoutError:
        reason, detail = Reason.TIMEOUT, f"no answer within {seconds:g} s"
    except OSError as error:
        reason, detail = Reason.INTERNAL, error.strerror or type(error).__name__
    found = {
        "ok": reason is Reason.OK,
        "seconds": round(perf_counter() - begun, 6),
        "reason": reason.value,
        "detail": detail,
    }
    return found, trace
