"""A server that stands still."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager

import psutil


@contextmanager
def frozen(postmaster: int) -> Iterator[None]:
    """The server and its children stand still, as on a machine whose disk hangs."""
    server = psutil.Process(postmaster)
    processes = [server, *server.children(recursive=True)]
    for process in processes:
        process.send_signal(signal.SIGSTOP)
    try:
        yield
    finally:
        for process in processes:
            process.send_signal(signal.SIGCONT)
