"""The JACK server that tests share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.real import jack_server
from tests.real.jack_server import JackServer
from tests.real.needs import needs


@pytest.fixture(scope="package", autouse=True)
def _registry() -> None:
    jack_server.forget_the_dead()


# Not for the session: PortAudio, once loaded in this process while the server ran, aborts the
# process at its end because the server has gone.
@pytest.fixture(scope="package")
def jack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[JackServer]:
    """A JACK server at 48 kHz with a period of 128 samples; ask for it before PortAudio loads."""
    needs("jackd", "jack_lsp", "jack_connect")
    with jack_server.running(tmp_path_factory.mktemp("jack") / "jackd.log") as server:
        yield server
