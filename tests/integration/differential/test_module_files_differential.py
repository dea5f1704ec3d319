"""Module files that blackbox_exporter takes or refuses (--config.check), and whether ours does the same.

A case is what stands under a module's name; in a table, ``{}`` is replaced by each of the values. What ours means to
do otherwise stands in ``DIFFERENCES`` under its reason.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path
from textwrap import indent

import pytest

from monitor.config import ConfigError, load_modules

EXPORTER = "/usr/bin/prometheus-blackbox-exporter"

HTTP, TCP, ICMP = (f"prober: {name}\n{name}:\n  " for name in ("http", "tcp", "icmp"))
DNS = "prober: dns\ndns:\n  query_name: example.com\n  "
MATCH = HTTP + "fail_if_header_matches: "
BODY = HTTP + "fail_if_body_matches_regexp: "
ACCEPT = HTTP + "compression: gzip\n  headers:\n    Accept-Encoding: {}"

# (the module, the values that both take, the values that both refuse)
TABLES: list[tuple[str, list[str], list[str]]] = [
    (
        "prober: http\ntimeout: {}",
        ["5s", "'5s'", "1.5h", "250ms", "1m30s", "0s", "+5s", ".5s", "5.s", "1us", "1µs", "null", "~"],
        [
            "0",
            "1d",
            "5",
            "''",
            "'5 s'",
            "'5s '",
            "5S",
            "1e3s",
            "1_000s",
            "1h30",
            "1w",
            "true",
            "[5s]",
            "3000000h",
        ],
    ),
    ("prober: {}", ["http", "tcp", "icmp"], ["[http]", "{http: }"]),
    (
        HTTP + "valid_status_codes: {}",
        ["[200]", "[]", "null", "[99, 0, 999]"],
        ["200", "[2xx]", "[true]", "{}", "''", "[[200]]"],
    ),
    (HTTP + "valid_http_versions: {}", ["[HTTP/1.1, HTTP/2.0]", "[HTTP/2]", "[]", "null"], ["HTTP/1.1", "{a: b}"]),
    (HTTP + "preferred_ip_protocol: {}", ["ip4", "ip6", "''", "null"], ["[ip4]", "{}"]),
    (
        HTTP + "ip_protocol_fallback: {}",
        ["true", "false", "yes", "no", "on", "off", "True", "TRUE", "y", "n", "Yes", "null"],
        ["''", "1", "0", "1.5", "maybe", "[true]"],
    ),
    *((HTTP + f"{key}: {{}}", ["true", "null"], ["1", "perhaps"]) for key in ("follow_redirects", "fail_if_ssl")),
    *((HTTP + f"{key}: {{}}", ["false", "null"], ["1", "[]"]) for key in ("no_follow_redirects", "enable_http2")),
    (HTTP + "method: {}", ["GET", "get", "''", "5", "1.0", "null", "true", "PURGE"], ["[GET]", "{a: b}"]),
    (
        HTTP + "headers: {}",
        [
            *("null", "{X-A: 5}", "{X-A: 1.10}", "{X-A: true}", "{X-A: yes}", "{X-A: null}", "{X-A: a, x-a: b}"),
            *("{5: a}", "{Host: a.example}", "{X-A: 2020-01-02}", "{X-A: 010}", "{X-A: 1:30}", "{X-A: 1e3}"),
        ],
        ["[a]", "abc", "{X-A: [a]}", "{X-A: a, X-A: b}", "{X-A: {a: b}}"],
    ),
    (
        BODY + "[{}]",
        [
            *("a", "", "5", "true", "1.5", "'a{1000}'", "'(?P<n>a)'", r"'\d\w\s\b'", r"'\pL\p{Greek}\p{^Greek}'"),
            *("'[[:alpha:]]'", "'(?i)a'", "'(?s).'", "'(?U)a'", r"'\Q.\C\E'", r"'\\C'", r"'\z'", r"'\A'"),
            *(r"'\x{10FFFF}'", "'[]a]'", "'^$'", "'(?-s:.)'", "'{'", "'a{'", "'a{,2}'", r"'\123'", r"'\a\f\v'"),
        ],
        [
            *("'('", "'a{1001}'", "'(?=a)'", "'(?!a)'", "'(?<=a)b'", r"'(a)\1'", r"'\h'", r"'\p{Foo}'", "'[[:foo:]]'"),
            *(
                "'a++'",
                "'a**?'",
                "'(?x)a'",
                r"'\Z'",
                r"'\C'",
                r"'a\CB'",
                r"'\x{110000}'",
                "'[z-a]'",
                "'[a'",
                "'*'",
                "'a{2,1}'",
            ),
            *("'(a{1000}){1000}'", r"'\'", "'(?i'", r"'\8'", r"'\u0041'", "'[^]'", "'(?#c)a'", "'(?>a)'", "'a|*'"),
            *(r"'\G'", r"'\K'", r"'\R'", "'(?P=n)'", r"'\cA'", r"'\e'", r"'\N'", r"'\x4'"),
        ],
    ),
    (BODY + "{}", ["[]", "null"], ["a", "{a: b}"]),
    (
        MATCH + "{}",
        [
            "[{header: A, regexp: b}]",
            "[{header: A, regexp: b, allow_missing: yes}]",
            "[{header: A, regexp: 5}]",
            "null",
        ],
        [
            *("[{regexp: b}]", "[{header: A}]", "[{header: A, regexp: ''}]", "[{header: '', regexp: b}]", "[a]"),
            *("[{header: A, regexp: b, foo: 1}]", "{header: A, regexp: b}", "[{header: A, regexp: '('}]"),
        ],
    ),
    (HTTP + "body: {}", ["abc", "5", "1.50", "null", "''", "true", f"'{'[x' * 100}'"], ["[a]", "{a: b}"]),
    (HTTP + "compression: {}", ["gzip", "GZIP", "br", "deflate", "identity", "''", "null"], ["[gzip]"]),
    (
        ACCEPT,
        ["gzip", "'*'", "''", "' gzip '", "'br, gzip; q=0.1'", "gzip;q=5", "'*;q=0, gzip'", "'gzip;q=0, *'"],
        ["br", "GZIP", "gzip;q=0", "gzip;q=0.0001", "gzip;q=a", "gzip;q=nan", "gzip;x=1", "gzip;q=1;x=1", "'*;q=0'"],
    ),
    (ACCEPT.replace("gzip", "identity"), ["identity", "'*'"], ["gzip", "identity;q=0"]),
    (
        HTTP + "body_size_limit: {}",
        ["0", "'0'", "5B", "+5B", "1KB", "1KiB", "1.5MB", "1MB1KB", "1EB", "0B", "0.5B", "null"],
        ["5", "'5'", "1kb", "'1 MB'", "''", "1b", "B", "1ZB", "100EB", "1K", "true", "1.5", "1e3B"],
    ),
    (
        HTTP + "basic_auth: {}",
        ["{username: a, password: b}", "null", "{}", "{username: 1, password: true}", "{password: null}"],
        ["{username: a, password: b, password_file: /c}", "{user: a}", "a"],
    ),
    (
        HTTP + "authorization: {}",
        ["{credentials: a}", "null", "{}", "{type: null, credentials: a}", "{type: '', credentials: a}"],
        ["{type: Basic, credentials: a}", "{type: ' basic '}", "{credentials: a, credentials_file: /b}", "{foo: b}"],
    ),
    (
        HTTP + "{}",
        ["bearer_token: 123", "bearer_token: null", "bearer_token: ''\n  basic_auth: {username: a}", "oauth2:"],
        [
            *("foo: 1", "foo: null", "Method: GET", "method: GET\n  method: GET", "<<: [a]", "proxy_from: a"),
            *("bearer_token: x\n  bearer_token_file: /y", "bearer_token: x\n  basic_auth: {username: a}"),
            "basic_auth: {username: a}\n  authorization: {credentials: a}",
        ],
    ),
    (HTTP + "{}", ["<<: {method: GET}", "proxy_url: ''", "proxy_url:"], ["- method: GET", "text"]),
    *(
        (
            where + "tls_config: {}",
            [
                *("{}", "null", "{ca_file: /nowhere}", "{insecure_skip_verify: yes}", "{server_name: 5}"),
                *("{min_version: TLS10, max_version: TLS13}", "{cert_file: /a, key_file: /b}", "{server_name: null}"),
            ],
            ["{min_version: TLS14}", "{min_version: tls12}", "{min_version: 771}", "{foo: 1}", "abc", "{ca_file: [a]}"],
        )
        for where in (HTTP, TCP)
    ),
    (
        TCP + "query_response: {}",
        ["[{expect: a}]", "null", "[{}]", "[{send: 5}]", "[{starttls: true}]", "[{expect: ''}]", "[{expect: null}]"],
        ["{expect: a}", "[{expect: '('}]", "[{foo: a}]", "[a]", "[{starttls: 1}]"],
    ),
    (TCP + "{}", ["tls: null", "tls: on", "source_ip_address: 127.0.0.1"], ["tls: a", "tls: 1", "foo: 1"]),
    (
        DNS + "{}",
        [
            *("query_type: A", "query_type: ''", "query_type: null", "query_type: HTTPS", "query_class: CH"),
            *("query_class: ''", "transport_protocol: tcp", "transport_protocol: ''", "recursion_desired: no"),
            *("valid_rcodes: [NOERROR, NXDOMAIN]", "valid_rcodes:", "validate_answer_rrs:", "tls_config: {}"),
            *("dns_over_tls: true\n  transport_protocol: tcp", "validate_answer_rrs: {fail_if_matches_regexp: [a]}"),
        ],
        [
            *("query_type: FOO", "query_type: 1", "query_class: FOO", "valid_rcodes: NOERROR", "foo: 1"),
            *("validate_answer_rrs: {foo: [a]}", "validate_answer_rrs: {fail_if_matches_regexp: a}"),
        ],
    ),
    ("prober: dns\ndns:\n  query_name: {}", ["5", "'.'", "a.", "'*.x'", "_x.y"], ["''", "null", "[a]"]),
    (ICMP + "payload_size: {}", ["100", "0", "null", "65507"], ["a", "true", "''", "[1]"]),
    (
        ICMP + "{}",
        ["ttl: 0", "ttl: 255", "ttl: null", "dont_fragment: true"],
        ["ttl: 256", "ttl: -1", "ttl: a", "foo: 1"],
    ),
    (
        "prober: http\n{}",
        ["http:", "tcp:", "http: {}", "tcp: {tls: true}", "dns: {query_name: a}"],
        ["http: []", "http: a", "tcp: {foo: 1}", "dns: {}", "prober: http", "foo: 1"],
    ),
]

WHOLE_FILES: list[tuple[str, bool]] = [
    ("", False),
    ("# nothing\n", False),
    ("modules:\n", True),
    ("modules: {}\n", True),
    ("\ufeffmodules: {}\n", True),
    ("modules: []\n", False),
    ("- modules\n", False),
    ("modules: {}\nother: 1\n", False),
    ("modules:\n  case: http\n", False),
    ("modules:\n  case: [http]\n", False),
    ("modules:\n  1: {prober: http}\n  true: {prober: http}\n", True),
    ("modules:\n  a: {prober: http}\n  a: {prober: tcp}\n", False),
    ("modules:\n  a: &a\n    prober: http\n  b: *a\n", True),
    ("modules:\n  a: &a {prober: http, timeout: 5s}\n  b:\n    <<: *a\n    timeout: 6s\n", True),
    ("modules:\n  a: &a {prober: http}\n  b: &b {prober: tcp, timeout: 5s}\n  c:\n    <<: [*a, *b]\n", True),
    ("modules:\n  a: &a text\n  b:\n    <<: *a\n", False),
    ("modules:\n  a: *nothing\n", False),
    ("modules:\n\tcase: {prober: http}\n", False),
    ('{"modules": {"case": {"prober": "http", "http": {"method": "GET"}}}}', True),
    ("modules:\n  a: {prober: !!str http}\n", True),
]

# why ours does otherwise -> modules that blackbox_exporter 0.23 takes (True) or refuses (False), and ours doesn't.
DIFFERENCES: dict[str, list[tuple[str, bool]]] = {
    "its reference refuses another prober when it loads, and a module that names none never worked": [
        *((f"prober: {word}", True) for word in ("smtp", "HTTP", "''", "null", "1")),
        ("timeout: 5s", True),
        ("{}", True),
    ],
    "not supported yet: refused by name, never ignored": [
        ("prober: grpc", True),
        (HTTP + "oauth2: {client_id: a, client_secret: b, token_url: 'http://a/'}", True),
        (HTTP + "proxy_url: http://a:1", True),
        (HTTP + "skip_resolve_phase_with_proxy: true", True),
    ],
    "of the reference, which is newer than 0.23": [
        (HTTP + "body_file: /etc/hostname", False),
        (HTTP + "basic_auth: {username_file: /a}", False),
        (HTTP + "http_headers: {X-A: {values: [b]}}", False),
        (HTTP + "proxy_from_environment: false", False),
        (HTTP + "enable_http3: false", False),
        (HTTP + "tls_config: {ca: ''}", False),
        (TCP + "query_response: [{expect_bytes: b}]", False),
        (TCP + "query_response: [{expect: '(a)', labels: [{name: x, value: '${1}'}]}]", False),
        (BODY + "['(?<n>a)']", False),
        (HTTP + "tls_config: {cert_file: /etc/hostname}", True),
        (HTTP + "tls_config: {key_file: /etc/hostname}", True),
    ],
    "ours": [(ICMP + "count: 3", False), ("prober: http\nbudgets: {latency: 1s}", False)],
    "a ${VARIABLE} gives text, so numbers and flags may be text": [
        (HTTP + "valid_status_codes: ['200']", False),
        (HTTP + "ip_protocol_fallback: 'true'", False),
        (HTTP + "fail_if_ssl: tRue", False),
        (ICMP + "payload_size: '5'", False),
    ],
    "a little more than 0.23 reads": [
        *((DNS + f"query_type: {word}", False) for word in ("a", "TYPE65")),
        *((DNS + f"query_class: {word}", False) for word in ("ch", "CLASS3")),
        (HTTP + "tls_config: {min_version: ''}", False),
    ],
    "numbers are whole and decimal": [
        *((HTTP + f"valid_status_codes: [{number}]", True) for number in ("200.5", "0x1f", "0o17", "1e2")),
        (ICMP + "payload_size: 0x10", True),
    ],
    "could never be met or always fails: a mistake that is better told when it is loaded": [
        ("prober: http\ntimeout: -5s", True),
        ("prober: dns", True),
        ("prober: dns\ndns:", True),
        *((HTTP + f"valid_status_codes: [{code}]", True) for code in ("-1", "1000", "null")),
        *((HTTP + f"valid_http_versions: [{word}]", True) for word in ("1.1", "http/1.1", "''")),
        *((HTTP + f"preferred_ip_protocol: {word}", True) for word in ("IPv4", "ip5", "4")),
        *((HTTP + f"method: {word}", True) for word in ("PO ST", '"GET\\n"')),
        *((HTTP + f"headers: {{{pair}}}", True) for pair in ("'X A': b", "'': b", 'X-A: "a\\nb"', "'X:A': b")),
        *((HTTP + f"compression: {word}", True) for word in ("zstd", "' gzip'", "5")),
        *((HTTP + f"body_size_limit: {size}", True) for size in ("-1B", "8EB")),
        *((MATCH + f"[{item}]", True) for item in ("null", "{header: A B, regexp: b}")),
        (BODY + "[null]", True),
        (HTTP + "tls_config: {min_version: TLS13, max_version: TLS12}", True),
        (TCP + "query_response: [null]", True),
        (TCP + "source_ip_address: foo", True),
        *((DNS + f"transport_protocol: {word}", True) for word in ("sctp", "TCP", "tcp4")),
        (DNS + "dns_over_tls: true", True),
        (DNS + "valid_rcodes: [FOO]", True),
        (DNS + "validate_answer_rrs: {fail_if_matches_regexp: ['(']}", True),
        *((DNS + f"query_type: {word}", True) for word in ("Reserved", "UINFO")),
        *((f"prober: dns\ndns: {{query_name: {name}}}", True) for name in ("a..b", "a" * 64, "a.b." * 80)),
        *((ICMP + f"payload_size: {size}", True) for size in ("-1", "70000")),
    ],
    "more than the file says, or not what it says": [
        ("prober: !own http", True),
        (HTTP + "body: !!binary aGVsbG8=", True),
    ],
}


def module_file(module: str) -> str:
    return f"modules:\n  case:\n{indent(module, '    ')}\n"


def agreements() -> Iterator[tuple[str, bool]]:
    yield from WHOLE_FILES
    for module, taken, refused in TABLES:
        for values, verdict in ((taken, True), (refused, False)):
            for value in values:
                yield module_file(module.replace("{}", value, 1)), verdict


def blackbox_takes(path: Path) -> bool:
    return subprocess.run([EXPORTER, "--config.check", f"--config.file={path}"], capture_output=True).returncode == 0


def ours_takes(path: Path) -> bool:
    try:
        load_modules(path)
    except ConfigError:
        return False
    return True


@pytest.mark.parametrize(("text", "taken"), list(agreements()))
def test_both_say_the_same(tmp_path: Path, text: str, taken: bool) -> None:
    path = tmp_path / "blackbox.yml"
    path.write_text(text)
    assert (blackbox_takes(path), ours_takes(path)) == (taken, taken), text


@pytest.mark.parametrize(
    ("module", "taken"),
    [pytest.param(*case, id=f"{why}-{case[0]}") for why in DIFFERENCES for case in DIFFERENCES[why]],
)
def test_ours_says_otherwise(tmp_path: Path, module: str, taken: bool) -> None:
    path = tmp_path / "blackbox.yml"
    path.write_text(module_file(module))
    assert (blackbox_takes(path), ours_takes(path)) == (taken, not taken), module
