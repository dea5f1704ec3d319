"""A small configuration and a board that is driven by seconds and letters, for the tests of the board."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from monitor.board import Applied, Board
from monitor.config.model import Config, Endpoint, Module, Point
from monitor.model import EndpointKey, FlagChange, Reason, Result, Resume, Row, Status, StoredResult, Transition
from monitor.probes.base import Options

T0 = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)
LETTERS = {"U": Reason.OK, "L": Reason.LATENCY, "D": Reason.TIMEOUT, "?": Reason.INTERNAL}


def moment(seconds: float) -> datetime:
    return T0 + timedelta(seconds=seconds)


def seconds(time: datetime | None) -> float | None:
    return None if time is None else (time - T0).total_seconds()


def endpoint(name: str, *, point: str = "a", **changes: object) -> Endpoint:
    values: dict[str, object] = {
        "key": EndpointKey(point, name),
        "name": name,
        "target": f"{point}.example:7443",
        "module": Module(name="tcp", prober="tcp", options=Options()),
        "interval": timedelta(seconds=15),
        "timeout": timedelta(seconds=3),
        "retry_every": timedelta(seconds=1),
        "down_after": 3,
        "up_after": 2,
        "link": name == "link",
        "critical": name != "dns",
        "declared": True,
        "fingerprint": "1",
    }
    return Endpoint(**(values | changes))  # type: ignore[arg-type]


def point(name: str = "a", endpoints: Sequence[Endpoint | str] = ("link", "portal"), kind: str = "ward") -> Point:
    made = [endpoint(item, point=name) if isinstance(item, str) else item for item in endpoints]
    return Point(id=name, name=name.upper(), kind=kind, endpoints=tuple(made))


def told(rows: Sequence[Transition]) -> list[tuple[str, float | None, str]]:
    """Rows as (endpoint or "", second, status)."""
    return [(row.key.endpoint, seconds(row.at), row.status.value) for row in rows]


class World:
    """A board with its clock, everything that it decided, and everything that would be stored."""

    def __init__(self, config: Config | None = None, *, started: float = 0, resume: Resume | None = None) -> None:
        self.now = moment(started)
        self.config = config or Config(points=(point(),))
        self.board = Board(self.config, clock=lambda: self.now)
        self.rows: list[Row] = []
        self.results: dict[EndpointKey, list[StoredResult]] = {}
        if resume is not None:
            self.board.restore(resume)

    def see(self, second: float, name: str, letter: str = "U", *, of: str = "a", show: bool = True) -> Applied:
        self.now = max(self.now, moment(second))
        key = EndpointKey(of, name)
        result = Result(
            key=key,
            vantage="local",
            begun=moment(second),
            latency_seconds=0.1,
            reason=LETTERS[letter],
            detail=f"{name} at {second}" if letter != "U" else "",
        )
        applied = self.board.apply(result)
        self.results.setdefault(key, []).append(StoredResult(result.begun, result.reason, 0.1, "local"))
        self.keep(applied.rows, show=show)
        return applied

    def play(self, story: str, *, begin: float = 0, every: float = 1) -> None:
        """``link:UUDD portal:UU.U``: one column a second; a dot is a moment without a result."""
        lines = dict(part.split(":") for part in story.split())
        for column in range(max(map(len, lines.values()))):
            for name, letters in lines.items():
                if column < len(letters) and letters[column] != ".":
                    self.see(begin + column * every, name, letters[column])

    def grow_old(self, second: float) -> list[Row]:
        self.now = moment(second)
        return self.keep(self.board.age(self.now))

    def reload(self, config: Config) -> list[Row]:
        self.config = config
        return self.keep(self.board.reload(config))

    def keep(self, rows: Sequence[Row], *, show: bool = True) -> list[Row]:
        self.rows += rows
        if show:
            self.board.show(rows)
        return list(rows)

    def view(self, name: str = "a"):
        return self.board.points()[name]

    def status(self, name: str = "a") -> Status:
        return self.view(name).status

    def resume(self, *, last: int = 30) -> Resume:
        """What a store would give back."""
        return Resume(
            statuses={row.key: row for row in self.rows if isinstance(row, Transition)},
            flags={(row.key.point, row.flag): row for row in self.rows if isinstance(row, FlagChange)},
            fingerprints={e.key: e.fingerprint for e in self.config.endpoints() if e.declared},
            recent={key: results[-last:] for key, results in self.results.items()},
            last_alive=self.now,
        )
