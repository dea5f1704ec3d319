"""What surrounds what fails: whom it needs, whom it shares something with, and the anchors. From the configuration."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice

from monitor.config.model import Config, Dependency, Endpoint, Point
from monitor.health import topology
from monitor.model import EndpointKey

SIBLINGS = 100
"""At most so many are asked because of one failure; a tenth of them are strangers, to tell a label from the network."""
NAMESAKES = 10
"""At most so many endpoints of the same name are asked because of one failure behind a link."""
_STRANGERS = SIBLINGS // 10

Node = str
"""What can fail by itself: a point by its link (the point's id), or an endpoint behind it (``point endpoint``)."""


def node_of(endpoint: Endpoint) -> Node:
    """An endpoint as a node."""
    return endpoint.key.point if endpoint.link else f"{endpoint.key.point} {endpoint.key.endpoint}"


class Neighbours:
    """See the module. ``keys`` are the endpoints that are probed, by node; ``labels`` those that count, by node.

    ``groups`` are the nodes under each value of a label (``label=value``), ``users`` the points that have each point as
    one of several that will do, for themselves or for an endpoint: ``choosers`` are these nodes by point.
    """

    def __init__(self, config: Config) -> None:
        self.anchors = tuple(point.id for point in config.points if point.kind == "anchor" and _link(point) is not None)
        self.keys: dict[Node, EndpointKey] = {}
        self.labels: dict[Node, Mapping[str, str]] = {}
        self.groups: dict[str, list[Node]] = {}
        self.users: dict[str, list[str]] = {}
        self.choosers: dict[str, list[Node]] = {}
        self._needs: dict[Node, Sequence[tuple[str, ...]]] = {}
        self._ancestors: dict[Node, frozenset[str]] = {}
        self._dependants: dict[str, frozenset[Node]] = {}
        for point in config.points:
            self._place(point, config.common_fate.labels)
        self._children: dict[str, list[Node]] = {}
        for node, dependencies in self._needs.items():
            for member in {member for dependency in dependencies for member in dependency}:
                self._children.setdefault(member, []).append(node)
        self.links = [node for node in self.labels if self.is_link(node)]

    @property
    def needs(self) -> topology.Needs:
        """What each node needs: points, each alone or any of several."""
        return self._needs

    def is_link(self, node: Node) -> bool:
        return " " not in node

    def ancestors(self, node: Node) -> frozenset[str]:
        """Every point that it needs, directly or through others."""
        if node not in self._ancestors:
            self._ancestors[node] = topology.ancestors(node, self._needs)
        return self._ancestors[node]

    def dependants(self, point: str) -> frozenset[Node]:
        """Every node that needs the point, directly or through others."""
        if point not in self._dependants:
            found: set[Node] = set()
            waiting = [point]
            while waiting:
                fresh = set(self._children.get(waiting.pop(), ())) - found
                found |= fresh
                waiting += fresh
            self._dependants[point] = frozenset(found)
        return self._dependants[point]

    def shared(self, node: Node) -> list[str]:
        """The values (``label=value``) that it shares with others, those of the fewest first."""
        values = [f"{label}={value}" for label, value in self.labels.get(node, {}).items()]
        return sorted((value for value in values if len(self.groups[value]) > 1), key=lambda it: len(self.groups[it]))

    def siblings(self, node: Node) -> list[Node]:
        """Whom to ask when it fails: those that share a value with it, the narrowest groups first, and strangers."""
        most = SIBLINGS if self.is_link(node) else NAMESAKES
        strangers = _STRANGERS if self.is_link(node) else NAMESAKES // 2
        everyone = self.links if self.is_link(node) else self.groups.get(_name(self.keys[node]), [])
        found = dict.fromkeys(islice(self._kin(node), most - strangers + 1))
        found.update(dict.fromkeys(spread(everyone, most - strangers)))
        found.pop(node, None)
        return list(islice(found, most))

    def _kin(self, node: Node) -> Iterator[Node]:
        """Nodes of the same sort that share a value with it; of many some from everywhere."""
        sort = "" if self.is_link(node) else " " + self.keys[node].endpoint
        yield node
        met = {node}
        for value in self.shared(node):
            if not value.startswith("endpoint="):
                for each in spread(self.groups[value], SIBLINGS):
                    kin = each + sort
                    if kin in self.keys and kin not in met:
                        met.add(kin)
                        yield kin

    def _place(self, point: Point, wanted: Sequence[str]) -> None:
        if point.depends_on:
            self._need(point.id, point.id, point.depends_on)
        values = dict(point.labels) | ({"area": point.area} if point.area else {})
        labels = {label: values[label] for label in wanted if values.get(label)}
        for endpoint in point.endpoints:
            if not endpoint.declared:
                continue
            node = node_of(endpoint)
            self.keys[node] = endpoint.key
            if endpoint.depends_on:
                self._need(node, point.id, endpoint.depends_on)
            if point.kind == "anchor":
                continue
            self.labels[node] = labels if endpoint.link else {"endpoint": endpoint.key.endpoint} | labels
            names = [_name(endpoint.key)] if not endpoint.link else [f"{name}={it}" for name, it in labels.items()]
            for name in names:
                self.groups.setdefault(name, []).append(node)

    def _need(self, node: Node, point: str, dependencies: Sequence[Dependency]) -> None:
        self._needs[node] = tuple(dependency.any_of for dependency in dependencies)
        spared = [member for dependency in dependencies if len(dependency.any_of) > 1 for member in dependency.any_of]
        if spared:
            self.choosers.setdefault(point, []).append(node)
        for member in spared:
            users = self.users.setdefault(member, [])
            if point not in users:
                users.append(point)


def spread(nodes: Sequence[Node], most: int) -> Sequence[Node]:
    """At most so many of them, from everywhere."""
    return nodes if len(nodes) <= most else nodes[:: -(-len(nodes) // most)]


def _name(key: EndpointKey) -> str:
    return f"endpoint={key.endpoint}"


def _link(point: Point) -> Endpoint | None:
    return next((endpoint for endpoint in point.endpoints if endpoint.link and endpoint.declared), None)
