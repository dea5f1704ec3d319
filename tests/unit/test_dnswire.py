"""Our reading of the DNS wire format against dnspython's."""

import socket

import dns.flags
import dns.message
import dns.rcode
import dns.rrset
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.probes import dnswire

NAME = st.lists(st.text("abcXYZ019-_", min_size=1, max_size=20), min_size=1, max_size=5).map(".".join)


def asked_and_answer(
    *records: str, name: str = "www.example", rdtype: str = "A", rcode: dns.rcode.Rcode = dns.rcode.NOERROR
) -> tuple[bytes, dns.message.Message]:
    query = dns.message.make_query(name, rdtype)
    response = dns.message.make_response(query)
    response.set_rcode(rcode)
    for record in records:
        owner, kind, data = record.split(maxsplit=2)
        response.answer.append(dns.rrset.from_text(owner, 60, "IN", kind, data))
    return dnswire.question(name, dnswire.AAAA if rdtype == "AAAA" else dnswire.A), response


@given(NAME, st.sampled_from([dnswire.A, dnswire.AAAA]), st.booleans())
def test_a_packed_query_is_what_dnspython_packs(name: str, rdtype: int, recursion: bool) -> None:
    message = dns.message.make_query(name, rdtype, id=7)
    if not recursion:
        message.flags &= ~dns.flags.RD
    packed = b"\0\7" + dnswire.query(dnswire.question(name, rdtype), recursion_desired=recursion)
    assert packed == message.to_wire()


@pytest.mark.parametrize("name", ["a" * 64, "a..b", ".".join(["a" * 62] * 5)])
def test_what_is_no_name_is_not_packed(name: str) -> None:
    with pytest.raises(ValueError, match="DNS name"):
        dnswire.question(name, dnswire.A)


def test_the_root_is_a_name() -> None:
    assert dnswire.question(".", 2) == b"\0\0\2\0\1"


@given(st.lists(st.ip_addresses(v=4).map(str), max_size=5, unique=True))
def test_addresses_come_in_the_order_of_the_answer(found: list[str]) -> None:
    asked, response = asked_and_answer(*(f"WWW.example. A {address}" for address in found))
    assert dnswire.addresses(response.to_wire(), asked) == found


def test_ipv6_addresses() -> None:
    asked, response = asked_and_answer("www.example. AAAA 2001:db8::1", rdtype="AAAA")
    assert dnswire.addresses(response.to_wire(), asked) == ["2001:db8::1"]


def test_a_chain_of_aliases_is_followed_in_any_order() -> None:
    asked, response = asked_and_answer(
        "b.example. CNAME C.example.",
        "www.example. CNAME b.example.",
        "c.example. A 192.0.2.1",
        "else.example. A 192.0.2.2",
        "www.example. TXT text",
    )
    assert dnswire.addresses(response.to_wire(), asked) == ["192.0.2.1"]


def test_aliases_in_a_circle_have_no_address() -> None:
    asked, response = asked_and_answer("www.example. CNAME b.example.", "b.example. CNAME www.example.")
    assert dnswire.addresses(response.to_wire(), asked) == []


def test_records_of_another_class_or_size_are_no_address() -> None:
    asked, response = asked_and_answer("www.example. A 192.0.2.1")
    wire = bytearray(response.to_wire())
    wire[-11:-10] = b"\0"
    wire[-12:-10] = b"\0\3"  # class CH
    assert dnswire.addresses(bytes(wire), asked) == []


@given(st.binary(max_size=80))
def test_garbage_is_malformed_or_empty(rest: bytes) -> None:
    asked, response = asked_and_answer()
    head = bytearray(response.to_wire())
    head[6:8] = b"\0\5"
    try:
        found = dnswire.addresses(bytes(head) + rest, asked)
    except ValueError:
        return
    assert all(socket.inet_aton(address) for address in found)


def test_a_name_that_points_at_itself_is_malformed() -> None:
    asked, response = asked_and_answer()
    head = bytearray(response.to_wire())
    head[6:8] = b"\0\1"
    with pytest.raises(ValueError, match="no end"):
        dnswire.addresses(bytes(head) + (0xC000 | len(head)).to_bytes(2, "big") + b"\0" * 10, asked)


@given(st.integers(13, 60))
def test_a_cut_answer_is_malformed(size: int) -> None:
    asked, response = asked_and_answer("www.example. A 192.0.2.1", "www.example. A 192.0.2.2")
    wire = response.to_wire()
    with pytest.raises(ValueError, match="malformed"):
        dnswire.addresses(wire[:size], asked)


class TestWhetherItAnswers:
    def test_the_same_question(self) -> None:
        asked, response = asked_and_answer()
        assert dnswire.answers(response.to_wire(), asked)

    def test_letter_case_does_not_matter(self) -> None:
        asked, _ = asked_and_answer()
        _, response = asked_and_answer(name="WwW.eXample")
        assert dnswire.answers(response.to_wire(), asked)

    @pytest.mark.parametrize("name", ["www.example.com", "ww.example", "wwx.example"])
    def test_another_name(self, name: str) -> None:
        asked, _ = asked_and_answer()
        _, response = asked_and_answer(name=name)
        assert not dnswire.answers(response.to_wire(), asked)

    def test_another_type_is_not_mistaken_for_a_letter(self) -> None:
        asked = dnswire.question("www.example", 65)
        query = dns.message.make_query("www.example", 97)
        assert not dnswire.answers(dns.message.make_response(query).to_wire(), asked)

    def test_a_query_is_no_answer(self) -> None:
        asked = dnswire.question("www.example", 1)
        assert not dnswire.answers(dns.message.make_query("www.example", "A").to_wire(), asked)

    def test_too_short_is_no_answer(self) -> None:
        assert not dnswire.answers(b"\0" * 11, b"")

    def test_a_refusal_may_leave_the_question_out(self) -> None:
        asked = dnswire.question("www.example", 1)
        assert dnswire.answers(b"\0\0\x80\5" + b"\0" * 8, asked)
        assert not dnswire.answers(b"\0\0\x80\0" + b"\0" * 8, asked)
        assert not dnswire.answers(b"\0\0\x80\5\0\0\0\1" + b"\0" * 4, asked)

    def test_another_opcode(self) -> None:
        asked, response = asked_and_answer()
        response.set_opcode(dns.opcode.NOTIFY)
        assert not dnswire.answers(response.to_wire(), asked)


def test_header() -> None:
    _, response = asked_and_answer("www.example. A 192.0.2.1", rcode=dns.rcode.NXDOMAIN)
    response.flags |= dns.flags.TC
    header = dnswire.header(response.to_wire())
    assert (header.rcode, header.truncated, header.questions, header.answers) == (3, True, 1, 1)
    assert (header.authorities, header.additionals) == (0, 0)
    with pytest.raises(ValueError, match="shorter"):
        dnswire.header(b"\0" * 11)
