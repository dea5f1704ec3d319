"""A handshake's facts: names as Go writes them, ciphers as IANA does, expiries of a chain."""

import pytest

from monitor.probes.certificates import NO_VERIFIED_CHAIN, Chain, go_name, iana_cipher, read_chain


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ((), ""),
        (((("commonName", "a"),), (("countryName", "VN"),)), "CN=a,C=VN"),
        (((("countryName", "VN"),), (("organizationName", "Ủy ban"),), (("commonName", "a"),)), "CN=a,O=Ủy ban,C=VN"),
        (((("organizationName", "x"),), (("organizationName", "y"),)), "O=x+O=y"),
        (((("commonName", "first"),), (("commonName", "last"),)), "CN=last"),
        (((("commonName", 'a,b+c"d\\e<f>g;h'),),), 'CN=a\\,b\\+c\\"d\\\\e\\<f\\>g\\;h'),
        (((("commonName", "#a"),),), "CN=\\#a"),
        (((("commonName", " a "),),), "CN=\\ a\\ "),
        (((("commonName", " "),),), "CN=\\ "),
        (((("emailAddress", "a@b"),), (("commonName", "c"),)), "CN=c,1.2.840.113549.1.9.1=#0c03614062"),
        (((("domainComponent", "vn"),),), "0.9.2342.19200300.100.1.25=#1302766e"),
        (((("1.2.3.4", "x" * 200),),), "1.2.3.4=#1381c8" + "78" * 200),
    ],
)
def test_names(name: tuple[tuple[tuple[str, str], ...], ...], text: str) -> None:
    assert go_name(name) == text


@pytest.mark.parametrize(
    ("openssl", "iana"),
    [
        ("TLS_AES_128_GCM_SHA256", "TLS_AES_128_GCM_SHA256"),
        ("ECDHE-RSA-AES128-GCM-SHA256", "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"),
        ("ECDHE-ECDSA-AES256-SHA384", "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA384"),
        ("ECDHE-RSA-AES128-SHA", "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA"),
        ("ECDHE-RSA-CHACHA20-POLY1305", "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256"),
        ("AES256-SHA256", "TLS_RSA_WITH_AES_256_CBC_SHA256"),
        ("AES128-GCM-SHA256", "TLS_RSA_WITH_AES_128_GCM_SHA256"),
        ("DES-CBC3-SHA", "TLS_RSA_WITH_3DES_EDE_CBC_SHA"),
        ("DHE-RSA-AES128-SHA", "TLS_DHE_RSA_WITH_AES_128_CBC_SHA"),
    ],
)
def test_ciphers(openssl: str, iana: str) -> None:
    assert iana_cipher(openssl) == iana


class Certificate:
    """What the ssl module gives of one."""

    def __init__(self, expires: str, serial: str = "0ABC") -> None:
        self._info = {
            "subject": ((("commonName", 'say "a"'),),),
            "issuer": ((("commonName", "b"),),),
            "serialNumber": serial,
            "notAfter": expires,
            "subjectAltName": (("DNS", "a.vn"), ("IP Address", "127.0.0.1"), ("DNS", "b.vn")),
        }

    def get_info(self) -> dict[str, object]:
        return self._info

    def public_bytes(self, encoding: int) -> bytes:
        return b"der"


EARLY, LATE = "Jan  1 00:00:00 2030 GMT", "Jan  1 00:00:00 2040 GMT"
EARLY_SECONDS, LATE_SECONDS = 1893456000.0, 2208988800.0


def test_chain() -> None:
    """The earliest of what was sent; of what was verified the earliest too, which may leave out what was sent."""
    sent = (Certificate(LATE), Certificate(EARLY))
    facts = read_chain(Chain(sent, (Certificate(LATE), Certificate(LATE))))
    assert facts["probe_ssl_earliest_cert_expiry"] == EARLY_SECONDS
    assert facts["probe_ssl_last_chain_expiry_timestamp_seconds"] == LATE_SECONDS
    (info,) = (name for name in facts if name.startswith("probe_ssl_last_chain_info"))
    assert 'subject="CN=say \\\\\\"a\\\\\\""' in info
    assert 'subjectalternative="a.vn,b.vn"' in info
    assert 'serialnumber="0abc"' in info


def test_unverified_chain() -> None:
    facts = read_chain(Chain((Certificate(LATE, serial="ABC"),), ()))
    assert facts["probe_ssl_last_chain_expiry_timestamp_seconds"] == NO_VERIFIED_CHAIN
    assert any('serialnumber="0abc"' in name for name in facts)
