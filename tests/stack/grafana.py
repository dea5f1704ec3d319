"""What Grafana does with a dashboard, as far as its questions go: variables, their values, macros, legends."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

FOLDER = Path("dashboards")
FILES = sorted(FOLDER.glob("*.json"))

_VARIABLE = re.compile(r"\$\{(\w+)(?::(\w+))?\}|\$(\w+)")
_LEGEND = re.compile(r"\{\{\s*(.+?)\s*\}\}")
Values = Mapping[str, "Value"]


@dataclass(frozen=True)
class Value:
    """What a variable is set to: one value, several, or everything by its own expression."""

    values: tuple[str, ...]
    multi: bool = False
    everything: str = ""

    def in_promql(self) -> str:
        if self.everything:
            return self.everything
        escaped = [re.sub(r"[\\^$.*+?()[\]{}|]", r"\\\\\g<0>", value) for value in self.values]
        if not self.multi:
            return self.values[0]
        return escaped[0] if len(escaped) == 1 else f"({'|'.join(escaped)})"

    def as_sql(self) -> str:
        return ",".join("'" + value.replace("'", "''") + "'" for value in self.values)

    def raw(self) -> str:
        return self.values[0]


class Sources(Protocol):
    """Those whom Grafana asks."""

    begin: float
    end: float

    def series(self, selector: str) -> list[dict[str, str]]: ...

    def instant(self, query: str) -> list[dict[str, Any]]: ...

    def sql(self, query: str) -> list[dict[str, Any]]: ...


def load(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return found


def panels(dashboard: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Every panel that asks something, those within rows too."""
    found = []
    for panel in dashboard["panels"]:
        if panel["type"] == "row":
            found += panel.get("panels", [])
        else:
            found.append(panel)
    return found


def questions(dashboard: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each query with its panel's (or annotation's) title."""
    for panel in panels(dashboard):
        for target in panel["targets"]:
            yield panel["title"], target
    for annotation in dashboard["annotations"]["list"]:
        if annotation.get("target"):
            yield annotation["name"], annotation["target"]


def variables(dashboard: Mapping[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = dashboard["templating"]["list"]
    return found


def promql(text: str, values: Values, sources: Sources) -> str:
    """The query as Prometheus gets it."""
    whole = f"{max(1, round(sources.end - sources.begin))}s"
    macros = {"__range": whole, "__rate_interval": "15s", "__interval": "5s"}
    return _VARIABLE.sub(lambda match: _in_promql(match, values, macros), text)


def _in_promql(match: re.Match[str], values: Values, macros: Mapping[str, str]) -> str:
    name = match[1] or match[3]
    if name in macros:
        return macros[name]
    return values[name].in_promql()


def sql(text: str, values: Values, sources: Sources) -> str:
    """The query as PostgreSQL gets it."""
    text = text.replace("$__unixEpochFrom()", str(int(sources.begin)))
    text = text.replace("$__unixEpochTo()", str(int(sources.end)))

    def of(match: re.Match[str]) -> str:
        value = values[match[1] or match[3]]
        return value.as_sql() if match[2] == "sqlstring" else value.raw()

    return _VARIABLE.sub(of, text)


def legend(form: str, labels: Mapping[str, str]) -> str:
    """A series' name; a label that it doesn't have leaves nothing."""
    return _LEGEND.sub(lambda match: labels.get(match[1], ""), form)


def options(variable: Mapping[str, Any], values: Values, sources: Sources) -> list[tuple[str, str]]:
    """What a variable may be set to: (text, value), as Grafana finds it out."""
    if variable["type"] in ("datasource", "textbox"):
        return [(variable["current"]["text"], variable["current"]["value"])]
    if variable["datasource"]["type"] != "prometheus":
        rows = sources.sql(sql(variable["query"], values, sources))
        return [(_text(row, "__text"), _text(row, "__value")) for row in rows]
    asked = promql(variable["query"]["query"], values, sources)
    if match := re.fullmatch(r"label_values\((.+), (\w+)\)", asked, re.DOTALL):
        found = [each.get(match[2], "") for each in sources.series(match[1])]
        texts = sorted({value for value in found if value})
    else:
        match = re.fullmatch(r"query_result\((.+)\)", asked, re.DOTALL)
        assert match, asked
        texts = [_line(each) for each in sources.instant(match[1])]
    return list(dict.fromkeys(_picked(text, variable.get("regex", "")) for text in texts))


def _text(row: Mapping[str, Any], name: str) -> str:
    return str(row[name] if name in row else next(iter(row.values())))


def _line(result: Mapping[str, Any]) -> str:
    """A result as Grafana writes it down for a variable's regular expression."""
    labels = dict(result["metric"])
    name = labels.pop("__name__", "")
    written = ",".join(f'{key}="{labels[key]}"' for key in sorted(labels))
    return f"{name}{{{written}}} {result['value'][1]} {int(result['value'][0] * 1000)}"


def _picked(text: str, pattern: str) -> tuple[str, str]:
    if not pattern:
        return text, text
    match = re.search(pattern.strip("/").replace("(?<", "(?P<"), text)
    assert match, (pattern, text)
    groups = match.groupdict()
    return (groups["text"], groups["value"]) if groups else (match[1], match[1])


def settings(dashboard: Mapping[str, Any], sources: Sources) -> Iterator[dict[str, Value]]:
    """Every variable at every value: each alone where it takes several, and all of them, in every combination."""
    yield from _settings(variables(dashboard), {}, sources)


def _settings(rest: list[dict[str, Any]], chosen: dict[str, Value], sources: Sources) -> Iterator[dict[str, Value]]:
    if not rest:
        yield chosen
        return
    variable, *others = rest
    for value in choices(variable, chosen, sources):
        yield from _settings(others, {**chosen, variable["name"]: value}, sources)


def choices(variable: Mapping[str, Any], chosen: Values, sources: Sources) -> list[Value]:
    """The values of one variable, everything first."""
    found = [value for _, value in options(variable, chosen, sources)]
    assert found, f"{variable['name']} has no value"
    multi = bool(variable.get("multi"))
    each = [Value((value,), multi=multi) for value in found]
    if not variable.get("includeAll"):
        return each
    everything = Value(tuple(found), multi=multi, everything=variable.get("allValue") or "")
    return [everything, *each]
