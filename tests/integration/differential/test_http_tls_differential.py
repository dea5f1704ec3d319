"""Chains of certificates, versions and names (see conftest.py): what is verified, and what it shows."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from tests.integration.differential.servers import http, ok, serve

NOW = datetime.now(UTC)


class Issued(NamedTuple):
    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    @property
    def pem(self) -> bytes:
        return self.certificate.public_bytes(serialization.Encoding.PEM)


def issue(
    name: str,
    by: Issued | None = None,
    *,
    authority: bool = False,
    days: float = 30,
    begins: float = -1,
    names: Sequence[x509.GeneralName] = (x509.DNSName("localhost"), x509.IPAddress(ip_address("127.0.0.1"))),
    usage: x509.ObjectIdentifier | None = None,
    path_length: int | None = None,
    organization: str = "Ủy ban",
    serial: int | None = None,
) -> Issued:
    """A certificate signed ``by`` another (None: by itself)."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name(
        [x509.NameAttribute(NameOID.ORGANIZATION_NAME, organization), x509.NameAttribute(NameOID.COMMON_NAME, name)]
    )
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(by.certificate.subject if by else subject)
        .public_key(key.public_key())
        .serial_number(serial or x509.random_serial_number())
        .not_valid_before(NOW + timedelta(days=begins))
        .not_valid_after(NOW + timedelta(days=days))
        .add_extension(x509.BasicConstraints(ca=authority, path_length=path_length), critical=True)
    )
    if names and not authority:
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    if usage:
        builder = builder.add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
    return Issued(builder.sign(by.key if by else key, hashes.SHA256()), key)


def context(directory: Path, leaf: Issued, *others: Issued) -> ssl.SSLContext:
    """A server's context that sends these certificates in this order."""
    chain, key = directory / "chain.pem", directory / "key.pem"
    chain.write_bytes(b"".join(one.pem for one in (leaf, *others)))
    key.write_bytes(
        leaf.key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.load_cert_chain(chain, key)
    return made


ROOT = issue("root", authority=True, days=3000)
OTHER_ROOT = issue("other root", authority=True, days=2000)
MIDDLE = issue("middle", ROOT, authority=True, days=300)
LOWER = issue("lower", MIDDLE, authority=True, days=200)
OLD_MIDDLE = issue("old middle", ROOT, authority=True, days=-0.5, begins=-9)
LEAF = issue("leaf", ROOT)
BY_MIDDLE, BY_LOWER, BY_OLD = issue("a", MIDDLE), issue("b", LOWER), issue("c", OLD_MIDDLE)
SELF = issue("self")
SHORT = issue("short", ROOT, authority=True, path_length=0)
TOO_LONG = issue("too long", issue("x", SHORT, authority=True))
NOT_YET = issue("not yet", ROOT, begins=1)

# name, what the server sends, whom the module trusts, whether it is accepted
CHAINS: list[tuple[str, tuple[Issued, ...], tuple[Issued, ...], bool]] = [
    ("the leaf alone", (LEAF,), (ROOT,), True),
    ("with the root", (LEAF, ROOT), (ROOT,), True),
    ("with a certificate of somebody else", (LEAF, OTHER_ROOT), (ROOT,), True),
    ("an intermediate", (BY_MIDDLE, MIDDLE), (ROOT,), True),
    ("two intermediates", (BY_LOWER, LOWER, MIDDLE), (ROOT,), True),
    ("two intermediates in the wrong order", (BY_LOWER, MIDDLE, LOWER), (ROOT,), True),
    ("two intermediates and the root in front", (BY_LOWER, ROOT, MIDDLE, LOWER), (ROOT,), True),
    ("an intermediate is missing", (BY_MIDDLE,), (ROOT,), False),
    ("one of two intermediates is missing", (BY_LOWER, LOWER), (ROOT,), False),
    ("the intermediate is trusted", (BY_MIDDLE,), (MIDDLE,), True),
    ("the intermediate is trusted and sent", (BY_MIDDLE, MIDDLE), (MIDDLE,), True),
    ("the lower intermediate is trusted", (BY_LOWER, LOWER, MIDDLE), (LOWER,), True),
    ("root and intermediate are trusted", (BY_MIDDLE, MIDDLE), (ROOT, MIDDLE), True),
    ("the leaf is trusted", (LEAF,), (LEAF,), True),
    ("self-signed", (SELF,), (ROOT,), False),
    ("self-signed and trusted", (SELF,), (SELF,), True),
    ("another root", (LEAF,), (OTHER_ROOT,), False),
    ("an expired intermediate", (BY_OLD, OLD_MIDDLE), (ROOT,), False),
    ("an expired one beside the chain", (BY_MIDDLE, MIDDLE, OLD_MIDDLE), (ROOT,), True),
    ("a leaf as an authority", (issue("d", LEAF), LEAF), (ROOT,), False),
    ("a chain longer than allowed", (TOO_LONG, SHORT), (ROOT,), False),
    ("not yet valid", (NOT_YET,), (ROOT,), False),
    ("expired", (issue("e", ROOT, days=-0.1),), (ROOT,), False),
    ("for servers", (issue("f", ROOT, usage=ExtendedKeyUsageOID.SERVER_AUTH),), (ROOT,), True),
    ("for clients", (issue("g", ROOT, usage=ExtendedKeyUsageOID.CLIENT_AUTH),), (ROOT,), False),
    ("an authority as a server", (issue("h", ROOT, authority=True),), (ROOT,), False),
    ("no names", (issue("127.0.0.1", ROOT, names=()),), (ROOT,), False),
    ("the address as a name", (issue("i", ROOT, names=[x509.DNSName("127.0.0.1")]),), (ROOT,), False),
    ("another address", (issue("j", ROOT, names=[x509.IPAddress(ip_address("127.0.0.2"))]),), (ROOT,), False),
    ("a small serial number", (issue("k", ROOT, serial=5),), (ROOT,), True),
    ("odd names", (issue('a "b", c+d=e', ROOT, organization=" #x\\;<y> "),), (ROOT,), True),
    (
        "names of many kinds",
        (
            issue(
                "l",
                ROOT,
                names=[
                    x509.IPAddress(ip_address("127.0.0.1")),
                    x509.DNSName("b.example"),
                    x509.RFC822Name("a@b.example"),
                    x509.UniformResourceIdentifier("https://a.example/"),
                    x509.DNSName("*.a.example"),
                ],
            ),
        ),
        (ROOT,),
        True,
    ),
]


@pytest.mark.parametrize(("name", "sent", "trusted", "success"), CHAINS, ids=[case[0] for case in CHAINS])
@pytest.mark.parametrize("verified", [True, False])
async def test_chain(
    differential: Any,
    tmp_path: Path,
    name: str,
    sent: tuple[Issued, ...],
    trusted: tuple[Issued, ...],
    success: bool,
    verified: bool,
) -> None:
    (tmp_path / "trusted.pem").write_bytes(b"".join(one.pem for one in trusted))
    config: dict[str, Any] = {"ca_file": str(tmp_path / "trusted.pem"), "insecure_skip_verify": not verified}
    async with serve(ok(), tls=context(tmp_path, *sent)) as port:
        module = http(tls_config=config)
        await differential.agree(f"https://127.0.0.1:{port}/", module, success=success or not verified)


VERSIONS = {
    "TLS10": ssl.TLSVersion.TLSv1,
    "TLS11": ssl.TLSVersion.TLSv1_1,
    "TLS12": ssl.TLSVersion.TLSv1_2,
    "TLS13": ssl.TLSVersion.TLSv1_3,
}


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion")
@pytest.mark.parametrize("spoken", VERSIONS)
@pytest.mark.parametrize(
    ("bounds", "taken"),
    [
        ({}, {"TLS12", "TLS13"}),
        ({"min_version": "TLS13"}, {"TLS13"}),
        ({"max_version": "TLS12"}, {"TLS12"}),
        ({"min_version": "TLS10"}, set(VERSIONS)),
        ({"min_version": "TLS10", "max_version": "TLS11"}, {"TLS10", "TLS11"}),
        ({"min_version": "TLS11", "max_version": "TLS12"}, {"TLS11", "TLS12"}),
    ],
)
async def test_versions(
    differential: Any, tmp_path: Path, spoken: str, bounds: dict[str, str], taken: set[str]
) -> None:
    server = context(tmp_path, LEAF)
    server.minimum_version = server.maximum_version = VERSIONS[spoken]
    if spoken < "TLS12":
        server.set_ciphers("DEFAULT:@SECLEVEL=0")
    (tmp_path / "trusted.pem").write_bytes(ROOT.pem)
    async with serve(ok(), tls=server) as port:
        module = http(tls_config={"ca_file": str(tmp_path / "trusted.pem"), **bounds})
        await differential.agree(f"https://127.0.0.1:{port}/", module, success=spoken in taken)


NAMES: list[tuple[str, str, dict[str, Any], bool]] = [
    # the certificate's name, the target's host, the module, success
    ("localhost", "localhost", {}, True),
    ("localhost", "127.0.0.1", {}, False),
    ("localhost", "127.0.0.1", {"server_name": "localhost"}, True),
    ("localhost", "127.0.0.1", {"server_name": "LOCALHOST"}, True),
    ("LocalHost", "localhost", {}, True),
    ("localhost", "localhost", {"server_name": "other.example"}, False),
    ("a.example", "127.0.0.1", {"headers": {"Host": "a.example"}}, True),
    ("a.example", "127.0.0.1", {"headers": {"Host": "A.EXAMPLE"}}, True),
    ("a.example", "127.0.0.1", {"headers": {"Host": "a.example:8443"}}, True),
    ("a.example", "127.0.0.1", {"headers": {"host": "a.example"}}, True),
    ("a.example", "127.0.0.1", {"headers": {"Host": "b.example"}, "server_name": "a.example"}, True),
    ("a.example", "127.0.0.1", {"headers": {"Host": "a.example"}, "server_name": "b.example"}, False),
    ("*.example", "127.0.0.1", {"server_name": "a.example"}, False),
    ("*.example", "127.0.0.1", {"server_name": "example"}, False),
    ("*.a.example", "127.0.0.1", {"server_name": "x.y.a.example"}, False),
    ("w*.a.example", "127.0.0.1", {"server_name": "www.a.example"}, False),
    ("a_b.example", "127.0.0.1", {"server_name": "a_b.example"}, True),
    ("xn--phng-rib8295b.example", "127.0.0.1", {"server_name": "xn--phng-rib8295b.example"}, True),
    ("a.example", "127.0.0.1", {"server_name": "a.example."}, True),
]


KNOWN = {("a.example", "a.example:8443"): "host-with-port", ("*.example", "a.example"): "top-level-wildcard"}


@pytest.mark.parametrize(("certified", "host", "options", "success"), NAMES)
async def test_name(
    differential: Any, tmp_path: Path, certified: str, host: str, options: dict[str, Any], success: bool
) -> None:
    (tmp_path / "trusted.pem").write_bytes(ROOT.pem)
    leaf = issue("leaf", ROOT, names=[x509.DNSName(certified)])
    config = {"ca_file": str(tmp_path / "trusted.pem")}
    if "server_name" in options:
        config["server_name"] = options["server_name"]
    more = {key: value for key, value in options.items() if key != "server_name"}
    async with serve(ok(), tls=context(tmp_path, leaf)) as port:
        module = http(tls_config=config, preferred_ip_protocol="ip4", **more)
        asked = options.get("server_name") or options.get("headers", {}).get("Host")
        known = [KNOWN[certified, asked]] if (certified, asked) in KNOWN else []
        await differential.agree(f"https://{host}:{port}/", module, success=success, known=known)


Away = Callable[[int], str]


@pytest.mark.parametrize("where", ["/end", "https://127.0.0.1:{}/end", "https://localhost:{}/end", "//127.0.0.1:{}/"])
@pytest.mark.parametrize("options", [{}, {"server_name": "portal.example"}, {"headers": {"Host": "portal.example"}}])
@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
async def test_redirect(differential: Any, tmp_path: Path, host: str, options: dict[str, Any], where: str) -> None:
    """Whose certificate is wanted after a redirect to the same server by another name."""
    (tmp_path / "trusted.pem").write_bytes(ROOT.pem)
    wanted: list[str | None] = []
    server = context(tmp_path, LEAF)
    server.sni_callback = lambda _socket, name, _context: wanted.append(name)
    config = {"ca_file": str(tmp_path / "trusted.pem"), "insecure_skip_verify": True}
    if "server_name" in options:
        config["server_name"] = options["server_name"]
    headers = {"headers": options["headers"]} if "headers" in options else {}

    def answer(request: str) -> bytes:
        return ok() if "\r\nReferer: " in request else ok(b"", "302 Go", Location=where.format(port))

    async with serve(answer, tls=server) as port:
        module = http(tls_config=config, preferred_ip_protocol="ip4", fail_if_not_ssl=True, **headers)
        await differential.agree(f"https://{host}:{port}/", module, success=True)
    assert wanted[len(wanted) // 2 :] == wanted[: len(wanted) // 2]
