"""The JSON interface's handlers for planned work: the file's windows and those that operators make."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Annotated, Literal

from aiohttp import web
from pydantic import AwareDatetime, Field, model_validator

from monitor.calendar.model import Window
from monitor.calendar.windows import covers, in_force, spans, validate
from monitor.config.model import Config
from monitor.web import operator_records as records
from monitor.web.access import Scope
from monitor.web.documents import ParameterProblem
from monitor.web.keys import ACCESS, BOARD, CLOCK, MAKE_ID, PLAN, RECORD, STORE
from monitor.web.middleware import RequestProblem
from monitor.web.operations import Body, Query, answer, read_body, read_query, several_wrong, wrong

HORIZON = timedelta(days=366)
LONGEST = timedelta(days=366)
FARTHEST = timedelta(days=3653)
NEXT_TIMES = 3

Source = Literal["file", "stored"]
Ids = Annotated[tuple[str, ...], Field(max_length=5000)]


class WindowsQuery(Query):
    state: Annotated[
        Literal["current", "all"], Field(description="current: neither cancelled nor over; all: those too")
    ] = "current"


class CancelQuery(Query):
    by: Annotated[str, Field(max_length=100, description="who acts; the token's name when it isn't given")] = ""


class NewWindow(Body):
    """Planned work. It covers the points named, those of the areas, and those that have all of the labels."""

    id: Annotated[
        str,
        Field(
            pattern=r"^([A-Za-z0-9][A-Za-z0-9._-]{0,63})?$",
            description="a name of the caller's own: sent again with the same plan, it plans nothing twice",
        ),
    ] = ""
    name: Annotated[str, Field(min_length=1, max_length=200)]
    begin: AwareDatetime
    end: Annotated[AwareDatetime | None, Field(description="the first time's end; or give duration_seconds")] = None
    duration_seconds: Annotated[float | None, Field(gt=0, le=LONGEST.total_seconds(), allow_inf_nan=False)] = None
    rule: Annotated[
        str, Field(max_length=500, description="an RFC 5545 RRULE in Asia/Ho_Chi_Minh, such as FREQ=WEEKLY;BYDAY=SU")
    ] = ""
    points: Ids = ()
    areas: Ids = ()
    labels: Annotated[dict[str, str], Field(max_length=50, default_factory=dict)]
    by: Annotated[str, Field(max_length=100)] = ""

    @model_validator(mode="after")
    def _one_length(self) -> NewWindow:
        if (self.end is None) == (self.duration_seconds is None):
            raise ValueError("give one of end and duration_seconds")
        return self

    @property
    def duration(self) -> timedelta:
        """How long it takes each time."""
        return self.end - self.begin if self.end else timedelta(seconds=self.duration_seconds or 0)


async def windows(request: web.Request) -> web.Response:
    """GET /api/v1/maintenance."""
    query = read_query(request, WindowsQuery)
    now = request.app[CLOCK]()
    described = [_described(window, "file", now) for window in request.app[BOARD].config.maintenance]
    described += [_described(window, "stored", now) for window in await request.app[STORE].windows()]
    chosen = [each for each in described if query.state == "all" or not each.over]
    return answer(records.WindowList(windows=sorted(chosen, key=_rank)))


async def create(request: web.Request) -> web.Response:
    """POST /api/v1/maintenance: in force at once where its time has come."""
    access = request.app[ACCESS]
    caller = await access.admit(request, Scope.OPERATE, act="plan maintenance")
    body = await read_body(request, NewWindow)
    now = request.app[CLOCK]()
    if abs(body.begin - now) > FARTHEST:
        raise wrong("begin", "lies more than ten years from now")
    if body.duration > LONGEST:
        raise wrong("end", "lies more than a year after the begin: plan several windows, or give a rule")
    window = Window(
        id=body.id or request.app[MAKE_ID](), name=body.name, begin=body.begin.astimezone(UTC), duration=body.duration,
        rule=body.rule, points=body.points, areas=body.areas, labels=body.labels,
        created_by=caller.actor(body.by), created_at=now,
    )  # fmt: skip
    if body.id and (same := await _planned_before(request, window)):
        await _take_effect(request)
        return answer(records.WindowAnswer(changed=False, window=_described(same, "stored", now)), HTTPStatus.CREATED)
    problems = tuple(_problems(window, request.app[BOARD].config))
    if problems:
        raise several_wrong(problems)
    if not _coming(window, now):
        raise wrong("begin", "the window is over already; write a begin whose end is to come")
    await request.app[STORE].put_window(window)
    await _take_effect(request)
    await access.note(caller, "plan maintenance", f"maintenance/{window.id}", window.name, by=body.by)
    described = _described(window, "stored", request.app[CLOCK]())
    return answer(records.WindowAnswer(changed=True, window=described), HTTPStatus.CREATED)


async def cancel(request: web.Request) -> web.Response:
    """DELETE /api/v1/maintenance/{id}: from now on it covers nothing."""
    access = request.app[ACCESS]
    name = request.match_info["id"]
    caller = await access.admit(request, Scope.OPERATE, act="cancel maintenance", subject=f"maintenance/{name}")
    query = read_query(request, CancelQuery)
    if _is_in_file(request, name):
        raise RequestProblem(
            HTTPStatus.CONFLICT, f"window {name!r} stands in the configuration: remove it there, then reload"
        )
    window = await _stored(request, name)
    if window is None:
        raise RequestProblem(HTTPStatus.NOT_FOUND, f"there is no maintenance window {name!r}")
    now = request.app[CLOCK]()
    changed = await request.app[STORE].cancel_window(name, now)
    if changed:
        window = replace(window, cancelled_at=now)
        await _take_effect(request)
        await access.note(caller, "cancel maintenance", f"maintenance/{name}", window.name, by=query.by)
    described = _described(window, "stored", request.app[CLOCK]())
    return answer(records.WindowAnswer(changed=changed, window=described))


async def _planned_before(request: web.Request, window: Window) -> Window | None:
    """The stored window of that id when it is the same plan; RequestProblem (409) when the id is another's."""
    there = await _stored(request, window.id)
    if there is None and not _is_in_file(request, window.id):
        return None
    if there is None or window != replace(
        there, created_by=window.created_by, created_at=window.created_at, cancelled_at=None
    ):
        raise RequestProblem(HTTPStatus.CONFLICT, f"the id {window.id!r} is another window's: choose another")
    return there


async def _stored(request: web.Request, name: str) -> Window | None:
    return next((each for each in await request.app[STORE].windows() if each.id == name), None)


def _is_in_file(request: web.Request, name: str) -> bool:
    return any(window.id == name for window in request.app[BOARD].config.maintenance)


async def _take_effect(request: web.Request) -> None:
    await request.app[PLAN]()
    await request.app[RECORD].settled()


def _problems(window: Window, config: Config) -> Iterable[ParameterProblem]:
    """What is wrong with it, and what it names that doesn't exist."""
    for text in validate(window):
        yield ParameterProblem(parameter="rule" if text.startswith("rule: ") else "window", detail=text)
    labels = {f"{label}={value}" for point in config.points for label, value in point.labels.items()}
    known = (
        ("points", window.points, {point.id for point in config.points}),
        ("areas", window.areas, {area.id for area in config.areas}),
        ("labels", [f"{label}={value}" for label, value in window.labels.items()], labels),
    )
    unknown = [(parameter, name) for parameter, named, there in known for name in named if name not in there]
    for parameter, name in unknown:
        yield ParameterProblem(parameter=parameter, detail=f"there is no {parameter[:-1]} {name!r}")
    if any(named for _, named, _ in known) and not unknown and not any(covers(window, each) for each in config.points):
        yield ParameterProblem(parameter="window", detail="covers no point: none is in the area, or has all the labels")


def _described(window: Window, source: Source, now: datetime) -> records.WindowDocument:
    return records.WindowDocument.of(window, source, in_force=in_force(window, now), spans=_coming(window, now))


def _coming(window: Window, now: datetime) -> Sequence[tuple[datetime, datetime]]:
    """Its next times, the one under way among them, whole: from its begin, also where it was made only since."""
    if window.cancelled_at is not None and window.cancelled_at <= now:
        return ()
    horizon = max(now, window.begin) + HORIZON
    return [span for span in spans(replace(window, created_at=None), now - window.duration, horizon) if span[1] > now][
        :NEXT_TIMES
    ]


def _rank(window: records.WindowDocument) -> tuple[bool, bool, datetime, str]:
    return window.over, not window.in_force, window.next[0].begin if window.next else window.begin, window.id
