"""The differential test: one module and one server, asked by Debian's blackbox_exporter and by our prober.

A case starts a server (any, the nastier the better) on loopback and says::

    async def test_name(differential: Differential) -> None:
        async with some_server() as port:
            await differential.agree(f"127.0.0.1:{port}", {"prober": "tcp", "tcp": {...}}, success=True)

``agree`` writes the module into a module file, has blackbox_exporter reload it and asks its /probe; it loads the same
file with :func:`monitor.config.load_modules` and runs our prober. Both must come to the same success, expose the same
metrics under the same names and labels, and give them the same values (but those that are times). ``success`` is what
the case is meant to show (of ours, where a known difference is in the success itself); left out where that depends on
the machine.

Debian has 0.23, our reference is newer, and here and there we mean to differ: ``KNOWN`` lists every such difference by
name with its reason. Those marked ``everywhere`` hold for all cases; a case that shows another one names it in
``known=``, and fails when the difference isn't seen any more.
"""

from __future__ import annotations

import asyncio
import re
import socket
import subprocess
from collections.abc import AsyncIterator, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import yaml

from monitor.config import load_modules
from monitor.probes import find_probers
from monitor.probes.base import ProbeFailed, Trace
from monitor.probes.network import Network
from tests.integration.differential.servers import Tls, make_tls

EXPORTER = "/usr/bin/prometheus-blackbox-exporter"
TIMEOUT_SECONDS = 2.0
TIMES = re.compile(r"probe_duration_seconds|probe_dns_lookup_time_seconds|probe_\w+_duration_seconds\b")
SAMPLE = re.compile(r"(?P<family>\w+)(?:\{(?P<labels>.*)\})? (?P<value>\S+)")
LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')

Samples = dict[tuple[str, tuple[tuple[str, str], ...]], float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """A difference that we mean, and why: in whole families of metrics, in a label, or in the success itself."""

    reason: str
    families: frozenset[str] = frozenset()
    label: str = ""
    success: bool = False
    everywhere: bool = False


_ANSWER_OVER_TLS = frozenset(
    {
        *(
            f"probe_http_{name}"
            for name in ("status_code", "version", "content_length", "uncompressed_body_length", "ssl")
        ),
        *(f"probe_ssl_{name}" for name in ("earliest_cert_expiry", "last_chain_info")),
        *("probe_ssl_last_chain_expiry_timestamp_seconds", "probe_tls_version_info"),
    }
)

KNOWN: Mapping[str, Known] = {
    "cipher": Known(
        reason="0.23 does not name the cipher suite; the reference does",
        families=frozenset({"probe_tls_cipher_info"}),
        everywhere=True,
    ),
    "serial-number": Known(
        reason="0.23's chain info has no serial number; the reference's has",
        label="serialnumber",
        everywhere=True,
    ),
    "timeout-metric": Known(
        reason="probe_timeout_seconds is of the reference's master branch; the exposition adds it, not the prober",
        families=frozenset({"probe_timeout_seconds"}),
        everywhere=True,
    ),
    "strict-head": Known(
        reason="our parser (llhttp) refuses heads that Go's takes (a length twice or empty, an odd name, a bare "
        "carriage return, two spaces before the status), and takes a first header that is folded",
        families=frozenset(
            f"probe_http_{name}" for name in ("status_code", "version", "content_length", "uncompressed_body_length")
        ),
        success=True,
    ),
    "host-with-port": Known(
        reason="0.23 asks TLS for the Host header's value with its port, which no certificate can hold",
        families=_ANSWER_OVER_TLS,
        success=True,
    ),
    "top-level-wildcard": Known(
        reason="OpenSSL takes no wildcard right below a top-level domain (*.example); Go does",
        families=_ANSWER_OVER_TLS,
        success=True,
    ),
    "request-length": Known(
        reason="a server that answers with the request shows the length of ours: other agent, no Accept-Encoding, ...",
        families=frozenset({"probe_http_content_length", "probe_http_uncompressed_body_length"}),
    ),
    "bad-target": Known(
        reason="a target that is no URL is refused when the configuration is loaded: nothing is measured",
        families=frozenset(
            {
                "probe_dns_lookup_time_seconds",
                "probe_failed_due_to_regex",
                "probe_http_content_length",
                "probe_http_duration_seconds",
                "probe_http_redirects",
                "probe_http_ssl",
                "probe_http_status_code",
                "probe_http_uncompressed_body_length",
                "probe_http_version",
                "probe_ip_addr_hash",
                "probe_ip_protocol",
            }
        ),
    ),
    "cut-off": Known(
        reason="our probe is cancelled at its timeout: what it would have read of the body is not counted any more",
        families=frozenset({"probe_http_uncompressed_body_length", "probe_failed_due_to_regex"}),
    ),
    "old-chunks": Known(
        reason="our parser reads chunks from an HTTP/1.0 server, which must not send any; Go counts their framing",
        families=frozenset({"probe_http_uncompressed_body_length"}),
    ),
    "corrupt-length": Known(
        reason="how much of a corrupt stream is decoded before the fault shows is the decoder's affair",
        families=frozenset({"probe_http_uncompressed_body_length"}),
    ),
}


@dataclass(frozen=True, slots=True)
class Finding:
    """What one side found."""

    success: bool
    samples: Samples
    log: str = field(repr=False)


@dataclass(slots=True)
class Differential:
    """Asks both and compares."""

    exporter_url: str
    module_file: Path
    session: aiohttp.ClientSession
    known: Mapping[str, Known] = field(default_factory=lambda: KNOWN)

    async def agree(
        self,
        target: str,
        module: Mapping[str, Any],
        *,
        success: bool | None = None,
        known: Collection[str] = (),
        timeout_seconds: float = TIMEOUT_SECONDS,
        network: Network | None = None,
    ) -> None:
        """Assert that both come to the same; ``network`` resolves and trusts for us what isn't the system's."""
        self.module_file.write_text(yaml.safe_dump({"modules": {"case": dict(module)}}))
        theirs = await self._ask_blackbox(target, timeout_seconds)
        async with network or Network() as ours_network:
            ours = await self._ask_ours(target, timeout_seconds, ours_network)
        differences = self._differences(theirs, ours)
        seen = {name for name in known for line in differences if _excused(line, self.known[name])}
        excuses = [self.known[name] for name in known] + [one for one in self.known.values() if one.everywhere]
        unexcused = [line for line in differences if not any(_excused(line, excuse) for excuse in excuses)]
        report = "\n".join(
            (*(text for *_, text in unexcused), "--- blackbox_exporter", theirs.log, "--- ours", ours.log)
        )
        if unexcused:
            pytest.fail(report, pytrace=False)
        if seen != set(known):
            pytest.fail(f"not seen any more: {set(known) - seen}\n{report}", pytrace=False)
        if success is not None and ours.success is not success:
            pytest.fail(f"ours came to {ours.success}\n{report}", pytrace=False)

    async def _ask_blackbox(self, target: str, timeout_seconds: float) -> Finding:
        async with self.session.post(f"{self.exporter_url}/-/reload") as answer:
            assert answer.status == 200, await answer.text()
        # The exporter takes its offset of half a second off the timeout.
        headers = {"X-Prometheus-Scrape-Timeout-Seconds": str(timeout_seconds + 0.5)}
        query = {"target": target, "module": "case", "debug": "true"}
        async with self.session.get(f"{self.exporter_url}/probe", params=query, headers=headers) as answer:
            text = await answer.text()
            assert answer.status == 200, text
        log, _, rest = text.partition("Metrics that would have been returned:")
        samples = parse_samples(rest.partition("Module configuration:")[0])
        return Finding(samples.pop(("probe_success", ())) == 1.0, samples, log)

    async def _ask_ours(self, target: str, timeout_seconds: float, network: Network) -> Finding:
        module = load_modules(self.module_file)["case"]
        prober_class: Any = find_probers()[module.prober]
        trace, success, log = Trace(), False, ""
        try:
            prober = prober_class(target, module.options, network=network)
            async with asyncio.timeout(timeout_seconds):
                await prober.probe(trace)
            success = True
        except ProbeFailed as failure:
            log = f"{failure.reason}: {failure.detail}"
        except TimeoutError:
            log = f"timeout in phase {trace.phase}"
        except ValueError as error:
            log = f"bad target: {error}"
        trace.leave()
        phases = dict.fromkeys(prober_class.phases, 0.0) | trace.phases
        text = "".join(f"{name} {value!r}\n" for name, value in trace.facts.items())
        if not prober_class.phase_metric.startswith("lienthong_"):
            text += "".join(
                f'{prober_class.phase_metric}{{phase="{phase}"}} {value!r}\n' for phase, value in phases.items()
            )
        samples = {key: value for key, value in parse_samples(text).items() if not key[0].startswith("lienthong_")}
        return Finding(success, samples, f"{log}\n{text}")

    def _differences(self, theirs: Finding, ours: Finding) -> list[tuple[str, str, str]]:
        """(family, label, text) of each difference; family and label are empty where they don't apply."""
        found: list[tuple[str, str, str]] = []
        if theirs.success is not ours.success:
            found.append(("", "", f"success: blackbox_exporter {theirs.success}, ours {ours.success}"))
        theirs_samples, theirs_labels = _without_labels(theirs.samples, self._ignored_labels())
        ours_samples, ours_labels = _without_labels(ours.samples, self._ignored_labels())
        found += [("", label, f"label {label}") for label in sorted(theirs_labels ^ ours_labels)]
        for key in sorted(theirs_samples.keys() | ours_samples.keys()):
            left, right = theirs_samples.get(key), ours_samples.get(key)
            if key[0] == "probe_duration_seconds":
                continue
            if left is None or right is None or (left != right and not TIMES.match(key[0])):
                found.append((key[0], "", f"{key}: blackbox_exporter {left}, ours {right}"))
        return found

    def _ignored_labels(self) -> frozenset[str]:
        return frozenset(one.label for one in self.known.values() if one.label)


def _excused(difference: tuple[str, str, str], excuse: Known) -> bool:
    family, label, text = difference
    if text.startswith("success"):
        return excuse.success
    return bool((family and family in excuse.families) or (label and label == excuse.label))


def _without_labels(samples: Samples, ignored: frozenset[str]) -> tuple[Samples, set[str]]:
    """The samples without the labels that are known to differ, and which of these were there."""
    present = {label for _, labels in samples for label, _ in labels if label in ignored}
    kept = {
        (family, tuple(pair for pair in labels if pair[0] not in ignored)): value
        for (family, labels), value in samples.items()
    }
    return kept, present


def parse_samples(text: str) -> Samples:
    """Read the lines of the text format (a test's own reader, so that ours is not its own judge)."""
    samples: Samples = {}
    for line in text.splitlines():
        match = SAMPLE.fullmatch(line.strip())
        if match and not line.startswith("#"):
            labels = tuple(sorted(LABEL.findall(match["labels"] or "")))
            samples[match["family"], labels] = float(match["value"])
    return samples


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="session")
def exporter(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """A running blackbox_exporter: its URL and the module file that it reloads."""
    directory = tmp_path_factory.mktemp("blackbox")
    module_file = directory / "blackbox.yml"
    module_file.write_text("modules: {}\n")
    port = free_port()
    with (directory / "log").open("wb") as log:
        process = subprocess.Popen(
            [EXPORTER, f"--config.file={module_file}", f"--web.listen-address=127.0.0.1:{port}"],
            stdout=log,
            stderr=log,
        )
    try:
        while True:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            assert process.poll() is None, (directory / "log").read_text()
        yield f"http://127.0.0.1:{port}", module_file
    finally:
        process.terminate()
        process.wait()


@pytest.fixture
async def differential(exporter: tuple[str, Path]) -> AsyncIterator[Differential]:
    """Both sides, ready to be asked."""
    url, module_file = exporter
    async with aiohttp.ClientSession() as session:
        yield Differential(url, module_file, session)


@pytest.fixture
def tls(tmp_path: Path) -> Tls:
    """A CA in a file, and server contexts with certificates that it signed."""
    return make_tls(tmp_path / "ca.pem")
