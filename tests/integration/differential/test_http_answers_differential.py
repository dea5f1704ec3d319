"""More answers (see conftest.py): bodies of every coding and size, dates, headers, and how an answer can break off."""

from __future__ import annotations

import gzip
import zlib
from typing import Any

import brotli
import pytest

from tests.integration.differential.servers import chunked, http, ok, serve

HELLO = {"fail_if_body_not_matches_regexp": ["hello"]}
GZIP, BR, DEFLATE, IDENTITY = ({"compression": coding} for coding in ("gzip", "br", "deflate", "identity"))
RAW = zlib.compressobj(wbits=-15)
RAW_DEFLATE = RAW.compress(b"hello") + RAW.flush()
PACKED = gzip.compress(b"hello", mtime=0)
HEAD = {"method": "HEAD"}


def bare(status: str = "200 OK", *headers: str, body: bytes = b"", version: str = "1.1") -> bytes:
    return "\r\n".join((f"HTTP/{version} {status}", *headers, "", "")).encode("latin-1") + body


def match(regexp: str, header: str = "X-A", **more: Any) -> dict[str, Any]:
    return {"fail_if_header_not_matches": [{"header": header, "regexp": regexp, **more}]}


def forbid(regexp: str, header: str = "X-A", **more: Any) -> dict[str, Any]:
    return {"fail_if_header_matches": [{"header": header, "regexp": regexp, **more}]}


def body(*regexps: str) -> dict[str, Any]:
    return {"fail_if_body_not_matches_regexp": list(regexps)}


def modified(text: str) -> tuple[str, bytes, dict[str, Any], bool]:
    return f"Last-Modified: {text}", ok(Last_Modified=text), {}, True


ANSWERS: list[tuple[str, bytes, dict[str, Any], bool]] = [
    # lengths
    ("HEAD with chunks", bare("200 OK", "Transfer-Encoding: chunked"), HEAD, True),
    ("HEAD with chunks and a length", bare("200 OK", "Transfer-Encoding: chunked", "Content-Length: 5"), HEAD, True),
    ("HEAD of 204", bare("204 No Content", "Content-Length: 5"), HEAD, True),
    ("HEAD of 304", bare("304 Not", "Content-Length: 5"), {**HEAD, "valid_status_codes": [304]}, True),
    ("HEAD answered with a body", ok(), HEAD, True),
    ("HEAD of HTTP/1.0", bare("200 OK", "Content-Length: 7", version="1.0"), HEAD, True),
    ("HEAD, length 0", bare("200 OK", "Content-Length: 0"), {**HEAD, **body("^$")}, True),
    ("HEAD, compressed", bare("200 OK", "Content-Length: 25", "Content-Encoding: gzip"), {**HEAD, **GZIP}, False),
    ("204 with chunks", bare("204 No", "Transfer-Encoding: chunked", body=b"0\r\n\r\n"), {}, True),
    ("204 looked into", bare("204 No"), body("^$"), True),
    ("304 with chunks", bare("304 No", "Transfer-Encoding: chunked"), {"valid_status_codes": [304]}, True),
    ("304 looked into", bare("304 No", "Content-Length: 5"), {"valid_status_codes": [304], **body("^$")}, True),
    ("205", bare("205 Reset", "Content-Length: 0"), {}, True),
    ("200 without a body", bare("200 OK", "Content-Length: 0"), body("^$"), True),
    ("chunks of nothing", chunked(), body("^$"), True),
    (
        "HTTP/1.0 with chunks",
        bare("200 OK", "Transfer-Encoding: chunked", body=b"5\r\nhello\r\n0\r\n\r\n", version="1.0"),
        HELLO,
        True,
    ),
    ("identity as transfer encoding", bare("200 OK", "Transfer-Encoding: identity", body=b"hello"), HELLO, False),
    (
        "chunked twice",
        bare("200 OK", "Transfer-Encoding: chunked", "Transfer-Encoding: chunked", body=b"0\r\n\r\n"),
        {},
        False,
    ),
    ("gzip, chunked", bare("200 OK", "Transfer-Encoding: gzip, chunked", body=b"0\r\n\r\n"), {}, False),
    ("Chunked in capitals", bare("200 OK", "Transfer-Encoding: CHUNKED", body=b"5\r\nhello\r\n0\r\n\r\n"), HELLO, True),
    (
        "chunk size in capitals",
        bare("200 OK", "Transfer-Encoding: chunked", body=b"00A\r\nhello12345\r\n0\r\n\r\n"),
        HELLO,
        True,
    ),
    (
        "chunk size with a space",
        bare("200 OK", "Transfer-Encoding: chunked", body=b"5 \r\nhello\r\n0\r\n\r\n"),
        HELLO,
        True,
    ),
    (
        "chunk longer than said",
        bare("200 OK", "Transfer-Encoding: chunked", body=b"3\r\nhello\r\n0\r\n\r\n"),
        HELLO,
        False,
    ),
    ("no last chunk", bare("200 OK", "Transfer-Encoding: chunked", body=b"5\r\nhello\r\n"), {}, False),
    ("no end of trailers", bare("200 OK", "Transfer-Encoding: chunked", body=b"5\r\nhello\r\n0\r\n"), HELLO, False),
    (
        "no end of trailers, not looked into",
        bare("200 OK", "Transfer-Encoding: chunked", body=b"5\r\nhello\r\n0\r\n"),
        {},
        False,
    ),
    (
        "odd trailers",
        bare("200 OK", "Transfer-Encoding: chunked", body=b"5\r\nhello\r\n0\r\nA: b\r\nC\r\n\r\n"),
        HELLO,
        False,
    ),
    ("a length with a plus", bare("200 OK", "Content-Length: +5", body=b"hello"), {}, False),
    ("a length with spaces", bare("200 OK", "Content-Length:   5  ", body=b"hello"), HELLO, True),
    ("an empty length", bare("200 OK", "Content-Length: ", body=b"hello"), HELLO, False),
    ("a length beyond all", bare("200 OK", "Content-Length: 99999999999999999999", body=b"hello"), {}, False),
    ("lengths in one line", bare("200 OK", "Content-Length: 5, 5", body=b"hello"), {}, False),
    ("more behind the answer", ok() + ok(b"again"), HELLO, True),
    # versions and status lines
    ("HTTP/1.0 wanted", bare("200 OK", version="1.0"), {"valid_http_versions": ["HTTP/1.0"]}, True),
    ("HTTP/0.9", b"hello", {}, False),
    ("HTTP/1.2", bare("200 OK", "Content-Length: 0", version="1.2"), {}, True),
    ("HTTP/1", bare("200 OK", "Content-Length: 0", version="1"), {}, False),
    ("HTTP/11.1", bare("200 OK", "Content-Length: 0", version="11.1"), {}, False),
    ("http/1.1", bare("200 OK", "Content-Length: 0").replace(b"HTTP", b"http"), {}, False),
    ("ICY", b"ICY 200 OK\r\n\r\n", {}, False),
    ("two spaces before the status", bare(" 200 OK", "Content-Length: 0"), {}, False),
    ("a tab before the status", b"HTTP/1.1\t200 OK\r\nContent-Length: 0\r\n\r\n", {}, False),
    ("status of four digits", bare("2000 OK", "Content-Length: 0"), {}, False),
    ("status 000", bare("000 OK", "Content-Length: 0"), {}, False),
    ("status 099", bare("099 OK", "Content-Length: 0"), {"valid_status_codes": [99]}, True),
    ("status -20", bare("-20 OK", "Content-Length: 0"), {}, False),
    ("a reason in Vietnamese", "HTTP/1.1 200 Được\r\nContent-Length: 0\r\n\r\n".encode(), {}, True),
    ("101", bare("101 Switching", "Upgrade: x", "Connection: Upgrade"), {"valid_status_codes": [101]}, True),
    ("100 alone", bare("100 Continue"), {}, False),
    ("five interim answers", bare("102 Wait") * 5 + ok(), HELLO, True),
    ("six interim answers", bare("102 Wait") * 6 + ok(), {}, False),
    ("a blank line behind the head", bare("200 OK", "Content-Length: 7", body=b"\r\nhello"), HELLO, True),
    # heads
    ("an empty header", bare("200 OK", "X-A:", "Content-Length: 0"), match("^$"), True),
    ("a header of spaces", bare("200 OK", "X-A:    ", "Content-Length: 0"), match("^$"), True),
    ("spaces around a value", bare("200 OK", "X-A:  \t b c \t ", "Content-Length: 0"), match("^b c$"), True),
    ("an empty header's name", bare("200 OK", ": b", "Content-Length: 0"), {}, False),
    ("an odd header's name", bare("200 OK", "X A: b", "Content-Length: 0"), {}, False),
    ("a header's name with brackets", bare("200 OK", "X[A]: b", "Content-Length: 0"), {}, False),
    ("a nul in a header", bare("200 OK", "X-A: a\0b", "Content-Length: 0"), {}, True),
    ("a control character in a header", bare("200 OK", "X-A: a\x01b", "Content-Length: 0"), match("a.b"), True),
    ("a carriage return in a header", bare("200 OK", "X-A: a\rb", "Content-Length: 0"), {}, False),
    ("a first line that is folded", b"HTTP/1.1 200 OK\r\n X-A: b\r\nContent-Length: 0\r\n\r\n", {}, True),
    ("a long header", bare("200 OK", f"X-A: {'a' * 100_000}", "Content-Length: 0"), match("^a+$"), True),
    (
        "many headers",
        bare("200 OK", *(f"X-{n}: {n}" for n in range(2000)), "Content-Length: 0"),
        match("1", "X-1"),
        True,
    ),
    ("any of two values is forbidden", bare("200 OK", "X-A: 1", "X-A: 2", "Content-Length: 0"), forbid("2"), False),
    ("neither of two values is wanted", bare("200 OK", "X-A: 1", "X-A: 2", "Content-Length: 0"), match("3"), False),
    ("values aren't joined", bare("200 OK", "X-A: 1", "X-A: 2", "Content-Length: 0"), match("1.*2"), False),
    ("missing and allowed", ok(), match("1", allow_missing=True), True),
    ("missing and not allowed", ok(), match("1"), False),
    ("there and allowed to be missing", ok(X_A="2"), match("1", allow_missing=True), False),
    ("case of the name", ok(x_a="1"), match("1", "x-A"), True),
    ("case of the value", ok(X_A="abc"), match("ABC"), False),
    ("case of the value set aside", ok(X_A="abc"), match("(?i)ABC"), True),
    ("Content-Length is a header", ok(), match("^5$", "Content-Length"), True),
    ("Transfer-Encoding is none", chunked(b"hello"), match("chunked", "Transfer-Encoding"), False),
    ("Connection: close is no header", ok(Connection="close"), match("close", "Connection"), False),
    ("Connection: keep-alive is a header", ok(Connection="keep-alive"), match("keep", "Connection"), True),
    (
        "Trailer is none",
        bare("200 OK", "Trailer: A", "Transfer-Encoding: chunked", body=b"0\r\nA: b\r\n\r\n"),
        match("A", "Trailer"),
        False,
    ),
    (
        "a trailer is no header",
        bare("200 OK", "Transfer-Encoding: chunked", body=b"0\r\nX-A: 1\r\n\r\n"),
        match("1"),
        False,
    ),
    ("Content-Encoding is a header", ok(PACKED, Content_Encoding="gzip"), match("gzip", "Content-Encoding"), True),
    ("Set-Cookie is a header", ok(Set_Cookie="a=1"), match("a=1", "Set-Cookie"), True),
    ("a header of an interim answer", bare("103 Hints", "X-A: 1") + ok(), match("1"), False),
    # dates
    modified("Mon, 02 Jan 2006 15:04:05 UTC"),
    modified("Mon, 02 Jan 2006 15:04:05 +0700"),
    modified("Tue, 02 Jan 2006 15:04:05 GMT"),
    modified("Mon, 2 Jan 2006 15:04:05 GMT"),
    modified("mon, 02 jan 2006 15:04:05 GMT"),
    modified("Mon, 02 Jan 2006 15:04:05 gmt"),
    modified("Mon, 32 Jan 2006 15:04:05 GMT"),
    modified("Mon, 29 Feb 2006 15:04:05 GMT"),
    modified("Mon, 02 Jan 2006 24:04:05 GMT"),
    modified("Mon, 02 Jan 2006 15:04:60 GMT"),
    modified("Mon, 02 Jan 2006 15:04:05.5 GMT"),
    modified("Mon, 02 Jan 1960 15:04:05 GMT"),
    modified("Mon, 02 Jan 0001 15:04:05 GMT"),
    modified("Mon, 02 Jan 9999 15:04:05 GMT"),
    modified("Mon, 02 Jan 2006 15:04:05 GMT "),
    modified("Mon,  02 Jan 2006 15:04:05 GMT"),
    modified("02 Jan 2006 15:04:05 GMT"),
    modified("Monday, 02-Jan-68 15:04:05 GMT"),
    modified("Monday, 02-Jan-69 15:04:05 GMT"),
    modified("Monday, 02-Jan-70 15:04:05 UTC"),
    modified("Mon Jan 02 15:04:05 2006"),
    modified("Mon Jan 22 15:04:05 2006"),
    modified("Mon Jan 2 15:04:05 2006"),
    modified("2006-01-02T15:04:05Z"),
    modified(""),
    modified("0"),
    ("two dates", ok(Last_Modified="x\r\nLast-Modified: Mon, 02 Jan 2006 15:04:05 GMT"), {}, True),
    ("a date of a failed answer", ok(b"", "500 No", Last_Modified="Mon, 02 Jan 2006 15:04:05 GMT"), {}, False),
    # bodies
    ("a dot over lines", ok(b"a\nb"), body("(?s)a.b"), True),
    ("an end before a line feed", ok(b"a\n"), body("a$"), False),
    ("an end of a line", ok(b"a\nb"), body("(?m)a$"), True),
    ("an end of a line with CRLF", ok(b"a\r\nb"), body("(?m)a$"), False),
    ("the beginning", ok(b"b\na"), body("^a"), False),
    ("the whole", ok(b"abc"), body(r"\Aabc\z"), True),
    ("case", ok("MỘT CỬA".encode()), body("(?i)một cửa"), True),
    ("a word's edge in Vietnamese", ok("cửa".encode()), body(r"\bc\b"), True),
    ("a word in Vietnamese", ok("cửa".encode()), body(r"^\w+$"), False),
    ("a letter in Vietnamese", ok("cửa".encode()), body(r"^\pL+$"), True),
    ("lengths in characters", ok("cửa".encode()), body("^.{3}$"), True),
    ("a nul", ok(b"a\0b"), body("a\\x00b"), True),
    ("bytes that are none of UTF-8", ok(b"\xff\xfe\xfd"), body("^.{3}$"), True),
    ("a character cut short", ok("ử".encode()[:2]), body("^.{2}$"), True),
    ("a surrogate", ok(b"\xed\xa0\x80"), body("^.{3}$"), True),
    ("overlong", ok(b"\xc0\x80"), body("^.{2}$"), True),
    ("beyond Unicode", ok(b"\xf4\x90\x80\x80"), body("^.{4}$"), True),
    ("the replacement character", ok(b"\xff"), body("\ufffd"), True),
    ("latin-1", ok("é".encode("latin-1")), body("é"), False),
    ("a BOM", ok(b"\xef\xbb\xbfa"), body("^a"), False),
    ("not what isn't there in odd bytes", ok(b"\xffa"), {"fail_if_body_matches_regexp": [r"^\w"]}, True),
    ("each of several must match", ok(b"a b"), body("a", "b", "c"), False),
    ("none of several may match", ok(b"a b"), {"fail_if_body_matches_regexp": ["c", "b"]}, False),
    ("an empty pattern matches", ok(b""), body(""), True),
    ("an empty pattern that is forbidden", ok(b""), {"fail_if_body_matches_regexp": [""]}, False),
    # compression
    (
        "gzip in chunks",
        bare("200 OK", "Transfer-Encoding: chunked", body=b"%x\r\n%b\r\n0\r\n\r\n" % (len(PACKED), PACKED)),
        {**GZIP, **HELLO},
        True,
    ),
    ("gzip to the end", bare("200 OK", body=PACKED), {**GZIP, **HELLO}, True),
    ("gzip said, br sent", ok(brotli.compress(b"hello"), Content_Encoding="gzip"), GZIP, False),
    ("gzip twice", ok(gzip.compress(PACKED)), {**GZIP, **HELLO}, False),
    ("gzip twice, not looked into", ok(gzip.compress(PACKED, mtime=0)), GZIP, True),
    ("gzip cut short", ok(PACKED[:-9]), GZIP, False),
    ("gzip without its sum", ok(PACKED[:-8]), GZIP, False),
    ("gzip without half its sum", ok(PACKED[:-4]), GZIP, False),
    ("gzip's head alone", ok(PACKED[:10]), GZIP, False),
    ("gzip's head cut short", ok(PACKED[:6]), GZIP, False),
    ("gzip's length is wrong", ok(PACKED[:-4] + b"\x09\0\0\0"), GZIP, False),
    ("gzip with a name", ok(b"\x1f\x8b\x08\x08" + PACKED[4:10] + b"a.txt\0" + PACKED[10:]), {**GZIP, **HELLO}, True),
    ("gzip with zeros behind", ok(PACKED + bytes(8)), GZIP, False),
    ("gzip with a byte behind", ok(PACKED + b"x"), GZIP, False),
    ("gzip, the body cut short", bare("200 OK", "Content-Length: 99", body=PACKED), GZIP, False),
    ("gzip of nothing, packed", ok(gzip.compress(b"")), {**GZIP, **body("^$")}, True),
    ("gzip of 204", bare("204 No"), GZIP, False),
    ("gzip at its limit", ok(PACKED), {**GZIP, "body_size_limit": "5B"}, True),
    ("gzip over its limit", ok(PACKED), {**GZIP, "body_size_limit": "4B"}, False),
    ("gzip over its limit, looked into", ok(PACKED), {**GZIP, "body_size_limit": "4B", **HELLO}, False),
    ("gzip larger than the limit when packed", ok(PACKED), {**GZIP, "body_size_limit": "10B", **HELLO}, True),
    ("the server does not compress", ok(), {**GZIP, **HELLO}, False),
    ("identity cut off", ok(b"hello world"), {**IDENTITY, "body_size_limit": "5B"}, False),
    ("identity at its limit", ok(), {**IDENTITY, "body_size_limit": "5B", **HELLO}, True),
    ("br cut short", ok(brotli.compress(b"hello" * 100)[:-2]), BR, False),
    ("br with bytes behind", ok(brotli.compress(b"hello") + b"x"), BR, False),
    ("br of nothing", ok(b""), BR, True),
    ("br at its limit", ok(brotli.compress(b"hello")), {**BR, "body_size_limit": "5B"}, True),
    ("br over its limit", ok(brotli.compress(b"hello")), {**BR, "body_size_limit": "4B"}, False),
    ("deflate cut short", ok(RAW_DEFLATE[:-1]), DEFLATE, False),
    ("deflate with bytes behind", ok(RAW_DEFLATE + b"x"), {**DEFLATE, **HELLO}, True),
    ("deflate of nothing", ok(b""), DEFLATE, False),
    (
        "an own Accept-Encoding",
        ok(PACKED, Content_Encoding="gzip"),
        {"headers": {"Accept-Encoding": "gzip"}, **HELLO},
        False,
    ),
    ("limit in chunks", chunked(b"hello"), {"body_size_limit": "5B", **HELLO}, True),
    ("over the limit in chunks", chunked(b"hel", b"lo!"), {"body_size_limit": "5B"}, False),
    ("over the limit to the end", bare("200 OK", body=b"hello!"), {"body_size_limit": "5B"}, False),
    ("at the limit to the end", bare("200 OK", body=b"hello"), {"body_size_limit": "5B"}, True),
    (
        "over the limit and cut short",
        bare("200 OK", "Content-Length: 50", body=b"hello!"),
        {"body_size_limit": "5B"},
        False,
    ),
    ("over the limit, but failed before", ok(b"hello!", "500 No"), {"body_size_limit": "5B"}, False),
    ("over the limit of HEAD", bare("200 OK", "Content-Length: 50"), {**HEAD, "body_size_limit": "5B"}, True),
    ("a large body", ok(b"x" * 3_000_000), {"body_size_limit": "3MB"}, True),
    ("a redirect's limit", ok(b"x" * 10, "302 Go"), {"body_size_limit": "5B", "valid_status_codes": [302]}, False),
]


KNOWN = {
    **dict.fromkeys(
        (
            "an empty length",
            "two spaces before the status",
            "an empty header's name",
            "an odd header's name",
            "a header's name with brackets",
            "a carriage return in a header",
            "a first line that is folded",
        ),
        "strict-head",
    ),
    "HTTP/1.0 with chunks": "old-chunks",
    "gzip's length is wrong": "corrupt-length",
    "br with bytes behind": "corrupt-length",
}


@pytest.mark.parametrize(("name", "answer", "options", "success"), ANSWERS, ids=[case[0] for case in ANSWERS])
async def test_answer(differential: Any, name: str, answer: bytes, options: dict[str, Any], success: bool) -> None:
    known = [KNOWN[name]] if name in KNOWN else []
    async with serve(answer) as port:
        await differential.agree(f"http://127.0.0.1:{port}/", http(**options), success=success, known=known)
