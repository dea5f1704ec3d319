"""What a TLS handshake showed, as blackbox_exporter's metrics: chain expiry, the leaf's names, version and cipher."""

from __future__ import annotations

import re
import ssl
from hashlib import sha256
from typing import Any, NamedTuple

from monitor.probes.base import labelled

NO_VERIFIED_CHAIN = -62135596800.0
"""Go's zero time in Unix seconds: what the last chain's expiry is when nothing was verified."""

_DER = 2  # _ssl.ENCODING_DER

_VERSION_NAMES = {"TLSv1": "TLS 1.0", "TLSv1.1": "TLS 1.1", "TLSv1.2": "TLS 1.2", "TLSv1.3": "TLS 1.3"}

# Go writes these attributes of a name, in this order (crypto/x509/pkix, Name.String); the rest follow by their OID.
_NAME_ORDER = {
    "serialNumber": "SERIALNUMBER",
    "commonName": "CN",
    "postalCode": "POSTALCODE",
    "streetAddress": "STREET",
    "stateOrProvinceName": "ST",
    "localityName": "L",
    "organizationalUnitName": "OU",
    "organizationName": "O",
    "countryName": "C",
}
_SINGLE_VALUED = ("serialNumber", "commonName")
_OTHER_OIDS = {
    "emailAddress": "1.2.840.113549.1.9.1",
    "unstructuredName": "1.2.840.113549.1.9.2",
    "domainComponent": "0.9.2342.19200300.100.1.25",
    "userId": "0.9.2342.19200300.100.1.1",
    "surname": "2.5.4.4",
    "title": "2.5.4.12",
    "description": "2.5.4.13",
    "businessCategory": "2.5.4.15",
    "givenName": "2.5.4.42",
    "initials": "2.5.4.43",
    "dnQualifier": "2.5.4.46",
    "organizationIdentifier": "2.5.4.97",
    "jurisdictionLocalityName": "1.3.6.1.4.1.311.60.2.1.1",
    "jurisdictionStateOrProvinceName": "1.3.6.1.4.1.311.60.2.1.2",
    "jurisdictionCountryName": "1.3.6.1.4.1.311.60.2.1.3",
}
_PRINTABLE = re.compile(r"[A-Za-z0-9 '()+,\-./:=?]*", re.ASCII)
_PRINTABLE_STRING, _UTF8_STRING = 0x13, 0x0C


class Chain(NamedTuple):
    """The certificates of a handshake: those that were sent, and those that lead to an authority (none: unverified)."""

    sent: tuple[Any, ...]
    verified: tuple[Any, ...]


def peer_chain(ssl_object: ssl.SSLObject) -> Chain:
    """The server's certificates. The one place that knows where Python keeps them: not public before 3.13."""
    inner: Any = ssl_object._sslobj  # type: ignore[attr-defined]  # private up to 3.12, hence this one function
    verified = ssl_object.context.verify_mode is not ssl.CERT_NONE
    return Chain(tuple(inner.get_unverified_chain() or ()), tuple(inner.get_verified_chain() or ()) if verified else ())


class HandshakeReader:
    """Turns handshakes into facts and remembers the last chain read: an endpoint shows the same again and again.

    Meanings are blackbox_exporter's: the earliest expiry is that of the certificates sent; the last chain's expiry is
    the latest, over the verified chains, of the earliest in the chain (OpenSSL verifies one chain, Go all it can find).
    """

    __slots__ = ("_chain_facts", "_digest")

    def __init__(self) -> None:
        self._digest = b""
        self._chain_facts: dict[str, float] = {}

    def facts(self, ssl_object: ssl.SSLObject) -> dict[str, float]:
        """The facts of a finished handshake: both expiries, the leaf's names, the version."""
        chain = peer_chain(ssl_object)
        digest = sha256()
        for certificate in chain.sent + chain.verified:
            digest.update(certificate.public_bytes(_DER))
        if digest.digest() != self._digest:
            self._chain_facts = read_chain(chain)
            self._digest = digest.digest()
        version = ssl_object.version() or ""
        return {
            **self._chain_facts,
            labelled("probe_tls_version_info", {"version": _VERSION_NAMES.get(version, version)}): 1.0,
        }


def read_chain(chain: Chain) -> dict[str, float]:
    """Read what blackbox_exporter exposes out of a chain of which at least the leaf was sent."""
    leaf = chain.sent[0]
    info = leaf.get_info()
    names = info.get("subjectAltName", ())
    serial = info["serialNumber"].lower()
    labels = {
        "fingerprint_sha256": sha256(leaf.public_bytes(_DER)).hexdigest(),
        "issuer": go_name(info["issuer"]),
        "serialnumber": serial if len(serial) % 2 == 0 else f"0{serial}",
        "subject": go_name(info["subject"]),
        "subjectalternative": ",".join(name for kind, name in names if kind == "DNS"),
    }
    return {
        "probe_ssl_earliest_cert_expiry": min(map(_expiry_seconds, chain.sent)),
        "probe_ssl_last_chain_expiry_timestamp_seconds": min(
            map(_expiry_seconds, chain.verified), default=NO_VERIFIED_CHAIN
        ),
        labelled("probe_ssl_last_chain_info", labels): 1.0,
    }


def _expiry_seconds(certificate: Any) -> float:
    return float(ssl.cert_time_to_seconds(certificate.get_info()["notAfter"]))


def go_name(name: tuple[tuple[tuple[str, str], ...], ...]) -> str:
    """Write a distinguished name (as the ssl module gives it) the way Go's ``pkix.Name.String`` does (RFC 2253).

    Go gathers the well-known attributes by kind, whatever their order in the certificate, and writes the others behind
    them as their OID and the value's DER in hex.
    """
    known: dict[str, list[str]] = {}
    others: list[str] = []
    for attribute, value in (pair for part in name for pair in part):
        if attribute in _SINGLE_VALUED:
            known[attribute] = [value]
        elif attribute in _NAME_ORDER:
            known.setdefault(attribute, []).append(value)
        else:
            others.append(f"{_OTHER_OIDS.get(attribute, attribute)}=#{_der_text(value).hex()}")
    parts = [
        "+".join(f"{short}={_escape(value)}" for value in known[attribute])
        for attribute, short in _NAME_ORDER.items()
        if attribute in known
    ]
    return ",".join(parts + others[::-1])


def _der_text(value: str) -> bytes:
    """The DER of a string as Go marshals one: PrintableString where it fits, else UTF8String."""
    content = value.encode()
    tag = _PRINTABLE_STRING if _PRINTABLE.fullmatch(value) else _UTF8_STRING
    if len(content) < 0x80:
        return bytes((tag, len(content))) + content
    length = len(content).to_bytes((len(content).bit_length() + 7) // 8, "big")
    return bytes((tag, 0x80 | len(length))) + length + content


def _escape(value: str) -> str:
    escaped = re.sub(r'([,+"\\<>;])', r"\\\1", value)
    if value.startswith(("#", " ")):
        escaped = f"\\{escaped}"
    if len(value) > 1 and value.endswith(" "):
        escaped = f"{escaped[:-1]}\\ "
    return escaped


def cipher_fact(ssl_object: ssl.SSLObject) -> str:
    """The fact that names the cipher suite as IANA (and Go) does."""
    cipher = ssl_object.cipher()
    return labelled("probe_tls_cipher_info", {"cipher": iana_cipher(cipher[0]) if cipher else ""})


def iana_cipher(name: str) -> str:
    """Turn OpenSSL's name of a cipher suite into IANA's: ``ECDHE-RSA-AES128-SHA`` is
    ``TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA``; TLS 1.3's are called alike.
    """
    if name.startswith("TLS_"):
        return name
    match = re.fullmatch(r"(?:((?:ECDHE|DHE)-(?:RSA|ECDSA|DSS))-)?(.+)", name)
    exchange, rest = (match[1] or "RSA", match[2]) if match else ("RSA", name)
    rest = re.sub(r"AES(128|256)-(GCM|CCM8?|SHA)", r"AES-\1-\2", rest)
    rest = re.sub(r"^(AES-\d+)-SHA", r"\1-CBC-SHA", rest)
    rest = rest.replace("DES-CBC3-SHA", "3DES-EDE-CBC-SHA")
    if rest == "CHACHA20-POLY1305":
        rest += "-SHA256"
    return f"TLS_{exchange}_WITH_{rest}".replace("-", "_")
