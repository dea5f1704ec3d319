"""Search as people type."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.web.search import fold, matches


@pytest.mark.parametrize(
    ("query", "text", "found"),
    [
        ("cua nam", "Phường Cửa Nam", True),
        ("CỬA", "Phường Cửa Nam", True),
        ("nam", "Phường Cửa Nam", True),
        ("na", "Phường Cửa Nam", True),
        ("am", "Phường Cửa Nam", False),
        ("nam cua", "Phường Cửa Nam", False),
        ("dong da", "Đống Đa", True),
        ("quoc tu", "Văn Miếu - Quốc Tử Giám", True),
        ("mieu quoc", "Văn Miếu - Quốc Tử Giám", True),
        ("01009", "01009", True),
        ("009", "01009", False),
        ("  ", "anything", True),
        ("", "", True),
    ],
)
def test_words_are_found_by_their_beginning(query: str, text: str, found: bool) -> None:
    assert matches(query, "another field", text) is found


@given(st.text())
def test_folding_twice_is_folding_once(text: str) -> None:
    assert fold(fold(text)) == fold(text)


@given(st.text(alphabet="aăâáàđêếoơờuưứyỳ bcklmnt", min_size=1))
def test_everything_finds_itself(text: str) -> None:
    assert matches(text, text)
    assert matches(text.upper(), text)
