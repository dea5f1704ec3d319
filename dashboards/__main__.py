"""``python -m dashboards [FOLDER]``: write every dashboard's JSON beside this file, or into FOLDER."""

from __future__ import annotations

import sys
from pathlib import Path

from dashboards.book import BOOK, text


def write(folder: Path) -> None:
    """Write each dashboard of the book."""
    for name, make in BOOK.items():
        (folder / f"{name}.json").write_text(text(make()), encoding="utf-8")


write(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent)
