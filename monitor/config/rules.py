"""What one section can't know of another: pure rules over the parsed file, each noting what breaks it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import timedelta

from monitor.config.addresses import host_of, is_address, is_placeholder
from monitor.config.document import Document, Path
from monitor.config.explain import unknown
from monitor.config.model import Endpoint, Point
from monitor.config.schema import AreaSection, DependencySection, KindSection, PointSection
from monitor.config.templates import POINT_VALUES

Placed = Sequence[tuple[Path, PointSection]]


def check_areas(document: Document, areas: Iterable[tuple[Path, AreaSection]]) -> None:
    """An area has one id and cells of its own."""
    seen: dict[str, int] = {}
    cells: dict[tuple[int, int], str] = {}
    for path, area in areas:
        check_once(document, path, area.id, seen, "id", "area")
        for column in range(area.column, area.column + area.column_span):
            holder = cells.setdefault((column, area.row), area.id)
            if holder != area.id:
                text = f"covers cell {column},{area.row}, which {holder} has; move one of them"
                document.complain(path, text)
                break


def check_variables(document: Document, path: Path, variables: Iterable[str]) -> None:
    """A variable may not hide what a point itself gives."""
    for name in variables:
        if name in POINT_VALUES:
            document.complain((*path, name), f"{name} is given by every point; choose another name")


def check_references(
    document: Document,
    points: Placed,
    *,
    areas: Iterable[str],
    kinds: Iterable[str],
) -> None:
    """Ids and codes are unique; kind and area exist. ``areas`` and ``kinds`` hold the names of broken ones too."""
    seen: dict[str, int] = {}
    codes: dict[str, int] = {}
    known_areas, known_kinds = set(areas), set(kinds)
    for path, point in points:
        check_once(document, path, point.id, seen, "id", "point")
        if point.code:
            check_once(document, path, point.code, codes, "code", "point")
        if point.kind not in known_kinds:
            document.complain((*path, "kind"), unknown(point.kind, known_kinds, "kind"))
        if point.area and point.area not in known_areas:
            document.complain((*path, "area"), unknown(point.area, known_areas, "area"))


def check_dependencies(
    document: Document, points: Placed, kinds: Mapping[str, KindSection], ids: Iterable[str]
) -> None:
    """What points and endpoints need exists, is no branch or anchor, and leads to no point by any way back to it."""
    known = set(ids)
    by_id = {point.id: point for _, point in points}
    edges: dict[str, list[tuple[str, Path]]] = {}
    for path, point in points:
        for place, needs in _needs(path, point, kinds):
            if needs and point.kind == "anchor":
                document.complain(place, "an anchor depends on nothing; leave depends_on out")
            for number, need in enumerate(needs):
                for parent in need.any_of:
                    edges.setdefault(point.id, []).append((parent, (*place, number)))
                    if refusal := _refused_parent(parent, known, by_id):
                        document.complain((*place, number), refusal)
    for cycle in _cycles({child: [parent for parent, _ in parents] for child, parents in edges.items()}):
        where = next(where for parent, where in edges[cycle[0]] if parent == cycle[1])
        text = f"depends on itself: {' -> '.join(cycle)}; take one of these away"
        document.complain(where, text)


def check_anchors(document: Document, points: Iterable[tuple[Path, Point]]) -> None:
    """An anchor is probed by IP address, so that a dead name server looks like no cut of our own network."""
    for path, point in points:
        for endpoint in point.endpoints if point.kind == "anchor" else ():
            host = host_of(endpoint.target)
            if not (is_address(host) or is_placeholder(host)):
                text = f"{host!r} is no IP address, by which an anchor is probed; write one such as 10.0.0.2"
                document.complain((*path, "host"), text)


def check_link(
    document: Document, path: Path, section: PointSection, endpoints: Sequence[Endpoint], kind: KindSection
) -> None:
    """Exactly one endpoint of a point is its link. Nothing is said while some of its endpoints are broken."""
    names = {name for name, own in section.endpoints.items() if own is not None}
    names |= {name for name in kind.endpoints if section.endpoints.get(name, ...) is not None}
    if len(names) > len(endpoints):
        return
    links = [endpoint.key.endpoint for endpoint in endpoints if endpoint.link]
    if needy := [endpoint.key.endpoint for endpoint in endpoints if endpoint.link and endpoint.depends_on]:
        own, place = section.endpoints.get(needy[0]), ("endpoints", needy[0], "depends_on")
        where = (*path, *place) if own is not None and own.depends_on else ("kinds", section.kind, *place)
        document.complain(where, "the link needs what its point needs; write depends_on at the point")
    where = path if section.endpoints or not kind.endpoints else ("kinds", section.kind, "endpoints")
    if not names:
        document.complain(path, "has no endpoint; write one under `endpoints:`, in it or in its kind")
    elif not links:
        document.complain(where, "has no link; write `link: true` at the endpoint that the others lie behind")
    elif len(links) > 1:
        document.complain(where, f"has several links: {', '.join(links)}; leave `link: true` at one of them")


def check_pace(document: Document, path: Path, endpoint: Endpoint) -> None:
    """A probe ends before the next is due, and has the time that it needs by its own design."""
    timeout, interval, span = endpoint.timeout, endpoint.interval, endpoint.module.options.span
    if timeout >= interval:
        text = f"the timeout of {_seconds(timeout)} is not shorter than the interval of {_seconds(interval)}"
        document.complain(path, f"{text}; lengthen the interval or shorten the timeout")
    elif span >= timeout:
        text = f"its probe takes at least {_seconds(span)}, and the timeout is {_seconds(timeout)}"
        document.complain(path, f"{text}; set a longer timeout and interval, or ask for less")


def _refused_parent(parent: str, known: Iterable[str], by_id: Mapping[str, PointSection]) -> str:
    """Why nothing may depend on it; "" when it may."""
    if parent not in known:
        return unknown(parent, known, "point")
    kind = by_id[parent].kind if parent in by_id else ""
    if kind == "branch":
        return f"{parent} is a branch, which only groups wards; name a circuit, a hub or a service"
    if kind == "anchor":
        return f"{parent} is an anchor, on which nothing depends; name a circuit, a hub or a service"
    return ""


def _needs(
    path: Path, point: PointSection, kinds: Mapping[str, KindSection]
) -> Iterator[tuple[Path, Sequence[DependencySection]]]:
    """What the point needs, and each of its endpoints, with the place that says it: the point's own wins."""
    kind, where = kinds.get(point.kind), ("kinds", point.kind)
    if point.depends_on is not None:
        yield (*path, "depends_on"), point.depends_on
    elif kind is not None:
        yield (*where, "depends_on"), kind.depends_on
    theirs = kind.endpoints if kind is not None else {}
    for name in theirs.keys() | point.endpoints.keys():
        own, common = point.endpoints.get(name), theirs.get(name)
        if own is not None and own.depends_on is not None:
            yield (*path, "endpoints", name, "depends_on"), own.depends_on
        elif common is not None and common.depends_on is not None and point.endpoints.get(name, ...) is not None:
            yield (*where, "endpoints", name, "depends_on"), common.depends_on


def _cycles(parents: Mapping[str, Sequence[str]]) -> list[list[str]]:
    """Each cycle once, as ``[a, b, a]``, by a depth-first walk that holds its own stack."""
    done: set[str] = set()
    found: list[list[str]] = []
    for start in parents:
        trail: list[str] = []
        stack = [(start, 0)]
        while stack:
            node, position = stack.pop()
            if position == 0:
                if node in trail:
                    found.append([*trail[trail.index(node) :], node])
                    continue
                if node in done:
                    continue
                trail.append(node)
            children = parents.get(node, ())
            if position < len(children):
                stack += [(node, position + 1), (children[position], 0)]
            else:
                done.add(node)
                trail.pop()
    return found


def check_once(document: Document, path: Path, value: str, seen: dict[str, int], field: str, noun: str) -> None:
    """No two have the same ``value``; ``seen`` gathers those so far with their lines."""
    line = document.line((*path, field))
    if value in seen:
        text = f"{value!r} is another {noun}'s {field} in line {seen[value]}; give each its own"
        document.complain((*path, field), text)
    else:
        seen[value] = line


def _seconds(duration: timedelta) -> str:
    return f"{duration.total_seconds():g}s"
