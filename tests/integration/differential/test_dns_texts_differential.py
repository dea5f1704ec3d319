"""The text of records of many types, as assertions see it (see conftest.py)."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.nameservers import always, name_server

TEXTS = [
    ("A", "192.0.2.1"),
    ("AAAA", "2001:db8::1"),
    ("CNAME", "Mail.Other."),
    ("NS", "."),
    ("PTR", "a\\.b.example."),
    ("MX", "0 ."),
    ("TXT", '"a" "b c" "\\"d\\"" "e\\\\f" ""'),
    ("TXT", '"C\\225\\187\\173a"'),
    ("TXT", '"tab\\009;semicolon"'),
    ("SPF", '"v=spf1 -all"'),
    ("SOA", "ns.example. a\\.b.example. 1 2 3 4 5"),
    ("SRV", "10 20 5060 sip.example."),
    ("CAA", '0 issue "ca.example"'),
    ("NAPTR", '10 20 "u" "E2U+sip" "!^.*$!sip:a@b.example!" .'),
    ("HINFO", '"PC" "Linux x"'),
    ("DS", "1 8 2 " + "0123456789ABCDEF" * 4),
    (
        "DNSKEY",
        "257 3 13 " + "mdsswUyr3DPW132mOi8V9xESWE8jTo0dxCjjnopKl+GqJxpVXckHAeF+KkxLbxILfDLUT0rAK9iUzy1L53eKGQ==",
    ),
    ("TLSA", "3 1 1 " + "0123456789abcdef" * 4),
    ("SSHFP", "4 2 " + "0123456789ABCDEF" * 4),
    ("DNAME", "other.example."),
    ("RP", "a.example. b.example."),
    ("AFSDB", "1 a.example."),
    ("URI", '10 1 "https://a.example/"'),
    ("SVCB", '1 . alpn="h2" port="443"'),
    ("HTTPS", '1 . alpn="h2,h3" ipv4hint="192.0.2.1"'),
    ("HTTPS", "0 a.example."),
    ("NSEC", "b.example. A MX RRSIG"),
    ("TYPE65400", "\\# 3 010203"),
]


@pytest.mark.parametrize(("kind", "data"), TEXTS)
async def test_text(differential: Any, kind: str, data: str) -> None:
    """Both see a record as the other does: its exact text is found, and nothing else of it."""
    text = f"www.example.\t60\t{'CLASS1' if kind.startswith('TYPE') else 'IN'}\t{kind}\t{data}"
    rules = {"fail_if_not_matches_regexp": [f"^{re.escape(text)}$".replace("\\\t", "\t")]}
    options = {"query_name": "www.example", "validate_answer_rrs": rules}
    async with name_server(always(f"www.example. {kind} {data}")) as server:
        await differential.agree(server.target, {"prober": "dns", "dns": options}, success=True)
