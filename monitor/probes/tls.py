"""TLS as blackbox_exporter's ``tls_config`` has it: the options, the context made of them, why a handshake failed."""

from __future__ import annotations

import ssl
import warnings
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Literal, Self

from pydantic import model_validator

from monitor.model import Reason
from monitor.probes.base import Options, ProbeFailed
from monitor.probes.types import FilePath, Flag, Secret

TlsVersion = Literal["", "TLS10", "TLS11", "TLS12", "TLS13"]

_VERSIONS = {
    "TLS10": ssl.TLSVersion.TLSv1,
    "TLS11": ssl.TLSVersion.TLSv1_1,
    "TLS12": ssl.TLSVersion.TLSv1_2,
    "TLS13": ssl.TLSVersion.TLSv1_3,
}

# X509_V_ERR_* of OpenSSL's x509_vfy.h.
_VERIFY_DETAILS = {
    9: "certificate not yet valid",
    10: "certificate expired",
    18: "certificate signed by unknown authority (self-signed)",
    19: "certificate signed by unknown authority (self-signed root in chain)",
    20: "certificate signed by unknown authority",
    21: "certificate signed by unknown authority (chain is incomplete)",
    23: "certificate revoked",
    26: "certificate is not for servers",
    62: "certificate is for another name",
    64: "certificate is for another address",
}


class TlsOptions(Options):
    """blackbox_exporter's ``tls_config``. Hashable: contexts are kept by it."""

    ca: str = ""
    ca_file: FilePath | None = None
    cert: str = ""
    cert_file: FilePath | None = None
    key: Secret = Secret("")
    key_file: FilePath | None = None
    server_name: str = ""
    insecure_skip_verify: Flag = False
    min_version: TlsVersion = ""
    max_version: TlsVersion = ""

    @model_validator(mode="after")
    def _agree(self) -> Self:
        for text, file, name in ((self.ca, self.ca_file, "ca"), (self.cert, self.cert_file, "cert")):
            if text and file:
                raise ValueError(f"{name} and {name}_file exclude each other; keep one")
        if self.key.get_secret_value() and self.key_file:
            raise ValueError("key and key_file exclude each other; keep one")
        if bool(self.cert or self.cert_file) != bool(self.key.get_secret_value() or self.key_file):
            raise ValueError("a client certificate needs both cert (or cert_file) and key (or key_file)")
        if self.min_version and self.max_version and self.min_version > self.max_version:
            raise ValueError(f"min_version {self.min_version} is above max_version {self.max_version}")
        return self

    def files(self) -> tuple[Path, ...]:
        """The files that a context is made of: when one changes, the context must be made again."""
        return tuple(path for path in (self.ca_file, self.cert_file, self.key_file) if path)


def build_context(options: TlsOptions, ca_file: Path | None = None) -> ssl.SSLContext:
    """Make a client's context: full handshakes, names matched as Go matches them (never by common name).

    ``ca_file`` is trusted beside the system's authorities by options that name no authority. Blocks (reads files).
    Raises OSError for an unreadable file, ssl.SSLError or ValueError for one that is no certificate or key.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.hostname_checks_common_name = False
    context.options |= ssl.OP_NO_TICKET
    # Go takes any certificate of the pool for an anchor, not only self-signed ones.
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    _bound_versions(context, options)
    if options.insecure_skip_verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    else:
        _load_authorities(context, options, ca_file)
    if options.cert or options.cert_file:
        _load_client_certificate(context, options)
    return context


def _bound_versions(context: ssl.SSLContext, options: TlsOptions) -> None:
    """TLS 1.2 and above, as Go has it, but for options that ask for older ones in so many words."""
    lowest = _VERSIONS[options.min_version or "TLS12"]
    highest = _VERSIONS[options.max_version or "TLS13"]
    with warnings.catch_warnings():
        # Python warns of old versions; whoever writes one into a module means to probe an old server.
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = min(lowest, highest)
        context.maximum_version = highest
    if context.minimum_version < ssl.TLSVersion.TLSv1_2:
        # OpenSSL 3 has no signature for the old versions above security level 0.
        context.set_ciphers("DEFAULT:@SECLEVEL=0")


def _load_authorities(context: ssl.SSLContext, options: TlsOptions, ca_file: Path | None) -> None:
    if options.ca:
        context.load_verify_locations(cadata=options.ca)
    elif options.ca_file:
        context.load_verify_locations(cafile=options.ca_file)
    else:
        context.load_default_certs(ssl.Purpose.SERVER_AUTH)
        if ca_file:
            context.load_verify_locations(cafile=ca_file)


def _load_client_certificate(context: ssl.SSLContext, options: TlsOptions) -> None:
    """Load certificate and key; the ssl module takes them from files only, so inline text passes through one."""
    with NamedTemporaryFile() as certificate, NamedTemporaryFile() as key:
        if options.cert:
            certificate.write(options.cert.encode())
            certificate.flush()
        if inline := options.key.get_secret_value():
            key.write(inline.encode())
            key.flush()
        context.load_cert_chain(
            options.cert_file or certificate.name,
            options.key_file or key.name,
            # Without a password OpenSSL would ask for one on the terminal.
            password=lambda: "",
        )


def tls_failure(error: ssl.SSLError) -> ProbeFailed:
    """The failure that a TLS error stands for, in words: expired, for another name, unknown authority, ..."""
    if isinstance(error, ssl.SSLCertVerificationError):
        detail = _VERIFY_DETAILS.get(error.verify_code, f"certificate not accepted: {error.verify_message}")
        return ProbeFailed(Reason.TLS, detail)
    word = (getattr(error, "reason", "") or "").lower().replace("_", " ")
    if "alert" in word:
        return ProbeFailed(Reason.TLS, f"the server refused the handshake: {word.split('alert ')[-1]}")
    if word in ("wrong version number", "record layer failure", "packet length too long", "http request"):
        return ProbeFailed(Reason.TLS, f"the answer is not TLS ({word})")
    return ProbeFailed(Reason.TLS, word or "TLS failed")
