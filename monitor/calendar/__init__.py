"""When people are there: opening hours, holidays, maintenance windows. Pure functions over aware datetimes."""

from zoneinfo import ZoneInfo

ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
"""The Centre's time zone, whatever the machine's."""
