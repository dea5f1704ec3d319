"""However a file is mangled, it loads or says what is wrong with it: there is no third way."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.config import ConfigError
from monitor.config.loader import load_bytes
from tests.unit.config.worlds import HEAD

FILE = f"""{HEAD}
server: {{listen: 127.0.0.1:8080, tokens: []}}
storage: {{url: "sqlite+aiosqlite:///x.db", keep_results: 7d}}
resolution: {{servers: [10.0.0.53]}}
defaults: {{interval: 15s, contact: {{name: X}}}}
areas:
  - {{id: x, name: X, column: 1, row: 1}}
calendar: {{office_hours: "Mon-Fri 08:00-17:00", holidays: {{add: [2026-12-24], remove: [2026-11-24]}}}}
common_cause: {{labels: [provider], window: 30s}}
flapping: {{window: 15m, enter: 6, leave: 1}}
maintenance:
  - {{id: w, name: W, begin: 2026-12-06 22:00, duration: 1h, rule: FREQ=WEEKLY;COUNT=5, points: [a], areas: [x]}}
  - {{id: v, name: V, begin: "2026-12-01T15:00Z", end: 2026-12-02 22:00, labels: {{tier: edge}}}}
alerts:
  url: https://monitor.vn
  heartbeat_url: https://monitor.vn/alive
  channels:
    inbox: {{type: inbox, rate: 20/1m, give_up_after: 1h}}
    hook: {{type: webhook, url: "https://hook.vn/x", headers: {{X-A: b}}}}
  routes:
    - name: all
      to: [inbox, hook]
      match: {{severity: [critical], provider: "=~VN.*", area: "!=x"}}
      remind_every: never
      escalate: [{{after: 15m, to: hook}}]
  last_resort: inbox
points:
  - {{id: hub, kind: hub, name: Hub, host: hub.vn}}
  - id: a
    kind: ward
    name: A
    code: 00004
    area: x
    host: a.vn
    location: {{latitude: 21, longitude: 105.8}}
    depends_on: [hub, {{any_of: [hub]}}]
    endpoints:
      portal: {{options: {{headers: {{A: "{{code}}"}}}}, budgets: {{latency: 3s}}}}
      dns: null
"""
_PIECES = [
    r"- ",
    r": ",
    r"{",
    r"}",
    r"[",
    r"]",
    r"'",
    r'"',
    r"&a ",
    r"*a",
    r"<<: *a",
    r"!!int ",
    r"null",
    r"~",
    r"0",
    r"-1",
    r"1e9",
    r"${X}",
    r"${X:-y}",
    r"{host}",
    r"{x}",
    r"a b",
    r"::",
    r"@",
    r"%",
    r"#",
    r"é",
    r"[::1]:x",
]
_PIECES += ["", "\n", "\t", "\x00", "\ufeff", "\ud800"]


def judge(data: bytes) -> None:
    try:
        load_bytes(data, Path("endpoints.yaml"), environ={})
    except ConfigError as error:
        assert error.problems
        assert all(problem.line >= 1 and problem.text for problem in error.problems)


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, len(FILE)), st.integers(0, 12), st.sampled_from(_PIECES)), min_size=1, max_size=4)
)
def test_mangled_text(cuts: list[tuple[int, int, str]]) -> None:
    text = FILE
    for start, length, piece in cuts:
        text = text[:start] + piece + text[start + length :]

    judge(text.encode("utf-8", "surrogatepass"))


_KEYS = st.sampled_from(["id", "any_of", "link", "module", "target", "options", "x"])
_VALUES: st.SearchStrategy[Any] = st.recursive(
    st.sampled_from(
        ["null", "true", "1", "-0.5", '"x"', '"{host}:1"', '"http://["', '"10s"', "[]", "{}", '"${X:-}"', '"" ']
    ),
    lambda inner: (
        st.lists(inner, max_size=2).map(lambda items: f"[{', '.join(items)}]")
        | st.tuples(_KEYS, inner).map(lambda pair: f"{{{pair[0]}: {pair[1]}}}")
    ),
    max_leaves=4,
)


@settings(max_examples=150, deadline=None)
@given(st.integers(0, FILE.count(": ") - 1), _VALUES)
def test_another_value_in_place_of_one(place: int, value: str) -> None:
    lines, seen = FILE.split("\n"), 0
    for number, line in enumerate(lines):
        seen += ": " in line
        if ": " in line and seen > place % 30:
            lines[number] = f"{line.partition(': ')[0]}: {value}"
            break

    judge("\n".join(lines).encode())
