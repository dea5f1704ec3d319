"""Whose fault: from the first failure on, through asking the neighbours, to the decision and what overrules it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta

from monitor.board.cases import Case, Cases, CommonFate
from monitor.board.endpoint import LONG_AGO, EndpointState
from monitor.board.isolation import Isolation
from monitor.board.neighbours import Neighbours, Node, node_of
from monitor.board.point import PointState
from monitor.config.model import Config
from monitor.health import fate, topology
from monitor.health.confirm import Health
from monitor.health.points import ANSWERING
from monitor.model import EndpointKey, Fault, FaultKind, Outcome, Result, Status, Transition

TAKE_OVER = timedelta(seconds=60)
"""A parent that is confirmed so long after its child still takes the child over."""
UNRESOLVED = 2
"""So many failures in a row, and a parent counts as failing before its failure is confirmed."""


class Causes:
    """Whose fault the board's failures are: it opens a case with each first failure and lays blames on points.

    :meth:`hear` takes note of a result, :meth:`judge` decides what can be decided and settles the points concerned.
    """

    def __init__(self) -> None:
        self.cases = Cases()
        self.isolation = Isolation()
        self.fates: dict[tuple[str, bool], CommonFate] = {}
        self.lost: set[str] = set()
        self._asked: dict[EndpointKey, datetime] = {}
        self._ready: list[Case] = []
        self._touched: dict[str, datetime] = {}
        self._rows: list[Transition] = []

    def arrange(
        self, config: Config, points: Mapping[str, PointState], states: Mapping[EndpointKey, EndpointState]
    ) -> None:
        """Lay out the configuration's points and what they need."""
        self.config = config
        self.neighbours = Neighbours(config)
        self.points = points
        self.states = states

    # -- hearing ------------------------------------------------------------------------------------------------------

    def hear(self, state: EndpointState, before: Health, result: Result, now: datetime) -> list[EndpointKey]:
        """Take note of a result of what fails or failed; whom to ask because of it."""
        if result.outcome is Outcome.UNKNOWN:
            return []
        down, node = state.health.down, node_of(state.endpoint)
        fails, case = down.holds or down.length > 0, self.cases.get(node)
        if case is None:
            if not fails:
                return []
            begin = next((change.at for change in state.health.decided if change.status is Status.DOWN), result.begun)
            case = self.cases.open(Case(node, state.endpoint.key, down.first or begin))
            asked = self.ask(case, case.begin, now)
        elif result.outcome is Outcome.DOWN:
            asked = self._fails_on(case, before, result, now)
        else:
            asked = [] if before.down.length else self._answers(case, result)
            if not fails:
                asked += self._release(case, state, result, now)
        if down.holds and case.confirmed is None:
            self._confirm(case, now)
        return asked

    def answered(self, key: EndpointKey) -> None:
        """Take note that an endpoint that is awaited has a known result."""
        for case in self.cases.waiting_for(key):
            elder = key.point in self.neighbours.ancestors(case.node)
            if self._has_answered(key, case.begin, elder=elder):
                self.cases.answered(case, key)
                if not case.unanswered or elder or key.point in self.neighbours.anchors:
                    self._ready.append(case)

    def confirms_anew(self, state: EndpointState) -> bool:
        """Whether it goes on failing although what it was blamed on is back, so that it is to be probed again soon."""
        case = self.cases.get(node_of(state.endpoint))
        return case is not None and case.relieved is not None and 0 < len(case.anew) < state.policy.down_after

    def ask(self, case: Case, begin: datetime, now: datetime, *, again: bool = False) -> list[EndpointKey]:
        """Whom to probe because of a failure that began at ``begin``; what must answer is noted in the case.

        Parents and anchors are asked each time. Of siblings each is asked once per window, for blips are common, but
        once more when the failure is seen ``again``.
        """
        neighbours, window = self.neighbours, self.config.common_fate.window
        elders = [*sorted(neighbours.ancestors(case.node)), *neighbours.anchors]
        elder_keys = [neighbours.keys[each] for each in elders if each in neighbours.keys and each != case.node]
        hasten = [key for key in elder_keys if not self._is_asked(key, begin)]
        case.asked |= set(elder_keys)
        for sibling in neighbours.siblings(case.node):
            key = neighbours.keys[sibling]
            if sibling in self.cases or self._has_answered(key, begin):
                continue
            asked = self._asked.get(key, LONG_AGO)
            if asked < begin and (again or asked + window <= now):
                hasten.append(key)
                asked = now
            if asked >= begin:
                case.asked.add(key)
        self._asked.update(dict.fromkeys(hasten, now))
        return hasten

    def _is_asked(self, key: EndpointKey, begin: datetime) -> bool:
        return self._asked.get(key, LONG_AGO) >= begin or self._has_answered(key, begin)

    def _has_answered(self, key: EndpointKey, begin: datetime, *, elder: bool = False) -> bool:
        """Whether an endpoint has a known result begun since then, or fails; with an elder one failure is no answer."""
        state = self.states.get(key)
        if state is None:
            return True
        health = state.health
        if health.down.holds:
            return True
        if health.down.length:
            return not elder or health.down.length >= UNRESOLVED
        return health.known is not None and health.known >= begin

    def _confirm(self, case: Case, now: datetime) -> None:
        case.confirmed = now
        if case.fault is None:
            self.reconsider(case, now)

    def reconsider(self, case: Case, now: datetime) -> None:
        """Let it be decided, at the latest one timeout from now."""
        case.fault, case.relieved, case.anew = None, None, []
        case.deadline = now + self.states[case.key].endpoint.timeout
        ancestors = self.neighbours.ancestors(case.node)
        self.cases.wait(
            case,
            {key for key in case.asked if not self._has_answered(key, case.begin, elder=key.point in ancestors)},
        )
        self._ready.append(case)

    # -- what goes on, answers, is released ---------------------------------------------------------------------------

    def _fails_on(self, case: Case, before: Health, result: Result, now: datetime) -> list[EndpointKey]:
        if before.down.holds and before.down.length:
            self._fails_again(case)
        if case.relieved is not None and result.begun > case.relieved:
            case.anew.append(result.begun)
            asked = self.ask(case, result.begun, now) if len(case.anew) == 1 else []
            self._split_when_due(case, now)
            return asked
        again = case.confirmed is None and before.down.length + 1 == UNRESOLVED
        return self.ask(case, case.begin, now, again=True) if again else []

    def _fails_again(self, case: Case) -> None:
        """One answer was no recovery: what was blamed on it still is."""
        for child in self._blamed_through(case.node):
            if child.relieved is not None and not self._is_relieved(child, answering=True):
                child.relieved, child.anew = None, []
        common = self._fate_of(case)
        if common is not None:
            common.answering.discard(case.node)
            if not common.relieved:
                for child in self._taken(common):
                    child.relieved, child.anew = None, []

    def _answers(self, case: Case, result: Result) -> list[EndpointKey]:
        """The first answer of what failed: those that were blamed on it are probed again."""
        hasten = []
        for child in self._blamed_through(case.node):
            if child.relieved is None and self._is_relieved(child, answering=True):
                child.relieved = result.begun
                hasten.append(child.key)
        common = self._fate_of(case)
        if common is not None:
            common.answering.add(case.node)
            if common.relieved:
                hasten += self._relieve(common, result.begun)
        return hasten

    def _relieve(self, common: CommonFate, at: datetime) -> list[EndpointKey]:
        hasten = []
        for child in self._taken(common):
            if child.relieved is None and child.node not in common.answering:
                child.relieved = at
                hasten.append(child.key)
        return hasten

    def _release(self, case: Case, state: EndpointState, result: Result, now: datetime) -> list[EndpointKey]:
        self.cases.close(case)
        if case.confirmed is not None:
            at = next((change.at for change in state.health.decided if change.status in ANSWERING), result.begun)
            self._blame(case, at, "")
        hasten = self._leave_fates(case, result, now)
        for child in self._blamed_through(case.node):
            if case.confirmed is not None:
                self._split_when_due(child, now)
            elif self._is_relieved(child):
                self.reconsider(child, now)  # the parent was only suspected
        behind = self.cases.of_point(case.key.point) if state.endpoint.link else ()
        for other in behind:
            if other.waits:
                self.reconsider(other, now)
        return hasten

    def _leave_fates(self, case: Case, result: Result, now: datetime) -> list[EndpointKey]:
        """What is back counts against the common fates that took it; those that are over are closed."""
        hasten: list[EndpointKey] = []
        for common in [found for found in self.fates.values() if case.node in found.taken]:
            common.back.add(case.node)
            if common.over:
                hasten += self._relieve(common, result.begun)
                del self.fates[str(common.fault), common.links]
                for child in self._taken(common):
                    self._split_when_due(child, now)
        return hasten

    def _split_when_due(self, case: Case, now: datetime) -> None:
        """What goes on failing although what it was blamed on is back is judged anew, from its first failure since."""
        if case.relieved is None or len(case.anew) < self.states[case.key].policy.down_after:
            return
        if not self._is_relieved(case):
            return
        common = self._fate_of(case)
        if common is not None:
            common.taken.discard(case.node)
        case.begin = case.anew[0]
        self.reconsider(case, now)

    def _is_relieved(self, case: Case, *, answering: bool = False) -> bool:
        """Whether what it is blamed on fails no more; ``answering``: one answer will do."""
        if not case.fault:
            return False
        fault = Fault.parse(case.fault)
        if fault.kind is FaultKind.POINT:
            failing = self.failing(case.node, answering=answering)
            return fault.subject not in failing or topology.root(case.node, self.neighbours.needs, failing) is None
        if fault.kind is FaultKind.VANTAGE:
            return not self.isolation.on
        common = self._fate_of(case)
        return common is None or (common.relieved if answering else common.over)

    # -- deciding -----------------------------------------------------------------------------------------------------

    def age(self, now: datetime) -> None:
        """What has waited for its deadline waits no more."""
        self._ready += [case for case in self.cases.waiting.values() if case.deadline and case.deadline <= now]

    def judge(self, now: datetime, recorded_at: datetime) -> list[Transition]:
        """Decide what can be decided; the rows of the points concerned."""
        while self._ready or self._touched:
            while self._ready:
                case = self._ready.pop()
                if self.cases.get(case.node) is case and case.waits:
                    self._decide(case, now, recorded_at)
            touched, self._touched = self._touched, {}
            for name, begin in touched.items():
                self._rows += self.settle(name, begin, now, recorded_at)
        rows, self._rows = self._rows, []
        return rows

    def settle(self, name: str, begin: datetime, now: datetime, recorded_at: datetime) -> list[Transition]:
        """Settle a point unless its cause is undecided; note what its being lost or back means for others."""
        point = self.points[name]
        rows = point.settle(begin, recorded_at, hold=self._holds(name))
        lost = self._is_lost(name)
        if lost is not (name in self.lost):
            (self.lost.add if lost else self.lost.discard)(name)
            self._turn(name, lost, now)
        return rows

    def touch(self, name: str, begin: datetime) -> None:
        """Let a point be settled by the next :meth:`judge`."""
        self._touched[name] = min(begin, self._touched.get(name, begin))

    def _holds(self, name: str) -> bool:
        link = self.cases.get(name)
        return any(
            case.waits and (link is None or case is link or link.confirmed is None)
            for case in self.cases.of_point(name)
        )

    def _decide(self, case: Case, now: datetime, recorded_at: datetime) -> None:
        """The order of judgement: isolated, a parent, a common fate, its own."""
        late = case.deadline is not None and now >= case.deadline
        if self._is_moot(case, late=late) or self._is_isolated(case, late=late, recorded_at=recorded_at):
            return
        ancestors = self.neighbours.ancestors(case.node)
        if not late and any(key.point in ancestors for key in case.unanswered):
            return
        failing = self.failing(case.node, suspect=late)
        parent = topology.root(case.node, self.neighbours.needs, failing)
        if parent is not None:
            self.attribute(case, Fault(FaultKind.POINT, parent), now)
        elif (common := self._open_fate(case)) is not None:
            self.attribute(case, common.fault, now)
        elif late or not case.unanswered:
            self._decide_alone(case, now)

    def _is_moot(self, case: Case, *, late: bool) -> bool:
        """What lies behind a link that is down says nothing until that is back."""
        link = self.cases.get(case.key.point)
        if link is None or link is case:
            return False
        if link.confirmed is not None:
            self.cases.rest(case)
            return True
        return not late

    def _is_isolated(self, case: Case, *, late: bool, recorded_at: datetime) -> bool:
        """Whether the vantage is isolated, by the failure of a link, or whether that is still to be found out."""
        if not self.neighbours.is_link(case.node):
            return False
        if not late and any(self.neighbours.keys[each] in case.unanswered for each in self.neighbours.anchors):
            return True
        if not self.isolation.begins(self):
            return False
        if late or not case.unanswered:
            self._rows += self.isolation.begin(self, recorded_at)
        return True

    def _decide_alone(self, case: Case, now: datetime) -> None:
        """No parent and no fate that is known: is there one that isn't yet?"""
        found = fate.common_fate(
            list(self._seen(case)),
            labels=self.config.common_fate.labels,
            window=self.config.common_fate.window,
            around=case.begin,
        )
        for each in found:
            if case.node in each.points:
                self._found(case, each, now)
                return
        self.attribute(case, None, now)

    def _found(self, case: Case, found: fate.Fate, now: datetime) -> None:
        """Open a common fate, and take over those that were decided just before."""
        links, fault = self.neighbours.is_link(case.node), found.fault
        if not links and fault.kind is FaultKind.NETWORK:
            fault = Fault(FaultKind.LABEL, f"endpoint={case.key.endpoint}")
        common = self.fates.setdefault((str(fault), links), CommonFate(fault, links))
        self.attribute(case, fault, now)
        for node in sorted(found.points):
            other = self.cases.get(node)
            if other is None or other is case:
                continue
            common.taken.add(node)
            if other.waits:
                self._ready.append(other)
            elif _decided_since(other, now - self.config.common_fate.window) and not _has_point(other):
                self.attribute(other, fault, now)

    def _seen(self, case: Case) -> Iterator[fate.Seen]:
        """What was observed since the case began of those that it may have something in common with."""
        neighbours, links = self.neighbours, self.neighbours.is_link(case.node)
        for node in neighbours.links if links else neighbours.groups[f"endpoint={case.key.endpoint}"]:
            key = neighbours.keys[node]
            other = self.cases.get(node)
            if other is None:
                known = self.states[key].health.known
                if known is not None and known >= case.begin and (links or key.point not in self.cases):
                    yield fate.Seen(node, neighbours.labels[node], None)
            elif (links or key.point not in self.cases) and not self._has_parent(other):
                yield fate.Seen(node, neighbours.labels[node], other.begin)

    def _has_parent(self, case: Case) -> bool:
        if case.fault is not None:
            return _has_point(case)
        return topology.root(case.node, self.neighbours.needs, self.failing(case.node)) is not None

    def attribute(self, case: Case, fault: Fault | None, now: datetime) -> None:
        """Decide a case (None: it is its own), from its begin on."""
        before = self._fate_of(case)
        if before is not None and before.fault != fault:
            before.taken.discard(case.node)
            if not before.taken:
                del self.fates[str(before.fault), before.links]
        case.fault, case.decided, case.relieved, case.anew = str(fault) if fault else "", now, None, []
        self.cases.rest(case)
        self._blame(case, case.begin, case.fault)
        common = self._fate_of(case)
        if common is not None:
            common.taken.add(case.node)

    def _blame(self, case: Case, at: datetime, fault: str) -> None:
        self.points[case.key.point].blame(case.key.endpoint, at, fault)
        self.touch(case.key.point, at)

    # -- what is lost -------------------------------------------------------------------------------------------------

    def failing(self, node: Node, *, suspect: bool = False, answering: bool = False) -> dict[str, datetime]:
        """Since when those that a node needs fail, of those that do.

        ``suspect``: one failure will do. ``answering``: one answer will do to be well.
        """
        found = {}
        for name in self.neighbours.ancestors(node):
            case = self.cases.get(name)
            if case is None:
                continue
            down = self.states[case.key].health.down
            if case.confirmed is not None:
                fails = self._is_lost(name) and not (answering and (down.length > 0 or not down.holds))
            else:
                fails = down.length >= (1 if suspect else UNRESOLVED)
            if fails:
                found[name] = case.begin
        return found

    def _is_lost(self, name: str) -> bool:
        """Whether a point's link is confirmed down, and nothing behind it answers."""
        case = self.cases.get(name)
        if case is None or case.confirmed is None:
            return False
        track = self.states[case.key].track
        return self.points[name].cut or not track or track[-1].status is not Status.DOWN

    def _turn(self, name: str, lost: bool, now: datetime) -> None:
        """A point is lost, or is back: children are taken over, spare paths are lost or back."""
        case, track = self.cases.get(name), self.points[name].link
        at = case.begin if lost and case is not None else (track.track[-1].at if track and track.track else now)
        for child in self.neighbours.users.get(name, ()):
            self.weigh_spares(child, at)
        if not lost:
            return
        for node in sorted(self.neighbours.dependants(name)):
            other = self.cases.get(node)
            if other is None or not _decided_since(other, now - TAKE_OVER):
                continue
            root = topology.root(node, self.neighbours.needs, self.failing(node))
            fault = Fault(FaultKind.POINT, root or "")
            if root is not None and other.fault is not None and other.fault != str(fault):
                self.attribute(other, fault, now)

    def weigh_spares(self, child: str, at: datetime) -> None:
        point = self.points[child]
        members = {member for dependency in self.neighbours.needs.get(child, ()) for member in dependency}
        failing = {each: case.begin for each in members & self.lost if (case := self.cases.get(each)) is not None}
        spares = [
            str(Fault(FaultKind.POINT, each)) for each in topology.spares_lost(child, self.neighbours.needs, failing)
        ]
        current = point.blamed("")
        stays = any(current == str(Fault(FaultKind.POINT, each)) for each in failing)
        wanted = current if stays else next(iter(spares), "")
        if wanted != current:
            point.blame("", at, wanted)
            self.touch(child, at)

    def note_lost(self) -> None:
        """See which points are lost, when that is no change."""
        self.lost = {case.node for case in self.cases if case.node in self.points and self._is_lost(case.node)}

    def forget_asked(self) -> None:
        self._asked.clear()

    # -- who is concerned ---------------------------------------------------------------------------------------------

    def _blamed_through(self, node: Node) -> list[Case]:
        """The cases of those that need a point, and are blamed on one that they need."""
        if " " in node:
            return []
        found = (self.cases.get(each) for each in sorted(self.neighbours.dependants(node)))
        return [case for case in found if case is not None and _has_point(case)]

    def _taken(self, common: CommonFate) -> list[Case]:
        found = (self.cases.get(node) for node in sorted(common.taken))
        return [case for case in found if case is not None and case.fault == str(common.fault)]

    def _fate_of(self, case: Case) -> CommonFate | None:
        return self.fates.get((case.fault, " " not in case.node)) if case.fault else None

    def _open_fate(self, case: Case) -> CommonFate | None:
        """The open common fate that the failure belongs to."""
        labels = self.neighbours.labels.get(case.node)
        if labels is None:
            return None
        for (_, links), common in self.fates.items():
            label, _, value = common.fault.subject.partition("=")
            fits = common.fault.kind is FaultKind.NETWORK or labels.get(label) == value
            if fits and links is self.neighbours.is_link(case.node) and not common.over:
                return common
        return None


def _has_point(case: Case) -> bool:
    """Whether it is blamed on a point."""
    return case.fault is not None and case.fault.startswith(f"{FaultKind.POINT}:")


def _decided_since(case: Case, moment: datetime) -> bool:
    return case.fault is not None and case.confirmed is not None and case.decided is not None and case.decided >= moment
