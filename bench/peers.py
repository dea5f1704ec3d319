"""The peers that the prober is measured beside, on the same server in the same run."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlencode

from bench.measure import PROBER_CORE, cpu_seconds, process

BLACKBOX_PORT = 19115


def targets(protocol: str, count: int, port: int) -> list[str]:
    """The same targets for everybody: a loopback address each, but for TLS, which keeps the certificate's name."""
    addresses = [f"127.1.{number >> 8 & 255}.{number & 255}" for number in range(1, count + 1)]
    match protocol:
        case "https":
            return [f"https://localhost:{port}/"] * count
        case "http":
            return [f"http://{address}:{port}/" for address in addresses]
        case "icmp":
            return addresses
        case _:
            return [f"{address}:{port}" for address in addresses]


@contextmanager
def blackbox(modules: Path, *, port: int = BLACKBOX_PORT) -> Iterator[int]:
    """A blackbox_exporter on the prober's core; gives its process id."""
    words = [
        "prometheus-blackbox-exporter",
        f"--config.file={modules}",
        f"--web.listen-address=127.0.0.1:{port}",
        "--log.level=error",
    ]
    with process(*words, core=PROBER_CORE, environ={"GOMAXPROCS": "1"}) as child:
        asyncio.run(_answers(port))
        yield child.pid


async def _answers(port: int) -> None:
    for _ in range(100):
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except ConnectionRefusedError:
            await asyncio.sleep(0.05)
        else:
            writer.close()
            return
    raise RuntimeError(f"nothing listens on port {port}")


def blackbox_cpu_seconds(pid: int, targets: Sequence[str], module: str, *, count: int, concurrency: int) -> float:
    """CPU seconds a probe that blackbox_exporter spends, asked through /probe over kept connections."""
    before = cpu_seconds(pid)
    failed = asyncio.run(_drive(targets, module, count, concurrency))
    if failed:
        raise RuntimeError(f"{failed} of {count} of blackbox_exporter's probes of {module} failed")
    return (cpu_seconds(pid) - before) / count


async def _drive(targets: Sequence[str], module: str, count: int, concurrency: int) -> int:
    left = iter(range(count))
    failed = 0

    async def worker() -> None:
        nonlocal failed
        reader, writer = await asyncio.open_connection("127.0.0.1", BLACKBOX_PORT)
        for number in left:
            query = urlencode({"target": targets[number % len(targets)], "module": module})
            writer.write(f"GET /probe?{query} HTTP/1.1\r\nHost: blackbox\r\n\r\n".encode())
            head = await reader.readuntil(b"\r\n\r\n")
            if b"chunked" in head.lower():
                body = b""
                while size := int(await reader.readline(), 16):
                    body += await reader.readexactly(size)
                    await reader.readline()
                await reader.readline()
            else:
                length = int(head.lower().partition(b"content-length:")[2].split()[0])
                body = await reader.readexactly(length)
            failed += b"\nprobe_success 1" not in body
        writer.close()

    async with asyncio.TaskGroup() as tasks:
        for _ in range(concurrency):
            tasks.create_task(worker())
    return failed


def floor_cpu_seconds(binary: Path, protocol: str, port: int, *, count: int, concurrency: int) -> float:
    """CPU seconds a probe of the C program (bench/native/floor.c)."""
    words = ["taskset", "-c", str(PROBER_CORE % (os.cpu_count() or 1)), str(binary)]
    words += [protocol, "127.0.0.1", str(port), str(count), str(concurrency)]
    answer = json.loads(subprocess.run(words, check=True, capture_output=True, text=True).stdout)
    if answer["failed"]:
        raise RuntimeError(f"{answer['failed']} of the floor's probes failed")
    return float(answer["cpu_seconds"]) / count


def command_cpu_seconds(words: Sequence[str], *, stdin: str = "") -> float:
    """CPU seconds of a whole command on the prober's core, through the kernel's account of ended children."""
    before = os.times()
    subprocess.run(
        ["taskset", "-c", str(PROBER_CORE % (os.cpu_count() or 1)), *words],
        input=stdin, text=True, capture_output=True, check=False,
    )  # fmt: skip
    after = os.times()
    return after.children_user + after.children_system - before.children_user - before.children_system
