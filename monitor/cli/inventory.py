"""``monitor inventory``: the points as a spreadsheet, and back."""

from __future__ import annotations
