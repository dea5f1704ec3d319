"""The whole life is lived once a session: every test asks about it."""

from collections.abc import Iterator

import pytest

from tests.stack.life import Life


@pytest.fixture(scope="session")
def life(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Life]:
    lived = Life(tmp_path_factory.mktemp("life"))
    try:
        lived.start()
        yield lived
    finally:
        lived.stop()
