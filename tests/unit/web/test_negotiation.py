"""Content coding by the client's wishes."""

import pytest

from monitor.web.negotiation import best_coding


@pytest.mark.parametrize(
    ("accept", "coding"),
    [
        ("", ""),
        ("gzip", "gzip"),
        ("br, gzip", "br"),
        ("gzip, br", "br"),
        ("gzip;q=1.0, br;q=0.5", "gzip"),
        ("GZIP ; Q=0.8", "gzip"),
        ("*", "br"),
        ("br;q=0, *", "gzip"),
        ("identity", ""),
        ("gzip;q=0", ""),
        ("gzip;q=oh, br;q=0", ""),
        ("deflate, , zstd", ""),
        ("gzip;level=9", "gzip"),
        ("gzip;q=nan", ""),
    ],
)
def test_the_best_that_is_offered(accept: str, coding: str) -> None:
    assert best_coding(accept, ("br", "gzip")) == coding
