"""The simulated network's certificate authority: a wildcard certificate a domain, good and expired."""

from __future__ import annotations

import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import trustme


class Authority:
    """Issues certificates as hosts are first asked; ``write_root`` gives what a client has to trust."""

    def __init__(self) -> None:
        self._ca = trustme.CA(organization_name="Lienthong simulated network")
        self._contexts: dict[tuple[str, bool], ssl.SSLContext] = {}

    def write_root(self, path: Path) -> None:
        """Write the root certificate as PEM."""
        path.parent.mkdir(parents=True, exist_ok=True)
        self._ca.cert_pem.write_to_path(str(path))

    def context(self, name: str, *, expired: bool = False) -> ssl.SSLContext:
        """A server's context for a host name."""
        parent = name.partition(".")[2]
        names = (f"*.{parent}",) if parent.count(".") >= 1 else (name,)
        key = (names[0], expired)
        if key not in self._contexts:
            until = datetime.now(UTC) + (timedelta(days=-3) if expired else timedelta(days=90))
            leaf = self._ca.issue_cert(*names, not_before=until - timedelta(days=120), not_after=until)
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            leaf.configure_cert(context)
            self._contexts[key] = context
        return self._contexts[key]
