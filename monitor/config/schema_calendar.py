"""The calendar and planned work, as the file writes them."""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta
from typing import Annotated, Self

from pydantic import BeforeValidator, Field, WithJsonSchema, model_validator

from monitor.calendar import ZONE
from monitor.calendar.model import Calendar
from monitor.config.fields import Duration, Hours, Id, Name, Text, Words
from monitor.config.section import Section

_DAY = re.compile(r"2[0-9]{3}-[0-9]{2}-[0-9]{2}")
_MOMENT = re.compile(rf"({_DAY.pattern})[ T]([0-9]{{2}}:[0-9]{{2}}(?::[0-9]{{2}})?)(Z|[+-][0-9]{{2}}:[0-9]{{2}})?")


def parse_moment(value: object) -> datetime:
    """``2026-12-01 22:00`` as an aware time: Hanoi's when it has no offset. Raises ValueError."""
    found = _MOMENT.fullmatch(value) if isinstance(value, str) else None
    if found is not None:
        try:
            moment = datetime.fromisoformat(f"{found[1]}T{found[2]}{found[3] or ''}")
        except ValueError:
            found = None
    if found is None:
        raise ValueError(f'{_shown(value)} is no time; write for example "2026-12-01 22:00"')
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=ZONE)


def _day(value: object) -> date:
    try:
        if isinstance(value, str) and _DAY.fullmatch(value):
            return date.fromisoformat(value)
    except ValueError:
        pass
    raise ValueError(f'{_shown(value)} is no day; write for example "2027-02-05"')


def _shown(value: object) -> str:
    return repr(value) if isinstance(value, str) else "the value"


Day = Annotated[
    date,
    BeforeValidator(_day),
    WithJsonSchema({"type": "string", "pattern": rf"^{_DAY.pattern}$", "examples": ["2027-02-05"]}),
]
Moment = Annotated[
    datetime,
    BeforeValidator(parse_moment),
    WithJsonSchema({"type": "string", "pattern": rf"^{_MOMENT.pattern}$", "examples": ["2026-12-01 22:00"]}),
]


class HolidaysSection(Section):
    """Vietnam's public holidays are known; decrees come late."""

    add: list[Day] = Field(default=[], description="days on which nobody works")
    remove: list[Day] = Field(default=[], description="public holidays on which people work after all")


class CalendarSection(Section):
    """The Centre's own hours."""

    office_hours: Hours = Calendar().office_hours
    holidays: HolidaysSection = HolidaysSection()


class WindowSection(Section):
    """Planned work: it covers the points named, those of the areas, and those that have all of the labels."""

    id: Id
    name: Words
    begin: Moment = Field(description="Hanoi's time when it has no offset")
    end: Moment | None = None
    duration: Duration | None = None
    rule: Text = Field(default="", description="RFC 5545 RRULE", examples=["FREQ=WEEKLY;BYDAY=SU"])
    points: list[Text] = Field(default=[])
    areas: list[Text] = Field(default=[])
    labels: dict[Name, Text] = Field(default={})

    @model_validator(mode="after")
    def _one_length(self) -> Self:
        if self.end is None and self.duration is None:
            raise ValueError("has neither end nor duration; write `duration: 2h`")
        if self.end is not None and self.duration is not None:
            raise ValueError("has both an end and a duration; keep one of them")
        return self

    @property
    def length(self) -> timedelta:
        """From its begin to its end."""
        if self.duration is not None:
            return self.duration
        return self.end - self.begin if self.end is not None else timedelta(0)
