"""Whose fault: from the first failure on, through asking the neighbours, to the decision and what overrules it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

from monitor.board.asking import UNRESOLVED, Asking
from monitor.board.behind import Behind
from monitor.board.cases import Case, Cases, is_blamed_on_point, is_decided_since
from monitor.board.endpoint import EndpointState
from monitor.board.fates import Fates
from monitor.board.isolation import Isolation
from monitor.board.losses import Losses
from monitor.board.neighbours import Neighbours, node_of
from monitor.board.point import PointState
from monitor.board.relief import Relief
from monitor.config.model import Config
from monitor.health.confirm import Health
from monitor.health.points import ANSWERING, VANTAGE
from monitor.model import EndpointKey, Fault, FaultKind, Outcome, Result, Status, Transition

TAKE_OVER = timedelta(seconds=60)
"""A parent that is confirmed so long after its child still takes the child over."""
AT_ONCE = 512
"""So many steps of judgement at once: a hub with thousands of points behind it must not hold up the loop."""


class Causes:
    """Whose fault the board's failures are: it opens a case with each first failure and lays blames on points.

    :meth:`hear` takes note of a result, :meth:`judge` decides what can be decided and settles the points concerned;
    it is ``behind`` when that was too much for once.
    """

    def __init__(self, *, planned: Callable[[str], bool]) -> None:
        self.cases = Cases()
        self.isolation = Isolation()
        self.asking = Asking(self.cases)
        self.behind_links = Behind(self.cases)
        self.losses = Losses(self.cases, planned=planned)
        self.fates = Fates(self.cases, self.losses)
        self.relief = Relief(self.losses, self.fates, self.isolation)
        self._ready: list[Case] = []
        self._touched: dict[str, datetime] = {}
        self._rows: list[Transition] = []
        self.behind = False

    def arrange(
        self, config: Config, points: Mapping[str, PointState], states: Mapping[EndpointKey, EndpointState]
    ) -> None:
        """Lay out the configuration's points and what they need."""
        self.neighbours = Neighbours(config)
        self.points, self.states = points, states
        self.asking.arrange(self.neighbours, states, window=config.common_fate.window)
        self.behind_links.arrange(states)
        self.losses.arrange(self.neighbours, points, states)
        self.fates.arrange(config, self.neighbours, states)

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
            asked = self.asking.ask(case, case.begin, now)
        elif result.outcome is Outcome.DOWN:
            asked = self._fails_on(case, before, result, now)
        else:
            asked = [] if before.down.length else self.relief.answers(case, result)
            if not fails:
                asked += self._release(case, state, result, now)
        if down.holds and case.confirmed is None:
            self._confirm(case, now)
        return asked

    def answered(self, key: EndpointKey) -> None:
        """Take note that an endpoint that is awaited has a known result."""
        for case in self.cases.waiting_for(key):
            elder = key.point in self.neighbours.ancestors(case.node)
            if key != case.key and self.asking.has_answered(key, case.begin, elder=elder):
                self.cases.answered(case, key)
                if not case.unanswered or elder or key.point in self.neighbours.anchors:
                    self._ready.append(case)

    def is_pressing(self, state: EndpointState, outcome: Outcome) -> bool:
        """Whether it is to be probed again soon for others' sake, or because it goes on failing although what it needs
        is back."""
        key = state.endpoint.key
        if outcome is Outcome.UNKNOWN:
            return key in self.cases.awaited or self.behind_links.wants_link(key)
        case = self.cases.get(node_of(state.endpoint))
        return case is not None and 0 < len(case.anew) < state.policy.down_after

    def _confirm(self, case: Case, now: datetime) -> None:
        case.confirmed = now
        if case.fault is None:
            self.reconsider(case, now)

    def reconsider(self, case: Case, now: datetime) -> None:
        """Let it be decided, at the latest one timeout from now; what is behind a link that is back must be heard of
        itself, too."""
        endpoint, of_itself = self.states[case.key].endpoint, case.behind_since is not None
        if case.relieved is not None:
            case.relieved, case.anew = None, []
        case.fault = None
        anew = (endpoint.down_after + 1) * (endpoint.timeout + endpoint.retry_every)
        case.deadline = now + (anew if of_itself else endpoint.timeout)
        self.cases.wait(case, self.asking.unanswered(case) | ({case.key} if of_itself else set()))
        self._ready.append(case)

    # -- what goes on, answers, is released ---------------------------------------------------------------------------

    def _fails_on(self, case: Case, before: Health, result: Result, now: datetime) -> list[EndpointKey]:
        if before.down.holds and before.down.length:
            self.relief.fails_again(case)
        since = case.relieved or case.behind_since
        if since is not None and result.begun > since:
            case.anew.append(result.begun)
            asked = self.asking.ask(case, result.begun, now) if len(case.anew) == 1 else []
            if case.relieved is not None:
                self._split_when_due(case, now)
            elif case.waits and self.behind_links.stands(case):
                self._ready.append(case)
            return asked
        again = case.confirmed is None and before.down.length + 1 == UNRESOLVED
        return self.asking.ask(case, case.begin, now, again=True) if again else []

    def _release(self, case: Case, state: EndpointState, result: Result, now: datetime) -> list[EndpointKey]:
        self.cases.close(case)
        at = next((change.at for change in state.health.decided if change.status in ANSWERING), result.begun)
        if case.confirmed is not None:
            self._blame(case, at, "")
        elif (held := self.points[case.key.point].held) is not None:
            self.touch(case.key.point, held)
        hasten = self._leave_fates(case, result, now)
        for child in self.losses.blamed_through(case.node):
            if case.confirmed is not None:
                self._split_when_due(child, now)
            elif self.relief.is_relieved(child):
                self.reconsider(child, now)  # the parent was only suspected
        for other in self.behind_links.link_is_back(case, at) if state.endpoint.link else ():
            self.reconsider(other, now)
        return hasten

    def _leave_fates(self, case: Case, result: Result, now: datetime) -> list[EndpointKey]:
        """What is back counts against the common fates that took it; those that are over are closed."""
        hasten: list[EndpointKey] = []
        for common in [found for found in self.fates.open.values() if case.node in found.taken]:
            common.back.add(case.node)
            if common.over:
                hasten += self.fates.relieve(common, result.begun)
                self.fates.close(common)
                for child in self.fates.taken(common):
                    self._split_when_due(child, now)
        return hasten

    def _split_when_due(self, case: Case, now: datetime) -> None:
        """What goes on failing although what it was blamed on is back is judged anew, from its first failure since."""
        if self.relief.is_due(case, self.states[case.key].policy.down_after):
            common = self.fates.of(case)
            if common is not None:
                self.fates.leave(case.node, common)
            case.begin = case.anew[0]
            self.reconsider(case, now)

    # -- deciding -----------------------------------------------------------------------------------------------------

    def age(self, now: datetime) -> None:
        """What has waited for its deadline waits no more."""
        self._ready += [case for case in self.cases.waiting.values() if case.deadline and case.deadline <= now]

    def judge(self, now: datetime, recorded_at: datetime, *, most: int = AT_ONCE) -> list[Transition]:
        """Decide what can be decided; the rows of the points concerned. What is over ``most`` waits for the next."""
        for _ in range(most):
            if self._ready:
                case = self._ready.pop()
                if self.cases.get(case.node) is case and case.waits:
                    self._decide(case, now, recorded_at)
            elif self._touched:
                name = next(iter(self._touched))
                self._rows += self.settle(name, self._touched.pop(name), now, recorded_at)
            else:
                break
        self.behind = bool(self._ready or self._touched)
        rows, self._rows = self._rows, []
        return rows

    def judge_all(self, now: datetime) -> list[Transition]:
        """Decide whatever can be decided, however long that takes."""
        rows = self.judge(now, now)
        while self.behind:
            rows += self.judge(now, now)
        return rows

    def settle(self, name: str, begin: datetime, now: datetime, recorded_at: datetime) -> list[Transition]:
        """Settle a point unless its cause is undecided; note what its being lost or back means for others."""
        point = self.points[name]
        rows = point.settle(begin, recorded_at, hold=self._holds(name))
        lost = self.losses.note(name)
        if lost is not None:
            self._turn(name, lost, now)
        return rows

    def touch(self, name: str, begin: datetime) -> None:
        """Let a point be settled by the next :meth:`judge`."""
        self._touched[name] = min(begin, self._touched.get(name, begin))

    def _holds(self, name: str) -> bool:
        """Whether a point waits for its cause; one that lacks a spare also for whether it is cut off altogether."""
        link, point = self.cases.get(name), self.points[name]
        if link is not None and link.confirmed is None and point.blamed("") and not point.is_unknown:
            return True
        return any(
            case.waits and (link is None or case is link or link.confirmed is None)
            for case in self.cases.of_point(name)
        )

    def _decide(self, case: Case, now: datetime, recorded_at: datetime) -> None:
        """The order of judgement: isolated, a parent, a common fate, its own."""
        late = case.deadline is not None and now >= case.deadline
        if self.behind_links.is_moot(case, now, late=late):
            self._share_fault(case)
            return
        if self._is_isolated(case, late=late, recorded_at=recorded_at):
            return
        ancestors = self.neighbours.ancestors(case.node)
        if not late and any(key.point in ancestors for key in case.unanswered):
            return
        parent = self.losses.root(case.node, self.losses.failing(case.node, suspect=late))
        if parent is not None:
            self.attribute(case, Fault(FaultKind.POINT, parent), now)
        elif (common := self.fates.joined(case)) is not None:
            self.attribute(case, common.fault, now)
        elif late or not case.unanswered:
            self._decide_alone(case, now)

    def _is_isolated(self, case: Case, *, late: bool, recorded_at: datetime) -> bool:
        """Whether the vantage is isolated, by the failure of a link, or whether that is still to be found out."""
        if not self.neighbours.is_link(case.node):
            return False
        if not late and any(self.neighbours.keys[each] in case.unanswered for each in self.neighbours.anchors):
            return True
        if not self.isolation.begins(self, case):
            return False
        if late or not case.unanswered:
            self._rows += self.isolation.begin(self, recorded_at)
        return True

    def _decide_alone(self, case: Case, now: datetime) -> None:
        """No parent and no fate that is known: is there one that isn't yet? It takes over those decided just before."""
        found = self.fates.found(case)
        if found is None:
            self.attribute(case, None, now)
            return
        fault, nodes = found
        common = self.fates.get_or_open(fault, links=self.neighbours.is_link(case.node))
        self.attribute(case, fault, now)
        for other in [self.cases.get(node) for node in sorted(nodes - {case.node})]:
            if other is None:
                continue
            common.taken.add(other.node)
            if other.waits:
                self._ready.append(other)
            elif is_decided_since(other, now - self.fates.window) and not is_blamed_on_point(other):
                self.attribute(other, fault, now)

    def attribute(self, case: Case, fault: Fault | None, now: datetime) -> None:
        """Decide a case (None: it is its own), from its begin on."""
        before = self.fates.of(case)
        if before is not None and before.fault != fault:
            self.fates.leave(case.node, before)
        case.fault, case.decided, case.relieved, case.anew = str(fault) if fault else "", now, None, []
        case.behind_since = None
        self.cases.rest(case)
        self._blame(case, case.blamed_from, case.fault)
        common = self.fates.of(case)
        if common is not None:
            common.taken.add(case.node)
        if self.neighbours.is_link(case.node):
            for other in self.cases.of_point(case.key.point):
                self._share_fault(other)
        for child in self.neighbours.users.get(case.node, ()):
            self.weigh_spares(child, case.blamed_from)

    def _share_fault(self, case: Case) -> None:
        """What failed a moment before its link, and is back a moment after it, did so by the same fault."""
        link = self.cases.get(case.key.point)
        if case.waits and link is not None and link is not case and link.fault and link.fault != VANTAGE:
            self._blame(case, case.begin, link.fault)

    def _blame(self, case: Case, at: datetime, fault: str) -> None:
        self.points[case.key.point].blame(case.key.endpoint, at, fault)
        self.touch(case.key.point, at)

    def _turn(self, name: str, lost: bool, now: datetime) -> None:
        """A point is lost, or is back: children are taken over, spare paths are lost or back."""
        case, track = self.cases.get(name), self.points[name].link
        at = case.begin if lost and case is not None else (track.track[-1].at if track and track.track else now)
        for child in self.neighbours.users.get(name, ()):
            self.weigh_spares(child, at)
        if not lost:
            return
        if case is not None:
            self.relief.fails_again(case)
        for node in sorted(self.neighbours.dependants(name)):
            other = self.cases.get(node)
            if other is None or not is_decided_since(other, now - TAKE_OVER):
                continue
            root = self.losses.root(node)
            fault = Fault(FaultKind.POINT, root or "")
            if root is not None and other.fault is not None and other.fault != str(fault):
                self.attribute(other, fault, now)

    # -- who is concerned ---------------------------------------------------------------------------------------------

    def weigh_spares(self, child: str, at: datetime) -> None:
        """From ``at`` on a point may have lost a spare path, or have it back."""
        wanted = self.losses.spare(child)
        if wanted != self.points[child].blamed(""):
            self.points[child].blame("", at, wanted)
            self.touch(child, at)
